"""Where the index keeps every response once: a table, and for a first scan, runs.

For `providers.ledger.booking` and `providers.ledger.index` only, inside their transactions.

The hashes of keys lie at random, so each of a scan's commits would write nearly every page of the
table anew: a quarter of its time.  Into an empty table a scan therefore does not write; each commit
appends one sorted run, and once the totals are there `settle` moves all runs into the table in order.
Runs that a killed scan has left are kept like any response, and moved before the next pass.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate, pairwise
from operator import itemgetter
from struct import pack, unpack, unpack_from
from typing import Protocol

RESPONSES = """
CREATE TABLE response (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, rows BLOB NOT NULL);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, idents BLOB NOT NULL, times BLOB NOT NULL, lengths BLOB NOT NULL,
    rows BLOB NOT NULL
)
"""
"""``response``: hash of the key, epoch seconds of the earliest row, packed rows.  ``run`` has columns of the
same, sorted by hash; of a response that is in several the last counts."""

MOST_IN_RUNS = 150_000
"""So many responses stay in runs; a scan holds 100 bytes of each in memory."""

Response = tuple[int, int, bytes]
"""Hash of its key, epoch seconds, packed rows (`providers.ledger.booking`)."""

_KEEP = "INSERT OR REPLACE INTO response VALUES (?,?,?)"
_KEEP_NEW = "INSERT INTO response VALUES (?,?,?) ON CONFLICT (id) DO UPDATE SET at = at WHERE met(id, rows)"
"""Asking for the few that are known while keeping the many that are not halves what looking all of
them up before cost."""

_ALL, _PARTS = 1 << 64, 8
"""How many hashes there can be, and in how many parts runs are moved: in one it takes 40 MB."""

_ident = itemgetter(0)


class Responses(Protocol):
    """Keeps responses."""

    def keep_new(self, responses: list[Response]) -> dict[int, bytes]:
        """Keeps those whose hash is not known; the rows that are kept of the others, by hash."""

    def keep(self, responses: list[Response]) -> None:
        """Keeps them in place of what was kept under their hashes."""


class Table:
    """The table, for any number of responses."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def keep_new(self, responses: list[Response]) -> dict[int, bytes]:
        """See `Responses`."""
        known: dict[int, bytes] = {}
        self._connection.create_function("met", 2, known.__setitem__)
        responses.sort(key=_ident)
        self._connection.executemany(_KEEP_NEW, responses)
        return known

    def keep(self, responses: list[Response]) -> None:
        """See `Responses`."""
        responses.sort(key=_ident)
        self._connection.executemany(_KEEP, responses)

    def is_empty(self) -> bool:
        """Whether no response is in the table."""
        return self._connection.execute("SELECT 1 FROM response LIMIT 1").fetchone() is None


class Runs:
    """The runs of one scan, which several processes may write in turn.

    ``held`` is what this process knows of them from one commit to the next: to be made anew if a
    transaction fails."""

    def __init__(self, connection: sqlite3.Connection, held: Held) -> None:
        self._connection, self._held = connection, held
        newer = "SELECT id, idents FROM run WHERE id > ? ORDER BY id"
        for run, idents in connection.execute(newer, (held.last,)):
            held.take(run, _numbers("q", idents))

    def keep_new(self, responses: list[Response]) -> dict[int, bytes]:
        """See `Responses`."""
        known = self._held.idents.intersection(map(_ident, responses))
        self.keep([response for response in responses if response[0] not in known] if known else responses)
        return self._rows_of(known) if known else {}

    def keep(self, responses: list[Response]) -> None:
        """See `Responses`."""
        if not responses:
            return
        responses.sort(key=_ident)
        idents, times, rows = zip(*responses, strict=True)
        count, lengths = len(rows), map(len, rows)
        columns = pack(f"<{count}q", *idents), pack(f"<{count}q", *times), pack(f"<{count}I", *lengths)
        insert = "INSERT INTO run (idents, times, lengths, rows) VALUES (?,?,?,?)"
        made = self._connection.execute(insert, (*columns, b"".join(rows)))
        self._held.take(made.lastrowid or 0, idents)

    def is_full(self) -> bool:
        """Whether they hold as much as they may."""
        return len(self._held.idents) >= MOST_IN_RUNS

    def _rows_of(self, idents: Iterable[int]) -> dict[int, bytes]:
        """The rows of responses that are in the runs, those of the last run first."""
        found: dict[int, bytes] = {}
        left = sorted(idents)
        for run, there in reversed(self._held.runs):
            places = [(ident, bisect_left(there, ident)) for ident in left]
            here = [(ident, place) for ident, place in places if there[place : place + 1] == (ident,)]
            if here:
                select = "SELECT lengths, rows FROM run WHERE id = ?"
                lengths, rows = self._connection.execute(select, (run,)).fetchone()
                bounds = list(accumulate(_numbers("I", lengths), initial=0))
                found |= {ident: rows[bounds[place] : bounds[place + 1]] for ident, place in here}
                left = [ident for ident in left if ident not in found]
        return found


class Held:
    """Which hashes are in the runs, and in which run: ``runs`` has number and sorted hashes."""

    def __init__(self) -> None:
        self.idents: set[int] = set()
        self.runs: list[tuple[int, tuple[int, ...]]] = []
        self.last = 0

    def take(self, run: int, idents: tuple[int, ...]) -> None:
        """Notes a run."""
        self.idents.update(idents)
        self.runs.append((run, idents))
        self.last = run


def settle(connection: sqlite3.Connection, database: str = "main") -> None:
    """Moves all runs of that database into its table, a part of them at a time."""
    select = f"SELECT idents, times, lengths, rows FROM {database}.run ORDER BY id"
    insert = f"INSERT OR REPLACE INTO {database}.response VALUES (?,?,?)"
    runs = [_Run(*columns) for columns in connection.execute(select)]
    for part in range(1, _PARTS + 1):
        kept: dict[int, Response] = {}
        for run in runs:
            kept.update((response[0], response) for response in run.below(part * _ALL // _PARTS - _ALL // 2))
        connection.executemany(insert, sorted(kept.values(), key=_ident))
    connection.execute(f"DELETE FROM {database}.run")


class _Run:
    """A run as it is stored, read from its beginning on."""

    def __init__(self, idents: bytes, times: bytes, lengths: bytes, rows: bytes) -> None:
        self._idents, self._times, self._lengths, self._rows = idents, times, lengths, rows
        self._read = self._start = 0

    def below(self, bound: int) -> Iterable[Response]:
        """Those that were not read yet with hashes below the bound."""
        first, count = self._read, len(self._lengths) // 4
        last = bisect_left(range(count), bound, key=lambda i: unpack_from("<q", self._idents, 8 * i)[0])
        idents = _numbers("q", self._idents[8 * first : 8 * last])
        times = _numbers("q", self._times[8 * first : 8 * last])
        bounds = list(accumulate(_numbers("I", self._lengths[4 * first : 4 * last]), initial=self._start))
        self._read, self._start = last, bounds[-1]
        return zip(idents, times, (self._rows[a:b] for a, b in pairwise(bounds)), strict=True)


def has_runs(connection: sqlite3.Connection, database: str = "main") -> bool:
    """Whether there is anything to `settle`."""
    if not connection.execute(f"SELECT 1 FROM {database}.sqlite_master WHERE name = 'run'").fetchone():
        return False
    return connection.execute(f"SELECT 1 FROM {database}.run LIMIT 1").fetchone() is not None


def _numbers(kind: str, column: bytes) -> tuple[int, ...]:
    size = 8 if kind == "q" else 4
    return unpack(f"<{len(column) // size}{kind}", column)
