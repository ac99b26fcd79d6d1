"""Code Assist: every sample, the shutdown of 2026-06, every broken login, any bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential
from providers.gemini.endpoint import ENDPOINT, LOAD, QUOTA
from providers.model import Reading, Status
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
RESET = 1_795_417_200.0
HELD = Credential("sub-1", "f" * 16, "canary", {"project": "", "workspace": ""})
LAPSED = Credential(
    "sub-1", "e" * 16, "old",
    {"refresh_token": "canary-refresh", "client_id": "id", "client_secret": "secret"}, lapsed=True,
)  # fmt: skip
ODD: Any = None


def sample(name: str) -> bytes:
    return (SAMPLES / "gemini" / f"{name}.json").read_bytes()


def asked(
    name: str,
    body: object,
    status: int = 200,
    memory: Mapping[str, str] | None = None,
    credential: Credential = HELD,
) -> Asked:
    questions = {q.name: q for held in (HELD, LAPSED) for q in ENDPOINT.questions(held, {}, NOW)}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ENDPOINT.answer(questions[name], credential, Answer(status, {}, data, NOW), memory or {}, ODD)


def remembered(name: str, workspace: str = "") -> Mapping[str, str]:
    memory = asked("load", sample(name), credential=_workspace(workspace)).memory
    assert memory is not None
    return memory


def _workspace(value: str) -> Credential:
    return Credential("sub-1", "f" * 16, "canary", {"project": "", "workspace": value})


def reading(name: str, memory: Mapping[str, str] | None = None) -> Reading:
    found = asked("quota", sample(name), memory=memory).reading
    assert found is not None
    return found


def test_families_of_models() -> None:
    """Of each the model with least left; what is reported is what is left."""
    found = {w.id: w for w in reading("retrieveUserQuota_normal").windows}
    assert {k: pytest.approx(w.used_percent) for k, w in found.items()} == {
        "day:pro": 59, "day:flash": 4.2, "day:flash-lite": 0.8,
    }  # fmt: skip
    assert (found["day:pro"].limit, found["day:pro"].used) == (1500, 885)
    assert {w.resets_at for w in found.values()} == {RESET}
    full = reading("retrieveUserQuota_full_no_amount").windows
    assert [(w.used_percent, w.limit) for w in full] == [(0, None)] * 3


def test_a_missing_fraction_is_neither_full_nor_empty() -> None:
    """It is left out; a reset of 1970 is none; a bucket without a name is skipped."""
    found = {w.id: w for w in reading("retrieveUserQuota_exhausted_missing_fraction").windows}
    assert {k: pytest.approx(w.used_percent) for k, w in found.items()} == {
        "day:pro": 100, "day:flash": 70, "day:other": 25,
    }  # fmt: skip
    assert found["day:flash"].resets_at is None
    (none,) = reading("retrieveUserQuota_empty").windows
    assert none.note == "no quota reported"


@pytest.mark.parametrize(
    ("name", "workspace", "plan", "project"),
    [
        ("loadCodeAssist_standard", "", "Paid", "example-team-001"),
        ("loadCodeAssist_paid_credits", "", "Gemini Code Assist in Google One AI Pro", "example-one-002"),
        ("loadCodeAssist_free_workspace", "1", "Workspace", "example-ws-003"),
        ("loadCodeAssist_free_workspace", "", "Free", "example-ws-003"),
    ],
)
def test_who_the_account_is(name: str, workspace: str, plan: str, project: str) -> None:
    """Plan and project are remembered for hours; the project goes with the next question."""
    memory = remembered(name, workspace)
    assert (memory["plan"], memory["project"]) == (plan, project)
    (quota,) = ENDPOINT.questions(HELD, memory, NOW + 60)
    assert json.loads(quota.body or b"") == {"project": project}
    assert reading("retrieveUserQuota_normal", memory).plan == plan


def test_credits_are_a_balance() -> None:
    """Of Google One, as a text in the answer."""
    windows = reading("retrieveUserQuota_normal", remembered("loadCodeAssist_paid_credits")).windows
    assert next(w for w in windows if w.id == "credits").remaining == 742


def test_the_shutdown_arrives_in_a_good_answer() -> None:
    """The sign, then a mute 403: moved.  The sign, then figures: normal.  No sign: forbidden."""
    ended = remembered("loadCodeAssist_consumer_shutdown")
    moved = asked("quota", sample("error_403_plain"), 403, ended)
    assert (moved.outcome, moved.status) == (AskOutcome.REFUSED, Status.UNSUBSCRIBED)
    assert "Antigravity" in moved.message
    assert reading("retrieveUserQuota_normal", ended).windows[0].id == "day:pro"
    for memory in (
        remembered("loadCodeAssist_standard"),
        remembered("loadCodeAssist_consumer_shutdown", workspace="1"),
    ):
        assert asked("quota", sample("error_403_plain"), 403, memory).status is Status.DENIED


@pytest.mark.parametrize(
    ("name", "file", "status", "state", "says"),
    [
        ("quota", "error_401", 401, Status.IDLE, "renews when gemini runs"),
        ("quota", "error_403_unsupported_client_body", 403, Status.UNSUBSCRIBED, "Antigravity"),
        ("quota", "error_403_validation", 403, Status.DENIED, "https://example.com/validate"),
        ("load", "loadCodeAssist_validation_required", 200, Status.DENIED, "https://example.com/validate"),
        ("renew", "token_refresh_invalid_grant", 400, Status.EXPIRED, "log in again"),
        ("renew", "token_refresh_invalid_client", 401, Status.IDLE, "run gemini once"),
        ("renew", "error_403_unsupported_client_body", 400, Status.UNSUBSCRIBED, "Antigravity"),
    ],
)
def test_broken_logins(name: str, file: str, status: int, state: Status, says: str) -> None:
    """Each told apart, without a figure."""
    found = asked(name, sample(file), status)
    assert (found.outcome, found.status, found.reading) == (AskOutcome.REFUSED, state, None)
    assert says in found.message


def test_renewing_asks_only_for_that() -> None:
    """A lapsed token is in no header; the refresh token goes to Google's token host alone."""
    (renew,) = ENDPOINT.questions(LAPSED, {}, NOW)
    assert (renew.site, renew.path, renew.method) == (1, "/token", "POST")
    assert "Authorization" not in renew.headers
    assert b"refresh_token=canary-refresh" in (renew.body or b"")
    assert "canary" not in repr(renew) + repr(LAPSED)
    assert ENDPOINT.sites[1].host == "oauth2.googleapis.com"
    found = asked("renew", sample("token_refresh_ok"))
    assert found.outcome is AskOutcome.RENEWED
    assert found.renewal == {"access_token": "ya29.EXAMPLE-NEW", "expiry_date": "1795341599000"}
    assert "EXAMPLE" not in repr(found)


def test_what_is_asked_is_declared() -> None:
    """Both questions at the first host; the metadata names no other program."""
    load, quota = ENDPOINT.questions(HELD, {}, NOW)
    assert [f"{q.method} {q.path}" for q in (quota, load)] == list(ENDPOINT.sites[0].calls)
    assert (load.path, quota.path) == (LOAD, QUOTA)
    chosen = Credential("s", "f", "t", {"project": "team-9", "workspace": ""})
    load, quota = ENDPOINT.questions(chosen, {"project": "other"}, NOW)
    assert json.loads(quota.body or b"") == {"project": "team-9"}
    assert json.loads(load.body or b"")["cloudaicompanionProject"] == "team-9"


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["buckets", "modelId", "remainingFraction", "remainingAmount", "resetTime", "currentTier", "id",
     "paidTier", "name", "availableCredits", "creditType", "creditAmount", "ineligibleTiers", "reasonCode",
     "cloudaicompanionProject", "error", "details", "reason", "metadata", "access_token", "expires_in"]
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=15
)


@given(st.sampled_from(["load", "quota", "renew"]), _TREES, st.sampled_from([200, 400, 401, 403, 404]))
def test_odd_answers_never_raise(name: str, tree: object, status: int) -> None:
    """Any shape is a reading without nonsense or an error."""
    found = asked(name, tree, status)
    for window in found.reading.windows if found.reading else ():
        assert window.used_percent is None or 0 <= window.used_percent <= 100
