"""API list prices: the shipped table, a person's own, and what has no price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from providers.ledger.booking import CONTEXTS
from providers.ledger.prices import BadPrices, Prices, load_prices, own_table
from providers.ledger.query import Total
from tests.providers.ledger.homes import at_home

M = 1_000_000


def total(model: str, **counts: Any) -> Total:
    fields = dict.fromkeys(
        ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "requests"), 0
    )
    return Total(**fields | {"first": 0, "last": 0, "model": model} | counts)


@pytest.fixture
def shipped(tmp_path: Path) -> Prices:
    return load_prices(at_home(tmp_path))


def test_each_kind_of_token_has_its_rate(shipped: Prices) -> None:
    """A million of each of Opus 4.8: 5 in, 25 out, 0.5 read, 6.25 written for 5 minutes, 10 for an hour;
    what is written for an hour is contained in what is written, reasoning in the output."""
    assert shipped.cost(total("claude-opus-4-8", input=M)) == 5.0
    assert shipped.cost(total("claude-opus-4-8", output=M, reasoning=M)) == 25.0
    assert shipped.cost(total("claude-opus-4-8", cache_read=M)) == 0.5
    assert shipped.cost(total("claude-opus-4-8", cache_write=M)) == 6.25
    assert shipped.cost(total("claude-opus-4-8", cache_write=M, cache_write_1h=M)) == 10.0
    assert shipped.cost(total("claude-opus-4-8", cache_write=2 * M, cache_write_1h=M)) == 16.25


@pytest.mark.parametrize(
    "name",
    ["claude-opus-4-5", "claude-opus-4-5-20251101", "claude-opus-4.5", "anthropic/claude-opus-4.5",
     "claude-opus-4-5[1m]", "claude-opus-4-5@20251101", "Claude-Opus-4-5"],
)  # fmt: skip
def test_a_model_is_known_by_the_names_that_tools_write(shipped: Prices, name: str) -> None:
    """With a vendor, a date, a mark of its context, dots instead of dashes."""
    assert shipped.cost(total(name, input=M)) == 5.0


@pytest.mark.parametrize(
    "name", ["", "claude-opus-9", "claude-haiku-9", "my-gpt-5", "gpt-5-turbo", "opus", "claude-opus-4-55"]
)
def test_what_is_not_in_the_table_has_no_price(shipped: Prices, name: str) -> None:
    """Nothing is guessed from a similar name; one without a name is as unknown."""
    assert shipped.cost(total(name, input=M)) is None


def test_a_long_prompt_moves_the_whole_request(shipped: Prices) -> None:
    """Haiku 5.5 over 100 000, Sonnet 4.5 over 200 000 and GPT-5.5 over 272 000 tokens: input and output
    at the higher rate."""
    assert shipped.cost(total("claude-haiku-5-5", input=M, output=M)) == 0.6
    assert shipped.cost(total("claude-haiku-5-5", input=M, output=M, context=100_000)) == 3.0
    long = total("claude-sonnet-4-5", input=M, output=M, context=200_000)
    assert shipped.cost(long) == 6.0 + 22.5
    assert shipped.cost(total("claude-sonnet-4-5", input=M, output=M, context=272_000)) == 6.0 + 22.5
    assert shipped.cost(total("gpt-5.5", input=M, output=M, context=200_000)) == 35.0
    assert shipped.cost(total("gpt-5.5", input=M, output=M, context=272_000)) == 55.0


def test_a_long_prompt_of_unknown_price_has_none(shipped: Prices) -> None:
    """GPT-5.6's tariff over 272 000 tokens is not in the table: no price instead of the low one."""
    assert shipped.cost(total("gpt-5.6-terra", input=M)) == 2.0
    assert shipped.cost(total("gpt-5.6-terra", input=M, context=272_000)) is None


def test_fast_tiers_multiply_everything(shipped: Prices) -> None:
    """Opus 4.6 six times, GPT-5.5 two and a half; without a known factor there is no price."""
    assert shipped.cost(total("claude-opus-4-6", input=M, output=M, tier="fast")) == 6 * 30.0
    assert shipped.cost(total("gpt-5.5", input=M, tier="priority")) == 12.5
    assert shipped.cost(total("gpt-5.5-fast", input=M)) == 12.5
    assert shipped.cost(total("claude-haiku-4-5", input=M, tier="fast")) is None


def test_the_table_says_how_old_it_is(shipped: Prices) -> None:
    """The date of its facts is shown beside prices."""
    assert shipped.facts_of == "2026-11-05"


def test_a_persons_own_table_wins_name_by_name(tmp_path: Path) -> None:
    """A price of theirs replaces one of ours and adds one that we lack; its date is shown."""
    environment = at_home(tmp_path)
    own_table(environment).parent.mkdir(parents=True)
    own_table(environment).write_text(
        'facts_of = "2027-01-01"\n[[model]]\nnames = ["claude-opus-4-8", "new-model"]\ninput = 1\n'
        "output = 2\n"
    )
    prices = load_prices(environment)
    assert prices.cost(total("claude-opus-4-8", input=M, cache_read=M, cache_write=M)) == 3.0
    assert prices.cost(total("new-model", output=M)) == 2.0
    assert prices.cost(total("claude-opus-4-7", input=M)) == 5.0
    assert prices.facts_of == "2027-01-01"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[model]\n", "prices.toml is not TOML"),
        ("model = 3\n", "prices.toml: model must be written as [[model]]"),
        ("[[model]]\ninput = 1\n", "prices.toml: a model lacks its names"),
        ('[[model]]\nnames = ["x"]\ninput = 1\n', "prices.toml: x: output must be dollars per million"),
        ('[[model]]\nnames = ["x"]\ninput = -1\noutput = 1\n', "x: input must be dollars per million"),
        ('[[model]]\nnames = ["x"]\ninput = nan\noutput = 1\n', "x: input must be dollars per million"),
        ('[[model]]\nnames = ["x"]\ninput = 1\noutput = 1\nknown_up_to = 5\n', "at 100000 or 200000 or"),
        ('[[model]]\nnames = ["\\u001b[2J"]\ninput = 1\n', "prices.toml: [2J: output"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_said_and_not_used(tmp_path: Path, text: str, why: str) -> None:
    """One clean sentence names the file and the entry."""
    environment = at_home(tmp_path)
    own_table(environment).parent.mkdir(parents=True)
    own_table(environment).write_text(text)
    with pytest.raises(BadPrices) as said:
        load_prices(environment)
    assert why in str(said.value)
    assert str(said.value).isprintable()


def test_bounds_of_the_shipped_table_are_those_of_the_index() -> None:
    """A bound that the index does not keep could never be applied (loading would raise)."""
    assert set(CONTEXTS) >= {100_000, 200_000, 272_000}
