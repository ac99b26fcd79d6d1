"""Each answer of the usage endpoint reads as the samples' index says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Unparseable
from providers.codex.usage import parse_usage
from providers.model import ABSURD_PERCENT, Reading
from tests.conftest import SAMPLES

NOW = 1_800_000_000.0
FIRST = "11111111-1111-4111-8111-111111111111/user-EXAMPLE-A"
SECOND = "22222222-2222-4222-8222-222222222222/user-EXAMPLE-B"
TEAM = "22222222-2222-4222-8222-222222222222/user-EXAMPLE-T"
Row = tuple[float | None, float | None]

USAGE: dict[str, tuple[str, str | None, dict[str, Row]]] = {
    "plus": ("Plus", FIRST, {"5h": (37, 1_800_007_200), "7d": (61, 1_800_300_000)}),
    "prolite-spark-credits": (
        "Pro 5x",
        FIRST,
        {
            "5h": (12, 1_800_009_000),
            "7d": (4, 1_800_500_000),
            "7d:code-review": (5, 1_800_500_000),
            "5h:gpt-5.3-codex-spark": (70, 1_800_003_600),
            "7d:gpt-5.3-codex-spark": (20, 1_800_400_000),
            "credits": (None, None),
            "resets": (None, None),
        },
    ),
    "limit-reached": ("Plus", FIRST, {"5h": (100, 1_800_005_400), "7d": (88, 1_800_200_000)}),
    "weekly-in-primary": ("Plus", FIRST, {"7d": (5, 1_800_300_000)}),
    "free-monthly": ("Free", FIRST, {"month": (42, 1_801_200_000)}),
    "team-monthly": ("Team", TEAM, {"month": (33, 1_802_500_000)}),
    "business-spend-control": (
        "Business",
        SECOND,
        {"5h": (2, 1_800_016_000), "7d": (9, 1_800_450_000), "month:allowance": (25, 1_801_440_000)},
    ),
    "credit-metered": ("Business", None, {"month:allowance": (pytest.approx(25.0025), 1_801_440_000)}),
    "enterprise-no-windows": ("Enterprise Cbp Usage Based", FIRST, {"credits": (None, None)}),
    "nulls": ("Zzz Future Plan", None, {}),
    "zero-window": ("Plus", FIRST, {"5h": (0, None)}),
}


def load(name: str) -> Any:
    return json.loads((SAMPLES / f"codex/wham-usage.{name}.json").read_bytes())


def read(name: str) -> Reading:
    return parse_usage(load(name), observed_at=NOW, now=NOW)


@pytest.mark.parametrize("name", USAGE)
def test_each_answer(name: str) -> None:
    """Plan, identity, and every window with its percentage and reset; none besides."""
    reading = read(name)
    plan, account, rows = USAGE[name]
    assert (reading.plan, reading.account, reading.complete) == (plan, account, True)
    assert {w.id: (w.used_percent, w.resets_at) for w in reading.windows} == rows


def test_amounts_without_a_percentage() -> None:
    """Credits are counted, unlimited ones said so, an allowance has its used and limit."""
    spark = {w.id: w for w in read("prolite-spark-credits").windows}
    assert (spark["credits"].remaining, spark["credits"].unit) == (250, "credits")
    assert spark["5h:gpt-5.3-codex-spark"].label == "5 h Spark"
    assert [w.note for w in read("enterprise-no-windows").windows] == ["unlimited"]
    month = read("credit-metered").windows[0]
    assert (month.used, month.limit, month.unit) == (2500.25, 10_000, "credits")


@pytest.mark.parametrize("name", ["401-detail", "401-expired"])
def test_an_error_is_no_answer(name: str) -> None:
    """What the service says instead of figures is not an account without windows."""
    with pytest.raises(Unparseable):
        read(name)


def test_one_bad_element_does_not_drop_its_siblings() -> None:
    """Nulls, numbers and lists where objects belong are passed over."""
    body = load("prolite-spark-credits")
    whole = {w.id for w in read("prolite-spark-credits").windows}
    body["additional_rate_limits"] = [
        None,
        3,
        {"limit_name": [], "rate_limit": 1},
        *body["additional_rate_limits"],
    ]
    body["code_review_rate_limit"] = [1]
    reading = parse_usage(body, observed_at=NOW, now=NOW)
    assert {w.id for w in reading.windows} == whole - {"7d:code-review"}


def test_two_windows_of_one_length_are_one() -> None:
    """A weekly window in both slots is one row, the primary slot's."""
    body = load("plus")
    body["rate_limit"]["primary_window"]["limit_window_seconds"] = 604_800
    windows = parse_usage(body, observed_at=NOW, now=NOW).windows
    assert [(w.id, w.used_percent) for w in windows] == [("7d", 37)]


_ANY = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12) | st.just([1])
_LIMITS = st.fixed_dictionaries(
    {},
    optional={
        slot: _ANY
        | st.fixed_dictionaries(
            {"used_percent": _ANY}, optional={"limit_window_seconds": _ANY, "reset_at": _ANY}
        )
        for slot in ("primary_window", "secondary_window")
    },
)
_SPEND = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("used", "limit", "used_percent", "reset_at"), _ANY)
)
_BODIES = _ANY | st.fixed_dictionaries(
    {"rate_limit": _LIMITS | _ANY},
    optional={
        "plan_type": _ANY,
        "account_id": _ANY,
        "user_id": _ANY,
        "code_review_rate_limit": _LIMITS,
        "additional_rate_limits": _ANY
        | st.lists(_ANY | st.fixed_dictionaries({"limit_name": _ANY, "rate_limit": _LIMITS}), max_size=3),
        "credits": _ANY | st.fixed_dictionaries({"has_credits": _ANY, "balance": _ANY, "unlimited": _ANY}),
        "spend_control": _ANY | st.fixed_dictionaries({"individual_limit": _SPEND | _ANY}),
    },
)


@given(_BODIES)
def test_hostile_answers(body: object) -> None:
    """Any document is refused or read, with percentages in range and one window an id."""
    try:
        reading = parse_usage(body, observed_at=NOW, now=NOW)
    except Unparseable:
        return
    ids = [w.id for w in reading.windows]
    assert len(ids) == len(set(ids))
    for window in reading.windows:
        assert window.used_percent is None or 0 <= window.used_percent <= ABSURD_PERCENT
        assert window.label.isprintable()
