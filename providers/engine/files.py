"""Reading files of others safely, and writing files of ours atomically.

For whoever touches a file: the collector reads through `read_file` and `engine.tail`,
everything of ours is written through `write_atomic`.  Nothing found on disk is trusted:
it may be a link, a pipe, huge, foreign, or half written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from providers.base import KIB, MIB, FileBytes, Found, Unreadable
from providers.engine.values import clean

_CHUNK = 64 * KIB
_READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_TEMP_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class WriteRefused(OSError):
    """Writing there is not safe, so nothing was written; the message is a sentence."""


class WriteFailed(OSError):
    """The system would not let us write; the old file, if any, is as it was.

    ``errno`` is that of the cause; the message is a sentence.
    """


def read_file(path: Path, max_bytes: int, *, uid: int | None = None, follow: bool = False) -> Found:
    """The file's bytes, `Unreadable` with the reason, or None if there is no such file.

    Only regular files that belong to ``uid`` (default: who runs us) and hold at most
    ``max_bytes``.  A link in the last component is refused unless ``follow``; links
    among the parent folders are always followed.  A read that a writer crossed is
    done once more, on a freshly opened file, because most writers rename.
    """
    found, steady = _read_once(path, max_bytes, uid, follow)
    if steady:
        return found
    return _read_once(path, max_bytes, uid, follow)[0]


def open_regular(
    path: Path, *, uid: int | None = None, follow: bool = False
) -> tuple[int, os.stat_result] | Unreadable | None:
    """An open descriptor of a regular file of ours, which the caller closes.

    Never blocks: a named pipe without a writer opens and is then refused.
    """
    try:
        fd = os.open(path, _READ_FLAGS | (0 if follow else os.O_NOFOLLOW))
    except (FileNotFoundError, NotADirectoryError):
        if follow and path.is_symlink():
            return Unreadable(path, "is a symbolic link that leads nowhere")
        return None
    except OSError as error:
        return _why_not(path, error, follow)
    info = os.fstat(fd)
    reason = _objection(info, os.getuid() if uid is None else uid)
    if reason:
        os.close(fd)
        return Unreadable(path, reason, refused=True)
    return fd, info


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces the file as a whole: a reader sees the old bytes or the new, never a part.

    Missing folders are made with mode 0700.  ``mode`` holds from the file's first moment
    and whatever the umask is.  Raises `WriteRefused` where a link, something that is not
    a regular file, or somebody else's file or folder is in the way; `WriteFailed` for
    the rest.  No temporary file is left behind unless the process is killed.
    """
    try:
        make_folders(path.parent)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _failed(error, f"the folder {_shown(path.parent)} cannot be used") from None
    try:
        _refuse_target(folder, path)
        _replace(folder, path.name, data, mode)
    except WriteRefused:
        raise
    except OSError as error:
        raise _failed(error, f"{_shown(path)} cannot be written") from None
    finally:
        os.close(folder)


def make_folders(folder: Path) -> None:
    """Makes the folder and those above it that are missing, with mode 0700 whatever the umask
    is.  Raises OSError."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(one, 0o700)
            os.chmod(one, 0o700)


def _read_once(path: Path, max_bytes: int, uid: int | None, follow: bool) -> tuple[Found, bool]:
    opened = open_regular(path, uid=uid, follow=follow)
    if opened is None or isinstance(opened, Unreadable):
        return opened, True
    fd, before = opened
    try:
        data = _read_up_to(fd, before.st_size, max_bytes) if before.st_size <= max_bytes else None
        after = os.fstat(fd)
    except OSError as error:
        return _why_not(path, error, follow), True
    finally:
        os.close(fd)
    if data is None or len(data) > max_bytes:
        return Unreadable(path, f"is larger than {_size(max_bytes)}", refused=True), True
    steady = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return FileBytes(path, data, after.st_mtime_ns / 1e9), steady


def _read_up_to(fd: int, expected: int, max_bytes: int) -> bytes:
    """At most ``max_bytes`` + 1 bytes; that one more tells that the file grew too large."""
    parts: list[bytes] = []
    held = 0
    while held <= max_bytes:
        wanted = min(max(expected - held + 1, _CHUNK), max_bytes + 1 - held)
        part = os.read(fd, wanted)
        if not part:
            break
        parts.append(part)
        held += len(part)
    return b"".join(parts)


def _objection(info: os.stat_result, uid: int) -> str:
    if not stat.S_ISREG(info.st_mode):
        return "is not a regular file"
    if info.st_uid != uid:
        return "belongs to another user"
    return ""


def _why_not(path: Path, error: OSError, follow: bool) -> Unreadable:
    if error.errno in (errno.ELOOP, errno.EMLINK):
        if follow:
            return Unreadable(path, "is a symbolic link that leads in a circle", refused=True)
        return Unreadable(path, "is a symbolic link, which is not followed", refused=True)
    if error.errno in (errno.EACCES, errno.EPERM):
        if not os.access(path.parent, os.X_OK):
            return Unreadable(path, "cannot be reached, permission denied: chmod u+x its folder")
        return Unreadable(path, f"cannot be read, permission denied: chmod u+r {clean(path.name)}")
    if error.errno == errno.ENXIO:
        return Unreadable(path, "is not a regular file", refused=True)
    return Unreadable(path, f"cannot be read: {_cause(error)}")


def _size(count: int) -> str:
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def drop_unfinished(folder: Path, before: float) -> None:
    """Removes what a killed `write_atomic` left in a folder: files begun before that moment (epoch
    seconds by the clock of the file system).  There may be a secret in one."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if not _is_temp(name):
                continue
            with contextlib.suppress(OSError):
                if os.lstat(folder / name).st_mtime < before:
                    os.unlink(folder / name)


def _is_temp(name: str) -> bool:
    """Whether a name is one that `_replace` gives."""
    parts = name.split(".")
    return (
        len(parts) > 4 and not parts[0] and parts[-1] == "tmp" and parts[-3].isdigit() and len(parts[-2]) == 8
    )


def _refuse_target(folder: int, path: Path) -> None:
    if os.fstat(folder).st_uid != os.getuid():
        raise WriteRefused(
            f"the folder {_shown(path.parent)} belongs to another user, so nothing was written"
        )
    try:
        info = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(info.st_mode):
        raise WriteRefused(f"{_shown(path)} is a symbolic link, so nothing was written")
    reason = _objection(info, os.getuid())
    if reason:
        raise WriteRefused(f"{_shown(path)} {reason}, so nothing was written")


def _replace(folder: int, name: str, data: bytes, mode: int) -> None:
    temp = f".{name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    fd = os.open(temp, _TEMP_FLAGS, mode, dir_fd=folder)
    try:
        try:
            os.fchmod(fd, mode)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temp, dir_fd=folder)
        raise
    # Some file systems cannot sync a folder; the new file is in place all the same.
    with contextlib.suppress(OSError):
        os.fsync(folder)


def _failed(error: OSError, what: str) -> WriteFailed:
    failure = WriteFailed(f"{what}: {_cause(error)}")
    failure.errno = error.errno
    return failure


def _cause(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else "unknown reason"


def _shown(path: Path) -> str:
    return clean(str(path), 200)
