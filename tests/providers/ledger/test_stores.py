"""The two other kinds of reader: documents that are rewritten, and databases."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.ledger.model import (
    DATABASE,
    DOCUMENT,
    PRESENCE,
    Book,
    LogFile,
    LogTree,
    State,
    UnreadableLog,
    Usage,
)
from providers.ledger.tools import DETECTED, MEASURED, NOT_FOUND, UNREADABLE, found_tools
from tests.providers.ledger.homes import index_of, scan, summed

AT = 1_795_000_000.0


class Cumulative:
    """A store with a running total per session: books what it grew by."""

    approximate = False

    def __init__(self, state: State) -> None:
        self._totals: dict[str, int] = dict(state or {})

    def state(self) -> State:
        return self._totals

    def read(self, data: bytes, book: Book) -> int:
        try:
            document: Mapping[str, Any] = json.loads(data)
        except ValueError:
            raise UnreadableLog("is not JSON") from None
        for session, total in document.items():
            grown = total - self._totals.get(session, 0)
            self._totals[session] = total
            if grown > 0:
                book(Usage(f"{session}:{total}", AT, "m", "", session, grown, 0))
        return 0


class Rows:
    """A database with a row per response."""

    approximate = False

    def __init__(self, state: State) -> None:
        self._seen: int = state or 0

    def state(self) -> State:
        return self._seen

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        query = "SELECT id, tokens FROM response WHERE id > ? ORDER BY id"
        for ident, tokens in database.execute(query, (self._seen,)):
            book(Usage(f"row:{ident}", AT, "m", "", "s", tokens, 0))
            self._seen = ident
        return 0


class Broken:
    """A reader with a mistake in it."""

    approximate = False

    def state(self) -> State:
        return None

    def feed(self, block: bytes, book: Book) -> int:
        raise KeyError(block.decode())


class Toys:
    """A tool with a store of each kind."""

    id = "toys"
    name = "Toys"
    version = 1
    why = ""

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        home = environment.home / "toys"
        return (
            LogTree(
                "totals", "running totals", home, "totals.json", DOCUMENT, recursive=False, max_bytes=200
            ),
            LogTree("rows", "rows", home, "rows.db", DATABASE, recursive=False),
            LogTree("broken", "lines", home, "*.jsonl"),
        )

    def open(self, file: LogFile, state: State) -> Any:
        return {"totals": Cumulative, "rows": Rows}.get(file.tree.id, lambda state: Broken())(state)


class Closed(Toys):
    """A tool whose counts cannot be had."""

    id = "closed"
    name = "Closed"
    why = "its counts are on a server"

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        return (LogTree("app", "the app", environment.home / "closed", "*", PRESENCE),)


ROOMS: Any = (Toys(), Closed())


def used(environment: Environment) -> dict[str, int]:
    """Input by session."""
    rows = summed(environment, "session", rooms=ROOMS)
    return {session: counts[0] for (session,), counts in rows.items()}


@pytest.fixture
def folder(environment: Environment) -> Path:
    """Where the toys keep their things."""
    (environment.home / "toys").mkdir()
    return environment.home / "toys"


def test_growth_is_booked_once(environment: Environment, folder: Path) -> None:
    """First sight, growth, a reset, and the file gone for a while and back."""
    store = folder / "totals.json"
    for total, booked in ((100, 100), (150, 150), (20, 150), (50, 180)):
        store.write_text(json.dumps({"s": total}))
        scan(environment, ROOMS)
        assert used(environment) == {"s": booked}
    kept = store.read_bytes()
    store.unlink()
    scan(environment, ROOMS)
    store.write_bytes(kept)
    scan(environment, ROOMS)
    assert used(environment) == {"s": 180}


def test_a_database_is_read_while_its_tool_writes(environment: Environment, folder: Path) -> None:
    """New rows come in from the -wal; once the tool has closed it, nothing is left behind by us."""
    path = folder / "rows.db"
    with contextlib.closing(sqlite3.connect(path)) as tool:
        tool.execute("PRAGMA journal_mode = WAL")
        tool.execute("CREATE TABLE response (id INTEGER PRIMARY KEY, tokens INTEGER)")
        tool.execute("INSERT INTO response VALUES (1, 10)")
        tool.commit()
        scan(environment, ROOMS)
        assert used(environment) == {"s": 10}
        tool.execute("INSERT INTO response VALUES (2, 5)")
        tool.commit()
        scan(environment, ROOMS)
        assert used(environment) == {"s": 15}
    os.utime(path)
    scan(environment, ROOMS)
    assert [file.name for file in folder.iterdir()] == ["rows.db"]
    assert used(environment) == {"s": 15}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("totals.json", b"{", "is not JSON"),
        ("totals.json", b" " * 300, "is larger than a log of this kind ever was"),
        ("rows.db", b"no database" * 100, "is not a database that can be read"),
        ("a.jsonl", b"canary\n", "could not be understood (KeyError)"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_content(
    environment: Environment, folder: Path, name: str, data: bytes, reason: str
) -> None:
    """One file's trouble is its own, and said in words of ours."""
    (folder / name).write_bytes(data)
    (folder / "b.jsonl").touch()
    scan(environment, ROOMS)
    tools = found_tools(index_of(environment, ROOMS), ROOMS, environment)
    assert [(file.path, file.reason) for file in tools[0].unread] == [(str(folder / name), reason)]


def test_an_unknown_schema_is_unreadable(environment: Environment, folder: Path) -> None:
    """A table that is not there; once it is, it counts."""
    with contextlib.closing(sqlite3.connect(folder / "rows.db")) as tool:
        tool.execute("CREATE TABLE other (id)")
    scan(environment, ROOMS)
    tool_, _ = found_tools(index_of(environment, ROOMS), ROOMS, environment)
    assert (tool_.bucket, tool_.unread[0].reason) == (UNREADABLE, "has another form than this version knows")


def test_buckets(environment: Environment) -> None:
    """Not found, detected, measured."""
    index = index_of(environment, ROOMS)
    assert [tool.bucket for tool in found_tools(index, ROOMS, environment)] == [NOT_FOUND, NOT_FOUND]
    (environment.home / "closed").mkdir()
    (environment.home / "closed/state").touch()
    (environment.home / "toys").mkdir()
    (environment.home / "toys/totals.json").write_text('{"s": 1}')
    scan(environment, ROOMS)
    tools = found_tools(index_of(environment, ROOMS), ROOMS, environment)
    assert [tool.bucket for tool in tools] == [MEASURED, DETECTED]
    assert tools[1].why == "its counts are on a server"
