"""After a switch: watching for late writers, then clearing up.

A CLI that was renewing its login when the switch came may still write: into the replaced file,
or over the new one.  For some seconds both are looked at; a newer login of the old account is
preserved, and the new one is put back once, never more often.  For the desk, which looks every
few seconds, and for recovery.py.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from providers.accounts import exchange
from providers.accounts.journal import Entry, Phase, entries, remove_entry, write_entry
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import TORN, Seen, look, read_bytes, reread, whose
from providers.accounts.locks import Noted, cli_locks
from providers.accounts.login import CannotSwitch, Held, Live, Login, LoginStore
from providers.accounts.registry import Registry, accounts_lock, load_registry, place_of
from providers.accounts.replacement import Replacement
from providers.accounts.safety import copies, save_copy
from providers.base import Environment
from providers.engine.clock import Clock
from providers.record import replace

WATCHED = 20.0
"""Seconds."""


class Settler:
    """Looks after switches that are written but not over."""

    def __init__(
        self, environment: Environment, keeper: Keeper, clock: Clock, *, step: Step = no_step
    ) -> None:
        self._state, self._keeper, self._clock, self._step = environment.state_dir, keeper, clock, step

    def look_after(self, store: LoginStore, *, now: bool = False) -> tuple[str, ...]:
        """Looks at each open switch of a store once, and ends those that were watched for long
        enough (all, with ``now``).  Returns sentences for a person.  Raises `CannotSwitch` or
        `VaultTrouble`; what was to be preserved then stays where it is."""
        said: list[str] = []
        for entry in open_switches(self._state, store):
            watched = 0 <= self._clock.now() - entry.at < WATCHED
            if watched:
                said += self._look(store, entry)
            if now or not watched:
                with accounts_lock(self._state):
                    self.end(store, entry)
        return tuple(said)

    def end_all(self, store: LoginStore) -> bool:
        """Ends the open switches of a store, before another begins; whether a late writer's login
        was found.  Under the global lock.  Raises `CannotSwitch`."""
        found = [self.end(store, entry) for entry in open_switches(self._state, store)]
        return any(found)

    def end(self, store: LoginStore, entry: Entry) -> bool:
        """Preserves what late writers left in the replaced files, then removes those; whether
        there was anything.  Under the global lock.  Raises `CannotSwitch` where it cannot be
        preserved; then everything stays."""
        found = self._clear(store, entry, entry.operation)
        self._step("cleared")
        remove_entry(self._state, entry.operation)
        return found

    def _clear(self, store: LoginStore, entry: Entry, operation: str) -> bool:
        """Removes what an operation left beside the files, after preserving what is in it."""
        left = operations_of(store, operation)
        found = [self._keep_replaced(store, entry, part) for part in left]
        self._step("late kept")
        for part in left:
            for file in store.files():
                exchange.drop(exchange.staged_name(file.path, part))
        return any(found)

    def _keep_replaced(self, store: LoginStore, entry: Entry, operation: str) -> bool:
        login = replaced_login(store, operation)
        return login is not None and self.keep(login, entry, f"{operation}-late-{login.lineage[:8]}")

    def keep(self, login: Login, entry: Entry, name: str) -> bool:
        """A safety copy of a login, unless the vault or a copy has it; whether one was needed."""
        registry = load_registry(self._state)
        if login.lineage == entry.lineage or is_kept(login, registry, self._state):
            return False
        owner = whose(login, registry, None)
        preserve(self._state, name, login, owner.key if owner is not None else "", self._clock.now())
        return True

    def _look(self, store: LoginStore, entry: Entry) -> Sequence[str]:
        if not self._is_old_again(look(store, patient=False), entry):
            return ()
        if entry.phase is Phase.AGAIN:
            return (f"a running {store.provider} put its old login back twice: quit it, then switch again",)
        account = load_registry(self._state).account(entry.to)
        if account is None:
            return ()
        fresh = self._keeper.take(account, store)
        with accounts_lock(self._state):
            current = self._current(store, entry)
            return self._put_back(store, current, fresh) if current is not None else ()

    def _current(self, store: LoginStore, entry: Entry) -> Entry | None:
        """The switch as the journal has it now, under the global lock; None if it is over, if
        another was made since, or if the person captured what came instead of it."""
        active = load_registry(self._state).active.get(place_of(entry.provider, entry.slot))
        same = (e for e in open_switches(self._state, store) if e.operation == entry.operation)
        now = next(same, None)
        return now if now is not None and now.phase is Phase.WRITTEN and active == now.to else None

    def _put_back(self, store: LoginStore, entry: Entry, fresh: Login) -> Sequence[str]:
        with cli_locks(store.locks(), self._noted(entry)) as held:
            seen = look(store, patient=False)
            if not self._is_old_again(seen, entry) or seen.live.login is None:
                return ()
            self.keep(seen.live.login, entry, f"{entry.operation}-again")
            # Of a try that a kill ended.
            self._clear(store, entry, again_name(entry))
            again = Replacement(store, fresh, seen, again_name(entry), step=self._step)
            try:
                write_entry(
                    self._state, replace(entry, phase=Phase.AGAIN, files=again.files, locks=held.folders)
                )
                self._step("again")
                again.stage()
                again.put()
            except OSError as error:
                why = error.strerror or error
                raise CannotSwitch(f"the old login came back and could not be replaced: {why}") from None
        return (f"a running {store.provider} had put its old login back; the switch was made again",)

    def _noted(self, entry: Entry) -> Noted:
        return lambda folders: write_entry(self._state, replace(entry, locks=folders))

    def _is_old_again(self, seen: Seen, entry: Entry) -> bool:
        """Whether the account that was switched away from is live again, or mixed with the new."""
        login = seen.live.login
        if login is None or login.lineage == entry.lineage:
            return False
        if seen.live.held is Held.MIXED or (entry.old and login.lineage == entry.old):
            return True
        registry = load_registry(self._state)
        came_from, owner = registry.account(entry.came_from), whose(login, registry, None)
        return came_from is not None and owner is not None and owner.key == came_from.key


def again_name(entry: Entry) -> str:
    """The operation that makes a switch once more."""
    return f"{entry.operation}-2"


def preserve(state_dir: Path, name: str, login: Login, owner: str, at: float) -> None:
    """A safety copy.  Raises `CannotSwitch` where the disk does not take it."""
    try:
        save_copy(state_dir, name, login, owner, at)
    except OSError as error:
        raise CannotSwitch(f"a login could not be preserved, so it stays where it is: {error}") from None


def replaced_login(store: LoginStore, operation: str) -> Login | None:
    """The login in the files that a switch replaced, as a late writer may have left them.  A file
    that is half written is looked at again: an old codex empties it first."""
    for pause in (TORN, TORN, 0.0):
        live = _replaced(store, operation)
        if live is None or live.held is not Held.UNREADABLE:
            break
        time.sleep(pause)
    return live.login if live is not None else None


def _replaced(store: LoginStore, operation: str) -> Live | None:
    secret = store.files()[0].path
    data = read_bytes(exchange.staged_name(secret, operation))
    if data is None:
        return None
    seen = look(store, patient=False)
    for file in store.files():
        place = read_bytes(exchange.staged_name(file.path, operation))
        if place is not None:
            seen = reread(store, seen, file.path, place)
    return seen.live


def is_kept(login: Login, registry: Registry, state_dir: Path) -> bool:
    """Whether the vault or a safety copy has exactly this login."""
    for account in registry.accounts:
        if any((g.lineage, g.issued) == (login.lineage, login.issued) for g in account.generations):
            return True
    return any(copy.payload == login.payload for copy in copies(state_dir))


def operations_of(store: LoginStore, operation: str) -> tuple[str, ...]:
    """The operation, and the parts of it, that left a file beside those of the store."""
    found = {name for file in store.files() for name in exchange.operations_at(file.path)}
    return tuple(sorted(name for name in found if f"{name}-".startswith(f"{operation}-")))


def belongs(entry: Entry, store: LoginStore) -> bool:
    """Whether a switch was made in this store: the same CLI may have had its home elsewhere."""
    paths = {str(file.path) for file in store.files()}
    return (entry.provider, entry.slot) == (store.provider, store.slot) and all(
        file.path in paths for file in entry.files
    )


def open_switches(state_dir: Path, store: LoginStore) -> list[Entry]:
    """The switches of a store that are written and watched."""
    done = (Phase.WRITTEN, Phase.AGAIN)
    return [e for e in entries(state_dir) if e.phase in done and belongs(e, store)]
