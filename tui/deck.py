"""The grid of panels: which are shown, in which order, where, and which one is chosen.

Holds the cursor and nothing of the figures; every draw is handed a `DeckView`.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from providers.engine.shown import DeckView, ProviderView, Severity
from providers.model import PROBLEMS, Status
from providers.record import Record, replace
from tui.arrange import SHORT, Arrangement, Place, arrange, columns_of, kind_of, step
from tui.canvas import Canvas, Sheet
from tui.frame import Frame
from tui.glyphs import Glyphs
from tui.painted import Piece
from tui.panel import Panel, draw_panel, needs
from tui.rows import Content, content
from tui.text import Zone, account_name

ORDERS = ("config", "fullest", "reset")
_SCROLLS = {"down": 1, "up": -1, "page_down": 10, "page_up": -10}


class Look(Record):
    """How the deck is looked at; changed by keys."""

    glyphs: Glyphs
    zone: Zone
    hours: int = 24
    left: bool = False
    private: bool = False
    compact: bool = False
    order: str = "config"
    hidden: tuple[str, ...] = ()
    filter: str = ""
    all: bool = False
    """Hidden panels are shown too."""


class DeckGrid(Canvas):
    """Panels in their places."""

    class Picked(Message):
        """A panel was clicked, ``zoom`` if twice."""

        def __init__(self, provider_id: str, *, zoom: bool) -> None:
            super().__init__()
            self.provider_id, self.zoom = provider_id, zoom

    def __init__(self) -> None:
        super().__init__(id="deck")
        self.chosen = ""
        self.zoomed = False
        self.folded = 0
        self.arrangement = Arrangement((), 0, 0, 0, 1)
        self.order: tuple[str, ...] = ()
        self._scroll = 0
        self._panels: dict[str, Panel] = {}

    def draw(self, view: DeckView, look: Look, width: int, height: int) -> int:
        """Draws every panel that fits; returns how many lines were repainted."""
        providers = self._visible(view, look, height)
        self.order = tuple(p.id for p in providers)
        if self.chosen not in self.order:
            self.chosen = self.order[0] if self.order else ""
        frame = Frame(
            kind_of(width), width, view.generated_at, look.zone, look.glyphs,
            look.hours, look.left, look.private, look.compact or height < SHORT - 2,
            short=height < SHORT - 2,
        )  # fmt: skip
        if self.zoomed and providers:
            self.arrangement = Arrangement((Place(self._index(), 0, 0, width, height),), 1, 1, height, 1)
            held: dict[str, Content] = {}
        else:
            # Columns may differ by a cell; what a panel needs is asked for the narrowest.
            narrow = replace(frame, width=width // columns_of(width))
            held = {p.id: content(p, narrow) for p in providers}
            wanted = [needs(held[p.id], narrow) for p in providers]
            top = self.arrangement.first - 1 if self.arrangement.first else 0
            self.arrangement = arrange(wanted, width, height, self._index(), top)
        self._panels = {}
        for place in self.arrangement.places:
            provider = providers[place.index]
            own = replace(frame, width=place.width, chosen=provider.id == self.chosen)
            same = place.width == width // columns_of(width) and provider.id in held
            inside = held[provider.id] if same else content(provider, own)
            self._panels[provider.id] = draw_panel(
                provider, inside, own, place, zoomed=self.zoomed, scroll=self._scroll
            )
        return self._paint(view.generated_at, width)

    def tick_times(self, view: DeckView) -> int:
        """Draws only what time changes in the panels that are shown."""
        ticks: dict[tuple[int, int], Piece] = {}
        for provider in view.providers:
            if provider.id in self._panels:
                ticks |= self._panels[provider.id].ticking(provider, view.generated_at)
        return self.tick(ticks)

    def _paint(self, now: float, width: int) -> int:
        sheets: list[Sheet] = []
        ticks: dict[tuple[int, int], Piece] = {}
        for panel in self._panels.values():
            sheets.append(Sheet(panel.place.x, panel.place.y, panel.place.width, panel.lines))
            ticks |= panel.ticking(panel.provider, now)
        return self.paint(sheets, ticks, _edges(self._panels.values(), width))

    def on_click(self, event: Click) -> None:
        """A click chooses the panel under it, a second one opens it."""
        x, y = event.screen_x - self.region.x, event.screen_y - self.region.y
        for panel in self._panels.values():
            place = panel.place
            if place.x <= x < place.x + place.width and place.y <= y < place.y + place.height:
                self.post_message(self.Picked(panel.provider.id, zoom=event.chain >= 2))

    def _visible(self, view: DeckView, look: Look, height: int) -> list[ProviderView]:
        """The panels to show, in the order that is looked at; in a short pane those with
        nothing to say are folded away and counted."""
        shown = [p for p in view.providers if look.all or p.id not in look.hidden]
        if look.filter:
            shown = [p for p in shown if matches(p, look.filter, look.private)]
        if look.order == "fullest":
            shown.sort(key=lambda p: -_fullest(p))
        elif look.order == "reset":
            shown.sort(key=lambda p: _next_reset(p, view.generated_at))
        silent = [p for p in shown if p.status is Status.UNCONFIGURED and not p.accounts]
        self.folded = 0
        if height < SHORT - 2 and len(silent) < len(shown):
            self.folded = len(silent)
            shown = [p for p in shown if p not in silent]
        return shown

    def _index(self) -> int:
        return self.order.index(self.chosen) if self.chosen in self.order else 0

    def pick(self, provider_id: str) -> None:
        """Chooses a panel; does nothing for one that is not shown."""
        if provider_id in self.order:
            self.chosen, self._scroll = provider_id, 0

    def pick_number(self, number: int) -> None:
        """Chooses panel ``number``, counted from 1."""
        if 0 < number <= len(self.order):
            self.pick(self.order[number - 1])

    def move(self, direction: str) -> None:
        """Moves the cursor; scrolls instead while a panel is zoomed."""
        if self.zoomed and direction in _SCROLLS:
            self._scroll = max(0, self._scroll + _SCROLLS[direction])
        elif self.order:
            columns = self.arrangement.columns
            self.pick(self.order[step(self._index(), len(self.order), columns, direction)])

    def next_problem(self, view: DeckView, way: int) -> None:
        """Chooses the next panel that wants a look, round and round."""
        wanting = {p.id for p in view.providers if p.status in PROBLEMS or p.severity >= Severity.WATCH}
        count, here = len(self.order), self._index()
        for distance in range(1, count + 1):
            candidate = self.order[(here + way * distance) % count]
            if candidate in wanting:
                return self.pick(candidate)

    def zoom(self, zoomed: bool) -> None:
        """One panel on the whole grid, or all of them."""
        self.zoomed, self._scroll = zoomed, 0

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        self.app.call_later(self.app.run_action, "move('down')")

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        self.app.call_later(self.app.run_action, "move('up')")


def _edges(panels: Iterable[Panel], width: int) -> list[int]:
    """Where the deck is cut: at each column of panels, and around what ticks in it."""
    edges = {0, width}
    columns: dict[int, list[tuple[int, int]]] = {}
    for panel in panels:
        columns.setdefault(panel.place.x, [])
        if panel.ticks:
            columns[panel.place.x].append(panel.cuts)
    for x, cuts in columns.items():
        edges.add(x)
        if cuts:
            edges |= {min(left for left, _ in cuts), max(right for _, right in cuts)}
    return sorted(edges)


def _fullest(provider: ProviderView) -> float:
    front = provider.front
    return max((w.used_percent or 0.0 for w in front.windows), default=-1.0) if front else -1.0


def _next_reset(provider: ProviderView, now: float) -> float:
    front = provider.front
    coming = [w.resets_at for w in front.windows if w.resets_at and w.resets_at > now] if front else []
    return min(coming, default=float("inf"))


def matches(provider: ProviderView, wanted: str, private: bool) -> bool:
    """Whether a filter names something of a provider: its name, its state, what its accounts
    are called, a window's label.  ``!text`` means all that do not match."""
    text, inverse = wanted.removeprefix("!").strip().lower(), wanted.startswith("!")
    if not text:
        return True
    words = [provider.name, provider.id, provider.status.value]
    for account in provider.accounts:
        words += [account_name(account, private), account.plan, *(w.label for w in account.windows)]
    return any(text in word.lower() for word in words) is not inverse
