"""Which programs of this user run now, by /proc alone: nothing is started to find out."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def running(names: frozenset[str], proc: Path = PROC) -> bool | None:
    """Whether a process of ours runs a program of one of these names (itself, or as the script of
    an interpreter); None where that cannot be seen."""
    try:
        entries = [entry for entry in os.scandir(proc) if entry.name.isdigit()]
    except OSError:
        return None
    if not entries:
        return None
    for entry in entries:
        try:
            if entry.stat().st_uid != os.getuid():
                continue
            words = Path(entry.path, "cmdline").read_bytes().split(b"\0")[:3]
        except OSError:
            continue
        if any(os.path.basename(os.fsdecode(word)) in names for word in words):
            return True
    return False
