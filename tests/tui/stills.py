"""The demo's world standing still, through the real parsers: for snapshots and screenshots."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread

from textual.pilot import Pilot

from providers.accounts.keeping import Step
from providers.accounts.vaults import Vaults
from providers.desk import Desk, open_desk
from providers.engine.settings import Settings
from providers.ledger.rooms import open_rooms
from providers.ledger.tally import Job, Tally
from providers.live import Live, open_live
from providers.model import Trend
from tests.conftest import FakeClock
from tui.app import QuotadeckApp
from tui.demo import ALIASES, DemoWorld
from tui.demo_network import network
from tui.glyphs import UNICODE, Glyphs

Samples = Callable[[Sequence[tuple[float, float]]], object]
BEGIN = 1_795_356_120.0
"""2026-11-22 14:02 UTC, the hour of the mock-ups."""


class StillFeed:
    """Shows one deck and what is kept of its history; takes no wish."""

    def __init__(self, live: Live, tally: Tally | None = None) -> None:
        self.view = live.view
        self.tally = tally
        self._live = live

    def start(self, post: Callable[..., object], changed: Callable[[frozenset[str]], None]) -> None: ...
    def keep(self) -> None: ...
    def count(self) -> None: ...
    def connect(self) -> None: ...
    def reread(self, provider: str | None) -> None: ...
    def ask(self, provider: str | None) -> None: ...
    def allow(self, by_itself: bool) -> None: ...
    def judge(self, settings: Settings) -> None: ...
    def pause(self, paused: bool) -> None: ...
    def remember(self, **changes: object) -> None: ...
    def when_login(self, told: Callable[[str], None]) -> None: ...
    def stop(self) -> None: ...

    def history(self, provider: str, account: str, window: str, since: float, answer: Samples) -> None:
        answer(self._live._recorder.history.samples(provider, account, window, since))


def still_app(
    home: Path, *, theme: str = "quotadeck-dark", glyphs: Glyphs = UNICODE, written: bool = True
) -> QuotadeckApp:
    """The pane on the made-up world as of `BEGIN`; ``written=False`` is an empty home."""
    world, clock = DemoWorld(home, BEGIN), FakeClock(BEGIN)
    settings = Settings(aliases=ALIASES, read_only=True, polling="on")
    live = open_live(world.environment, settings, clock, network=lambda: network(world))
    if written:
        world.write()
    live.load()
    # In a thread: the caller may have a loop of its own.
    asking = Thread(target=live.refresh, args=([],))
    asking.start()
    asking.join()
    front = live.view().providers[0].front
    if front is not None:
        gained = (0.4, 0.2, 0.9, 1.4, 1.0, 2.2, 3.1, 6.4, 7.7, 7.0, 5.2, 6.1, 4.8, 7.9, 7.2, 6.6)
        live._deck.apply([Trend("claude", front.id, "5h", gained, sum(gained) / 4)], BEGIN)
    vault = Vaults(world.environment, Settings(vault="plaintext")).vault

    def desk(step: Step) -> Desk:
        asked = lambda: network(world)  # noqa: E731
        return open_desk(world.environment, settings, clock, vault, by="pane", network=asked, step=step)

    return QuotadeckApp(
        StillFeed(live, _counted(live, world, clock)),
        settings,
        clock,
        theme=theme,
        zone=time.gmtime,
        glyphs=glyphs,
        environment=world.environment,
        open_desk=desk,
    )


async def looked(pilot: Pilot[int]) -> None:
    """The picker is open, and has heard everything from the clerk."""
    app = pilot.app
    assert isinstance(app, QuotadeckApp)
    app.open_front()
    await until(pilot, lambda: app.front is not None and app.front.book is not None)
    await pilot.press("s")
    await until(pilot, lambda: bool(getattr(app.screen, "_looks", None)))
    await pilot.pause()


async def until(pilot: Pilot[int], holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits for what a thread does; fails the test after ``seconds``."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        await pilot.pause(0.01)


def _counted(live: Live, world: DemoWorld, clock: FakeClock) -> Tally:
    """The ledger of the world, all of it read, which answers at once."""

    def run(job: Job) -> None:
        live._deck.apply(job(), BEGIN)

    def post(function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)

    tally = Tally(
        world.environment,
        lambda: open_rooms(Settings()),
        clock,
        do=run,
        post=post,
        told=lambda: None,
        zone=time.gmtime,
    )
    # As a pane does before it counts: whose tokens they are is told by it.
    live._save(live._deck.timeline.stays)
    tally.start()
    return tally


def picture(app: QuotadeckApp, title: str) -> str:
    """The screen as SVG that fetches nothing."""
    return local_fonts(app.export_screenshot(title=title))


def local_fonts(svg: str) -> str:
    """A picture of Rich's without the font on a server that it names."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(
        r"font-family: *[^;]*;", "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace;", svg
    )
