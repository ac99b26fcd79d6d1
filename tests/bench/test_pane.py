"""The open pane on a real terminal, its endpoints asked, against an empty Textual app in the
same run."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminals import QUOTADECK, PtyProgram
from tests.world.standin import StandIn

Within = Callable[[str, Callable[[], float], float], None]
EMPTY = [sys.executable, str(Path(__file__).with_name("empty_app.py"))]
FIRST_FIGURE = rb"62%"
FIRST_WORD = rb"empty-app-first-frame"
SETTLED = 7.0
"""Seconds after which everything imported late has been imported."""


@pytest.fixture
def pair(variables: dict[str, str], asked: StandIn) -> Iterator[tuple[PtyProgram, PtyProgram]]:
    """The pane and an empty app, both open and settled, the pane's endpoints asked."""
    programs = PtyProgram(QUOTADECK, variables), PtyProgram(EMPTY, variables)
    programs[0].wait_for(FIRST_FIGURE)
    programs[1].wait_for(FIRST_WORD)
    time.sleep(SETTLED)
    assert {request.provider for request in asked.requests} == {
        "claude",
        "codex",
        "copilot",
        "gemini",
        "opencode",
    }
    yield programs
    for program in programs:
        program.kill()


@pytest.mark.usefixtures("demo_home")
def test_first_frame(within: Within, variables: dict[str, str]) -> None:
    """The first frame has real figures and comes at most 1.3 times as late as an empty one."""

    def measure() -> float:
        ratios: list[float] = []
        for turn in range(6):
            taken: list[float] = []
            for command, mark in ((QUOTADECK, FIRST_FIGURE), (EMPTY, FIRST_WORD)):
                program = PtyProgram(command, variables)
                taken.append(program.wait_for(mark))
                program.kill()
            if turn:
                ratios.append(taken[0] / taken[1])
        return statistics.median(ratios)

    within("first frame / empty app", measure, 1.3)


def idle_ratio(pane: PtyProgram, empty: PtyProgram) -> float:
    """CPU time of the pane over the empty app's (schedstat) in the same whole minute, as what a
    new minute changes is drawn in it."""
    before = pane.cpu_seconds(), empty.cpu_seconds()
    time.sleep(60)
    used = pane.cpu_seconds() - before[0], empty.cpu_seconds() - before[1]
    print(f"\n  CPU of one core: pane {used[0] / 0.6:.2f} %, empty {used[1] / 0.6:.2f} %")
    return used[0] / used[1]


def test_idle_cpu(within: Within, pair: tuple[PtyProgram, PtyProgram]) -> None:
    """An idle pane costs at most twice what an empty Textual app costs."""
    within("idle CPU / empty app", lambda: idle_ratio(*pair), 2)


def test_idle_bytes_and_memory(within: Within, pair: tuple[PtyProgram, PtyProgram]) -> None:
    """At most 3 KB a minute to the terminal, and 30 MB over an empty app's memory."""
    pane, empty = pair

    def bytes_a_minute() -> float:
        before = len(pane.output)
        time.sleep(60)
        return (len(pane.output) - before) / 1000

    within("idle KB a minute", bytes_a_minute, 3)
    within("MB of memory over an empty app", lambda: (pane.rss_kib() - empty.rss_kib()) / 1024, 30)


def test_quit(within: Within, variables: dict[str, str]) -> None:
    """The key q ends the process within a second."""

    def measure() -> float:
        program = PtyProgram(QUOTADECK, variables)
        program.wait_for(FIRST_FIGURE)
        begin = time.monotonic()
        program.type(b"q")
        assert program.wait(5) == 0
        return time.monotonic() - begin

    within("seconds to quit", measure, 1)
