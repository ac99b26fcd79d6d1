"""One commit to the index: rows of a scan joined with those that are kept, and what that changes in
the sums.  For `providers.ledger.index` only, inside its transaction.

A response is kept as an 8-byte keyed hash of its key and the packed rows of its group: binding two
values instead of twelve halves the time of a cold scan's commits.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from providers.ledger import merging as m
from providers.ledger.merging import Group
from providers.ledger.model import Row
from providers.ledger.responses import Response, Responses

SLOT = 900
"""Seconds of a cell."""

CONTEXTS = (272_000, 200_000, 100_000)
"""Prompts larger than these have prices of their own at some vendors; the largest first."""

MANY = 200
"""From so many keys on the places that are known are loaded first."""

MAX_TEXT = 400

Owner = Callable[[str, float], str]
"""Whose login of a provider was live in the quarter of an hour of a moment (epoch seconds); "" = unknown."""

PLACE = "provider, account, model, project, session, tier, context"
ADD = """
INSERT INTO cell VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (slot, place) DO UPDATE SET
    input = input + excluded.input, output = output + excluded.output,
    cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
    cache_write_1h = cache_write_1h + excluded.cache_write_1h, reasoning = reasoning + excluded.reasoning,
    requests = requests + excluded.requests
"""
# Form, part, place, time, weak, the seven counts.
_SMALL, _LARGE = struct.Struct("<BIIIB7I"), struct.Struct("<BIIIB7Q")
_UNNAMED = "\0"
"""Begins the part of a kept row of which only the number is known."""


class Booking:
    """Books rows; ``places`` is a cache of the table of that name, to be emptied if the
    transaction fails."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        places: dict[tuple[Any, ...], int],
        secret: bytes,
        owner: Owner,
        responses: Responses,
    ) -> None:
        self._connection, self._places, self._owner = connection, places, owner
        self._responses = responses
        # As a prefix the key takes half the time that it does as BLAKE2's own, which is a block by itself.
        self._hash = blake2b(secret, digest_size=8)
        self._changes: dict[tuple[int, int], list[int]] = {}
        self._kept: list[Response] = []

    def book(self, rows: Mapping[str, Mapping[str, Group]]) -> None:
        """Books the groups of each tool, by key."""
        for tool, groups in rows.items():
            self._book_tool(tool, groups)
        changes = sorted((*cell, *sums) for cell, sums in self._changes.items() if any(sums))
        self._connection.executemany(ADD, changes)

    def _book_tool(self, tool: str, groups: Mapping[str, Group]) -> None:
        """Books all as if they were new, then puts right those that were not."""
        if len(groups) > MANY and not self._places:
            self._load_places()
        idents = self._idents(tool, groups)
        self._add_all(tool, idents, groups.values())
        new, self._kept = self._kept, []
        if known := self._responses.keep_new(new):
            self._take_out_copies(known, new)
            for ident, (key, group) in zip(idents, groups.items(), strict=True):
                if ident in known:
                    for row in m.counted(group):
                        self._sum(self._place(tool, row), int(row[m.AT]), row[m.COUNTS], -1)
                    self._change(tool, ident, key, known[ident], group)
            self._responses.keep(self._kept)
            self._kept = []

    def _take_out_copies(self, known: dict[int, bytes], new: Iterable[Response]) -> None:
        """Those that say what is known, as most do; of the others ``known`` is left."""
        for ident, _, packed in new:
            if known.get(ident) == packed and len(packed) == _SMALL.size:
                _, place, at, _, *counts = _SMALL.unpack(packed)[1:]
                self._sum(place, at, counts, -1)
                del known[ident]

    def _idents(self, tool: str, keys: Mapping[str, Group]) -> list[int]:
        keyed = self._hash.copy()
        keyed.update(tool.encode() + b"\0")
        digests = []
        for key in keys:
            one = keyed.copy()
            one.update(key.encode("utf-8", "replace"))
            digests.append(one.digest())
        return list(struct.unpack(f"<{len(digests)}q", b"".join(digests)))

    def _load_places(self) -> None:
        for ident, *place in self._connection.execute(f"SELECT id, {PLACE} FROM place"):
            self._places[tuple(place)] = ident

    def _add_all(self, tool: str, idents: Sequence[int], groups: Iterable[Group]) -> None:
        """Adds keys; nearly all have one row: one loop with few calls in it, which is three times as
        fast."""
        places, changes, owner, pack = self._places, self._changes, self._owner, _SMALL.pack
        keep, least = self._kept.append, CONTEXTS[-1]
        before: tuple[Any, ...] = ()
        place, quarter = 0, -1
        owned, sums = "", [0] * 7
        for ident, row in zip(idents, groups, strict=True):
            if row[0].__class__ is not str:
                self._add(tool, ident, row)
                continue
            (_, at, model, project, session, fresh, out, read, written, hour, thought, calls,
             tier, part, weak, account) = row  # fmt: skip
            at = int(at)
            slot = at // SLOT
            if slot != quarter:
                owned = owner(tool, float(at))
            prompt = fresh + read + written
            context = _context(prompt, calls) if prompt > least else 0
            name = (tool, account or owned, model, project, session, tier, context)
            # A session's rows come one after the other, and comparing takes a third of hashing.
            if slot != quarter or name != before:
                found = places.get(name)
                place = places[name] = self._find_place(name) if found is None else found
                sums = changes.setdefault((slot, place), [0] * 7)
                before, quarter = name, slot
            number = _number(part) if part else 0
            counts = fresh, out, read, written, hour, thought, calls
            try:
                packed = pack(0, number, place, at, weak, *counts)
            except struct.error:
                packed = _LARGE.pack(1, number, place, at, weak, *counts)
            keep((ident, at, packed))
            sums[0] += fresh
            sums[1] += out
            sums[2] += read
            sums[3] += written
            sums[4] += hour
            sums[5] += thought
            sums[6] += calls

    def _add(self, tool: str, ident: int, group: Group) -> None:
        """A key with all its rows."""
        adding = m.counted(group)
        packed = b""
        for row in m.rows_of(group):
            place, at, counts, part = self._place(tool, row), int(row[m.AT]), row[m.COUNTS], row[m.PART]
            packed += packed_rows([(_number(part) if part else 0, place, at, row[m.WEAK], *counts)])
            if row in adding:
                self._sum(place, at, counts, 1)
        self._kept.append((ident, min(int(row[m.AT]) for row in m.rows_of(group)), packed))

    def _change(self, tool: str, ident: int, key: str, packed: bytes, group: Group) -> None:
        """A key that is known: what counted until now goes out, what counts from now comes in."""
        parts = {_number(part): part for row in m.rows_of(group) if (part := row[m.PART])}
        kept = sorted((self._row(key, row, parts) for row in unpacked(packed)), key=lambda r: str(r[m.PART]))
        before: Group = kept[0] if len(kept) == 1 else tuple(kept)
        after = m.joined(before, self._settled(tool, group))
        if after == before:
            return
        for row in m.counted(before):
            self._sum(self._place(tool, row), row[m.AT], row[m.COUNTS], -1)
        self._add(tool, ident, after)

    def _row(self, key: str, kept: Sequence[int], parts: Mapping[int, str]) -> Row:
        """A kept row.  Of its part the number is known only, unless the new ones name it."""
        number, place, at, weak, *counts = kept
        account, model, project, session, tier = self._connection.execute(
            "SELECT account, model, project, session, tier FROM place WHERE id = ?", (place,)
        ).fetchone()
        part = parts.get(number, f"{_UNNAMED}{number}") if number else ""
        return (key, at, model, project, session, *counts, tier, part, bool(weak), account)

    def _settled(self, tool: str, group: Group) -> Group:
        """New rows in the form in which rows come back from the table."""
        rows = tuple(
            (row[m.KEY], int(row[m.AT]), *row[m.MODEL : m.ACCOUNT], self._account(tool, row))
            for row in m.rows_of(group)
        )
        return rows[0] if len(rows) == 1 else rows

    def _account(self, tool: str, row: Row) -> str:
        account: str = row[m.ACCOUNT]
        return account or self._owner(tool, float(int(row[m.AT])))

    def _place(self, tool: str, row: Row) -> int:
        prompt = row[m.INPUT] + row[m.CACHE_READ] + row[m.CACHE_WRITE]
        named = (row[m.MODEL], row[m.PROJECT], row[m.SESSION], row[m.TIER])
        place = (tool, self._account(tool, row), *named, _context(prompt, row[m.REQUESTS]))
        ident = self._places.get(place)
        if ident is None:
            ident = self._places[place] = self._find_place(place)
        return ident

    def _find_place(self, place: tuple[Any, ...]) -> int:
        bounded = tuple(_bounded(value) if isinstance(value, str) else value for value in place)
        insert = f"INSERT OR IGNORE INTO place ({PLACE}) VALUES (?,?,?,?,?,?,?)"
        made = self._connection.execute(insert, bounded)
        if made.rowcount == 1 and made.lastrowid is not None:
            return made.lastrowid
        found = self._connection.execute(
            "SELECT id FROM place WHERE provider = ? AND account = ? AND model = ? AND project = ?"
            " AND session = ? AND tier = ? AND context = ?",
            bounded,
        ).fetchone()
        return int(found[0])

    def _sum(self, place: int, at: int, counts: Sequence[int], sign: int) -> None:
        sums = self._changes.setdefault((at // SLOT, place), [0] * 7)
        for i, count in enumerate(counts):
            sums[i] += sign * count


def _context(prompt: int, calls: int) -> int:
    """The bound that the prompt of one call is over, 0 for none.  Of several calls the average
    counts; of a session's total nobody knows, so its price is the base one."""
    each = prompt // calls if calls else 0
    for bound in CONTEXTS:
        if each > bound:
            return bound
    return 0


def _number(part: str) -> int:
    """The number under which a part is kept; 0 is none."""
    if part[0] == _UNNAMED:
        return int(part[1:])
    return zlib.crc32(part.encode("utf-8", "replace")) or 1


def packed_rows(rows: Iterable[Sequence[int]]) -> bytes:
    """Rows of a kept response: the number of the part, place, time, weak, the seven counts."""
    return b"".join(_LARGE.pack(1, *row) for row in rows)


def unpacked(packed: bytes) -> list[tuple[int, ...]]:
    """The rows that `packed_rows` packed."""
    rows, place = [], 0
    while place < len(packed):
        form = _LARGE if packed[place] else _SMALL
        rows.append(form.unpack_from(packed, place)[1:])
        place += form.size
    return rows


def counted_rows(rows: Sequence[tuple[int, ...]]) -> Sequence[tuple[int, ...]]:
    """The kept rows that add to the totals, as `providers.ledger.merging.counted` has them."""
    strong = [row for row in rows if not row[3]]
    return strong or [max(rows, key=lambda row: sum(row[4:8]))]


def _bounded(value: str) -> str:
    if value.isascii() and len(value) <= MAX_TEXT:
        return value
    return value[:MAX_TEXT].encode("utf-8", "replace").decode()
