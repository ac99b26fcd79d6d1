"""A person with two accounts of Claude Code kept, and the pane over them: real desk, real files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from textual.pilot import Pilot

from providers.accounts.keeping import Step
from providers.base import Environment
from providers.desk import Desk
from providers.engine.settings import Settings
from providers.live import Live, open_live
from tests.tui.stills import StillFeed, until
from tests.world.households import Household
from tui.app import QuotadeckApp
from tui.screens.picker import PickerScreen


class HouseFeed(StillFeed):
    """The household's files, read when they are told to have changed."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.calls: list[tuple[str, object]] = []
        self._changed: Callable[[frozenset[str]], None] = lambda ids: None

    def start(self, post: Callable[..., object], changed: Callable[[frozenset[str]], None]) -> None:
        self._changed = changed

    def reread(self, provider: str | None) -> None:
        self.calls.append(("reread", provider))
        self._live.load()
        self._changed(frozenset({"claude"}))


class Watched(Desk):
    """Notes which threads its calls run on."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]
        self.threads: dict[str, set[int]] = {}

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if not name.startswith("_") and name in vars(Desk):
            self.threads.setdefault(name, set()).add(threading.get_ident())
        return found


class Office:
    """Accounts ``a`` (called work) and ``b``, both kept; ``b`` is live."""

    def __init__(self, environment: Environment, *, kept: str = "ab") -> None:
        self.house = Household(environment)
        self.desk: Watched | None = None
        for name in kept:
            self.house.log_in(name)
            self._desk(lambda step: None).capture("claude", "work" if name == "a" else "")

    def _desk(self, step: Step) -> Watched:
        house = self.house
        return Watched(
            house.environment, (house.store,), house.vault, house.clock, prove=house.issuer.prove,
            by="pane", step=step,
        )  # fmt: skip

    def opened(self, step: Step) -> Desk:
        """The desk, made on the clerk's thread."""
        self.desk = self._desk(step)
        return self.desk

    def app(self, kind: type[QuotadeckApp] = QuotadeckApp, **more: object) -> QuotadeckApp:
        """The pane over it."""
        live = open_live(self.house.environment, Settings(), self.house.clock)
        live.load()
        return kind(
            HouseFeed(live), Settings(), self.house.clock, zone=time.gmtime,
            **{"open_desk": self.opened} | more,  # type: ignore[arg-type]
        )  # fmt: skip


async def begun(pilot: Pilot[int]) -> QuotadeckApp:
    """The clerk has read who is kept."""
    app = pilot.app
    assert isinstance(app, QuotadeckApp)
    await pilot.pause()
    app.open_front()
    await until(pilot, lambda: app.front is not None and app.front.book is not None)
    return app


async def at_rest(pilot: Pilot[int]) -> None:
    """Nothing is being done, and everything that is shown has been heard."""
    app = pilot.app
    assert isinstance(app, QuotadeckApp)
    front = app.front
    assert front is not None
    await until(pilot, lambda: not front.busy and not front._looking)
    await pilot.pause()


def picker(app: QuotadeckApp) -> PickerScreen:
    """The picker, which must be on top."""
    assert isinstance(app.screen, PickerScreen)
    return app.screen
