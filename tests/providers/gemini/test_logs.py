"""Gemini CLI's sessions: the samples, later tokens, rewinding, the two forms of one session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from providers.base import Environment
from providers.gemini.logs import LOGS
from providers.ledger.model import LogFile, Usage
from tests.conftest import SAMPLES
from tests.providers.ledger.readings import Booked, total

FOLDER = SAMPLES / "gemini"
JOURNAL, OLDER = LOGS.trees(Environment(Path("/h"), {}, Path("/h"), Path("/h"), Path("/h")))
CHATS = Path("/h/.gemini/tmp/shop/chats")


def fed(data: bytes, name: str = "session-1.jsonl") -> list[Usage]:
    booked = Booked()
    reader: Any = LOGS.open(LogFile(JOURNAL, CHATS / name), None)
    assert reader.feed(data, booked.append) == 0
    return booked


def test_the_sample_journal() -> None:
    """12 000 prompt tokens of which 9 000 cached, 350 out and 120 thoughts; what was rewound counts."""
    booked = fed((FOLDER / "session-2026-11-22T08-15-0f3a9c1e.jsonl").read_bytes())
    assert total(booked) == (3000 + 2040, 470 + 80, 9000, 0, 120, 2)
    assert sum(total(booked)[:4]) == 14_590
    assert {usage.session for usage in booked} == {"0f3a9c1e-1111-4222-8333-444455556666"}
    assert {usage.project for usage in booked} == {"shop"}


def test_the_sample_document() -> None:
    """5 000 in, 200 out, 300 thoughts, 5 500 in all."""
    booked = Booked()
    reader: Any = LOGS.open(LogFile(OLDER, CHATS / "session-1.json", 1.8e9), None)
    assert reader.read((FOLDER / "session-2026-03-01T10-00-aaaa1111.json").read_bytes(), booked.append) == 0
    assert total(booked) == (5000, 500, 0, 0, 300, 1)
    assert sum(total(booked)[:4]) == 5_500


def message(ident: str, **tokens: int) -> dict[str, Any]:
    return {
        "id": ident,
        "type": "gemini",
        "timestamp": "2026-11-22T08:15:14Z",
        "model": "m",
        "tokens": tokens,
    }


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_tokens_that_arrive_later_replace_the_earlier_ones() -> None:
    """Three records of one message are one request."""
    first, last = message("a", input=10, output=1), message("a", input=10, output=9)
    assert total(fed(lines(first, last, {"$set": {"messages": [last]}}))) == (10, 9, 0, 0, 0, 1)


def test_a_cache_that_stands_beside_the_input() -> None:
    """If the total says that the cached part is not in the input, it is not taken out of it."""
    beside = message("a", input=10, output=5, cached=40, total=55)
    inside = message("b", input=10, output=5, cached=4, total=15)
    assert total(fed(lines(beside, inside))) == (16, 10, 44, 0, 0, 2)


def test_files_that_were_put_aside_are_not_read() -> None:
    """The CLI names them with a dot before."""
    assert fed(lines(message("a", input=10)), ".tmp-session-1.jsonl") == []


def test_a_torn_line_spoils_only_itself() -> None:
    """It is counted, and the next is read."""
    reader: Any = LOGS.open(LogFile(JOURNAL, CHATS / "s.jsonl"), None)
    booked = Booked()
    torn = lines(message("a", input=1))[:60] + b"\n"
    assert reader.feed(torn + lines(message("b", input=2)), booked.append) == (b'"tokens"' in torn)
    assert total(booked)[0] == 2
