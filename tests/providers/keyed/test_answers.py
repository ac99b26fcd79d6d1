"""Every sample of the keyed services, and whatever else may come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import providers
from providers.asking import Answer, Asked, AskOutcome, Credential
from providers.keyed.endpoint import SIDES, USAGES, KeyedUsage
from providers.keyed.services import SERVICES
from providers.model import Reading, Status, Window
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
"""2026-11-22T09:00:00Z, when the samples were taken."""

ENDPOINTS = {service.id: KeyedUsage(service) for service in SERVICES}
HELD = Credential("key-0", "f" * 16, "canary-key", renewable=False)
ODD: Any = None


def asked(
    service: str,
    body: object,
    status: int = 200,
    memory: Mapping[str, str] | None = None,
    name: str = "usage",
) -> Asked:
    endpoint = ENDPOINTS[service]
    questions = {q.name: q for q in endpoint.questions(HELD, {}, NOW)}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return endpoint.answer(questions[name], HELD, Answer(status, {}, data, NOW), memory or {}, ODD)


def sample(name: str) -> bytes:
    return (SAMPLES / "more" / f"{name}.json").read_bytes()


def reading(service: str, name: str, memory: Mapping[str, str] | None = None) -> Reading:
    found = asked(service, sample(name), memory=memory).reading
    assert found is not None
    return found


def windows(service: str, name: str, memory: Mapping[str, str] | None = None) -> dict[str, Window]:
    return {w.id: w for w in reading(service, name, memory).windows}


def test_zai_names_lie() -> None:
    """``usage`` is the limit: 128 of 1000 searches; hours and weeks by their percentage."""
    found = windows("zai", "zai_credit")
    assert (found["5h"].used_percent, found["7d"].used_percent) == (34, 61)
    assert (found["5h"].resets_at, found["7d"].resets_at) == (1_795_346_400, 1_795_651_200)
    search = found["month:search"]
    assert (search.used, search.limit, search.used_percent) == (128, 1000, 12.8)
    assert reading("zai", "zai_credit", {"plan": "GLM Max"}).plan == "GLM Max"
    assert reading("zai", "zai_credit").plan == "Pro"


def test_zai_untouched_and_unknown() -> None:
    """A window that was not begun has no reset; a kind that nobody knows is left out."""
    found = windows("zai", "zai_legacy_tokens")
    assert list(found) == ["5h"]
    assert (found["5h"].used_percent, found["5h"].resets_at) == (0, None)


def test_zai_plan_name() -> None:
    """Asked for once a day; without it the level stands in."""
    side = asked("zai", sample("zai_subscription_list"), name="side")
    assert side.memory is not None
    assert side.memory["plan"] == "GLM Coding Example Pro"
    assert [q.name for q in ENDPOINTS["zai"].questions(HELD, side.memory, NOW + 3600)] == ["usage"]


@pytest.mark.parametrize(
    ("service", "name", "status"),
    [
        ("zai", "zai_no_plan", Status.UNSUBSCRIBED),
        ("minimax", "minimax_error_in_200", Status.EXPIRED),
    ],
)
def test_errors_inside_a_200(service: str, name: str, status: Status) -> None:
    """A good key without a plan is not a bad key; a bad key is one, whatever the status says."""
    found = asked(service, sample(name))
    assert (found.outcome, found.status, found.reading) == (AskOutcome.REFUSED, status, None)


def test_openrouter_balance_and_limit() -> None:
    """The balance is bought minus used; the key's own limit is a bar."""
    side = asked("openrouter", sample("openrouter_credits"), name="side")
    found = windows("openrouter", "openrouter_key", side.memory)
    assert (found["credits"].remaining, found["credits"].unit) == (12.5875, "USD")
    assert found["credits"].used_percent is None
    assert found["month:key"].used_percent == pytest.approx(63.75)


def test_openrouter_without_credits_shows_what_the_key_says() -> None:
    """Some keys may not see the balance; no limit is no bar."""
    side = asked("openrouter", sample("openrouter_error_401"), 401, name="side")
    assert side.outcome is AskOutcome.ANSWERED
    found = windows("openrouter", "openrouter_key_no_limit", side.memory)
    assert list(found) == ["spend"]
    assert found["spend"].used_percent is None
    assert "credits" not in windows("openrouter", "openrouter_key", side.memory)


def test_kimi_reads_numbers_in_texts() -> None:
    """Weekly and five hours, also where only the rest is said."""
    found = windows("kimi", "kimi_usages")
    assert found["7d"].used_percent == pytest.approx(34.18, abs=0.01)
    assert (found["5h"].used, found["5h"].used_percent) == (49, 24.5)
    assert found["5h"].resets_at == 1_795_348_800.5
    assert reading("kimi", "kimi_usages").plan == "Intermediate"


def test_minimax_percent_and_counts() -> None:
    """Percentages are what is left, and so are the "usage" counts; lanes of no plan are dropped."""
    found = windows("minimax", "minimax_percent")
    assert {k: w.used_percent for k, w in found.items()} == {"5h": 4, "7d": 29}
    counted = windows("minimax", "minimax_counts_remaining")
    assert counted["5h"].used_percent == pytest.approx(8.2)
    assert "7d" not in counted


def test_balances_are_no_bars() -> None:
    """Money without a percentage; an empty second currency is hidden, a deficit is said."""
    (deepseek,) = reading("deepseek", "deepseek_balance").windows
    assert (deepseek.remaining, deepseek.unit, deepseek.used_percent) == (18.42, "USD", None)
    (moonshot,) = reading("moonshot", "moonshot_balance").windows
    assert moonshot.remaining == 12.5
    assert "in deficit" in moonshot.note
    blocked = asked("deepseek", {"is_available": False, "balance_infos": [
        {"currency": "USD", "total_balance": "0"}, {"currency": "CNY", "total_balance": "0"}]})  # fmt: skip
    assert blocked.reading is not None
    assert "blocked" in blocked.reading.windows[0].note


def test_synthetic_refills_in_ticks() -> None:
    """A quota that refills by and by has no reset; when the next part of it comes is known."""
    found = windows("synthetic", "synthetic_quotas")
    assert (found["5h"].used_percent, found["5h"].resets_at) == (17.5, None)
    assert found["7d"].used_percent == pytest.approx(36.8)
    assert found["7d"].resets_at is None
    assert (found["5h"].refills_at, found["5h"].refill_percent) == (1_795_338_720, 5)
    assert (found["7d"].refills_at, found["7d"].refill_percent) == (1_795_341_600, 2)
    assert found["hour:search"].used_percent == 4.8


@pytest.mark.parametrize("service", list(ENDPOINTS))
@pytest.mark.parametrize(
    ("status", "outcome", "state"),
    [
        (401, AskOutcome.REFUSED, Status.EXPIRED),
        (403, AskOutcome.REFUSED, Status.EXPIRED),
        (402, AskOutcome.REFUSED, Status.UNSUBSCRIBED),
        (404, AskOutcome.TROUBLE, Status.ERROR),
    ],
)
def test_broken_keys(service: str, status: int, outcome: AskOutcome, state: Status) -> None:
    """Told apart by status, with the command that mends it, and never a figure."""
    found = asked(service, {"error": "x"}, status)
    assert (found.outcome, found.status, found.reading) == (outcome, state, None)
    assert state is not Status.EXPIRED or f"quotadeck key set {service}" in found.message


def test_each_row_has_a_reader_and_a_name_in_the_registry() -> None:
    """A row without one would be a panel without figures."""
    ids = [service.id for service in SERVICES]
    assert tuple(ids) == providers.KEYED
    assert set(USAGES) == set(ids)
    assert set(SIDES) == {service.id for service in SERVICES if service.side}
    marks = [providers.load(name).descriptor.mark for name in providers.PROVIDERS]
    assert len(set(marks)) == len(marks)


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["data", "limits", "type", "unit", "number", "usage", "limit", "limit_remaining", "detail", "window",
     "duration", "timeUnit", "base_resp", "status_code", "model_remains", "balance_infos", "currency",
     "total_balance", "available_balance", "cash_balance", "rollingFiveHourLimit", "max", "remaining",
     "weeklyTokenLimit", "percentRemaining", "search", "hourly", "requests", "user", "membership"]
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=15
)


@given(st.sampled_from(list(ENDPOINTS)), _TREES, st.sampled_from(["usage", "side"]))
def test_odd_answers_never_raise(service: str, tree: object, name: str) -> None:
    """Any shape is a reading without nonsense or an error."""
    if name == "side" and service not in SIDES:
        return
    found = asked(service, tree, name=name)
    for window in found.reading.windows if found.reading else ():
        assert window.used_percent is None or window.used_percent >= 0
        assert window.id
