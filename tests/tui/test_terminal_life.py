"""A pane that stays open for weeks: how it ends, in a real terminal."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminals import QUOTADECK, PtyProgram, Tmux, base_variables
from tui.demo import DemoWorld

RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    DemoWorld(home, time.time()).write()
    return home


@pytest.fixture
def pane(home: Path) -> Iterator[PtyProgram]:
    program = PtyProgram(QUOTADECK, base_variables(home))
    program.wait_for(rb"62%")
    yield program
    program.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_cleanly(pane: PtyProgram, number: signal.Signals) -> None:
    """Exit 0 within a second, the terminal as it was."""
    begin = time.monotonic()
    os.kill(pane.pid, number)
    assert pane.wait(3) == 0
    assert time.monotonic() - begin < 1.5
    assert all(mark in bytes(pane.output) for mark in RESTORED)


def test_q_ends_it_and_leaves_no_text(pane: PtyProgram) -> None:
    """The alternate screen is left, nothing is printed behind it."""
    pane.type(b"q")
    assert pane.wait(3) == 0
    behind = bytes(pane.output).rpartition(b"\x1b[?1049l")[2]
    assert not any(0x41 <= byte <= 0x5A for byte in behind)


def test_a_vanished_terminal_ends_it_without_spinning(pane: PtyProgram) -> None:
    """The window dies without a word: the process is gone soon, having used no core."""
    before = pane.cpu_seconds()
    pane.hang_up()
    end, used = time.monotonic() + 4, before
    code = None
    while time.monotonic() < end and code is None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            used = pane.cpu_seconds()
        code = pane.wait(0.05)
    assert code is not None
    assert used - before < 1.5


def test_kill_server_ends_it(home: Path) -> None:
    """When tmux dies its panes' processes are gone within two seconds."""
    tmux = Tmux(base_variables(home), 80, 24)
    tmux.start(QUOTADECK)
    tmux.wait_for("62%")
    pid = tmux.pid()
    tmux.kill()
    end = time.monotonic() + 3
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_suspend_and_resume(home: Path) -> None:
    """ctrl+z gives the shell back; fg paints the pane again."""
    tmux = Tmux(base_variables(home, PS1="prompt> "), 80, 24)
    try:
        tmux.keys(QUOTADECK[0], "Enter")
        tmux.wait_for("62%")
        tmux.keys("C-z")
        tmux.wait_for("Stopped")
        tmux.keys("fg", "Enter")
        tmux.wait_for("62%")
        tmux.keys("q")
        tmux.wait_for(r"^(#|\$|prompt>)$")
    finally:
        tmux.kill()


CRASH = """
import sys, tui.app
from tui.cli import run
def draw(self):
    secret = "sk-ant-canary"
    raise ValueError(secret)
tui.app.QuotadeckApp.draw = draw
sys.argv = ["quotadeck"]
run()
"""


def test_a_crash_restores_the_terminal_and_says_one_sentence(home: Path) -> None:
    """No traceback, no locals, no error text; exit 1."""
    program = PtyProgram([sys.executable, "-c", CRASH], base_variables(home))
    try:
        assert program.wait(8) == 1
        time.sleep(0.2)
        output = bytes(program.output)
        assert all(mark in output for mark in RESTORED)
        behind = output.rpartition(b"\x1b[?1049l")[2]
        assert b"stopped by a bug (ValueError in draw" in behind
        assert b"canary" not in output
        assert b"Traceback" not in output
    finally:
        program.kill()


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (40, 24), (80, 24), (120, 40), (200, 50)])
def test_in_tmux_every_size_is_usable(home: Path, columns: int, rows: int) -> None:
    """In a real tmux: the verdict first, figures, the keys last; resized and back."""
    tmux = Tmux(base_variables(home), columns, rows)
    try:
        tmux.start(QUOTADECK)
        tmux.wait_for("62%")
        tmux.wait_for("q quit")
        for size in ((60, 15), (columns, rows)):
            tmux.resize(*size)
            time.sleep(0.4)
        screen = tmux.wait_for("62%")
        assert "out " in screen[0]
        assert screen[rows - 1].rstrip().endswith("q quit")
    finally:
        tmux.kill()


@pytest.mark.parametrize(
    ("variables", "said"),
    [({"TERM": "dumb"}, "5 hour window, 62 percent used"), ({}, "5 hour window, 62 percent used")],
)
def test_without_a_terminal_it_is_the_plain_report(home: Path, variables: dict[str, str], said: str) -> None:
    """TERM=dumb, or output that is no terminal: sentences, exit 0, no escape code."""
    done = subprocess.run(
        QUOTADECK, env=base_variables(home, **variables), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
    assert "\x1b" not in done.stdout


def test_no_color_sends_no_colour(home: Path) -> None:
    """Not one colour code from start to end."""
    program = PtyProgram(QUOTADECK, base_variables(home, NO_COLOR="1", COLORTERM="truecolor"))
    try:
        program.wait_for(rb"62%")
        time.sleep(1)
        program.type(b"q")
        program.wait(3)
        codes = re.findall(rb"\x1b\[([0-9;]*)m", bytes(program.output))
        numbers = {int(n or 0) for code in codes for n in code.split(b";")}
        assert numbers <= {0, 1, 2, 7, 22, 27}
    finally:
        program.kill()


def test_a_blocked_terminal_does_not_hold_up_the_quit(home: Path) -> None:
    """Output that nobody takes (a frozen ssh) cannot keep the process: it is gone in a second."""
    program = PtyProgram(QUOTADECK, base_variables(home))
    try:
        program.wait_for(rb"62%")
        program.stop_reading()
        for _ in range(60):
            program.resize(119, 40)
            program.resize(120, 40)
            time.sleep(0.01)
        os.kill(program.pid, signal.SIGTERM)
        assert program.wait(3) == 0
    finally:
        program.kill()
