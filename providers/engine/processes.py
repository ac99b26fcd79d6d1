"""Which programs of this user run now, by /proc alone: nothing is started to find out."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
_INTERPRETERS = ("node", "nodejs", "bun", "deno", "python", "sh", "bash", "dash", "zsh")


def running(names: frozenset[str], proc: Path = PROC) -> bool | None:
    """Whether a process of ours runs a program of one of these names (itself, or as the script of
    an interpreter); None where that cannot be seen."""
    seen = begun(names, proc)
    return None if seen is None else bool(seen)


def begun(names: frozenset[str], proc: Path = PROC) -> list[float] | None:
    """When each of them was started, oldest first, epoch seconds, 0 if unknown; None where that
    cannot be seen.

    One that another of them started is not counted: launchers of npm packages stay beside the
    program that they start, and Gemini CLI starts itself again with more memory.
    """
    try:
        pids = [int(entry.name) for entry in os.scandir(proc) if entry.name.isdigit()]
    except OSError:
        return None
    if not pids:
        return None
    found = {pid for pid in pids if _runs(proc / str(pid), names)}
    first = (pid for pid in found if _stat(proc, pid)[0] not in found)
    return sorted(started(pid, proc) for pid in first)


def started(pid: int, proc: Path = PROC) -> float:
    """When the process was started, epoch seconds; 0 if that cannot be seen."""
    ticks = _stat(proc, pid)[1]
    try:
        lines = (proc / "stat").read_bytes().splitlines()
        booted = next(int(line.split()[1]) for line in lines if line.startswith(b"btime "))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0
    return booted + ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


def _stat(proc: Path, pid: int) -> tuple[int, int]:
    """The parent, and the ticks from boot to start; zeros if unknown."""
    try:
        # The name, in brackets, may hold blanks and brackets: the last one ends it.
        fields = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[1]), int(fields[19])
    except (OSError, ValueError, IndexError):
        return 0, 0


def _runs(process: Path, names: frozenset[str]) -> bool:
    try:
        if process.stat().st_uid != os.getuid():
            return False
        words = (process / "cmdline").read_bytes().split(b"\0")[:12]
    except OSError:
        return False
    first = os.path.basename(os.fsdecode(words[0]))
    if first.removeprefix("-") in names:
        return True
    if first.rstrip("0123456789.") not in _INTERPRETERS:
        return False
    # `less codex` is none: only what an interpreter runs counts, which is its first plain word.
    script = next((word for word in words[1:] if word and not word.startswith(b"-")), b"")
    return os.path.basename(os.fsdecode(script)) in names
