"""``e``: what happened while the pane was open, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from providers.engine.events import Event, EventLog
from tui.filter_line import FilterLine
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.text import clock_time, fit, hide, pad


class EventsScreen(PageScreen[None]):
    """The log with a cursor; ``/`` filters, ``y`` copies a line for a bug report."""

    kind: ClassVar[str] = "events"
    keys: ClassVar[Keys] = (("j/k", "move"), ("/", "filter"), ("y", "copy the line"))

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self.filter_text = ""
        self._log = log

    def compose(self) -> ComposeResult:
        """The page, and the line for a filter."""
        yield from super().compose()
        yield FilterLine()

    def set_filter(self, text: str) -> None:
        """Shows only what holds the text; ``!text`` what does not."""
        self.filter_text = text

    def heading(self) -> Line:
        """How many there are."""
        shown, every = len(self._events()), len(self._log.lines())
        of = f"{shown} of {every}, /{self.filter_text}" if self.filter_text else f"{every}"
        return (Piece(" Events", "title"), Piece(f"  {of}", "dim"))

    def body(self, width: int) -> Sequence[Line]:
        """One line an event."""
        events = self._events()
        if not events:
            what = "nothing matches; / changes the filter" if self.filter_text else "nothing has happened yet"
            return [(Piece(f" {what}", "dim"),)]
        return [self._line(event, width) for event in events]

    def rows(self) -> Sequence[int]:
        """Every event can be chosen."""
        return range(len(self._events()))

    def copy_text(self) -> str:
        """The chosen line, as it is shown."""
        events = self._events()
        if self.cursor is None or self.cursor >= len(events):
            return ""
        return " ".join(piece.text.strip() for piece in self._line(events[self.cursor], 200))

    def _events(self) -> tuple[Event, ...]:
        text, inverse = self.filter_text.removeprefix("!").lower(), self.filter_text.startswith("!")
        if not text:
            return self._log.lines()
        return tuple(
            e for e in self._log.lines() if (text in f"{e.provider} {self._what(e)}".lower()) is not inverse
        )

    def _line(self, event: Event, width: int) -> Line:
        deck = self.deck
        look, now = deck.look, deck.feed.view().generated_at
        when = clock_time(event.at, now, look.zone, look.hours)
        room = width - 23
        return (
            Piece(f" {pad(when, 9)} ", "dim"),
            Piece(f"{pad(event.provider, 9)}  "),
            Piece(fit(self._what(event), max(10, room)), event.tone),
        )

    def _what(self, event: Event) -> str:
        deck = self.deck
        return hide(event.what, deck.feed.view().providers, deck.look.private)
