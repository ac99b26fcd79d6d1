"""Finishing what a killed process left, before anything else is done with accounts.

A switch that had not replaced anything is forgotten; one that had replaced a file is carried
through; where somebody else wrote since, nothing of theirs is touched.  Whatever login lies in
a file of ours is preserved before the file goes.  For the desk, at every start.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

from providers.accounts import exchange
from providers.accounts.filing import Waiting, file_what_waits
from providers.accounts.journal import Entry, Phase, alive, digest, entries, remove_entry, write_entry
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Prove, look, read_bytes, reread
from providers.accounts.locks import release
from providers.accounts.login import CannotSwitch, LoginStore
from providers.accounts.registry import accounts_lock, load_registry, place_of, save_registry
from providers.accounts.replacement import Replacement
from providers.accounts.safety import save_copy
from providers.accounts.settle import WATCHED, Settler, is_kept, replaced_login
from providers.base import Environment
from providers.engine.clock import Clock
from providers.record import replace

_FOLDERS = ("journal", "safety")
ORPHANED = 3600.0
"""Seconds after which a staged file that no journal names is a dead one's."""

_STAGED = re.compile(r"\.qd-[0-9a-f]{8}(-[0-9a-z]+)?(-old)?$")


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

    def run(self, *, now: bool = False) -> Waiting:
        """Finishes everything; ``now`` ends also what is still watched for late writers.  What
        could not be filed is returned.  Raises `CannotSwitch` where the disk does not let us."""
        try:
            with accounts_lock(self._state):
                for entry in tuple(entries(self._state)):
                    store = self._stores.get((entry.provider, entry.slot))
                    if store is not None and not alive(entry):
                        self._finish(store, entry, now)
                for store in self._stores.values():
                    self._sweep(store)
        except OSError as error:
            raise CannotSwitch(f"a switch could not be finished: {error.strerror or error}") from None
        stores = tuple(self._stores.values())
        return file_what_waits(self._environment, self._keeper, stores, self._prove, step=self._step)

    def _finish(self, store: LoginStore, entry: Entry, now: bool) -> None:
        for folder in entry.locks:
            release(folder)
        self._step("unlocked")
        if entry.phase is Phase.LOCKING:
            remove_entry(self._state, entry.operation)
            return
        if entry.phase is Phase.WRITING:
            if not self._replaced(store, entry):
                self._forget(store, entry)
                return
            self._carry_through(store, entry)
            entry = replace(entry, phase=Phase.WRITTEN)
            write_entry(self._state, entry)
            self._step("carried through")
        registry = load_registry(self._state)
        place = place_of(entry.provider, entry.slot)
        if registry.active.get(place) != entry.to:
            save_registry(self._state, registry.switched(place, entry.to, entry.came_from))
        self._step("registered")
        if now or not 0 <= self._clock.now() - entry.at < WATCHED:
            self._settler.end(store, entry)

    def _replaced(self, store: LoginStore, entry: Entry) -> bool:
        """Whether the file with the secret had been exchanged: its new bytes are then in place,
        or what they replaced lies where they were staged."""
        secret = store.files()[0].path
        first = next((f for f in entry.files if f.path == str(secret)), None)
        live, staged = digest(read_bytes(secret)), read_bytes(exchange.staged_name(secret, entry.operation))
        if first is None or live == first.before:
            return False
        if live == first.after or (staged is not None and digest(staged) == first.before):
            return True
        if staged is None:
            # It was not there before, so nothing was exchanged for it: the others tell.
            others = (exchange.staged_name(Path(f.path), entry.operation) for f in entry.files[1:])
            return not first.before and any(map(Path.exists, others))
        # Half written, it is no login; a late writer's is, and another one than the new.
        login = replaced_login(store, entry.operation)
        return login is not None and login.lineage != entry.lineage

    def _forget(self, store: LoginStore, entry: Entry) -> None:
        """Nothing was replaced: what was staged is dropped.  A safety copy stays, to be filed."""
        self._keep(store, entry.operation)
        for file in store.files():
            exchange.drop(exchange.staged_name(file.path, entry.operation))
        remove_entry(self._state, entry.operation)

    def _carry_through(self, store: LoginStore, entry: Entry) -> None:
        """Replaces the files that a kill between two of them left as they were."""
        for done in entry.files[1:]:
            path = Path(done.path)
            staged = read_bytes(exchange.staged_name(path, entry.operation))
            if staged is None or digest(staged) != done.after or digest(read_bytes(path)) == done.after:
                continue
            seen = look(store, patient=False)
            login = reread(store, seen, path, staged).live.login
            exchange.drop(exchange.staged_name(path, entry.operation))
            # Untouched since, the tokens were then renewed by the CLI and are still the new account's.
            untouched = digest(seen.data(path)) == done.before
            if login is not None and (login.lineage == entry.lineage or untouched):
                rest = Replacement(
                    store, login, seen, f"{entry.operation}-r", only=frozenset({path}), step=self._step
                )
                rest.stage()
                rest.put()
                exchange.drop(exchange.staged_name(path, f"{entry.operation}-r"))

    def _sweep(self, store: LoginStore) -> None:
        """Staged and replaced files that no journal names any more."""
        known = {entry.operation for entry in entries(self._state)}
        for file in store.files():
            for path in _leftovers(file.path):
                operation = path.name.rpartition(".qd-")[2][:8]
                if operation not in known and _age(path) > ORPHANED:
                    self._keep(store, path.name.rpartition(".qd-")[2])
                    exchange.drop(path)

    def _keep(self, store: LoginStore, operation: str) -> None:
        """A safety copy of the login in a file of ours, unless it is kept already."""
        login = replaced_login(store, operation)
        if login is not None and not is_kept(login, load_registry(self._state), self._state):
            save_copy(self._state, f"{operation}-found", login, "", self._clock.now())


def _leftovers(path: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [p for p in path.parent.iterdir() if p.name.startswith(path.name) and _STAGED.search(p.name)]
    return []


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0
