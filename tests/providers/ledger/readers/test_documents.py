"""Documents that are read again and again, and Zed's packed threads."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import providers
from providers.base import Environment
from providers.ledger.model import LogFile, UnreadableLog, Usage
from providers.ledger.readers.databases import ZedThreads, zed_unpack
from tests.providers.ledger.readings import Booked, total
from tests.world.tools import ISO, MS

HOME = Environment(Path("/h"), {}, Path("/h"), Path("/h"), Path("/h"))


def read(tool: str, document: Any, state: Any = None, mtime: float = 1.8e9) -> tuple[list[Usage], Any]:
    logs = providers.load_logs(tool)
    tree = next(tree for tree in logs.trees(HOME) if tree.kind == "document")
    reader: Any = logs.open(LogFile(tree, tree.folder / "t1" / "x.settings.json", mtime), state)
    booked = Booked()
    reader.read(json.dumps(document).encode(), booked.append)
    return booked, json.loads(json.dumps(reader.state()))


def call(at: int, tokens: int) -> dict[str, Any]:
    return {"ts": at, "say": "api_req_started", "text": json.dumps({"tokensIn": tokens, "tokensOut": 0})}


def test_a_restored_checkpoint_counts_both_ways() -> None:
    """What was undone was paid for; what came instead has another moment."""
    first, _ = read("cline", [call(MS, 10), call(MS + 9, 20)])
    second, _ = read("cline", [call(MS, 10), call(MS + 20, 30)])
    assert total([*first, *second])[0] == 60


def test_what_was_booked_long_ago_is_not_booked_again() -> None:
    """The index forgets old keys; a long task must not count its beginning twice."""
    day = 86_400_000
    entries = [call(MS - 400 * day, 10), call(MS - 50 * day, 20)]
    first, state = read("cline", entries)
    assert total(first)[0] == 30
    second, _ = read("cline", [*entries, call(MS, 5)], state, mtime=1.9e9)
    assert [usage.input for usage in second] == [20, 5]


def test_a_moment_in_the_future_hides_nothing() -> None:
    """Only what the file's own time can vouch for is remembered."""
    _, state = read("cline", [call(4_000_000_000_000, 10)])
    assert total(read("cline", [call(MS, 5)], state)[0])[0] == 5


def test_a_thread_that_gains_a_ledger() -> None:
    """Amp's messages count until there are events for them."""
    usage = {"model": "m", "inputTokens": 3, "outputTokens": 4, "timestamp": ISO}
    thread: dict[str, Any] = {
        "id": "T-1",
        "messages": [{"role": "assistant", "messageId": 2, "usage": usage}],
    }
    first, _ = read("amp", thread)
    event = {"id": "e", "toMessageId": 2, "timestamp": ISO, "tokens": {"input": 3, "output": 4}}
    second, _ = read("amp", {**thread, "usageLedger": {"events": [event]}})
    assert total(first) == total([*first, *second]) == (3, 4, 0, 0, 0, 1)


def test_a_droid_session_that_grows() -> None:
    """The second look books the difference, at the file's time."""
    usage = {"inputTokens": 10, "outputTokens": 5}
    document = {"model": "custom:gpt-5 [x]", "tokenUsage": usage, "providerLockTimestamp": ISO}
    first, state = read("droid", document)
    second, _ = read(
        "droid", {**document, "tokenUsage": {"inputTokens": 30, "outputTokens": 5}}, state, 1.9e9
    )
    assert [(u.model, u.input, u.at) for u in (*first, *second)] == [
        ("gpt-5", 10, 1.8e9),
        ("gpt-5", 20, 1.9e9),
    ]


TABLE = "CREATE TABLE threads(id TEXT, updated_at TEXT, data_type TEXT, data BLOB)"


def test_packed_threads() -> None:
    """Without an unpacker the store is unreadable and says what to install; with one it is read, and a
    damaged thread spoils only itself."""
    thread = json.dumps({"cumulative_token_usage": {"input_tokens": 10}}).encode()
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(TABLE)
        for ident, data in (("a", b"packed"), ("b", b"damaged")):
            database.execute("INSERT INTO threads VALUES (?, ?, 'zstd', ?)", (ident, ISO, data))
        with pytest.raises(UnreadableLog, match="pip install"):
            ZedThreads(None, None).read(database, lambda usage: None)
        booked = Booked()
        reader = ZedThreads(lambda data: thread if data == b"packed" else b"", None)
        assert reader.read(database, booked.append) == 1
        assert total(booked)[0] == 10


def test_a_real_frame_is_unpacked() -> None:
    """With an unpacker installed; what is no frame is nothing."""
    unpack = zed_unpack()
    if unpack is None:
        pytest.skip("no zstd here")
    # One raw block of three bytes, by the format's own words (RFC 8878, section 3.1.1).
    frame = bytes.fromhex("28b52ffd2003190000") + b"abc"
    assert unpack(frame) == b"abc"
    assert unpack(b"abc") == b""
