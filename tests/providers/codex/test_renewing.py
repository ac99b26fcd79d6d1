"""What a token endpoint of Codex may answer, and what is made of it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from providers.accounts.login import Login
from providers.accounts.renewal import Renewed, Spent, Unclear
from providers.accounts.secret import Secret
from providers.asking import Answer
from providers.base import Environment
from providers.codex.renewing import CLIENT, DEAD, RENEWING
from providers.codex.store import CodexStore
from tests.world.households import codex_file
from tests.world.logins import jwt

NOW = 1_795_330_000.0


def access(account: str = "ws-a", at: float = NOW) -> str:
    auth = {"chatgpt_account_id": account, "chatgpt_user_id": "user-a"}
    return jwt({"iat": int(at), "exp": int(at + 900), "https://api.openai.com/auth": auth}, "CANARY")


@pytest.fixture
def login(environment: Environment) -> Login:
    tokens = {
        "id_token": access(),
        "access_token": access(),
        "refresh_token": "rt-CANARY",
        "account_id": "ws-a",
    }
    document = codex_file(tokens) | {"agent_identity": {"x": 1}}
    found = CodexStore(environment).opened(Secret(json.dumps(document)))
    assert found is not None
    return found


def answered(login: Login, body: object, status: int = 200) -> Renewed | Spent | Unclear:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RENEWING.answer(login, Answer(status, {}, data, NOW + 1000))


def test_the_question(login: Login) -> None:
    """JSON with the client's public id; no secret in its repr."""
    question = RENEWING.question(login)
    assert json.loads(question.body or b"") == {
        "client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": "rt-CANARY",
    }  # fmt: skip
    assert "CANARY" not in repr(question)


@pytest.mark.parametrize(
    "names", [("access_token",), ("refresh_token",), ("id_token", "access_token", "refresh_token")]
)
def test_a_successor(login: Login, names: tuple[str, ...]) -> None:
    """Each token that comes replaces its predecessor; the others and every other key stay, and the
    time of it is written as Codex does."""
    fresh = {name: "rt-new" if name == "refresh_token" else access(at=NOW + 1000) for name in names}
    outcome = answered(login, {**fresh, "expires_in": 900})
    assert isinstance(outcome, Renewed)
    old, new = json.loads(login.payload.reveal()), json.loads(outcome.payload.reveal())
    assert new["tokens"] == old["tokens"] | fresh
    assert datetime.fromisoformat(new["last_refresh"]).timestamp() == NOW + 1000
    assert {k: v for k, v in new.items() if k not in ("tokens", "last_refresh")} == {
        k: v for k, v in old.items() if k not in ("tokens", "last_refresh")
    }
    assert list(new) == list(old)


@pytest.mark.parametrize("code", sorted(DEAD))
@pytest.mark.parametrize("status", [400, 401, 403])
def test_dead(login: Login, code: str, status: int) -> None:
    """The word may be the error, its code, or a code beside it."""
    for body in ({"error": code}, {"error": {"code": code}}, {"code": code}):
        assert answered(login, body, status) == Spent()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {}),
        (401, {"error": "x"}),
        (401, {"error": {"message": "refresh_token_reused"}}),
        (400, b"x"),
        (402, {"error": "invalid_grant"}),
        (404, {"code": "invalid_grant"}),
        (401, {"error": {"code": ["x"]}}),
        (401, []),
        (200, {}),
        (200, []),
        (200, {"id_token": "x"}),
        (200, {"access_token": 5}),
        (200, b"\x00"),
    ],
)
def test_not_dead(login: Login, status: int, body: object) -> None:
    """Anything else is no word about the login."""
    outcome = answered(login, body, status)
    assert isinstance(outcome, Unclear)
    assert outcome.sentence.isprintable()
