"""Replacing a file so that nothing that stood there is lost, whoever writes meanwhile.

For switch.py and recovery.py.  The new bytes are staged beside the file; then both change
places in one step of the system, so that what was replaced is exactly what is kept, also when
a CLI wrote a moment before, and a CLI that still writes into the old file writes into the kept
one.  Where the system cannot do that, a hard link and a rename stand in for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

from providers.accounts.login import CannotSwitch, StoreFile
from providers.accounts.renaming import swapped
from providers.engine.values import clean

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPERATION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-z]+)*")
"""Eight hex digits, then what part of it: ``-2`` made again, ``-b`` mended, ``-r`` carried through,
``-old`` the second name of what is being replaced."""


def staged_name(path: Path, operation: str) -> Path:
    """Where the new bytes of a file are staged, and what was replaced is kept."""
    return path.with_name(f"{path.name}.qd-{operation}")


def second_name(path: Path, operation: str) -> Path:
    """What is being replaced has this name too, where two names cannot be swapped in one step."""
    return staged_name(path, f"{operation}-old")


def operations_at(path: Path) -> tuple[str, ...]:
    """The operations, and parts of operations, that left a staged or replaced file beside this."""
    start = f"{path.name}.qd-"
    with contextlib.suppress(OSError):
        found = [name.removeprefix(start) for name in os.listdir(path.parent) if name.startswith(start)]
        return tuple(sorted(name for name in found if _OPERATION.fullmatch(name)))
    return ()


def refuse(file: StoreFile) -> None:
    """Raises `CannotSwitch` where the file may not be replaced: a link, no regular file, somebody
    else's file or folder, a folder that cannot be written."""
    path, folder = file.path, file.path.parent
    shown, there = clean(str(path), 200), clean(str(folder), 200)
    try:
        around = os.stat(folder)
    except OSError:
        raise CannotSwitch(f"nothing was changed: the folder of {shown} is not there") from None
    if around.st_uid != os.getuid():
        raise CannotSwitch(f"nothing was changed: the folder of {shown} belongs to another user")
    if around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
        raise CannotSwitch(
            f"nothing was changed: everybody may write to the folder of {shown}: chmod o-w {there}"
        )
    if not os.access(folder, os.W_OK):
        raise CannotSwitch(f"nothing was changed: the folder of {shown} is read-only: chmod u+w {there}")
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            raise CannotSwitch(f"nothing was changed: {shown} is a symbolic link: put the file itself there")
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            raise CannotSwitch(f"nothing was changed: {shown} is not a regular file of yours")


def has_more_names(path: Path) -> bool:
    """Whether the file is hard-linked: the other names keep what is replaced."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 1


def stage(file: StoreFile, data: bytes, operation: str) -> Path:
    """Writes the new bytes beside the file, synced.  0600 for a secret, else as the file is, and
    never wider.  Raises OSError; then nothing is left of it."""
    place = staged_name(file.path, operation)
    mode = _mode(file)
    descriptor = os.open(place, _FLAGS, mode)
    try:
        try:
            os.fchmod(descriptor, mode)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        drop(place)
        raise
    return place


def exchange(path: Path, operation: str) -> None:
    """Puts the staged file in place; what stood there is then under the staged name.  A file
    that was not there is only put in place if it still is not.  Raises OSError, with nothing
    changed, FileExistsError among them."""
    place = staged_name(path, operation)
    if not os.path.lexists(path):
        os.link(place, path, follow_symlinks=False)
        drop(place)
    elif not swapped(place, path):
        _linked(place, path, operation)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames last; some file systems cannot, and then nothing is lost but time."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def drop(path: Path) -> None:
    """Removes a file of ours."""
    with contextlib.suppress(OSError):
        path.unlink()


def _mode(file: StoreFile) -> int:
    try:
        now = stat.S_IMODE(os.lstat(file.path).st_mode)
    except OSError:
        now = 0o600
    return now & 0o600 if file.secret else now & 0o644


def _linked(place: Path, path: Path, operation: str) -> None:
    """The same in three steps: the old file gets a second name before it loses its first."""
    kept = second_name(path, operation)
    os.link(path, kept, follow_symlinks=False)
    try:
        os.rename(place, path)
    except BaseException:
        drop(kept)
        raise
    os.rename(kept, place)
