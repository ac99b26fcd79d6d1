"""Two renames that Python lacks, each one step of the system: swap two names, and take a free one.

For exchange.py and locks.py.  Linux's renameat2; each says False where the system or the file
system has no such step, with nothing changed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_HERE = -100
"""AT_FDCWD of Linux: paths are absolute."""

_NOREPLACE = 1
_EXCHANGE = 2


def swapped(first: Path, second: Path) -> bool:
    """Swaps what the two names stand for.  Raises OSError."""
    return _renamed(first, second, _EXCHANGE)


def moved_to_free(path: Path, free: Path) -> bool:
    """Gives a file or folder a name that nothing has.  Raises OSError, FileExistsError among them."""
    return _renamed(path, free, _NOREPLACE)


def _renamed(first: Path, second: Path, flag: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    if rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(second))
