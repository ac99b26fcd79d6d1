"""Which tools were found, and what could not be read of their logs.  For screens and the check-up."""

from __future__ import annotations

from collections.abc import Sequence

from providers.base import Environment
from providers.engine.values import clean
from providers.ledger.index import Index, Known
from providers.ledger.model import PRESENCE, SessionLogs
from providers.ledger.walk import is_there
from providers.record import Record

MEASURED, DETECTED, UNREADABLE, NOT_FOUND = "measured", "detected", "unreadable", "not found"


class Unread(Record):
    """A log that could not be counted: a clean path, and why."""

    path: str
    reason: str


class Tool(Record):
    """One tool and its bucket.  ``files`` were counted, ``broken`` lines or entries in them could not
    be understood, the figures of ``approximate`` files had to be estimated.  ``why`` says what keeps a
    tool that is only detected from being measured."""

    id: str
    name: str
    bucket: str
    files: int = 0
    broken: int = 0
    approximate: int = 0
    unread: tuple[Unread, ...] = ()
    why: str = ""


def found_tools(index: Index, rooms: Sequence[SessionLogs], environment: Environment) -> tuple[Tool, ...]:
    """Every tool in the order of ``rooms``.  A tool is *measured* if one of its logs was counted,
    *unreadable* if it has logs and none could be, *detected* if it is there without any.  Walks no more
    than it must; raises `Unusable`."""
    known: dict[str, list[Known]] = {}
    if index.reading() is not None:
        for file in index.known().values():
            known.setdefault(file.tool, []).append(file)
    return tuple(_tool(logs, known.get(logs.id, []), environment) for logs in rooms)


def _tool(logs: SessionLogs, files: Sequence[Known], environment: Environment) -> Tool:
    read = [file for file in files if not file.trouble]
    unread = tuple(Unread(clean(file.path, 300), file.trouble) for file in files if file.trouble)
    if read:
        bucket = MEASURED
    elif unread:
        bucket = UNREADABLE
    else:
        trees = logs.trees(environment)
        there = any(is_there(tree) if tree.kind == PRESENCE else tree.folder.is_dir() for tree in trees)
        bucket = DETECTED if there else NOT_FOUND
    broken, approximate = sum(file.broken for file in read), sum(file.approximate for file in read)
    return Tool(logs.id, logs.name, bucket, len(read), broken, approximate, unread, logs.why)
