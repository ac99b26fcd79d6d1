"""The locks of CLIs, taken as the CLIs take them themselves.

For switch.py alone, which holds them for well under half a second with no request and no
keyring call in between.  A folder lock is made with mkdir and is stale when nobody touched it
(npm proper-lockfile, measured: a plain mkdir is respected, a folder that is not empty or dated
in the future is never reclaimed, so nothing is ever put inside).  Ours is made beside its place,
noted, and then moved there if the place is free: killed at any moment, it is known for ours.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from providers.accounts.login import CannotSwitch, CliLock, FileLock, FolderLock
from providers.accounts.renaming import moved_to_free
from providers.engine.values import clean
from providers.record import Record

WITHIN = 8.0
"""Seconds to wait for a CLI: it holds its lock while it renews."""

FUTURE = 5.0
"""A lock dated further ahead than this is never reclaimed by anybody."""

PAUSE = 0.05


class HeldFolder(Record):
    """A folder lock of ours, as the journal notes it to know it again.

    ``touched`` is its mtime in nanoseconds: we never touch one, a CLI does at once.  The number
    alone says nothing: ext4 gives that of a folder that went to the next one (measured).
    """

    path: str
    device: int
    inode: int
    touched: int


Noted = Callable[[tuple[HeldFolder, ...]], None]


class CliLocks:
    """The locks of one store while they are held."""

    def __init__(self, folders: Sequence[HeldFolder]) -> None:
        self.folders = tuple(folders)

    def still_ours(self) -> bool:
        """Whether every folder lock is the one that we made: after a stop of the process a CLI
        may have taken it over as stale."""
        return all(is_ours(folder) for folder in self.folders)


def is_ours(folder: HeldFolder) -> bool:
    """Whether the lock at that path is still the same folder."""
    try:
        found = os.lstat(folder.path)
    except OSError:
        return False
    known = folder.device, folder.inode, folder.touched
    return (found.st_dev, found.st_ino, found.st_mtime_ns) == known


def release(folder: HeldFolder) -> None:
    """Removes a lock of ours, and no other; it may not have come to its place yet."""
    if is_ours(folder):
        with contextlib.suppress(OSError):
            os.rmdir(folder.path)
    sweep(Path(folder.path))


@contextmanager
def cli_locks(locks: Sequence[CliLock], noted: Noted, within: float = WITHIN) -> Iterator[CliLocks]:
    """Holds the locks in their order; lets go in reverse.  ``noted`` is called with the folders
    held so far, as soon as there is one more.  Raises `CannotSwitch` if one cannot be had; then
    none is held."""
    until = time.monotonic() + within
    while True:
        with ExitStack() as held:
            folders: list[HeldFolder] = []
            if _take_all(locks, noted, held, folders, until):
                yield CliLocks(folders)
                return
        # One was busy: everything is let go, as a CLI that waits for the first would else
        # hold the second.
        time.sleep(PAUSE)


def _take_all(
    locks: Sequence[CliLock], noted: Noted, held: ExitStack, folders: list[HeldFolder], until: float
) -> bool:
    for lock in locks:
        late = time.monotonic() >= until
        taken = _flocked(lock, held) if isinstance(lock, FileLock) else _made(lock, noted, held, folders)
        if not taken and late:
            raise CannotSwitch(
                f"nothing was changed: the lock {clean(lock.path.name)} is held, the login is being "
                "renewed or changed: try again in a minute"
            )
        if not taken:
            return False
    return True


def _flocked(lock: FileLock, held: ExitStack) -> bool:
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(lock.path, flags, 0o600)
    except OSError as error:
        raise _cannot(lock.path, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return False
        raise _cannot(lock.path, error) from None
    held.callback(os.close, descriptor)
    return True


def _made(lock: FolderLock, noted: Noted, held: ExitStack, folders: list[HeldFolder]) -> bool:
    """Whether the lock could be had; ``folders`` has it then."""
    if os.path.lexists(lock.path):
        _reclaim(lock)
        return False
    try:
        ours = _made_beside(lock.path)
    except OSError as error:
        raise _cannot(lock.path, error) from None
    held.callback(release, ours)
    noted((*folders, ours))
    try:
        if not moved_to_free(beside(lock.path), lock.path):
            # Here a lock can only be made in its place.
            os.mkdir(lock.path, 0o700)
            ours = _known(lock.path, lock.path)
            held.callback(release, ours)
            noted((*folders, ours))
    except FileExistsError:
        return False
    except OSError as error:
        raise _cannot(lock.path, error) from None
    folders.append(ours)
    return True


def beside(path: Path) -> Path:
    """Where a lock of ours is made.  One process at a time makes one: who switches holds the
    lock of the accounts."""
    return path.with_name(f"{path.name}.qd-lock")


def sweep(path: Path) -> None:
    """Removes what a kill left where a lock of ours is made.  For whoever holds the lock of the accounts."""
    with contextlib.suppress(OSError):
        os.rmdir(beside(path))


def _made_beside(path: Path) -> HeldFolder:
    place = beside(path)
    with contextlib.suppress(FileNotFoundError):
        # An old one would be stale as soon as it is in place.
        os.rmdir(place)
    os.mkdir(place, 0o700)
    return _known(place, path)


def _known(place: Path, path: Path) -> HeldFolder:
    made = os.lstat(place)
    return HeldFolder(str(path), made.st_dev, made.st_ino, made.st_mtime_ns)


def _reclaim(lock: FolderLock) -> None:
    """Takes away a lock whose holder died, as nobody touched it for long; the next look makes
    it anew, unless a CLI was quicker."""
    shown = clean(str(lock.path), 200)
    try:
        found = os.lstat(lock.path)
    except OSError:
        return
    # The wall clock, as the file system's times are its times.
    age = time.time() - found.st_mtime
    if age < -FUTURE:
        raise CannotSwitch(
            f"nothing was changed: the lock {shown} is dated in the future, so nobody ever takes it: "
            f"rmdir {shown}"
        )
    if age <= lock.stale:
        return
    try:
        os.rmdir(lock.path)
    except NotADirectoryError:
        raise CannotSwitch(f"nothing was changed: {shown} is in the way and no lock: rm {shown}") from None
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise CannotSwitch(
                f"nothing was changed: the lock {shown} is not empty, so nobody can take it: rm -r {shown}"
            ) from None


def _cannot(path: Path, error: OSError) -> CannotSwitch:
    why = os.strerror(error.errno).lower() if error.errno else "unknown reason"
    return CannotSwitch(f"nothing was changed: the lock {clean(path.name)} cannot be taken ({why})")
