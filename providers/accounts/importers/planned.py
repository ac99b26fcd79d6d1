"""What an import would do with each login: pure, the same for the preview and for the deed.

Whose a login is, its lineage says before its name does: the same refresh token is the same
login, whatever two tools call it.  Of two generations of one account the later issued counts,
and one whose age is not known never replaces another; it is filed beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from providers.accounts.importers.candidate import Candidate
from providers.accounts.login import Login
from providers.record import Record

Owner = tuple[str, str, str]
"""Provider, slot, and an identity key or a lineage."""


class Action(StrEnum):
    """What becomes of a login."""

    NEW = "new"
    """An account that was not known here."""
    NEWER = "newer"
    """A newer generation of an account that is."""
    BESIDE = "beside"
    """An older one, or one of unknown age: filed beside the newest."""
    KEPT = "kept"
    """The login is known here already; nothing is done."""
    SAME = "same"
    """It is the login of another line of this plan; nothing is done."""
    SKIPPED = "skipped"
    """It cannot be imported."""


class KnownAccount(Record):
    """An account of the roster, or (with an empty ``id``) a live login that was never captured.

    ``identity`` is its key, "" if unknown; ``lineages`` the fingerprints of every generation
    that the vault, the displaced copies and the live store hold; ``issued`` of the newest of
    them, epoch seconds, 0 if unknown.
    """

    id: str
    provider: str
    slot: str = ""
    identity: str = ""
    lineages: tuple[str, ...] = ()
    issued: float = 0.0


class Step(Record):
    """What is done with one login.

    ``account`` is the id of the known account that it belongs to, "" for a new one;
    ``identity`` the key that joins the steps of one account, "" if nobody says whose it is.
    ``do_not_refresh``: another tool, or another copy, holds the same login or may renew it.
    ``proven``: the bytes themselves say whose they are; else only what lay beside them does, and
    that should be asked before one takes the place of another.  ``why`` is a clause for what is
    skipped, kept or filed beside.
    """

    candidate: Candidate
    action: Action
    account: str = ""
    identity: str = ""
    do_not_refresh: bool = False
    proven: bool = False
    why: str = ""


class Plan(Record):
    """Every step: account by account as they were found, the newest generation first."""

    steps: tuple[Step, ...]


def plan(candidates: Sequence[Candidate], known: Sequence[KnownAccount]) -> Plan:
    """What would happen with each candidate, given the accounts that are known here."""
    lineages: dict[Owner, list[Candidate]] = {}
    skipped = []
    for candidate in candidates:
        if candidate.login is None:
            skipped.append(Step(candidate, Action.SKIPPED, why=candidate.why_not))
        else:
            login = candidate.login
            lineages.setdefault((login.provider, login.slot, login.lineage), []).append(candidate)
    accounts: dict[Owner, list[_Generation]] = {}
    for place, copies in lineages.items():
        generation = _Generation(place, copies, known)
        if generation.disputed:
            skipped += generation.refused()
        else:
            accounts.setdefault(generation.owner, []).append(generation)
    steps = [step for kept in accounts.values() for step in _account(kept, known)]
    return Plan((*steps, *skipped))


class _Generation:
    """One login, with every copy of it that was found."""

    def __init__(self, place: Owner, copies: list[Candidate], known: Sequence[KnownAccount]) -> None:
        provider, slot, lineage = place
        self.lineage = lineage
        self.copies = sorted(copies, key=_rank, reverse=True)
        self.issued = _login(self.copies[0]).issued
        self.holder = next(
            (k for k in known if (k.provider, k.slot) == (provider, slot) and lineage in k.lineages), None
        )
        keys = {key for copy in copies if (key := identity_of(_login(copy)))}
        mine = self.holder.identity if self.holder is not None else ""
        self.disputed = self.holder is None and len(keys) > 1
        self.identity = mine or (next(iter(keys)) if len(keys) == 1 else "")
        self.owner = provider, slot, self.identity or f"lineage {lineage}"
        self.shared = len(copies) > 1 or self.holder is not None

    def refused(self) -> Iterator[Step]:
        """Nobody can say whose it is."""
        for copy in self.copies:
            why = "the same login is filed there under two accounts, so whose it is, is not known"
            yield Step(copy, Action.SKIPPED, do_not_refresh=True, why=why)

    def steps(self, action: Action, account: str, why: str) -> Iterator[Step]:
        """The step of the best copy, and that the others are the same."""
        first = self.copies[0]
        held = self.shared or any(copy.still_used for copy in self.copies)
        proven = bool(self.identity) and any(self._proves(copy) for copy in self.copies)
        yield Step(first, action, account, self.identity, held, proven, why)
        for copy in self.copies[1:]:
            again = f"it is the login of {first.tool}, {first.label}"
            yield Step(copy, Action.SAME, account, self.identity, True, proven, again)

    def _proves(self, copy: Candidate) -> bool:
        who = _login(copy).identity
        return who is not None and who.key == self.identity


def _account(generations: list[_Generation], known: Sequence[KnownAccount]) -> Iterator[Step]:
    """The steps of one account, its newest generation first."""
    mine = _known(generations, known)
    account = next((one.id for one in mine if one.id), "")
    newest = max((one.issued for one in mine), default=0.0)
    if any(one.issued <= 0 for one in mine):
        # The age of what is kept is not known, so nothing is newer than it.
        newest = float("inf")
    taken = bool(mine)
    for generation in sorted(generations, key=lambda one: one.issued, reverse=True):
        if generation.holder is not None:
            yield from generation.steps(Action.KEPT, account, _kept(generation.holder))
        elif not taken:
            yield from generation.steps(Action.NEW, account, "")
            newest = generation.issued or float("inf")
        elif mine and newest < generation.issued:
            yield from generation.steps(Action.NEWER, account, "")
            newest = generation.issued
        else:
            yield from generation.steps(Action.BESIDE, account, _age(generation.issued, newest))
        taken = True


def _age(issued: float, newest: float) -> str:
    if issued <= 0 or newest == float("inf"):
        return "of unknown age"
    return "older" if issued < newest else "of the same age"


def _known(generations: list[_Generation], known: Sequence[KnownAccount]) -> list[KnownAccount]:
    """Every account here that has the name of these, or holds one of them."""
    provider, slot, key = generations[0].owner
    here = [k for k in known if (k.provider, k.slot) == (provider, slot)]
    lineages = {one.lineage for one in generations}
    named = [k for k in here if k.identity == key]
    return [*named, *(k for k in here if k not in named and not lineages.isdisjoint(k.lineages))]


def _kept(holder: KnownAccount) -> str:
    if holder.id:
        return "this login is kept here already"
    return f"this login is live here now: quotadeck capture {holder.provider} keeps it"


def _rank(candidate: Candidate) -> tuple[float, bool, bool]:
    login = _login(candidate)
    return login.issued, bool(identity_of(login)), bool(candidate.alias)


def _login(candidate: Candidate) -> Login:
    assert candidate.login is not None
    return candidate.login


def identity_of(login: Login) -> str:
    """The key of the account that a login proves, or at least claims, to be; "" if neither."""
    who = login.identity or login.claimed
    return who.key if who is not None else ""
