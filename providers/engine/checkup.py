"""The check-up: who may read what, which files are links, what is in the way.

Looks at names, modes and owners only; opens nothing.  Called by ``quotadeck doctor`` on the
only thread.  Each finding carries the command that mends it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from providers.base import Environment, FileSource
from providers.engine.intake import tilde
from providers.record import Record

OPEN_TO_OTHERS = 0o077


class Finding(Record):
    """One thing that is not as it should be.  ``fix`` is a command, empty if there is none."""

    path: str
    sentence: str
    fix: str = ""


def findings(environment: Environment, sources: Iterable[FileSource]) -> tuple[Finding, ...]:
    """Everything found at the login files, the sidecars and our own folders."""
    found: list[Finding] = []
    seen: set[Path] = set()
    for source in sources:
        for path in _files_of(source):
            if path not in seen:
                seen.add(path)
                found += _look(path, environment, secret=source.login and source.id != "settings")
    for folder in (environment.config_dir, environment.state_dir, environment.data_dir):
        found += _look(folder, environment, secret=True)
    return tuple(found)


def _files_of(source: FileSource) -> list[Path]:
    if source.log:
        return []
    try:
        return sorted(source.folder.glob(source.pattern))
    except OSError:
        return []


def _look(path: Path, environment: Environment, *, secret: bool) -> list[Finding]:
    try:
        info = os.lstat(path)
    except OSError:
        return []
    shown, found = tilde(path, environment.home), []
    if stat.S_ISLNK(info.st_mode):
        what = "a symbolic link" if path.exists() else "a symbolic link that leads nowhere"
        why = "" if secret else "; sidecars behind links are not read"
        found.append(Finding(shown, f"is {what}{why}", f"ls -l {quote(str(path))}"))
        try:
            info = os.stat(path)
        except OSError:
            return found
    if info.st_uid not in (os.getuid(), 0):
        found.append(Finding(shown, "belongs to another user", f"sudo chown $(id -u) {quote(str(path))}"))
    if secret and stat.S_IMODE(info.st_mode) & OPEN_TO_OTHERS:
        mode = "700" if stat.S_ISDIR(info.st_mode) else "600"
        is_now = f"{stat.S_IMODE(info.st_mode):03o}"
        found.append(
            Finding(shown, f"can be read by others (mode {is_now})", f"chmod {mode} {quote(str(path))}")
        )
    return found
