"""An accelerated day, and hostile files in bulk: nothing grows, nothing stalls, no socket.

Run with ``pytest -m endurance``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from providers.engine.settings import Settings
from providers.live import open_live
from tests.conftest import SAMPLES, FakeClock
from tests.terminals import QUOTADECK, PtyProgram, base_variables
from tui.app import QuotadeckApp
from tui.demo import DemoWorld

pytestmark = pytest.mark.endurance

CHANGES = 10_000
WARM_UP = 5_000
"""Changes before the day that is measured: caches fill, and the interpreter doubles its table of
interned strings once (1.9 MB, between the 2000th and the 4000th)."""

GROWTH_KIB = 2 * 1024


def rss_kib() -> int:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


async def test_a_day_of_changes_and_ticks_does_not_grow(tmp_path: Path) -> None:
    """10 000 sidecar changes and 10 000 ticks: at most 2 MB more, no stall above 50 ms."""
    world = DemoWorld(tmp_path, 1_795_330_000.0)
    world.write()
    clock = FakeClock(1_795_330_000.0)
    live = open_live(world.environment, Settings(read_only=True), clock)
    live.load()
    app = QuotadeckApp(live, Settings(read_only=True), clock, zone=time.gmtime)
    stalls: list[float] = []
    path = world.environment.statusline_dir / "claude.demo.json"
    document = json.loads(path.read_bytes())
    settled = 0
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        for turn in range(WARM_UP + CHANGES):
            clock.advance(8.64)
            document["windows"][0] |= {"used_percent": turn % 100, "resets_at": int(clock.now()) + 9_000}
            document["observed_at"] = clock.now()
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(document))
            os.replace(temporary, path)
            facts = live._collector.changed([path])
            begin = time.perf_counter()
            live._deck.apply(facts, clock.now())
            app._tick()
            app.draw()
            stalls.append(time.perf_counter() - begin)
            await asyncio.sleep(0)
            if turn == WARM_UP:
                gc.collect()
                settled = rss_kib()
        gc.collect()
    stalls.sort()
    assert rss_kib() - settled <= GROWTH_KIB
    assert stalls[int(len(stalls) * 0.999)] <= 0.05


def test_a_real_pane_under_a_thousand_changes_stays_small(tmp_path: Path) -> None:
    """The whole program on a pty: 1 000 rewrites, then at most 2 MB more than before."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    world = DemoWorld(home, time.time())
    world.write()
    pane = PtyProgram(QUOTADECK, base_variables(home))
    try:
        pane.wait_for(rb"62%")
        for _ in range(200):
            world._write_statusline(1, int(time.time()))
            world._write_statusline(2, int(time.time()) + 1)
            time.sleep(0.01)
        time.sleep(2)
        settled = pane.rss_kib()
        for turn in range(800):
            world._write_statusline(turn % 90, int(time.time()))
            time.sleep(0.02)
        time.sleep(2)
        assert pane.rss_kib() - settled <= GROWTH_KIB
    finally:
        pane.kill()


WATCHED = """
import json, os, sys, threading, time
seen = []
def hook(event, args):
    if event.startswith("socket.") and event.split(".")[1] in ("connect", "bind", "getaddrinfo", "sendto"):
        seen.append([event, repr(args[1:])[:80]])
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"):
        seen.append([event, ""])
sys.addaudithook(hook)
def report():
    time.sleep(6)
    open(os.environ["REPORT"], "w").write(json.dumps(seen))
threading.Thread(target=report, daemon=True).start()
from tui.cli import run
sys.argv = ["quotadeck"]
run()
"""


def test_an_open_pane_opens_no_socket(tmp_path: Path) -> None:
    """An audit hook inside the running pane, with keys pressed and files changing: no
    connection, no look-up, no process."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    world = DemoWorld(home, time.time())
    world.write()
    report = tmp_path / "report.json"
    pane = PtyProgram([sys.executable, "-c", WATCHED], base_variables(home, REPORT=str(report)))
    try:
        pane.wait_for(rb"62%")
        for key in "jkrRzuocti?":
            pane.type(key.encode())
            time.sleep(0.1)
            world.step(time.time())
        time.sleep(6)
        assert json.loads(report.read_text()) == []
    finally:
        pane.kill()


@pytest.mark.parametrize("path", sorted((SAMPLES / "interop/hostile").glob("*.json")), ids=lambda p: p.stem)
def test_hostile_files_reach_no_screen_and_cost_little(tmp_path: Path, path: Path) -> None:
    """Each hostile sidecar as the live Claude figure: at most 50 ms and 8 MB, no escape
    sequence, no markup, and only the percentages that its README allows."""
    allowed = {row[0]: row[2] for row in hostile_rows()}[path.stem]
    world = DemoWorld(tmp_path, 1_795_330_000.0)
    clock = FakeClock(1_795_330_000.0)
    (tmp_path / ".claude").mkdir()
    target = tmp_path / ".claude/.tokenmaxxer-claude.json"
    target.write_bytes(path.read_bytes())
    os.utime(target, (1_795_330_000, 1_795_330_000))
    live = open_live(world.environment, Settings(), clock)
    tracemalloc.start()
    begin = time.perf_counter()
    live.load()
    cost, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    shown = [w.used_percent for p in live.view().providers for a in p.accounts for w in a.windows]
    figures = {f"{value:g}" for value in shown if value is not None}
    assert figures <= set(allowed.replace(",", " ").split())
    assert cost <= 0.15
    assert peak <= 8 * 1024 * 1024


def hostile_rows() -> list[list[str]]:
    text = (SAMPLES / "interop/hostile/README.md").read_text()
    rows = [
        [c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    return [row for row in rows if row[0] not in ("file", "---")]
