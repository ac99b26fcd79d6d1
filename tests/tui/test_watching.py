"""``watch --plain``: sentences that are appended, one per change."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from providers.engine.view import ViewRules, view
from providers.model import Status
from tests.terminals import QUOTADECK, base_variables
from tests.tui import worlds
from tests.tui.worlds import HOUR, NOW, five, login, read, week
from tui.demo import DemoWorld
from tui.watching import Teller


class Told:
    """A deck and what is told of it as it changes."""

    def __init__(self, private: bool = False) -> None:
        self.deck = worlds.deck_of(
            login("claude"), read("claude", five(62), week(41)), names=("claude", "codex")
        )
        self.now = NOW
        self.teller = Teller(self.view(), time.gmtime, 24, private)

    def view(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return view(self.deck.facts(), self.now, ViewRules())

    def after(self, *facts: object, seconds: float = 0.0) -> list[str]:
        self.now += seconds
        self.deck.apply(facts, self.now)  # type: ignore[arg-type]
        return self.teller.tell(self.view())


def test_nothing_new_is_nothing_told() -> None:
    """The same deck again, a second later, a figure that moved by less than a percent."""
    told = Told()
    assert told.after() == []
    assert told.after(seconds=1) == []
    assert told.after(read("claude", five(62.4), age=-5), seconds=5) == []


def test_one_sentence_a_change_with_the_time_in_front() -> None:
    """A whole percent is news."""
    told = Told()
    (line,) = told.after(read("claude", five(64), age=-5), seconds=5)
    assert line.startswith("07:02 Claude, 5 hour window, 64 percent used")


def test_a_window_is_told_at_most_every_ten_seconds() -> None:
    """What moved meanwhile is told then, once."""
    told = Told()
    assert len(told.after(read("claude", five(64), age=-1), seconds=1)) == 1
    assert told.after(read("claude", five(66), age=-2), seconds=1) == []
    assert "66 percent" in told.after(seconds=10)[0]


def test_states_and_verdict_are_told() -> None:
    """A login that runs out, and that the first line says something else now."""
    told = Told()
    lines = told.after(login("claude", status=Status.EXPIRED, message="log in again"))
    assert any("Claude is expired: log in again" in line for line in lines)


def test_a_reset_is_told_once() -> None:
    """Time alone changes it."""
    told = Told()
    lines = told.after(seconds=3 * HOUR)
    assert sum("reset due" in line for line in lines) == 1
    assert not [line for line in told.after(seconds=60) if "reset due" in line]


def test_private_names_nobody() -> None:
    """Not in a sentence, not in a message."""
    told = Told(private=True)
    facts = login("claude", status=Status.EXPIRED, message="work@example.com must log in")
    assert "work@" not in " ".join(told.after(facts, read("claude", five(99), age=-5), seconds=5))


@pytest.fixture
def world(tmp_path: Path) -> DemoWorld:
    world = DemoWorld(tmp_path, time.time())
    world.write()
    return world


def test_as_a_process(world: DemoWorld) -> None:
    """The figures, then a line for a written file; no escape byte; gone a moment after SIGTERM."""
    process = subprocess.Popen(
        [*QUOTADECK, "watch", "--plain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=base_variables(world.home),
    )  # fmt: skip
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    said = b""
    try:
        said += until(process, b"62 percent", said)
        for _ in range(3):
            world.step(time.time())
        said += until(process, b"63 percent", said)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
    assert b"\x1b" not in said
    assert process.stderr is not None
    assert process.stderr.read() == b""


def until(process: subprocess.Popen[bytes], wanted: bytes, before: bytes) -> bytes:
    assert process.stdout is not None
    said, end = b"", time.monotonic() + 20
    while wanted not in before + said:
        assert time.monotonic() < end, before + said
        said += process.stdout.read() or b""
        time.sleep(0.02)
    return said


def test_a_closed_pipe_ends_it(world: DemoWorld) -> None:
    """As ``head -1`` does it: no traceback, and soon."""
    command = f"{' '.join(QUOTADECK)} watch --plain | head -1"
    done = subprocess.run(
        ["sh", "-c", command], env=base_variables(world.home), capture_output=True, timeout=30, check=False
    )
    assert done.stderr == b""


def test_without_plain_it_says_how(tmp_path: Path) -> None:
    """The other form is the pane."""
    done = subprocess.run(
        [*QUOTADECK, "watch"], env=base_variables(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--plain" in done.stderr
