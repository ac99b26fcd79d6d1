"""Bounded samples of used percent: for the rate line, and so that figures survive their file.

SQLite in the state folder, owned by the reader thread of each pane; several panes may share
it.  Any trouble with the disk turns it into a no-op that says so: figures on the screen
never depend on it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from providers.model import DAY, Reading, Source, Window

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
KEPT_SECONDS = 35 * DAY
KEPT_ROWS = 20_000
PRUNE_EVERY = 256
SAMPLE_SECONDS = 300.0
SAMPLE_POINTS = 1.0
SAME_RESET = 60.0
BUCKET_SECONDS = 900.0
ORIGIN = "history"

_SCHEMA = f"""
CREATE TABLE sample (
    provider TEXT NOT NULL, account TEXT NOT NULL, window TEXT NOT NULL,
    at REAL NOT NULL, used_percent REAL, resets_at REAL,
    PRIMARY KEY (provider, account, window, at)
) WITHOUT ROWID;
CREATE TABLE latest (
    provider TEXT NOT NULL, account TEXT NOT NULL, window TEXT NOT NULL,
    at REAL NOT NULL, source TEXT NOT NULL, label TEXT NOT NULL,
    used_percent REAL, resets_at REAL, seconds INTEGER,
    used REAL, lim REAL, remaining REAL, unit TEXT, note TEXT NOT NULL,
    PRIMARY KEY (provider, account, window)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Used percent of one window at one moment."""

    at: float
    used_percent: float
    resets_at: float | None


class History:
    """``trouble`` is a sentence when nothing is kept here, else empty."""

    def __init__(self, path: Path) -> None:
        self.trouble = ""
        self._path = path
        self._inserts = 0
        self._connection: sqlite3.Connection | None = None
        self._open()

    def record(self, provider: str, account: str, window: Window, observed_at: float, source: Source) -> None:
        """Keeps a figure: always as the latest one, as a sample only if something moved
        by a point, the reset changed, or five minutes passed."""
        connection = self._connection
        if connection is None:
            return
        import sqlite3

        place = (provider, account, window.id)
        try:
            with connection:
                connection.execute(
                    "INSERT OR REPLACE INTO latest VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    (*place, observed_at, source.value, window.label, window.used_percent, window.resets_at,
                     window.window_seconds, window.used, window.limit, window.remaining, window.unit,
                     window.note),
                )  # fmt: skip
                if window.used_percent is not None and self._is_news(connection, place, window, observed_at):
                    row = (*place, observed_at, window.used_percent, window.resets_at)
                    connection.execute("INSERT OR REPLACE INTO sample VALUES (?,?,?,?,?,?)", row)
                    self._prune(connection, observed_at)
        except sqlite3.Error as error:
            self._fail(error)

    def samples(self, provider: str, account: str, window: str, since: float) -> tuple[Sample, ...]:
        """The samples of a window from ``since`` on, oldest first."""
        rows = self._rows(
            "SELECT at, used_percent, resets_at FROM sample "
            "WHERE provider = ? AND account = ? AND window = ? AND at >= ? ORDER BY at",
            (provider, account, window, since),
        )
        return tuple(Sample(*row) for row in rows)

    def last_readings(self) -> tuple[Reading, ...]:
        """The last known figures, a reading per window, under the account's opaque id."""
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
        """Closes the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        import sqlite3

        for attempt in (1, 2):
            try:
                self._connection = self._connected()
                return
            except sqlite3.OperationalError as error:
                return self._fail(error)
            except sqlite3.DatabaseError as error:
                if attempt == 2:
                    return self._fail(error)
                self._put_aside()
            except OSError as error:
                return self._fail(error)

    def _connected(self) -> sqlite3.Connection:
        import sqlite3

        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made by us first, so that it is private from birth; SQLite copies the mode to -wal.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    for statement in _SCHEMA.split(";"):
                        connection.execute(statement)
                elif version != VERSION:
                    raise sqlite3.DatabaseError("made by another version")
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self) -> None:
        """A corrupt or foreign file is kept under another name and begun anew."""
        for suffix in ("", "-wal", "-shm"):
            path = self._path.with_name(self._path.name + suffix)
            if path.exists():
                path.replace(path.with_name(path.name + ".old"))

    def _fail(self, error: Exception) -> None:
        self.trouble = f"history is not kept: {error}"
        self.close()

    def _is_news(
        self, connection: sqlite3.Connection, place: tuple[str, str, str], window: Window, at: float
    ) -> bool:
        last = connection.execute(
            "SELECT at, used_percent, resets_at FROM sample "
            "WHERE provider = ? AND account = ? AND window = ? ORDER BY at DESC LIMIT 1",
            place,
        ).fetchone()
        if last is None or window.used_percent is None:
            return True
        moved = abs(window.used_percent - last[1]) >= SAMPLE_POINTS
        reset = abs((window.resets_at or 0) - (last[2] or 0)) > SAME_RESET
        return bool(moved or reset or abs(at - last[0]) >= SAMPLE_SECONDS)

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        self._inserts += 1
        if self._inserts % PRUNE_EVERY:
            return
        oldest = now - KEPT_SECONDS
        connection.execute("DELETE FROM latest WHERE at < ?", (oldest,))
        connection.execute("DELETE FROM sample WHERE at < ?", (oldest,))
        count = connection.execute("SELECT count(*) FROM sample").fetchone()[0]
        if count > KEPT_ROWS:
            edge = connection.execute(
                "SELECT at FROM sample ORDER BY at LIMIT 1 OFFSET ?", (count - KEPT_ROWS,)
            ).fetchone()[0]
            connection.execute("DELETE FROM sample WHERE at < ?", (edge,))

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        import sqlite3

        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            return []


def rate_per_hour(samples: Sequence[Sample], now: float, span: float = 4 * 3600.0) -> float | None:
    """Points of used percent gained an hour over the last ``span`` seconds.

    Only rises count: a reset is no negative use.  None with fewer than two samples in it.
    """
    held = [s for s in samples if s.at >= now - span]
    if len(held) < 2:
        return None
    hours = max(now - held[0].at, BUCKET_SECONDS) / 3600
    return sum(_rises(held)) / hours


def buckets(
    samples: Sequence[Sample], now: float, count: int = 16, width: float = BUCKET_SECONDS
) -> tuple[float, ...]:
    """Points gained in each of the last ``count`` spans of ``width`` seconds, oldest first."""
    gained = [0.0] * count
    for sample, rise in zip(samples[1:], _rises(samples), strict=True):
        index = count - 1 - int((now - sample.at) // width)
        if 0 <= index < count:
            gained[index] += rise
    return tuple(gained)


def _rises(samples: Sequence[Sample]) -> list[float]:
    """What was gained from each sample to the next; after a reset, all that is used."""
    rises = []
    for before, after in pairwise(samples):
        new = abs((after.resets_at or 0) - (before.resets_at or 0)) > SAME_RESET and (
            after.used_percent < before.used_percent
        )
        rises.append(after.used_percent if new else max(0.0, after.used_percent - before.used_percent))
    return rises
