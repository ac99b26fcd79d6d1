"""The sessions of Claude Code that run now, by the notes that they leave in its home.

For the switch, which says who may still be on the old account.  ``sessions/<pid>.json`` holds
``{pid, startedAt ms, …}`` (realiti4/claude-swap); process lists are not searched.  A note that a
crash left behind may name a process that is something else by now: one that began after the note.
"""

from __future__ import annotations

import os
from pathlib import Path

from providers.accounts.login import Running
from providers.base import KIB, FileBytes, Unparseable
from providers.engine.files import read_file
from providers.engine.processes import PROC, started
from providers.engine.values import epoch, load_json

MOST = 4096
_SLACK = 60.0
"""Seconds that a process may seem younger than its note: the clock may have been set since boot."""


def sessions(home: Path, proc: Path = PROC) -> Running:
    """Those whose process still lives."""
    try:
        names = sorted(path for path in (home / "sessions").iterdir() if path.suffix == ".json")
    except OSError:
        return Running()
    pids = {path: int(path.stem) for path in names[:MOST] if path.stem.isascii() and path.stem.isdigit()}
    alive = ((pid, _begun(path)) for path, pid in pids.items() if _lives(pid))
    begun = [moment for pid, moment in alive if not moment or started(pid, proc) <= moment + _SLACK]
    return Running(len(begun), min((moment for moment in begun if moment), default=0.0))


def _begun(path: Path) -> float:
    found = read_file(path, 64 * KIB)
    if not isinstance(found, FileBytes):
        return 0.0
    try:
        document = load_json(found.data)
    except Unparseable:
        return 0.0
    return (epoch(document.get("startedAt")) if isinstance(document, dict) else None) or 0.0


def _lives(pid: int) -> bool:
    # 0 is no process but our own group, which always lives.
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
