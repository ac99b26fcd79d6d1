"""The files of one switch: staged together, put in place one after the other, taken back on failure.

For switch.py, settle.py and recovery.py, which hold the locks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from providers.accounts import exchange
from providers.accounts.journal import Replaced, digest
from providers.accounts.keeping import Step, no_step
from providers.accounts.living import Seen, read_bytes, reread
from providers.accounts.login import Login, LoginStore, StoreFile


class Replacement:
    """New bytes for the files of a store.  ``only`` limits it to some of them."""

    def __init__(
        self,
        store: LoginStore,
        login: Login,
        seen: Seen,
        operation: str,
        *,
        only: frozenset[Path] | None = None,
        step: Step = no_step,
    ) -> None:
        self._store, self._login, self._seen, self._operation = store, login, seen, operation
        self._step = step
        fresh = store.compose(login, seen.found)
        self._fresh: Mapping[Path, bytes] = {p: d for p, d in fresh.items() if only is None or p in only}
        self._done: list[Path] = []
        self.files = tuple(Replaced(str(p), digest(seen.data(p)), digest(d)) for p, d in self._fresh.items())

    def stage(self) -> None:
        """Writes all of it beside the files.  Raises OSError; then nothing is left of it."""
        staged: list[Path] = []
        try:
            for path, data in self._fresh.items():
                staged.append(exchange.stage(self._file(path), data, self._operation))
                self._step("staged")
        except BaseException:
            for place in staged:
                exchange.drop(place)
            raise

    def put(self) -> None:
        """Puts all of it in place.  Raises OSError; then everything is as it was, as far as
        nobody else wrote meanwhile."""
        try:
            for path, data in self._fresh.items():
                exchange.exchange(path, self._operation)
                self._done.append(path)
                self._step(f"replaced {len(self._done)}")
                self._mend(path, data)
        except BaseException:
            self.take_back()
            raise

    def overtook(self, key: str) -> bool:
        """Whether a CLI without locks had just written a newer login of the very account whose
        login was put in place."""
        secret = self._store.files()[0].path
        late = read_bytes(exchange.staged_name(secret, self._operation))
        if late is None or late == self._seen.data(secret):
            return False
        login = reread(self._store, self._seen, secret, late).live.login
        named = login.identity or login.claimed if login is not None else None
        return (
            login is not None and named is not None and named.key == key and login.issued > self._login.issued
        )

    def take_back(self) -> None:
        """Undoes what was put in place, where that still stands; drops what was staged."""
        for path in reversed(self._done):
            if read_bytes(path) == self._fresh[path]:
                with contextlib.suppress(OSError):
                    if exchange.staged_name(path, self._operation).exists():
                        exchange.exchange(path, self._operation)
                    else:
                        path.unlink()
        for path, data in self._fresh.items():
            place = exchange.staged_name(path, self._operation)
            if read_bytes(place) == data:
                exchange.drop(place)

    def _mend(self, path: Path, data: bytes) -> None:
        """Somebody wrote between our reading and the exchange: what belongs to the machine is
        taken over from there.  A login in it stays where it is, in the replaced file."""
        late = read_bytes(exchange.staged_name(path, self._operation))
        if late is None or late == self._seen.data(path):
            return
        mended = self._store.compose(self._login, reread(self._store, self._seen, path, late).found)[path]
        if mended == data or read_bytes(path) != data:
            return
        again = f"{self._operation}-b"
        exchange.stage(self._file(path), mended, again)
        exchange.exchange(path, again)
        if read_bytes(exchange.staged_name(path, again)) == data:
            exchange.drop(exchange.staged_name(path, again))

    def _file(self, path: Path) -> StoreFile:
        return next(file for file in self._store.files() if file.path == path)
