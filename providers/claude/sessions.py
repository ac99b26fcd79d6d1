"""The sessions of Claude Code that run now, by the notes that they leave in its home.

For the switch, which says who may still be on the old account.  ``sessions/<pid>.json`` holds
``{pid, startedAt ms, …}`` (realiti4/claude-swap); process lists are not searched.
"""

from __future__ import annotations

import os
from pathlib import Path

from providers.accounts.login import Running
from providers.base import KIB, FileBytes, Unparseable
from providers.engine.files import read_file
from providers.engine.values import epoch, load_json

MOST = 256


def sessions(home: Path) -> Running:
    """Those whose process still lives."""
    try:
        names = sorted(p for p in (home / "sessions").iterdir() if p.suffix == ".json" and p.stem.isdigit())
    except OSError:
        return Running()
    begun = [_begun(path) for path in names[:MOST] if _lives(int(path.stem))]
    return Running(len(begun), min(begun, default=0.0))


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
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
