"""Whatever stands in a line of Claude Code's: what is declared books what the whole line says."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment
from providers.claude.logs import LOGS, ClaudeLogReader
from providers.ledger.merging import joined
from providers.ledger.model import LogFile, Usage
from tests.providers.claude.test_logs import line

TREE = LOGS.trees(Environment(Path("/h"), {}, Path("/c"), Path("/s"), Path("/d")))[0]
ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        7,
        1.0,
        2.5,
        1 << 40,
        1 << 63,
        1 << 80,
        "",
        "x",
        "\ud800",
        "é\n",
        [],
        {},
        [1],
        {"a": 1},
    ]
)
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
CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), ODD | st.just("absent")), max_size=3)


def changed(changes: list[tuple[tuple[str, ...], Any]], **more: Any) -> dict[str, Any]:
    """A line with other values at some places."""
    made = json.loads(json.dumps(line(**more)))
    for path, value in changes:
        inside: Any = made
        for name in path[:-1]:
            inside = inside.get(name) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[path[-1]] = deepcopy(value)
            if value == "absent":
                del inside[path[-1]]
    return made


def booked(lines: list[dict[str, Any]], *, whole: bool) -> tuple[dict[str, Any], int]:
    """What a reader books, by key, and how many lines it does not understand.  A NaN is no JSON for the one
    decoder and is for the other: it leaves every figure as it is, and makes the line one of another form."""
    groups: dict[str, Any] = {}

    def book(usage: Usage) -> None:
        key, row = usage.key, tuple(usage)
        groups[key] = joined(groups[key], row) if key in groups else row

    texts = [json.dumps(each, separators=(",", ":")) for each in lines]
    if whole:
        texts = [text[:-1] + ',"odd":NaN}' for text in texts]
    reader = ClaudeLogReader(LogFile(TREE, Path("/h/stem.jsonl")))
    broken = reader.feed("".join(text + "\n" for text in texts).encode(), book)
    return groups, broken


@given(CHANGES)
def test_a_line_of_any_form(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    """Numbers that are none, texts that are numbers, what is missing, and surrogates."""
    lines = [changed(changes)]
    assert booked(lines, whole=False) == booked(lines, whole=True)


@given(st.lists(st.tuples(CHANGES, st.integers(0, 3)), max_size=4))
def test_neighbours_of_any_form(many: list[tuple[list[tuple[tuple[str, ...], Any]], int]]) -> None:
    """Lines of one response, or of several, joined by the reader or by the ledger."""
    lines = [
        changed(changes, usage={"output_tokens": 40 + more}, timestamp=f"2026-11-22T05:01:0{more}.120Z")
        for changes, more in many
    ]
    assert booked(lines, whole=False) == booked(lines, whole=True)


def test_a_line_that_is_nested_too_deep() -> None:
    """It is not understood, and the next one is."""
    deep = '{"message":{"usage":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}}"
    reader, found = ClaudeLogReader(LogFile(TREE, Path("/h/stem.jsonl"))), []
    assert reader.feed(f"{deep}\n{json.dumps(line(), separators=(',', ':'))}\n".encode(), found.append) == 1
    assert [usage.key for usage in found] == ["msg_1"]


def test_the_beginning_of_a_line_waits() -> None:
    """What comes after the last newline is fed again with the rest."""
    reader, found = ClaudeLogReader(LogFile(TREE, Path("/h/stem.jsonl"))), []
    text = json.dumps(line(), separators=(",", ":")).encode()
    assert reader.feed(text + b"\n" + text[:-1], found.append) == 0
    assert len(found) == 1
