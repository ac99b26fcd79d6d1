"""The audit trail: who switched, captured, undid and forgot what, and how it ended.

One line each in audit.jsonl of the state folder, bounded, 0600; account ids and fingerprints, no
secret and no e-mail.  It must be able to show that we did not write (anthropics/claude-code has
many reports of logins lost to races without any switcher).
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from providers.base import MIB, FileBytes, Unparseable
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.values import clean, load_json, number
from providers.record import Record

NAME = "audit.jsonl"
LARGEST = 256 * 1024
"""Bytes; then the older half goes."""


class Trace(Record):
    """One line.  ``what`` is a verb (switch, capture, undo, forget, recover, import); ``by`` is
    ``pane`` or ``command`` with the process number; accounts by their ids."""

    at: float
    what: str
    provider: str
    slot: str
    by: str
    came_from: str
    to: str
    lineage: str
    ended: str


def record(state_dir: Path, trace: Trace) -> None:
    """Appends one line.  A trail that cannot be written stops nothing."""
    line = json.dumps({name: getattr(trace, name) for name in Trace._fields}) + "\n"
    path = state_dir / NAME
    with contextlib.suppress(OSError):
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        if size > LARGEST:
            _halve(path)


def trail(state_dir: Path) -> tuple[Trace, ...]:
    """Every line that can be read, oldest first."""
    found = read_file(state_dir / NAME, 4 * MIB)
    if not isinstance(found, FileBytes):
        return ()
    traces: list[Trace] = []
    for line in found.data.splitlines():
        with contextlib.suppress(Unparseable, KeyError, TypeError, AttributeError):
            held = load_json(line)
            words = {n: clean(held[n], 200) for n in Trace._fields if n != "at"}
            traces.append(Trace(at=number(held["at"]) or 0.0, **words))
    return tuple(traces)


def _halve(path: Path) -> None:
    found = read_file(path, 4 * MIB)
    if isinstance(found, FileBytes):
        rest = found.data[-LARGEST // 2 :].partition(b"\n")[2]
        with contextlib.suppress(WriteFailed, WriteRefused):
            write_atomic(path, rest)
