"""What the vault holds: the generations of every account, and which account is live where.

registry.json in the state folder; no secrets in it.  Changed only under the global lock
(`accounts_lock`), by keeping.py, switch.py and recovery.py.  A registry that cannot be read
stops every write: begun anew from nothing it would orphan what the vault holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from providers.accounts.login import CannotSwitch
from providers.base import MIB, FileBytes, Unparseable
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.lock import LockFailed, locked
from providers.engine.values import load_json, number
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME, LOCK = "registry.json", "accounts.lock"
VERSION = 1
SPARE = 2
"""Generations kept behind the newest that are proven older."""

IMPORTED = "import"
"""The source of a login that another tool kept."""

MOST = 8
"""Generations kept at all; more than a few come only from sources that date nothing."""


class Generation(Record):
    """One login of an account as the vault keeps it under ``name``.  ``issued`` orders them,
    epoch seconds, 0 unknown; ``at`` is when it was filed."""

    name: str
    lineage: str
    issued: float
    source: str
    at: float


class Kept(Record):
    """An account whose logins the vault holds, oldest generation first.  ``spent`` is a lineage
    that the provider called dead; a login of another lineage lifts it."""

    id: str
    provider: str
    slot: str
    key: str
    ref: str
    generations: tuple[Generation, ...] = ()
    spent: str = ""

    @property
    def newest(self) -> Generation | None:
        """The generation that a switch writes."""
        return self.generations[-1] if self.generations else None

    def has(self, lineage: str) -> bool:
        """Whether a generation of that lineage is, or was lately, this account's."""
        return any(g.lineage == lineage for g in self.generations)


class Binned(Record):
    """An account that was removed at ``at``, epoch seconds; its logins are still in the vault."""

    account: Kept
    at: float


class Registry(Record):
    """Everything, as it was read once.  ``active`` and ``previous`` map a place
    (``claude``, ``opencode:openai``) to an account's id."""

    accounts: tuple[Kept, ...] = ()
    active: Mapping[str, str] = MappingProxyType({})
    previous: Mapping[str, str] = MappingProxyType({})
    bin: tuple[Binned, ...] = ()

    def account(self, ident: str) -> Kept | None:
        """The account of that id."""
        return next((a for a in self.accounts if a.id == ident), None)

    def of_key(self, provider: str, slot: str, key: str) -> Kept | None:
        """The account of that identity."""
        wanted = provider, slot, key
        return next((a for a in self.accounts if (a.provider, a.slot, a.key) == wanted), None)

    def of_lineage(self, provider: str, slot: str, lineage: str) -> Kept | None:
        """The account that a login of this lineage belongs to."""
        mine = (a for a in self.accounts if (a.provider, a.slot) == (provider, slot))
        return next((a for a in mine if a.has(lineage)), None)

    def sharers(self, lineage: str) -> tuple[Kept, ...]:
        """Every account whose newest login is of this lineage: more than one end together."""
        return tuple(a for a in self.accounts if a.newest is not None and a.newest.lineage == lineage)

    def with_account(self, account: Kept) -> Registry:
        """The registry with this account in its place, or added."""
        known = [account if a.id == account.id else a for a in self.accounts]
        if all(a.id != account.id for a in self.accounts):
            known.append(account)
        return replace(self, accounts=tuple(known))

    def binned(self, ident: str, at: float) -> Registry:
        """The registry with this account in the bin."""
        gone = tuple(Binned(a, at) for a in self.accounts if a.id == ident)
        return replace(
            self,
            accounts=tuple(a for a in self.accounts if a.id != ident),
            active=MappingProxyType({k: v for k, v in self.active.items() if v != ident}),
            previous=MappingProxyType({k: v for k, v in self.previous.items() if v != ident}),
            bin=(*(b for b in self.bin if b.account.id != ident), *gone),
        )

    def unbinned(self, ident: str) -> Registry:
        """The registry with this account out of the bin, beside one of the same identity that was
        captured anew: their logins are put together."""
        found = next(b.account for b in self.bin if b.account.id == ident)
        known = self.of_key(found.provider, found.slot, found.key)
        for generation in known.generations if known is not None else ():
            found, _ = with_generation(found, generation)
        kept = replace(found, id=known.id) if known is not None else found
        return self.with_account(kept).emptied(ident)

    def emptied(self, ident: str) -> Registry:
        """The registry without this account in the bin."""
        return replace(self, bin=tuple(b for b in self.bin if b.account.id != ident))

    def switched(self, place: str, to: str, came_from: str) -> Registry:
        """The registry after a switch."""
        return replace(
            self,
            active=MappingProxyType({**self.active, place: to}),
            previous=MappingProxyType({**self.previous, place: came_from}),
        )


class RegistryTrouble(CannotSwitch):
    """The registry cannot be read or written; nothing was changed."""


def place_of(provider: str, slot: str) -> str:
    """The name of a place where one login is live."""
    return f"{provider}:{slot}" if slot else provider


def with_generation(account: Kept, fresh: Generation) -> tuple[Kept, tuple[Generation, ...]]:
    """The account with one more generation, and those that may now be forgotten.

    Ordered by when the provider issued them, never by when we saw them; what cannot be ordered
    goes by arrival (accounts of peers were lost by an older live login that replaced a newer
    one in the vault, realiti4/claude-swap#302).  One that another tool kept comes when it is asked
    for, not when it was issued, so it is the newest only if its stamp says so.
    """
    if fresh.source == IMPORTED and account.newest is not None and not _newer(fresh, account.newest):
        return _pruned(account, (*sorted((*account.generations[:-1], fresh), key=_issued), account.newest))
    if fresh.issued:
        return _pruned(account, tuple(sorted((*account.generations, fresh), key=_issued)))
    return _pruned(account, (*account.generations, fresh))


def _issued(generation: Generation) -> float:
    return generation.issued


def _newer(one: Generation, other: Generation) -> bool:
    return 0 < other.issued < one.issued


def _pruned(account: Kept, known: tuple[Generation, ...]) -> tuple[Kept, tuple[Generation, ...]]:
    newest = known[-1]
    older = [g for g in known[:-1] if g.issued and newest.issued and g.issued < newest.issued]
    dropped = [*older[:-SPARE]]
    left = tuple(g for g in known if g not in dropped)
    while len(left) > MOST:
        dropped.append(left[0])
        left = left[1:]
    spent = account.spent if newest.lineage == account.spent else ""
    return replace(account, generations=left, spent=spent), tuple(dropped)


@contextmanager
def accounts_lock(state_dir: Path, within: float = 10.0) -> Iterator[None]:
    """The global lock.  Never held across a keyring call or a request.  Raises
    `RegistryTrouble`."""
    try:
        with locked(state_dir / LOCK, within):
            yield
    except LockFailed as error:
        raise RegistryTrouble(f"nothing was changed: the accounts are locked, {error}") from None


def load_registry(state_dir: Path) -> Registry:
    """The registry, empty if there is none yet.  Raises `RegistryTrouble`."""
    found = read_file(state_dir / NAME, 4 * MIB)
    if found is None:
        if (state_dir / f"{NAME}.bak").exists():
            raise RegistryTrouble(f"{NAME} is gone, its copy {NAME}.bak is there: rename it")
        return Registry()
    if not isinstance(found, FileBytes):
        raise RegistryTrouble(f"{NAME} {found.reason}: run quotadeck doctor")
    try:
        return _registry(load_json(found.data))
    except (Unparseable, KeyError, TypeError, AttributeError):
        raise RegistryTrouble(
            f"{NAME} cannot be understood, so nothing is changed: put {NAME}.bak in its place"
        ) from None


def save_registry(state_dir: Path, registry: Registry) -> None:
    """Writes it, and keeps the one before as .bak.  Raises `RegistryTrouble`."""
    path = state_dir / NAME
    try:
        before = read_file(path, 4 * MIB)
        if isinstance(before, FileBytes):
            write_atomic(path.with_name(f"{NAME}.bak"), before.data)
        write_atomic(path, json.dumps(_document(registry), indent=1).encode())
    except (WriteFailed, WriteRefused) as error:
        raise RegistryTrouble(str(error)) from None


def _document(registry: Registry) -> dict[str, Any]:
    return {
        "version": VERSION,
        "accounts": [_entry(a) for a in registry.accounts],
        "active": dict(registry.active),
        "previous": dict(registry.previous),
        "bin": [{"account": _entry(b.account), "at": b.at} for b in registry.bin],
    }


def _entry(account: Kept) -> dict[str, Any]:
    plain = {n: getattr(account, n) for n in Kept._fields if n != "generations"}
    return plain | {
        "generations": [{n: getattr(g, n) for n in Generation._fields} for g in account.generations]
    }


def _registry(document: Any) -> Registry:
    if document["version"] != VERSION:
        raise Unparseable("is of another version")
    return Registry(
        tuple(_kept(entry) for entry in document["accounts"]),
        MappingProxyType({str(k): str(v) for k, v in document["active"].items()}),
        MappingProxyType({str(k): str(v) for k, v in document["previous"].items()}),
        tuple(Binned(_kept(b["account"]), number(b["at"]) or 0.0) for b in document["bin"]),
    )


def _kept(entry: Mapping[str, Any]) -> Kept:
    ident, provider, slot, key, ref = (str(entry[n]) for n in ("id", "provider", "slot", "key", "ref"))
    generations = tuple(
        Generation(
            str(g["name"]), str(g["lineage"]), number(g["issued"]) or 0.0, str(g["source"]),
            number(g["at"]) or 0.0,
        )
        for g in entry["generations"]
    )  # fmt: skip
    return Kept(ident, provider, slot, key, ref, generations, str(entry.get("spent", "")))
