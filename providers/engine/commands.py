"""Runs a tool's own command for its figures: as an argument list, bounded in time and size.

Used by the inquiry, after a person pressed a key; waits in a thread of the network loop's own.
Never a shell; in a process group of its own, which ends as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from providers.asking import Answer, NoAnswer
from providers.engine.clock import Clock
from providers.engine.values import clean
from providers.model import Status

DEADLINE = 20.0
"""Seconds; agy answers in about three."""

MOST_BYTES = 1024 * 1024


async def run(
    command: Sequence[str], variables: Mapping[str, str], clock: Clock, *, deadline: float = DEADLINE
) -> Answer | NoAnswer:
    """What the command printed, as an answer with status 200; else why there is none.

    Its errors are not shown: they may quote anything.
    """
    found = await asyncio.to_thread(_printed, command, variables, deadline)
    if isinstance(found, str):
        name = clean(os.path.basename(command[0]), 30)
        return NoAnswer(Status.ERROR, f"{name} {found}", clock.now())
    return Answer(200, {}, found, clock.now())


def _printed(command: Sequence[str], variables: Mapping[str, str], deadline: float) -> bytes | str:
    """Its output, or a clause that says what went wrong."""
    try:
        process = subprocess.Popen(
            list(command), env=dict(variables), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return f"could not be started ({type(error).__name__})"
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(deadline, end)
    timer.daemon = True
    timer.start()
    with process:
        assert process.stdout is not None
        printed = process.stdout.read(MOST_BYTES + 1)
        if len(printed) > MOST_BYTES:
            _kill(process)
        code = process.wait()
        timer.cancel()
        # Whatever it started and left behind goes too.
        _kill(process)
    if late.is_set():
        return f"did not answer within {deadline:.0f} s"
    if len(printed) > MOST_BYTES:
        return "printed far more than an answer has"
    return printed if code == 0 else f"ended with exit code {code}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
