"""One TOML file of settings: read with care, and errors that name file and line.

What was parsed is kept beside the state with the text that it came from, and counts only while
the file has that text.

Used by settings.py, and for accounts.toml by accounts/enrolled.py.
"""

from __future__ import annotations

import contextlib
import json

from providers.base import Environment, FileBytes, Unreadable
from providers.engine.files import read_file, write_atomic
from providers.engine.values import clean, looks_secret
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONFIG_BYTES = 1024 * 1024
ACCOUNTS = "accounts.toml"
NAMES = ("config.toml", "settings.toml", ACCOUNTS)
PARSED = "settings.json"


class SettingsError(Exception):
    """A setting is wrong; the text is one sentence with file and line."""


class SettingsFile(Record):
    """One TOML file with its text, so that an error can name the line."""

    shown: str
    text: str
    table: dict[str, Any]

    def error(self, section: str, key: str, what: str) -> SettingsError:
        return SettingsError(f"{self.shown} line {_line_of(self.text, section, key)}: {what}")


def read_settings(environment: Environment, name: str) -> SettingsFile | None:
    """The file of this name in our config folder, None if there is none.  Raises `SettingsError`."""
    path = environment.config_dir / name
    found = read_file(path, CONFIG_BYTES, follow=True)
    home = environment.home
    shown = clean(f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path), 200)
    if found is None:
        return None
    if isinstance(found, Unreadable):
        raise SettingsError(f"{shown} {found.reason}")
    kept = _kept(environment).get(name)
    text = found.data.decode("utf-8", "replace")
    if isinstance(kept, dict) and kept.get("text") == text and isinstance(kept.get("table"), dict):
        return SettingsFile(shown, text, kept["table"])
    return _parsed(shown, found)


def keep_parsed(environment: Environment) -> None:
    """Keeps what the settings files say now in a form that is read without a TOML parser, which
    is 5 ms of every command.  Nothing is kept of a file that cannot be read, nor one with dates."""
    tables: dict[str, Any] = {}
    for name in NAMES:
        with contextlib.suppress(SettingsError, TypeError, ValueError):
            file = read_settings(environment, name)
            if file is not None:
                json.dumps(file.table)
                tables[name] = {"text": file.text, "table": file.table}
    if tables != _kept(environment):
        with contextlib.suppress(OSError):
            write_atomic(environment.state_dir / PARSED, json.dumps(tables).encode())


def _kept(environment: Environment) -> dict[str, Any]:
    found = read_file(environment.state_dir / PARSED, 2 * CONFIG_BYTES)
    if not isinstance(found, FileBytes):
        return {}
    try:
        tables = json.loads(found.data)
    except (ValueError, RecursionError):
        return {}
    return tables if isinstance(tables, dict) else {}


def _parsed(shown: str, found: FileBytes) -> SettingsFile:
    import tomllib

    try:
        # Some editors put a BOM in front, which TOML does not know.
        text = found.data.decode("utf-8-sig")
        return SettingsFile(shown, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = found.data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{shown} line {line}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        line = int("".join(c for c in where.partition(",")[0] if c.isdigit()) or len(text.splitlines()) or 1)
        raise SettingsError(f"{shown} line {line}: {clean(what[:1].lower() + what[1:], 200)}") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{shown} is not TOML that can be read") from None


def quoted(value: Any) -> str:
    """A value as an error may quote it: one short printable line, never a credential."""
    if looks_secret(str(value)):
        return "what looks like a credential"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{clean(value, 40)}"' if isinstance(value, str) else clean(str(value), 40)


def _line_of(text: str, section: str, key: str) -> int:
    """The line that sets a key, also if it is written with dots, else the nearest above it.

    A small scan: it only has to be right for files that a person writes.
    """
    wanted = f"{section}.{key}".strip(".")
    here, best, depth = "", 1, -1
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].strip()
        if bare.startswith("["):
            name = here = _plain(bare.strip("[]"))
        elif "=" in bare:
            name = f"{here}.{_plain(bare.partition('=')[0])}".strip(".")
        else:
            continue
        if f"{name}.".startswith(f"{wanted}."):
            return number
        if wanted.startswith(f"{name}.") and len(name) > depth:
            best, depth = number, len(name)
    return best


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.strip().split("."))
