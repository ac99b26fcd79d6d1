"""Folders below a folder, and the newest files in it.  Bounded walks, no links followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
    for folder, files in _walk(root) if recursive else _flat(root):
        for entry in files:
            if matches(entry.name, pattern):
                try:
                    if not entry.is_dir(follow_symlinks=False):
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, folder / entry.name))
                except OSError:
                    continue
    found.sort(reverse=True)
    return tuple(path for _, path in found[:count])


def matches(name: str, pattern: str) -> bool:
    """Whether a file name is one of a pattern with at most one ``*``.

    Not fnmatch: it compiles an expression for each pattern, 2 ms of every one-shot command."""
    return matcher(pattern)(name)


def matcher(pattern: str) -> Callable[[str], bool]:
    """The same for many names."""
    first, star, last = pattern.partition("*")
    if not star:
        return pattern.__eq__
    least = len(first) + len(last)
    return lambda name: len(name) >= least and name.startswith(first) and name.endswith(last)


def _flat(root: Path) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """One folder with what is in it."""
    try:
        with os.scandir(root) as entries:
            yield root, list(entries)
    except OSError:
        return


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
