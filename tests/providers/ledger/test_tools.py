"""Every tool that is measured: the right totals, no text of anybody, and no trouble from bad files."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import providers
from providers.base import Environment
from providers.ledger import scan
from providers.ledger.model import DATABASE, LINES, LogFile, UnreadableLog, Usage
from providers.ledger.query import totals
from providers.ledger.walk import seen_files
from tests.providers.ledger.readings import Booked, read_all, total
from tests.world.tools import BROKEN, CANARY, TRUTH, WRITERS

TOOLS = sorted(WRITERS)


def environment(home: Path) -> Environment:
    """A home with nothing set."""
    state = home / "state"
    return Environment(home, {}, home / "config", state, home / "data")


@pytest.mark.parametrize("tool", TOOLS)
def test_totals(tool: str, tmp_path: Path) -> None:
    """Each response once, in the ledger's meaning of the words; read again, nothing is added."""
    WRITERS[tool](tmp_path)
    logs, home = providers.load_logs(tool), environment(tmp_path)
    first = read_all(logs, home)
    assert total(first.booked) == TRUTH[tool]
    assert (first.broken, first.refused) == (BROKEN.get(tool, 0), 0)
    again = read_all(logs, home, json.loads(json.dumps(first.states)))
    assert total([*first.booked, *again.booked]) == TRUTH[tool]
    assert total([*read_all(logs, home).booked, *first.booked]) == TRUTH[tool]


@pytest.mark.parametrize("tool", TOOLS)
def test_no_text_of_anybody(tool: str, tmp_path: Path) -> None:
    """Neither bookings nor states hold a word of a prompt, an answer or a tool's output."""
    WRITERS[tool](tmp_path)
    assert any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    found = read_all(providers.load_logs(tool), environment(tmp_path))
    assert CANARY not in repr((found.booked, found.states))


@pytest.mark.parametrize("tool", TOOLS)
def test_sense_of_what_is_booked(tool: str, tmp_path: Path) -> None:
    """Times are those of the sessions, counts are whole, sessions have names."""
    WRITERS[tool](tmp_path)
    for usage in read_all(providers.load_logs(tool), environment(tmp_path)).booked:
        assert 0 <= usage.at - 1_800_000_000 < 600
        assert usage.session
        assert 0 <= usage.reasoning <= usage.output
        assert all(type(count) is int and count >= 0 for count in usage[5:12])


@given(cuts=st.lists(st.integers(0, 5000), max_size=6), tool=st.sampled_from(TOOLS))
def test_any_split_of_a_log_books_the_same(
    cuts: list[int], tool: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Line logs read in pieces, each by a reader that has only the state, as they are read at once."""
    home = tmp_path_factory.mktemp("home")
    WRITERS[tool](home)
    logs = providers.load_logs(tool)
    for seen in seen_files((logs,), environment(home)):
        if seen.tree.kind != LINES:
            continue
        file, data = LogFile(seen.tree, Path(seen.path)), Path(seen.path).read_bytes()
        whole = Booked()
        reader: Any = logs.open(file, None)
        reader.feed(data, whole.append)
        state, pieces = None, []
        edges = sorted({data.rfind(b"\n", 0, cut % (len(data) + 1)) + 1 for cut in cuts} | {0, len(data)})
        for start, end in pairwise(edges):
            part: Any = logs.open(file, state)
            part.feed(data[start:end], pieces.append)
            state = json.loads(json.dumps(part.state()))
        assert pieces == whole
        assert state == json.loads(json.dumps(reader.state()))


HOSTILE = (b"", b"null", b"[]", b"{", b'"x"', b"\xff\xfe{}", b"NaN", b'{"ts":%b}' % (b"9" * 400),
           b"[" * 100_000, b'{"a":' * 5_000,
           b'{"messages":[NaN,[],{"tokens":1,"usage":7,"type":"gemini"}],"usageLedger":{"events":{}}}',
           b'{"type":"assistant","usageMetadata":{"promptTokenCount":"1"}}',
           b'{"message":{"role":"assistant","usage":{"input":-5}},"id":[],"role":"assistant"}',
           b'{"type":"session","id":' + b"7" * 5_000 + b',"usage":1}')  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_hostile_files(tool: str, tmp_path: Path) -> None:
    """Whatever stands in a file, a reader books nothing wrong, and says what it could not read."""
    WRITERS[tool](tmp_path)
    logs, home = providers.load_logs(tool), environment(tmp_path)
    for seen in seen_files((logs,), home):
        written = Path(seen.path).read_bytes()
        times = written.replace(b"1800000000", b"9" * 400).replace(b"2027-01-15T", b"20270-99-15T")
        if seen.tree.kind != DATABASE:
            assert all(usage.at in (0.0, 1.8e9) for usage in _read_bytes(logs, seen, times)[0])
        for data in HOSTILE:
            booked, trouble = _read_bytes(logs, seen, data)
            assert booked == []
            assert trouble or seen.tree.kind != "document" or data[:1] in (b"{", b"[")


def _read_bytes(logs: Any, seen: Any, data: bytes) -> tuple[list[Usage], bool]:
    booked = Booked()
    reader = logs.open(LogFile(seen.tree, Path(seen.path), 1.8e9), None)
    try:
        if seen.tree.kind == LINES:
            broken = reader.feed(data + b"\n", booked.append)
        elif seen.tree.kind == DATABASE:
            with closing(sqlite3.connect(":memory:")) as database:
                broken = reader.read(database, booked.append)
        else:
            broken = reader.read(data, booked.append)
    except UnreadableLog:
        return booked, True
    json.dumps(reader.state())
    return booked, broken > 0


@pytest.mark.parametrize("tool", TOOLS)
def test_damage_to_a_document_is_counted_or_harmless(tool: str, tmp_path: Path) -> None:
    """With bytes turned at random no reader raises, and its state stays small."""
    WRITERS[tool](tmp_path)
    logs, chance = providers.load_logs(tool), random.Random(tool)
    for seen in seen_files((logs,), environment(tmp_path)):
        if seen.tree.kind == DATABASE:
            continue
        data = Path(seen.path).read_bytes()
        for _ in range(60):
            turned = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                turned[chance.randrange(len(turned))] = chance.choice(b'\x00\xff"{}[]:,e9-')
            _read_bytes(logs, seen, bytes(turned))


@pytest.mark.parametrize("tool", ["goose", "hermes", "copilot", "kilo", "openclaw"])
def test_wrong_types_in_a_database(tool: str, tmp_path: Path) -> None:
    """Rows whose columns hold other types than they should are counted as broken, not raised."""
    WRITERS[tool](tmp_path)
    for path in tmp_path.rglob("*.*"):
        if path.suffix not in (".db", ".sqlite"):
            continue
        with closing(sqlite3.connect(path)) as database:
            for (table,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                for column in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
                    if "tokens" in column or column in ("data", "event_json", "model"):
                        database.execute(f"UPDATE {table} SET {column} = CAST(x'ff00fe' AS TEXT)")
            database.commit()
    found = read_all(providers.load_logs(tool), environment(tmp_path))
    assert found.broken >= 1
    assert all(type(count) is int for usage in found.booked for count in usage[5:12])


def test_all_tools_through_a_scan(tmp_path: Path) -> None:
    """One pass over a home with all of them: the index has each tool's total, no text, and no file of
    a database's tool was made or changed."""
    for write in WRITERS.values():
        write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    home = environment(tmp_path)
    rooms = [providers.load_logs(tool) for tool in (*providers.LOGGED, *providers.LOGGED_TOOLS)]
    index = scan.open_index(home, rooms)
    assert scan.Scan(index, rooms, home, now=lambda: 1_800_000_500.0).run().done
    for row in totals(index, by=("provider",)):
        found = (row.input, row.output, row.cache_read, row.cache_write, row.reasoning, row.requests)
        assert (row.provider, found) == (row.provider, TRUTH[row.provider])
    assert {row.provider for row in totals(index, by=("provider",))} == set(TRUTH)
    index.close()
    after = {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if home.state_dir not in path.parents
    }
    after.pop(home.state_dir, None)
    assert after == before
    assert not any(
        CANARY.encode() in path.read_bytes() for path in home.state_dir.rglob("*") if path.is_file()
    )
