"""One provider's panel as lines, and what of it ticks on its own.  Pure."""

from __future__ import annotations

from providers.engine.shown import ProviderView, WindowView
from providers.record import Record
from tui.arrange import Place
from tui.frame import Frame
from tui.painted import Line, Piece
from tui.rows import AGE, COUNTDOWN, Content, age_text, boxed, tick_piece, title


class Panel(Record):
    """A panel in its place.  ``lines`` fill it from its top; over them tick the countdowns,
    from (``tick_x``, ``tick_y``) down, and the age at ``age_x`` in the title.  Cells, counted
    from the left and the top of the deck."""

    provider: ProviderView
    place: Place
    lines: tuple[Line, ...]
    tick_x: int
    tick_y: int
    ticks: tuple[tuple[Piece, WindowView | None], ...]
    age_x: int

    def ticking(self, provider: ProviderView, now: float) -> dict[tuple[int, int], Piece]:
        """What only time changes, by (y, x), as of ``now``; ``provider`` must be as drawn."""
        found = {(self.place.y, self.age_x): Piece(age_text(provider, now), "dim")}
        for offset, (piece, window) in enumerate(self.ticks):
            shown = piece if window is None else tick_piece(window, now)
            found[self.tick_y + offset, self.tick_x] = shown
        return found

    @property
    def cuts(self) -> tuple[int, int]:
        """The cells in which the countdowns tick: from, up to."""
        return self.tick_x, self.tick_x + COUNTDOWN


def draw_panel(
    provider: ProviderView, held: Content, frame: Frame, place: Place, *, zoomed: bool, scroll: int
) -> Panel:
    """Draws what a provider's panel holds into its place; ``scroll`` lines are passed over
    in a zoomed one."""
    edge = 2 if frame.kind == "boxed" else 0
    room = max(0, place.height - (2 if edge else 1))
    body = [*held.rows, *held.more]
    scroll = min(scroll, max(0, len(body) - room)) if zoomed else 0
    body = body[scroll : scroll + room]
    hidden = 0 if zoomed else sum(place >= room for place in held.parked)
    head = title(provider, frame, hidden)
    lines: tuple[Line, ...] = (head, *body)
    if edge:
        lines = boxed(head, tuple(body), frame, place.height)
    ticks = tuple(zip(held.ticks, held.ticking, strict=False))[scroll : scroll + room]
    corner = place.x + frame.width - AGE - (3 if edge else 1)
    return Panel(provider, place, lines, place.x + edge + held.tick_x, place.y + 1, ticks, corner)


def needs(held: Content, frame: Frame) -> tuple[int, int]:
    """The least and the most lines that a panel wants, title and borders included."""
    least = (2 if frame.kind == "boxed" else 1) + len(held.rows)
    return least, least + (0 if frame.compact else len(held.more))
