"""Antigravity: its command, its endpoint, every sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.antigravity import quota
from providers.antigravity.endpoint import COMMAND, ENDPOINT, SUMMARY
from providers.antigravity.login import held, login_state
from providers.antigravity.provider import PROVIDER
from providers.asking import Answer, AskOutcome, Credential, Kept, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext
from providers.model import FIVE_HOURS, Source, Status
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
ODD: Any = None


def sample(name: str) -> bytes:
    return (SAMPLES / "gemini" / f"{name}.json").read_bytes()


def token() -> dict[str, Found]:
    return {"token": FileBytes(Path("/h/t"), sample("antigravity-oauth-token"), NOW)}


def shares(data: bytes) -> dict[str, float | None]:
    found = quota.windows_of(json.loads(data), NOW)
    assert found is not None
    return {w.id: w.used_percent if w.used_percent is None else round(w.used_percent, 6) for w in found}


def test_the_samples() -> None:
    """Two pools; a bucket that nobody knows has a row of its own; a missing fraction is unknown."""
    assert shares(sample("antigravity_quota_summary")) == {
        "5h": 17, "7d": 53, "5h:others": 0, "7d:others": 88, "nova-daily": 50,
    }  # fmt: skip
    assert shares(sample("antigravity_quota_summary_starter")) == {"7d": 10, "7d:others": None}
    assert shares(sample("antigravity_quota_summary_wrapped_local")) == {"5h": 80}
    printed = json.dumps({"result": sample("antigravity_quota_summary").decode()}).encode()
    assert shares(printed)["7d"] == 53


def test_a_reset_that_slides_is_no_figure() -> None:
    """A frozen 100 % with a reset of "now and five hours" says nothing."""
    bucket = {"bucketId": "gemini-5h", "window": "5h", "remainingFraction": 1, "resetTime": NOW + FIVE_HOURS}
    (window,) = quota.windows_of({"groups": [{"buckets": [bucket]}]}, NOW) or ()
    assert (window.used_percent, window.resets_at) == (None, None)


def test_the_login(
    environment: Environment, with_variables: Callable[..., Environment], tmp_path: Path
) -> None:
    """A token in a file, or the command; the token is good until its expiry."""
    context = ReadContext(NOW, environment)
    login = held(token())
    assert login is not None
    assert login.expires == pytest.approx(1_795_343_400.123456)
    assert "EXAMPLE" not in repr(login)
    assert login_state(token(), context).status is Status.OK
    assert login_state({}, context).status is Status.UNCONFIGURED
    agy = tmp_path / "agy"
    agy.write_text("#!/bin/sh\n")
    agy.chmod(0o755)
    assert login_state({}, ReadContext(NOW, with_variables(PATH=str(tmp_path)))).status is Status.OK
    kept = ENDPOINT.credential({}, ReadContext(NOW, with_variables(PATH=str(tmp_path))))
    assert isinstance(kept, Credential)
    assert kept.kept == Kept("gemini", "antigravity")
    held_there = sample("antigravity-oauth-token").decode()
    assert ENDPOINT.token_in(held_there, context) == login.token
    assert isinstance(ENDPOINT.token_in(held_there, ReadContext(NOW + 6000, environment)), NotAsked)
    assert isinstance(ENDPOINT.token_in("junk", context), NotAsked)
    assert isinstance(ENDPOINT.credential({}, context), NotAsked)
    late = ENDPOINT.credential(token(), ReadContext(NOW + 6000, environment))
    assert isinstance(late, NotAsked)
    assert "agy" in late.reason


def test_the_command_is_asked_by_a_key_alone(
    with_variables: Callable[..., Environment], environment: Environment, tmp_path: Path
) -> None:
    """As an argument list; what it prints is a figure of the CLI."""
    assert isinstance(COMMAND.credential({}, ReadContext(NOW, environment)), NotAsked)
    agy = tmp_path / "agy"
    agy.write_text("#!/bin/sh\n")
    agy.chmod(0o755)
    credential = COMMAND.credential({}, ReadContext(NOW, with_variables(PATH=str(tmp_path))))
    assert isinstance(credential, Credential)
    (question,) = COMMAND.questions(credential, {}, NOW)
    assert question.command == (str(agy), "-p", "/usage", "--output-format", "json")
    assert not COMMAND.limits.by_itself
    answer = Answer(200, {}, sample("antigravity_quota_summary"), NOW)
    found = COMMAND.answer(question, credential, answer, {}, ODD)
    assert found.reading is not None
    assert (found.reading.source, found.reading.windows[0].used_percent) == (Source.CLI, pytest.approx(17))
    odd = COMMAND.answer(question, credential, Answer(200, {}, b"Usage: 17%", NOW), {}, ODD)
    assert (odd.outcome, odd.status) == (AskOutcome.TROUBLE, Status.ERROR)


def test_the_endpoint_is_off_until_a_person_says_so(environment: Environment) -> None:
    """It answers its own client only, so nobody is asked by default."""
    assert ENDPOINT.optional
    assert PROVIDER.endpoints() == (COMMAND, ENDPOINT)
    credential = ENDPOINT.credential(token(), ReadContext(NOW, environment))
    assert isinstance(credential, Credential)
    load, summary = ENDPOINT.questions(credential, {}, NOW)
    assert json.loads(load.body or b"") == json.loads(sample("antigravity_loadCodeAssist_request"))
    assert summary.path == SUMMARY
    assert "quotadeck" in summary.headers["User-Agent"]
    body = b'{"cloudaicompanionProject": {"id": "p"}}'
    loaded = ENDPOINT.answer(load, credential, Answer(200, {}, body, NOW), {}, ODD)
    assert loaded.memory is not None
    (later,) = ENDPOINT.questions(credential, loaded.memory, NOW + 60)
    assert json.loads(later.body or b"") == {"project": "p"}
    for status, state in ((401, Status.IDLE), (403, Status.DENIED)):
        refused = ENDPOINT.answer(summary, credential, Answer(status, {}, b"{}", NOW), {}, ODD)
        assert (refused.outcome, refused.status) == (AskOutcome.REFUSED, state)


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["groups", "buckets", "bucketId", "window", "remainingFraction", "remaining", "resetTime", "response"]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=15
)


@given(_TREES)
def test_odd_documents_never_raise(tree: object) -> None:
    """Any shape is windows without nonsense, or none."""
    for window in quota.windows_of(tree, NOW) or ():
        assert window.used_percent is None or 0 <= window.used_percent <= 100
