"""The made-up providers of ``--demo``: answers to the real questions, without a socket.

The demo's asker is the real one; only the transport under it is this.  Nothing of a demo ever
reaches a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.demo import PARKED

if TYPE_CHECKING:
    import httpx

    from tui.demo import DemoWorld

HOUR, DAY = 3600, 86_400


def network(world: DemoWorld) -> httpx.AsyncBaseTransport:
    """A transport that answers as the providers of this world would."""
    import httpx

    async def handle(request: httpx.Request) -> httpx.Response:
        body = answered(world, request.url.path, request.headers.get("authorization", ""))
        if body is None:
            return httpx.Response(404, stream=httpx.ByteStream(b"{}"))
        import json

        headers = {"content-type": "application/json"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(json.dumps(body).encode()))

    return httpx.MockTransport(handle)


def answered(world: DemoWorld, path: str, token: str = "") -> Any:
    """The body with which the provider of a path would answer whoever asks with this token, or
    None if it knows none."""
    who = next((p for p in PARKED if token.endswith(f"demo-{p[0]}")), None)
    match path:
        case "/api/oauth/usage":
            return _claude_usage(world) if who is None else _parked_usage(world, who[5], who[6])
        case "/api/oauth/profile":
            return _claude_profile(world) if who is None else _parked_profile(world, who[0], who[1], who[2])
        case "/backend-api/wham/usage":
            return _codex_usage(world)
        case "/backend-api/wham/rate-limit-reset-credits":
            return {"credits": [], "available_count": 1}
        case "/backend-api/accounts":
            return {"items": [{"id": world.account, "name": None}]}
        case "/copilot_internal/user":
            return _copilot_user(world)
        case "/zen/go/v1/usage":
            return _opencode_usage(world)
        case "/v1internal:loadCodeAssist":
            return {"currentTier": {"id": "standard-tier"}, "cloudaicompanionProject": "demo"}
        case "/v1internal:retrieveUserQuota":
            return _gemini_quota(world)
    return None


def _opencode_usage(world: DemoWorld) -> dict[str, Any]:
    begin, iso = world.begin, world.iso
    windows = (
        ("rolling", 9, 3 * HOUR + 31 * 60),
        ("weekly", 55, 4 * DAY + 3 * HOUR),
        ("monthly", 31, 12 * DAY),
    )
    return {"usage": {name: {"percent": used, "resetsAt": iso(begin + left)} for name, used, left in windows}}


def _gemini_quota(world: DemoWorld) -> dict[str, Any]:
    resets = world.iso(world.begin + 10 * HOUR)
    left = {"gemini-3.1-pro-preview": 0.65, "gemini-3.5-flash": 0.96}
    return {"buckets": [{"modelId": m, "remainingFraction": f, "resetTime": resets} for m, f in left.items()]}


def _copilot_user(world: DemoWorld) -> dict[str, Any]:
    credits = {"entitlement": 7000, "percent_remaining": 29.0, "quota_remaining": 2030.0}
    return {
        "login": "octo-demo",
        "copilot_plan": "individual_pro",
        "quota_reset_date_utc": world.iso(world.begin + 9 * DAY),
        "quota_snapshots": {"premium_interactions": credits},
    }


def _claude_usage(world: DemoWorld) -> dict[str, Any]:
    begin, iso = world.begin, world.iso
    five, week = world.claude_figures()
    scope = {"model": {"id": None, "display_name": "Opus"}, "surface": None}
    return {
        "five_hour": {"utilization": five, "resets_at": iso(begin + 2 * HOUR + 48 * 60)},
        "seven_day": {"utilization": week, "resets_at": iso(begin + 3 * DAY + 8 * HOUR)},
        "seven_day_opus": None,
        "limits": [
            {
                "kind": "weekly_scoped", "group": "weekly", "percent": 18, "severity": "normal",
                "resets_at": iso(begin + 80 * HOUR), "scope": scope, "is_active": False,
            }
        ],
        "spend": {
            "used": {"amount_minor": 1234, "currency": "EUR", "exponent": 2},
            "limit": {"amount_minor": 5000, "currency": "EUR", "exponent": 2},
            "percent": 24.68,
            "enabled": True,
        },
    }  # fmt: skip


def _claude_profile(world: DemoWorld) -> dict[str, Any]:
    return {
        "account": {"uuid": world.account, "email": "work@example.com", "has_claude_max": True},
        "organization": {
            "uuid": world.organisation,
            "organization_type": "claude_max",
            "rate_limit_tier": "default_claude_max_20x",
        },
    }


def _parked_usage(world: DemoWorld, five: float, week: float) -> dict[str, Any]:
    begin, iso = world.begin, world.iso
    return {
        "five_hour": {"utilization": five, "resets_at": iso(begin + HOUR)},
        "seven_day": {"utilization": week, "resets_at": iso(begin + 4 * DAY)},
        "limits": [],
    }


def _parked_profile(world: DemoWorld, alias: str, account: str, kind: str) -> dict[str, Any]:
    return {
        "account": {"uuid": account, "email": f"{alias}@example.com"},
        "organization": {"uuid": world.organisation, "organization_type": kind},
    }


def _codex_usage(world: DemoWorld) -> dict[str, Any]:
    begin = world.begin
    five, week = world.codex_figures()

    def window(used: float, seconds: int, resets_at: int) -> dict[str, Any]:
        return {"used_percent": used, "limit_window_seconds": seconds, "reset_at": resets_at}

    return {
        "user_id": "user-DEMO",
        "account_id": world.account,
        "email": "me@example.com",
        "plan_type": "plus",
        "rate_limit": {
            "allowed": True,
            "limit_reached": False,
            "primary_window": window(five, 5 * HOUR, begin + 2 * HOUR),
            "secondary_window": window(week, 7 * DAY, begin + 2 * DAY + 2 * HOUR),
        },
        "rate_limit_reset_credits": {"available_count": 1},
    }
