"""Sessions of a CLI that leaves no notes of them: counted by the names of processes."""

from __future__ import annotations

from pathlib import Path

from providers.accounts.login import Running
from providers.engine.processes import PROC, begun


def named(names: frozenset[str], proc: Path = PROC) -> Running:
    """The processes of this user that run a program of one of these names."""
    seen = begun(names, proc)
    if seen is None:
        return Running(known=False)
    return Running(len(seen), next((moment for moment in seen if moment), 0.0))
