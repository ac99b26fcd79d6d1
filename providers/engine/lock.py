"""An advisory lock of the system in one of our folders: it goes with the process, however that
ends.

For whoever changes a file of ours that other copies change too.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from providers.engine.files import make_folders


class LockFailed(Exception):
    """The lock could not be had; the message is a clean clause that says why."""


@contextmanager
def locked(path: Path, within: float) -> Iterator[None]:
    """Holds the lock ``path``, which is made with its folder; waits ``within`` seconds for
    another holder.  Raises `LockFailed`."""
    try:
        make_folders(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else "unknown reason"
        raise LockFailed(f"its folder cannot be used ({why})") from None
    try:
        _take(descriptor, within)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, within: float) -> None:
    until = time.monotonic() + within
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise LockFailed("another quotadeck holds it") from None
            time.sleep(0.01)
        except OSError:
            raise LockFailed("its folder cannot be locked") from None
