"""The transaction that puts another account's login in a CLI's store.

Nothing is replaced before it is preserved, and whatever happens at any step, the journal and
the copies tell the next start how to finish (recovery.py).  The order: look, lock, look again,
preserve, journal, stage, exchange, release, file, watch.  Called on a worker thread of the
pane, or by a command.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from providers.accounts import exchange
from providers.accounts.filing import Waiting, file_what_waits, named_for
from providers.accounts.journal import Entry, Phase, begun, boot, entries, remove_entry, write_entry
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Prove, Seen, look, same_login, whose
from providers.accounts.locks import HeldFolder, cli_locks
from providers.accounts.login import CannotSwitch, Held, Login, LoginStore, Running
from providers.accounts.recovery import Recovery
from providers.accounts.registry import (
    Kept,
    RegistryTrouble,
    accounts_lock,
    load_registry,
    place_of,
    save_registry,
)
from providers.accounts.replacement import Replacement
from providers.accounts.safety import copies, drop_copy, save_copy
from providers.accounts.settle import Settler, belongs
from providers.base import Environment
from providers.engine.clock import Clock
from providers.engine.files import WriteFailed, WriteRefused
from providers.model import Identity
from providers.record import Record, replace

TRIES = 3
SOON = 600.0
"""Seconds before the end of an access token in which its CLI may be renewing it."""


class Plan(Record):
    """A switch that is possible, as it stood when it was looked at.

    ``login`` is what will be written; ``owner`` whose the replaced login is (None with no login
    there, or with one that nobody claims).  ``warnings`` are sentences for the preflight,
    ``writes`` the files.
    """

    store: LoginStore
    to: Kept
    login: Login
    seen: Seen
    owner: Identity | None
    running: Running
    warnings: tuple[str, ...]
    writes: tuple[Path, ...]

    _hidden = ("login", "seen")


class Switched(Record):
    """How a switch ended: account ids, whether what is live now was verified to be the account
    asked for, and one sentence."""

    provider: str
    slot: str
    came_from: str
    to: str
    verified: bool
    takes_effect: str
    running: Running
    message: str
    operation: str


class _Moved(Exception):
    """The login changed between the plan and the locks."""


class Switcher:
    """Plans switches and carries them out.  ``prove`` asks the provider whose a login is;
    ``step`` is for tests."""

    def __init__(
        self,
        environment: Environment,
        keeper: Keeper,
        clock: Clock,
        *,
        prove: Prove | None = None,
        step: Step = no_step,
    ) -> None:
        self._environment, self._state = environment, environment.state_dir
        self._keeper, self._clock, self._prove, self._step = keeper, clock, prove, step
        self._settler = Settler(environment, keeper, clock, step=step)

    def plan(self, store: LoginStore, ident: str) -> Plan:
        """Looks whether the switch can be done, and what it will do; changes nothing of the
        CLI's.  Raises `CannotSwitch` or `VaultTrouble`."""
        recovery = Recovery(
            self._environment, self._keeper, self._clock, (store,), prove=self._prove, step=self._step
        )
        # Another process may have been killed since the start of this one.
        if recovery.unfinished():
            recovery.run()
        else:
            self._file(store)
        account = load_registry(self._state).account(ident)
        if account is None or (account.provider, account.slot) != (store.provider, store.slot):
            raise CannotSwitch("no login of that account is kept here: capture it once it is logged in")
        for file in store.files():
            exchange.refuse(file)
        seen = look(store)
        refusal = store.refusal(seen.found)
        if refusal:
            raise CannotSwitch(f"nothing was changed: {refusal}")
        owner = self._owner(seen)
        account = self._unless_live(store, account, seen, owner)
        login = self._target(store, account)
        self._refuse_unwritable(store, login, seen)
        running = store.running()
        self._refuse_unsafe_moment(store, seen, running)
        warnings = (*self._warnings(store, seen, owner, account, running), *_links(store))
        writes = tuple(f.path for f in store.files())
        return Plan(store, account, login, seen, owner, running, warnings, writes)

    def carry_out(self, plan: Plan) -> Switched:
        """Does it.  Raises `CannotSwitch` or `VaultTrouble` with nothing changed."""
        for _ in range(TRIES):
            try:
                entry = self._transact(plan)
                return self._outcome(plan, entry, self._file(plan.store))
            except _Moved:
                plan = self.plan(plan.store, plan.to.id)
        raise CannotSwitch(
            "nothing was changed: the login changed again and again meanwhile: try again in a minute"
        )

    def _file(self, store: LoginStore) -> Waiting:
        return file_what_waits(self._environment, self._keeper, (store,), self._prove, step=self._step)

    def _owner(self, seen: Seen) -> Identity | None:
        live = seen.live
        if live.held in (Held.OTHER, Held.UNREADABLE) or (live.held is Held.MIXED and live.login is None):
            raise CannotSwitch(f"nothing was changed, as what is logged in cannot be kept: {live.why}")
        if live.login is None:
            return None
        return whose(live.login, load_registry(self._state), self._prove)

    def _target(self, store: LoginStore, account: Kept) -> Login:
        """The login to write, unless it is dead or not the newest."""
        newest = account.newest
        if newest is not None and account.spent == newest.lineage:
            raise CannotSwitch("the provider refused the kept login of that account: log in to it again")
        login = self._keeper.take(account, store)
        if login.ends_at is not None and login.ends_at <= self._clock.now():
            raise CannotSwitch("the kept login of that account has run out: log in to it again")
        if self._newer_waits(store, login, account):
            raise CannotSwitch(
                "a newer login that may be that account's waits in a safety copy: "
                "run quotadeck recover while the provider can be reached"
            )
        return login

    def _unless_live(self, store: LoginStore, account: Kept, seen: Seen, owner: Identity | None) -> Kept:
        """The account, unless its own login is live: a CLI may have renewed it since it was kept,
        and what the vault has is then spent.  One that stands under another's name, or mixed with
        another's, is kept first, and is then what a switch writes."""
        live, newest = seen.live.login, account.newest
        named = live.identity or live.claimed if live is not None else None
        whose_it_is = owner or named
        if live is None or whose_it_is is None or whose_it_is.key != account.key:
            return account
        if newest is not None and 0 < live.issued < newest.issued:
            return account
        if owner is None or (seen.live.held is Held.LOGIN and named is not None and named.key == account.key):
            raise CannotSwitch("that account is the live one already")
        login = named_for(store, live, owner, self._environment, self._keeper)
        return self._keeper.file(login, owner, "switch")

    def _refuse_unwritable(self, store: LoginStore, login: Login, seen: Seen) -> None:
        """Now, and not under the locks, where the files do not let themselves be written anew."""
        try:
            store.compose(login, seen.found)
        except CannotSwitch as stopped:
            raise CannotSwitch(_sentence(stopped)) from None

    def _newer_waits(self, store: LoginStore, login: Login, account: Kept) -> bool:
        """Whether a safety copy may hold a newer login of the account than this: a switch would
        then write one that is spent."""
        for copy in copies(self._state):
            waiting = store.opened(copy.payload) if copy.provider == store.provider else None
            if waiting is None or copy.slot != store.slot:
                continue
            named = waiting.identity or waiting.claimed
            key = copy.owner or (named.key if named is not None else account.key)
            if key == account.key and waiting.issued > login.issued:
                return True
        return False

    def _refuse_stale(self, plan: Plan) -> None:
        """Under the global lock.  Raises `_Moved` if there is a newer login of the account by now,
        or if another copy of us was killed meanwhile."""
        stopped = any(
            e.phase in (Phase.LOCKING, Phase.WRITING) and belongs(e, plan.store) for e in entries(self._state)
        )
        account = load_registry(self._state).account(plan.to.id)
        newest = account.newest if account is not None else None
        spent = account is not None and account.spent == plan.login.lineage
        if stopped or spent or newest is None or newest.lineage != plan.login.lineage:
            raise _Moved
        if self._settler.end_all(plan.store) or self._newer_waits(plan.store, plan.login, plan.to):
            raise _Moved

    def _refuse_unsafe_moment(self, store: LoginStore, seen: Seen, running: Running) -> None:
        login = seen.live.login
        if store.alone and running.count:
            raise CannotSwitch(
                f"nothing was changed: a running {store.provider} would put its old login back: quit it first"
            )
        if not store.margin or login is None or login.expires_at is None:
            return
        idle = running.known and not running.count
        if not idle and login.expires_at - self._clock.now() < store.margin:
            raise CannotSwitch(
                f"nothing was changed: a running {store.provider} may be renewing its login just now: "
                "quit it first, or try again in some minutes"
            )

    def _warnings(
        self, store: LoginStore, seen: Seen, owner: Identity | None, account: Kept, running: Running
    ) -> Iterator[str]:
        login = seen.live.login
        if login is not None and owner is None:
            yield "nobody can say now whose the live login is: it will be kept as a copy that nobody claims"
        if login is not None and login.expires_at is not None:
            left = login.expires_at - self._clock.now()
            if 0 < left < SOON and (running.count or not running.known):
                yield "the live login is due for renewal: a running session may be renewing it just now"
        if store.alone and not running.known:
            yield f"whether a {store.provider} runs cannot be seen here: one would put its old login back"
        newest = account.newest
        if newest is not None and len(load_registry(self._state).sharers(newest.lineage)) > 1:
            yield "two accounts share this login: whichever is renewed first ends the other"

    def _transact(self, plan: Plan) -> Entry:
        """Everything under locks.  Raises `CannotSwitch` or `_Moved` with nothing changed."""
        with accounts_lock(self._state):
            self._refuse_stale(plan)
            entry = self._entry(plan)
            try:
                self._write(entry)
                entry = self._locked(plan, entry)
            except BaseException as stopped:
                self._abandon(plan, entry)
                if isinstance(stopped, (OSError, CannotSwitch)):
                    raise CannotSwitch(_sentence(stopped)) from None
                raise
            # From here on the switch is done; what fails now is finished by the next start.
            with contextlib.suppress(OSError, RegistryTrouble):
                self._write(replace(entry, phase=Phase.WRITTEN))
                self._step("written")
                registry = load_registry(self._state)
                place = place_of(entry.provider, entry.slot)
                save_registry(self._state, registry.switched(place, entry.to, entry.came_from))
                self._step("registered")
        return entry

    def _locked(self, plan: Plan, entry: Entry) -> Entry:
        def noted(folders: tuple[HeldFolder, ...], begun: Entry = entry) -> None:
            self._write(replace(begun, locks=folders))

        with cli_locks(plan.store.locks(), noted) as held:
            entry = replace(entry, locks=held.folders)
            self._step("locked")
            seen = look(plan.store, patient=False)
            if not same_login(plan.store, seen, plan.seen):
                raise _Moved
            self._preserve(plan, seen, entry)
            fresh = Replacement(plan.store, plan.login, seen, entry.operation, step=self._step)
            entry = replace(entry, phase=Phase.WRITING, files=fresh.files)
            self._write(entry)
            self._step("journalled")
            fresh.stage()
            if not held.still_ours():
                fresh.take_back()
                raise CannotSwitch("nothing was changed: a lock was taken over meanwhile: try again")
            fresh.put()
            if fresh.overtook(plan.to.key):
                fresh.take_back()
                raise _Moved
            self._step("replaced")
        self._step("released")
        return entry

    def _entry(self, plan: Plan) -> Entry:
        registry, store, live = load_registry(self._state), plan.store, plan.seen.live.login
        key = plan.owner.key if plan.owner is not None else ""
        known = registry.of_key(store.provider, store.slot, key)
        active = registry.active.get(place_of(store.provider, store.slot), "")
        came_from = known.id if known is not None else ""
        return Entry(
            os.urandom(4).hex(), store.provider, store.slot, plan.to.id, came_from,
            plan.login.lineage, live.lineage if live is not None else "", Phase.LOCKING,
            self._clock.now(), os.getpid(), begun(os.getpid()), boot(), active=active,
        )  # fmt: skip

    def _preserve(self, plan: Plan, seen: Seen, entry: Entry) -> None:
        """A copy of the live login on the disk, before anything is replaced.  Also where the
        registry knows it: whether the keyring still has it cannot be asked under the locks."""
        login = seen.live.login
        if login is None or any(copy.payload == login.payload for copy in copies(self._state)):
            return
        owner = plan.owner.key if plan.owner is not None else ""
        save_copy(self._state, entry.operation, login, owner, self._clock.now())
        self._step("preserved")

    def _abandon(self, plan: Plan, entry: Entry) -> None:
        """Nothing was replaced: the live store still holds what was preserved.  What could not be
        taken back is left to recovery.py."""
        live = look(plan.store, patient=False).live.login
        if live is not None and live.lineage == plan.login.lineage:
            return
        remove_entry(self._state, entry.operation)
        for copy in copies(self._state):
            if copy.path.stem == entry.operation and live is not None and live.payload == copy.payload:
                drop_copy(copy.path)

    def _write(self, entry: Entry) -> None:
        write_entry(self._state, entry)

    def _outcome(self, plan: Plan, entry: Entry, waiting: Waiting) -> Switched:
        live = look(plan.store, patient=False).live
        named = live.login.identity or live.login.claimed if live.login is not None else None
        verified = (
            live.held is Held.LOGIN
            and live.login is not None
            and live.login.lineage == plan.login.lineage
            and named is not None
            and named.key == plan.to.key
        )
        message = f"switched, takes effect {plan.store.effect}"
        if not verified:
            message = "switched, but what is live now is not what was written: quotadeck doctor tells more"
        elif waiting.kept_back:
            message += f"; the login before is in a safety copy, as {waiting.why}"
        elif waiting.unclaimed:
            message += "; the login before is in a safety copy that nobody claims yet"
        return Switched(
            entry.provider, entry.slot, entry.came_from, entry.to, verified, plan.store.effect,
            plan.running, message, entry.operation,
        )  # fmt: skip


def _links(store: LoginStore) -> Iterator[str]:
    for path in (file.path for file in store.files() if exchange.has_more_names(file.path)):
        yield f"{path.name} has a second name (a hard link), which will keep what it holds now"


def _sentence(error: OSError | CannotSwitch) -> str:
    """Why nothing was changed, beginning with that."""
    why = str(error)
    if isinstance(error, OSError) and not isinstance(error, (WriteFailed, WriteRefused)):
        cause = os.strerror(error.errno).lower() if error.errno else "unknown reason"
        why = f"the login could not be written ({cause})"
    return why if why.startswith("nothing was changed") else f"nothing was changed: {why}"
