"""What readers book, for tests: the same joining as in the index, without one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from providers.base import Environment
from providers.ledger.merging import Group, counted, joined
from providers.ledger.model import DATABASE, DOCUMENT, LogFile, Row, SessionLogs, UnreadableLog, Usage
from providers.ledger.walk import seen_files


class Booked(list[Usage]):
    """A book that keeps the rows it is told, with names."""

    def append(self, row: Row) -> None:
        """Where a reader books."""
        super().append(Usage(*row))


class Read(NamedTuple):
    """What one tool's files came to."""

    booked: list[Usage]
    states: dict[str, Any]
    broken: int
    refused: int


def read_all(logs: SessionLogs, environment: Environment, states: dict[str, Any] | None = None) -> Read:
    """Reads every file of a tool, each with the state it had before."""
    booked = Booked()
    known: dict[str, Any] = dict(states or {})
    broken = refused = 0
    for seen in seen_files((logs,), environment):
        path = Path(seen.path)
        file = LogFile(seen.tree, path, seen.mtime_ns / 1e9)
        reader: Any = logs.open(file, known.get(seen.path))
        try:
            if seen.tree.kind == DATABASE:
                with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                    broken += reader.read(database, booked.append)
            elif seen.tree.kind == DOCUMENT:
                broken += reader.read(path.read_bytes(), booked.append)
            elif seen.path not in known:
                # A log that has been read is not fed again, only what was appended.
                broken += reader.feed(path.read_bytes(), booked.append)
        except UnreadableLog:
            refused += 1
            continue
        known[seen.path] = reader.state()
    return Read(booked, known, broken, refused)


def total(booked: Iterable[Usage]) -> tuple[int, ...]:
    """Input, output, cache read, cache written, reasoning, requests: each response once."""
    groups: dict[str, Group] = {}
    for usage in booked:
        groups[usage.key] = joined(groups[usage.key], usage) if usage.key in groups else usage
    rows = [Usage(*row) for group in groups.values() for row in counted(group)]
    fields = ("input", "output", "cache_read", "cache_write", "reasoning", "requests")
    return tuple(sum(getattr(row, field) for row in rows) for field in fields)
