"""Every provider of the registry as a person has it: a login whose secrets are canaries, what its
endpoints answer, and the figures that must come of it.

A new provider needs an entry here; test_contract.py then asks of it what it asks of all.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from providers.keyed.services import SERVICES
from providers.record import Record
from tests.conftest import SAMPLES
from tests.world.homes import ORGANISATION, Canaries, logged_in_home

NOW = 1_795_338_000.0
"""2026-11-22T09:00:00Z, when the samples were taken."""


class Case(Record):
    """``write`` makes the login in a home; ``variables`` are the person's environment; ``secrets``
    are the texts that may go to this provider's own host, ``kept`` those that may go nowhere;
    ``answers`` the bodies by path (JSON, or the bytes themselves); ``keyring`` what lies there by
    its user; ``used`` the percentages that come of it, by window."""

    write: Callable[[Path], None]
    answers: Mapping[str, Any]
    used: Mapping[str, float | None]
    secrets: tuple[str, ...]
    kept: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    keyring: Mapping[str, str] = {}


def sample(name: str) -> Any:
    """A body of the samples."""
    return json.loads((SAMPLES / name).read_bytes())


def jwt(claims: Mapping[str, Any], signature: str) -> str:
    """A token with these claims; its signature is the canary."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.{signature}"


def put(path: Path, document: object) -> None:
    """A private file with this JSON (or text)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(0o600)


def _first_two(home: Path) -> Canaries:
    return logged_in_home(home, NOW)


def _claude(home: Path) -> None:
    _first_two(home)
    put(home / ".claude-session-key", "sk-ant-sid01-CANARYwebCANARYweb\n")


def _gemini(home: Path) -> None:
    login = {
        "access_token": "ya29.CANARYgeminiaccess",
        "refresh_token": "1//CANARYgeminirefresh",
        "id_token": jwt({"email": "dev@example.com", "sub": "g-1"}, "CANARYgeminiid"),
        "expiry_date": (NOW + 40 * 86_400) * 1000,
    }
    put(home / ".gemini/oauth_creds.json", login)


def _antigravity(home: Path) -> None:
    token = {"access_token": "ya29.CANARYagyaccess", "refresh_token": "1//CANARYagyrefresh",
             "expiry": "2027-01-22T10:30:00Z"}  # fmt: skip
    put(home / ".gemini/antigravity-cli/antigravity-oauth-token", {"token": token})


def _copilot(home: Path) -> None:
    person = {"host": "https://github.com", "login": "octo-dev"}
    tokens = {
        "https://github.com:octo-dev": "gho_CANARYcopilot",
        "https://ghe.example:octo-dev": "gho_CANARYother",
    }
    put(home / ".copilot/config.json", {"lastLoggedInUser": person, "copilotTokens": tokens})


def _opencode(home: Path) -> None:
    keys = {
        "opencode-go": {"type": "api", "key": "sk-CANARYgo"},
        "other": {"type": "api", "key": "sk-CANARYother"},
    }
    put(home / ".local/share/opencode/auth.json", keys)
    kept = {"id": "0a0b0c0d", "generation": 1, "fingerprint": "0" * 16, "added_at": NOW}
    put(home / ".local/share/quotadeck/keys.json", {"version": 1, "keys": {"opencode-zen": kept}})


def _cursor(home: Path) -> None:
    token = jwt({"sub": "auth0|user_EXAMPLE01", "exp": NOW + 40 * 86_400}, "CANARYcursoraccess")
    put(home / ".config/cursor/auth.json", {"accessToken": token, "refreshToken": "CANARYcursorrefresh"})


def _router(home: Path) -> None:
    put(home / ".cc-router/accounts.json", [
        {"id": "max-account-1", "accessToken": "sk-ant-oat01-CANARYpool",
         "refreshToken": "sk-ant-ort01-CANARYpool"},
    ])  # fmt: skip
    put(home / ".cc-router/config.json", {"proxySecret": "CANARYproxy", "runPreferences": {"port": 3456}})


def _pool() -> Any:
    """CC-Router's health page with figures of this moment."""
    page = sample("interop/ccrouter/health.json")
    limits = page["accounts"][0]["rateLimits"]
    limits |= {"lastUpdated": NOW * 1000, "fiveHourReset": NOW + 7200, "sevenDayReset": NOW + 300_000}
    return page


def _nothing(home: Path) -> None:
    """The key is in the environment."""


_KEYED: Mapping[str, tuple[dict[str, str], dict[str, float | None]]] = {
    "zai": (
        {
            "/api/monitor/usage/quota/limit": "zai_credit",
            "/api/biz/subscription/list": "zai_subscription_list",
        },
        {"5h": 34, "7d": 61, "month:search": 12.8},
    ),
    "openrouter": (
        {"/api/v1/key": "openrouter_key", "/api/v1/credits": "openrouter_credits"},
        {"credits": None, "month:key": 63.75},
    ),
    "kimi": ({"/coding/v1/usages": "kimi_usages"}, {"5h": 24.5, "7d": 34.1796875}),
    "minimax": ({"/v1/token_plan/remains": "minimax_percent"}, {"5h": 4, "7d": 29}),
    "deepseek": ({"/user/balance": "deepseek_balance"}, {"credits": None}),
    "synthetic": ({"/v2/quotas": "synthetic_quotas"}, {"5h": 17.5, "7d": 36.8, "hour:search": 4.8}),
    "moonshot": ({"/v1/users/me/balance": "moonshot_balance"}, {"credits": None}),
}

CASES: dict[str, Case] = {
    "claude": Case(
        _claude,
        {
            "/api/oauth/profile": sample("claude/profile.max.json"),
            "/api/oauth/usage": sample("claude/usage.max_full_2026.json"),
            "/api/account": sample("claude/web.account.json"),
            "/api/organizations": sample("claude/web.organizations.json"),
            f"/api/organizations/{ORGANISATION}/usage": sample("claude/usage.max_full_2026.json"),
        },
        {"5h": 41, "7d": 63, "7d:fable": 88, "spend": 24.68},
        ("CANARYclaudeaccess", "sk-ant-sid01-CANARYweb"),
        ("CANARYclauderefresh",),
    ),
    "codex": Case(
        lambda home: _first_two(home) and None,
        {
            "/backend-api/wham/usage": {
                "account_id": "11111111-1111-4111-8111-111111111111", "user_id": "user-EXAMPLE-A",
                "plan_type": "plus",
                "rate_limit": {
                    "primary_window": {
                        "used_percent": 37, "limit_window_seconds": 18_000, "reset_at": NOW + 7200
                    },
                    "secondary_window": {
                        "used_percent": 61, "limit_window_seconds": 604_800, "reset_at": NOW + 300_000
                    },
                },
            },
            "/backend-api/accounts": sample("codex/accounts.json"),
        },
        {"5h": 37, "7d": 61},
        ("CANARYcodexaccess",),
        ("CANARYcodexrefresh", "CANARYcodexid"),
    ),
    "gemini": Case(
        _gemini,
        {
            "/v1internal:loadCodeAssist": sample("gemini/loadCodeAssist_standard.json"),
            "/v1internal:retrieveUserQuota": sample("gemini/retrieveUserQuota_normal.json"),
        },
        {"day:pro": 59, "day:flash": 4.2, "day:flash-lite": 0.8},
        ("CANARYgeminiaccess",),
        ("CANARYgeminirefresh", "CANARYgeminiid"),
    ),
    "antigravity": Case(
        _antigravity,
        {
            "/v1internal:loadCodeAssist": {"cloudaicompanionProject": "p"},
            "/v1internal:retrieveUserQuotaSummary": sample("gemini/antigravity_quota_summary.json"),
        },
        {"5h": 17, "7d": 53, "5h:others": 0, "7d:others": 88, "nova-daily": 50},
        ("CANARYagyaccess",),
        ("CANARYagyrefresh",),
    ),
    "copilot": Case(
        _copilot,
        {"/copilot_internal/user": sample("copilot/user_pro_credits.json") | {"login": "octo-dev"}},
        {"month:credits": 59.17},
        ("CANARYcopilot",),
        ("CANARYother",),
    ),
    "opencode": Case(
        _opencode,
        {
            "/zen/go/v1/usage": sample("opencode/go-usage.200.json"),
            "/_server": (SAMPLES / "opencode/console.billing.txt").read_bytes(),
        },
        {"5h": 12, "7d": 8, "month": 35},
        ("CANARYgo", "CANARYzen"),
        ("CANARYother",),
        keyring={"v1:opencode-zen:0a0b0c0d:g1": "wrk_EXAMPLE0000000000000000001:auth=CANARYzen"},
    ),
    "cursor": Case(
        _cursor,
        {
            "/api/usage-summary": sample("cursor/usage_summary_pro.json"),
            "/api/auth/me": sample("cursor/auth_me.json"),
        },
        {"month": 61.25, "month:cursor": 20, "month:third-party": 100, "spend": 6.5},
        ("CANARYcursoraccess",),
        ("CANARYcursorrefresh",),
    ),
    "router": Case(
        _router,
        {"/cc-router/health": _pool()},
        {"5h": 42, "7d": 17},
        (),
        ("CANARYpool", "CANARYproxy"),
    ),
    **{
        service.id: Case(
            _nothing,
            {path: sample(f"more/{name}.json") for path, name in _KEYED[service.id][0].items()},
            _KEYED[service.id][1],
            (f"CANARY{service.id}",),
            (),
            {service.variables[0]: f"CANARY{service.id}"},
        )
        for service in SERVICES
    },
}  # fmt: skip
