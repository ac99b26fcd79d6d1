"""Which programs of this user run now, by /proc alone: nothing is started to find out."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def running(names: frozenset[str], proc: Path = PROC) -> bool | None:
    """Whether a process of ours runs a program of one of these names (itself, or as the script of
    an interpreter); None where that cannot be seen."""
    seen = count(names, proc)
    return None if seen is None else seen > 0


def count(names: frozenset[str], proc: Path = PROC) -> int | None:
    """How many processes of ours do; None where that cannot be seen."""
    try:
        entries = [entry for entry in os.scandir(proc) if entry.name.isdigit()]
    except OSError:
        return None
    return sum(_runs(Path(entry.path), names) for entry in entries) if entries else None


def _runs(process: Path, names: frozenset[str]) -> bool:
    try:
        if process.stat().st_uid != os.getuid():
            return False
        words = (process / "cmdline").read_bytes().split(b"\0")[:3]
    except OSError:
        return False
    return any(os.path.basename(os.fsdecode(word)) in names for word in words)
