"""Which log files there are.  One stat a file, no links followed; for the scan only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from providers.base import Environment
from providers.engine.trees import matcher, matches
from providers.ledger.model import DATABASE, PRESENCE, LogTree, SessionLogs

MAX_DEPTH = 24
PACKED = ".zst"
_MOST = (1 << 63) - 1


class Seen(NamedTuple):
    """A file as the walk saw it; ``mtime_ns`` and ``size`` of a database include its ``-wal``."""

    logs: SessionLogs
    tree: LogTree
    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int


def seen_files(rooms: Sequence[SessionLogs], environment: Environment) -> Iterator[Seen]:
    """Every log file that may be measured; a file of two trees belongs to the first."""
    known: set[str] = set()
    for logs in rooms:
        for folder, trees in _by_folder(logs.trees(environment)).items():
            for found in _in_folder(logs, trees, folder):
                if found.path not in known:
                    known.add(found.path)
                    yield found


def file_of(rooms: Sequence[SessionLogs], environment: Environment, path: str) -> Seen | None:
    """The one file at ``path``, or None if no tree holds it or it is not there."""
    for logs in rooms:
        for tree in logs.trees(environment):
            if tree.kind != PRESENCE and _belongs(tree, path):
                try:
                    info = os.lstat(path)
                except OSError:
                    return None
                packed = path.endswith(PACKED) and os.path.exists(path[: -len(PACKED)])
                return None if packed else _seen(logs, tree, path, info)
    return None


def is_there(tree: LogTree) -> bool:
    """Whether the tree's folder holds a match at all."""
    if not tree.recursive and "*" not in tree.pattern:
        return (tree.folder / tree.pattern).exists()
    return next(_files(str(tree.folder), (tree,), 0), None) is not None


def _belongs(tree: LogTree, path: str) -> bool:
    folder, name = os.path.split(path)
    root = str(tree.folder)
    inside = folder == root or (tree.recursive and folder.startswith(root.rstrip("/") + "/"))
    below = folder[len(root) :].split("/")
    return inside and matches(name, tree.pattern) and _holds(tree, below) and name not in tree.skip


def _holds(tree: LogTree, below: Sequence[str]) -> bool:
    """Whether files in this folder below the tree's own can be of the tree."""
    return (not tree.below or tree.below in below) and not any(part in tree.skip for part in below)


def _by_folder(trees: Iterable[LogTree]) -> dict[Path, list[LogTree]]:
    folders: dict[Path, list[LogTree]] = {}
    for tree in trees:
        if tree.kind != PRESENCE:
            folders.setdefault(tree.folder, []).append(tree)
    return folders


def _in_folder(logs: SessionLogs, trees: Sequence[LogTree], folder: Path) -> Iterator[Seen]:
    found = list(_files(str(folder), trees, 0))
    plain = {path for _, path, _ in found if not path.endswith(PACKED)}
    for tree, path, info in found:
        # A packed log beside its plain self is the older of the two.
        if not path.endswith(PACKED) or path[: -len(PACKED)] not in plain:
            yield _seen(logs, tree, path, info)


def _seen(logs: SessionLogs, tree: LogTree, path: str, info: os.stat_result) -> Seen:
    size, mtime = info.st_size, info.st_mtime_ns
    if tree.kind == DATABASE:
        try:
            wal = os.stat(path + "-wal")
            size, mtime = size + wal.st_size, max(mtime, wal.st_mtime_ns)
        except OSError:
            pass
    # Some file systems number beyond what SQLite's integers hold.
    return Seen(logs, tree, path, info.st_dev & _MOST, info.st_ino & _MOST, size, mtime)


def _files(
    folder: str, trees: Sequence[LogTree], depth: int, below: tuple[str, ...] = ()
) -> Iterator[tuple[LogTree, str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            inside = list(entries)
    except OSError:
        return
    deeper = depth < MAX_DEPTH and any(tree.recursive for tree in trees)
    mine = [tree for tree in trees if (tree.recursive or not depth) and _holds(tree, below)]
    here = [(tree, matcher(tree.pattern)) for tree in mine]
    for entry in inside:
        try:
            if entry.is_dir(follow_symlinks=False):
                if deeper:
                    yield from _files(entry.path, trees, depth + 1, (*below, entry.name))
                continue
            for tree, is_one in here:
                if is_one(entry.name):
                    if entry.name not in tree.skip and entry.is_file(follow_symlinks=False):
                        yield tree, entry.path, entry.stat(follow_symlinks=False)
                    break
        except OSError:
            continue
