"""The accounts of aimonitor: named in its database, their logins in the keyring.

Facts: japananh/aimonitor (internal/store/migrations 0001-0008, internal/cli/add.go; the lock
of internal/daemon/switcher.go).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.accounts.importers.candidate import (
    Candidate,
    CannotImport,
    SecretReader,
    alias_of,
    judged,
    label_of,
    refused,
)
from providers.accounts.importers.sources import MOST, Items, NotRead, unknown_form
from providers.accounts.login import LoginStore
from providers.base import MIB, Environment, Unparseable, Unreadable
from providers.engine.files import open_regular
from providers.engine.rows import read_rows
from providers.engine.values import clean, load_json, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOOL = "aimonitor"
_KNOWN_MIGRATIONS = 8
_REFERENCE = re.compile(r"(?:aimonitor-)?([A-Za-z0-9-]{1,64})")
_QUERY = """
SELECT 'account ' || id, json_object('provider', provider, 'label', label, 'email', email,
    'reference', keyring_ref, 'relogin', needs_relogin) FROM accounts
UNION ALL SELECT 'migration ' || version, '' FROM schema_migrations
"""


def read(
    environment: Environment, stores: Mapping[str, LoginStore], secret: SecretReader | None, now: float
) -> Iterator[Candidate]:
    """Each account.  Its daemon renews logins itself, so all count as still used."""
    rows = _rows(_home(environment) / "aimonitor.db")
    variables = environment.variables
    user = variables.get("USER") or variables.get("LOGNAME") or environment.home.name
    items = Items(secret)
    with _unswitched(environment.home / ".aimonitor-lock"):
        for name, text in rows[:MOST]:
            yield _candidate(name, text, stores["claude"], items, user)


def _home(environment: Environment) -> Path:
    if environment.platform == "darwin":
        return environment.home / "Library/Application Support/aimonitor"
    return environment.folder("XDG_DATA_HOME", ".local/share") / "aimonitor"


def _rows(path: Path) -> list[tuple[str, str]]:
    """The accounts by name.  Raises `CannotImport`."""
    opened = open_regular(path)
    if opened is None:
        raise CannotImport(f"{TOOL} keeps no accounts here: there is no {clean(str(path), 200)}")
    if isinstance(opened, Unreadable):
        raise CannotImport(f"{path.name} of {TOOL} {opened.reason}")
    os.close(opened[0])
    found = read_rows(path, _QUERY, MIB)
    if found is None or isinstance(found, Unreadable):
        raise CannotImport(f"{path.name} of {TOOL} {found.reason if found else 'is gone'}")
    held: Mapping[str, str] = load_json(found.data)
    migrations = [name.removeprefix("migration ") for name in held if name.startswith("migration ")]
    if not migrations or any((number(m[:4]) or 99) > _KNOWN_MIGRATIONS for m in migrations):
        raise unknown_form(path, TOOL)
    return [(name, text) for name, text in held.items() if name.startswith("account ")]


def _candidate(name: str, text: str, store: LoginStore, items: Items, user: str) -> Candidate:
    row = _object(text)
    label = label_of(row.get("label"), row.get("email"), fallback=name)
    blank = Candidate(TOOL, label, "claude", alias=alias_of(row.get("label")))
    reference = _REFERENCE.fullmatch(clean(row.get("reference")))
    if row.get("provider") != "claude":
        return refused(blank, "an account of a kind that this version does not know")
    if number(row.get("relogin")):
        return refused(blank, "aimonitor says that this login has ended: log in to it again")
    if reference is None:
        return refused(blank, "the name of its item in the keyring is none")
    try:
        held = items.get(f"aimonitor-{reference[1]}", user)
    except NotRead as trouble:
        return refused(blank, str(trouble))
    if not held:
        return refused(blank, "the keyring holds no login of it")
    # Its rows name an e-mail and an organisation but no account's uuid: not enough to be sure.
    return judged(blank, store, (held.encode("utf-8", "replace"),))


def _object(text: str) -> Mapping[str, Any]:
    try:
        document = load_json(text.encode("utf-8", "replace"))
    except Unparseable:
        return {}
    return document if isinstance(document, Mapping) else {}


@contextlib.contextmanager
def _unswitched(path: Path) -> Iterator[None]:
    """Keeps it from switching in between, where it has its lock; makes none.  Raises
    `CannotImport` while it switches."""
    opened = open_regular(path)
    if opened is None or isinstance(opened, Unreadable):
        yield
        return
    try:
        fcntl.flock(opened[0], fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(opened[0])
        raise CannotImport(f"{TOOL} is switching accounts just now: try again") from None
    try:
        yield
    finally:
        os.close(opened[0])
