"""Whatever stands in a line of Claude Code's: what is declared books what the whole line says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment
from providers.claude.logs import LOGS, ClaudeLogReader
from providers.ledger.merging import joined
from providers.ledger.model import LogFile, Row
from tests.providers.claude.test_logs import line
from tests.providers.ledger.odd_lines import Edits, block_of, edited, edits

TREE = LOGS.trees(Environment(Path("/h"), {}, Path("/c"), Path("/s"), Path("/d")))[0]
NAMES = ("type", "timestamp", "isSidechain", "cwd", "sessionId", "requestId", "message", "uuid")
PLACES = (
    *[(name,) for name in NAMES],
    *[("message", name) for name in ("id", "model", "usage")],
    *[
        ("message", "usage", name)
        for name in (
            "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
            "cache_creation", "output_tokens_details", "iterations", "speed",
        )
    ],
    ("message", "usage", "cache_creation", "ephemeral_1h_input_tokens"),
    ("message", "usage", "cache_creation", "ephemeral_5m_input_tokens"),
)  # fmt: skip
EDITS = edits(PLACES, 3)


def booked(lines: list[dict[str, Any]], *, whole: bool) -> tuple[dict[str, Any], int]:
    """What a reader books, by key, and how many lines it does not understand."""
    groups: dict[str, Any] = {}

    def book(row: Row) -> None:
        groups[row[0]] = joined(groups[row[0]], row) if row[0] in groups else row

    reader = ClaudeLogReader(LogFile(TREE, Path("/h/stem.jsonl")))
    broken = reader.feed(block_of(lines, whole=whole), book)
    return groups, broken


@given(EDITS)
def test_a_line_of_any_form(odd: Edits) -> None:
    """Numbers that are none, texts that are numbers, what is missing, and surrogates."""
    lines = [edited(line(), odd)]
    assert booked(lines, whole=False) == booked(lines, whole=True)


@given(st.lists(st.tuples(EDITS, st.integers(0, 3)), max_size=4))
def test_neighbours_of_any_form(many: list[tuple[Edits, int]]) -> None:
    """Lines of one response, or of several, joined by the reader or by the ledger."""
    lines = [
        edited(line(usage={"output_tokens": 40 + more}, timestamp=f"2026-11-22T05:01:0{more}.120Z"), odd)
        for odd, more in many
    ]
    assert booked(lines, whole=False) == booked(lines, whole=True)


def test_a_line_that_is_nested_too_deep() -> None:
    """It is not understood, and the next one is."""
    deep = '{"message":{"usage":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}}"
    reader, found = ClaudeLogReader(LogFile(TREE, Path("/h/stem.jsonl"))), []
    assert reader.feed(f"{deep}\n{json.dumps(line(), separators=(',', ':'))}\n".encode(), found.append) == 1
    assert [row[0] for row in found] == ["msg_1"]


def test_the_beginning_of_a_line_waits() -> None:
    """What comes after the last newline is fed again with the rest."""
    reader, found = ClaudeLogReader(LogFile(TREE, Path("/h/stem.jsonl"))), []
    text = json.dumps(line(), separators=(",", ":")).encode()
    assert reader.feed(text + b"\n" + text[:-1], found.append) == 0
    assert len(found) == 1
