"""Delivering notices: what is written, what is started, and with what."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from providers.engine.settings import Settings
from tui import messenger
from tui.messenger import Messenger, desktop_command, run_program
from tui.notices import Kind, Notice

EVIL = "$(id) \"'; `x` \x1b[2J"
FULL = Notice(Kind.FULL, "claude", "a1", "5h", "Claude 5 h: full", "Claude, 5 hour window: full", True)
WATCH = Notice(Kind.WATCH, "claude", "a1", "5h", "Claude 5 h: 76%", EVIL, False)


class Desk:
    """A messenger that writes to a list and starts nothing."""

    def __init__(self, variables: dict[str, str] | None = None, said: str = "", **changes: object) -> None:
        self.written: list[str] = []
        self.started: list[tuple[tuple[str, ...], bytes, dict[str, str]]] = []
        self._said = said
        self.messenger = Messenger(
            self.written.append, Settings(**changes), variables or {}, "linux", run=self._run  # type: ignore[arg-type]
        )  # fmt: skip

    def _run(self, command: Sequence[str], data: bytes, variables: Mapping[str, str]) -> str:
        self.started.append((tuple(command), data, dict(variables)))
        return self._said

    def deliver(self, notice: Notice) -> Desk:
        self.messenger.deliver(notice)
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and thread.daemon and "_elsewhere" in thread.name:
                thread.join(5)
        return self


KITTY = {"TERM": "xterm-kitty"}
INSIDE = {"TERM": "tmux-256color", "TMUX": "/tmp/x,1,0", "KITTY_WINDOW_ID": "1"}
OSC = "\x1b]9;Claude, 5 hour window: full\a"


@pytest.mark.parametrize(
    ("variables", "said", "changes", "written"),
    [
        ({}, "", {}, ["\a"]),
        ({}, "", {"bell": False}, []),
        (KITTY, "", {}, ["\a", OSC]),
        (KITTY, "", {"notify": "off"}, ["\a"]),
        (INSIDE, "on\n", {}, ["\a", "\x1bPtmux;\x1b\x1b]9;Claude, 5 hour window: full\a\x1b\\"]),
        (INSIDE, "off\n", {}, ["\a"]),
        (INSIDE, "", {}, ["\a"]),
        ({}, "", {"notify": "osc777", "bell": False},
         ["\x1b]777;notify;Claude 5 h: full;Claude, 5 hour window: full\a"]),
        ({}, "", {"notify": "osc99", "bell": False},
         ["\x1b]99;i=claude-5h:d=0;Claude 5 h: full\x1b\\"
          "\x1b]99;i=claude-5h:d=1:p=body;Claude, 5 hour window: full\x1b\\"]),
    ],
)  # fmt: skip
def test_what_is_written(
    variables: dict[str, str], said: str, changes: dict[str, object], written: list[str]
) -> None:
    """The bell, and the terminal's notice, in tmux only if it lets them through."""
    assert Desk(variables, said, **changes).deliver(FULL).written == written


def test_only_what_is_urgent_rings() -> None:
    """A window at 76 % is no bell."""
    assert Desk().deliver(WATCH).written == []


def test_tmux_is_asked_once() -> None:
    """Whether it lets sequences through does not change while the pane is open."""
    desk = Desk(INSIDE, "on")
    desk.deliver(FULL).deliver(FULL)
    assert [c[0] for c in desk.started] == [("tmux", "show-options", "-gv", "allow-passthrough")]


def test_programs_get_texts_as_arguments() -> None:
    """No shell: a text with a command in it arrives as it is, without its control characters."""
    desk = Desk(desktop=True, notify_command=("say", "--fast")).deliver(WATCH)
    (notify, _, _), (command, data, _) = desk.started
    assert notify[:6] == ("notify-send", "-a", "quotadeck", "-u", "normal", "--")
    assert notify[7] == EVIL.replace("\x1b", " ")
    assert command == ("say", "--fast")
    assert json.loads(data)["text"] == EVIL.replace("\x1b", " ")
    assert desktop_command(WATCH, "darwin")[-1] == EVIL.replace("\x1b", " ")


def test_no_variable_of_a_tool_is_passed_on() -> None:
    """A key in our environment is not a program's business."""
    variables = {"ANTHROPIC_API_KEY": "sk-ant-CANARY", "PATH": "/bin", "DISPLAY": ":0", "SSH_AUTH_SOCK": "x"}
    desk = Desk(variables, desktop=True).deliver(FULL)
    assert desk.started[0][2] == {"PATH": "/bin", "DISPLAY": ":0"}


def test_a_title_is_written_when_it_changes() -> None:
    """The same one again sends no byte."""
    desk = Desk()
    for text in ("a", "a", "b", "b"):
        desk.messenger.title(text)
    assert desk.written == ["\x1b]2;a\a", "\x1b]2;b\a"]


def test_a_program_that_is_not_there_is_no_error() -> None:
    """A box without notify-send stays silent."""

    def missing(*_: object) -> str:
        raise FileNotFoundError

    Messenger([].append, Settings(desktop=True), {}, "linux", run=missing)._elsewhere(
        FULL, Settings(desktop=True)
    )


def test_a_program_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its deadline the whole group is gone and reaped."""
    monkeypatch.setattr(messenger, "DEADLINE", 0.3)
    note = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {note}; wait"
    run_program(("sh", "-c", script), b"", {"PATH": os.environ["PATH"]})
    child = int(note.read_text())
    until = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and _state(child) != "Z":
        assert time.monotonic() < until
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_a_program_sees_its_environment_alone() -> None:
    """Nothing of ours, and JSON on its stdin."""
    script = "import os, sys; print(sorted(os.environ), sys.stdin.read())"
    said = run_program((sys.executable, "-c", script), b"hello", {"A": "1"})
    assert "'A'" in said
    assert "PATH" not in said
    assert said.strip().endswith("hello")
