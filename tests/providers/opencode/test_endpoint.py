"""OpenCode Go's usage endpoint: every sample, every broken key, any bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential
from providers.engine.answers import shared_meaning
from providers.model import Status
from providers.opencode.endpoint import ENDPOINT
from tests.conftest import SAMPLES

NOW = 1_800_000_000.0
FOLDER = SAMPLES / "opencode"


def asked(body: bytes, status: int = 200) -> Asked:
    credential, context = Credential("key-0", "f" * 16, "sk-canary", renewable=False), None
    odd: Any = context
    question = ENDPOINT.questions(credential, {}, NOW)[0]
    return ENDPOINT.answer(question, credential, Answer(status, {}, body, NOW), {}, odd)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("200", {"5h": 12, "7d": 8, "month": 35}),
        ("200-august-2026-shape", {"5h": 12, "7d": 8, "month": 35}),
        ("200-one-percent", {"5h": 1, "7d": 0, "month": 1}),
        ("200-rate-limited", {"5h": 100, "7d": 64, "month": 40}),
        ("200-unstarted", {"5h": 0, "7d": 0, "month": 0}),
        ("200-unwrapped", {"5h": 4, "7d": 5, "month": 3}),
        ("200-windows-array", {"5h": 42, "7d": 61, "month": 100}),
    ],
)
def test_every_sample(name: str, figures: dict[str, float]) -> None:
    """One percent is 1 %; a full window keeps its figure; a reset is whole seconds."""
    reading = asked((FOLDER / f"go-usage.{name}.json").read_bytes()).reading
    assert reading is not None
    assert {w.id: w.used_percent for w in reading.windows} == figures
    first = reading.windows[0]
    if "unstarted" in name:
        assert first.resets_at is None
    elif "rate-limited" in name:
        assert first.resets_at == NOW + 5401
    else:
        assert first.resets_at in (NOW + 9000, NOW + 9001)


@pytest.mark.parametrize(
    ("name", "status", "outcome", "state"),
    [
        ("401", 401, AskOutcome.REFUSED, Status.EXPIRED),
        ("401-missing", 401, AskOutcome.REFUSED, Status.EXPIRED),
        ("401-string-error", 401, AskOutcome.REFUSED, Status.EXPIRED),
        ("403-entitlement", 403, AskOutcome.REFUSED, Status.UNSUBSCRIBED),
        ("401", 403, AskOutcome.REFUSED, Status.DENIED),
        ("401", 404, AskOutcome.TROUBLE, Status.ERROR),
        ("401", 200, AskOutcome.TROUBLE, Status.ERROR),
    ],
)
def test_broken_keys(name: str, status: int, outcome: AskOutcome, state: Status) -> None:
    """Each told apart, without a figure."""
    found = asked((FOLDER / f"go-usage.{name}.json").read_bytes(), status)
    assert (found.outcome, found.status, found.reading) == (outcome, state, None)


def test_an_edge_in_between_does_not_speak_of_the_key() -> None:
    """A web page with 403 is trouble that passes: the key is asked with again."""
    page = Answer(403, {"content-type": "text/html"}, (FOLDER / "go-usage.403-edge.html").read_bytes(), NOW)
    meaning = shared_meaning(page, "opencode.ai")
    assert meaning is not None
    assert (meaning.outcome, meaning.status) == (AskOutcome.TROUBLE, Status.ERROR)
    assert "web page" in meaning.message


def test_no_plan_is_no_zero() -> None:
    """The shape with a list is empty for a key without a plan."""
    assert asked(b'{"plan": "free", "windows": []}').status is Status.UNSUBSCRIBED


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["usage", "windows", "rolling", "weekly", "percent", "resetsAt", "resetInSec", "name"]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=12
)


@given(_TREES)
def test_odd_answers_never_raise(tree: object) -> None:
    """Any shape is a reading without nonsense or an error."""
    found = asked(json.dumps(tree).encode())
    for window in found.reading.windows if found.reading else ():
        assert window.used_percent is None or window.used_percent >= 0
