"""The demo's world standing still, through the real parsers: for snapshots and screenshots."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from providers.engine.settings import Settings
from providers.engine.shown import DeckView
from providers.live import open_live
from providers.model import Trend
from tests.conftest import FakeClock
from tui.app import QuotadeckApp
from tui.demo import ALIASES, DemoWorld
from tui.glyphs import UNICODE, Glyphs

BEGIN = 1_795_356_120.0
"""2026-11-22 14:02 UTC, the hour of the mock-ups."""


class StillFeed:
    """Shows one deck and takes no wish."""

    def __init__(self, view: Callable[[], DeckView]) -> None:
        self.view = view

    def start(self, post: Callable[..., object], changed: Callable[[frozenset[str]], None]) -> None: ...
    def connect(self) -> None: ...
    def reread(self, provider: str | None) -> None: ...
    def ask(self, provider: str | None) -> None: ...
    def allow(self, by_itself: bool) -> None: ...
    def judge(self, settings: Settings) -> None: ...
    def history(self, *asked: object) -> None: ...
    def pause(self, paused: bool) -> None: ...
    def remember(self, **changes: object) -> None: ...
    def stop(self) -> None: ...


def still_app(
    home: Path, *, theme: str = "quotadeck-dark", glyphs: Glyphs = UNICODE, written: bool = True
) -> QuotadeckApp:
    """The pane on the made-up world as of `BEGIN`; ``written=False`` is an empty home."""
    world, clock = DemoWorld(home, BEGIN), FakeClock(BEGIN)
    settings = Settings(aliases=ALIASES, read_only=True)
    live = open_live(world.environment, settings, clock)
    if written:
        world.write()
    live.load()
    front = live.view().providers[0].front
    if front is not None:
        gained = (0.4, 0.2, 0.9, 1.4, 1.0, 2.2, 3.1, 6.4, 7.7, 7.0, 5.2, 6.1, 4.8, 7.9, 7.2, 6.6)
        live._deck.apply([Trend("claude", front.id, "5h", gained, sum(gained) / 4)], BEGIN)
    feed = StillFeed(live.view)
    return QuotadeckApp(feed, settings, clock, theme=theme, zone=time.gmtime, glyphs=glyphs)


def picture(app: QuotadeckApp, title: str) -> str:
    """The screen as SVG that fetches nothing: Textual's names a font on a server."""
    svg = app.export_screenshot(title=title)
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(
        r"font-family: *[^;]*;", "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace;", svg
    )
