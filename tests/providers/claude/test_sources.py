"""Which files are read, where they lie, and what each of them is said to be."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest

from providers.base import Environment, FileBytes, ReadContext
from providers.claude.provider import PROVIDER
from providers.engine.sidecar import denied_name
from providers.model import Failure, Reading, Source, Status
from tests.conftest import SAMPLES

NOW = 1_795_330_000.0
FIVE, WEEK = 1_795_337_200, 1_795_630_000
BOTH = {"5h": (23.5, FIVE), "7d": (41.2, WEEK)}
FABLE = {"7d:fable": (5, WEEK)}

CACHES = {
    ("token_optimizer", "token_optimizer_rate_limits.json"): (BOTH, Source.STATUSLINE),
    ("claude_hud", "claude_hud_usage_cache.json"): ({"5h": (23, FIVE), "7d": (41, WEEK)}, Source.SIDECAR),
    ("ccstatusline", "ccstatusline_usage.json"): (BOTH | FABLE | {"spend": (24.68, None)}, Source.SIDECAR),
    ("ccusage", "usage_limits.json"): (BOTH | FABLE, Source.SIDECAR),
    ("rate_limit_cache", "rate_limit_cache_percent.json"): (BOTH, Source.STATUSLINE),
    ("rate_limit_cache", "rate_limit_cache_ratio.json"): (BOTH, Source.STATUSLINE),
    ("onwatch", "claude_statusline_stdin.json"): (BOTH, Source.STATUSLINE),
    ("claude_monitor", "claude_monitor_statusline.json"): (BOTH, Source.STATUSLINE),
}

PLACES = {
    "credentials": ".claude/.credentials.json",
    "config": ".claude.json",
    "settings": ".claude/settings.json",
    "web": ".claude-session-key",
    "keys": ".local/share/quotadeck/keys.json",
    "swap_usage": ".local/share/claude-swap/cache/usage.json",
    "swap_slots": ".local/share/claude-swap/sequence.json",
    "aimonitor": ".local/share/aimonitor/aimonitor.db",
    "statusline": ".local/state/quotadeck/statusline/claude.0a-b.json",
    "endpoint_sidecar": ".local/state/quotadeck/quota/claude.a1b2c3.json",
    "tokenmaxxer": ".claude/.tokenmaxxer-claude.json",
    "onwatch": ".onwatch/data/anthropic-statusline.json",
    "claude_monitor": ".claude-monitor/statusline/latest.json",
    "token_optimizer": ".claude/token-optimizer/rate-limits.json",
    "claude_hud": ".claude/plugins/claude-hud/.usage-cache.json",
    "ccstatusline": ".cache/ccstatusline/usage.json",
    "ccusage": ".claude/usage-limits.json",
    "ccusage_accounts": ".claude/usage-limits/0000-uuid.json",
    "rate_limit_cache": ".claude/rate-limit-cache.json",
    "openusage": ".cache/openusage/statusline-5h.json",
    "usage_tracker": ".claude/.statusline-usage-cache",
}


def test_where_each_source_lies(environment: Environment) -> None:
    """One path per source, none of them denied by name; logins are not sidecars."""
    sources = PROVIDER.sources(environment)
    assert [s.id for s in sources] == list(PLACES)
    for source in sources:
        path = environment.home / PLACES[source.id]
        assert path.parent == source.folder
        assert fnmatchcase(path.name, source.pattern)
        assert source.login or not denied_name(path.name)
    assert [s.id for s in sources if s.login] == [
        "credentials",
        "config",
        "settings",
        "web",
        "keys",
        "swap_usage",
        "swap_slots",
        "aimonitor",
    ]
    assert not any(s.log for s in sources)


def test_everything_of_claude_moves_with_its_folder(with_variables: Callable[..., Environment]) -> None:
    """CLAUDE_CONFIG_DIR and XDG_CACHE_HOME leave nothing of a profile in the default places."""
    environment = with_variables(CLAUDE_CONFIG_DIR="/profile", XDG_CACHE_HOME="/cache")
    moved = {s.id for s in PROVIDER.sources(environment) if s.folder.is_relative_to(environment.home)}
    in_home = {"statusline", "endpoint_sidecar", "onwatch", "claude_monitor", "web", "keys"}
    assert moved == in_home | {"swap_usage", "swap_slots", "aimonitor"}


def read(environment: Environment, source_id: str, data: bytes, name: str = "") -> list[Reading | Failure]:
    source = next(s for s in PROVIDER.sources(environment) if s.id == source_id)
    file = FileBytes(source.folder / (name or source.pattern), data, NOW - 5)
    found = list(PROVIDER.read(source, file, ReadContext(NOW, environment)))
    return [f for f in found if isinstance(f, Reading | Failure)]


@pytest.mark.parametrize(("source_id", "name"), CACHES)
def test_caches_of_neighbours(environment: Environment, source_id: str, name: str) -> None:
    """Each is read in its own shape; a copy of the statusline is a statusline, a poll is not."""
    expected, kind = CACHES[source_id, name]
    (reading,) = read(environment, source_id, (SAMPLES / "interop/caches" / name).read_bytes())
    assert isinstance(reading, Reading)
    assert {w.id: (w.used_percent, w.resets_at) for w in reading.windows} == expected
    assert (reading.source, reading.account) == (kind, None)
    assert reading.origin.endswith(PLACES[source_id])


def test_a_cache_that_has_no_figures_says_why(environment: Environment) -> None:
    """An organisation that refuses OAuth is a failure with its sentence, and no figure."""
    data = (SAMPLES / "interop/caches/usage_limits_unavailable.json").read_bytes()
    (failure,) = read(environment, "ccusage", data)
    assert isinstance(failure, Failure)
    assert (failure.status, "not allowed" in failure.message) == (Status.ERROR, True)


def test_a_file_per_account_names_its_account(environment: Environment) -> None:
    """The uuid in the file's name is whose figures these are."""
    data = (SAMPLES / "interop/caches/usage_limits.json").read_bytes()
    (reading,) = read(environment, "ccusage_accounts", data, "0000-uuid.json")
    assert reading.account == "0000-uuid"


@pytest.mark.parametrize(
    ("source_id", "data", "expected"),
    [
        ("openusage", b'{"pct": 12, "ts": 1795329000}', {"5h": 12}),
        ("usage_tracker", b"TIMESTAMP=1795329000\nUTILIZATION=12\nWEEKLY_UTILIZATION=30\n",
         {"5h": 12, "7d": 30}),
    ],
)  # fmt: skip
def test_small_shapes(
    environment: Environment, source_id: str, data: bytes, expected: dict[str, float]
) -> None:
    """A lone percentage of the window in the file's name; lines of KEY=VALUE."""
    (reading,) = read(environment, source_id, data)
    assert isinstance(reading, Reading)
    assert {w.id: w.used_percent for w in reading.windows} == expected
    assert reading.observed_at == 1_795_329_000


def test_a_session_sidecar_says_since_when(environment: Environment) -> None:
    """Near a switch the session's first sight decides whose figures these are; our own
    sidecar of the endpoint keeps its kind."""
    head = b'{"schema": "quotadeck.quota", "version": 1, "provider": "claude", "observed_at": 1795329000,'
    windows = b'"windows": [{"id": "5h", "label": "5 h", "used_percent": 40, "resets_at": 1795337200}]}'
    line = head + b'"source": "statusline", "first_seen_at": 1795320000, "account": null,' + windows
    (session,) = read(environment, "statusline", line)
    assert isinstance(session, Reading)
    assert (session.source, session.since, session.account) == (Source.STATUSLINE, 1_795_320_000, None)
    polled = head + b'"source": "endpoint", "account": {"id": "a1b2c3"},' + windows
    (answer,) = read(environment, "endpoint_sidecar", polled)
    assert (answer.source, answer.account) == (Source.ENDPOINT, "id:a1b2c3")
