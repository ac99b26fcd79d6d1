"""Bounded samples of used percent: for the rate line, and so that figures survive their file.

SQLite in the state folder, used on one thread at a time (the reader thread of a pane, the
only thread of a one-shot command); several panes may share the file.  Any trouble with the
disk turns it into a no-op that says so: figures on the screen never depend on it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from providers.engine.own_database import make_private, transaction
from providers.engine.values import clean
from providers.model import DAY, Reading, Source, Window
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

VERSION = 1
KEPT_SECONDS = 35 * DAY
KEPT_ROWS = 20_000
PRUNE_EVERY = 256
SAMPLE_SECONDS = 300.0
SAMPLE_POINTS = 1.0
SAME_RESET = 60.0
NEXT_WINDOW = 1800.0
BUCKET_SECONDS = 900.0
BUSY_SECONDS = 4.0
"""How long a write waits for another pane's: on a busy disk one checkpoint took over a second,
and a sample was lost.  Only the reader thread waits."""

ORIGIN = "history"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sample (
    provider TEXT NOT NULL, account TEXT NOT NULL, window TEXT NOT NULL,
    at REAL NOT NULL, used_percent REAL, resets_at REAL,
    PRIMARY KEY (provider, account, window, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest (
    provider TEXT NOT NULL, account TEXT NOT NULL, window TEXT NOT NULL,
    at REAL NOT NULL, source TEXT NOT NULL, label TEXT NOT NULL,
    used_percent REAL, resets_at REAL, seconds INTEGER,
    used REAL, lim REAL, remaining REAL, unit TEXT, note TEXT NOT NULL,
    PRIMARY KEY (provider, account, window)
) WITHOUT ROWID
"""


class Sample(Record):
    """Used percent (0-100) of one window at one moment (epoch seconds)."""

    at: float
    used_percent: float
    resets_at: float | None


class _Unusable(Exception):
    """The file cannot be a history of ours; the message is a clean sentence."""


class History:
    """The history in the file at ``path``; nothing is opened before the first call.

    Whatever happens to the file, no method raises: nothing is kept then, ``trouble`` says
    why in one sentence ("" while all is well), and the next call tries again.  A file that
    is corrupt or of another version is put aside as ``<name>.old`` by `record`; reading
    neither makes nor renames anything.
    """

    def __init__(self, path: Path) -> None:
        self.trouble = ""
        self._path = path
        self._inserts = 0
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._ready = False
        self._broken = False

    def record(self, provider: str, account: str, window: Window, observed_at: float, source: Source) -> None:
        """Keeps a figure: as the latest one if it is newer than that, as a sample only if it
        moved by a point, the reset changed, or five minutes passed.

        ``account`` is the opaque id of `providers.engine.deck.account_id`.
        """
        for _ in range(2):
            with self._guarded():
                self._record((provider, account, window.id), window, observed_at, source)
            if not self._broken:
                return

    def samples(self, provider: str, account: str, window: str, since: float) -> tuple[Sample, ...]:
        """The samples of a window from ``since`` on, oldest first."""
        rows = self._rows(
            "SELECT at, used_percent, resets_at FROM sample "
            "WHERE provider = ? AND account = ? AND window = ? AND at >= ? ORDER BY at",
            (provider, account, window, since),
        )
        return tuple(Sample(*row) for row in rows)

    def last_readings(self) -> tuple[Reading, ...]:
        """The last known figures, a reading per window, under the account's opaque id.

        ``observed_at`` is as it was recorded; after a clock was set back it may lie ahead.
        """
        rows = self._rows(
            "SELECT provider, account, at, source, window, label, used_percent, resets_at, seconds,"
            " used, lim, remaining, unit, note FROM latest",
            (),
        )
        readings = []
        for provider, account, at, source, *rest in rows:
            if source in {s.value for s in Source}:
                window = Window(*rest)
                readings.append(
                    Reading(provider, (window,), Source(source), ORIGIN, at, account=f"id:{account}")
                )
        return tuple(readings)

    def close(self) -> None:
        """Closes the file; a later call opens it again."""
        connection, self._connection, self._ready = self._connection, None, False
        if connection is not None:
            connection.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turns whatever goes wrong with the file into ``trouble``."""
        import sqlite3

        try:
            yield
        except (sqlite3.Error, OSError, _Unusable) as error:
            self._broken = _is_broken(error)
            self.trouble = f"history is not kept: {_cause(error)}"
            self.close()
        else:
            self.trouble = ""

    def _record(self, place: tuple[str, str, str], window: Window, at: float, source: Source) -> None:
        connection = self._writing()
        if not _is_newer(connection, place, at):
            return
        with transaction(connection):
            # Another pane may have written since.
            if not _is_newer(connection, place, at):
                return
            row = (
                *place, at, source.value, window.label, window.used_percent, window.resets_at,
                window.window_seconds, window.used, window.limit, window.remaining, window.unit, window.note,
            )  # fmt: skip
            connection.execute("INSERT OR REPLACE INTO latest VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row)
            if window.used_percent is not None and _is_news(connection, place, window, at):
                sample = (*place, at, window.used_percent, window.resets_at)
                connection.execute("INSERT OR REPLACE INTO sample VALUES (?,?,?,?,?,?)", sample)
            # The very first one too: most panes are closed before they have inserted many.
            if self._inserts % PRUNE_EVERY == 0:
                _prune(connection, at)
            self._inserts += 1

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        with self._guarded():
            connection = self._reading()
            if connection is not None:
                found = connection.execute(query, values).fetchall()
        return found

    def _reading(self) -> sqlite3.Connection | None:
        """A connection to a history that is there; None where there is none yet."""
        connection = self._current()
        if connection is not None:
            return connection
        if not os.path.lexists(self._path):
            return None
        connection = self._connect()
        if _version(connection) == VERSION:
            return connection
        self.close()
        return None

    def _writing(self) -> sqlite3.Connection:
        """A connection to a history with its tables, made or begun anew if need be."""
        if self._broken:
            self._put_aside()
        connection = self._current()
        if connection is None or not self._ready:
            self.close()
            make_private(self._path)
            connection = self._connect()
            self._prepare(connection)
            self._ready = True
        return connection

    def _current(self) -> sqlite3.Connection | None:
        """The open connection, unless its file was removed or put aside meanwhile."""
        if self._connection is not None and _inode_of(self._path) != self._inode:
            self.close()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        if not stat.S_ISREG(os.lstat(self._path).st_mode):
            raise _Unusable("it is not a regular file")
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        self._inode = _inode_of(self._path)
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        with transaction(connection):
            # Both from one moment: another pane may just be making the tables.
            version = _version(connection)
            foreign = version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        if version not in (0, VERSION) or foreign:
            raise _OtherVersion("it was made by another version")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        with transaction(connection):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def _put_aside(self) -> None:
        """A file that is no use is kept under another name; one that replaced it is left."""
        self.close()
        if _inode_of(self._path) == self._inode:
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._path.replace(self._path.with_name(self._path.name + ".old"))
        self._broken = False


class _OtherVersion(_Unusable):
    """A history that we neither understand nor may extend."""


def _is_broken(error: Exception) -> bool:
    """Whether the file itself is no use, as opposed to what is around it."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, _OtherVersion) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return clean(str(error))


def _inode_of(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_newer(connection: sqlite3.Connection, place: tuple[str, str, str], at: float) -> bool:
    """Whether a figure of ``at`` is newer than the latest one.

    One that lies ahead by more than a day was kept while the clock was wrong; it must not
    keep out everything until then.
    """
    found = connection.execute(
        "SELECT at FROM latest WHERE provider = ? AND account = ? AND window = ?", place
    ).fetchone()
    return found is None or not at <= found[0] <= at + DAY


def _is_news(connection: sqlite3.Connection, place: tuple[str, str, str], window: Window, at: float) -> bool:
    last = connection.execute(
        "SELECT at, used_percent, resets_at FROM sample "
        "WHERE provider = ? AND account = ? AND window = ? AND at <= ? ORDER BY at DESC LIMIT 1",
        (*place, at),
    ).fetchone()
    if last is None or window.used_percent is None:
        return True
    moved = abs(window.used_percent - last[1]) >= SAMPLE_POINTS
    reset = abs((window.resets_at or 0) - (last[2] or 0)) > SAME_RESET
    return bool(moved or reset or at - last[0] >= SAMPLE_SECONDS)


def _prune(connection: sqlite3.Connection, now: float) -> None:
    oldest = now - KEPT_SECONDS
    connection.execute("DELETE FROM latest WHERE at < ?", (oldest,))
    connection.execute("DELETE FROM sample WHERE at < ?", (oldest,))
    count = connection.execute("SELECT count(*) FROM sample").fetchone()[0]
    if count > KEPT_ROWS:
        edge = connection.execute(
            "SELECT at FROM sample ORDER BY at LIMIT 1 OFFSET ?", (count - KEPT_ROWS,)
        ).fetchone()[0]
        connection.execute("DELETE FROM sample WHERE at < ?", (edge,))


def rate_per_hour(samples: Sequence[Sample], now: float, span: float = 4 * 3600.0) -> float | None:
    """Points of used percent gained an hour over the last ``span`` seconds.

    Only rises count: a reset is no negative use.  None with fewer than two samples in it.
    """
    held = [s for s in samples if now - span <= s.at <= now]
    if len(held) < 2:
        return None
    hours = max(now - held[0].at, BUCKET_SECONDS) / 3600
    return sum(_rises(held)) / hours


def buckets(
    samples: Sequence[Sample], now: float, count: int = 16, width: float = BUCKET_SECONDS
) -> tuple[float, ...]:
    """Points gained in each of the last ``count`` spans of ``width`` seconds, oldest first.

    A gain counts where it was first seen.
    """
    gained = [0.0] * count
    for sample, rise in zip(samples[1:], _rises(samples), strict=True):
        index = count - 1 - int((now - sample.at) // width)
        if 0 <= index < count:
            gained[index] += rise
    return tuple(gained)


def _rises(samples: Sequence[Sample]) -> list[float]:
    """What was gained from each sample to the next; after a reset, all that is used."""
    return [
        after.used_percent
        if _was_reset(before, after)
        else max(0.0, after.used_percent - before.used_percent)
        for before, after in pairwise(samples)
    ]


def _was_reset(before: Sample, after: Sample) -> bool:
    """Whether the window began anew between two samples.

    Sources differ in whether they know the reset, so one that is only missing is no change,
    and a slightly lower figure of the same window is a correction, not a reset.
    """
    if before.resets_at is None or after.used_percent >= before.used_percent:
        return False
    if after.resets_at is None:
        return before.resets_at <= after.at
    return abs(after.resets_at - before.resets_at) > NEXT_WINDOW
