"""Zen's balance: the console's answers, the cookie, and every way in which it is refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential, Kept, NotAsked
from providers.base import Environment, FileBytes, ReadContext
from providers.model import Source, Status
from providers.opencode.zen import ENDPOINT, parts_of
from tests.conftest import SAMPLES

NOW = 1_800_000_000.0
FOLDER = SAMPLES / "opencode"
WORKSPACE = "wrk_EXAMPLE0000000000000000001"
HELD = Credential("zen-0a", "f" * 16, "auth=canary", renewable=False)
ODD: Any = None


def sample(name: str) -> bytes:
    return (FOLDER / f"console.{name}.txt").read_bytes()


def asked(name: str, body: bytes, status: int = 200) -> Asked:
    question = next(q for q in ENDPOINT.questions(HELD, {}, NOW) if q.name == name)
    return ENDPOINT.answer(question, HELD, Answer(status, {}, body, NOW), {}, ODD)


def test_the_balance() -> None:
    """Of the sample: $12.50 left, $15 of the $20 that the person allows a month."""
    reading = asked("billing", sample("billing")).reading
    assert reading is not None
    balance, month = reading.windows
    assert (balance.remaining, balance.unit, balance.used_percent) == (12.5, "USD", None)
    assert (month.used, month.limit, month.used_percent) == (15, 20, 75)
    assert (reading.source, reading.account) == (Source.WEB, "zen-0a")


def test_a_balance_below_zero_and_no_limit() -> None:
    """Neither is cut to zero nor invented."""
    text = sample("billing").replace(b"balance:1250000000", b"balance:-250000000")
    reading = asked("billing", text.replace(b"monthlyLimit:20", b"monthlyLimit:null")).reading
    assert reading is not None
    assert [w.remaining for w in reading.windows] == [-2.5]


@pytest.mark.parametrize(
    ("body", "status", "outcome", "state"),
    [
        (sample("subscription-null"), 200, AskOutcome.REFUSED, Status.UNSUBSCRIBED),
        (b'$R[0]={actor:$R[1]={type:"public"}}', 200, AskOutcome.REFUSED, Status.EXPIRED),
        (b"", 401, AskOutcome.REFUSED, Status.EXPIRED),
        (b"", 403, AskOutcome.REFUSED, Status.EXPIRED),
        (b"", 404, AskOutcome.TROUBLE, Status.ERROR),
        (sample("billing").replace(b"customerID:", b"x:"), 200, AskOutcome.TROUBLE, Status.ERROR),
        (sample("workspaces"), 200, AskOutcome.TROUBLE, Status.ERROR),
    ],
)
def test_what_is_no_balance(body: bytes, status: int, outcome: AskOutcome, state: Status) -> None:
    """Each told apart, without a figure."""
    found = asked("billing", body, status)
    assert (found.outcome, found.status, found.reading) == (outcome, state, None)


def test_one_workspace_is_remembered_several_are_not_guessed() -> None:
    """Whose balance it is, is never taken from a list by chance."""
    several = asked("workspaces", sample("workspaces"))
    assert (several.outcome, several.status) == (AskOutcome.REFUSED, Status.DENIED)
    assert "2 workspaces" in several.message
    one = asked("workspaces", b'$R[1]={id:"wrk_EXAMPLE0000000000000000001",name:"Default"}')
    assert one.memory is not None
    (question,) = ENDPOINT.questions(HELD, one.memory, NOW)
    arguments = parse_qs(urlsplit(question.path).query)["args"][0]
    assert json.loads(arguments) == [WORKSPACE]
    other = Credential("zen-0a", "e" * 16, "auth=other")
    assert [q.name for q in ENDPOINT.questions(other, one.memory, NOW)] == ["workspaces", "billing"]


@pytest.mark.parametrize(
    ("given", "workspace", "cookie"),
    [
        ("Fe26.2**canary", "", "auth=Fe26.2**canary"),
        ("auth=canary", "", "auth=canary"),
        ("other=1;__Host-auth=canary;x=2", "", "__Host-auth=canary"),
        (f"{WORKSPACE}:canary", WORKSPACE, "auth=canary"),
        (f"{WORKSPACE}:auth=can:ary", WORKSPACE, "auth=can:ary"),
        ("can:ary", "", "auth=can:ary"),
        ("", "", ""),
    ],
)
def test_the_cookie_as_people_copy_it(given: str, workspace: str, cookie: str) -> None:
    """With its name or without, with others beside it, with the workspace before it."""
    assert parts_of(given) == (workspace, cookie)


def test_it_comes_from_the_keyring_alone(environment: Environment) -> None:
    """Nobody's browser is looked at; without a key there is nothing to ask with."""
    context = ReadContext(NOW, environment)
    nothing = ENDPOINT.credential({}, context)
    assert isinstance(nothing, NotAsked)
    assert "quotadeck key set opencode-zen" in nothing.reason
    kept = {"id": "0a", "generation": 2, "fingerprint": "f" * 16, "added_at": NOW}
    keys = json.dumps({"version": 1, "keys": {"opencode-zen": kept}}).encode()
    held = ENDPOINT.credential({"keys": FileBytes(environment.data_dir / "keys.json", keys, NOW)}, context)
    assert isinstance(held, Credential)
    assert held.kept == Kept("quotadeck", "v1:opencode-zen:0a:g2")
    question = ENDPOINT.questions(HELD, {}, NOW)[0]
    assert "canary" not in repr(question) + repr(HELD) + question.path


@given(st.binary(max_size=200), st.sampled_from(["billing", "workspaces"]))
def test_any_bytes_are_no_figure(body: bytes, name: str) -> None:
    """Never an exception, never a balance by accident."""
    assert asked(name, body).reading is None
