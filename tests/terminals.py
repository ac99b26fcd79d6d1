"""Real terminals for the tests: a pty whose bytes are counted, and a tmux of our own.

Used by tests that start the program as a process.  Nothing here knows the screen's text.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import uuid
from pathlib import Path

import pytest

QUOTADECK = [str(Path(sys.executable).with_name("quotadeck"))]
"""The console script, as a person has it on the PATH."""


def base_variables(home: Path, **more: str) -> dict[str, str]:
    """The whole environment of a child: a home of its own and nothing of ours."""
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # Without it the bus of whoever runs the tests would be found, and a real keyring behind it.
        "XDG_RUNTIME_DIR": str(home / "no-bus"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


class PtyProgram:
    """A program on a pty; its output is read by a thread, so that it never blocks."""

    def __init__(
        self, command: list[str], variables: dict[str, str], columns: int = 120, rows: int = 40
    ) -> None:
        self.started = time.monotonic()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(command[0], command, variables)
            finally:
                os._exit(127)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = bytearray()
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            try:
                ready, _, _ = select.select([self.master], [], [], 0.2)
                chunk = os.read(self.master, 65536) if ready else b""
            except (OSError, ValueError):
                return
            if ready and not chunk:
                return
            self.output += chunk
            if b"\x1b[c" in chunk:
                # Every terminal says what it is; without an answer programs wait for one.
                os.write(self.master, b"\x1b[?62;22c")

    def wait_for(self, pattern: bytes, timeout: float = 10.0) -> float:
        """Seconds from the start until the output matches; fails the test after ``timeout``."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if re.search(pattern, bytes(self.output)):
                return time.monotonic() - self.started
            time.sleep(0.005)
        pytest.fail(f"{pattern!r} did not appear; the end of the output: {bytes(self.output[-400:])!r}")

    def type(self, keys: bytes) -> None:
        """Types keys."""
        os.write(self.master, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Changes the size of the terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def cpu_seconds(self) -> float:
        """CPU that all threads of the process used, by the scheduler's own account."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def rss_kib(self) -> int:
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]

    def stop_reading(self) -> None:
        """Lets the output stand, as a frozen connection does."""
        self._open = False
        self._reader.join(1.0)

    def hang_up(self) -> None:
        """Lets the terminal vanish, as when the window or tmux dies."""
        self._open = False
        self._reader.join(1.0)
        os.close(self.master)

    def wait(self, timeout: float = 5.0) -> int | None:
        """The exit code (negative for a signal), or None if it still runs."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        return None

    def kill(self) -> None:
        """Ends it for good."""
        self._open = False
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.master)


class Tmux:
    """A tmux server of its own with one window of one pane."""

    def __init__(self, variables: dict[str, str], columns: int, rows: int) -> None:
        found = shutil.which("tmux")
        if found is None:
            if os.environ.get("CI"):
                pytest.fail("tmux is missing; CI must have it")
            pytest.skip("tmux is not installed")
        self.address = ["-L", f"quotadeck-{uuid.uuid4().hex[:8]}"]
        self._base = [found, *self.address, "-f", os.devnull]
        self._variables = variables
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), "-s", "t", "sh")
        self.run("set", "-g", "status", "off")
        self.run("set", "-g", "default-terminal", "tmux-256color")
        self.run("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    def run(self, *arguments: str) -> str:
        """Runs one tmux command."""
        done = subprocess.run(
            [*self._base, *arguments],
            env=self._variables,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout

    def start(self, command: list[str]) -> None:
        """Runs a command in the pane, in place of its shell."""
        self.run("respawn-pane", "-k", "-t", "t", " ".join(command))

    def keys(self, *keys: str) -> None:
        """Types keys by tmux's names."""
        self.run("send-keys", "-t", "t", *keys)

    def screen(self) -> list[str]:
        """The lines on the screen."""
        return self.run("capture-pane", "-p", "-t", "t").split("\n")[:-1]

    def resize(self, columns: int, rows: int) -> None:
        """Changes the size of the window."""
        self.run("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    def wait_for(self, pattern: str, timeout: float = 10.0) -> list[str]:
        """The screen once a line matches; fails the test after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            screen = self.screen()
            if any(re.search(pattern, line) for line in screen):
                return screen
            time.sleep(0.05)
        pytest.fail(f"{pattern!r} did not appear on:\n" + "\n".join(self.screen()))

    def pid(self) -> int:
        """The process in the pane."""
        return int(self.run("display", "-p", "-t", "t", "#{pane_pid}"))

    def kill(self) -> None:
        """Ends the server."""
        self.run("kill-server")
