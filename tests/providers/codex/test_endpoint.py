"""Codex' usage endpoint: what is asked with which login, and what the answers mean."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential, NotAsked, Question
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.codex.endpoint import ENDPOINT, RESETS, USAGE, WORKSPACES
from providers.model import ABSURD_PERCENT, Status
from tests.conftest import SAMPLES

NOW = 1_800_000_000.0
FOLDER = SAMPLES / "codex"
FIRST = "11111111-1111-4111-8111-111111111111/user-EXAMPLE-A"
WORKSPACE = "22222222-2222-4222-8222-222222222222/user-EXAMPLE-B"
SECRET = "access.canary.token"


def files(auth: bytes | None, config: str = "") -> dict[str, Found]:
    return {
        "auth": None if auth is None else FileBytes(Path("/h/.codex/auth.json"), auth, NOW),
        "config": FileBytes(Path("/h/.codex/config.toml"), config.encode(), NOW) if config else None,
    }


def credential_of(environment: Environment, found: dict[str, Found]) -> Credential | NotAsked:
    return ENDPOINT.credential(found, ReadContext(NOW, environment))


def held(account: str = FIRST, *, renewable: bool = True) -> Credential:
    return Credential(account, "f" * 16, SECRET, {"ChatGPT-Account-Id": "x"}, renewable)


def answered(
    name: str, status: int, body: bytes, memory: dict[str, str] | None = None, account: str = FIRST
) -> Asked:
    context: Any = None
    question = Question(name, "/", {})
    return ENDPOINT.answer(question, held(account), Answer(status, {}, body, NOW), memory or {}, context)


@pytest.mark.parametrize(
    ("sample", "account"),
    [
        ("auth.chatgpt.json", FIRST),
        ("auth.chatgpt-workspace.json", WORKSPACE),
        ("auth.chatgpt-near-expiry.json", FIRST),
        ("auth.legacy-no-mode.json", FIRST),
    ],
)
def test_a_login_to_ask_with(environment: Environment, sample: str, account: str) -> None:
    """The identity, the workspace's header, and a fingerprint that is not the token."""
    found = credential_of(environment, files((FOLDER / sample).read_bytes()))
    assert isinstance(found, Credential)
    assert (found.account, found.renewable) == (account, True)
    assert found.extra == {"ChatGPT-Account-Id": account.partition("/")[0]}
    assert len(found.fingerprint) == 16
    assert found.fingerprint not in found.token
    assert "refresh" not in found.token


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        ("auth.chatgpt-expired.json", "renews when codex runs"),
        ("auth.legacy-key-and-tokens.json", "API key"),
        ("auth.apikey.json", "API key"),
        ("auth.pat.json", "personal access token"),
    ],
)
def test_a_login_that_is_not_asked_with(environment: Environment, sample: str, why: str) -> None:
    """One sentence each; no request could be made of it."""
    found = credential_of(environment, files((FOLDER / sample).read_bytes()))
    assert isinstance(found, NotAsked)
    assert why in found.reason


@pytest.mark.parametrize(
    "found",
    [
        {"auth": None, "config": None},
        files(b"{"),
        files(b"[]"),
        {"auth": Unreadable(Path("/x"), "belongs to another user"), "config": None},
        files((FOLDER / "auth.chatgpt.json").read_bytes(), 'cli_auth_credentials_store = "keyring"'),
        files((FOLDER / "auth.chatgpt.json").read_bytes(), 'model_provider = "other"'),
    ],
)
def test_no_login_no_question(environment: Environment, found: dict[str, Found]) -> None:
    """Missing, torn, refused, in the keyring, of another provider."""
    assert isinstance(credential_of(environment, found), NotAsked)


def test_a_token_that_no_header_can_carry_is_none(environment: Environment) -> None:
    """A line break in the file never gets into a request."""
    document = json.loads((FOLDER / "auth.chatgpt.json").read_bytes())
    document["tokens"]["access_token"] += "\r\nX-Evil: 1"
    assert isinstance(credential_of(environment, files(json.dumps(document).encode())), NotAsked)


def test_a_fedramp_account_says_so(environment: Environment) -> None:
    """The claim becomes the header."""
    document = json.loads((FOLDER / "auth.chatgpt.json").read_bytes())
    head, payload, _ = document["tokens"]["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["https://api.openai.com/auth"]["chatgpt_account_is_fedramp"] = True
    coded = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    document["tokens"]["access_token"] = f"{head}.{coded}.x"
    found = credential_of(environment, files(json.dumps(document).encode()))
    assert isinstance(found, Credential)
    assert found.extra["X-OpenAI-Fedramp"] == "true"


@pytest.mark.parametrize(
    ("memory", "paths"),
    [
        ({}, [WORKSPACES, USAGE]),
        ({"workspace_at": f"{NOW - 100}"}, [USAGE]),
        ({"workspace_at": f"{NOW - 90_000}"}, [WORKSPACES, USAGE]),
        ({"workspace_at": f"{NOW}", "banked": "2"}, [RESETS, USAGE]),
        ({"workspace_at": f"{NOW}", "banked": "2", "banked_at": f"{NOW - 5}"}, [USAGE]),
        ({"workspace_at": "x", "banked": "y", "banked_at": "z"}, [WORKSPACES, USAGE]),
    ],
)
def test_side_questions_once_a_day(memory: dict[str, str], paths: list[str]) -> None:
    """Names daily, expiries only where something is banked; the usage always and last."""
    asked = ENDPOINT.questions(held(), memory, NOW)
    assert [q.path for q in asked] == paths
    assert {f"GET {path}" for path in paths} <= set(ENDPOINT.sites[0].calls)
    assert all(q.headers["Authorization"] == f"Bearer {SECRET}" for q in asked)


def test_the_usage_is_filed_under_the_login_that_asked() -> None:
    """A complete reading with the workspace's name and the expiry of what is banked."""
    body = (FOLDER / "wham-usage.prolite-spark-credits.json").read_bytes()
    asked = answered("usage", 200, body, {"workspace": "Example", "banked_until": "31 Jan"})
    assert asked.outcome is AskOutcome.ANSWERED
    assert asked.reading is not None
    assert (asked.reading.account, asked.reading.complete, asked.reading.alias) == (FIRST, True, "Example")
    notes = {w.id: w.note for w in asked.reading.windows if w.note}
    assert notes == {"resets": "2 banked, the first until 31 Jan"}
    assert asked.memory is not None
    assert asked.memory["banked"] == "2"


def test_another_accounts_answer_is_not_filed() -> None:
    """Trouble, no reading: the login changed while the question was out."""
    body = (FOLDER / "wham-usage.plus.json").read_bytes()
    asked = answered("usage", 200, body, account=WORKSPACE)
    assert (asked.outcome, asked.reading) == (AskOutcome.TROUBLE, None)
    assert "another account" in asked.message


def test_an_answer_without_a_name_is_the_askers() -> None:
    """Metered workspaces name nobody."""
    body = (FOLDER / "wham-usage.credit-metered.json").read_bytes()
    asked = answered("usage", 200, body, account=WORKSPACE)
    assert asked.reading is not None
    assert asked.reading.account == WORKSPACE


def test_names_and_expiries_are_remembered() -> None:
    """The workspace's own name; a personal account has none; the first expiry as a day."""
    names = (FOLDER / "accounts.json").read_bytes()
    assert answered("workspaces", 200, names, account=WORKSPACE).memory["workspace"] == "Example Workspace"  # type: ignore[index]
    assert answered("workspaces", 200, names).memory["workspace"] == ""  # type: ignore[index]
    resets = answered("resets", 200, (FOLDER / "reset-credits.json").read_bytes())
    assert resets.memory["banked_until"] == "31 Jan"  # type: ignore[index]


@pytest.mark.parametrize("name", ["workspaces", "resets"])
@pytest.mark.parametrize(("status", "body"), [(403, b"{}"), (404, b""), (200, b"nonsense"), (200, b"[]")])
def test_a_side_question_may_fail_without_a_word(name: str, status: int, body: bytes) -> None:
    """The attempt is noted, so that it is not repeated today; the figures are asked all the same."""
    asked = answered(name, status, body, {"banked": "1"})
    assert asked.outcome is AskOutcome.ANSWERED
    assert asked.memory is not None
    assert f"{NOW:.0f}" in asked.memory.values()
    assert asked.memory["banked"] == "1"


@pytest.mark.parametrize(
    ("status", "sample", "outcome", "state", "says"),
    [
        (401, "wham-usage.401-detail.json", AskOutcome.REFUSED, Status.IDLE, "renews when codex runs"),
        (401, "wham-usage.401-expired.json", AskOutcome.REFUSED, Status.IDLE, "renews when codex runs"),
        (403, "wham-usage.401-detail.json", AskOutcome.REFUSED, Status.DENIED, "workspace"),
        (404, "wham-usage.401-detail.json", AskOutcome.TROUBLE, Status.ERROR, "(404)"),
        (200, "wham-usage.401-detail.json", AskOutcome.TROUBLE, Status.ERROR, "unexpected answer"),
    ],
)
def test_what_is_wrong_is_told_apart(
    status: int, sample: str, outcome: AskOutcome, state: Status, says: str
) -> None:
    """Each has its status and its sentence, and none has a figure."""
    asked = answered("usage", status, (FOLDER / sample).read_bytes())
    assert (asked.outcome, asked.status, asked.reading) == (outcome, state, None)
    assert says in asked.message


def test_without_a_refresh_token_a_refusal_means_log_in() -> None:
    """Nobody will renew that login."""
    context: Any = None
    question = Question("usage", USAGE, {})
    asked = ENDPOINT.answer(question, held(renewable=False), Answer(401, {}, b"{}", NOW), {}, context)
    assert (asked.status, "codex login" in asked.message) == (Status.EXPIRED, True)


def test_an_edge_page_is_not_the_logins_fault() -> None:
    """The sample of a blocked edge never reaches the endpoint: it means the same everywhere."""
    from providers.engine.answers import shared_meaning

    page = (FOLDER / "wham-usage.403-cloudflare.html").read_bytes()
    asked = shared_meaning(Answer(403, {"content-type": "text/html"}, page, NOW), "chatgpt.com")
    assert asked is not None
    assert (asked.outcome, asked.status) == (AskOutcome.TROUBLE, Status.ERROR)


def test_no_secret_in_any_repr(environment: Environment) -> None:
    """Neither credential nor question says its token, not even in a traceback."""
    found = credential_of(environment, files((FOLDER / "auth.chatgpt.json").read_bytes()))
    assert isinstance(found, Credential)
    for question in ENDPOINT.questions(found, {}, NOW):
        assert found.token not in repr(question) + repr(found)


_KEYS = st.sampled_from(["rate_limit", "primary_window", "used_percent", "credits", "items", "id", "x"])
_LEAVES = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8)
_BODIES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode())


@given(st.binary(max_size=200) | _BODIES, st.sampled_from(["usage", "resets", "workspaces"]))
def test_no_answer_is_an_exception_or_an_invented_figure(body: bytes, name: str) -> None:
    """Whatever comes back is judged, and percentages are in range."""
    asked = answered(name, 200, body)
    for window in asked.reading.windows if asked.reading else ():
        assert window.used_percent is None or 0 <= window.used_percent <= ABSURD_PERCENT
