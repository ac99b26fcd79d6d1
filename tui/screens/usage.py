"""``T``: what the tokens went to, by day, week or month; sortable, filterable, to be taken away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from providers.ledger.days import days_before
from providers.ledger.prices import LABEL
from providers.ledger.statement import Row, as_csv, as_json, sum_of
from providers.ledger.tally import Question, Told
from providers.record import replace
from tui.filter_line import FilterLine
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.spent import Manner, money, name_of, tool_lines, troubled_lines
from tui.text import cell_width, pad, scan_words, tokens, whole

SPANS = {"day": (31, "31 days"), "week": (182, "26 weeks"), "month": (730, "24 months")}
GROUPS = ("provider", "model", "project")
ORDERS = ("newest", "tokens", "name")
AGAIN_SECONDS = 5.0
"""While tokens are used, the figures are asked for anew this often at most: a year of them takes the
reader thread tens of milliseconds."""

_COLUMNS = (
    ("tokens", "tokens", 0), ("input", "input", 72), ("output", "output", 72), ("cache_read", "c. read", 72),
    ("cache_write", "c. write", 90), ("requests", "requests", 100),
)  # fmt: skip
"""Field, title, and from which width on it is shown."""

_CELLS = 9


class UsageScreen(PageScreen[None]):
    """A line for each period and tool, model or project."""

    kind: ClassVar[str] = "usage"
    keys: ClassVar[Keys] = (
        ("d/w/m", "day, week, month"), ("b", "by"), ("o", "order"), ("/", "filter"), ("x", "CSV"),
        ("J", "JSON"), ("$", "price"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "period('day')", show=False),
        Binding("w", "period('week')", show=False),
        Binding("m", "period('month')", show=False),
        Binding("b", "group", show=False),
        Binding("o", "order", show=False),
        Binding("dollar_sign", "price", show=False),
        Binding("x", "export('csv')", show=False),
        Binding("J", "export('json')", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.filter_text = ""
        self._period, self._group, self._order = "day", "provider", "newest"
        self._cost = False
        self._told: Told | None = None
        self._asked: tuple[object, ...] = ()
        self._asked_at = float("-inf")

    def compose(self) -> ComposeResult:
        """The page, and the line for a filter."""
        yield from super().compose()
        yield FilterLine()

    def set_filter(self, text: str) -> None:
        """Shows only what holds the text; ``!text`` what does not."""
        self.filter_text = text

    def action_period(self, period: str) -> None:
        """Days, weeks or months."""
        self._period = period
        self.draw()

    def action_group(self) -> None:
        """By tool, model or project."""
        self._group = GROUPS[(GROUPS.index(self._group) + 1) % len(GROUPS)]
        self.draw()

    def action_order(self) -> None:
        """The newest first, the most tokens first, or by name."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self.draw()

    def action_price(self) -> None:
        """Shows or hides what it would cost at API list prices."""
        self._cost = not self._cost
        self.draw()

    def action_export(self, form: str) -> None:
        """Writes exactly the lines that are shown to a file of its own, and says where."""
        deck, tally = self.deck, self.deck.feed.tally
        rows, by = [self._as_shown(row) for row in self._rows()], (self._period, self._group)
        if deck.settings.read_only:
            deck.say("read-only: nothing is written")
        elif tally is None or not rows:
            deck.say("there is nothing to write")
        else:
            now = deck.clock.now()
            text = as_csv(rows, by) if form == "csv" else as_json(rows, by, now)
            stamp = time.strftime("%Y%m%d-%H%M%S", deck.look.zone(now))
            name = f"usage-by-{self._period}-and-{self._group}-{stamp}.{form}"
            tally.write(deck.exports / name, text, deck.say)

    def heading(self) -> Line:
        """What is shown, and the sum of it."""
        group = "tool" if self._group == "provider" else self._group
        words = f"by {self._period} and {group}, last {SPANS[self._period][1]}, {_ORDER_WORDS[self._order]}"
        if self.filter_text:
            words += f", /{self.filter_text}"
        every = sum_of(self._rows())
        sums = f"~{tokens(every.tokens)}"
        if self._cost:
            sums += f"  {LABEL} {money(every)}"
        return (Piece(" Usage", "title"), Piece(f"  {sums}", "key"), Piece(f"  {words}", "dim"))

    def body(self, width: int) -> Sequence[Line]:
        """The table, and which logs are missing in it."""
        self._fetch()
        told = self._told
        if told is None or told.trouble:
            return [(Piece(f" {told.trouble if told else 'being counted'}", "dim"),)]
        rows = self._rows()
        lines = [self._titles(width), *(self._line(row, width) for row in rows)]
        if not rows:
            what = (
                "nothing matches; / changes the filter" if self.filter_text else "no tokens are logged here"
            )
            lines = [(Piece(f" {what}", "dim"),)]
        lines += self._notes(told, rows, width)
        return lines

    def rows(self) -> Sequence[int]:
        """Every row can be chosen."""
        return range(1, 1 + len(self._rows()))

    def copy_text(self) -> str:
        """The chosen line, as it is shown."""
        rows = self._rows()
        if self.cursor is None or not 0 < self.cursor <= len(rows):
            return ""
        return " ".join(piece.text.strip() for piece in self._line(rows[self.cursor - 1], 200)).strip()

    def _fetch(self) -> None:
        """Asks when something else is to be shown, or tokens were used meanwhile."""
        deck, tally = self.deck, self.deck.feed.tally
        if tally is None:
            self._told = self._told or Told(trouble="nothing is counted here")
            return
        now = deck.clock.now()
        burns = tuple(p.burn for p in deck.feed.view().providers)
        wanted = (self._period, self._group, burns, tally.progress is None)
        same = wanted[:2] == self._asked[:2]
        if wanted == self._asked or (same and 0 <= now - self._asked_at < AGAIN_SECONDS):
            return
        if not same:
            self._told = None
        self._asked, self._asked_at = wanted, now
        since = days_before(now, SPANS[self._period][0] - 1, deck.look.zone)

        def answer(told: Told) -> None:
            if self._asked == wanted and self.is_running:
                self._told = told
                self.draw()

        # Not from within a draw: the answer may come at once.
        self.call_later(tally.ask, Question(((self._period, self._group),), since), answer)

    def _rows(self) -> list[Row]:
        """The rows that match, in their order."""
        if self._told is None or not self._told.tables:
            return []
        rows = [row for row in self._told.tables[0] if self._matches(row)]
        match self._order:
            case "newest":
                rows.sort(key=lambda row: -row.tokens)
                rows.sort(key=lambda row: row.names[0], reverse=True)
            case "tokens":
                rows.sort(key=lambda row: -row.tokens)
            case _:
                rows.sort(key=lambda row: (self._named(row, 200).lower(), row.names[0]))
        return rows

    def _matches(self, row: Row) -> bool:
        text, inverse = self.filter_text.removeprefix("!").lower(), self.filter_text.startswith("!")
        return not text or (text in f"{row.names[0]} {self._named(row, 200)}".lower()) is not inverse

    def _named(self, row: Row, room: int) -> str:
        """Tools by their names; the rest as everywhere."""
        deck, name = self.deck, row.names[1]
        if self._group == "provider":
            return next((p.name for p in deck.feed.view().providers if p.id == name), name)
        return name_of(name, self._group, Manner(deck.home, deck.look.private), room)

    def _as_shown(self, row: Row) -> Row:
        """A row for a file: with the names of the logs, or, in private, as on the screen."""
        private = self.deck.look.private and self._group == "project"
        return replace(row, names=(row.names[0], self._named(row, 200))) if private else row

    def _columns(self, width: int) -> list[tuple[str, str]]:
        return [(field, title) for field, title, least in _COLUMNS if width >= least]

    def _name_room(self, width: int) -> int:
        """Cells of the name."""
        used = 12 + len(self._columns(width)) * _CELLS + (_CELLS + 3 if self._cost else 0)
        return max(6, min(60, width - used - 1))

    def _titles(self, width: int) -> Line:
        group = "tool" if self._group == "provider" else self._group
        text = f" {pad(self._period, 10)} {pad(group, self._name_room(width))}"
        text += "".join(title.rjust(_CELLS) for _, title in self._columns(width))
        if self._cost:
            text += "list price".rjust(_CELLS + 3)
        return (Piece(text, "dim"),)

    def _line(self, row: Row, width: int) -> Line:
        room = self._name_room(width)
        pieces = [Piece(f" {pad(row.names[0], 10)} ", "dim"), Piece(pad(self._named(row, room), room))]
        for field, _ in self._columns(width):
            value = getattr(row, field)
            shown = whole(value) if field == "requests" else tokens(value)
            pieces.append(Piece(shown.rjust(_CELLS), "title" if field == "tokens" else "text"))
        if self._cost:
            shown = money(row)
            pieces.append(Piece(" " * (_CELLS + 3 - cell_width(shown)) + shown, "dim"))
        return tuple(pieces)

    def _notes(self, told: Told, rows: Sequence[Row], width: int) -> list[Line]:
        deck = self.deck
        lines: list[Line] = []
        tally = deck.feed.tally
        if tally is not None and (tally.progress is not None or tally.trouble):
            words = scan_words(tally.progress) if tally.progress is not None else tally.trouble
            lines += [(), (Piece(f" {words}", "watch"),)]
        unpriced = sorted(frozenset[str]().union(*(row.unpriced for row in rows)))
        if self._cost and unpriced:
            text = f" no {LABEL} is known (as of {told.facts_of}) for {', '.join(unpriced)}"
            lines += [(), (Piece(text, "watch"),)]
        lines += troubled_lines(told, width, Manner(deck.home, deck.look.private))
        return lines + tool_lines(told, width)


_ORDER_WORDS = {"newest": "newest first", "tokens": "most tokens first", "name": "by name"}
