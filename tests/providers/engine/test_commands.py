"""Commands of tools: bounded in time and size, and gone with everything they started."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from providers.asking import Answer, NoAnswer
from providers.engine.commands import MOST_BYTES, run
from providers.model import Status
from tests.conftest import FakeClock


def ran(code: str, clock: FakeClock, *, deadline: float = 20.0) -> Answer | NoAnswer:
    return asyncio.run(run((sys.executable, "-c", code), dict(os.environ), clock, deadline=deadline))


def test_what_it_prints_is_the_answer(clock: FakeClock) -> None:
    """Stdout alone; stderr and stdin are not its business."""
    found = ran("import sys; print(repr(sys.stdin.read())); print('x', file=sys.stderr)", clock)
    assert isinstance(found, Answer)
    assert (found.status, found.body) == (200, b"''\n")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        (f"print('x' * {MOST_BYTES + 10})", "far more"),
    ],
)
def test_what_is_no_answer(clock: FakeClock, code: str, says: str) -> None:
    """One sentence each."""
    found = ran(code, clock)
    assert isinstance(found, NoAnswer)
    assert (found.status, says in found.sentence) == (Status.ERROR, True)


def test_a_command_that_is_not_there(clock: FakeClock) -> None:
    """It could not be started."""
    found = asyncio.run(run(("/nonexistent/agy",), {}, clock))
    assert isinstance(found, NoAnswer)
    assert "agy could not be started" in found.sentence


def test_one_that_hangs_is_ended_with_its_children(clock: FakeClock, tmp_path: Path) -> None:
    """The whole process group."""
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    found = ran(code, clock, deadline=2.0)
    assert isinstance(found, NoAnswer)
    assert "did not answer within 2 s" in found.sentence
    child = int(note.read_text())
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("the child outlived its parent")
