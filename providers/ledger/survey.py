"""Which tools there are on this machine, and what can be said of their tokens.  For the check-up and
the usage screen.

It walks the folders and opens nothing: one stat a file, 0.1 s for ten thousand files, so not for a
timer.  What only reading shows, the index knows and hands in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import Enum

from providers.base import Environment
from providers.ledger.model import DOCUMENT, PRESENCE, SessionLogs
from providers.ledger.walk import Seen, is_there, seen_files
from providers.record import Record


class Bucket(Enum):
    """Where a tool lands."""

    MEASURED = "measured"
    DETECTED = "detected"
    UNREADABLE = "unreadable"
    NOT_FOUND = "not found"


class ToolRow(Record):
    """One tool.  ``files`` may be measured, ``unreadable`` of them are not; ``why`` says why a tool is
    not measured at all, "" for one that is."""

    id: str
    name: str
    bucket: Bucket
    files: int = 0
    unreadable: int = 0
    why: str = ""


def survey(
    tools: Iterable[SessionLogs], environment: Environment, unreadable: Mapping[str, int] | None = None
) -> tuple[ToolRow, ...]:
    """A row for each tool, in the order given.  ``unreadable`` counts, by tool, the files that the
    index could not make sense of."""
    known = unreadable or {}
    return tuple(_row(tool, environment, known.get(tool.id, 0)) for tool in tools)


def _row(tool: SessionLogs, environment: Environment, known: int) -> ToolRow:
    files, refused = 0, 0
    for seen in seen_files((tool,), environment):
        files += 1
        refused += not _may_be_read(seen)
    # The index counts those as well; one that has not been written yet does not.
    refused = min(files, max(refused, known))
    if files:
        bucket = Bucket.UNREADABLE if refused == files else Bucket.MEASURED
        why = "none of its files can be read" if refused == files else ""
        return ToolRow(tool.id, tool.name, bucket, files, refused, why)
    marks = (tree for tree in tool.trees(environment) if tree.kind == PRESENCE)
    if any(is_there(tree) for tree in marks):
        return ToolRow(tool.id, tool.name, Bucket.DETECTED, why=tool.why)
    if any(tree.kind != PRESENCE and tree.folder.is_dir() for tree in tool.trees(environment)):
        return ToolRow(tool.id, tool.name, Bucket.DETECTED, why=tool.why or "has written no session yet")
    return ToolRow(tool.id, tool.name, Bucket.NOT_FOUND, why=tool.why)


def _may_be_read(seen: Seen) -> bool:
    if seen.tree.kind == DOCUMENT and seen.size > seen.tree.max_bytes:
        return False
    return os.access(seen.path, os.R_OK)
