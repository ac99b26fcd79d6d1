"""Whatever stands in a line of a rollout that counts: what is declared books what the whole line says."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.codex.logs import LOGS, CodexLogReader
from providers.ledger.model import LogFile, Usage
from tests.providers.codex.test_logs import HOME, NAMES, meta, model, record, tokens

ODD = st.sampled_from(
    [None, True, 0, -1, 7, 1.0, 2.5, 1 << 40, 1 << 63, 1 << 80, "", "x", "\ud800", [], {}, [1], {"a": 1}]
)
COUNTS = ("total_token_usage", "last_token_usage")
OF_COUNTS = (
    ("timestamp",),
    ("ordinal",),
    ("payload",),
    ("payload", "info"),
    *[("payload", "info", which) for which in COUNTS],
    *[("payload", "info", which, name) for which in COUNTS for name in NAMES],
)
OF_RECORDS = (
    *[(name,) for name in ("timestamp", "ordinal", "payload")],
    *[("payload", name) for name in ("thread_id", "response_id", "usage")],
    *[("payload", "usage", name) for name in NAMES],
)


def changes(places: tuple[tuple[str, ...], ...]) -> st.SearchStrategy[list[tuple[tuple[str, ...], Any]]]:
    return st.lists(st.tuples(st.sampled_from(places), ODD | st.just("absent")), max_size=2)


def changed(line: dict[str, Any], edits: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """A line with other values at some places."""
    made = deepcopy(line)
    for path, value in edits:
        inside: Any = made
        for name in path[:-1]:
            inside = inside.get(name) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[path[-1]] = deepcopy(value)
            if value == "absent":
                del inside[path[-1]]
    return made


def booked(lines: list[dict[str, Any]], *, whole: bool) -> tuple[list[Usage], int, Any]:
    """What a reader books, how many lines it does not understand, and what it remembers.  A NaN is no JSON
    for the one decoder and is for the other: it makes a line one of another form and changes no figure."""
    texts = [json.dumps(each, separators=(",", ":")) for each in lines]
    if whole:
        texts = [text[:-1] + ',"odd":NaN}' for text in texts]
    reader = CodexLogReader(LogFile(LOGS.trees(HOME)[0], Path("/h/rollout-1.jsonl")), None)
    found: list[Usage] = []
    broken = reader.feed("".join(text + "\n" for text in texts).encode(), found.append)
    return found, broken, reader.state()


def both(lines: list[dict[str, Any]]) -> None:
    assert booked([meta(), model(), *lines], whole=False) == booked([meta(), model(), *lines], whole=True)


@given(st.lists(st.tuples(changes(OF_COUNTS), st.integers(1, 3)), max_size=4))
def test_totals_of_any_form(many: list[tuple[list[tuple[tuple[str, ...], Any]], int]]) -> None:
    """Also totals that fall, are said again or are missing."""
    both(
        [
            changed(tokens((1000 * n, 200 * n, 0, 50 * n, 10 * n), (1000, 200, 0, 50, 10)), edits)
            for edits, n in many
        ]
    )


@given(st.lists(st.tuples(changes(OF_RECORDS), st.integers(1, 3)), max_size=4))
def test_records_of_any_form(many: list[tuple[list[tuple[tuple[str, ...], Any]], int]]) -> None:
    """Also of another thread, without an id, with an ordinal that is none."""
    both([changed(record(f"r{n}", 1000, 200, 0, 50, 10, ordinal=n), edits) for edits, n in many])


def test_a_line_that_is_nested_too_deep() -> None:
    """It is not understood, and the next one is."""
    deep = '{"type":"token_usage_record","payload":{"usage":' + "[" * 100_000 + "]" * 100_000 + "}}"
    lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in (meta(), model()))
    last = json.dumps(record("r", 1, 0, 0, 1, 0), separators=(",", ":"))
    reader = CodexLogReader(LogFile(LOGS.trees(HOME)[0], Path("/h/rollout-1.jsonl")), None)
    found: list[Usage] = []
    assert reader.feed(f"{lines}{deep}\n{last}\n".encode(), found.append) == 1
    assert len(found) == 1
