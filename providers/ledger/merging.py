"""Which booking of a response counts.  Pure; for the scan and the index.

A row is a `Usage` with the account of its tree behind it.  All bookings of one key are a group: one
row, or a tuple of rows with different parts.  `joined` is commutative, associative and idempotent,
which is what makes totals independent of the order of files and of where a scan was killed
(tests/providers/ledger/test_merging.py).
"""

from __future__ import annotations

from typing import Any

from providers.ledger.model import Row

Group = Any
"""A `Row`, or a tuple of rows: most keys have one, and a tuple around each would cost 56 bytes."""

KEY, AT, MODEL, PROJECT, SESSION, INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H = range(10)
REASONING, REQUESTS, TIER, PART, WEAK, ACCOUNT = range(10, 16)
COUNTS = slice(INPUT, REQUESTS + 1)


def rows_of(group: Group) -> tuple[Row, ...]:
    """The rows of a group."""
    return group if isinstance(group[0], tuple) else (group,)


def joined(old: Group, new: Group) -> Group:
    """Both groups of one key as one."""
    if old == new:
        return old
    parts = {row[PART]: row for row in rows_of(old)}
    for row in rows_of(new):
        other = parts.get(row[PART])
        parts[row[PART]] = row if other is None else _joined_rows(other, row)
    if len(parts) == 1:
        return next(iter(parts.values()))
    return tuple(parts[part] for part in sorted(parts))


def counted(group: Group) -> tuple[Row, ...]:
    """The rows that add to the totals: the strong ones, else the largest of the weak."""
    rows = rows_of(group)
    if len(rows) == 1:
        return rows
    strong = tuple(row for row in rows if not row[WEAK])
    if strong:
        return strong
    best = rows[0]
    for row in rows[1:]:
        best = _better(best, row)
    return (best,)


def _joined_rows(a: Row, b: Row) -> Row:
    best = _better(a, b)
    at, weak = min(a[AT], b[AT]), a[WEAK] and b[WEAK]
    if best[AT] == at and best[WEAK] == weak:
        return best
    return (best[KEY], at, *best[MODEL:WEAK], weak, best[ACCOUNT])


def _better(a: Row, b: Row) -> Row:
    first, second = _rank(a), _rank(b)
    if first != second:
        return a if first > second else b
    return a if _texts(a) <= _texts(b) else b


def _rank(row: Row) -> tuple[int, bool, bool]:
    tokens = row[INPUT] + row[OUTPUT] + row[CACHE_READ] + row[CACHE_WRITE]
    return tokens, bool(row[MODEL]), bool(row[TIER])


def _texts(row: Row) -> tuple[Any, ...]:
    places = (row[SESSION], row[PROJECT], row[ACCOUNT], row[MODEL], row[TIER])
    return (*places, *row[COUNTS], row[PART])
