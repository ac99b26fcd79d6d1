"""What a switch is doing, on the disk before it does it, so that the next start can finish it.

One file each in the state folder's ``journal``; fingerprints and paths, no secrets.  Written by
switch.py, read by settle.py and recovery.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from providers.accounts.locks import HeldFolder
from providers.base import KIB, FileBytes, Unparseable
from providers.engine.files import read_file, write_atomic
from providers.engine.values import load_json, number
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FOLDER = "journal"
VERSION = 1


class Phase(StrEnum):
    """How far a switch is.  ``LOCKING``: nothing is changed yet.  ``WRITING``: the files are
    being replaced.  ``WRITTEN``: all are.  ``AGAIN``: a late writer had put the old account
    back, and it was replaced once more."""

    LOCKING = "locking"
    WRITING = "writing"
    WRITTEN = "written"
    AGAIN = "again"


class Replaced(Record):
    """One file of a switch: SHA-256 of its bytes before ("" if there were none) and after."""

    path: str
    before: str
    after: str


class Entry(Record):
    """One switch.  ``to`` and ``came_from`` are account ids ("" for one that nobody claims);
    ``lineage`` is that of the login that is written, ``old`` that of the one replaced;
    ``active`` is the account that the registry called the active one before.  ``pid``, ``begun``
    and ``boot`` tell whether whoever wrote it still runs."""

    operation: str
    provider: str
    slot: str
    to: str
    came_from: str
    lineage: str
    old: str
    phase: Phase
    at: float
    pid: int
    begun: str
    boot: str
    files: tuple[Replaced, ...] = ()
    locks: tuple[HeldFolder, ...] = ()
    active: str = ""


def digest(data: bytes | None) -> str:
    """SHA-256 of a file's bytes, "" for no file."""
    return hashlib.sha256(data).hexdigest() if data is not None else ""


def write_entry(state_dir: Path, entry: Entry) -> None:
    """Writes it, synced.  Raises `WriteFailed` or `WriteRefused`."""
    document = {name: getattr(entry, name) for name in Entry._fields} | {
        "version": VERSION,
        "phase": entry.phase.value,
        "files": [{n: getattr(f, n) for n in Replaced._fields} for f in entry.files],
        "locks": [{n: getattr(f, n) for n in HeldFolder._fields} for f in entry.locks],
    }
    write_atomic(_path(state_dir, entry.operation), json.dumps(document).encode())


def remove_entry(state_dir: Path, operation: str) -> None:
    """The switch is over."""
    with contextlib.suppress(OSError):
        _path(state_dir, operation).unlink()


def entries(state_dir: Path) -> Iterator[Entry]:
    """Every switch that is not over, oldest first.  One that cannot be read is left out: it is
    listed by the check-up."""
    with contextlib.suppress(OSError):
        found = [entry for path in (state_dir / FOLDER).glob("*.json") if (entry := _read(path))]
        yield from sorted(found, key=lambda entry: (entry.at, entry.operation))


def alive(entry: Entry) -> bool:
    """Whether the process that wrote it still runs (and is not another under its number)."""
    return entry.boot == boot() and entry.begun == begun(entry.pid) != ""


def begun(pid: int) -> str:
    """When a process started, in a form that only serves to know it again; "" if it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return words[19].decode() if words[:1] != [b"Z"] else ""
    except (OSError, IndexError):
        pass
    if Path("/proc/self").exists():
        return ""
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return "runs"
    return ""


def boot() -> str:
    """The id of this start of the machine, where it has one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _folder(held: Any) -> HeldFolder:
    return HeldFolder(str(held["path"]), int(held["device"]), int(held["inode"]), int(held["touched"]))


def _path(state_dir: Path, operation: str) -> Path:
    return state_dir / FOLDER / f"{operation}.json"


def _read(path: Path) -> Entry | None:
    found = read_file(path, 64 * KIB)
    if not isinstance(found, FileBytes):
        return None
    try:
        return _entry(load_json(found.data))
    except (Unparseable, KeyError, TypeError, ValueError):
        return None


def _entry(held: Any) -> Entry:
    if held["version"] != VERSION:
        raise Unparseable("is of another version")
    words = {
        name: str(held[name])
        for name in (
            "operation", "provider", "slot", "to", "came_from", "lineage", "old", "begun", "boot", "active"
        )
    }  # fmt: skip
    return Entry(
        phase=Phase(held["phase"]),
        at=number(held["at"]) or 0.0,
        pid=int(held["pid"]),
        files=tuple(Replaced(str(f["path"]), str(f["before"]), str(f["after"])) for f in held["files"]),
        locks=tuple(_folder(f) for f in held["locks"]),
        **words,
    )
