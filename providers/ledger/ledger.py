"""The ledger as a pane sees it: keeps the index current, and says how far it is.

Lives on the reader thread of a pane: `catch_up` and `changed` are called there and do file I/O;
``tell`` is called there, or on the thread of a scan.  Figures are asked for through
`providers.ledger.query.totals` with an index of one's own, at any time: nobody waits for a scan.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from providers.base import MIB, Environment
from providers.ledger.cold import ColdScan
from providers.ledger.index import Unusable
from providers.ledger.model import PRESENCE, SessionLogs
from providers.ledger.owners import account_owner
from providers.ledger.progress import Progress, Tell
from providers.ledger.scan import Scan, open_index

COLD_BYTES = 8 * MIB
"""What the reader thread reads itself: about 10 ms."""


class Ledger:
    """Session logs of these tools, kept in the index.  ``free`` is called, on the thread of a scan, when a
    child that came to its end has let go: what was written meanwhile can be read from then on."""

    def __init__(
        self,
        environment: Environment,
        rooms: Sequence[SessionLogs],
        tell: Tell,
        free: Callable[[], object] = lambda: None,
    ) -> None:
        self._environment, self._rooms, self._tell, self._free = environment, rooms, tell, free
        self._stopped = threading.Event()
        self._cold: ColdScan | None = None
        self._busy = self._done = False
        self._scan = Scan(
            open_index(environment, rooms),
            rooms,
            environment,
            owners=partial(account_owner, environment.state_dir),
            tell=tell,
            stop=self._stopped.is_set,
        )

    def folders(self) -> frozenset[Path]:
        """The folders to watch (recursively) for `changed`."""
        return frozenset(
            tree.folder
            for logs in self._rooms
            for tree in logs.trees(self._environment)
            if tree.kind != PRESENCE
        )

    def catch_up(self) -> None:
        """Reads everything that is new: a little at once, much in a child process."""
        if self._busy:
            return
        self._stopped.clear()
        try:
            if self._scan.backlog() <= COLD_BYTES or not self._start_child():
                progress = self._scan.run()
                if progress.trouble or not progress.of_files:
                    self._tell(progress)
        except Unusable as error:
            self._tell(Progress(0, 0, 0, 0, stopped=True, trouble=str(error)))

    def changed(self, paths: Iterable[Path]) -> bool:
        """Reads what was added to these files; True if there was any.  While a scan runs, ours or that
        of another copy, it is left to that one and to the next `catch_up`."""
        if self._busy:
            return False
        # A scan that was stopped must not stop what is appended after it.
        self._stopped.clear()
        try:
            progress = self._scan.look(_logs_of(paths))
        except Unusable as error:
            self._tell(Progress(0, 0, 0, 0, stopped=True, trouble=str(error)))
            return False
        return progress.of_files > 0

    def cancel(self) -> None:
        """Stops a scan that runs.  What was read stays; `catch_up` goes on from there."""
        self._stopped.set()
        if self._cold is not None:
            self._cold.cancel()

    def _start_child(self) -> bool:
        self._cold = ColdScan(self._environment, self._rooms, self._told, self._ended)
        self._busy = True
        if not self._cold.start():
            self._busy, self._cold = False, None
        return self._busy

    def _told(self, progress: Progress) -> None:
        self._done = progress.done
        self._tell(progress)

    def _ended(self) -> None:
        self._busy, self._cold = False, None
        if self._done:
            self._free()


def _logs_of(paths: Iterable[Path]) -> frozenset[str]:
    """The logs that changed; of a database it is the ``-wal`` beside it that does."""
    return frozenset(str(path).removesuffix("-wal").removesuffix("-shm") for path in paths)
