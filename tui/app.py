"""The pane: wires the deck's facts to widgets and keys to wishes.  Nothing else.

One timer for the whole app; a draw compares texts and repaints only what changed.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import ClassVar, Protocol

from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.events import Resize

from providers.engine.clock import Clock
from providers.engine.settings import Settings
from providers.engine.shown import DeckView, ProviderView
from providers.record import replace
from tui.arrange import SHORT, SMALLEST, kind_of
from tui.deck import ORDERS, DeckGrid, Look
from tui.footer import Footer
from tui.glyphs import UNICODE, Glyphs
from tui.header import Header, header_lines
from tui.keymap import bindings, check_overrides, footer_entries, keymap
from tui.lane import Lane, lane_lines
from tui.painted import Piece
from tui.panel import Panel
from tui.terminal import LEAVE_WITHIN, attributes, leave_within, on_signals, vanished
from tui.text import Zone
from tui.themes import OURS, own_themes, palette_for

BEAT = 1.0
SECONDS_BELOW = 600.0
REST = 10.0
"""A tick draws only if a text can have changed: at a full minute, after this many seconds,
every second while a countdown shows seconds, and after the clock jumped."""


class Feed(Protocol):
    """The data side, as the pane sees it (`providers.live.Live`)."""

    def view(self) -> DeckView: ...
    def start(self, post: Callable[..., object], changed: Callable[[frozenset[str]], None]) -> None: ...
    def reread(self, provider: str | None) -> None: ...
    def pause(self, paused: bool) -> None: ...
    def remember(self, **changes: object) -> None: ...
    def stop(self) -> None: ...


class QuotadeckApp(App[int], inherit_bindings=False):
    """Draws what ``feed`` knows.  ``mark`` is a word for the header ("demo")."""

    CSS_PATH = "deck.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings({})]

    def __init__(
        self,
        feed: Feed,
        settings: Settings,
        clock: Clock,
        *,
        theme: str = "quotadeck-dark",
        zone: Zone = time.localtime,
        glyphs: Glyphs = UNICODE,
        mark: str = "",
        config: str = "",
    ) -> None:
        super().__init__()
        self.feed, self.settings, self.clock = feed, settings, clock
        self.look = Look(
            glyphs, zone, settings.clock, settings.show == "left", False, settings.compact,
            settings.order, settings.hidden,
        )  # fmt: skip
        self.palette: dict[str, Style] = {}
        self.ascii_only = glyphs.words
        self.crash = ""
        self.paused = False
        self._mark, self._config = mark, config
        self._keys = keymap(settings.keys)
        self._notes = [*settings.notes, *check_overrides(settings.keys)]
        self._last_tick = self._due = self._redraw_at = 0.0
        self._drawn: tuple[ProviderView, ...] = ()
        self._pending = False
        self._terminal = attributes()
        for own in own_themes():
            self.register_theme(own)
        if theme not in self.available_themes:
            self._notes.append(f"there is no theme {theme!r}")
            theme = "quotadeck-dark"
        self.theme = theme
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        """The fixed tree: header, grid, lane, footer."""
        yield Header(id="header")
        yield DeckGrid([provider.id for provider in self.feed.view().providers])
        yield Lane(id="lane")
        yield Footer()

    def on_mount(self) -> None:
        """Starts watching and the one timer."""
        self._new_palette()
        self.set_keymap({key.id: ",".join(key.keys) for key in self._keys})
        self.theme_changed_signal.subscribe(self, lambda _: self._new_palette())
        self.app_resume_signal.subscribe(self, lambda _: self.call_later(self._repaint))
        on_signals(self._leave)
        self.feed.start(asyncio.get_running_loop().call_soon_threadsafe, self._facts_changed)
        self._beat()

    def on_ready(self) -> None:
        """The first frame is out: memory is looked after from here on, what was imported
        is left out of it."""
        gc.freeze()
        gc.enable()

    def on_resize(self, event: Resize) -> None:
        """Everything has a new place.  Drawn after the app itself knows its size."""
        self.call_later(self.draw)

    def _new_palette(self) -> None:
        self.palette = palette_for(self.current_theme, mono=self.no_color)
        self._repaint()

    def _repaint(self) -> None:
        """Paints everything anew: other colours, or a terminal that was somebody else's."""
        if self.is_running and self.screen_stack:
            self.screen.refresh(layout=True)
            for widget in self.screen.walk_children():
                widget.refresh()

    def _facts_changed(self, ids: frozenset[str]) -> None:
        """Several changes of one moment are one draw."""
        if not self._pending:
            self._pending = True
            self.call_later(self._draw_pending)

    def _draw_pending(self) -> None:
        self._pending = False
        self.draw()

    def _beat(self) -> None:
        """The one timer.  The loop's own: a Textual interval costs three times as much."""
        if self.is_running:
            self._tick()
            asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _tick(self) -> None:
        if not self.is_headless and vanished(sys.__stdin__.fileno()):  # type: ignore[union-attr]
            return self._leave()
        now = self.clock.now()
        jumped = not 0 <= now - self._last_tick < 3
        self._last_tick = now
        if jumped or now >= self._redraw_at:
            self.draw()
        elif now >= self._due:
            self._draw_times()

    def _draw_times(self) -> None:
        """Between two full draws: a quarter of the work while no fact or state changed."""
        view = self.feed.view()
        if view.providers != self._drawn:
            self.draw()
        else:
            self._due = _next_due(view)
            self.grid.tick(view)

    def draw(self) -> int:
        """Draws everything that differs from what is shown; returns the repainted lines."""
        if not self.is_running or not self.screen_stack:
            return 0
        time.tzset()
        view = self.feed.view()
        self._due, self._last_tick = _next_due(view), view.generated_at
        self._redraw_at, self._drawn = _next_minute(view.generated_at), view.providers
        width, height = self.size
        base = self.screen_stack[0]
        header, grid = base.query_one(Header), base.query_one(DeckGrid)
        lane, footer = base.query_one(Lane), base.query_one(Footer)
        small = width < SMALLEST[0] or height < SMALLEST[1]
        for widget in (grid, lane, footer):
            widget.display = not small
        if small:
            header.styles.height = height
            return header.show(_too_small(width, height))
        rule = height >= SHORT and kind_of(width) == "narrow"
        header.styles.height = 2 if rule else 1
        area = height - 2 - rule
        repainted = grid.draw(view, self.look, width, area)
        free = 0 if grid.zoomed or kind_of(width) == "tiny" else area - grid.arrangement.used
        lines = lane_lines(view, width, free, self.look.zone, self.look.glyphs, self.look.private)
        # The lane stretches over what is left: an uncovered screen sends a colour of its own.
        grid.styles.height = grid.arrangement.used if lines else area
        lane.styles.height = area - grid.arrangement.used if lines else 0
        words = self._words(view, grid)
        look = self.look
        head = header_lines(
            view, words, width=width, rule=rule, zone=look.zone, hours=look.hours,
            private=look.private, glyphs=look.glyphs,
        )  # fmt: skip
        footer.show_keys(footer_entries(self.settings.keys), width)
        return repainted + lane.show(lines) + header.show(head)

    def _words(self, view: DeckView, grid: DeckGrid) -> list[str]:
        """What the header says besides: only what differs from the usual."""
        shown, count = grid.arrangement, len(grid.order)
        page = f"{shown.first}-{shown.last}/{count}" if 0 < shown.last - shown.first + 1 < count else ""
        order = "" if self.look.order == "config" else f"by {self.look.order}"
        return [
            self._mark,
            "paused" if self.paused else "",
            "left" if self.look.left else "",
            "private" if self.look.private else "",
            order,
            f"+{grid.folded} idle" if grid.folded else "",
            "" if grid.zoomed else page,
        ]

    def _change(self, **changes: object) -> None:
        self.look = replace(self.look, **changes)
        self.draw()

    def _remember(self, **changes: object) -> None:
        if not self.settings.read_only:
            self.feed.remember(**changes)

    @property
    def grid(self) -> DeckGrid:
        """The grid of the base screen."""
        return self.screen_stack[0].query_one(DeckGrid)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over the help only what works everywhere works."""
        if len(self.screen_stack) > 1:
            return action in ("quit", "theme", "private", "suspend", "redraw", "dismiss", "page")
        return True

    def action_move(self, direction: str) -> None:
        """Moves the cursor."""
        self.grid.move(direction)
        self.draw()

    def action_goto(self, number: int) -> None:
        """Chooses a panel by number."""
        self.grid.pick_number(number)
        self.draw()

    def action_problem(self, way: int) -> None:
        """Chooses the next panel that wants a look."""
        self.grid.next_problem(self.feed.view(), way)
        self.draw()

    def on_panel_picked(self, picked: Panel.Picked) -> None:
        """A click on a panel."""
        self.grid.pick(picked.provider_id)
        if picked.zoom:
            self.grid.zoom(True)
        self.draw()

    def action_open(self) -> None:
        """The chosen panel with all that is known."""
        self.grid.zoom(True)
        self.draw()

    async def action_back(self) -> None:
        """Leaves the zoom."""
        self.grid.zoom(False)
        self.draw()

    def action_zoom(self) -> None:
        """Zooms, or leaves the zoom."""
        self.grid.zoom(not self.grid.zoomed)
        self.draw()

    def action_used_left(self) -> None:
        """Used or left, everywhere."""
        self._change(left=not self.look.left)
        self._remember(show="left" if self.look.left else "used")

    def action_order(self) -> None:
        """The next order of the panels."""
        self._change(order=ORDERS[(ORDERS.index(self.look.order) + 1) % len(ORDERS)])
        self._remember(order=self.look.order)

    def action_compact(self) -> None:
        """Fewer words."""
        self._change(compact=not self.look.compact)
        self._remember(compact=self.look.compact)

    def action_theme(self) -> None:
        """The next theme; without colour there is but one."""
        if self.no_color:
            return
        here = OURS.index(self.theme) if self.theme in OURS else -1
        self.theme = OURS[(here + 1) % len(OURS)]
        self._remember(theme=self.theme)

    def action_private(self) -> None:
        """Hides who the accounts are; never remembered, so that a stream starts as it must."""
        self._change(private=not self.look.private)

    def action_pause(self) -> None:
        """Holds the figures as they are, or goes on."""
        self.paused = not self.paused
        self.feed.pause(self.paused)
        self.draw()

    def action_refresh(self, every: bool) -> None:
        """Reads the files anew."""
        self.feed.reread(None if every else self.grid.chosen or None)

    def action_help(self) -> None:
        """Keys and legend."""
        from tui.screens.help import HelpScreen, help_lines

        self.push_screen(HelpScreen(help_lines(self._keys, self.look.glyphs, self._config, self._notes)))

    def action_suspend(self) -> None:
        """To the shell."""
        self.action_suspend_process()

    def action_redraw(self) -> None:
        """Repaints everything."""
        self._repaint()

    async def action_quit(self) -> None:
        """Leaves at once; never asks."""
        self._leave()

    def _leave(self) -> None:
        if not self.is_headless:
            leave_within(LEAVE_WITHIN, 0, self._terminal)
        self.exit(0)

    def _handle_exception(self, error: Exception) -> None:
        """A bug ends the pane with one sentence: no traceback, no locals, no error text,
        any of which might quote a file."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else "an unknown place"
        self.crash = f"{type(error).__name__} in {where}"
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """As `_handle_exception`, for errors that Textual reports itself."""
        self._return_code = 1
        self.crash = self.crash or "an error in the terminal's input"
        self._close_messages_no_wait()


def _next_due(view: DeckView) -> float:
    """When a text can change next, if no fact does."""
    now = view.generated_at
    soonest = min(
        (w.resets_at - now for p in view.providers for a in p.accounts for w in a.windows
         if w.resets_at is not None and w.resets_at > now),
        default=SECONDS_BELOW * 2,
    )  # fmt: skip
    if soonest <= SECONDS_BELOW + 1:
        return now
    return min(now + REST, _next_minute(now))


def _next_minute(now: float) -> float:
    return now - now % 60 + 60


def _too_small(width: int, height: int) -> tuple[tuple[Piece, ...], ...]:
    need = f"{SMALLEST[0]}x{SMALLEST[1]}"
    return ((Piece(f"{width}x{height} is too small", "title"),), (Piece(f"needs {need}, q quits", "dim"),))
