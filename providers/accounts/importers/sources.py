"""How another tool's files and keyring items are opened: for reading, with a bound, and not
behind a link.

For the readers of this folder.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from providers.accounts.importers.candidate import CannotImport, SecretReader
from providers.accounts.vault import VaultTrouble, unwrapped
from providers.base import MIB, Environment, FileBytes, Unparseable, Unreadable
from providers.engine.files import read_file
from providers.engine.values import clean, load_json
from providers.model import DAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIMIT = 8 * MIB
"""Bytes of one file; a real one has kilobytes."""

MOST = 200
"""Logins of one tool; those beyond are not looked at."""

UNOPENED = "its login is in the keyring, which is not opened for a preview"
"""Why a login is not imported that only a question to the keyring can fetch."""

_LATELY = 30 * DAY


class NotRead(Exception):
    """One login could not be read; the message is one clean clause."""


def register(path: Path, tool: str) -> tuple[Any, float]:
    """The JSON document in which a tool lists its accounts, and when it was written, epoch
    seconds.  Raises `CannotImport`."""
    found = read_file(path, LIMIT)
    if found is None:
        raise CannotImport(f"{tool} keeps no accounts here: there is no {clean(str(path), 200)}")
    if isinstance(found, Unreadable):
        raise CannotImport(f"{clean(path.name)} of {tool} {found.reason}")
    try:
        return load_json(found.data), found.mtime
    except Unparseable as broken:
        raise CannotImport(f"{clean(path.name)} of {tool} {broken}") from None


def unknown_form(path: Path, tool: str) -> CannotImport:
    """That a register is in no form that is known here."""
    return CannotImport(f"{clean(path.name)} of {tool} is in a form that this version does not know")


def copied(path: Path) -> FileBytes | None:
    """A file that a tool keeps, None if there is none.  Raises `NotRead`."""
    found = read_file(path, LIMIT)
    if isinstance(found, Unreadable):
        # Names of files may hold an e-mail, and this is shown while those are hidden.
        raise NotRead(f"the copy there {found.reason.replace(clean(path.name), 'it')}")
    return found


def folders(path: Path) -> list[Path]:
    """The folders in a folder by name, links left out; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            found = [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(found)[:MOST]


def names_in(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """What in a folder is called so, by name; none where it cannot be read."""
    try:
        return sorted(folder / name for name in os.listdir(folder) if pattern.fullmatch(name))[:MOST]
    except OSError:
        return []


class Items:
    """Items of the keyring.  It is asked no more once it failed: each question may be a prompt
    that a person waits for."""

    def __init__(self, secret: SecretReader | None) -> None:
        self._secret, self._trouble = secret, ""
        if secret is None:
            self._trouble = UNOPENED

    def get(self, service: str, user: str) -> str:
        """The item, empty if there is none.  Raises `NotRead`."""
        if self._secret is None or self._trouble:
            raise NotRead(self._trouble)
        try:
            return unwrapped(self._secret(service, user))
        except VaultTrouble as trouble:
            self._trouble = str(trouble)
            raise NotRead(self._trouble) from None


def still_used(environment: Environment, command: str, written_at: float, now: float) -> bool:
    """Whether a tool may renew its logins yet: it is installed, or wrote within 30 days."""
    installed = shutil.which(command, path=environment.variables.get("PATH", "")) is not None
    return installed or now - written_at < _LATELY
