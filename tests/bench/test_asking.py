"""Keys and quitting while a provider does its worst: the pane on a real terminal."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminals import QUOTADECK, PtyProgram
from tests.world import faults
from tests.world.standin import Reply, StandIn

Within = Callable[[str, Callable[[], float], float], None]
PATHS = (("claude", "/api/oauth/profile"), ("codex", "/backend-api/wham/usage"))
"""What each provider is asked first."""

FAULTS: dict[str, Callable[[], Reply]] = {
    "hang": faults.hang,
    "drip": faults.drip,
    "10 MB": lambda: faults.huge(announced=False),
    "gzip bomb": faults.gzip_bomb,
    "refused": lambda: faults.status(403),
}
HUNG_LOOKUP = [sys.executable, str(Path(__file__).with_name("hung_lookup.py"))]
FIRST_FIGURE = rb"62%"
KEYS = 24
TYPED = (b"\t", b"z", b"z", b"\t", b"?", b"?")
"""Each changes the screen; the last two open the help and close it."""


def milliseconds(program: PtyProgram) -> float:
    """The 95th percentile from a key to the first byte of the answer on the terminal; the keys
    are typed while questions go out and come back.  Not Escape: it waits for the rest of a
    longer key."""
    taken: list[float] = []
    for turn in range(KEYS):
        time.sleep(0.12)
        before = len(program.output)
        begin = time.monotonic()
        program.type(TYPED[turn % len(TYPED)])
        while len(program.output) == before:
            assert time.monotonic() < begin + 5, "no answer to a key"
            time.sleep(0.0005)
        taken.append(time.monotonic() - begin)
    return statistics.quantiles(taken, n=20, method="inclusive")[-1] * 1000


def seconds_to_quit(program: PtyProgram) -> float:
    begin = time.monotonic()
    program.type(b"q")
    assert program.wait(5) == 0
    return time.monotonic() - begin


@pytest.mark.parametrize("name", FAULTS)
def test_a_provider_at_its_worst(
    within: Within, variables: dict[str, str], asked: StandIn, name: str
) -> None:
    """A key is answered within 50 ms and the pane gone within a second, whatever comes back."""
    for provider, path in PATHS:
        asked.answer(provider, path, FAULTS[name]())
    quits: list[float] = []

    def measure() -> float:
        program = PtyProgram(QUOTADECK, variables)
        try:
            program.wait_for(FIRST_FIGURE)
            known = len(asked.requests)
            while len(asked.requests) == known and not quits:
                time.sleep(0.01)
            return milliseconds(program)
        finally:
            quits.append(seconds_to_quit(program))
            program.kill()

    within(f"{name}: key to pixels, ms p95", measure, 50)
    within(f"{name}: seconds to quit", lambda: min(quits), 1)


def test_a_hung_name_lookup(within: Within, variables: dict[str, str], asked: StandIn) -> None:
    """The same while the machine's name lookups never come back."""
    named = {name: url.replace("127.0.0.1", "localhost") for name, url in asked.variables.items()}
    quits: list[float] = []

    def measure() -> float:
        program = PtyProgram(HUNG_LOOKUP, {**variables, **named})
        try:
            program.wait_for(FIRST_FIGURE)
            time.sleep(1)
            return milliseconds(program)
        finally:
            quits.append(seconds_to_quit(program))
            program.kill()

    within("hung lookup: key to pixels, ms p95", measure, 50)
    within("hung lookup: seconds to quit", lambda: min(quits), 1)
    assert Path(variables["HOME"], "looked-up").exists()
    assert asked.requests == []
