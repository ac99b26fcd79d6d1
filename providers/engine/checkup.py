"""The check-up of files: who may read what, which are links, what is in the way.

Looks at names, modes and owners only; opens nothing and changes nothing.  For
`providers.examination`, on a thread that may wait for a disk.  Each finding carries the command
that mends it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from shlex import quote

from providers.base import Environment, FileSource
from providers.engine.intake import tilde
from providers.record import Record

OPEN_TO_OTHERS = 0o077
MOST = 5_000
"""Files of ours that are looked at."""

THEIRS = frozenset({"config.toml"})
"""Files in our folders that a person keeps as they like: linked, shared, under version control."""


class Severity(StrEnum):
    """How bad it is: a secret is open or a login can be lost; something does not work or soon
    will not; good to know."""

    SEVERE = "severe"
    WARNING = "warning"
    NOTE = "note"


class Finding(Record):
    """One thing that is not as it should be.  ``path`` is where (``~`` for home, or a name);
    ``fix`` is a command, or what to do, empty if there is nothing."""

    path: str
    sentence: str
    fix: str = ""
    severity: Severity = Severity.WARNING


def findings(environment: Environment, sources: Iterable[FileSource]) -> tuple[Finding, ...]:
    """Everything found at the login files, the sidecars and in our own folders."""
    found: list[Finding] = []
    seen: set[Path] = set()
    for source in sources:
        for path in _files_of(source):
            if path not in seen:
                seen.add(path)
                found += _look(path, environment, secret=source.login and source.id != "settings")
    for path in _ours(environment):
        if path not in seen:
            found += _look(path, environment, secret=True, ours=True)
    return tuple(found)


def typed(path: Path, home: Path) -> str:
    """A path as it is typed in a shell: with ``~`` where that needs no quotes."""
    if path.is_relative_to(home):
        inside = str(path.relative_to(home))
        if quote(inside) == inside:
            return f"~/{inside}"
    return quote(str(path))


def _files_of(source: FileSource) -> list[Path]:
    if source.log:
        return []
    try:
        return sorted(source.folder.glob(source.pattern))
    except OSError:
        return []


def _ours(environment: Environment) -> Iterator[Path]:
    """Our folders, and what is in them."""
    folders = (environment.config_dir, environment.state_dir, environment.data_dir)
    yield from folders
    inside = (Path(root, name) for top in folders for root, names, files in os.walk(top)
              for name in (*names, *files) if name not in THEIRS)  # fmt: skip
    yield from islice(inside, MOST)


def _look(path: Path, environment: Environment, *, secret: bool, ours: bool = False) -> list[Finding]:
    try:
        info = os.lstat(path)
    except OSError:
        return []
    shown, name, found = tilde(path, environment.home), typed(path, environment.home), []
    if stat.S_ISLNK(info.st_mode):
        what = "a symbolic link" if path.exists() else "a symbolic link that leads nowhere"
        why = "" if ours else "; a switch refuses it" if secret else "; sidecars behind links are not read"
        found.append(Finding(shown, f"is {what}{why}", f"ls -l {name}"))
        try:
            info = os.stat(path)
        except OSError:
            return found
    if info.st_uid not in (os.getuid(), 0):
        found.append(
            Finding(shown, "belongs to another user", f"sudo chown $(id -u) {name}", Severity.SEVERE)
        )
    mode = stat.S_IMODE(info.st_mode)
    if secret and mode & OPEN_TO_OTHERS:
        right = "700" if stat.S_ISDIR(info.st_mode) else "600"
        sentence = f"can be read by others (mode {mode:03o})"
        found.append(Finding(shown, sentence, f"chmod {right} {name}", Severity.SEVERE))
    return found
