"""Killing a process of our own at a step, or at any moment, without a word of goodbye.

By fork after import, as a start of Python costs more than all that is looked at.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable

from providers.accounts.keeping import Step, no_step

_CHANGES = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "ctypes.dlsym")
"""Audit events; the last stands before the swap of two names."""
_WRITES = os.O_WRONLY | os.O_RDWR

Work = Callable[[Step], object]


def killed(work: Work, at: str, nth: int = 1) -> bool:
    """Does the work in a child that kills itself at the ``nth`` step of that name; whether it did."""
    seen = 0

    def step(name: str) -> None:
        nonlocal seen
        seen += name == at
        if name == at and seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return _killed(_child(work, step))


def killed_after(work: Work, seconds: float) -> bool:
    """Does the work in a child that is killed after so long; whether it was not done before."""
    child = _child(work, no_step)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return _killed(child)


def killed_before(work: Work, nth: int) -> bool:
    """Does the work in a child that is killed right before its ``nth`` change of the file system;
    whether it made so many."""

    def counted(step: Step) -> None:
        seen = 0

        def hook(event: str, args: tuple[object, ...]) -> None:
            nonlocal seen
            if event in _CHANGES or (event == "open" and isinstance(args[2], int) and args[2] & _WRITES):
                seen += 1
                if seen == nth:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work(step)

    return _killed(_child(counted, no_step))


def apart(work: Work) -> int:
    """Does the work in a child, which is waited for with `finished`; its number."""
    return _child(work, no_step)


def finished(child: int) -> int:
    """Waits for a child; how it ended, 0 for well."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def steps(work: Work) -> list[tuple[str, int]]:
    """The steps of the work, done here to its end, each with how often it came so far."""
    seen: list[str] = []
    found: list[tuple[str, int]] = []

    def step(name: str) -> None:
        seen.append(name)
        found.append((name, seen.count(name)))

    work(step)
    return found


def _child(work: Work, step: Step) -> int:
    child = os.fork()
    if child:
        return child
    # What belongs to pytest is not to be touched again, not even to be let go.
    gc.disable()
    code = 1
    try:
        work(step)
        code = 0
    except BaseException as error:
        os.write(2, f"\nin the child: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def _killed(child: int) -> bool:
    code = finished(child)
    if code > 0:
        raise AssertionError(f"the child failed with {code}")
    return code == -signal.SIGKILL
