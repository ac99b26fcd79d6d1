"""What a person set, and where our folders are.

``config.toml`` is the person's and never rewritten; what the dashboard changes with keys
goes to ``settings.toml`` beside it and wins for those few keys.  Read once at start by the
command line; written on the reader thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from providers.base import Environment
from providers.engine.files import write_atomic
from providers.engine.settings_file import SettingsError, SettingsFile, keep_parsed, quoted, read_settings
from providers.engine.sidecar_names import SWITCHES
from providers.engine.values import clean
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_STAND_IN = re.compile(r"https?://(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(:\d{1,5})?/?")
REMEMBERED = (
    "theme", "background", "clock", "show", "order", "compact", "hidden", "polling", "watch_percent",
    "high_percent", "bell", "notify", "desktop", "quiet_hours", "pane_title", "vault",
)  # fmt: skip
"""The keys that settings.toml may hold."""

_TRUE = frozenset({"1", "true", "yes", "on"})


class Settings(Record):
    """Every setting with its default."""

    theme: str = "auto"
    """A theme's name, or auto: dark or light as the terminal says."""
    background: str = "theme"
    """``terminal`` keeps the terminal's own background."""
    clock: int = 24
    """24 or 12 hours."""
    show: str = "used"
    """Bars and numbers show what is ``used`` or ``left``."""
    order: str = "config"
    """Panels by ``config``, ``fullest`` first, or next ``reset`` first."""
    compact: bool = False
    """No blank rows, no plan and e-mail."""
    ascii: bool = False
    """ASCII characters only."""
    mouse: bool = True
    """Clicks and the wheel; off leaves selecting text to the terminal."""
    read_only: bool = False
    """Never change anything, not even view settings."""
    panels: tuple[str, ...] = ()
    """Provider ids in panel order; those left out follow in their usual order."""
    hidden: tuple[str, ...] = ()
    """Provider ids whose panels are not shown."""
    watch_percent: float = 75.0
    """From here a window asks for a look."""
    high_percent: float = 90.0
    """From here it is marked as high."""
    pace_points: float = 6.0
    """How far ahead of an even pace use must be before a run-out is said."""
    pace_minutes: float = 10.0
    """How old a window must be before its pace is judged."""
    polling: str = "ask"
    """Whether usage endpoints are asked by themselves: ``on``, only by ``key``, or ``ask`` first."""
    bell: bool = True
    """The terminal bell for a full window and an expired login."""
    notify: str = "auto"
    """Notices through the terminal: ``auto``, ``osc9``, ``osc777``, ``osc99`` or ``off``."""
    desktop: bool = False
    """Notices through notify-send or osascript."""
    notify_command: tuple[str, ...] = ()
    """A program and its arguments that gets each notice as JSON on stdin."""
    quiet_hours: str = ""
    """Local time without notices, like ``22:00-07:00``."""
    pane_title: bool = True
    """Says the first line in the terminal's title."""
    vault: str = ""
    """Where secrets are kept: ``keyring``, ``encrypted``, ``none`` or ``plaintext``; "" until one is
    chosen."""
    disabled: frozenset[str] = frozenset()
    """Providers of which nothing is read (``[providers.<id>] enabled = false``)."""
    sources_off: frozenset[tuple[str, str]] = frozenset()
    sources_on: frozenset[tuple[str, str]] = frozenset()
    """Single sources that are not read (``[sources.<provider>] <id> = false``)."""
    keys: Mapping[str, str] = MappingProxyType({})
    """Other keys for actions (``[keys] "view.zoom" = "f"``)."""
    aliases: Mapping[str, str] = MappingProxyType({})
    """Names for accounts, by e-mail or account id."""
    endpoints: Mapping[str, str] = MappingProxyType({})
    """Loopback stand-ins by their variable (``QUOTADECK_CLAUDE_URL``); only tests set them."""
    origins: Mapping[str, str] = MappingProxyType({})
    """The file that each setting was last taken from, by key; left out = the default."""
    notes: tuple[str, ...] = ()
    """What was wrong with files of ours, said in doctor; never stops a start."""


Check = Callable[[object], str]
"""Returns what the value must be, or "" if it is right."""


def _one_of(*words: str) -> Check:
    return lambda v: "" if v in words and isinstance(v, str) else f"one of {', '.join(words)}"


def _boolean(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "a text"


def _number(low: float, high: float) -> Check:
    def check(value: Any) -> str:
        right = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return "" if right else f"a number from {low:g} to {high:g}"

    return check


def _hours(value: Any) -> str:
    return "" if isinstance(value, int) and value in (12, 24) else "12 or 24"


def _span(value: Any) -> str:
    return "" if isinstance(value, str) and (not value or _SPAN.fullmatch(value)) else "like 22:00-07:00"


_CHECKS: dict[str, Check] = {
    "theme": _text,
    "background": _one_of("theme", "terminal"),
    "clock": _hours,
    "show": _one_of("used", "left"),
    "order": _one_of("config", "fullest", "reset"),
    "compact": _boolean,
    "ascii": _boolean,
    "mouse": _boolean,
    "read_only": _boolean,
    "watch_percent": _number(1, 100),
    "high_percent": _number(1, 100),
    "pace_points": _number(0, 100),
    "pace_minutes": _number(0, 1440),
    "polling": _one_of("ask", "on", "key"),
    "bell": _boolean,
    "notify": _one_of("auto", "osc9", "osc777", "osc99", "off"),
    "desktop": _boolean,
    "quiet_hours": _span,
    "pane_title": _boolean,
    "vault": _one_of("keyring", "encrypted", "none", "plaintext"),
}
_LISTS = ("panels", "hidden", "notify_command")
_TABLES = ("providers", "sources", "keys", "aliases")


def load(environment: Environment, known: tuple[str, ...]) -> Settings:
    """The settings of this machine; ``known`` are the provider ids there are.

    Raises `SettingsError` for a mistake in config.toml.  What is wrong in settings.toml is
    left aside and noted: it is ours, and holds nothing that could not be chosen again.
    """
    settings = Settings()
    config = read_settings(environment, "config.toml")
    if config is not None:
        settings = _applied(settings, config, known)
    try:
        ours = read_settings(environment, "settings.toml")
    except SettingsError as error:
        settings, ours = replace(settings, notes=(f"{error}; it is left aside",)), None
    if ours is not None:
        settings = _remembered(settings, ours, known)
    off = {p for p in known if _switched_off(p, environment.variables)}
    return replace(settings, disabled=settings.disabled | off, endpoints=_stand_ins(environment.variables))


def _stand_ins(variables: Mapping[str, str]) -> dict[str, str]:
    """The loopback addresses of the environment.  Raises `SettingsError` for any other: a
    stray variable must not send a bearer away."""
    found: dict[str, str] = {}
    for name, value in variables.items():
        if name.startswith("QUOTADECK_") and name.endswith("_URL") and value:
            if not _STAND_IN.fullmatch(value):
                raise SettingsError(f"{name} must be a loopback address like http://127.0.0.1:8000; unset it")
            found[name] = value.rstrip("/")
    return found


def save(environment: Environment, **changes: object) -> None:
    """Merges changes into settings.toml and keeps what else stands there.

    Raises ValueError for a key that it may not hold or a value that the key cannot have,
    OSError if the file cannot be written.  The last of two panes that save wins.
    """
    table = {key: list(v) if isinstance(v, tuple) else v for key, v in changes.items()}
    for key, value in table.items():
        if key not in REMEMBERED:
            raise ValueError(f"settings.toml does not hold {key}")
        must = _wrong(key, value) or _unremembered(key, value)
        if must:
            raise ValueError(f"{key} must be {must}, not {quoted(value)}")
    try:
        ours = read_settings(environment, "settings.toml")
    except SettingsError:
        ours = None
    import tomli_w

    merged = {**(ours.table if ours is not None else {}), **table}
    write_atomic(environment.config_dir / "settings.toml", tomli_w.dumps(merged).encode())
    keep_parsed(environment)


def chosen_vault(environment: Environment) -> str:
    """The ``vault`` of settings.toml as it is now, "" if none is there: another copy may have
    chosen since we started."""
    try:
        ours = read_settings(environment, "settings.toml")
    except SettingsError:
        return ""
    value = ours.table.get("vault") if ours is not None else None
    wrong = _wrong("vault", value) or _unremembered("vault", value)
    return value if isinstance(value, str) and not wrong else ""


def environment_from(variables: Mapping[str, str], home: Path, platform: str) -> Environment:
    """Our folders by the XDG rules: a relative value is ignored, as they ask."""

    def folder(variable: str, default: str) -> Path:
        value = variables.get(variable, "")
        return Path(value if value.startswith("/") else home / default) / "quotadeck"

    return Environment(
        home=home,
        variables=variables,
        config_dir=folder("XDG_CONFIG_HOME", ".config"),
        state_dir=folder("XDG_STATE_HOME", ".local/state"),
        data_dir=folder("XDG_DATA_HOME", ".local/share"),
        platform=platform,
    )


def _applied(settings: Settings, file: SettingsFile, known: tuple[str, ...]) -> Settings:
    """The settings with config.toml on top; the first mistake is raised."""
    changes: dict[str, Any] = {}
    for key, value in file.table.items():
        if key in _TABLES:
            changes.update(_table(file, key, value, known))
        elif key in _CHECKS or key in _LISTS:
            changes[key] = _checked(file, key, value, known)
        else:
            hint = _hint(key, (*_CHECKS, *_LISTS, *_TABLES))
            raise file.error("", key, f"there is no setting {quoted(key)}{hint}")
    merged = replace(settings, **changes, origins=dict.fromkeys(file.table, file.shown))
    if merged.watch_percent > merged.high_percent:
        key = "watch_percent" if "watch_percent" in changes else "high_percent"
        raise file.error("", key, "watch_percent must not be above high_percent")
    return merged


def _remembered(settings: Settings, file: SettingsFile, known: tuple[str, ...]) -> Settings:
    """The settings with settings.toml on top.  Keys of another version are passed over, and so
    is ``vault`` where config.toml says it: of secrets the person's own word counts."""
    changes: dict[str, Any] = {}
    notes = list(settings.notes)
    for key in REMEMBERED:
        if key in file.table and not (key == "vault" and settings.vault):
            try:
                must = _unremembered(key, file.table[key])
                if must:
                    raise file.error("", key, f"{key} must be {must} in a file of ours")
                changes[key] = _checked(file, key, file.table[key], known)
            except SettingsError as error:
                notes.append(f"{error}; it is left aside")
    origins = {**settings.origins, **dict.fromkeys(changes, file.shown)}
    return replace(settings, **changes, notes=tuple(notes), origins=origins)


def objection(key: str, value: object) -> str:
    """What the value of a plain setting must be, or "" if it is right."""
    return _wrong(key, value)


def _wrong(key: str, value: Any) -> str:
    """What the value of a plain setting must be, or "" if it is right."""
    if key in _CHECKS:
        return _CHECKS[key](value)
    right = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "" if right else f"a list of {'texts' if key == 'notify_command' else 'provider ids'}"


def _unremembered(key: str, value: object) -> str:
    """As `_wrong`, for what only config.toml may say: plain text is never chosen with a key."""
    return "keyring, encrypted or none" if key == "vault" and value == "plaintext" else ""


def _checked(file: SettingsFile, key: str, value: Any, known: tuple[str, ...]) -> Any:
    must = _wrong(key, value)
    if must:
        raise file.error("", key, f"{key} must be {must}, not {quoted(value)}")
    if key == "notify_command":
        return tuple(value)
    return _ids(file, key, value, known) if key in _LISTS else value


def _ids(file: SettingsFile, key: str, value: list[str], known: tuple[str, ...]) -> tuple[str, ...]:
    for item in value:
        if item not in known:
            raise file.error("", key, f"{key} names {quoted(item)}; there are {', '.join(known)}")
    return tuple(dict.fromkeys(value))


def _table(file: SettingsFile, name: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise file.error("", name, f"{name} must be a table, written [{name}]")
    if name in ("keys", "aliases"):
        return {name: _texts(file, name, value)}
    for provider in value:
        if provider not in known:
            what = f"there is no provider {quoted(provider)}{_hint(provider, known)}"
            raise file.error(name, provider, f"{what}; there are {', '.join(known)}")
    if name == "providers":
        return {"disabled": frozenset(p for p, t in value.items() if not _enabled(file, p, t))}
    said = {(p, k): on for p, t in value.items() for k, on in _sources(file, p, t).items()}
    return {f"sources_{name}": frozenset(place for place, on in said.items() if on is wanted)
            for name, wanted in (("on", True), ("off", False))}  # fmt: skip


def _texts(file: SettingsFile, section: str, table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """A table of texts.  ``view.zoom = "f"`` without quotes around the key means the same as
    with them: TOML makes a table of it, a person means the id."""
    found: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and section == "keys":
            found.update(_texts(file, section, value, f"{name}."))
        elif isinstance(value, str):
            found[name] = clean(value)
        else:
            raise file.error(section, name, f"{quoted(name)} must be a text, not {quoted(value)}")
    return found


def _enabled(file: SettingsFile, provider: str, table: Any) -> bool:
    section = f"providers.{provider}"
    if not isinstance(table, dict):
        raise file.error("providers", provider, f"{provider} must be a table, written [{section}]")
    for key, value in table.items():
        if key != "enabled":
            raise file.error(section, key, f"there is no setting {quoted(key)}{_hint(key, ('enabled',))}")
        if not isinstance(value, bool):
            raise file.error(section, key, f"enabled must be true or false, not {quoted(value)}")
    return bool(table.get("enabled", True))


def _sources(file: SettingsFile, provider: str, table: Any) -> dict[str, bool]:
    section = f"sources.{provider}"
    if not isinstance(table, dict):
        raise file.error("sources", provider, f"{provider} must be a table, written [{section}]")
    for key, value in table.items():
        if not isinstance(value, bool):
            raise file.error(section, key, f"{quoted(key)} must be true or false, not {quoted(value)}")
    return table


def _switched_off(provider: str, variables: Mapping[str, str]) -> bool:
    """By our own variable, or by the one that tokenmaxxer has for it."""
    names = (f"QUOTADECK_{provider.upper().replace('-', '_')}_DISABLED", SWITCHES.get(provider, ""))
    return any(variables.get(name, "").lower() in _TRUE for name in names if name)


def _hint(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else ""
