"""Every Claude sample that concerns passive sources is read as its index says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment, FileBytes, ReadContext
from providers.claude.login import login_facts
from providers.claude.provider import PROVIDER
from providers.claude.quota import parse_usage
from providers.claude.statusline import run
from providers.model import LoginState, Reading, Source, Status, Window
from tests.conftest import SAMPLES

NOW = 1_795_327_200.0
FOLDER = SAMPLES / "claude"
SESSION_RESET, WEEK_RESET = 1_795_339_200, 1_795_698_000

LATER = {
    "ways to the same figures that are not used": (
        "sdk.", "rate_limit_event", "messages_probe", "auth_status",
    ),
    "accounts (switching)": ("error.token_", "token_refresh.", "sessions.pid", "cswap_list"),
    "claude.ai by session key": ("web.", "error.web_"),
    "ledger (session logs)": ("session_lines", "stats-cache"),
    "other providers (Claude Desktop)": ("plan-usage-history",),
}  # fmt: skip


def sample(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


def rows(windows: tuple[Window, ...]) -> dict[str, float | None]:
    return {w.id: w.used_percent for w in windows}


USAGE = {
    "max_full_2026": {"5h": 41, "7d": 63, "7d:fable": 88, "spend": 24.68},
    "pro_basic": {"5h": 12, "7d": 7.5},
    "legacy_flat": {"5h": 6, "7d": 35, "7d:opus": 80},
    "low_fraction": {"5h": 0.5, "7d": 1},
    "not_started": {"5h": 0, "7d": 63},
    "limits_only": {"5h": 41, "7d": 63, "monthly-mystery": 3},
    "over_limit": {"5h": 100, "7d": 104, "spend": None},
    "past_reset": {"5h": 97, "7d": 63},
    "enterprise_spend_only": {"spend": 68.75},
    "no_windows": {},
    "extra_disabled": {"5h": 22, "7d": 40, "spend": None},
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_bodies(name: str) -> None:
    """Flat keys, limits[] and money of every known population, never rescaled."""
    windows = parse_usage(sample(f"usage.{name}.json"), observed_at=NOW, now=NOW)
    assert rows(windows) == pytest.approx(USAGE[name])


def test_the_details_of_usage_bodies() -> None:
    """Currency in major units, no cap, a reason that does not colour, a session not begun."""
    by_id = {w.id: w for w in parse_usage(sample("usage.max_full_2026.json"), observed_at=NOW, now=NOW)}
    assert (by_id["spend"].used, by_id["spend"].limit, by_id["spend"].unit) == (12.34, 50.0, "EUR")
    assert by_id["7d:fable"].label == "7 d Fable"
    over = {w.id: w for w in parse_usage(sample("usage.over_limit.json"), observed_at=NOW, now=NOW)}
    assert (over["spend"].used, over["spend"].limit, over["spend"].unit) == (2.5, None, "USD")
    off = {w.id: w for w in parse_usage(sample("usage.extra_disabled.json"), observed_at=NOW, now=NOW)}
    assert off["spend"].note == "off: out of credits"
    begun = {w.id: w for w in parse_usage(sample("usage.not_started.json"), observed_at=NOW, now=NOW)}
    assert begun["5h"].resets_at is None
    past = {w.id: w for w in parse_usage(sample("usage.past_reset.json"), observed_at=NOW, now=NOW)}
    assert past["5h"].resets_at is not None
    assert past["5h"].resets_at < NOW


def facts(environment: Environment, **files: str) -> tuple[LoginState, list[Reading]]:
    """The login state and readings from samples, given by source id."""
    held = {
        key: FileBytes(FOLDER / name, (FOLDER / name).read_bytes(), NOW - 60) for key, name in files.items()
    }
    found = list(login_facts(held, ReadContext(NOW, environment)))
    states = [f for f in found if isinstance(f, LoginState)]
    assert len(states) == 1
    assert "EXAMPLE" not in repr(found)
    return states[0], [f for f in found if isinstance(f, Reading)]


CREDENTIALS = {
    "full": (Status.OK, "Max 20x", ""),
    "expired": (Status.IDLE, "Pro", "renews when claude runs"),
    "mcp_only": (Status.UNCONFIGURED, "", "not logged in"),
    "setup_token": (Status.DENIED, "", "cannot read usage"),
    "wiped": (Status.EXPIRED, "", "log in again"),
    "corrupt_scopes": (Status.OK, "", ""),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_credential_files(environment: Environment, name: str) -> None:
    """Every state that the login file alone can tell; no token in any fact."""
    status, plan, said = CREDENTIALS[name]
    state, _ = facts(environment, credentials=f"credentials.{name}.json")
    assert (state.status, state.plan) == (status, plan)
    assert said in state.message


def test_the_login_deadline(environment: Environment) -> None:
    """refreshTokenExpiresAt is when a person must log in again."""
    state, _ = facts(environment, credentials="credentials.full.json")
    assert state.login_expires_at == 1_797_746_400


def test_the_cached_figures_of_this_account(environment: Environment) -> None:
    """Identity, plan, and the cache with the model's week, seven minutes old."""
    state, readings = facts(
        environment, credentials="credentials.full.json", config="claude_json.max20x.json"
    )
    assert state.identity is not None
    assert (state.identity.email, state.plan) == ("dev@example.com", "Max 20x")
    assert [rows(r.windows) for r in readings] == [pytest.approx(USAGE["max_full_2026"])]
    assert readings[0].observed_at == NOW - 420
    assert (readings[0].account, readings[0].source) == (state.identity.key, Source.CACHE)


def test_the_cache_of_another_account_is_passed_over(environment: Environment) -> None:
    """Same e-mail, other organisation: its figures are not this account's."""
    state, readings = facts(environment, config="claude_json.cache_of_other_account.json")
    assert readings == []
    assert state.plan == "Team (premium)"


def test_an_api_key_alone(environment: Environment) -> None:
    """No subscription, so no quota to show."""
    state, _ = facts(environment, config="claude_json.api_key_only.json")
    assert state.status is Status.UNSUBSCRIBED


STATUSLINES = {
    "full": ({"5h": (41.2, SESSION_RESET), "7d": (63, WEEK_RESET)}, "5h 41% 3h20m · 7d 63% 4d07h"),
    "no_limits": ({}, "quota: waiting for the first answer"),
    "partial": ({"7d": (63, WEEK_RESET)}, "7d 63% 4d07h"),
    "nulls": ({"7d": (63, WEEK_RESET)}, "7d 63% 4d07h"),
    "over_100": ({"5h": (105, SESSION_RESET), "7d": (99.6, WEEK_RESET)}, "5h 105% 3h20m · 7d 99% 4d07h"),
    "spend_limit": ({"spend": (112.5, 1_796_083_200)}, "spend 112% 8d18h"),
}


@pytest.mark.parametrize("name", STATUSLINES)
def test_statusline_input(environment: Environment, name: str) -> None:
    """What Claude Code pipes to a status line: the line that is shown, and the sidecar."""
    expected, line = STATUSLINES[name]
    folder = environment.statusline_dir
    assert run((FOLDER / f"statusline.{name}.json").read_bytes(), str(folder), NOW) == line
    written = list(folder.glob("claude.*.json")) if folder.exists() else []
    assert len(written) == bool(expected)
    assert read(environment, "statusline", written[0] if written else None) == expected


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("tokenmaxxer", "sidecar.tokenmaxxer-claude.assumed.json"),
        ("tokenmaxxer", "sidecar.tokenmaxxer-claude.assumed_flat.json"),
        ("onwatch", "onwatch.anthropic-statusline.json"),
    ],
)
def test_sidecars_of_others(environment: Environment, source: str, name: str) -> None:
    """tokenmaxxer's assumed shapes and onWatch's copy of the status line."""
    expected = {"5h": (41.2, SESSION_RESET), "7d": (63, WEEK_RESET)}
    assert read(environment, source, FOLDER / name) == expected


def read(
    environment: Environment, source: str, path: Path | None
) -> dict[str, tuple[float | None, float | None]]:
    """Percent and reset of every window that the provider reads from a file."""
    if path is None:
        return {}
    chosen = next(s for s in PROVIDER.sources(environment) if s.id == source)
    file = FileBytes(path, path.read_bytes(), NOW)
    found = list(PROVIDER.read(chosen, file, ReadContext(NOW, environment)))
    return {w.id: (w.used_percent, w.resets_at) for r in found if isinstance(r, Reading) for w in r.windows}


def test_no_sample_is_skipped_silently() -> None:
    """Each file is read above, or belongs to a later issue by name."""
    here = {f"usage.{n}.json" for n in USAGE} | {f"credentials.{n}.json" for n in CREDENTIALS}
    here |= {f"statusline.{n}.json" for n in STATUSLINES} | {
        "index.json",
        "onwatch.anthropic-statusline.json",
    }
    here |= {f"sidecar.tokenmaxxer-claude.{n}.json" for n in ("assumed", "assumed_flat")}
    here |= {f"claude_json.{n}.json" for n in ("max20x", "cache_of_other_account", "api_key_only")}
    # Read in test_endpoint.py.
    here |= {f"error.{n}.json" for n in ("401_expired", "401_invalid", "403_revoked", "403_scope", "529")}
    here |= {f"error.429_{n}.json" for n in ("account", "http_date", "zero")}
    here |= {f"profile.{n}.json" for n in ("max", "team")}
    later = tuple(prefix for prefixes in LATER.values() for prefix in prefixes)
    left = {f.name for f in FOLDER.iterdir() if f.name not in here and not f.name.startswith(later)}
    assert left == set()
