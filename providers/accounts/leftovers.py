"""What stays behind when a program is killed: locks, open journals, safety copies, staged files.

For the check-up.  Looks and changes nothing: `quotadeck recover` finishes and clears up what is
ours, and what is others' a person removes with the command that is named.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from providers.accounts import journal, safety
from providers.accounts.journal import Entry, Phase, alive, entries
from providers.accounts.locks import FUTURE, is_ours
from providers.accounts.login import FolderLock, LoginStore
from providers.accounts.safety import read_copy
from providers.accounts.settle import WATCHED
from providers.base import Environment
from providers.engine.checkup import Finding, Severity, typed
from providers.engine.intake import tilde

RECOVER = "quotadeck recover"


def leftovers(environment: Environment, stores: Sequence[LoginStore], now: float) -> Iterator[Finding]:
    """All of them.  ``now`` in epoch seconds by the clock of the file system."""
    opened = tuple(entries(environment.state_dir))
    for path, stale in dict.fromkeys(_locks(stores)):
        finding = _lock(path, stale, opened, environment, now)
        if finding is not None:
            yield finding
    yield from _journals(environment, opened, now)
    yield from _copies(environment, stores, now)
    for path in dict.fromkeys(file.path for store in stores for file in store.files()):
        yield from _staged(path, opened, environment, now)


def ago(seconds: float) -> str:
    """How long, in one unit."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "moments"


def _locks(stores: Sequence[LoginStore]) -> Iterator[tuple[Path, float | None]]:
    """Each lock of each CLI, with its age of surrender if it is a folder."""
    for store in stores:
        for lock in store.locks():
            yield lock.path, lock.stale if isinstance(lock, FolderLock) else None


def _lock(
    path: Path, stale: float | None, opened: Sequence[Entry], environment: Environment, now: float
) -> Finding | None:
    """What is wrong with a lock; one that is held, and touched by its holder, is right."""
    try:
        info = os.lstat(path)
    except OSError:
        return None
    shown, name = tilde(path, environment.home), typed(path, environment.home)
    folder = stat.S_ISDIR(info.st_mode)
    if stale is None:
        if stat.S_ISREG(info.st_mode):
            return None
        return Finding(shown, "is in the way of a lock", f"ls -ld {name}", Severity.SEVERE)
    if not folder:
        why = "is in the way and no lock, so no login is ever renewed"
        return Finding(shown, why, f"rm {name}", Severity.SEVERE)
    age = now - info.st_mtime
    if age < -FUTURE:
        why = "is a lock dated in the future, which nobody ever takes over"
        return Finding(shown, why, f"rmdir {name}", Severity.SEVERE)
    if age <= stale:
        return None
    if any(is_ours(held) for entry in opened for held in entry.locks if held.path == str(path)):
        return Finding(shown, f"is a lock that a killed switch of ours left {ago(age)} ago", RECOVER)
    if _files(path, "*"):
        why = "is a lock that is not empty, so that nobody can take it over"
        return Finding(shown, why, f"rm -r {name}", Severity.SEVERE)
    why = f"is a lock that somebody left {ago(age)} ago; the next who wants it takes it over"
    return Finding(shown, why, f"rmdir {name}", Severity.NOTE)


def _journals(environment: Environment, opened: Sequence[Entry], now: float) -> Iterator[Finding]:
    known = {entry.operation for entry in opened}
    for path in _files(environment.state_dir / journal.FOLDER, "*.json"):
        if path.stem not in known:
            why = "is the journal of a switch and cannot be read; what it staged is kept by quotadeck recover"
            name = typed(path, environment.home)
            yield Finding(tilde(path, environment.home), why, f"{RECOVER} && rm {name}", Severity.SEVERE)
    for entry in opened:
        done = entry.phase in (Phase.WRITTEN, Phase.AGAIN)
        age = now - entry.at
        if (done and 0 <= age < WATCHED) or (not done and alive(entry)):
            continue
        shown = tilde(environment.state_dir / journal.FOLDER / f"{entry.operation}.json", environment.home)
        if done:
            why = f"is of a switch of {entry.provider} that was never cleared up after"
            yield Finding(shown, why, RECOVER, Severity.NOTE)
        else:
            why = f"is of a switch of {entry.provider} that was killed {ago(age)} ago"
            yield Finding(shown, why, RECOVER, Severity.SEVERE)


def _copies(environment: Environment, stores: Sequence[LoginStore], now: float) -> Iterator[Finding]:
    by_place = {(s.provider, s.slot): s for s in stores}
    for path in _files(environment.state_dir / safety.FOLDER, "*.json"):
        shown, copy = tilde(path, environment.home), read_copy(path)
        if copy is None:
            look = f"ls -l {typed(path, environment.home)}"
            yield Finding(shown, "is a safety copy that cannot be read", look, Severity.SEVERE)
            continue
        store = by_place.get((copy.provider, copy.slot))
        login = store.opened(copy.payload) if store is not None else None
        lineage = f" ({login.lineage[:8]})" if login is not None else ""
        waits = "waits to be filed" if copy.owner else "nobody claims"
        why = f"holds a login of {copy.provider}{lineage} that {waits}, kept {ago(now - copy.at)} ago"
        yield Finding(shown, why, RECOVER)


def _staged(path: Path, opened: Sequence[Entry], environment: Environment, now: float) -> Iterator[Finding]:
    """Files that a switch put beside a login and that no journal names."""
    known = {entry.operation for entry in opened}
    for left in _files(path.parent, f"{path.name}.qd-*"):
        if left.name.rpartition(".qd-")[2][:8] in known:
            continue
        try:
            age = now - os.lstat(left).st_mtime
        except OSError:
            continue
        why = f"was left by a switch {ago(age)} ago and may hold a login; recover keeps that, after an hour"
        yield Finding(tilde(left, environment.home), why, RECOVER)


def _files(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
