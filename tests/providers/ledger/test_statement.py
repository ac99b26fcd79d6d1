"""Totals as rows: folding, prices, JSON of the contract, CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from providers.ledger.prices import Prices, load_prices
from providers.ledger.statement import (
    EXPORT_COLUMNS,
    EXPORTED,
    as_csv,
    as_export,
    as_json,
    grouping,
    rows_of,
    sum_of,
)
from tests.providers.ledger.homes import at_home
from tests.providers.ledger.test_prices import M, total


@pytest.fixture
def prices(tmp_path: Path) -> Prices:
    return load_prices(at_home(tmp_path))


def test_totals_of_several_tiers_and_prompts_are_one_row(prices: Prices) -> None:
    """They are priced apart and summed: 5, 30 for the fast ones, 5 (no surcharge)."""
    parts = [
        total("claude-opus-4-6", provider="claude", input=M, requests=1),
        total("claude-opus-4-6", provider="claude", input=M, requests=2, tier="fast"),
        total("claude-opus-4-6", provider="claude", input=M, requests=3, context=200_000),
    ]
    (row,) = rows_of(parts, ("model",), prices)
    assert (row.names, row.input, row.requests) == (("claude-opus-4-6",), 3 * M, 6)
    assert row.cost_usd == pytest.approx(40.0)


def test_a_part_without_a_price_makes_the_sum_unknown(prices: Prices) -> None:
    """The priced part is kept as the least it can be; the model is named; no tokens, no doubt."""
    parts = [
        total("gpt-5", provider="codex", input=M),
        total("mystery", provider="codex", input=M),
        total("silent", provider="codex", requests=1),
    ]
    (row,) = rows_of(parts, ("provider",), prices)
    assert (row.cost_usd, row.cost, row.unpriced) == (None, 1.25, frozenset({"mystery"}))
    assert sum_of([row]).cost_usd is None


def test_what_must_be_told_apart_is_asked_for() -> None:
    """Grouping adds what prices depend on, each once."""
    assert grouping(("day", "model")) == ("day", "model", "provider", "tier", "context")


def test_json_has_the_keys_of_the_contract(prices: Prices) -> None:
    """Exactly these; provider and model always, the other places where they were asked for."""
    parts = [
        total("gpt-5", provider="codex", period="2026-11-26", input=M, output=M, reasoning=5, requests=1)
    ]
    by = ("provider", "model", "day")
    found = json.loads(as_json(rows_of(parts, by, prices), by, 1795330000.9))
    counts = ["input", "output", "cache_read", "cache_write", "reasoning", "requests", "cost_usd"]
    assert list(found) == ["schema_version", "generated_at", "rows", "totals"]
    assert (found["schema_version"], found["generated_at"]) == (1, 1795330000)
    assert list(found["rows"][0]) == ["provider", "model", "day", *counts]
    assert list(found["totals"]) == counts
    assert found["rows"][0]["day"] == "2026-11-26"
    assert found["totals"]["cost_usd"] == 11.25


def test_json_of_other_groups_says_null_for_what_is_not_told_apart(prices: Prices) -> None:
    """Sessions of all models: the model is null, not empty (empty means that no log says it)."""
    parts = [total("gpt-5", provider="codex", session="s", input=1), total("", provider="codex", session="s")]
    found = json.loads(as_json(rows_of(parts, ("session",), prices), ("session",), 0.0))
    assert found["rows"][0]["provider"] is None
    assert found["rows"][0]["model"] is None
    assert found["rows"][0]["session"] == "s"
    empty = json.loads(as_json((), ("provider",), 0.0))
    assert empty["rows"] == []
    assert empty["totals"]["input"] == 0


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
def test_csv_runs_no_formula(prices: Prices, evil: str) -> None:
    """A folder named like a formula comes with an apostrophe, in both kinds of file."""
    parts = [total(evil, provider=evil, project=evil, period="2026-11-26", input=1)]
    by = ("provider", "model", "day", "project")
    (head, row) = csv.reader(io.StringIO(as_csv(rows_of(parts, by, prices), by)))
    assert head == ["provider", "model", "day", "project", "input", "output", "cache_read", "cache_write",
                    "reasoning", "requests", "cost_usd"]  # fmt: skip
    assert row[:4] == [f"'{evil}", f"'{evil}", "2026-11-26", f"'{evil}"]
    assert row[-1] == ""
    (_, exported) = csv.reader(io.StringIO(as_export(rows_of(parts, EXPORTED, prices))))
    assert exported[1:3] == [f"'{evil}", f"'{evil}"]


def test_an_export_has_days_models_tools_and_counts_only(prices: Prices) -> None:
    """No project, no session, no account, whatever the totals know of them."""
    parts = [
        total("gpt-5", provider="codex", project="/secret", session="s", account="me", period="d", input=7)
    ]
    text = as_export(rows_of(parts, EXPORTED, prices))
    assert text == f"{','.join(EXPORT_COLUMNS)}\nd,gpt-5,codex,7,0,0,0,0,0\n"
