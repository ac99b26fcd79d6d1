"""Questions to the index, answered with frozen rows.

For screens and commands, on any thread with an `Index` of its own.  A question over a year of heavy
use takes tens of milliseconds: sums are kept per quarter of an hour, and grouped by SQLite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from providers.engine.values import clean
from providers.ledger.booking import SLOT
from providers.ledger.index import Index
from providers.record import Record

PLACES = ("provider", "account", "model", "project", "session", "tier", "context")
PERIODS = ("quarter", "hour", "day", "week", "month")
_COUNTS = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "requests")
_LONGEST = 300

_NAMED = (
    " JOIN (SELECT slot AS named, period(slot) AS {} FROM (SELECT DISTINCT slot FROM cell {}) LIMIT -1)"
    " ON named = slot"
)
"""Each slot is named once: naming it in each of its cells costs a fifth of the question.  The limit is
what keeps SQLite from doing that nevertheless."""


class Total(Record):
    """Tokens of one group; what was not asked to be grouped by is "" (``context``: 0).

    ``period`` is ``2026-11-26T14:15`` (where a quarter or an hour begins), ``2026-11-26``, ``2026-W48``
    or ``2026-11`` in the zone asked for.  ``input`` excludes cache reads and writes, ``cache_write``
    contains ``cache_write_1h``, ``output`` contains ``reasoning``.  ``account`` is an identity key,
    "" = unknown.  ``context`` is the bound in tokens that the prompts exceeded (0, 100 000, 200 000,
    272 000), for prices that depend on it.
    ``first`` and ``last`` bound the use in epoch seconds, to a quarter of an hour.  Texts are clean.
    """

    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    reasoning: int
    requests: int
    first: int
    last: int
    provider: str = ""
    account: str = ""
    model: str = ""
    project: str = ""
    session: str = ""
    tier: str = ""
    context: int = 0
    period: str = ""

    @property
    def tokens(self) -> int:
        """All of them: reasoning is inside output, the one-hour part inside cache_write."""
        return self.input + self.output + self.cache_read + self.cache_write


def totals(
    index: Index,
    *,
    by: Sequence[str] = (),
    since: float | None = None,
    until: float | None = None,
    where: dict[str, str] | None = None,
    zone: tzinfo = UTC,
) -> tuple[Total, ...]:
    """Totals grouped by ``by`` (names of `PLACES` and at most one of `PERIODS`), in that order.

    ``since`` and ``until`` (epoch seconds) are rounded down to a quarter of an hour; ``until`` is
    exclusive.  ``where`` keeps only groups with these values, like ``{"provider": "claude"}``.
    Empty if there is no index yet.  Raises `Unusable`, and ValueError for a name there is not.
    """
    where = where or {}
    periods = [name for name in by if name in PERIODS]
    unknown = [name for name in (*by, *where) if name not in PLACES and name not in periods]
    if unknown or len(periods) > 1 or any(name in PERIODS for name in where):
        raise ValueError(f"cannot group by {', '.join(unknown or periods)}")
    connection = index.reading()
    if connection is None:
        return ()
    query, values = _question(by, periods, where, since, until)
    with index.guarded():
        if periods:
            connection.create_function("period", 1, _labels(periods[0], zone), deterministic=True)
        rows = connection.execute(query, values).fetchall()
    return tuple(_total(row, by) for row in rows)


def _question(
    by: Sequence[str],
    periods: Sequence[str],
    where: dict[str, str],
    since: float | None,
    until: float | None,
) -> tuple[str, list[Any]]:
    """The statement and its values."""
    slots = [f"slot {sign} ?" for moment, sign in ((since, ">="), (until, "<")) if moment is not None]
    limits: list[Any] = [math.floor(moment / SLOT) for moment in (since, until) if moment is not None]
    bounds, values = [f"{name} = ?" for name in where] + slots, [*where.values(), *limits]
    named = ""
    if periods:
        named = _NAMED.format(periods[0], f"WHERE {' AND '.join(slots)}" if slots else "")
        values = limits + values
    return (
        f"SELECT {', '.join((*(f'sum({c})' for c in _COUNTS), 'min(slot)', 'max(slot)', *by))}"
        " FROM cell JOIN place ON place.id = cell.place"
        f"{named}"
        f"{' WHERE ' + ' AND '.join(bounds) if bounds else ''}"
        f"{' GROUP BY ' + ', '.join(by) if by else ''}"
        " HAVING sum(requests) > 0 OR sum(input + output + cache_read + cache_write) > 0"
        f"{' ORDER BY ' + ', '.join(by) if by else ''}"
    ), values


def _total(row: tuple[Any, ...], by: Sequence[str]) -> Total:
    *counts, first, last = row[:9]
    named: dict[str, Any] = dict(zip(_COUNTS, counts, strict=True))
    named |= {
        "period" if name in PERIODS else name: clean(value, _LONGEST) if isinstance(value, str) else value
        for name, value in zip(by, row[9:], strict=True)
    }
    return Total(first=first * SLOT, last=(last + 1) * SLOT, **named)


def _labels(period: str, zone: tzinfo) -> Callable[[int], str]:
    """Names a slot's period in a zone."""
    form = {
        "quarter": "%Y-%m-%dT%H:%M",
        "hour": "%Y-%m-%dT%H:00",
        "week": "%G-W%V",
        "month": "%Y-%m",
    }.get(period)

    def label(slot: int) -> str:
        begin = datetime.fromtimestamp(slot * SLOT, zone)
        return begin.strftime(form) if form else begin.date().isoformat()

    return label
