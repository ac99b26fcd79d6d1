"""Work done as a user who is not root, where asked on small file systems of its own.

Root may read, write and own everything, so what is shown as root about modes and owners shows
nothing.  The child changes its user after the mounts, which only it sees.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import tomllib
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import tomli_w

NOBODY = 65534
_NEW_MOUNTS, _PRIVATE, _READ_ONLY, _REMOUNT = 0x20000, 0x44000, 1, 32

# Python's own folder may be closed to nobody, so what is imported late is imported now.
_EARLY = (tomllib, tomli_w, *(codecs.lookup(name) for name in ("ascii", "utf-8-sig", "utf-16")))


class Mount:
    """A file system of ``size`` bytes on a folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size


def is_root() -> bool:
    """Whether owners can be changed and file systems mounted."""
    return os.getuid() == 0


def confined(work: Callable[[], object], *, mounts: Sequence[Mount] = (), aside: bool = False) -> None:
    """Does the work in a child; raises AssertionError with its traceback if it failed.  With root
    kept ``aside`` the work may use `read_only`."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        told = ""
        try:
            if is_root():
                _mount(mounts)
                os.setgroups([])
                os.setgid(NOBODY)
                os.setresuid(NOBODY, NOBODY, 0 if aside else NOBODY)
            work()
        except BaseException:
            told = traceback.format_exc()
        finally:
            os.write(writing, told.encode()[:60_000])
            os._exit(bool(told))
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    if told:
        raise AssertionError(told)


def can_mount() -> bool:
    """Whether a child may have file systems of its own; a container often may not."""
    if not is_root():
        return False
    child = os.fork()
    if not child:
        try:
            _mount([Mount(Path("/mnt"), 4096)])
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def read_only(folder: Path) -> None:
    """Makes a mount of ours read-only, by the root that was kept aside."""
    library = ctypes.CDLL(None, use_errno=True)
    os.seteuid(0)
    _call(library.mount, b"", os.fsencode(folder), b"", _REMOUNT | _READ_ONLY, None)
    os.seteuid(NOBODY)


def _mount(mounts: Sequence[Mount]) -> None:
    if not mounts:
        return
    library = ctypes.CDLL(None, use_errno=True)
    _call(library.unshare, _NEW_MOUNTS)
    _call(library.mount, b"none", b"/", None, _PRIVATE, None)
    for one in mounts:
        options = f"size={one.size},mode=0700,uid={NOBODY},gid={NOBODY}".encode()
        _call(library.mount, b"none", os.fsencode(one.folder), b"tmpfs", 0, options)


def _call(function: Callable[..., int], *args: object) -> None:
    if function(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
