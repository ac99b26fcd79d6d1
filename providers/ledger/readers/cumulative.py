"""Stores that keep one running total per session: what it grew by since it was last seen counts.

Pure.  The last totals are the reader's state.  A total that fell is a new baseline.  Only so many
sessions can be remembered: of an older one that comes back the next total is a baseline too, which
may leave something out and never counts anything twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from providers.base import KIB
from providers.ledger.model import Book, State, Usage
from providers.ledger.readers.spelling import NOTHING, Raw, Spelling

MOST_BYTES = 48 * KIB
"""Of the state; the index refuses more than 64 KiB."""


class Total(NamedTuple):
    """What a store says of one session now.  ``born`` and ``changed`` in epoch seconds, 0.0 = unknown."""

    session: str
    born: float
    changed: float
    model: str
    project: str
    raw: Raw


class Totals:
    """The totals of one store as they were when it was last read."""

    def __init__(self, spelling: Spelling, state: State) -> None:
        self._spelling = spelling
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        self._last: dict[str, Raw] = {mark: _unpacked(raw) for mark, raw in known.get("last", {}).items()}
        self._forgotten: float = known.get("forgotten", 0.0)
        self.approximate: bool = known.get("approximate", False)

    def state(self) -> State:
        """The totals, the newest last, and up to when sessions began that are no longer among them."""
        last = {mark: _packed(raw) for mark, raw in self._last.items()}
        return {"last": last, "forgotten": self._forgotten, "approximate": self.approximate}

    def take(self, totals: Iterable[Total], book: Book) -> None:
        """Books the growth of each session."""
        born: dict[str, float] = {}
        for total in sorted(totals, key=lambda total: total.changed or total.born):
            mark = blake2b(total.session.encode("utf-8", "replace"), digest_size=6).hexdigest()
            born[mark] = total.born
            last = self._last.pop(mark, None)
            self._last[mark] = total.raw
            if last is None and self._forgotten and total.born <= self._forgotten:
                self.approximate = True
            elif last is None or (total.raw != last and all(map(int.__ge__, total.raw, last))):
                self._book(total, last, book)
        self._forget(born)

    def _book(self, total: Total, last: Raw | None, book: Book) -> None:
        grown = total.raw if last is None else Raw._make(map(int.__sub__, total.raw, last))
        counts = self._spelling.counts(grown)
        if not any(counts):
            return
        at = (total.born if last is None else 0.0) or total.changed
        key = f"{total.session}:{':'.join(map(str, total.raw))}"
        book(
            Usage(
                key, at, total.model, total.project, total.session, counts.input, counts.output,
                counts.cache_read, counts.cache_write, 0, counts.reasoning, 0,
            )
        )  # fmt: skip

    def _forget(self, born: Mapping[str, float]) -> None:
        size = sum(_size(raw) for raw in self._last.values())
        for mark in list(self._last):
            if size <= MOST_BYTES:
                break
            size -= _size(self._last.pop(mark))
            # Of a store that does not say when sessions began, each unknown one may be an old one.
            self._forgotten = max(self._forgotten, born.get(mark, 0.0), 1.0)


def _packed(raw: Raw) -> list[int]:
    values = list(raw)
    while values and not values[-1]:
        values.pop()
    return values


def _unpacked(values: list[int]) -> Raw:
    return Raw._make([*values, *NOTHING[len(values) :]])


def _size(raw: Raw) -> int:
    return 18 + sum(len(str(value)) + 1 for value in _packed(raw))
