"""Cursor's endpoints: every sample, both families, every broken session, any bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential
from providers.cursor import quota
from providers.cursor.endpoint import ENDPOINT, GRANTS, PERIOD
from providers.model import Reading, Status, Window
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
RESET = 1_796_461_964.0
HELD = Credential("auth0|user_EXAMPLE01", "f" * 16, "canary.token", renewable=True)
ODD: Any = None
RECENT = {f"{name}_at": f"{NOW}" for name in ("me", "legacy", "grok", "stripe", "grants", "plan")}


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / "cursor" / f"{name}.json").read_bytes())
    return found


def asked(name: str, body: object, status: int = 200, memory: Mapping[str, str] | None = None) -> Asked:
    questions = {q.name: q for due in ({}, {**RECENT, "grok_at": "0"}, {**RECENT, "stripe_at": "0"},
                                       {**RECENT, "grants_at": "0"}, {**RECENT, "plan_at": "0"})
                 for q in ENDPOINT.questions(HELD, due, NOW)}  # fmt: skip
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ENDPOINT.answer(questions[name], HELD, Answer(status, {}, data, NOW), memory or {}, ODD)


def reading(name: str, memory: Mapping[str, str] | None = None) -> Reading:
    found = asked("summary", sample(name), memory=memory).reading
    assert found is not None
    return found


def rows(found: Reading) -> dict[str, Window]:
    return {w.id: w for w in found.windows}


def shares(found: Reading) -> dict[str, float | None]:
    return {w.id: w.used_percent for w in found.windows}


def test_the_pools_beside_the_blend() -> None:
    """The total looks harmless while one pool is empty: all are shown, with the money."""
    found = reading("usage_summary_pro")
    assert shares(found) == {"month": 61.25, "month:cursor": 20, "month:third-party": 100, "spend": 6.5}
    month, spend = rows(found)["month"], rows(found)["spend"]
    assert (month.used, month.limit, month.unit, month.resets_at) == (14.6, 20, "USD", RESET)
    assert (spend.used, spend.limit, spend.label) == (3.25, 50, "on-demand")
    assert found.plan == "Pro"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("usage_summary_pro_low", {"month": 0.36, "month:cursor": 0.36, "month:third-party": 0}),
        ("usage_summary_free", {"month": 45.5, "month:cursor": 45.5}),
        ("usage_summary_enterprise_overall_pooled", {"month": 73.5}),
        (
            "usage_summary_enterprise_percent_ondemand",
            {"month": 22.75, "month:cursor": 12.5, "month:third-party": 33, "spend": 4.5},
        ),
        (
            "usage_summary_team_ondemand",
            {"month": 100, "month:cursor": 88, "month:third-party": 100, "spend": pytest.approx(36.84)},
        ),
        ("usage_summary_unlimited", {"month": None}),
    ],
)
def test_every_summary(name: str, expected: dict[str, float | None]) -> None:
    """Percentages are percentages; a rung of the ladder without a limit is stepped over."""
    assert shares(reading(name)) == expected


def test_details_of_the_summaries() -> None:
    """No money where the limit is 0; a team's pool is called one; unlimited is no bar."""
    assert rows(reading("usage_summary_free"))["month"].limit is None
    team = rows(reading("usage_summary_team_ondemand"))["spend"]
    assert (team.label, team.used, team.limit) == ("on-demand, team", 1842, 5000)
    assert rows(reading("usage_summary_unlimited"))["month"].note == "unlimited"
    assert reading("usage_summary_pro_low").plan == "Pro+"


def test_a_request_plan_hides_the_pools() -> None:
    """231 of 500; the zeros of the old counter on a newer plan mean nothing."""
    memory = asked("legacy", sample("usage_legacy_request_plan")).memory
    found = rows(reading("usage_summary_pro", memory))
    assert (found["month"].label, found["month"].used, found["month"].limit) == ("requests", 231, 500)
    assert found["month"].resets_at == RESET
    assert set(found) == {"month", "spend"}
    modern = asked("legacy", sample("usage_legacy_modern_zero")).memory
    assert modern is not None
    assert modern["legacy"] == ""


def test_what_stands_beside_the_figures() -> None:
    """Credit, the Grok bot, granted credit: from memory, until their reset."""
    memory: dict[str, str] = {}
    for name, file in (("grok", "sand_usage"), ("stripe", "stripe"), ("grants", "credit_grants")):
        kept = asked(name, sample(file), memory=memory).memory
        assert kept is not None
        memory = dict(kept)
    found = rows(reading("usage_summary_pro_low", memory))
    assert (found["7d:grok"].used_percent, found["7d:grok"].resets_at) == (37.5, 1_795_478_400)
    assert found["credits:account"].remaining == 15
    assert (found["credits"].remaining, found["credits"].limit) == (37.75, 50)
    kept = asked("grok", sample("sand_usage_none")).memory
    assert kept is not None
    assert kept["grok"] == ""


def test_the_second_family() -> None:
    """Asked where cursor.com does not let the session in; dates are milliseconds in texts."""
    assert asked("summary", sample("error_401"), 401).outcome is AskOutcome.ANSWERED
    found = asked("period", sample("get_current_period_usage")).reading
    assert found is not None
    assert shares(found) == {"month": 61.25, "month:cursor": 20, "month:third-party": 100, "spend": 6.5}
    assert rows(found)["month"].resets_at == RESET
    dropped = asked("period", sample("get_current_period_usage_defaults_dropped")).reading
    assert dropped is not None
    assert shares(dropped) == {"month": 0}
    bare = asked("period", sample("get_current_period_usage_enterprise"))
    assert (bare.reading, bare.status) == (None, Status.UNSUBSCRIBED)
    plan = asked("plan", sample("plan_info")).memory
    assert plan is not None
    assert plan["included"] == "2000"
    without = {"planUsage": {"includedSpend": 500}, "billingCycleEnd": "1796461964000"}
    assert quota.period(without, NOW) is None
    (month,) = quota.period(without, NOW, 2000) or ()
    assert (month.used_percent, month.limit) == (0, 20)


@pytest.mark.parametrize("name", ["error_401", "error_connect_unauthenticated"])
def test_a_dead_session(name: str) -> None:
    """Refused by both families: nothing more is sent with this token."""
    found = asked("period", sample(name), 401)
    assert (found.outcome, found.status, found.reading) == (AskOutcome.REFUSED, Status.IDLE, None)
    assert "cursor-agent login" in found.message


def test_the_session_of_somebody_else_is_not_filed() -> None:
    """auth/me names another subject than the token."""
    good = asked("me", sample("auth_me"))
    assert good.outcome is AskOutcome.ANSWERED
    other = asked("me", {**sample("auth_me"), "sub": "auth0|user_X"})
    assert (other.outcome, other.status) == (AskOutcome.REFUSED, Status.ERROR)


def test_questions_and_their_sites() -> None:
    """Two beside the figures at most; POSTs with an origin; the bearer at the second host only."""
    first = ENDPOINT.questions(HELD, {}, NOW)
    assert [q.name for q in first] == ["me", "legacy", "summary", "period"]
    assert [q.name for q in ENDPOINT.questions(HELD, RECENT, NOW)] == ["summary", "period"]
    for question in (q for memory in ({}, {**RECENT, "grok_at": "0"}, {**RECENT, "grants_at": "0"})
                     for q in ENDPOINT.questions(HELD, memory, NOW)):  # fmt: skip
        call = f"{question.method} {question.path.partition('?')[0]}"
        assert call in ENDPOINT.sites[question.site].calls
        assert ("Authorization" in question.headers) == (question.path in (PERIOD, GRANTS))
        assert question.method == "GET" or question.site == 1 or "Origin" in question.headers
    legacy = next(q for q in first if q.name == "legacy")
    assert legacy.path == "/api/usage?user=user_EXAMPLE01"


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["individualUsage", "plan", "planUsage", "totalPercentUsed", "autoPercentUsed", "used", "limit",
     "onDemand", "teamUsage", "membershipType", "billingCycleEnd", "gpt-4", "maxRequestUsage",
     "numRequests", "startOfMonth", "usagePercent", "hasNonZeroIncludedLimit", "customerBalance",
     "totalCents", "usedCents", "hasCreditGrants", "planInfo", "includedAmountCents", "spendLimitUsage"]
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=15
)


@given(st.sampled_from(["me", "legacy", "grok", "stripe", "grants", "plan", "summary", "period"]), _TREES)
def test_odd_answers_never_raise(name: str, tree: object) -> None:
    """Any shape is a reading without nonsense, a memory, or an error."""
    found = asked(name, tree)
    for window in found.reading.windows if found.reading else ():
        assert window.used_percent is None or window.used_percent >= 0
    if found.memory is not None:
        asked("summary", sample("usage_summary_pro"), memory=found.memory)


@given(
    st.dictionaries(st.sampled_from(["legacy", "grok", "grants", "owed", "included"]), st.text(max_size=30))
)
def test_odd_memory_never_raises(memory: dict[str, str]) -> None:
    """The state folder may hold anything."""
    asked("summary", sample("usage_summary_pro"), memory=memory)
