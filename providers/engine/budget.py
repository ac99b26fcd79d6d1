"""The record of requests, shared by every running copy: schedule.json under a lock.

Used by the asker on the network thread; one-shot commands only `load` it.  A request is
written down before it is sent, so a copy that is killed in between has spent it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from providers.base import FileBytes, Unreadable
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.schedule import HOUR, Slot, sane
from providers.engine.values import clean, number
from providers.model import Status
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
FILE_BYTES = 256 * 1024
LOCK_WITHIN = 1.0
"""Seconds.  The lock is held for a read and a write of a few KB."""


class NotRecorded(Exception):
    """The request cannot be written down, so it must not be sent; one clean sentence."""


class Slots(Record):
    """Every slot by "provider/account id", and the one of an account that has none yet."""

    held: Mapping[str, Slot]
    absent: Slot = Slot()

    def of(self, key: str) -> Slot:
        """The slot of an account."""
        return self.held.get(key, self.absent)


def load(folder: Path, now: float) -> Slots:
    """Every slot as of ``now``.

    A file that cannot be read counts as an hour's budget spent when it was written: nothing
    is asked until that hour is over, then it is begun anew.
    """
    found = read_file(folder / "schedule.json", FILE_BYTES)
    if found is None:
        return Slots({})
    if isinstance(found, Unreadable):
        return Slots({}, _spent(now))
    slots = _parsed(found)
    if slots is None:
        return Slots({}) if now - HOUR >= found.mtime else Slots({}, _spent(min(found.mtime, now)))
    return Slots({key: sane(slot, now) for key, slot in slots.items()})


def _spent(since: float) -> Slot:
    message = "the record of requests cannot be read, so nothing is asked for an hour"
    return Slot(blocked_until=since + HOUR, status=Status.LIMITED.value, message=message, failed_at=since)


def change(folder: Path, key: str, now: float, step: Callable[[Slot], Slot | None]) -> Slot:
    """Under the lock: replaces the slot of ``key`` by ``step(slot)``; None leaves it.

    Returns the slot as it stands then.  Raises `NotRecorded` if it could not be written.
    """
    from providers.engine.lock import LockFailed, locked

    try:
        with locked(folder / "schedule.lock", LOCK_WITHIN):
            slots = load(folder, now)
            before = slots.of(key)
            after = step(before)
            if after is None:
                return before
            write_atomic(folder / "schedule.json", _rendered({**slots.held, key: after}))
            return after
    except LockFailed as error:
        raise NotRecorded(f"nothing is asked, as requests cannot be counted: {error}") from None
    except (WriteFailed, WriteRefused) as error:
        raise NotRecorded(f"nothing is asked: {error}") from None


def _rendered(slots: Mapping[str, Slot]) -> bytes:
    accounts = {
        key: {
            "asked": [round(at, 3) for at in slot.asked],
            "blocked_until": round(slot.blocked_until, 3),
            "block_token": slot.block_token,
            "limits": slot.limits,
            "troubles": slot.troubles,
            "refused": slot.refused,
            "status": slot.status,
            "message": slot.message,
            "failed_at": round(slot.failed_at, 3),
            "answered_at": round(slot.answered_at, 3),
            "limit": slot.limit,
            "next_at": round(slot.next_at, 3),
            "memory": dict(slot.memory),
        }
        for key, slot in slots.items()
    }
    return json.dumps({"version": VERSION, "accounts": accounts}, indent=1).encode()


def _parsed(found: FileBytes) -> dict[str, Slot] | None:
    try:
        document = json.loads(found.data)
        accounts = document["accounts"]
        if document["version"] != VERSION:
            return None
        return {clean(key, 80): _slot(held) for key, held in accounts.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _slot(held: Mapping[str, Any]) -> Slot:
    memory = held["memory"]
    return Slot(
        asked=tuple(_time(at) for at in held["asked"]),
        blocked_until=_time(held["blocked_until"]),
        block_token=clean(held["block_token"]),
        limits=int(held["limits"]),
        troubles=int(held["troubles"]),
        refused=clean(held["refused"]),
        status=clean(held["status"]),
        message=clean(held["message"], 200),
        failed_at=_time(held["failed_at"]),
        answered_at=_time(held["answered_at"]),
        limit=int(held["limit"]),
        next_at=_time(held["next_at"]),
        memory=MappingProxyType({clean(k): clean(v, 400) for k, v in memory.items()}),
    )


def _time(value: object) -> float:
    found = number(value)
    if found is None:
        raise ValueError("no time")
    return found
