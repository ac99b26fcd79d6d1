"""A switch with the pane open: how soon it is verified, and what it costs the screen."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from providers.accounts.sealed import PlainFiles
from providers.accounts.vault import Vault
from providers.base import Environment
from tests.tui.offices import Office, begun, picker
from tests.tui.stills import until
from tui.app import QuotadeckApp
from tui.front_desk import VERIFIED

Within = Callable[[str, Callable[[], float], float], None]
TURNS = 8
SLOW = 0.4
"""Seconds that the slow vault takes for every call."""


def office_in(folder: Path) -> Office:
    """Two accounts, kept in a vault of files through the threads of the real one."""
    home = folder / "home"
    home.mkdir(parents=True, mode=0o700)
    state, data = home / ".local/state/quotadeck", home / ".local/share/quotadeck"
    office = Office(Environment(home, {}, home / ".config/quotadeck", state, data), kept="")
    files = PlainFiles(data / "plain")
    office.house.vault = Vault(lambda: files)  # type: ignore[assignment]
    for name in "ab":
        office.house.log_in(name)
        office._desk(lambda step: None).capture("claude", name)
    return office


async def switched(pilot: Pilot[int], app: QuotadeckApp) -> float:
    """Seconds from the key to a verified switch on the screen."""
    picker(app)._show(None)
    begin = time.perf_counter()
    await pilot.press("1")
    await until(pilot, lambda: app.front is not None and not app.front.busy and VERIFIED in app.front.steps)
    taken = time.perf_counter() - begin
    app.front.steps = ()  # type: ignore[union-attr]
    await until(pilot, lambda: picker(app)._said is not None)
    return taken


async def opened(pilot: Pilot[int]) -> QuotadeckApp:
    """The picker, with everything imported."""
    app = await begun(pilot)
    await pilot.press("s")
    await until(pilot, lambda: bool(picker(app)._looks))
    return app


def test_key_to_verified(within: Within, tmp_path: Path) -> None:
    """From the key press to verified within 300 ms, the median of eight switches to and fro."""
    folders = itertools.count()

    async def run() -> float:
        app = office_in(tmp_path / str(next(folders))).app()
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot)
            taken = [await switched(pilot, app) for _ in range(TURNS)]
        return statistics.median(taken) * 1000

    within("key to a verified switch, ms", lambda: asyncio.run(run()), 300)


def test_the_screen_never_stalls(within: Within, tmp_path: Path) -> None:
    """While a slow vault is waited for and the files are exchanged, the loop never rests longer
    than 50 ms."""
    folders = itertools.count()

    async def run() -> float:
        office = office_in(tmp_path / str(next(folders)))
        files = office.house.vault._open()
        fast = files.get_password

        def slowly(service: str, username: str) -> str | None:
            time.sleep(SLOW)
            return fast(service, username)

        app = office.app()
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot)
            files.get_password = slowly  # type: ignore[method-assign]
            longest, last, going = 0.0, time.perf_counter(), True

            async def beat() -> None:
                nonlocal longest, last
                while going:
                    await asyncio.sleep(0.002)
                    now = time.perf_counter()
                    longest, last = max(longest, now - last), now

            last = time.perf_counter()
            beating = asyncio.create_task(beat())
            taken = await switched(pilot, app)
            going = False
            await beating
        assert taken > SLOW
        return longest * 1000

    within("longest stall of the screen in a switch, ms", lambda: asyncio.run(run()), 50)
