"""Every Codex sample that concerns passive sources is read as its index says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.codex.login import login_state
from providers.codex.rollouts import RolloutReader
from providers.model import LoginState, Reading, Status
from tests.conftest import SAMPLES
from tests.providers.codex.test_usage import USAGE

FOLDER = SAMPLES / "codex"
ROLLOUTS = FOLDER / "rollouts"
NOW, ROLLOUT_NOW = 1_800_000_000.0, 1_800_001_260.0
EXPECTED = json.loads((ROLLOUTS / "expected.json").read_bytes())
FIRST = "11111111-1111-4111-8111-111111111111/user-EXAMPLE-A"
SECOND = "22222222-2222-4222-8222-222222222222/user-EXAMPLE-B"
PARENT, FORK, SUBAGENT = (next(ROLLOUTS.glob(f"rollout-*{letter}.jsonl")) for letter in "abc")

LATER = {
    "never called: it spends a banked reset": ("reset-credits.consume",),
    "not asked: the usage answer has the allowance; a personal access token has no plan limits": (
        "spend-controls", "pat-whoami",
    ),
    "a process of codex, which is not started": ("app-server.",),
    "what the tokens of auth.*.json decode to": ("jwt-claims.",),
    "accounts (switching)": ("oauth-token.",),
}  # fmt: skip

AUTH = {
    "chatgpt": (Status.OK, FIRST, "dev@example.com", "Plus"),
    "chatgpt-workspace": (Status.OK, SECOND, "work@example.com", "Business"),
    "chatgpt-near-expiry": (Status.OK, FIRST, "dev@example.com", "Plus"),
    "chatgpt-expired": (Status.IDLE, FIRST, "dev@example.com", "Plus"),
    "legacy-no-mode": (Status.OK, FIRST, "dev@example.com", "Plus"),
    "legacy-key-and-tokens": (Status.UNSUBSCRIBED, None, "", ""),
    "apikey": (Status.UNSUBSCRIBED, None, "", ""),
    "pat": (Status.UNSUBSCRIBED, None, "", ""),
}  # fmt: skip


def state(environment: Environment, auth: object = None, config: str = "") -> LoginState:
    """The login state from an auth.json (a path, a document, or what reading gave) and TOML."""
    held: dict[str, Found] = {"auth": None, "config": None}
    if isinstance(auth, Unreadable):
        held["auth"] = auth
    elif auth is not None:
        data = (
            auth.read_bytes()
            if isinstance(auth, Path)
            else auth
            if isinstance(auth, bytes)
            else json.dumps(auth).encode()
        )
        held["auth"] = FileBytes(Path("auth.json"), data, NOW - 60)
    if config:
        held["config"] = FileBytes(Path("config.toml"), config.encode(), NOW - 60)
    return login_state(held, ReadContext(NOW, environment))


@pytest.mark.parametrize("name", AUTH)
def test_auth_files(environment: Environment, name: str) -> None:
    """Status, identity of account and member, label and plan; no token in the fact."""
    path = FOLDER / f"auth.{name}.json"
    found = state(environment, path)
    status, key, email, plan = AUTH[name]
    assert (found.status, found.plan) == (status, plan)
    assert (found.identity.key if found.identity else None) == key
    assert (found.identity.email if found.identity else "") == email
    tokens = json.loads(path.read_bytes()).get("tokens") or {}
    assert not any(token in repr(found) for name, token in tokens.items() if name != "account_id")


@pytest.mark.parametrize(
    ("auth", "config", "status", "said"),
    [
        (b"{torn", "", Status.ERROR, "half written"),
        ({"tokens": {}}, "", Status.UNCONFIGURED, "logged out"),
        ({"tokens": {"access_token": "", "id_token": ""}}, "", Status.UNCONFIGURED, "logged out"),
        (None, "", Status.UNCONFIGURED, "not installed"),
        (None, 'cli_auth_credentials_store = "keyring"', Status.OK, "keyring"),
        (None, 'model_provider = "bedrock"', Status.UNSUBSCRIBED, "bedrock"),
        (Unreadable(Path("auth.json"), "cannot be read: permission denied"), "", Status.DENIED, "permission"),
        (None, "not toml [", Status.UNCONFIGURED, "not valid TOML"),
        (None, 'chatgpt_base_url = "https://evil.example/backend-api"', Status.UNCONFIGURED, "another host"),
    ],
)
def test_states_without_a_usable_login(
    environment: Environment, auth: object, config: str, status: Status, said: str
) -> None:
    """Each passive state has a status and a sentence."""
    found = state(environment, auth, config)
    assert found.status is status
    assert said in " ".join((found.message, *found.warnings))


def test_a_hybrid_of_two_accounts_is_not_filed(environment: Environment) -> None:
    """Field and claim differ: the file mixes two accounts."""
    document = json.loads((FOLDER / "auth.chatgpt.json").read_bytes())
    document["tokens"]["account_id"] = "22222222-2222-4222-8222-222222222222"
    found = state(environment, document)
    assert (found.status, found.identity) == (Status.ERROR, None)


def test_overrides_are_named(with_variables: Callable[..., Environment]) -> None:
    """CODEX_API_KEY wins over everything; its value is not shown."""
    found = state(with_variables(CODEX_API_KEY="sk-canary"), FOLDER / "auth.chatgpt.json")
    assert any("CODEX_API_KEY" in w for w in found.warnings)
    assert "canary" not in repr(found)


def readings(path: Path, pieces: tuple[int, ...] = ()) -> list[Reading]:
    """Every reading of a rollout that is fed in pieces of that many lines."""
    data = path.read_bytes()
    reader = RolloutReader(path.name, data[:65_536])
    lines, found = data.splitlines(), []
    for size in (*pieces, len(lines)):
        found += list(reader.feed(lines[:size], ReadContext(ROLLOUT_NOW, ENVIRONMENT)))
        lines = lines[size:]
    return [r for r in found if isinstance(r, Reading)]


ENVIRONMENT = Environment(Path("/h"), {}, Path("/c"), Path("/s"), Path("/d"))


def iso(at: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(at).timestamp()


def test_the_newest_bucket_of_each_limit() -> None:
    """Over all rollouts the newest event by its own timestamp; Spark beside the main limit."""
    every = [r for path in (PARENT, FORK, SUBAGENT) for r in readings(path)]
    main = max((r for r in every if r.windows[0].id == "5h"), key=lambda r: r.observed_at)
    wanted = EXPECTED["latest_codex_bucket"]
    assert main.observed_at == iso(wanted["event_timestamp"])
    assert {w.id: w.used_percent for w in main.windows if w.used_percent is not None} == {
        "5h": wanted["primary_used_percent"],
        "7d": wanted["secondary_used_percent"],
    }
    spark = max((r for r in every if ":" in r.windows[0].id), key=lambda r: r.observed_at)
    wanted = EXPECTED["latest_spark_bucket"]
    assert [w.used_percent for w in spark.windows] == [
        wanted["primary_used_percent"],
        wanted["secondary_used_percent"],
    ]
    assert [w.label for w in spark.windows] == ["5 h Spark", "7 d Spark"]


def test_a_forks_repeat_of_its_parent_is_no_measurement() -> None:
    """The first count of a fork carries its parent's figures under a new timestamp."""
    assert [r.observed_at for r in readings(FORK)] == [iso("2027-01-15T08:10:04Z")]


def test_a_compaction_is_no_measurement() -> None:
    """Equal limits without new usage do not look newer."""
    assert max(r.observed_at for r in readings(FORK)) < iso("2027-01-15T08:10:05Z")


def test_a_subagents_copied_history_is_passed_over() -> None:
    """Only what the subagent itself used is read, from its own beginning on."""
    found = readings(SUBAGENT)
    assert [(r.observed_at, r.since) for r in found] == [
        (iso("2027-01-15T08:20:03Z"), iso("2027-01-15T08:20:00Z"))
    ]


def test_older_shapes() -> None:
    """September and October 2025: flat percentages, and resets relative to the event."""
    flat = readings(ROLLOUTS / "legacy-2025-09.flat.jsonl")
    assert [(w.id, w.used_percent, w.resets_at) for w in flat[0].windows] == [
        ("5h", 12.5, None),
        ("7d", 3.0, None),
    ]
    relative = readings(ROLLOUTS / "legacy-2025-10.resets_in_seconds.jsonl")
    assert relative[0].windows[0].resets_at == iso(EXPECTED["legacy_2025_10_primary_resets_at"])


def test_credits_are_a_balance() -> None:
    """250 credits: neither a percentage nor a currency."""
    credits = next(w for w in readings(PARENT)[-1].windows + readings(FORK)[0].windows if w.id == "credits")
    assert (credits.remaining, credits.unit, credits.used_percent) == (250, "credits", None)


@given(st.lists(st.integers(0, 4), max_size=8), st.sampled_from([PARENT, FORK, SUBAGENT]))
def test_any_split_into_appends_reads_the_same(pieces: list[int], path: Path) -> None:
    """Fed line by line or at once, the newest reading of each limit is the same."""

    def newest(found: list[Reading]) -> dict[str, Reading]:
        return {r.windows[0].id: r for r in found}

    assert newest(readings(path, tuple(pieces))) == newest(readings(path))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(
            ["type", "payload", "info", "rate_limits", "primary", "secondary", "used_percent", "resets_at",
             "window_minutes", "limit_id", "timestamp", "id", "source", "history_base", "total_token_usage"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


_SCALARS = st.none() | st.floats() | st.integers() | st.text(max_size=10)
_SLOT = _VALUES | st.fixed_dictionaries(
    {"used_percent": _SCALARS}, optional={"window_minutes": _SCALARS, "resets_at": _SCALARS}
)
_LIMITS = _VALUES | st.fixed_dictionaries(
    {"primary": _SLOT}, optional={"secondary": _SLOT, "limit_id": _SCALARS, "limit_name": _SCALARS}
)


@given(st.lists(st.binary(max_size=60) | _VALUES.map(lambda v: json.dumps(v).encode()), max_size=6), _LIMITS)
def test_hostile_lines_never_raise_and_never_give_a_wrong_figure(lines: list[bytes], limits: object) -> None:
    """Garbage, foreign shapes and absurd numbers: passed over, or unknown."""
    event = {
        "timestamp": "2027-01-15T08:00:00Z",
        "type": "event_msg",
        "payload": {"type": "token_count", "rate_limits": limits},
    }
    reader = RolloutReader("x", b"".join(line + b'"session_meta"\n' for line in lines))
    for reading in reader.feed([*lines, json.dumps(event).encode()], ReadContext(NOW, ENVIRONMENT)):
        assert isinstance(reading, Reading)
        for window in reading.windows:
            assert window.used_percent is None or 0 <= window.used_percent <= 10_000
            assert window.label.isprintable()


def test_no_sample_is_skipped_silently() -> None:
    """Each file is read above, or belongs to a later issue by name."""
    later = tuple(prefix for prefixes in LATER.values() for prefix in prefixes)
    here = {f"auth.{name}.json" for name in AUTH} | {f"wham-usage.{name}.json" for name in USAGE}
    here |= {"index.json"}
    # Read in test_endpoint.py.
    here |= {f"wham-usage.{n}" for n in ("401-detail.json", "401-expired.json", "403-cloudflare.html")}
    here |= {"accounts.json", "reset-credits.json"}
    left = {f.name for f in FOLDER.iterdir() if f.is_file() and f.name not in here}
    assert {name for name in left if not name.startswith(later)} == set()
    read = {PARENT.name, FORK.name, SUBAGENT.name, "expected.json"}
    assert {f.name for f in ROLLOUTS.iterdir()} - read == {
        "legacy-2025-09.flat.jsonl",
        "legacy-2025-10.resets_in_seconds.jsonl",
    }
