"""The login files of a provider, each as it is read: as bytes, or as rows of a database.

For the intake and for the inquiry, which both need to know them and when they changed.
"""

from __future__ import annotations

import os
from pathlib import Path

from providers.base import FileBytes, FileSource, Found, Unreadable
from providers.engine.files import read_file

Signature = tuple[int, int, int]


def signature(path: Path) -> Signature | None:
    """Inode, size and mtime of what the path leads to; None if there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def login_path(source: FileSource) -> Path:
    """Where a login file lies."""
    return source.folder / source.pattern


def read_login_file(source: FileSource) -> Found:
    """The file's bytes, or the rows that its query finds."""
    if source.query and signature(login_path(source)) is not None:
        from providers.engine.rows import read_rows

        return read_rows(login_path(source), source.query, source.max_bytes)
    path = login_path(source)
    found = read_file(path, source.max_bytes, follow=not source.private)
    if source.private and isinstance(found, FileBytes) and os.lstat(path).st_mode & 0o077:
        return Unreadable(path, f"can be read by others: chmod 600 {path.name}", refused=True)
    return found


def switched_on(
    source: FileSource, provider: str, off: frozenset[tuple[str, str]], on: frozenset[tuple[str, str]]
) -> bool:
    """Whether a source may be opened: by default, unless it is optional."""
    place = provider, source.id
    return place not in off and (not source.optional or place in on)


def login_signature(source: FileSource) -> Signature | None:
    """Changes when the file does; a database also changes in the log beside it."""
    path = login_path(source)
    found = signature(path)
    if found is None or not source.query:
        return found
    beside = signature(path.with_name(f"{path.name}-wal")) or (0, 0, 0)
    return found[0], found[1] + beside[1], max(found[2], beside[2])
