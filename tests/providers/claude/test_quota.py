"""The usage body where the samples do not reach: precedence, placeholders, keys nobody knows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.claude.quota import cached_reading, parse_usage
from providers.model import WEEK

NOW = 1_795_327_200.0
RESET = "2026-11-25T09:20:00Z"
NULLS = {"utilization": None, "resets_at": None}


def rows(body: object) -> dict[str, float | None]:
    return {w.id: w.used_percent for w in parse_usage(body, observed_at=NOW, now=NOW)}


def scoped(name: str, used: object, resets_at: str | None = RESET) -> dict[str, Any]:
    scope = {"model": {"id": None, "display_name": name}}
    return {"kind": "weekly_scoped", "percent": used, "resets_at": resets_at, "scope": scope}


def flat(used: object, resets_at: str | None = RESET) -> dict[str, object]:
    return {"utilization": used, "resets_at": resets_at}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"five_hour": NULLS, "seven_day": NULLS}, {}),
        ({"five_hour": NULLS, "limits": [{"kind": "session", "percent": 41}]}, {"5h": 41}),
        ({"five_hour": flat(41.4), "limits": [{"kind": "session", "percent": 41}]}, {"5h": 41.4}),
        ({"five_hour": flat(None)}, {"5h": None}),
        ({"limits": [{"kind": "session", "percent": None, "resets_at": None}]}, {}),
        ({"seven_day_opus": flat(79), "limits": [scoped("Opus", 80)]}, {"7d:opus": 80}),
        ({"seven_day_opus": flat(79), "limits": [scoped("Opus", None)]}, {"7d:opus": 79}),
        ({"seven_day_saga": flat(7), "limits": [scoped("Saga", 7)]}, {"7d:saga": 7}),
        ({"limits": [scoped("詩 II", 7), scoped("⁂", 8), {"kind": "⁂", "percent": 9}]},
         {"7d:詩-ii": 7, "7d:other": 8, "other": 9}),
        ({"limits": [scoped("Saga", 0, None), scoped("All models", 63)]}, {}),
        ({"cinder_cove": flat(5), "amber_gauge": NULLS, "tangelo": None, "flag": True, "list": [1]},
         {"cinder-cove": 5}),
        ({"five_hour": flat(float("nan")), "seven_day": flat(-1), "limits": "none"},
         {"5h": None, "7d": None}),
    ],
)  # fmt: skip
def test_precedence(body: object, expected: dict[str, float | None]) -> None:
    """A figure beats a null, the flat main windows beat limits[], a model is drawn once."""
    assert rows(body) == expected


def test_a_week_of_an_unknown_model_is_a_week() -> None:
    """No model name is needed for the id, the label and the length of its window."""
    (window,) = parse_usage({"seven_day_saga_two": flat(7)}, observed_at=NOW, now=NOW)
    assert (window.id, window.label, window.window_seconds) == ("7d:saga-two", "7 d Saga two", WEEK)


@pytest.mark.parametrize(
    ("extra", "spend", "expected"),
    [
        ({"is_enabled": False, "used_credits": 0}, None, None),
        ({"is_enabled": False, "used_credits": 250}, None, (2.5, "USD", "off")),
        ({"is_enabled": True, "used_credits": 250}, {"enabled": None}, (2.5, "USD", "")),
        ({"used_credits": 2500, "decimal_places": 3, "currency": "EUR", "is_enabled": True}, None,
         (2.5, "EUR", "")),
        ({"is_enabled": True, "used_credits": 1},
         {"enabled": True, "used": {"amount_minor": 250, "currency": "JPY", "exponent": 0}},
         (250, "JPY", "")),
        ("odd", ["odd"], None),
    ],
)  # fmt: skip
def test_money(extra: object, spend: object, expected: object) -> None:
    """Minor units in the account's currency; ``spend`` first; a null switch is not "off"."""
    found = parse_usage({"extra_usage": extra, "spend": spend}, observed_at=NOW, now=NOW)
    assert [(w.used, w.unit, w.note) for w in found] == ([expected] if expected else [])
    assert all(w.used_percent is None for w in found)


@pytest.mark.parametrize(
    ("cache", "observed_at"),
    [
        ({"accountUuid": "a", "fetchedAtMs": (NOW - 600) * 1000}, NOW - 600),
        ({"accountUuid": "a", "fetchedAtMs": (NOW + 600) * 1000}, NOW),
        ({"accountUuid": "a"}, NOW - 5),
        ({"accountUuid": "b", "fetchedAtMs": NOW * 1000}, None),
        ({"fetchedAtMs": NOW * 1000}, None),
    ],
)
def test_the_cache_is_of_its_own_account(cache: dict[str, object], observed_at: float | None) -> None:
    """Another's, or nobody's, is passed over; its age is its own, never in the future."""
    config = {
        "oauthAccount": {"accountUuid": "a", "organizationUuid": "o"},
        "cachedUsageUtilization": {"utilization": {"five_hour": flat(5)}, **cache},
    }
    reading = cached_reading(config, "config", NOW - 5, NOW)
    assert (reading.observed_at if reading else None) == observed_at
    assert (reading.account if reading else "a/o") == "a/o"


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8)
_KEYS = st.sampled_from(
    ["five_hour", "limits", "utilization", "resets_at", "kind", "percent", "scope", "model",
     "extra_usage", "spend", "used", "used_credits", "amount_minor", "exponent", "limit", "enabled"]
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(_TREES)
def test_no_shape_raises(body: object) -> None:
    """Whatever the body is, there are windows with sound figures, or none."""
    for window in parse_usage(body, observed_at=NOW, now=NOW):
        assert window.used_percent is None or 0 <= window.used_percent <= 10_000
        assert window.id.strip(":")
        assert window.label.isprintable()
