"""The slots of claude-swap: a credential file in base64 for each, in the Keychain on a Mac.

Facts: realiti4/claude-swap:src/claude_swap/paths.py, credentials.py (sequence.json,
``credentials/.creds-<n>-<email>.enc`` and its ``.prev``, ``configs/``, ``.unclaimed-*``;
``sessions/<n>-<slug>/``).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.accounts.importers.candidate import (
    Candidate,
    SecretReader,
    alias_of,
    judged,
    label_of,
    refused,
)
from providers.accounts.importers.sources import (
    MOST,
    Items,
    NotRead,
    copied,
    folders,
    names_in,
    register,
    still_used,
    unknown_form,
)
from providers.accounts.login import LoginStore
from providers.base import Environment, Unparseable
from providers.engine.values import clean, load_json, part
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOOL = "claude-swap"
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_EMAIL = re.compile(r"[^\s/\\@]{1,120}@[^\s/\\@]{1,120}")
_UNCLAIMED = re.compile(r"\.unclaimed-[A-Za-z0-9_-]{1,80}\.enc")
_NAMES = {
    "uuid": "accountUuid",
    "organizationUuid": "organizationUuid",
    "email": "emailAddress",
    "organizationName": "organizationName",
}
"""What sequence.json knows of an account, as Claude Code calls it."""

_API_KEY = "an API key, which is no account to keep"


def read(
    environment: Environment, stores: Mapping[str, LoginStore], secret: SecretReader | None, now: float
) -> Iterator[Candidate]:
    """Each slot, its generation before, its session profiles, and the copies of no slot."""
    home = _home(environment)
    path = home / "sequence.json"
    document, written_at = register(path, TOOL)
    slots = document.get("accounts") if isinstance(document, Mapping) else None
    if not isinstance(slots, Mapping) or document.get("schemaVersion", 1) != 1:
        raise unknown_form(path, TOOL)
    used = still_used(environment, "cswap", written_at, now)
    items = Items(secret)
    services = _services(environment.platform, secret is not None)
    for number, slot in list(slots.items())[:MOST]:
        kept = _Slot(home, number, slot if isinstance(slot, Mapping) else {}, used)
        yield from kept.candidates(stores["claude"], items, services)
    yield from _sessions(home, stores["claude"])
    yield from _unclaimed(home, stores["claude"], used)


def _home(environment: Environment) -> Path:
    """``$XDG_DATA_HOME`` counts if it is absolute; on a Mac it does not count at all."""
    if environment.platform == "darwin":
        return environment.home / ".claude-swap-backup"
    chosen = environment.variables.get("XDG_DATA_HOME", "")
    if chosen.startswith("~/"):
        return environment.home / chosen[2:] / "claude-swap"
    folder = Path(chosen) if chosen.startswith("/") else environment.home / ".local/share"
    return folder / "claude-swap"


def _services(platform: str, asked: bool) -> tuple[str, ...]:
    """Where in the keyring a login without a file may be: of old anywhere, so it is looked for
    only when the keyring may be opened."""
    if platform == "darwin":
        return "claude-swap", "claude-code"
    return ("claude-code",) if asked else ()


class _Slot:
    """One slot: its files are named by its number and e-mail, so both are checked first."""

    def __init__(self, home: Path, number: str, slot: Mapping[str, Any], used: bool) -> None:
        self._home, self._slot = home, slot
        email = slot.get("email")
        self._email = email if isinstance(email, str) and email == clean(email, 254) else ""
        self._sound = bool(_NUMBER.fullmatch(number) and _EMAIL.fullmatch(self._email))
        self._name = f"{number}-{self._email}"
        place = f"slot {clean(number, 8)}"
        who = label_of(slot.get("email"), fallback="")
        label = f"{place} ({who})" if who else place
        self._blank = Candidate(TOOL, label, "claude", alias=alias_of(slot.get("alias")), still_used=used)

    def candidates(self, store: LoginStore, items: Items, services: tuple[str, ...]) -> Iterator[Candidate]:
        """The slot's login, and the one before if it is another."""
        if not self._sound:
            yield refused(self._blank, "its number or e-mail is none, so no file is opened by that name")
            return
        if self._slot.get("kind") == "api_key":
            yield refused(self._blank, _API_KEY)
            return
        now = self._candidate(self._blank, store, "", items, services)
        yield now
        earlier = replace(self._blank, label=f"{self._blank.label}, the copy before", alias="")
        before = self._candidate(earlier, store, ".prev", items, ())
        if before.login is not None and (now.login is None or before.login.lineage != now.login.lineage):
            yield before

    def _candidate(
        self, blank: Candidate, store: LoginStore, suffix: str, items: Items, services: tuple[str, ...]
    ) -> Candidate:
        try:
            text = self._credentials(suffix, items, services)
            return _judged(blank, store, text, self._config())
        except NotRead as trouble:
            return refused(blank, str(trouble))

    def _credentials(self, suffix: str, items: Items, services: tuple[str, ...]) -> bytes | None:
        """From the file, which wins; else out of the keyring."""
        found = copied(self._home / "credentials" / f".creds-{self._name}.enc{suffix}")
        if found is not None:
            return _plain(found.data)
        for service in services:
            held = items.get(service, f"account-{self._name}{suffix}")
            if held:
                return held.encode("utf-8", "replace")
        return None

    def _config(self) -> bytes | None:
        """Whose login it is, as far as claude-swap says so; nothing where its two records of
        that name different people."""
        try:
            found = copied(self._home / "configs" / f".claude-config-{self._name}.json")
            document = {} if found is None else load_json(found.data)
        except (NotRead, Unparseable):
            document = {}
        account = part(document, "oauthAccount")
        person, organisation = self._slot.get("uuid"), self._slot.get("organizationUuid")
        named = clean(account.get("accountUuid")), clean(account.get("organizationUuid"))
        if clean(person) and named[0] and named != (clean(person), clean(organisation)):
            return None
        if not named[0]:
            names = {ours: self._slot.get(theirs) for theirs, ours in _NAMES.items()}
            account = {key: value for key, value in names.items() if isinstance(value, str)}
        if not clean(account.get("accountUuid")):
            return None
        return json.dumps({"oauthAccount": account}).encode("utf-8", "replace")


def _sessions(home: Path, store: LoginStore) -> Iterator[Candidate]:
    """Profiles of ``cswap run``: a Claude Code of its own each, which renews the login in it
    while the slot keeps the one that was used up (realiti4/claude-swap#298)."""
    for folder in folders(home / "sessions"):
        label = f"session profile {label_of(folder.name, fallback='')}".rstrip()
        blank = Candidate(TOOL, label, "claude")
        try:
            login = copied(folder / ".credentials.json")
            config = copied(folder / ".claude.json")
        except NotRead as trouble:
            yield refused(blank, str(trouble))
            continue
        if login is not None:
            yield judged(blank, store, (login.data, config.data if config else None))


def _unclaimed(home: Path, store: LoginStore, used: bool) -> Iterator[Candidate]:
    """Copies that it put aside because it did not know whose they are, or could not file them:
    perhaps the newest of somebody.  They count also where its list of them does not."""
    folder = home / "credentials"
    blank = Candidate(TOOL, "unclaimed copies", "claude", still_used=used)
    paths = names_in(folder, _UNCLAIMED)
    if paths and not _known_manifest(folder / ".unclaimed-manifest.json"):
        yield refused(blank, "their manifest is in a form that this version does not know")
        return
    for count, path in enumerate(paths, 1):
        one = replace(blank, label=f"unclaimed copy {count}")
        try:
            kept = copied(path)
            yield _judged(one, store, None if kept is None else _plain(kept.data), None)
        except NotRead as trouble:
            yield refused(one, str(trouble))


def _known_manifest(path: Path) -> bool:
    """A torn manifest is one that claude-swap itself gets over; another version is not."""
    try:
        found = copied(path)
        document = {} if found is None else load_json(found.data)
    except (NotRead, Unparseable):
        return True
    return not isinstance(document, Mapping) or document.get("schemaVersion", 1) == 1


def _judged(blank: Candidate, store: LoginStore, text: bytes | None, config: bytes | None) -> Candidate:
    if text is not None and text.lstrip().startswith(b"sk-ant-api"):
        return refused(blank, _API_KEY)
    return judged(blank, store, (text, config))


def _plain(data: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except ValueError:
        raise NotRead("the copy there is not base64, perhaps half written") from None
