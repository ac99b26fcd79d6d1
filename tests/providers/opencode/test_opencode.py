"""OpenCode Go: its key, and every sample of its usage endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.model import Reading, Status
from providers.opencode.endpoint import ENDPOINT, USAGE
from providers.opencode.login import held, login_state
from providers.opencode.provider import PROVIDER
from providers.record import replace
from tests.conftest import SAMPLES

NOW = 1_800_000_000.0
FOLDER = SAMPLES / "opencode"


def auth(data: bytes) -> dict[str, Found]:
    return {"auth": FileBytes(Path("/h/auth.json"), data, NOW)}


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


def test_no_plan_is_no_zero() -> None:
    """The shape with a list is empty for a key without a plan."""
    assert asked(b'{"plan": "free", "windows": []}').status is Status.UNSUBSCRIBED


def test_the_key_of_go_alone(environment: Environment) -> None:
    """Of a file full of logins one key is taken, for one path."""
    files, context = auth((FOLDER / "auth.v1.json").read_bytes()), ReadContext(NOW, environment)
    credential = ENDPOINT.credential(files, context)
    assert isinstance(credential, Credential)
    (question,) = ENDPOINT.questions(credential, {}, NOW)
    assert (question.path, dict(question.headers)) == (USAGE, {"Authorization": "Bearer sk-EXAMPLE-GO"})
    assert "EXAMPLE" not in repr(credential) + repr(question) + repr(login_state(files, context))
    assert login_state(files, context).status is Status.OK


def test_variables_count_first(environment: Environment) -> None:
    """OpenCode's own order; said where it hides the file."""
    files = auth((FOLDER / "auth.v1.json").read_bytes())
    other = replace(environment, variables={"OPENCODE_API_KEY": "sk-other"})
    found = held(files, ReadContext(NOW, other))
    assert found is not None
    assert found.key == "sk-other"
    assert "OPENCODE_API_KEY" in login_state(files, ReadContext(NOW, other)).warnings[0]
    content = replace(environment, variables={"OPENCODE_AUTH_CONTENT": "{}"})
    assert held(files, ReadContext(NOW, content)) is None


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"auth": None}, Status.UNCONFIGURED),
        (auth(b'{"opencode-go": {"type": "oauth", "access": "x"}}'), Status.UNCONFIGURED),
        (auth(b"{"), Status.UNCONFIGURED),
        ({"auth": Unreadable(Path("/h/x"), "is not readable")}, Status.DENIED),
    ],
)
def test_nothing_to_ask_with(environment: Environment, files: dict[str, Found], status: Status) -> None:
    """Absent, of another kind, torn, forbidden: never asked."""
    context = ReadContext(NOW, environment)
    assert login_state(files, context).status is status
    assert isinstance(ENDPOINT.credential(files, context), NotAsked)


def test_an_export_about_several_says_what_concerns_opencode(environment: Environment) -> None:
    """Of a sidecar that lists many providers one reading is ours."""
    source = next(s for s in PROVIDER.sources(environment) if s.id == "tokenmaxxer")
    data = (SAMPLES / "interop/caches/opencode_quota_export_v2.json").read_bytes()
    file = FileBytes(Path("/h/.claude/.tokenmaxxer-opencode-quota.json"), data, NOW)
    (found,) = PROVIDER.read(source, file, ReadContext(NOW, environment))
    assert isinstance(found, Reading)
    assert (found.provider, [w.id for w in found.windows]) == ("opencode", ["5h"])


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
