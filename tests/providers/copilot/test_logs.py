"""Copilot CLI's tokens: the samples, resumed and compacted sessions, rows that win over totals."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment
from providers.copilot.logs import LOGS
from providers.ledger.model import LogFile, Usage
from tests.conftest import SAMPLES
from tests.providers.ledger.readings import Booked, total

FOLDER = SAMPLES / "copilot"
HOME = Path("/h")
STORE, EVENTS, TRACES = LOGS.trees(Environment(HOME, {}, HOME, HOME, HOME))
FILE = LogFile(EVENTS, HOME / ".copilot/session-state/s1/events.jsonl")


def fed(data: bytes, state: Any = None) -> tuple[list[Usage], Any]:
    booked = Booked()
    reader: Any = LOGS.open(FILE, state)
    assert reader.feed(data, booked.append) == 0
    return booked, reader


def end(**usage: int) -> dict[str, Any]:
    return {
        "type": "session.shutdown",
        "timestamp": "2026-11-22T08:30:00Z",
        "data": {"modelMetrics": {"m": {"requests": {"count": 1}, "usage": usage}}},
    }


COMPACTED = {"type": "session.compaction_complete", "data": {"success": True, "summaryContent": "x"}}


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_the_sample_events() -> None:
    """Tokens only from the end of the session; the line that is declared ephemeral is not added."""
    booked, reader = fed((FOLDER / "events.jsonl").read_bytes())
    assert total(booked) == (9000 + 2500, 3000, 39_000, 1500, 400, 12)
    assert {usage.model for usage in booked} == {"gpt-example-1", "claude-example-2"}
    assert {usage.project for usage in booked} == {"/home/dev/src/shop"}
    assert {usage.session for usage in booked} == {"5b1d0000-0000-4000-8000-000000000001"}
    assert not reader.approximate


def test_the_sample_traces() -> None:
    """The chat span counts and not the agent's summary of it."""
    booked = Booked()
    reader: Any = LOGS.open(LogFile(TRACES, HOME / "otel/1.jsonl"), None)
    assert reader.feed((FOLDER / "otel_spans.jsonl").read_bytes(), booked.append) == 0
    assert total(booked) == (2000, 300, 7000, 0, 0, 1)
    assert booked[0].at == 1795334420.0


def test_traces_of_the_cli_are_in_its_store_already() -> None:
    """Only the editor's are counted from a file of traces."""
    span = json.loads((FOLDER / "otel_spans.jsonl").read_text().splitlines()[0])
    span["resource"] = {"attributes": {"service.name": "github-copilot"}}
    reader: Any = LOGS.open(LogFile(TRACES, HOME / "otel/1.jsonl"), None)
    booked = Booked()
    assert reader.feed(lines(span), booked.append) == 0
    assert booked == []


def test_a_resumed_session() -> None:
    """Its totals go on, so the difference counts, at the time of the second end."""
    booked, reader = fed(lines(end(inputTokens=100, outputTokens=10), end(inputTokens=150, outputTokens=10)))
    assert [usage.input for usage in booked] == [100, 50]
    assert not reader.approximate


def test_totals_that_began_anew() -> None:
    """After a compaction, or if they fell, the whole total is new, and the file is marked."""
    for between in (COMPACTED, end()):
        records = [end(inputTokens=100), between, end(inputTokens=100 if between is COMPACTED else 60)]
        booked, reader = fed(lines(*records))
        assert total(booked)[0] == (200 if between is COMPACTED else 160)
        assert reader.approximate
    failed = {**COMPACTED, "data": {"success": False}}
    assert total(fed(lines(end(inputTokens=100), failed, end(inputTokens=150)))[0])[0] == 150


@given(st.lists(st.integers(0, 1000), max_size=14), st.integers(0, 14))
def test_any_number_of_ends(used: list[int], cut: int) -> None:
    """However often a session was resumed, and wherever the file was cut, it costs what it cost."""
    grown, records = 0, []
    for more in used:
        grown += more
        records.append(end(inputTokens=grown))
    first, reader = fed(lines(*records[:cut]))
    second, _ = fed(lines(*records[cut:]), json.loads(json.dumps(reader.state())))
    assert total([*first, *second])[0] == grown


def test_rows_win_over_totals_in_any_order() -> None:
    """A session with rows in the store counts by them, under each name of its model, however often it
    ended; another session counts by its totals."""
    ended, _ = fed(lines(*(end(inputTokens=100 * n) for n in range(1, 12))))
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(
            "CREATE TABLE sessions(id, cwd); CREATE TABLE assistant_usage_events(id INTEGER PRIMARY KEY,"
            "session_id, created_at, model, copilot_usage_model, input_tokens, output_tokens,"
            " cache_read_tokens);"
            "INSERT INTO assistant_usage_events VALUES(1,'s1','2026-11-22 08:00:00','m','m-billed',70,5,20)"
        )
        rows = Booked()
        reader: Any = LOGS.open(LogFile(STORE, HOME / ".copilot/session-store.db"), None)
        assert reader.read(database, rows.append) == 0
        assert total([*rows, *ended]) == total([*ended, *rows]) == (50, 5, 20, 0, 0, 1)
        other = [usage._replace(key=usage.key.replace("s1:", "s2:")) for usage in ended]
        assert total([*rows, *other])[0] == 50 + 1100
        again = Booked()
        reader = LOGS.open(LogFile(STORE, HOME / ".copilot/session-store.db"), reader.state())
        reader.read(database, again.append)
        assert again == []


def test_an_older_store_without_requests() -> None:
    """It is no error, and says nothing."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE sessions(id, cwd)")
        reader: Any = LOGS.open(LogFile(STORE, HOME / ".copilot/session-store.db"), None)
        assert reader.read(database, lambda usage: None) == 0
