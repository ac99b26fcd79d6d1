"""One pass over the logs: what is new since the last one goes into the index.

Run in the child process for a cold scan (`providers.ledger.child`) and on the reader thread for
appends.  One pass at a time per state folder, by a lock of the system; a pass that cannot have it
says so and leaves the work to the one that has it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from providers.base import MIB, Environment
from providers.engine.lock import LockFailed, locked
from providers.engine.values import clean
from providers.ledger import remembered
from providers.ledger.booking import Owner
from providers.ledger.index import Index, Known
from providers.ledger.merging import ACCOUNT, MODEL, Group, joined
from providers.ledger.model import DATABASE, DOCUMENT, Book, LogFile, Row, SessionLogs, UnreadableLog
from providers.ledger.owners import unknown_owner
from providers.ledger.progress import Progress, Tell
from providers.ledger.reading import (
    Stopped,
    open_log,
    prefix_mark,
    read_database,
    read_document,
    read_lines,
    read_packed,
)
from providers.ledger.sharing import Helped
from providers.ledger.walk import PACKED, Seen, file_of, seen_files

DAY = 86_400.0
KEPT_KEYS = 400 * DAY
"""Claude Code deletes logs after 30 days; a copy of a response does not turn up a year later."""

HELD_ROWS = 12_000
"""So many responses are held before they are written.  Not many more, for at the end of a shared scan
one process waits while the other writes."""

FEW_ROWS = 2_000
"""So many are held near the end, where what is not written yet keeps both processes waiting."""

NEAR_END = 0.1
"""The part of all bytes that is the end."""

MOST_ROWS = 20_000
"""So many are held, about 8 MB, while the other process writes: reading goes on meanwhile."""

SHARED_BYTES = 64 * MIB
"""A fork and a second connection cost 20 ms; from here on it pays."""

TELL_SECONDS = 0.25


def index_path(environment: Environment) -> Path:
    """Where the index lies."""
    return environment.state_dir / "ledger.sqlite3"


def open_index(environment: Environment, rooms: Sequence[SessionLogs]) -> Index:
    """The index of this state folder, with the rules of these readers."""
    return Index(index_path(environment), {logs.id: logs.version for logs in rooms})


class Scan:
    """Passes over the logs of some tools.  Lives as long as its pane; used on one thread.

    ``stop`` is asked between blocks, ``owners`` at the beginning of a pass.
    """

    def __init__(
        self,
        index: Index,
        rooms: Sequence[SessionLogs],
        environment: Environment,
        *,
        owners: Callable[[], Owner] = lambda: unknown_owner,
        tell: Tell = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._index, self._rooms, self._environment = index, rooms, environment
        self._owners, self._tell, self._stop, self._now = owners, tell, stop, now
        self._owner: Owner = unknown_owner
        self._known: dict[str, Known] = {}
        self._seen_version = (0, 0)
        self._began_with = 0

    def backlog(self) -> int:
        """How many bytes a pass would read.  Makes and changes nothing; raises `Unusable`."""
        if self._index.is_current():
            self._recall()
        else:
            self._known, self._seen_version = {}, (0, 0)
        return sum(self._unread(seen) for seen in self._changed(seen_files(self._rooms, self._environment)))

    def run(self, *, alone: bool = False) -> Progress:
        """Reads everything that is new, newest files first.  Raises `Unusable`.

        ``alone`` says that this process does nothing else and has one thread: a large scan then
        forks once and is done by two."""
        self._index.bulk = alone
        return self._locked(lambda: seen_files(self._rooms, self._environment), True, alone)

    def look(self, paths: Iterable[str]) -> Progress:
        """Reads what is new in these files alone.  Raises `Unusable`."""
        found = (file_of(self._rooms, self._environment, path) for path in paths)
        return self._locked(lambda: (seen for seen in found if seen is not None), False, False)

    def _locked(self, files: Callable[[], Iterable[Seen]], everything: bool, alone: bool) -> Progress:
        try:
            with locked(self._environment.state_dir / "ledger.lock", 0.0):
                self._index.prepare()
                self._recall()
                self._owner = self._owners()
                self._began_with = len(self._known)
                seen = list(files())
                progress = _Pass(self, self._changed(seen), alone).run()
                if everything and not progress.stopped:
                    self._finish(seen, progress)
                return progress
        except LockFailed as error:
            held = "another" in str(error)
            trouble = (
                "another quotadeck is reading the logs" if held else f"the ledger cannot be kept: {error}"
            )
            return Progress(0, 0, 0, 0, stopped=True, trouble=trouble)

    def _finish(self, seen: Sequence[Seen], progress: Progress) -> None:
        """After a whole pass: what is known of files that are gone is dropped, their totals stay."""
        self._index.settle()
        there = {file.path for file in seen}
        # What is remembered of a store with running totals must outlive its absence: without it the
        # whole total would be booked once more.
        gone = [path for path, known in self._known.items() if known.prefix and path not in there]
        if gone:
            self._index.forget(gone)
            for path in gone:
                del self._known[path]
        if self._began_with and progress.bytes > MIB:
            self._index.prune(self._now() - KEPT_KEYS)
        self._index.adopt()

    def _recall(self) -> None:
        """What is known of the files; read anew only if another copy has written."""
        version = self._index.data_version()
        if version != self._seen_version:
            self._known = self._index.known()
            self._seen_version = version

    def _changed(self, files: Iterable[Seen]) -> list[Seen]:
        """The files that are not as they were, newest first."""
        known = self._known.get
        changed = []
        for seen in files:
            old = known(seen.path)
            now = seen.mtime_ns, seen.size, seen.inode
            # A permission that was given changes neither size nor mtime.
            if old is None or old.trouble or (old.mtime_ns, old.size, old.inode) != now:
                changed.append(seen)
        changed.sort(key=lambda seen: -seen.mtime_ns)
        return changed

    def _unread(self, seen: Seen) -> int:
        old = self._known.get(seen.path)
        if old is None or seen.size < abs(old.offset) or seen.tree.kind in (DOCUMENT, DATABASE):
            return seen.size
        return seen.size - abs(old.offset)


class _Pass:
    """One pass: the rows and files that are not written yet, and how far it is."""

    def __init__(self, scan: Scan, files: list[Seen], alone: bool) -> None:
        self._scan, self._files, self._alone = scan, files, alone
        self._rows: dict[str, dict[str, Group]] = {}
        self._read: list[Known] = []
        self._helped: Helped[Seen] | None = None
        self._count: Callable[[int], None] | None = None
        self._began = self._told = time.monotonic()
        self._bytes = self._done = 0
        self._of_bytes = sum(map(scan._unread, files))
        self._today = False
        self._enough = HELD_ROWS

    def run(self) -> Progress:
        midnight = _midnight(self._scan._now()) * 1e9
        older = next((i for i, seen in enumerate(self._files) if seen.mtime_ns < midnight), len(self._files))
        try:
            self._read_part(self._files[:older])
            self._today = True
            if older < len(self._files):
                self._scan._tell(self._progress())
                self._read_part(self._files[older:])
        except Stopped:
            self._write()
            progress = self._progress(stopped=True)
            self._scan._tell(progress)
            return progress
        progress = self._progress(done=True)
        if self._files:
            self._scan._tell(progress)
        return progress

    def _read_part(self, files: list[Seen]) -> None:
        size = sum(map(self._scan._unread, files))
        if self._alone and size > SHARED_BYTES and (os.cpu_count() or 1) > 1:
            self._read_shared(files)
        else:
            self._read_all(files)

    def _read_all(self, files: Iterable[Seen], last: frozenset[str] = frozenset()) -> None:
        """``last`` are the paths near the end of a list that is shared."""
        for seen in files:
            self._take(seen)
            self._done += 1
            held = sum(map(len, self._rows.values()))
            enough = FEW_ROWS if seen.path in last else self._enough
            if held >= enough and (held >= MOST_ROWS or not self._scan._index.is_busy()):
                self._write()
            if not self._alone:
                # Lets another thread have its turn: of the event loop's delay this takes half.
                time.sleep(0)
        self._write()

    def _read_shared(self, files: list[Seen]) -> None:
        """Two processes take files from one list and write to one index."""
        index = self._scan._index
        # A connection must not be open across a fork.
        index.close()
        last = self._near_end(files)
        self._helped = helped = Helped(files, partial(self._help, last))
        try:
            self._read_all(helped.files(), last)
        finally:
            went_well = helped.end()
            self._done, self._bytes, self._helped = self._done + helped.done, self._bytes + helped.bytes, None
        if not went_well:
            self._scan._recall()
            self._read_all(self._scan._changed(files))
        self._scan._seen_version = (0, 0)

    def _help(self, last: frozenset[str], files: Iterable[Seen], read: Callable[[int], None]) -> None:
        """What the second process does."""
        self._helped = None
        self._count = read
        # The two are to write in turn: at the same time one would wait for the other.
        self._enough = HELD_ROWS // 2
        self._read_all(files, last)

    def _near_end(self, files: Sequence[Seen]) -> frozenset[str]:
        """The last of these files."""
        left = NEAR_END * sum(map(self._scan._unread, files))
        paths: set[str] = set()
        for seen in reversed(files):
            left -= self._scan._unread(seen)
            if left < 0:
                break
            paths.add(seen.path)
        return frozenset(paths)

    def _take(self, seen: Seen) -> None:
        old = self._scan._known.get(seen.path)
        try:
            known = self._read_file(seen, old)
        except FileNotFoundError:
            return
        except UnreadableLog as error:
            known = remembered.fresh(seen, old)._replace(trouble=clean(str(error), 160))
        except Stopped:
            raise
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            known = remembered.fresh(seen, old)._replace(trouble=f"cannot be read: {reason}")
        except Exception as error:
            # Of a reader only its class of error is said: its message might quote a line.
            known = remembered.fresh(seen, old)._replace(
                trouble=f"could not be understood ({type(error).__name__})"
            )
        if known != old:
            self._read.append(known)

    def _read_file(self, seen: Seen, old: Known | None) -> Known:
        file = LogFile(seen.tree, Path(seen.path), seen.mtime_ns / 1e9)
        fd, info = open_log(file.path)
        try:
            if seen.tree.kind == DATABASE:
                return self._read_database(file, seen, old)
            if seen.tree.kind == DOCUMENT:
                return self._read_document(fd, info, file, seen, old)
            return self._read_lines(fd, file, seen, old)
        finally:
            os.close(fd)

    def _read_lines(self, fd: int, file: LogFile, seen: Seen, old: Known | None) -> Known:
        mark = self._scan._index.mark
        packed = seen.path.endswith(PACKED)
        offset, broken, state = 0, 0, None
        if old is not None and not packed and remembered.goes_on(fd, seen, old, mark):
            offset, broken, state = old.offset, old.broken, remembered.state(old)
        reader: Any = seen.logs.open(file, state)
        book = self._booking(seen)
        if packed:
            taken = read_packed(fd, reader, book, self._step)
        else:
            taken = read_lines(fd, offset, reader, book, self._step)
        prefix = b"" if packed else prefix_mark(fd, taken.offset, mark)
        return remembered.known(seen, taken, prefix, reader, broken)

    def _read_document(
        self, fd: int, info: os.stat_result, file: LogFile, seen: Seen, old: Known | None
    ) -> Known:
        reader: Any = seen.logs.open(file, remembered.state(old))
        limit = seen.tree.max_bytes
        taken = read_document(fd, info.st_size, limit, reader, self._booking(seen), self._step)
        return remembered.known(seen, taken, b"", reader, 0)

    def _read_database(self, file: LogFile, seen: Seen, old: Known | None) -> Known:
        if seen.size > seen.tree.max_bytes * 64:
            raise UnreadableLog("is larger than a log of this kind ever was")
        reader: Any = seen.logs.open(file, remembered.state(old))
        taken = read_database(seen.path, reader, self._booking(seen))
        self._step(seen.size)
        return remembered.known(seen, taken, b"", reader, 0)

    def _booking(self, seen: Seen) -> Book:
        """Where the reader of a file books: each key once, with the account of its tree."""
        rows = self._rows.setdefault(seen.logs.id, {})
        get = rows.get
        account, written = seen.tree.account, seen.mtime_ns / 1e9

        def book(row: Row) -> None:
            if account or row[1] <= 0:
                row = (row[0], row[1] if row[1] > 0 else written, *row[MODEL:ACCOUNT], account)
            key = row[0]
            old = get(key)
            rows[key] = row if old is None else joined(old, row)

        return book

    def _step(self, count: int) -> None:
        """Told of every block."""
        if self._count is not None:
            return self._count(count)
        self._bytes += count
        if self._scan._stop():
            raise Stopped
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            self._scan._tell(self._progress())

    def _write(self) -> None:
        if not self._read and not any(self._rows.values()):
            return
        self._scan._index.commit(self._rows, self._read, self._scan._owner)
        self._enough = HELD_ROWS
        for known in self._read:
            self._scan._known[known.path] = known
        for rows in self._rows.values():
            rows.clear()
        self._read.clear()

    def _progress(self, *, done: bool = False, stopped: bool = False) -> Progress:
        spent, left = time.monotonic() - self._began, None
        if self._bytes > 16 * MIB and not done:
            left = spent * max(0, self._of_bytes - self._bytes) / self._bytes
        # A log that grows while it is read must not show more than all of it.
        of_bytes = max(self._of_bytes, self._bytes)
        return Progress(self._done, len(self._files), self._bytes, of_bytes, left, self._today, done, stopped)


def _midnight(now: float) -> float:
    """When today began here."""
    local = time.localtime(now)
    return now - (local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec)
