"""After a switch: watching for late writers, then clearing up.

A CLI that was renewing its login when the switch came may still write: into the replaced file,
or over the new one.  For some seconds both are looked at; a newer login of the old account is
preserved, and the new one is put back once, never more often.  For the desk, which looks every
few seconds, and for recovery.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from providers.accounts import exchange
from providers.accounts.journal import Entry, Phase, entries, remove_entry, write_entry
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Seen, look, read_bytes, reread, whose
from providers.accounts.locks import cli_locks
from providers.accounts.login import CannotSwitch, Held, Login, LoginStore
from providers.accounts.registry import Registry, accounts_lock, load_registry
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
        enough (all, with ``now``).  Returns sentences for a person.  Raises `CannotSwitch`."""
        said: list[str] = []
        for entry in _open(self._state, store):
            said += self._look(store, entry)
            left = self._clock.now() - entry.at
            if now or not 0 <= left < WATCHED:
                with accounts_lock(self._state):
                    self.end(store, entry)
        return tuple(said)

    def end_all(self, store: LoginStore) -> None:
        """Ends the open switches of a store, before another begins.  Under the global lock."""
        for entry in _open(self._state, store):
            self.end(store, entry)

    def end(self, store: LoginStore, entry: Entry) -> None:
        """Preserves what late writers left in the replaced files, then removes those.  Under the
        global lock.  Raises OSError where it cannot be preserved; then everything stays."""
        self._keep_replaced(store, entry)
        self._step("late kept")
        for operation in (entry.operation, f"{entry.operation}-2"):
            for file in store.files():
                exchange.drop(exchange.staged_name(file.path, operation))
        self._step("cleared")
        remove_entry(self._state, entry.operation)

    def _keep_replaced(self, store: LoginStore, entry: Entry) -> None:
        for operation in (entry.operation, f"{entry.operation}-2"):
            login = replaced_login(store, operation)
            if login is not None:
                self.keep(login, entry, f"{operation}-late")

    def keep(self, login: Login, entry: Entry, name: str) -> None:
        """A safety copy of a login, unless the vault or a copy has it.  Raises OSError."""
        registry = load_registry(self._state)
        if login.lineage == entry.lineage or is_kept(login, registry, self._state):
            return
        owner = whose(login, registry, None)
        save_copy(self._state, name, login, owner.key if owner is not None else "", self._clock.now())

    def _look(self, store: LoginStore, entry: Entry) -> Sequence[str]:
        seen = look(store, patient=False)
        if not self._is_old_again(seen, entry):
            return ()
        if entry.phase is Phase.AGAIN:
            return (f"a running {store.provider} put its old login back twice: quit it, then switch again",)
        account = load_registry(self._state).account(entry.to)
        if account is None:
            return ()
        fresh = self._keeper.take(account, store)
        with accounts_lock(self._state), cli_locks(store.locks(), lambda folders: None):
            return self._put_back(store, entry, fresh)

    def _put_back(self, store: LoginStore, entry: Entry, fresh: Login) -> Sequence[str]:
        seen = look(store, patient=False)
        if not self._is_old_again(seen, entry) or seen.live.login is None:
            return ()
        self.keep(seen.live.login, entry, f"{entry.operation}-again")
        write_entry(self._state, replace(entry, phase=Phase.AGAIN))
        self._step("again")
        again = Replacement(store, fresh, seen, f"{entry.operation}-2", step=self._step)
        try:
            again.stage()
            again.put()
        except OSError as error:
            raise CannotSwitch(
                f"the old login came back and could not be replaced: {error.strerror}"
            ) from None
        return (f"a running {store.provider} had put its old login back; the switch was made again",)

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


def replaced_login(store: LoginStore, operation: str) -> Login | None:
    """The login in the files that a switch replaced, as a late writer may have left them."""
    secret = store.files()[0].path
    data = read_bytes(exchange.staged_name(secret, operation))
    if data is None:
        return None
    seen = look(store, patient=False)
    for file in store.files():
        place = read_bytes(exchange.staged_name(file.path, operation))
        if place is not None:
            seen = reread(store, seen, file.path, place)
    return seen.live.login


def is_kept(login: Login, registry: Registry, state_dir: Path) -> bool:
    """Whether the vault or a safety copy has exactly this login."""
    for account in registry.accounts:
        if any((g.lineage, g.issued) == (login.lineage, login.issued) for g in account.generations):
            return True
    return any(copy.payload == login.payload for copy in copies(state_dir))


def _open(state_dir: Path, store: LoginStore) -> list[Entry]:
    place = store.provider, store.slot
    return [
        e
        for e in entries(state_dir)
        if (e.provider, e.slot) == place and e.phase in (Phase.WRITTEN, Phase.AGAIN)
    ]
