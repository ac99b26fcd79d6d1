"""claude.ai by a session key: whose it is, what is refused, what a challenge is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.claude.provider import PROVIDER
from providers.claude.web import ENDPOINT
from providers.engine.answers import shared_meaning
from providers.engine.logins import read_login_file, switched_on
from providers.model import Source, Status
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
HELD = Credential("web-1", "f" * 16, "sk-ant-sid01-canary", renewable=False)
ORGANISATION = "22222222-2222-4222-8222-222222222222"
ODD: Any = None


def sample(name: str) -> bytes:
    return (SAMPLES / "claude" / name).read_bytes()


def asked(name: str, body: object, status: int = 200, memory: Mapping[str, str] | None = None) -> Asked:
    question = next(q for q in ENDPOINT.questions(HELD, {}, NOW) if q.name == name)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ENDPOINT.answer(question, HELD, Answer(status, {}, data, NOW), memory or {}, ODD)


def remembered() -> Mapping[str, str]:
    memory: Mapping[str, str] = {}
    for name in ("account", "organisations", "credits"):
        file = {"account": "web.account.json", "organisations": "web.organizations.json"}.get(
            name, "web.prepaid_credits.json"
        )
        kept = asked(name, sample(file), memory=memory).memory
        assert kept is not None
        memory = kept
    return memory


def test_the_key_is_the_account_that_claude_code_knows() -> None:
    """Filed under person and organisation; the one that only has an API is passed over."""
    memory = remembered()
    found = asked("usage", sample("usage.max_full_2026.json"), memory=memory).reading
    assert found is not None
    assert found.account == f"11111111-1111-4111-8111-111111111111/{ORGANISATION}"
    assert (found.plan, found.email, found.source) == ("Max 20x", "dev@example.com", Source.WEB)
    used = {w.id: w.used_percent for w in found.windows}
    assert (used["5h"], used["7d"]) == (41, 63)
    assert next(w for w in found.windows if w.id == "credits").remaining == 21.87


def test_whose_it_is_is_asked_once_a_day() -> None:
    """And anew with another key; the paths carry the organisation."""
    memory = remembered()
    (usage,) = ENDPOINT.questions(HELD, memory, NOW + 3600)
    assert usage.path == f"/api/organizations/{ORGANISATION}/usage"
    assert usage.headers["Cookie"] == "sessionKey=sk-ant-sid01-canary"
    assert "canary" not in repr(usage) + repr(HELD)
    other = Credential("web-2", "e" * 16, "sk-ant-x", renewable=False)
    assert len(ENDPOINT.questions(other, memory, NOW + 3600)) == 4
    assert len(ENDPOINT.questions(HELD, memory, NOW + 90_000)) == 4


def test_a_challenge_is_not_an_expired_key() -> None:
    """A page in front says nothing about the key; JSON with 403 does."""
    page = json.loads(sample("error.web_cloudflare.json"))
    answer = Answer(page["status"], page["headers"], page["body"].encode(), NOW)
    meaning = shared_meaning(answer, "claude.ai")
    assert meaning is not None
    assert (meaning.outcome, "web page" in meaning.message) == (AskOutcome.TROUBLE, True)
    body = json.loads(sample("error.web_403_invalid.json"))["body"]
    refused = asked("account", body, 403)
    assert (refused.outcome, refused.status) == (AskOutcome.REFUSED, Status.EXPIRED)


def source(environment: Environment) -> Any:
    return next(s for s in PROVIDER.sources(environment) if s.id == "web")


def test_off_until_a_person_says_so(environment: Environment) -> None:
    """Neither the file nor the service is touched before."""
    assert ENDPOINT.optional
    place = frozenset({("claude", "web")})
    assert not switched_on(source(environment), "claude", frozenset(), frozenset())
    assert switched_on(source(environment), "claude", frozenset(), place)
    assert not switched_on(source(environment), "claude", place, place)


@pytest.mark.parametrize(
    ("mode", "linked", "says"),
    [
        (0o644, False, "chmod 600"),
        (0o640, False, "chmod 600"),
        (0o600, True, "symbolic link"),
        (0o600, False, ""),
    ],
)
def test_a_key_that_others_can_read_is_refused(
    environment: Environment, mode: int, linked: bool, says: str
) -> None:
    """With the command that mends it; never through a link."""
    path = environment.home / ".claude-session-key"
    target = environment.home / "elsewhere" if linked else path
    target.write_text("sk-ant-sid01-EXAMPLEkeyEXAMPLE\n")
    target.chmod(mode)
    if linked:
        path.symlink_to(target)
    found = read_login_file(source(environment))
    credential = ENDPOINT.credential({"web": found}, ReadContext(NOW, environment))
    if says:
        assert isinstance(found, Unreadable)
        assert isinstance(credential, NotAsked)
        assert says in credential.reason
    else:
        assert isinstance(credential, Credential)
        assert "EXAMPLEkey" not in repr(credential)


@pytest.mark.parametrize("text", ["", "hello", "sk-ant-short", "sk-ant-" + "x" * 600, "sk-ant-a b" * 5])
def test_what_is_no_key(environment: Environment, text: str) -> None:
    """Nothing is sent with it."""
    files: dict[str, Found] = {"web": FileBytes(Path("/h/k"), text.encode(), NOW)}
    assert isinstance(ENDPOINT.credential(files, ReadContext(NOW, environment)), NotAsked)


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["uuid", "email_address", "capabilities", "amount", "currency", "five_hour", "limits"]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=12
)


@given(st.sampled_from(["account", "organisations", "credits", "usage"]), _TREES)
def test_odd_answers_never_raise(name: str, tree: object) -> None:
    """Any shape is a reading, a memory, or an error."""
    asked(name, tree, memory={"organisation": ORGANISATION, "person": "p"})
