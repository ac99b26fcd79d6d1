"""A login that another tool keeps, as it may be shown and taken over; and how it is judged.

For the readers of this folder, the plan and the preview.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from providers.accounts.login import Held, Login, LoginStore
from providers.accounts.secret import Secret
from providers.base import Environment, FileBytes
from providers.engine.values import clean, looks_secret
from providers.record import Record, replace

SecretReader = Callable[[str, str], str]
"""Fetches an item of the keyring by service and user."""

Reader = Callable[[Environment, Mapping[str, LoginStore], SecretReader | None, float], Iterator["Candidate"]]
"""Reads what one tool keeps; the arguments are those of `importers.candidates`."""

_ALIAS = re.compile(r"(?!-)[a-z0-9_.-]{1,30}")
"""claude-swap's rule for an alias (realiti4/claude-swap), which is ours for imported ones."""

_WHY = {
    Held.NOTHING: "there is no copy of its login",
    Held.HUSK: "the copy there holds no tokens",
    Held.MIXED: "the copy there mixes the tokens of two accounts",
    Held.UNREADABLE: "the copy there is no login, perhaps half written",
}


class CannotImport(Exception):
    """Nothing of this tool can be read; one clean sentence that says why."""


class Candidate(Record):
    """One login in another tool's keeping.

    ``label`` is how that tool calls it: cleaned, to be shown, never to be trusted as an
    identity.  ``alias`` is empty where the name there could be none here.  ``login`` is what
    the provider's store reads out of it, None where it cannot be imported, and then ``why_not``
    is one clean sentence.  ``still_used``: the other tool may renew it, so that we must not.
    """

    tool: str
    label: str
    provider: str
    slot: str = ""
    login: Login | None = None
    alias: str = ""
    still_used: bool = True
    why_not: str = ""

    @property
    def payload(self) -> Secret:
        """What the vault would keep, in the shape that the store's ``opened`` takes; empty
        where there is no login."""
        return Secret("") if self.login is None else self.login.payload


def label_of(*names: object, fallback: str) -> str:
    """The first of the names that can be shown, else ``fallback``."""
    shown = (clean(name, 60) for name in names if not looks_secret(name))
    return next((name for name in shown if name), fallback)


def alias_of(name: object) -> str:
    """The name if it can be an alias, else nothing."""
    if not isinstance(name, str) or not _ALIAS.fullmatch(name) or name.isdigit() or looks_secret(name):
        return ""
    return name


def refused(candidate: Candidate, why: str) -> Candidate:
    """The same without a login; ``why`` may hold words of others."""
    return replace(candidate, login=None, why_not=clean(why, 160))


def judged(candidate: Candidate, store: LoginStore, contents: Sequence[bytes | None]) -> Candidate:
    """The candidate with the login that its provider's store finds in these bytes.

    ``contents`` stand for the store's files, in their order: what the tool copied of each.
    The store so leaves out what belongs to the machine, and tells a husk from a login.
    """
    pairs = zip(store.files(), contents, strict=False)
    found = {file.path: FileBytes(file.path, data, 0.0) for file, data in pairs if data is not None}
    live = store.parse(found)
    if live.held is not Held.LOGIN or live.login is None:
        return refused(candidate, _WHY.get(live.held) or live.why)
    login = store.opened(live.login.payload)
    if login is None or login.lineage != live.login.lineage:
        # What does not come back out of the vault as it went in is not taken.
        return refused(candidate, _WHY[Held.UNREADABLE])
    return replace(candidate, login=login, slot=login.slot)
