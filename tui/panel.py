"""One provider's panel: its lines, and two narrow columns that tick on their own.

A partial update is sent from a widget's left edge, so what ticks (the countdowns, the age)
stands in widgets of its own: 73 KB a minute instead of 403 when seconds were shown.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Click
from textual.geometry import Region
from textual.message import Message

from providers.engine.shown import ProviderView, WindowView
from providers.record import replace
from tui.arrange import Place
from tui.painted import Line, Painted, Piece
from tui.rows import AGE, COUNTDOWN, Content, Frame, age_text, boxed, content, tick_piece, title


class Ticker(Painted):
    """A narrow column of texts over a panel."""

    def __init__(self) -> None:
        super().__init__(classes="ticker")
        self._region: Region | None = None

    def put(self, region: Region | None) -> None:
        """Takes a place over the panel, or none; nothing happens where it already is."""
        if region == self._region:
            return
        self._region = region
        self.display = region is not None
        if region is not None:
            self.styles.offset = (region.x, region.y)
            self.styles.width, self.styles.height = region.width, region.height


class Panel(Painted):
    """Draws one `ProviderView` in the place it was given; holds nothing else."""

    class Picked(Message):
        """The panel was clicked."""

        def __init__(self, provider_id: str, *, zoom: bool) -> None:
            super().__init__()
            self.provider_id, self.zoom = provider_id, zoom

    def __init__(self, provider_id: str) -> None:
        super().__init__(classes="panel")
        # Until it has a place it must not lie over the others.
        self.display = False
        self.provider_id = provider_id
        self._countdowns = Ticker()
        self._age: Ticker | None = None
        self._placed: tuple[int, ...] = ()
        self._ticking: tuple[tuple[Piece, WindowView | None], ...] = ()
        self._corner = Region()

    def compose(self) -> ComposeResult:
        """The column that ticks; the age gets its own when there is one: each widget is a
        millisecond of the first frame."""
        yield self._countdowns

    def put(self, place: Place | None) -> None:
        """Takes a place in the grid, or none."""
        wanted = () if place is None else (place.x, place.y, place.width, place.height)
        if wanted == self._placed:
            return
        self._placed = wanted
        self.display = place is not None
        if place is not None:
            self.styles.offset = (place.x, place.y)
            self.styles.width, self.styles.height = place.width, place.height

    def draw(self, provider: ProviderView, frame: Frame, height: int, zoomed: bool, scroll: int = 0) -> int:
        """Draws the provider in ``height`` lines; returns how many lines were repainted."""
        held = content(provider, frame)
        room = height - (2 if frame.kind == "boxed" else 1)
        body = [*held.rows, *held.more]
        if zoomed:
            body = body[min(scroll, max(0, len(body) - room)) :]
        hidden = 0 if zoomed else self._hidden_accounts(provider, held, room)
        head = title(provider, frame, hidden)
        lines: tuple[Line, ...] = (head, *body[:room])
        if frame.kind == "boxed":
            lines = boxed(head, tuple(body[:room]), frame, height)
        repainted = self.show(lines)
        self._draw_ticks(held, frame, provider, 0 if not scroll else room)
        return repainted

    def tick(self, provider: ProviderView, now: float) -> int:
        """Draws only what time changes; the provider must be the one drawn last."""
        pieces = [tick if window is None else tick_piece(window, now) for tick, window in self._ticking]
        return self._draw_age(age_text(provider, now)) + self._countdowns.show([(p,) for p in pieces])

    def on_click(self, event: Click) -> None:
        """A click chooses the panel, a second one zooms it."""
        self.post_message(self.Picked(self.provider_id, zoom=event.chain >= 2))

    def _hidden_accounts(self, provider: ProviderView, held: Content, room: int) -> int:
        """How many further accounts do not fit; the title counts them."""
        return len(provider.accounts) - 1 if len(held.rows) + len(held.more) > room else 0

    def _draw_ticks(self, held: Content, frame: Frame, provider: ProviderView, skip: int) -> None:
        edge = 2 if frame.kind == "boxed" else 0
        ticks = () if skip else held.ticks
        room = max(0, self._placed[3] - 1 - (edge // 2)) if self._placed else 0
        ticks = ticks[:room]
        self._countdowns.put(Region(edge + held.tick_x, 1, COUNTDOWN, len(ticks)) if ticks else None)
        self._ticking = tuple(zip(ticks, held.ticking, strict=False))
        self._countdowns.show([(tick,) for tick in ticks])
        self._corner = Region(frame.width - AGE - (3 if edge else 1), 0, AGE, 1)
        self._draw_age(age_text(provider, frame.now))

    def _draw_age(self, text: str) -> int:
        """Shows how old the newest figure is; returns how many lines were repainted."""
        if self._age is None:
            if not text.strip():
                return 0
            self._age = Ticker()
            self.mount(self._age)
        self._age.put(self._corner)
        return self._age.show([(Piece(text, "dim"),)])


def needs(provider: ProviderView, frame: Frame) -> tuple[int, int]:
    """The least and the most lines that a panel wants, title and borders included."""
    edges = 2 if frame.kind == "boxed" else 1
    held = content(provider, replace(frame, chosen=False))
    least = edges + len(held.rows)
    return least, least + (0 if frame.compact else len(held.more))
