"""Safety copies: logins that are between a CLI's store and the vault, or that nobody claims.

One 0600 file each in a 0700 folder of the state folder, written before anything is replaced
and removed once the vault holds the login.  Beside a live file that holds the same bytes in
clear.  For switch.py, keeping.py and recovery.py.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from providers.accounts.login import Login
from providers.accounts.secret import Secret
from providers.base import MIB, FileBytes, Unparseable
from providers.engine.files import read_file, write_atomic
from providers.engine.values import clean, load_json, number
from providers.record import Record

FOLDER = "safety"
LARGEST = 8 * MIB
"""Bytes of a copy: the largest login there is, its quotes escaped twice over."""


class SafetyCopy(Record):
    """One copy.  ``owner`` is the account that its bytes are proven to be of, "" for nobody."""

    path: Path
    provider: str
    slot: str
    owner: str
    payload: Secret
    at: float

    _hidden = ("payload",)


def save_copy(state_dir: Path, name: str, login: Login, owner: str, at: float) -> Path:
    """Writes one, synced to the disk.  Raises `WriteFailed` or `WriteRefused`."""
    path = state_dir / FOLDER / f"{name}.json"
    document = {
        "version": 1, "provider": login.provider, "slot": login.slot, "owner": owner, "at": at,
        "payload": login.payload.reveal(),
    }  # fmt: skip
    write_atomic(path, json.dumps(document).encode())
    return path


def copies(state_dir: Path) -> Iterator[SafetyCopy]:
    """Every copy that can be read, oldest first."""
    try:
        paths = sorted((state_dir / FOLDER).glob("*.json"), key=lambda p: p.name)
    except OSError:
        return
    found = [copy for copy in map(read_copy, paths) if copy is not None]
    yield from sorted(found, key=lambda copy: copy.at)


def read_copy(path: Path) -> SafetyCopy | None:
    """The copy in a file; None if there is none that can be read."""
    found = read_file(path, LARGEST)
    if not isinstance(found, FileBytes):
        return None
    try:
        held = load_json(found.data)
        provider, slot, owner = (clean(held[name]) for name in ("provider", "slot", "owner"))
        return SafetyCopy(path, provider, slot, owner, Secret(held["payload"]), number(held["at"]) or 0.0)
    except (Unparseable, KeyError, TypeError):
        return None


def drop_copy(path: Path) -> None:
    """Removes one; one that stays behind is filed again at the next start."""
    with contextlib.suppress(OSError):
        path.unlink()
