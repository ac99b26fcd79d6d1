"""CC-Router: its pool from its own files and its health page, and none of its secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, AskOutcome, Credential, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.model import Reading, Source, Status
from providers.router.health import ENDPOINT, HEALTH
from providers.router.pool import accounts, login_state, port_of
from tests.conftest import SAMPLES

NOW = 1_795_330_000.0
FOLDER = SAMPLES / "interop/ccrouter"
ODD: Any = None


def files() -> dict[str, Found]:
    return {
        name: FileBytes(Path("/h") / f"{name}.json", (FOLDER / f"{name}.json").read_bytes(), NOW)
        for name in ("accounts", "config")
    }


def readings(environment: Environment) -> list[Reading]:
    credential = ENDPOINT.credential(files(), ReadContext(NOW, environment))
    assert isinstance(credential, Credential)
    (question,) = ENDPOINT.questions(credential, {}, NOW)
    assert (question.path, dict(question.headers), question.port) == (HEALTH, {}, 3456)
    answer = Answer(200, {}, (FOLDER / "health.json").read_bytes(), NOW)
    found = ENDPOINT.answer(question, credential, answer, {}, ODD)
    assert found.reading is not None
    return [found.reading, *found.others]


def test_the_pool_without_its_secrets() -> None:
    """Ids and kinds; no provider means Claude; neither token nor proxy secret is kept."""
    assert accounts(files()["accounts"]) == (
        "anthropic_subscription/max-account-1", "openai_subscription/openai-account-2",
    )  # fmt: skip
    assert port_of(files()["config"]) == 3456
    state = login_state(files())
    assert (state.status, state.warnings) == (
        Status.OK,
        ("CC-Router owns these logins and renews them itself",),
    )
    assert "EXAMPLE" not in repr(state)


def test_a_reading_for_each_account(environment: Environment) -> None:
    """As old as CC-Router says; never used is no data, not 0 %; what is off says so."""
    by_name = {r.alias: r for r in readings(environment)}
    first = by_name["max-account-1"]
    assert [(w.id, w.used_percent) for w in first.windows] == [("5h", 42), ("7d", 17)]
    assert (first.observed_at, first.source, first.plan) == (1_795_329_995, Source.PROXY, "Max 5x")
    unused = by_name["max-account-3"]
    assert [(w.used_percent, w.note) for w in unused.windows] == [(None, "no data yet")]
    off = by_name["max-account-4 (off)"]
    assert off.windows[0].used_percent == 100
    openai = next(r for r in by_name.values() if (r.account or "").startswith("openai"))
    assert openai.windows[0].used_percent is None


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"{}", Status.UNCONFIGURED), (b"[", Status.UNCONFIGURED), (b"[]", Status.UNCONFIGURED)],
)
def test_nothing_to_ask_about(environment: Environment, data: bytes, status: Status) -> None:
    """Empty, torn or of another shape."""
    found: dict[str, Found] = {"accounts": FileBytes(Path("/h/a"), data, NOW)}
    assert login_state(found).status is status
    assert isinstance(ENDPOINT.credential(found, ReadContext(NOW, environment)), NotAsked)
    denied: dict[str, Found] = {"accounts": Unreadable(Path("/h/a"), "is no file")}
    assert login_state(denied).status is Status.DENIED


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["accounts", "id", "provider", "enabled", "rateLimits", "fiveHourUtil", "fiveHourReset", "lastUpdated"]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=15
)


@given(_TREES)
def test_odd_pages_never_raise(tree: object) -> None:
    """Any shape is readings without nonsense or an error."""
    credential = Credential("a", "f", "", {"port": "3456"})
    (question,) = ENDPOINT.questions(credential, {}, NOW)
    found = ENDPOINT.answer(question, credential, Answer(200, {}, json.dumps(tree).encode(), NOW), {}, ODD)
    assert found.outcome in (AskOutcome.ANSWERED, AskOutcome.TROUBLE)
    for reading in (found.reading, *found.others):
        for window in reading.windows if reading else ():
            assert window.used_percent is None or window.used_percent >= 0
