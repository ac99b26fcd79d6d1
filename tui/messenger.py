"""Delivers notices, copies and titles: through the terminal, and through programs if asked.

Owned by the event loop's thread, which never waits here: programs run in a daemon thread each,
as argument lists and never through a shell, with a deadline, in a process group of their own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

from providers.engine.settings import Settings
from tui import signals
from tui.notices import Kind, Notice
from tui.painted import printable

DEADLINE = 5.0
"""Seconds a program has."""

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR",
             "DBUS_SESSION_BUS_ADDRESS", "TMUX", "TMUX_TMPDIR", "TERM")  # fmt: skip
"""All that a program sees of our environment: no variable of a tool may hold a key there."""

Run = Callable[[Sequence[str], bytes, Mapping[str, str]], str]


class Messenger:
    """``write`` sends text to the terminal; ``run`` starts a program (tests replace it)."""

    def __init__(
        self,
        write: Callable[[str], None],
        settings: Settings,
        variables: Mapping[str, str],
        platform: str,
        *,
        run: Run | None = None,
    ) -> None:
        self.settings = settings
        self._write, self._variables, self._platform = write, variables, platform
        self._run = run or run_program
        self._in_tmux = "TMUX" in variables
        self._passes: bool | None = None if self._in_tmux else True
        self._title = ""

    def deliver(self, notice: Notice) -> None:
        """One notice on every channel that the settings name."""
        s = self.settings
        if s.bell and notice.urgent:
            self._write(signals.BELL)
        if signals.channel(self._variables, s.notify) or s.desktop or s.notify_command:
            threading.Thread(target=self._elsewhere, args=(notice, s), daemon=True).start()

    def title(self, text: str) -> None:
        """The terminal's title, if it is another than before."""
        if text != self._title:
            self._title = text
            self._write(signals.title(text))

    def copy(self, text: str) -> None:
        """Text into the clipboard of the terminal; tmux takes it and passes it on itself
        (``set-clipboard``)."""
        self._write(signals.copy(text))

    def _elsewhere(self, notice: Notice, settings: Settings) -> None:
        """Thread: the terminal around tmux, a desktop, a command.  None of them may fail loudly."""
        sequence = self._sequence(notice, signals.channel(self._variables, settings.notify))
        if sequence and self._may_pass():
            self._write(signals.through_tmux(sequence) if self._in_tmux else sequence)
        if settings.desktop:
            self._start(desktop_command(notice, self._platform), b"")
        if settings.notify_command:
            self._start(settings.notify_command, as_json(notice))

    def _sequence(self, notice: Notice, channel: str) -> str:
        match channel:
            case "osc9":
                return signals.osc9(notice.text)
            case "osc777":
                return signals.osc777(notice.title, notice.text)
            case "osc99":
                return signals.osc99(f"{notice.provider}-{notice.window}", notice.title, notice.text)
        return ""

    def _may_pass(self) -> bool:
        """Whether tmux lets a sequence through; asked of it once."""
        if self._passes is None:
            said = self._start(("tmux", "show-options", "-gv", "allow-passthrough"), b"")
            self._passes = said.strip() in ("on", "all")
        return self._passes

    def _start(self, command: Sequence[str], data: bytes) -> str:
        kept = {name: self._variables[name] for name in PASSED_ON if name in self._variables}
        try:
            return self._run(command, data, kept)
        except OSError:
            return ""


def desktop_command(notice: Notice, platform: str) -> tuple[str, ...]:
    """The desktop's own program.  AppleScript gets its texts as arguments, not as source."""
    title, text = printable(notice.title), printable(notice.text)
    if platform == "darwin":
        script = "on run a\ndisplay notification (item 2 of a) with title (item 1 of a)\nend run"
        return ("osascript", "-e", script, title, text)
    urgency = "critical" if notice.kind in (Kind.FULL, Kind.LOGIN) else "normal"
    return ("notify-send", "-a", "quotadeck", "-u", urgency, "--", title, text)


def as_json(notice: Notice) -> bytes:
    """What ``notify_command`` gets on stdin."""
    return json.dumps(
        {
            "kind": notice.kind.value,
            "provider": notice.provider,
            "account": notice.account,
            "window": notice.window,
            "title": printable(notice.title),
            "text": printable(notice.text),
            "urgent": notice.urgent,
        }
    ).encode()


def run_program(command: Sequence[str], data: bytes, variables: Mapping[str, str]) -> str:
    """Runs a program to its end or its deadline; returns the first KB of what it said.

    Raises OSError if it cannot be started."""
    process = subprocess.Popen(
        list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=dict(variables), start_new_session=True, close_fds=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(data, timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    return said[:1024].decode("utf-8", "replace")
