"""Keeping idle logins fresh: renewing those that a person asked for and that nobody else holds.

For the desk, on a worker thread that may wait.  One process renews an account at a time, under a
lock of its own that a switch to it takes too; never under a lock of a CLI.  The successor is on
the disk before anything is done with it.  One gap is left open: killed between the provider's
answer and our first write, that login is gone, and the next try says that it has to be logged in
again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from providers.accounts.idle import FRESHENED, NEEDS_LOGIN, held_by
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.registry import Kept, accounts_lock, load_registry, save_registry
from providers.accounts.renewal import LIMITS, Renewed, Renewing, Spent, TokenEndpoints, Unclear
from providers.accounts.roster import Member, load_roster
from providers.accounts.safety import copies, drop_copy, save_copy
from providers.accounts.vault import VaultTrouble
from providers.asking import Answer, Asked, AskOutcome, Limits
from providers.base import Environment
from providers.engine import budget
from providers.engine.answers import shared_meaning
from providers.engine.clock import Clock
from providers.engine.deck import account_id
from providers.engine.files import WriteFailed, WriteRefused, write_atomic
from providers.engine.lock import LockFailed, locked
from providers.engine.schedule import Activity, Slot, due, refusal, settled
from providers.model import Identity, Status
from providers.record import Record, replace

AHEAD = 600.0
"""Seconds before the end of an access token: twice the five minutes of the CLIs."""

AGAIN = 300.0
"""Seconds until what stood in the way (a live login, a closed vault, a limit) is looked at again."""

REST = 1800.0
"""Seconds between two renewals of an account at least, whatever ends an answer names."""

PREFIX = "fresh-"
"""Begins the names of our safety copies."""

BUSY = 30.0
"""Seconds until an account is looked at again that another process works on."""

SWITCH_WAITS = 25.0
"""Seconds that a switch waits for a renewal: its request takes 20 at most."""


class Said(Record):
    """What happened to one account: its id, whether it has a new login, one sentence, the lineage it
    is about.  ``news``: a person should be told now; the rest is for the audit trail."""

    account: str
    renewed: bool
    sentence: str
    lineage: str
    news: bool = True


class Tended(Record):
    """One round.  ``at`` is when the next is due, None while nobody is to be kept fresh; ``said``
    is what happened, ``waits`` why an account is not renewed now, by its id."""

    at: float | None = None
    said: tuple[Said, ...] = ()
    waits: Mapping[str, str] = MappingProxyType({})


class _Unsaved(Record):
    """A successor that neither disk nor vault took yet; it lives in memory alone."""

    login: Login
    owner: Identity | None


class _Wait(Exception):
    """Not now; one clean clause."""


@contextmanager
def account_lock(state_dir: Path, ident: str, within: float) -> Iterator[None]:
    """The lock of one account: a renewal and a switch to it keep each other out.  Raises
    `CannotSwitch`."""
    try:
        with locked(state_dir / f"acct-{ident}.lock", within):
            yield
    except LockFailed as error:
        raise CannotSwitch(
            f"nothing was changed: the login of that account is being renewed, {error}"
        ) from None


class Freshener:
    """Renews; ``step`` is for tests, and tells the pane when a request is about to go out."""

    def __init__(
        self,
        environment: Environment,
        stores: Sequence[LoginStore],
        keeper: Keeper,
        clock: Clock,
        endpoints: TokenEndpoints,
        *,
        step: Step = no_step,
    ) -> None:
        self._state, self._config = environment.state_dir, environment.config_dir
        self._stores, self._keeper, self._clock = tuple(stores), keeper, clock
        self._endpoints, self._step = endpoints, step
        self._at: dict[str, float] = {}
        self._waits: dict[str, str] = {}
        self._unsaved: dict[str, _Unsaved] = {}
        self._filed_at = float("-inf")

    def tend(self) -> Tended:
        """Renews what is due.  Never raises; costs a look at accounts.toml while nothing is."""
        said = self.save_again()
        try:
            wanted = [m for m in load_roster(self._config) if m.fresh and m.enabled]
        except CannotSwitch:
            wanted = []
        idents = {m.id for m in wanted}
        self._at = {i: at for i, at in self._at.items() if i in idents}
        self._waits = {i: why for i, why in self._waits.items() if i in idents}
        now = self._clock.now()
        for member in wanted:
            if self._at.get(member.id, 0.0) <= now:
                said += self._tend(member)
        at = min((self._at.get(m.id, now) for m in wanted), default=None)
        if self._unsaved:
            at = min(now + BUSY, at if at is not None else now + BUSY)
        return Tended(at, tuple(said), MappingProxyType(dict(self._waits)))

    def unsaved(self, ident: str) -> bool:
        """Whether the newest login of an account is in memory alone, so that the vault's is dead."""
        return ident in self._unsaved

    def put_away(self) -> None:
        """Before the process ends: writes what is in memory alone to safety copies.  Quick."""
        for ident, held in tuple(self._unsaved.items()):
            if self._copied(ident, held.login, held.owner) is not None:
                del self._unsaved[ident]

    def _tend(self, member: Member) -> list[Said]:
        self._waits.pop(member.id, None)
        try:
            with account_lock(self._state, member.id, 0.2):
                return self._under_lock(member)
        except (_Wait, VaultTrouble) as why:
            self._at[member.id], self._waits[member.id] = self._clock.now() + AGAIN, str(why)
        except (CannotSwitch, budget.NotRecorded) as why:
            self._at[member.id], self._waits[member.id] = self._clock.now() + BUSY, str(why)
        return []

    def _under_lock(self, member: Member) -> list[Said]:
        """Everything is read anew here: another process may have renewed it a moment ago."""
        account, store, renewing = self._idle(member)
        login = self._keeper.take(account, store)
        if login.expires_at is None:
            raise _Wait("its access token does not say when it ends")
        if login.expires_at - AHEAD > self._clock.now():
            self._at[member.id] = login.expires_at - AHEAD
            return []
        if login.ends_at is not None and login.ends_at <= self._clock.now():
            raise _Wait("its kept login has run out: log in to it again")
        if self._slot(account).refuses(login.lineage):
            # Said already, but not noted: a disk was full then, or the process ended.
            return [self._spent(account, login)]
        self._has_room(member.id, login)
        self._claim(account, login.lineage)
        return [self._renewed(member, account, store, renewing, login)]

    def _idle(self, member: Member) -> tuple[Kept, LoginStore, Renewing]:
        renewing = self._endpoints.of(member.provider)
        if renewing is None:
            raise _Wait("logins of that kind are not renewed here")
        registry = load_registry(self._state)
        account = registry.account(member.id)
        if account is None or member.id in self._unsaved:
            raise _Wait("no login of it is kept" if account is None else "its newest login is not stored yet")
        why = held_by(member, account, registry, self._stores, self._state)
        if why:
            raise _Wait(why)
        place = account.provider, account.slot
        return account, next(s for s in self._stores if (s.provider, s.slot) == place), renewing

    def _renewed(
        self, member: Member, account: Kept, store: LoginStore, renewing: Renewing, login: Login
    ) -> Said:
        self._step("renewing")
        reply = self._endpoints.redeem(renewing, login)
        self._step("answered")
        shared = shared_meaning(reply, renewing.site.host)
        if shared is not None or not isinstance(reply, Answer):
            assert shared is not None
            return self._later(account, login, shared)
        outcome = renewing.answer(login, reply)
        if isinstance(outcome, Spent):
            dead = Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=NEEDS_LOGIN)
            self._settle(account, login.lineage, dead)
            return self._spent(account, login)
        if isinstance(outcome, Unclear):
            trouble = Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=outcome.sentence)
            return self._later(account, login, trouble)
        return self._keep(member, account, store, login, outcome)

    def _keep(self, member: Member, account: Kept, store: LoginStore, login: Login, outcome: Renewed) -> Said:
        """The successor, durable before anything else happens."""
        successor = store.opened(outcome.payload) or replace(login, payload=outcome.payload)
        named = successor.identity
        stranger = outcome.stranger or (named is not None and named.key != account.key)
        owner = None if stranger else Identity(account.key, member.email, member.organisation)
        why = self._stored(account.id, successor, owner)
        self._settle(account, login.lineage, Asked(AskOutcome.ANSWERED))
        ends = successor.expires_at or 0.0
        self._at[account.id] = max(ends - AHEAD, self._clock.now() + REST)
        if stranger:
            told = f"the provider says that its kept login is another account's, which is now {why}"
            return Said(account.id, False, told, successor.lineage)
        if why:
            return Said(account.id, True, f"its login was renewed and is {why}", successor.lineage)
        return Said(account.id, True, "its login was renewed", successor.lineage, news=False)

    def _stored(self, ident: str, login: Login, owner: Identity | None) -> str:
        """Stores a login: on the disk, then in the vault; where it is instead, "" if all is well."""
        copy = self._copied(ident, login, owner)
        self._step("copied")
        if owner is None:
            if copy is None:
                self._unsaved[ident] = _Unsaved(login, owner)
            return "in a safety copy that nobody claims" if copy is not None else "in memory alone"
        try:
            kept = self._keeper.file(login, owner, FRESHENED)
        except (VaultTrouble, CannotSwitch) as trouble:
            if copy is None:
                self._unsaved[ident] = _Unsaved(login, owner)
                return f"in memory alone, as {trouble}"
            return f"in a safety copy, as {trouble}"
        if kept.newest is None or kept.newest.lineage != login.lineage:
            return "beside one that seems newer: quotadeck doctor tells more"
        if copy is not None:
            drop_copy(copy)
        return ""

    def _copied(self, ident: str, login: Login, owner: Identity | None) -> Path | None:
        name = f"{PREFIX}{ident}-{login.lineage}"
        try:
            return save_copy(
                self._state, name, login, owner.key if owner is not None else "", self._clock.now()
            )
        except (WriteFailed, WriteRefused, OSError):
            return None

    def save_again(self) -> list[Said]:
        """Tries once more to store what is in memory alone, and to file what waits on the disk."""
        said = self._file_copies()
        for ident, held in tuple(self._unsaved.items()):
            del self._unsaved[ident]
            if not self._stored(ident, held.login, held.owner):
                said.append(Said(ident, True, "its renewed login is stored now", held.login.lineage))
        return said

    def _file_copies(self) -> list[Said]:
        """Our own safety copies, of this process or of one that was killed."""
        now = self._clock.now()
        if 0 <= now - self._filed_at < AGAIN:
            return []
        said: list[Said] = []
        by_place = {(s.provider, s.slot): s for s in self._stores}
        for copy in copies(self._state):
            store = by_place.get((copy.provider, copy.slot))
            if store is None or not copy.owner or not copy.path.name.startswith(PREFIX):
                continue
            login = store.opened(copy.payload)
            if login is None:
                continue
            try:
                kept = self._keeper.file(login, login.identity or Identity(copy.owner), FRESHENED)
            except (VaultTrouble, CannotSwitch):
                self._filed_at = now
                return said
            drop_copy(copy.path)
            said.append(Said(kept.id, True, "its renewed login is stored now", login.lineage))
        return said

    def _spent(self, account: Kept, login: Login) -> Said:
        """The posted bytes are dead; the account is, only if they were its newest."""
        with accounts_lock(self._state):
            registry = load_registry(self._state)
            known = registry.account(account.id)
            newest = known.newest if known is not None else None
            if known is None or newest is None or newest.lineage != login.lineage:
                raise _Wait("its login was replaced meanwhile")
            save_registry(self._state, registry.with_account(replace(known, spent=login.lineage)))
        self._at[account.id], self._waits[account.id] = self._clock.now() + AGAIN, NEEDS_LOGIN
        return Said(account.id, False, NEEDS_LOGIN, login.lineage)

    def _later(self, account: Kept, login: Login, asked: Asked) -> Said:
        slot = self._settle(account, login.lineage, asked)
        now = self._clock.now()
        self._at[account.id] = self._next(account, slot, login.lineage, now) or now + AGAIN
        self._waits[account.id] = asked.message
        told = f"its login could not be renewed now: {asked.message}"
        return Said(account.id, False, told, login.lineage, news=False)

    def _has_room(self, ident: str, login: Login) -> None:
        """A disk that is full, or a folder that cannot be written, is found out before the login is
        spent (jlcodes99/cockpit-tools#408 emptied thirty)."""
        path = self._state / f"acct-{ident}.room"
        try:
            write_atomic(path, b" " * (2 * len(login.payload.reveal()) + 4096))
        except (WriteFailed, WriteRefused) as error:
            raise _Wait(f"nothing is renewed, as it could not be stored: {error}") from None
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def _claim(self, account: Kept, lineage: str) -> None:
        """Writes one request down, in the account's budget and in the record of its renewals."""
        now, key = self._clock.now(), self._key(account)
        at = self._next(account, self._slot(account), lineage, now)
        if at is None or at > now:
            raise _Wait("it was tried a moment ago")
        denied: list[str] = []

        def step(slot: Slot) -> Slot | None:
            # A limit of the usage endpoint binds the person there, not here.
            free = replace(slot, blocked_until=0.0, refused="", troubles=0)
            limits = Limits(per_hour=slot.limit or LIMITS.per_hour)
            reason = refusal(free, limits, lineage, now, by_hand=False, first=False)
            if reason is not None:
                denied.append(reason.waits)
                return None
            return replace(slot, asked=(*slot.asked, now))

        budget.change(self._state, key, now, step)
        if denied:
            raise _Wait(denied[0])
        budget.change(self._state, f"{key}/renewal", now, lambda s: replace(s, asked=(*s.asked, now)))

    def _next(self, account: Kept, slot: Slot, lineage: str, now: float) -> float | None:
        return due(f"{self._key(account)}/renewal", slot, LIMITS, Activity(), lineage, now).at

    def _settle(self, account: Kept, lineage: str, asked: Asked) -> Slot:
        now = self._clock.now()
        try:
            return budget.change(
                self._state, f"{self._key(account)}/renewal", now, lambda s: settled(s, asked, lineage, now)
            )
        except budget.NotRecorded:
            return Slot(asked=(now,))

    def _slot(self, account: Kept) -> Slot:
        """The record of an account's renewals, as every copy sees it."""
        return budget.load(self._state, self._clock.now()).of(f"{self._key(account)}/renewal")

    def _key(self, account: Kept) -> str:
        return f"{account.provider}/{account_id(account.provider, account.key)}"
