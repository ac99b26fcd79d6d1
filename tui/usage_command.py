"""``quotadeck usage``: the tokens of the session logs, once.

Brings the index up to date, asks it, prints; sends nothing.  The figures go to stdout, everything
about them (progress, unreadable logs, models without a price) to stderr.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TextIO

from providers.base import Environment
from providers.engine.files import WriteFailed, WriteRefused, write_atomic
from providers.ledger import statement
from providers.ledger.index import Index, Unusable
from providers.ledger.model import SessionLogs
from providers.ledger.owners import account_owner
from providers.ledger.prices import LABEL, BadPrices, Prices, load_prices
from providers.ledger.progress import Progress
from providers.ledger.query import Total, totals
from providers.ledger.scan import Scan, open_index
from providers.ledger.statement import EXPORTED, GROUPS, Row, grouping, rows_of, sum_of
from providers.ledger.tools import DETECTED, found_tools
from providers.record import Record
from tui.text import cell_width, fit, fit_end, pad, scan_words, tilde, tokens, whole

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3
DEFAULT_BY = ("provider", "model")
LEAST_NAME = 8
NAME = 24
"""Cells that a name may have before a column of figures is left out for it."""


class Wanted(Record):
    """What was asked for.  ``form`` is table, json or csv; ``since`` in epoch seconds."""

    providers: tuple[str, ...] = ()
    form: str = "table"
    by: tuple[str, ...] = DEFAULT_BY
    since: float | None = None
    zone: tzinfo = UTC
    cost: bool = False
    export: Path | None = None
    agreed: bool = False


class WrongUse(Exception):
    """An argument is not right; the message is a clean sentence."""


def wanted_of(
    providers: Sequence[str], form: str | None, by: str | None, since: str | None, zone: str | None,
    cost: bool, export: str | None, agreed: bool,
) -> Wanted:  # fmt: skip
    """The command line as a wish.  Raises `WrongUse`."""
    there = zone_of(zone)
    return Wanted(
        tuple(providers), form or "table", _groups(by), _moment(since, there), there, cost,
        Path(export) if export else None, agreed,
    )  # fmt: skip


def zone_of(name: str | None) -> tzinfo:
    """A time zone by name; UTC if none is given.  Raises `WrongUse`."""
    if not name:
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise WrongUse(f"there is no time zone {name!r}; write it like Europe/Berlin") from None


def _groups(written: str | None) -> tuple[str, ...]:
    names = [name.strip() for name in written.split(",")] if written is not None else list(DEFAULT_BY)
    wrong = [name for name in names if name not in GROUPS]
    if wrong:
        raise WrongUse(f"usage cannot be told by {wrong[0]!r}; there are {', '.join(GROUPS)}")
    return tuple(dict.fromkeys(names))


def _moment(written: str | None, zone: tzinfo) -> float | None:
    if written is None:
        return None
    try:
        parsed = datetime.fromisoformat(written)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise WrongUse(f"{written!r} is no date; write it like 2026-11-01") from None


class UsageCommand:
    """One run.  ``rooms`` are the tools whose logs are read, ``say`` prints on stdout, ``stdin`` is a
    person's who can be asked (None where nobody can), ``width`` the cells of a line."""

    def __init__(
        self,
        environment: Environment,
        rooms: Sequence[SessionLogs],
        *,
        say: Callable[[str], object],
        err: TextIO,
        stdin: TextIO | None,
        width: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._environment, self._rooms, self._now = environment, rooms, now
        self._say, self._err, self._stdin, self._width = say, err, stdin, width

    def run(self, wanted: Wanted) -> int:
        """Does it; returns the exit code."""
        known = [logs.id for logs in self._rooms]
        unknown = [name for name in wanted.providers if name not in known]
        if unknown:
            return self._fail(f"no logs are read of {unknown[0]!r}; there are {', '.join(known)}", USAGE)
        index = open_index(self._environment, self._rooms)
        try:
            return self._answer(index, wanted)
        except (Unusable, sqlite3.Error) as error:
            return self._fail(str(error) if isinstance(error, Unusable) else "the ledger cannot be read")
        except BadPrices as error:
            return self._fail(f"{error}; nothing was priced")
        finally:
            index.close()

    def _answer(self, index: Index, wanted: Wanted) -> int:
        prices = load_prices(self._environment)
        self._bring_up_to_date(index)
        by = EXPORTED if wanted.export else wanted.by
        rows = rows_of(self._totals(index, by, wanted), by, prices)
        if wanted.export:
            return self._export(wanted.export, rows, wanted.agreed)
        match wanted.form:
            case "json":
                self._say(statement.as_json(rows, by, self._now()))
            case "csv":
                self._say(statement.as_csv(rows, by))
            case _:
                lines = table(rows, by, self._width, cost=wanted.cost, home=str(self._environment.home))
                self._say("\n".join(lines) + "\n")
        self._say_what_lacks(index, rows, prices, wanted)
        return DONE

    def _totals(self, index: Index, by: Sequence[str], wanted: Wanted) -> list[Total]:
        found = totals(index, by=grouping(by), since=wanted.since, zone=wanted.zone)
        return [total for total in found if not wanted.providers or total.provider in wanted.providers]

    def _bring_up_to_date(self, index: Index) -> None:
        tty = self._err.isatty()

        def tell(progress: Progress) -> None:
            if tty and progress.of_files:
                self._err.write(f"\r\x1b[K{fit(scan_words(progress), self._width - 1)}")
                self._err.flush()

        scan = Scan(
            index,
            self._rooms,
            self._environment,
            owners=partial(account_owner, self._environment.state_dir),
            tell=tell,
        )
        progress = scan.run(alone=True)
        if tty:
            self._err.write("\r\x1b[K")
        if progress.trouble and index.reading() is None:
            raise Unusable(progress.trouble)
        if progress.trouble:
            self._note(f"{progress.trouble}; these figures are what it has read so far")

    def _say_what_lacks(self, index: Index, rows: Sequence[Row], prices: Prices, wanted: Wanted) -> None:
        rooms = [room for room in self._rooms if not wanted.providers or room.id in wanted.providers]
        tools = found_tools(index, rooms, self._environment)
        unread = [tool for tool in tools if tool.unread]
        if unread:
            which = ", ".join(f"{tool.name} {len(tool.unread)}" for tool in unread)
            count = sum(len(tool.unread) for tool in unread)
            logs = "1 log" if count == 1 else f"{count} logs"
            self._note(f"{logs} cannot be read ({which}): their tokens are missing here")
        detected = [tool.name for tool in tools if tool.bucket == DETECTED and tool.why]
        if detected and wanted.form == "table":
            self._note(f"here, but without counts in their logs: {', '.join(detected)}")
        unpriced = sorted(frozenset().union(*(row.unpriced for row in rows)))
        if unpriced and (wanted.cost or wanted.form != "table"):
            self._note(f"no {LABEL} is known (as of {prices.facts_of}) for {', '.join(unpriced)}")

    def _export(self, path: Path, rows: Sequence[Row], agreed: bool) -> int:
        """Shows the file as it will be, asks, writes it."""
        text = statement.as_export(rows)
        there = _objection(path)
        if there:
            return self._fail(f"{there}; nothing was written", REFUSED)
        self._say(f"{len(rows)} rows, one per day, model and tool. The file holds this and no more:\n\n")
        self._say(text + "\n")
        if not agreed and self._stdin is None:
            return self._fail("nothing was written: nobody can be asked here; --yes agrees", REFUSED)
        if not agreed and not self._agree(path):
            return self._fail("nothing was written", REFUSED)
        try:
            write_atomic(path, text.encode())
        except WriteRefused as error:
            return self._fail(str(error), REFUSED)
        except WriteFailed as error:
            return self._fail(str(error))
        self._note(f"written to {path}; nothing was sent anywhere")
        return DONE

    def _agree(self, path: Path) -> bool:
        self._say(f"{'Replace' if path.exists() else 'Write'} {path}? [y/N] ")
        answer = "" if self._stdin is None else self._stdin.readline()
        return answer.strip().lower() in ("y", "yes")

    def _note(self, sentence: str) -> None:
        self._err.write(f"quotadeck: {sentence}\n")

    def _fail(self, sentence: str, code: int = FAILED) -> int:
        self._note(sentence)
        return code


def _objection(path: Path) -> str:
    """Why an export must not go there: only a file of its own kind is replaced."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not path.exists():
        return ""
    try:
        with path.open("rb") as file:
            head = file.readline(200).decode("utf-8", "replace").strip()
    except OSError:
        return f"{path} is in the way"
    return "" if head == ",".join(statement.EXPORT_COLUMNS) else f"{path} is there and is no export of ours"


_FIGURES = (
    ("tokens", "tokens"), ("input", "input"), ("output", "output"), ("cache_read", "cache read"),
    ("cache_write", "cache write"), ("requests", "requests"),
)  # fmt: skip


def table(rows: Sequence[Row], by: Sequence[str], width: int, *, cost: bool, home: str) -> list[str]:
    """The rows for a person, in at most ``width`` cells: figures are rounded; where there is no room
    columns are left out from the right, then names are cut."""
    if not rows:
        return ["no tokens are logged there"]
    ordered = sorted(rows, key=lambda row: -row.tokens)
    if "day" in by:
        ordered.sort(key=lambda row: row.names[by.index("day")])
    names = [[_shown(name, kind, home) for name, kind in zip(row.names, by, strict=True)] for row in ordered]
    names = [list(by), *names, ["total", *[""] * (len(by) - 1)]]
    wide = [max(map(cell_width, column)) for column in zip(*names, strict=True)]
    figures = _columns([*ordered, sum_of(rows)], cost)
    while len(figures) > 1 + cost and _taken(figures) + sum(min(w, NAME) + 2 for w in wide) > width + 2:
        del figures[-1 - cost]
    wide = _narrowed(wide, width - _taken(figures))
    lines = []
    for index, row in enumerate(names):
        cells = [pad(fit_end(name, w), w) for name, w in zip(row, wide, strict=True)]
        cells += [column[index].rjust(max(map(len, column))) for column in figures]
        lines.append("  ".join(cells).rstrip())
    return lines


def _taken(figures: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in figures)


def _columns(rows: Sequence[Row], cost: bool) -> list[list[str]]:
    """Columns of figures, each with its title."""
    columns = [[title, *(_figure(row, name) for row in rows)] for name, title in _FIGURES]
    if cost:
        columns.append([LABEL, *(dollars(row) for row in rows)])
    return columns


def _figure(row: Row, name: str) -> str:
    value = getattr(row, name)
    return whole(value) if name == "requests" else tokens(value)


def dollars(row: Row) -> str:
    """``$12.34``, ``>= $12.34`` with a model of unknown price in it, ``unknown`` with nothing else."""
    if row.unpriced and not row.cost:
        return "unknown"
    return f"{'>= ' if row.unpriced else ''}${row.cost:,.2f}"


def _shown(name: str, kind: str, home: str) -> str:
    return tilde(name, home) if kind == "project" and name else name or "unknown"


def _narrowed(widths: Sequence[int], room: int) -> list[int]:
    """Widths that fit into ``room``: the widest gives first."""
    kept = list(widths)
    while sum(w + 2 for w in kept) > room + 2 and max(kept) > LEAST_NAME:
        kept[kept.index(max(kept))] -= 1
    return kept
