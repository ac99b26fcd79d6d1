"""The budgets with every provider of the registry configured and a dozen accounts and more."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from providers.engine.clock import SystemClock
from providers.engine.settings import Settings
from providers.live import open_live
from providers.record import replace
from tests.bench.test_pane import EMPTY, FIRST_FIGURE, FIRST_WORD, SETTLED, Within, idle_ratio
from tests.terminals import QUOTADECK, PtyProgram, base_variables
from tests.world.faults import ok
from tests.world.logins import CASES
from tests.world.standin import StandIn
from tui.demo import DemoWorld
from tui.demo_network import answered

MORE = ("antigravity", "cursor", "router")
KEYS = {name: value for case in CASES.values() for name, value in case.variables.items()}


@pytest.fixture
def full(world: DemoWorld, asked: StandIn) -> dict[str, str]:
    """The environment of a home with everything in it, answered once."""
    for name in MORE:
        CASES[name].write(world.home)
    bodies = {path: body for case in CASES.values() for path, body in case.answers.items()}

    def handle(request: httpx.Request) -> httpx.Response:
        body = answered(world, request.url.path) or bodies.get(request.url.path)
        return httpx.Response(
            404 if body is None else 200, stream=httpx.ByteStream(json.dumps(body).encode())
        )

    for name, case in CASES.items():
        for path, body in case.answers.items():
            asked.answer(name, path, ok(answered(world, path) or body))
    home = replace(world.environment, variables=KEYS)
    live = open_live(home, Settings(), SystemClock(), network=lambda: httpx.MockTransport(handle))
    live.load()
    live.refresh([])
    shown = live.view().providers
    assert len(shown) == 16
    assert sum(len(p.accounts) for p in shown) >= 12
    variables = base_variables(world.home, **asked.variables, **KEYS)
    del variables["PYTHONDONTWRITEBYTECODE"]
    return variables


@pytest.fixture
def both(full: dict[str, str]) -> Iterator[tuple[PtyProgram, PtyProgram]]:
    """The pane and an empty app, both open and settled."""
    programs = PtyProgram(QUOTADECK, full), PtyProgram(EMPTY, full)
    programs[0].wait_for(FIRST_FIGURE)
    programs[1].wait_for(FIRST_WORD)
    time.sleep(SETTLED)
    yield programs
    for program in programs:
        program.kill()


def test_first_frame_of_everything(within: Within, full: dict[str, str]) -> None:
    """At most 1.3 times as late as an empty app's, with sixteen panels too."""

    def measure() -> float:
        ratios: list[float] = []
        for turn in range(6):
            taken: list[float] = []
            for command, mark in ((QUOTADECK, FIRST_FIGURE), (EMPTY, FIRST_WORD)):
                program = PtyProgram(command, full)
                taken.append(program.wait_for(mark))
                program.kill()
            if turn:
                ratios.append(taken[0] / taken[1])
        return statistics.median(ratios)

    within("everything: first frame / empty app", measure, 1.3)


def test_idle_cost_of_everything(within: Within, both: tuple[PtyProgram, PtyProgram]) -> None:
    """Twice an empty app, 30 MB over it, 3 KB a minute: with sixteen panels that are all asked."""
    pane, empty = both

    def bytes_a_minute() -> float:
        before = len(pane.output)
        time.sleep(60)
        return (len(pane.output) - before) / 1000

    within("everything: idle CPU / empty app", lambda: idle_ratio(pane, empty), 2)
    within("everything: idle KB a minute", bytes_a_minute, 3)
    within("everything: MB over an empty app", lambda: (pane.rss_kib() - empty.rss_kib()) / 1024, 30)


def test_status_of_everything(within: Within, full: dict[str, str]) -> None:
    """``status --json`` at most six empty Pythons."""

    def taken(command: list[str]) -> float:
        begin = time.perf_counter()
        subprocess.run(command, env=full, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begin

    def measure() -> float:
        pairs = [(taken([*QUOTADECK, "status", "--json"]), taken([sys.executable, "-c", "pass"]))
                 for _ in range(20)]  # fmt: skip
        return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)

    within("everything: status --json / python -c pass", measure, 6)


def test_nothing_is_touched_before_the_first_frame(
    full: dict[str, str], asked: StandIn, tmp_path: Path
) -> None:
    """Neither a socket nor a keyring; and no keyring afterwards, as nobody's key is in one."""
    note = tmp_path / "seen"
    hook = (
        "import sys\n"
        f"seen = open({str(note)!r}, 'a', buffering=1)\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): seen.write('socket\\n')\n"
        "    if event == 'import' and str(args[0]).partition('.')[0] in ('keyring', 'secretstorage'):\n"
        "        seen.write('keyring\\n')\n"
        "sys.addaudithook(watch)\n"
        "from tui.cli import run\n"
        "sys.argv = ['quotadeck']\n"
        "run()\n"
    )
    program = PtyProgram([sys.executable, "-c", hook], full)
    program.wait_for(FIRST_FIGURE)
    before = note.read_text()
    time.sleep(SETTLED)
    after = note.read_text()
    program.kill()
    assert before == ""
    assert "keyring" not in after
