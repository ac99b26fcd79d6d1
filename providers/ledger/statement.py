"""The statement: totals as rows for a person, a program or a file, with their API list price.

Pure.  ``quotadeck usage`` and the usage screen both make theirs here, so that they cannot differ.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from providers.ledger.prices import Prices
from providers.ledger.query import PERIODS, Total
from providers.record import Record

GROUPS = ("provider", "model", "day", "project", "session")
"""What rows can be grouped by, in the order in which it stands in a row."""

COUNTS = ("input", "output", "cache_read", "cache_write", "reasoning", "requests")
PRICED_BY = ("provider", "model", "tier", "context")
"""What must be told apart to price tokens."""

EXPORTED = ("day", "model", "provider")
EXPORT_COLUMNS = ("day", "model", "tool", *COUNTS)
UNNAMED = "models that the logs do not name"
_FORMULA = ("=", "+", "-", "@")


class Row(Record):
    """One group.  ``names`` are its values in the order asked for, "" = the logs do not say.

    ``cost`` in US dollars is what the priced part of it would cost; ``unpriced`` are the models
    without a price (as the logs write them), so that with any of them the cost is more than that.
    """

    names: tuple[str, ...]
    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    requests: int
    cost: float
    unpriced: frozenset[str]

    @property
    def tokens(self) -> int:
        """All of them: reasoning is inside output."""
        return self.input + self.output + self.cache_read + self.cache_write

    @property
    def cost_usd(self) -> float | None:
        """The API list price in US dollars, None if a part of it is not known."""
        return None if self.unpriced else self.cost


def grouping(by: Sequence[str]) -> tuple[str, ...]:
    """What totals must be grouped by to make rows of ``by`` out of them."""
    return tuple(dict.fromkeys((*by, *PRICED_BY)))


def rows_of(totals: Iterable[Total], by: Sequence[str], prices: Prices) -> tuple[Row, ...]:
    """Totals (grouped by `grouping`) as rows, in the order of their names."""
    groups: dict[tuple[str, ...], list[Total]] = {}
    for total in totals:
        names = tuple(total.period if name in PERIODS else str(getattr(total, name)) for name in by)
        groups.setdefault(names, []).append(total)
    return tuple(_row(names, groups[names], prices) for names in sorted(groups))


def sum_of(rows: Iterable[Row]) -> Row:
    """All rows as one."""
    held = tuple(rows)
    unpriced = frozenset[str]().union(*(row.unpriced for row in held))
    return _made((), held, sum(row.cost for row in held), unpriced)


def _made(
    names: tuple[str, ...], parts: Sequence[Total] | Sequence[Row], cost: float, unpriced: frozenset[str]
) -> Row:
    counts: dict[str, int] = {count: sum(getattr(part, count) for part in parts) for count in COUNTS}
    return Row(names=names, cost=cost, unpriced=unpriced, **counts)


def _row(names: tuple[str, ...], totals: Sequence[Total], prices: Prices) -> Row:
    cost, unpriced = 0.0, set[str]()
    for total in totals:
        dollars = prices.cost(total)
        if dollars is not None:
            cost += dollars
        elif total.tokens:
            unpriced.add(total.model or UNNAMED)
    return _made(names, totals, cost, frozenset(unpriced))


def as_json(rows: Sequence[Row], by: Sequence[str], now: float) -> str:
    """``usage --json`` of the contract.  Provider and model are null where rows are not told apart
    by them; ``cost_usd`` is null where a price is missing."""
    document = {
        "schema_version": 1,
        "generated_at": int(now),
        "rows": [_object(row, by) for row in rows],
        "totals": _figures(sum_of(rows)),
    }
    return json.dumps(document, indent=1) + "\n"


def _object(row: Row, by: Sequence[str]) -> dict[str, object]:
    named = dict(zip(by, row.names, strict=True))
    places = {name: named.get(name) for name in GROUPS if name in named or name in ("provider", "model")}
    return {**places, **_figures(row)}


def _figures(row: Row) -> dict[str, object]:
    cost = None if row.cost_usd is None else round(row.cost_usd, 6)
    return {**{count: getattr(row, count) for count in COUNTS}, "cost_usd": cost}


def as_csv(rows: Sequence[Row], by: Sequence[str]) -> str:
    """The same as CSV.  A cell that a spreadsheet would run as a formula begins with an apostrophe."""
    columns = (*by, *COUNTS, "cost_usd")
    return _csv(columns, ([*row.names, *_figures(row).values()] for row in rows))


def as_export(rows: Sequence[Row]) -> str:
    """The file of ``usage --export``: rows by `EXPORTED`, one per day, model and tool; no project, no
    session, no account, no price."""
    cells = ([*row.names, *(getattr(row, count) for count in COUNTS)] for row in rows)
    return _csv(EXPORT_COLUMNS, cells)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
