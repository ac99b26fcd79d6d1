"""The pane as it draws: the deck's facts to widgets.  What keys do stands in app.py.

One timer for the whole app; a draw compares texts and repaints only what changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.driver import Driver
from textual.events import Resize

from providers.base import Environment
from providers.engine.clock import Clock
from providers.engine.settings import Settings
from providers.engine.shown import DeckView, ProviderView
from providers.live import Samples
from tui.arrange import SHORT, SMALLEST, kind_of
from tui.banner import Banner, askable, banner_line
from tui.crash import Crash
from tui.deck import DeckGrid, Look
from tui.filter_line import FilterLine
from tui.footer import Footer, scan_line
from tui.glyphs import UNICODE, Glyphs
from tui.header import Header, header_lines
from tui.keymap import KEYMAP, bindings, check_overrides, footer_entries, keymap
from tui.lane import Lane, lane_lines
from tui.painted import Piece, printable
from tui.sentences import pane_title
from tui.terminal import LEAVE_WITHIN, attributes, leave_within, on_signals, vanished
from tui.text import Zone, hide
from tui.themes import own_themes, palette_for

if TYPE_CHECKING:
    from providers.examination import Examination
    from providers.ledger.tally import Tally
    from tui.attendant import Attendant

BEAT = 1.0
SECONDS_BELOW = 600.0
CONNECT_AFTER = 0.5
"""Seconds after the first frame."""
NEXT_FROM = 60
"""Columns from which the header says when the next question is due."""
NOWHERE = Environment(Path(), MappingProxyType({}), Path(), Path(), Path())
NO_FLAGS: Mapping[str, str] = MappingProxyType({})
REST = 20.0
"""A tick draws only if a text can have changed: at a full minute, after this many seconds,
every second while a countdown shows seconds, and after the clock jumped."""


class Feed(Protocol):
    """The data side, as the pane sees it (`providers.live.Live`)."""

    def view(self) -> DeckView: ...
    def start(self, post: Callable[..., object], changed: Callable[[frozenset[str]], None]) -> None: ...
    def keep(self) -> None: ...
    def connect(self) -> None: ...
    def count(self) -> None: ...
    @property
    def tally(self) -> Tally | None: ...
    def reread(self, provider: str | None) -> None: ...
    def ask(self, provider: str | None) -> None: ...
    def allow(self, by_itself: bool) -> None: ...
    def history(self, provider: str, account: str, window: str, since: float, answer: Samples) -> None: ...
    def judge(self, settings: Settings) -> None: ...
    def pause(self, paused: bool) -> None: ...
    def remember(self, **changes: object) -> None: ...
    def when_login(self, told: Callable[[str], None]) -> None: ...
    def stop(self) -> None: ...


class DeckApp(Crash, inherit_bindings=False):
    """Draws what ``feed`` knows.  ``mark`` is a word for the header ("demo"); ``examine`` is the
    check-up, called on a thread of its own."""

    CSS_PATH = "deck.tcss"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
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
        examine: Callable[[], Examination] | None = None,
        flags: Mapping[str, str] = NO_FLAGS,
        environment: Environment = NOWHERE,
        logins: bool = False,
    ) -> None:
        super().__init__()
        self.feed, self.settings, self.clock, self.flags = feed, settings, clock, flags
        self.look = Look(
            glyphs, zone, settings.clock, settings.show == "left", False, settings.compact,
            settings.order, settings.hidden,
        )  # fmt: skip
        self.palette: dict[str, Style] = {}
        self.ascii_only = glyphs.words
        self.paused = False
        self.config = config
        self.logins = logins
        self.keys_now = tuple(key for key in keymap(settings.keys) if logins or not key.logins)
        self.notes = [*settings.notes, *check_overrides(settings.keys)]
        self._mark = mark
        self._examine = examine
        self._environment = environment
        self._attendant: Attendant | None = None
        self._said: dict[str, float] = {}
        self._last_tick = self._due = self._redraw_at = 0.0
        self._drawn: tuple[ProviderView, ...] = ()
        self._pending = False
        self._terminal = attributes()
        for own in own_themes():
            self.register_theme(own)
        if theme not in self.available_themes:
            self.notes.append(f"there is no theme {theme!r}")
            theme = "quotadeck-dark"
        self.theme = theme
        self.animation_level = "none"

    def get_driver_class(self) -> type[Driver]:
        """Our own driver wherever Textual's for a Unix terminal would stand."""
        from textual.drivers.linux_driver import LinuxDriver

        from tui.driver import PatientDriver

        found = super().get_driver_class()
        return PatientDriver if found is LinuxDriver else found

    def refresh_css(self, animate: bool = True) -> None:
        """As Textual's, but nothing before there is a screen: a theme that is set so early would have
        all styles parsed twice, 4 ms before the first frame."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def compose(self) -> ComposeResult:
        """The fixed tree: header, grid, lane, the lines for a filter and a question, footer."""
        yield Header(id="header")
        yield DeckGrid()
        yield Lane(id="lane")
        yield FilterLine()
        yield Banner()
        yield Footer()

    def on_mount(self) -> None:
        """Starts the one timer."""
        self._new_palette()
        self.set_keymap({key.id: ",".join(key.keys) for key in self.keys_now})
        self.theme_changed_signal.subscribe(self, lambda _: self._new_palette())
        self.app_resume_signal.subscribe(self, lambda _: self.call_later(self.repaint_all))
        on_signals(self.leave)
        self._here = asyncio.get_running_loop(), contextvars.copy_context()
        self._beat()

    def post(self, call: Callable[..., object], *values: object) -> None:
        """Runs a function on the loop, from any thread and as one of the app: Textual finds the app
        by the context, which a thread has not.  Raises RuntimeError once the loop is closed."""
        loop, context = self._here
        loop.call_soon_threadsafe(call, *values, context=context)

    def on_ready(self) -> None:
        """The first frame is out: memory is looked after from here on, what was imported
        is left out of it."""
        gc.freeze()
        gc.enable()
        self.feed.start(self.post, self._facts_changed)
        self.feed.keep()
        self.grid.divide()
        self._draw_soon()
        asyncio.get_running_loop().call_later(CONNECT_AFTER, self._settle_in)

    def _settle_in(self) -> None:
        """Everything that the first frame must not wait for, and that must not be imported
        from a package that was upgraded under a running pane."""

        def job() -> None:
            self._import_late()
            with contextlib.suppress(RuntimeError):
                self.post(self._settled_in)

        if self.is_running:
            threading.Thread(target=job, name="quotadeck-imports", daemon=True).start()

    def _import_late(self) -> None:
        """In a thread of its own."""
        from tui.attendant import import_the_rest

        import_the_rest()

    def _settled_in(self) -> None:
        if self.is_running:
            self.feed.connect()
            self.feed.count()
            self._take_note(self.feed.view())

    @property
    def attendant(self) -> Attendant:
        """The event log, the notices and the way to the terminal."""
        if self._attendant is None:
            from tui.attendant import Attendant

            self._attendant = Attendant(self._to_terminal, self.settings, self._environment)
        return self._attendant

    def on_resize(self, event: Resize) -> None:
        """Everything has a new place.  Drawn after the app itself knows its size."""
        self._draw_soon()

    def _new_palette(self) -> None:
        self.palette = palette_for(self.current_theme, mono=self.no_color)
        self.repaint_all()

    def repaint_all(self) -> None:
        """Paints everything anew: other colours, or a terminal that was somebody else's."""
        if self.is_running and self.screen_stack:
            self.screen.refresh(layout=True)
            for widget in self.screen.walk_children():
                widget.refresh()

    def _facts_changed(self, ids: frozenset[str]) -> None:
        self._draw_soon()

    def _draw_soon(self) -> None:
        """Several changes of one moment are one draw."""
        if not self._pending:
            self._pending = True
            self.call_later(self._draw_pending)

    def _draw_pending(self) -> None:
        self._pending = False
        self.draw()
        if self._attendant is not None:
            self._take_note(self.feed.view())

    def _take_note(self, view: DeckView) -> None:
        """The event log and the notices look on, once they are there."""
        for notice in self.attendant.note(view, self.settings, self.look):
            self.say(notice.text, severe=notice.urgent)

    def _beat(self) -> None:
        """The one timer.  The loop's own: a Textual interval costs three times as much."""
        if self.is_running:
            self._tick()
            asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _tick(self) -> None:
        if not self.is_headless and vanished(sys.__stdin__.fileno()):  # type: ignore[union-attr]
            return self.leave()
        now = self.clock.now()
        jumped = not 0 <= now - self._last_tick < 3
        self._last_tick = now
        if not self._redraw_at:
            # The very first: the size comes in the same moment, and one draw is enough for both.
            self._draw_soon()
        elif jumped or now >= self._redraw_at:
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
            self.grid.tick_times(view)

    def draw(self) -> int:
        """Draws everything that differs from what is shown; returns the repainted lines."""
        if not self.is_running or not self.screen_stack:
            return 0
        time.tzset()
        view = self.feed.view()
        self._due, self._last_tick = _next_due(view), view.generated_at
        self._redraw_at, self._drawn = _next_minute(view.generated_at), view.providers
        self._draw_top()
        if self._attendant is not None and self.settings.pane_title:
            self._attendant.messenger.title(pane_title(view, self.look.zone, self.look.hours))
        width, height = self.size
        base = self.screen_stack[0]
        header, grid = base.query_one(Header), base.query_one(DeckGrid)
        lane, footer = base.query_one(Lane), base.query_one(Footer)
        small = width < SMALLEST[0] or height < SMALLEST[1]
        asks = askable(view) if self.settings.polling == "ask" and not small else []
        self.banner.display = bool(asks)
        for widget in (grid, lane, footer):
            widget.display = not small
        if small:
            header.styles.height = height
            return header.show(_too_small(width, height))
        rule = height >= SHORT and kind_of(width) == "narrow"
        header.styles.height = 2 if rule else 1
        area = height - 2 - rule - bool(asks) - base.query_one(FilterLine).display
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
        busy = self.feed.tally.progress if self.feed.tally is not None else None
        footer.show_keys(
            footer_entries(self.settings.keys, logins=self.logins),
            width,
            scan_line(busy, self.keys_now, width),
        )
        self.banner.show([banner_line(asks, width)] if asks else [])
        return repainted + lane.show(lines) + header.show(head)

    def _words(self, view: DeckView, grid: DeckGrid) -> list[str]:
        """What the header says besides: only what differs from the usual."""
        shown, count = grid.arrangement, len(grid.order)
        page = f"{shown.first}-{shown.last}/{count}" if 0 < shown.last - shown.first + 1 < count else ""
        order = "" if self.look.order == "config" else f"by {self.look.order}"
        return [
            self._mark,
            "test endpoints" if self.settings.endpoints else "",
            "plaintext vault" if self.settings.vault == "plaintext" else "",
            f"/{self.look.filter}" if self.look.filter else "",
            "paused" if self.paused else "",
            "left" if self.look.left else "",
            "private" if self.look.private else "",
            order,
            f"+{grid.folded} idle" if grid.folded else "",
            "" if grid.zoomed else page,
            self._next_question(view),
        ]

    def _next_question(self, view: DeckView) -> str:
        coming = [a.next_refresh_at for p in view.providers for a in p.accounts if a.budget]
        soonest = min((at for at in coming if at is not None), default=None)
        if soonest is None or self.size.width < NEXT_FROM:
            return ""
        return f"next {max(0, round((soonest - view.generated_at) / 60))}m"

    def _draw_top(self) -> None:
        """The screen over the deck follows it."""
        if len(self.screen_stack) > 1:
            getattr(self.screen_stack[-1], "draw", int)()

    def _to_terminal(self, text: str) -> None:
        """Past Textual: what the terminal itself is told (a title, a bell, a copy)."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)
            self._driver.flush()

    def say(self, text: str, *, severe: bool = False) -> None:
        """A toast; the same one within a minute is dropped."""
        now = self.clock.now()
        shown = hide(text, self.feed.view().providers, self.look.private)
        if 0 <= now - self._said.get(shown, float("-inf")) < 60:
            return
        self._said = {t: at for t, at in self._said.items() if 0 <= now - at < 60} | {shown: now}
        self.notify(printable(shown), markup=False, timeout=8 if severe else 4)

    def remember(self, **changes: object) -> None:
        """Keeps view settings for the next start."""
        if not self.settings.read_only:
            self.feed.remember(**changes)

    async def run_named(self, action: str) -> None:
        """Runs an action that the palette chose."""
        await self.run_action(action)

    @property
    def banner(self) -> Banner:
        """The question of the base screen."""
        return self.screen_stack[0].query_one(Banner)

    @property
    def home(self) -> str:
        """The person's home, which paths are shown from."""
        return str(self._environment.home)

    @property
    def exports(self) -> Path:
        """Where what is exported from a screen goes."""
        return self._environment.data_dir / "exports"

    @property
    def subject(self) -> str:
        """The provider that a key is about: the one in the detail, else the chosen panel."""
        return getattr(self.screen, "provider_id", "") or self.grid.chosen

    @property
    def grid(self) -> DeckGrid:
        """The grid of the base screen."""
        return self.screen_stack[0].query_one(DeckGrid)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over another screen only what its keys and the keys of all screens do; nothing that
        touches a login where none may be touched."""
        written = f"{action}({', '.join(map(repr, parameters))})" if parameters else action
        if not self.logins and any(key.action == written and key.logins for key in KEYMAP):
            return False
        if len(self.screen_stack) == 1:
            return True
        scopes = next((key.scope.split() for key in self.keys_now if key.action == written), None)
        kind = getattr(self.screen, "kind", "help")
        return scopes is None or "all" in scopes or kind in scopes

    def leave(self) -> None:
        """Ends the pane, whatever hangs."""
        if not self.is_headless:
            leave_within(LEAVE_WITHIN, 0, self._terminal)
        self.exit(0)


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
