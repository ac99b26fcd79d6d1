"""What a token endpoint of Claude may answer, and what is made of it."""

from __future__ import annotations

import json

import pytest

from providers.accounts.login import Login
from providers.accounts.renewal import Renewed, Spent, Unclear
from providers.accounts.secret import Secret
from providers.asking import Answer
from providers.base import Environment
from providers.claude.renewing import CLIENT, LIFE, RENEWING
from providers.claude.store import ClaudeStore

NOW = 1_795_330_000.0
BLOB = {
    "accessToken": "sk-ant-oat01-CANARY", "refreshToken": "sk-ant-ort01-CANARY", "expiresAt": NOW * 1000,
    "scopes": ["user:profile"], "odd": [1],
}  # fmt: skip
ACCOUNT = {"accountUuid": "acc-a", "organizationUuid": "org-a"}


@pytest.fixture
def login(environment: Environment) -> Login:
    payload = {"credentials": {"claudeAiOauth": BLOB, "trustedDeviceToken": "x"}, "oauthAccount": ACCOUNT}
    found = ClaudeStore(environment).opened(Secret(json.dumps(payload)))
    assert found is not None
    return found


def answered(login: Login, body: object, status: int = 200) -> Renewed | Spent | Unclear:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RENEWING.answer(login, Answer(status, {}, data, NOW))


def blob_of(outcome: object) -> dict[str, object]:
    assert isinstance(outcome, Renewed)
    assert "CANARY" not in repr(outcome)
    found: dict[str, object] = json.loads(outcome.payload.reveal())["credentials"]["claudeAiOauth"]
    return found


def test_the_question(login: Login) -> None:
    """A POST with the client's public id, or the login's own; no secret in its repr."""
    question = RENEWING.question(login)
    assert question.method == "POST"
    assert json.loads(question.body or b"")["client_id"] == CLIENT
    assert "CANARY" not in repr(question)
    own = login.payload.reveal().replace('"odd"', '"clientId":"own","odd"')
    assert json.loads(RENEWING.question(Login("claude", "x", Secret(own))).body or b"")["client_id"] == "own"


def test_a_successor(login: Login) -> None:
    """What is new replaces what was; the rest stays to the byte."""
    body = {"access_token": "n1", "refresh_token": "n2", "expires_in": 100, "refresh_token_expires_in": 900}
    assert blob_of(answered(login, body)) == BLOB | {
        "accessToken": "n1", "refreshToken": "n2", "expiresAt": (NOW + 100) * 1000,
        "refreshTokenExpiresAt": (NOW + 900) * 1000,
    }  # fmt: skip


@pytest.mark.parametrize("life", [None, 0, -5, "x", 1e300, True, [], {}])
def test_a_life_that_is_none(login: Login, life: object) -> None:
    """Then eight hours, as ever."""
    blob = blob_of(answered(login, {"access_token": "n1", "expires_in": life}))
    assert blob["expiresAt"] == (NOW + LIFE) * 1000
    assert blob["refreshToken"] == BLOB["refreshToken"]


def test_a_successor_never_seems_older(login: Login, environment: Environment) -> None:
    """A clock that was set back must not file it behind the login that is spent."""
    data = json.dumps({"access_token": "n1", "refresh_token": "n2", "expires_in": 60}).encode()
    outcome = RENEWING.answer(login, Answer(200, {}, data, NOW - 90_000))
    assert isinstance(outcome, Renewed)
    fresh = ClaudeStore(environment).opened(outcome.payload)
    assert fresh is not None
    assert fresh.issued > login.issued


@pytest.mark.parametrize("status", [400, 401, 403])
def test_dead(login: Login, status: int) -> None:
    """Exactly the top-level word, and on these."""
    assert answered(login, {"error": "invalid_grant"}, status) == Spent()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"error": "invalid_grant"}),
        (404, {"error": "invalid_grant"}),
        (400, {"error": "invalid_client"}),
        (400, {"error": {"type": "invalid_grant"}}),
        (400, {"message": "invalid_grant"}),
        (400, b"invalid_grant"),
        (400, []),
        (400, {"error": ["invalid_grant"]}),
        (200, {}),
        (200, b""),
        (200, {"access_token": None}),
        (200, {"access_token": "a b"}),
        (200, b"\xff" * 9),
        (200, b"[" * 9000),
    ],
)
def test_not_dead(login: Login, status: int, body: object) -> None:
    """Anything else is no word about the login, and quotes nothing of the answer."""
    outcome = answered(login, body, status)
    assert isinstance(outcome, Unclear)
    assert outcome.sentence.isprintable()


def test_another_account(login: Login) -> None:
    """Either half that differs; what is not named does not contradict."""
    for named, stranger in (
        ({}, False), ({"account": {"uuid": "acc-a"}}, False), ({"account": {"uuid": "acc-b"}}, True),
        ({"organization": {"uuid": "org-b"}}, True), ({"account": "x"}, False),
    ):  # fmt: skip
        outcome = answered(login, {"access_token": "n1", **named})
        assert isinstance(outcome, Renewed)
        assert outcome.stranger is stranger
