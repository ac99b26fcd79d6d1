"""Claude's usage endpoint: what is asked with which login, and what the answers mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential, NotAsked, Question
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.claude.endpoint import ENDPOINT, PROFILE, USAGE
from providers.engine.answers import shared_meaning
from providers.engine.values import load_json
from providers.model import ABSURD_PERCENT, Source, Status
from tests.conftest import SAMPLES

NOW = 1_795_327_200.0
"""2026-11-22T06:00Z, as the samples say."""
FOLDER = SAMPLES / "claude"
MAX = "11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222"
TEAM = "33333333-3333-4333-8333-333333333333/44444444-4444-4444-8444-444444444444"
SECRET = "sk-ant-oat01-CANARY"
CONFIG = (FOLDER / "claude_json.max20x.json").read_bytes()


def files(credentials: bytes | None, config: bytes | None = CONFIG) -> dict[str, Found]:
    held = {".credentials.json": credentials, ".claude.json": config}
    a, b = (None if d is None else FileBytes(Path("/h") / n, d, NOW) for n, d in held.items())
    return {"credentials": a, "config": b, "settings": None}


def credential_of(environment: Environment, found: dict[str, Found]) -> Credential | NotAsked:
    return ENDPOINT.credential(found, ReadContext(NOW, environment))


def login(**changes: object) -> bytes:
    blob = {
        "accessToken": SECRET, "refreshToken": "sk-ant-ort01-CANARY", "expiresAt": (NOW + 3600) * 1000,
        "scopes": ["user:inference", "user:profile"],
    }  # fmt: skip
    return json.dumps({"claudeAiOauth": blob | changes, "mcpOAuth": {"x": 1}}).encode()


def held(account: str = MAX, *, renewable: bool = True) -> Credential:
    return Credential(account, "f" * 16, SECRET, renewable=renewable)


def answered(
    name: str, status: int, body: bytes, credential: Credential | None = None, **memory: str
) -> Asked:
    context: Any = None
    reply = Answer(status, {}, body, NOW)
    return ENDPOINT.answer(Question(name, "/", {}), credential or held(), reply, memory, context)


def sample_error(name: str) -> tuple[int, dict[str, str], bytes]:
    document = json.loads((FOLDER / f"error.{name}.json").read_bytes())
    return document["status"], document["headers"], json.dumps(document["body"]).encode()


def test_a_login_to_ask_with(environment: Environment) -> None:
    """Account and organisation are the identity; the refresh token stays where it is."""
    found = credential_of(environment, files(login()))
    assert isinstance(found, Credential)
    assert (found.account, found.token, found.renewable) == (MAX, SECRET, True)
    assert "ort01" not in str([getattr(found, name) for name in Credential._fields])


@pytest.mark.parametrize(
    ("credentials", "config", "why"),
    [
        (None, CONFIG, "no subscription login"),
        ((FOLDER / "credentials.mcp_only.json").read_bytes(), CONFIG, "no subscription login"),
        ((FOLDER / "credentials.wiped.json").read_bytes(), CONFIG, "log in again"),
        ((FOLDER / "credentials.setup_token.json").read_bytes(), CONFIG, "setup-token"),
        ((FOLDER / "credentials.expired.json").read_bytes(), CONFIG, "renews when claude runs"),
        (login(expiresAt=(NOW - 1) * 1000), CONFIG, "renews when claude runs"),
        (login(expiresAt=(NOW - 1) * 1000, refreshToken=""), CONFIG, "ran out"),
        (login(scopes="user:inference"), CONFIG, "setup-token"),
        (login(accessToken="a\r\nX-Evil: 1"), CONFIG, "empty"),
        (login(accessToken=5), CONFIG, "empty"),
        (b"{", CONFIG, "no subscription login"),
        (login(), None, "whose login"),
        (login(), b"{}", "whose login"),
    ],
)
def test_a_login_that_is_not_asked_with(
    environment: Environment, credentials: bytes | None, config: bytes | None, why: str
) -> None:
    """One sentence each; no request could be made of it."""
    found = credential_of(environment, files(credentials, config))
    assert isinstance(found, NotAsked)
    assert why in found.reason


def test_a_file_that_may_not_be_read_says_so(environment: Environment) -> None:
    """The reason of the file is the reason."""
    found = files(None) | {"credentials": Unreadable(Path("/x"), "is a symbolic link", refused=True)}
    assert credential_of(environment, found) == NotAsked(".credentials.json is a symbolic link")


def test_the_profile_is_asked_once_for_each_token() -> None:
    """It proves whose the token is before anything is filed; each question carries the beta."""
    assert [q.path for q in ENDPOINT.questions(held(), {}, NOW)] == [PROFILE, USAGE]
    assert [q.path for q in ENDPOINT.questions(held(), {"proved": "other"}, NOW)] == [PROFILE, USAGE]
    (usage,) = ENDPOINT.questions(held(), {"proved": "f" * 16}, NOW)
    assert usage.headers["Authorization"] == f"Bearer {SECRET}"
    assert usage.headers["anthropic-beta"] == "oauth-2025-04-20"
    assert SECRET not in repr(usage) + repr(held())


@pytest.mark.parametrize(
    ("sample", "account", "plan"), [("max", MAX, "Max 20x"), ("team", TEAM, "Team (premium)")]
)
def test_the_profile_knows_the_plan(sample: str, account: str, plan: str) -> None:
    """It is newer than the login's own snapshot; a team's 5x is not Max."""
    asked = answered("profile", 200, (FOLDER / f"profile.{sample}.json").read_bytes(), held(account))
    assert asked.outcome is AskOutcome.ANSWERED
    assert asked.memory == {"proved": "f" * 16, "plan": plan}


@pytest.mark.parametrize(
    "account", [TEAM, "11111111-1111-4111-8111-111111111111/55555555-5555-4555-8555-555555555555"]
)
def test_a_foreign_login_is_not_filed(account: str) -> None:
    """Another account or another organisation than the config notes: nothing more is asked."""
    asked = answered("profile", 200, (FOLDER / "profile.max.json").read_bytes(), held(account))
    assert (asked.outcome, asked.status, asked.memory) == (AskOutcome.REFUSED, Status.ERROR, None)
    assert "another account" in asked.message


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (200, b"[]"), (200, b"x"), (400, b"")])
def test_a_profile_that_proves_nothing_is_not_asked_again(status: int, body: bytes) -> None:
    """The figures matter more than the proof."""
    asked = answered("profile", status, body)
    assert (asked.outcome, asked.memory) == (AskOutcome.ANSWERED, {"proved": "f" * 16})


@pytest.mark.parametrize("path", sorted(FOLDER.glob("usage.*.json")), ids=lambda p: p.name)
def test_every_usage_sample_is_a_complete_reading(path: Path) -> None:
    """Each body, an account without windows included, is an answer (its rows: test_samples)."""
    asked = answered("usage", 200, path.read_bytes(), plan="Max 20x")
    assert asked.outcome is AskOutcome.ANSWERED
    reading = asked.reading
    assert reading is not None
    assert (reading.account, reading.complete, reading.source) == (MAX, True, Source.ENDPOINT)
    assert (reading.plan, reading.observed_at) == ("Max 20x", NOW)


@pytest.mark.parametrize(
    ("name", "state", "says"),
    [
        ("401_expired", Status.IDLE, "renews when claude runs"),
        ("401_invalid", Status.IDLE, "renews when claude runs"),
        ("403_revoked", Status.EXPIRED, "revoked"),
        ("403_scope", Status.DENIED, "setup token"),
    ],
)
@pytest.mark.parametrize("question", ["usage", "profile"])
def test_refusals_are_told_apart(name: str, state: Status, says: str, question: str) -> None:
    """Whichever question met it: its own status and sentence, no figure, not asked again."""
    status, _, body = sample_error(name)
    asked = answered(question, status, body)
    assert (asked.outcome, asked.status, asked.reading) == (AskOutcome.REFUSED, state, None)
    assert says in asked.message


def test_without_a_refresh_token_a_refusal_means_log_in() -> None:
    """Nobody will renew that login."""
    asked = answered("usage", 401, b"{}", held(renewable=False))
    assert (asked.status, "claude auth login" in asked.message) == (Status.EXPIRED, True)


def test_another_403_is_denied() -> None:
    """Neither logged out nor a reason to log in."""
    assert answered("usage", 403, b'{"error": {"message": "no"}}').status is Status.DENIED


@pytest.mark.parametrize(
    ("name", "outcome", "wait"),
    [
        ("429_account", AskOutcome.LIMITED, 3317),
        ("429_http_date", AskOutcome.LIMITED, 3300),
        ("429_zero", AskOutcome.LIMITED, 300),
        ("529", AskOutcome.TROUBLE, None),
    ],
)
def test_limits_and_trouble_mean_the_same_everywhere(
    name: str, outcome: AskOutcome, wait: float | None
) -> None:
    """They never reach the endpoint, and none of them is a used percentage."""
    status, headers, body = sample_error(name)
    asked = shared_meaning(Answer(status, headers, body, NOW), "api.anthropic.com")
    assert asked is not None
    assert (asked.outcome, asked.wait, asked.reading) == (outcome, wait, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b'{"detail": "hello"}', b"\xff"])
def test_an_answer_of_another_kind_is_trouble(body: bytes) -> None:
    """Unexpected, said so, and no figure."""
    asked = answered("usage", 200, body)
    assert (asked.outcome, asked.status, asked.reading) == (AskOutcome.TROUBLE, Status.ERROR, None)


_LEAVES = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["five_hour", "seven_day", "limits", "utilization", "resets_at", "percent", "kind", "scope", "spend"]
)  # fmt: skip
_BODIES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=15,
)


@given(_BODIES)
def test_no_answer_is_an_exception_or_an_invented_figure(body: object) -> None:
    """Whatever comes back: percentages in range, and a 0 only where a 0 was sent."""
    data = json.dumps(body).encode()
    asked = answered("usage", 200, data)
    for window in asked.reading.windows if asked.reading else ():
        assert window.used_percent is None or 0 <= window.used_percent <= ABSURD_PERCENT
        if window.used_percent == 0:
            assert "0" in json.dumps(load_json(data))
