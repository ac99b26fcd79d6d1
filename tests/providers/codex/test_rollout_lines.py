"""Whatever stands in a line of a rollout that counts: what is declared books what the whole line says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.codex.logs import LOGS, CodexLogReader
from providers.ledger.model import LogFile, Usage
from tests.providers.codex.test_logs import HOME, NAMES, meta, model, record, tokens
from tests.providers.ledger.odd_lines import Edits, block_of, edited, edits
from tests.providers.ledger.readings import Booked

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


def booked(lines: list[dict[str, Any]], *, whole: bool) -> tuple[list[Usage], int, Any]:
    """What a reader books, how many lines it does not understand, and what it remembers."""
    reader = CodexLogReader(LogFile(LOGS.trees(HOME)[0], Path("/h/rollout-1.jsonl")), None)
    found = Booked()
    broken = reader.feed(block_of(lines, whole=whole), found.append)
    return found, broken, reader.state()


def both(lines: list[dict[str, Any]]) -> None:
    assert booked([meta(), model(), *lines], whole=False) == booked([meta(), model(), *lines], whole=True)


@given(st.lists(st.tuples(edits(OF_COUNTS, 2), st.integers(1, 3)), max_size=4))
def test_totals_of_any_form(many: list[tuple[Edits, int]]) -> None:
    """Also totals that fall, are said again or are missing."""
    lines = (tokens((1000 * n, 200 * n, 0, 50 * n, 10 * n), (1000, 200, 0, 50, 10)) for _, n in many)
    both([edited(line, odd) for line, (odd, _) in zip(lines, many, strict=True)])


@given(st.lists(st.tuples(edits(OF_RECORDS, 2), st.integers(1, 3)), max_size=4))
def test_records_of_any_form(many: list[tuple[Edits, int]]) -> None:
    """Also of another thread, without an id, with an ordinal that is none."""
    both([edited(record(f"r{n}", 1000, 200, 0, 50, 10, ordinal=n), odd) for odd, n in many])


def test_a_line_that_is_nested_too_deep() -> None:
    """It is not understood, and the next one is."""
    deep = '{"type":"token_usage_record","payload":{"usage":' + "[" * 100_000 + "]" * 100_000 + "}}"
    lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in (meta(), model()))
    last = json.dumps(record("r", 1, 0, 0, 1, 0), separators=(",", ":"))
    reader = CodexLogReader(LogFile(LOGS.trees(HOME)[0], Path("/h/rollout-1.jsonl")), None)
    found = Booked()
    assert reader.feed(f"{lines}{deep}\n{last}\n".encode(), found.append) == 1
    assert len(found) == 1
