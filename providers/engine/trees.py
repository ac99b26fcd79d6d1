"""Folders below a folder, and the newest files in it.  Bounded walks, no links followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

MAX_FOLDERS = 2_000
MAX_ENTRIES = 50_000
"""A walk stops here; a tree that large is seen by its newest days first (see `_scan`)."""


def folders_under(root: Path) -> tuple[Path, ...]:
    """``root`` and every folder below it, at most `MAX_FOLDERS`, newest names first."""
    found: list[Path] = []
    for folder, _ in _walk(root):
        found.append(folder)
        if len(found) >= MAX_FOLDERS:
            break
    return tuple(found)


def newest_files(root: Path, pattern: str, count: int, *, recursive: bool) -> tuple[Path, ...]:
    """The ``count`` files of that name pattern written last, newest first."""
    found: list[tuple[int, Path]] = []
    for folder, files in _walk(root):
        for entry in files:
            if fnmatchcase(entry.name, pattern):
                try:
                    found.append((entry.stat(follow_symlinks=False).st_mtime_ns, folder / entry.name))
                except OSError:
                    continue
        if not recursive:
            break
    found.sort(reverse=True)
    return tuple(path for _, path in found[:count])


def _walk(root: Path) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Folders with their files.  Names descend, so that dated folders come newest first."""
    stack, seen = [root], 0
    while stack and seen < MAX_ENTRIES:
        folder = stack.pop()
        try:
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError:
            continue
        seen += len(inside)
        folders = sorted(e.name for e in inside if e.is_dir(follow_symlinks=False))
        stack.extend(folder / name for name in folders)
        yield folder, [e for e in inside if not e.is_dir(follow_symlinks=False)]
