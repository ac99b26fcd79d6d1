"""What an index that was put aside knows and the one made anew cannot: logs that are gone.

For `providers.ledger.index` only, once every log there is has been read.  Both indexes hash with the
same key, so that a response is known again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from providers.ledger.booking import ADD, PLACE, SLOT, counted_rows, packed_rows, unpacked
from providers.ledger.responses import Table

Cell = tuple[int, int]


def secret_of(path: Path) -> bytes | None:
    """The key with which that index hashed, None if it cannot be had."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as old:
            found = old.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()
    except sqlite3.Error:
        return None
    return found[0] if found and isinstance(found[0], bytes) else None


def take_over(connection: sqlite3.Connection) -> None:
    """Books from the attached database ``old`` what ``main`` lacks, inside a transaction.

    Sessions that are unknown come whole.  Of a session that is known, responses come that are not,
    provided that some are known in both: if none are, it was counted under other keys.
    """
    execute = connection.execute
    execute(
        "CREATE TEMP TABLE gone AS SELECT * FROM old.place AS o WHERE NOT EXISTS (SELECT 1 FROM main.place"
        " AS p WHERE p.provider = o.provider AND p.session = o.session)"
    )
    cells: dict[Cell, list[int]] = {}
    for slot, place, *counts in execute(
        "SELECT slot, place, input, output, cache_read, cache_write, cache_write_1h, reasoning, requests"
        " FROM old.cell WHERE place IN (SELECT id FROM gone)"
    ):
        _add(cells, (slot, place), counts)
    kept = _missing_responses(connection, cells)
    places = _places(
        connection, {place for _, place in cells} | {row[1] for _, _, rows in kept for row in rows}
    )
    _write(connection, cells, kept, places)
    execute("DROP TABLE gone")


Kept = tuple[int, int, list[tuple[int, ...]]]


def _missing_responses(connection: sqlite3.Connection, cells: dict[Cell, list[int]]) -> list[Kept]:
    """The responses to keep; adds those of known sessions to the cells."""
    execute = connection.execute
    sessions = {i: (p, s) for i, p, s in execute("SELECT id, provider, session FROM old.place")}
    gone = {ident for (ident,) in execute("SELECT id FROM gone")}
    shared: set[tuple[str, str]] = set()
    missing: list[Kept] = []
    for ident, at, packed, known in execute(
        "SELECT o.id, o.at, o.rows, n.id IS NOT NULL FROM old.response AS o"
        " LEFT JOIN main.response AS n ON n.id = o.id"
    ):
        rows = unpacked(packed)
        if known:
            shared.update(sessions[row[1]] for row in rows)
        else:
            missing.append((ident, at, rows))
    kept = [
        (ident, at, rows)
        for ident, at, rows in missing
        if all(row[1] in gone or sessions[row[1]] in shared for row in rows)
    ]
    for _, _, rows in kept:
        for _, place, when, _, *counts in counted_rows(rows):
            if place not in gone:
                _add(cells, (when // SLOT, place), counts)
    return kept


def _places(connection: sqlite3.Connection, old: Iterable[int]) -> dict[int, int]:
    """The places of this index by those of the old one, made where they lack."""
    same = " AND ".join(f"n.{name} = o.{name}" for name in PLACE.split(", "))
    places = {}
    for ident in old:
        connection.execute(
            f"INSERT OR IGNORE INTO main.place ({PLACE}) SELECT {PLACE} FROM old.place WHERE id = ?", (ident,)
        )
        found = connection.execute(
            f"SELECT n.id FROM old.place AS o JOIN main.place AS n ON {same} WHERE o.id = ?", (ident,)
        ).fetchone()
        places[ident] = found[0]
    return places


def _write(
    connection: sqlite3.Connection, cells: dict[Cell, list[int]], kept: list[Kept], places: dict[int, int]
) -> None:
    connection.executemany(ADD, [(slot, places[place], *counts) for (slot, place), counts in cells.items()])
    responses = []
    for ident, at, rows in kept:
        moved = [(number, places[place], *rest) for number, place, *rest in rows]
        responses.append((ident, at, packed_rows(moved)))
    Table(connection).keep(responses)


def _add(cells: dict[Cell, list[int]], cell: Cell, counts: Iterable[int]) -> None:
    sums = cells.setdefault(cell, [0] * 7)
    for i, count in enumerate(counts):
        sums[i] += count
