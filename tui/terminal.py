"""The life of the terminal under the pane: signals, a tty that vanishes, a quit that hangs.

Used by app.py; keeps a process from spinning on a dead terminal for weeks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable

LEAVE_WITHIN = 0.8
"""Seconds after which a quit no longer waits: for a blocked write, a name lookup, a keyring."""

ANSWER_WITHIN = 0.2
"""Seconds a terminal has to say its background colour."""

_RESTORE = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[?1049l\x1b[?25h"


def on_signals(leave: Callable[[], None]) -> None:
    """Calls ``leave`` on the event loop for SIGTERM and SIGHUP.  Call it on that loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, leave)


def reader_gone(descriptor: int) -> bool:
    """Whether a pipe that is written to has nobody at its other end."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def vanished(descriptor: int) -> bool:
    """Whether the terminal behind a descriptor is gone.

    Reading from it would then return nothing at once, for ever: a whole core.
    """
    poll = select.poll()
    try:
        poll.register(descriptor, 0)
        return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
    except OSError:
        return True


def leave_within(seconds: float, code: int, saved: list[object] | None) -> None:
    """Ends the process after ``seconds`` if the orderly way is blocked, terminal restored
    as far as it still takes bytes.  ``saved`` are its attributes from before."""

    def deadline() -> None:
        import termios

        with contextlib.suppress(OSError, termios.error):
            if saved is not None:
                termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, saved)  # type: ignore[union-attr, arg-type]
        with contextlib.suppress(OSError):
            os.set_blocking(2, False)
            os.write(2, _RESTORE.encode())
        os._exit(code)

    timer = threading.Timer(seconds, deadline)
    timer.daemon = True
    timer.start()


def attributes() -> list[object] | None:
    """The terminal's attributes now, to be restored by `leave_within`; None without one."""
    import termios

    try:
        return termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
    except (OSError, termios.error, AttributeError, ValueError):
        return None


class BackgroundQuery:
    """Asks the terminal for its background colour (OSC 11), before the screen is taken.

    A device attributes query follows: its answer, which every terminal gives, ends the
    wait.  The answer is fetched later, so that importing Textual hides the wait.  Not
    asked inside tmux and screen, which do not pass the question on (tmux 3.3a), nor on
    consoles that would print it.
    """

    def __init__(self, term: str, inside_multiplexer: bool) -> None:
        self._saved: list[object] | None = None
        self._until = time.monotonic() + ANSWER_WITHIN
        if inside_multiplexer or term in ("", "dumb", "linux"):
            return
        import termios
        import tty

        with contextlib.suppress(OSError, termios.error, ValueError):
            self._saved = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno())
            os.write(sys.stdout.fileno(), b"\x1b]11;?\x07\x1b[c")

    def is_dark(self) -> bool | None:
        """True for a dark background; None if there was no answer in time."""
        if self._saved is None:
            return None
        import termios

        descriptor = sys.stdin.fileno()
        try:
            return _darkness(_answer(descriptor, self._until))
        except OSError:
            return None
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, self._saved)  # type: ignore[arg-type]


def _answer(descriptor: int, until: float) -> bytes:
    held = b""
    while not held.endswith(b"c"):
        if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
            break
        held += os.read(descriptor, 256)
    return held


def _darkness(answer: bytes) -> bool | None:
    """``rgb:1212/1212/1212``: dark if the green channel, which weighs most, is."""
    _, found, rest = answer.partition(b"rgb:")
    channels = rest.split(b"/")
    if not found or len(channels) < 3:
        return None
    try:
        return int(channels[1][:2], 16) < 0x80
    except ValueError:
        return None
