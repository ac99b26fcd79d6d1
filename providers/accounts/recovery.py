"""Finishing what a killed process left, before anything else is done with accounts.

A switch that had not replaced anything is forgotten; one that had replaced a file is carried
through; where somebody else wrote since, nothing of theirs is touched.  Whatever login lies in
a file of ours is preserved before the file goes.  For the desk, at every start.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from providers.accounts import exchange
from providers.accounts.filing import Waiting, file_what_waits
from providers.accounts.journal import (
    Entry,
    Phase,
    Replaced,
    alive,
    digest,
    entries,
    remove_entry,
    write_entry,
)
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Prove, Seen, look, read_bytes, reread, whose
from providers.accounts.locks import HeldFolder, cli_locks, release, sweep
from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.registry import accounts_lock, load_registry, place_of, save_registry
from providers.accounts.replacement import Replacement
from providers.accounts.settle import (
    WATCHED,
    Settler,
    again_name,
    belongs,
    is_kept,
    preserve,
    replaced_login,
)
from providers.base import Environment
from providers.engine.clock import Clock
from providers.engine.files import drop_unfinished
from providers.record import replace

_FOLDERS = ("journal", "safety")
_MIDDLE = (Phase.LOCKING, Phase.WRITING)
ORPHANED = 3600.0
"""Seconds after which a staged file that no journal names is a dead one's."""

WITHIN = 0.5
"""Seconds to wait for a CLI's lock at a start; the next start tries again."""


class Recovery:
    """Finishes switches that a process did not live to finish."""

    def __init__(
        self,
        environment: Environment,
        keeper: Keeper,
        clock: Clock,
        stores: Sequence[LoginStore],
        *,
        prove: Prove | None = None,
        step: Step = no_step,
    ) -> None:
        self._environment, self._state = environment, environment.state_dir
        self._keeper, self._clock, self._prove, self._step = keeper, clock, prove, step
        self._stores = {(s.provider, s.slot): s for s in stores}
        self._settler = Settler(environment, keeper, clock, step=step)

    def needed(self) -> bool:
        """Whether anything is left over; cheap."""
        return any((self._state / name).is_dir() and any((self._state / name).iterdir()) for name in _FOLDERS)

    def unfinished(self) -> bool:
        """Whether a switch stopped in the middle, or is in the middle now; cheap."""
        return any(e.phase in _MIDDLE and self._store_of(e) is not None for e in entries(self._state))

    def run(self, *, now: bool = False) -> Waiting:
        """Finishes everything; ``now`` ends also what is still watched for late writers.  What
        could not be filed is returned.  Raises `CannotSwitch` where the disk does not let us, or
        a CLI that is renewing its login."""
        try:
            with accounts_lock(self._state):
                for entry in tuple(entries(self._state)):
                    self._finish(entry, now)
                for store in self._stores.values():
                    self._sweep(store)
                for folder in _own_folders(self._environment):
                    drop_unfinished(folder, time.time() - ORPHANED)
        except OSError as error:
            raise CannotSwitch(f"a switch could not be finished: {error.strerror or error}") from None
        stores = tuple(self._stores.values())
        return file_what_waits(self._environment, self._keeper, stores, self._prove, step=self._step)

    def _store_of(self, entry: Entry) -> LoginStore | None:
        store = self._stores.get((entry.provider, entry.slot))
        return store if store is not None and belongs(entry, store) else None

    def _finish(self, entry: Entry, now: bool) -> None:
        # Whoever switches holds the global lock as long as those of the CLI.  It is ours now, so
        # the locks that the journal names are nobody's, and what is in the middle has stopped.
        for folder in entry.locks:
            release(folder)
        self._step("unlocked")
        store = self._store_of(entry)
        if store is None:
            return
        if entry.phase is Phase.LOCKING:
            remove_entry(self._state, entry.operation)
            return
        self._finish_written(store, entry, now)

    def _finish_written(self, store: LoginStore, entry: Entry, now: bool) -> None:
        operation = again_name(entry) if entry.phase is Phase.AGAIN else entry.operation
        replaced = entry.phase is not Phase.WRITTEN and self._replaced(store, entry, operation)
        if entry.phase is Phase.WRITING and not replaced:
            # What was staged goes.  A safety copy stays, to be filed.
            self._settler.end(store, entry)
            return
        if replaced:
            self._carry_through(store, entry, operation)
        stopped = entry.phase is Phase.WRITING
        if stopped or (entry.phase is Phase.AGAIN and not replaced):
            # What was to be made again and was not, may be once more.
            entry = replace(entry, phase=Phase.WRITTEN)
            write_entry(self._state, entry)
        self._step("carried through")
        if stopped or not alive(entry):
            self._register(entry)
        if not alive(entry) and (now or not 0 <= self._clock.now() - entry.at < WATCHED):
            self._settler.end(store, entry)

    def _register(self, entry: Entry) -> None:
        """The account is the active one, unless the person captured another since."""
        registry, place = load_registry(self._state), place_of(entry.provider, entry.slot)
        if registry.active.get(place, "") == entry.active != entry.to:
            save_registry(self._state, registry.switched(place, entry.to, entry.came_from))
        self._step("registered")

    def _replaced(self, store: LoginStore, entry: Entry, operation: str) -> bool:
        """Whether the file with the secret had been exchanged: its new bytes are then in place,
        or what they replaced lies where they were staged."""
        secret = store.files()[0].path
        first = next((f for f in entry.files if f.path == str(secret)), None)
        live, staged = digest(read_bytes(secret)), read_bytes(exchange.staged_name(secret, operation))
        if first is None or live == first.before:
            return False
        if live == first.after or (staged is not None and digest(staged) == first.before):
            return True
        now = look(store, patient=False).live.login
        if now is not None and now.lineage == entry.lineage:
            return True
        if staged is None:
            if exchange.second_name(secret, operation).exists():
                return True
            # It was not there before, so nothing was exchanged for it: the others tell.
            others = (exchange.staged_name(Path(f.path), operation) for f in entry.files[1:])
            return not first.before and any(map(Path.exists, others))
        # Half written, it is no login; a late writer's is, and another one than the new.
        login = replaced_login(store, operation)
        return login is not None and login.lineage != entry.lineage

    def _carry_through(self, store: LoginStore, entry: Entry, operation: str) -> None:
        """Replaces the files that a kill between two of them left as they were."""
        behind = [Path(f.path) for f in entry.files[1:] if _is_behind(f, operation)]
        if not behind:
            return

        def noted(folders: tuple[HeldFolder, ...]) -> None:
            write_entry(self._state, replace(entry, locks=folders))

        with cli_locks(store.locks(), noted, WITHIN):
            for path in behind:
                before = next(f.before for f in entry.files if f.path == str(path))
                self._put_rest(store, entry, path, before, operation)

    def _put_rest(self, store: LoginStore, entry: Entry, path: Path, before: str, operation: str) -> None:
        """One file more.  What was staged of it goes last: until then this can be done again."""
        staged = exchange.staged_name(path, operation)
        seen, data = look(store, patient=False), read_bytes(staged)
        login = reread(store, seen, path, data).live.login
        if login is not None and self._is_of(login, entry, seen, path, before):
            rest = f"{operation}-r"
            exchange.drop(exchange.staged_name(path, rest))
            new = Replacement(store, login, seen, rest, only=frozenset({path}), step=self._step)
            if any(f.before != f.after for f in new.files):
                new.stage()
                new.put()
            exchange.drop(exchange.staged_name(path, rest))
        exchange.drop(staged)

    def _is_of(self, login: Login, entry: Entry, seen: Seen, path: Path, before: str) -> bool:
        """Whether the live tokens are the new account's, perhaps renewed by the CLI since: the
        other file is then as it was, and they are not known to be anybody else's."""
        if login.lineage == entry.lineage:
            return True
        registry = load_registry(self._state)
        account, owner = registry.account(entry.to), whose(login, registry, None)
        stranger = owner is not None and (account is None or owner.key != account.key)
        return digest(seen.data(path)) == before and not stranger

    def _sweep(self, store: LoginStore) -> None:
        """What no journal names any more: locks that were never put in place, staged and replaced files."""
        known = {entry.operation for entry in entries(self._state)}
        for lock in store.locks():
            sweep(lock.path)
        for file in store.files():
            for operation in exchange.operations_at(file.path):
                place = exchange.staged_name(file.path, operation)
                if operation[:8] not in known and _age(place) > ORPHANED:
                    self._keep(store, operation)
                    exchange.drop(place)

    def _keep(self, store: LoginStore, operation: str) -> None:
        """A safety copy of the login in a file of ours, unless it is kept already."""
        login = replaced_login(store, operation)
        if login is not None and not is_kept(login, load_registry(self._state), self._state):
            preserve(self._state, f"{operation}-found", login, "", self._clock.now())


def _own_folders(environment: Environment) -> Iterator[Path]:
    """Every folder in which secrets, or what names them, are written."""
    for base in (environment.state_dir, environment.data_dir):
        yield base
        with contextlib.suppress(OSError):
            yield from [path for path in base.iterdir() if path.is_dir()]


def _is_behind(file: Replaced, operation: str) -> bool:
    """Whether a file was staged and not put in place."""
    path = Path(file.path)
    staged = read_bytes(exchange.staged_name(path, operation))
    return staged is not None and digest(staged) == file.after != digest(read_bytes(path))


def _age(path: Path) -> float:
    # The wall clock, as the file system's times are its times.
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0
