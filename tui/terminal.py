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

_RESTORE = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[?1049l\x1b[?25h"


def on_signals(leave: Callable[[], None]) -> None:
    """Calls ``leave`` on the event loop for SIGTERM and SIGHUP.  Call it on that loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, leave)


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


def background_is_dark(term: str, inside_multiplexer: bool, seconds: float = 0.2) -> bool | None:
    """Asks the terminal for its background colour (OSC 11), before the screen is taken.

    A device attributes query follows: its answer, which every terminal gives, ends the
    wait.  None inside tmux and screen, which do not pass the question on (tmux 3.3a), on
    consoles that would print it, and where no answer comes.
    """
    if inside_multiplexer or term in ("", "dumb", "linux") or not sys.stdin.isatty():
        return None
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    saved = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        os.write(sys.stdout.fileno(), b"\x1b]11;?\x07\x1b[c")
        return _darkness(_answer(descriptor, seconds))
    except (OSError, termios.error):
        return None
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)


def _answer(descriptor: int, seconds: float) -> bytes:
    held, end = b"", time.monotonic() + seconds
    while not held.endswith(b"c") and (left := end - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
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
