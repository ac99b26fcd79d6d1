"""The names that quota files use, as data: windows, percentages, resets, times, statuses.

Read by engine.sidecar, and by the settings for tokenmaxxer's switches.  All names are in the
form that `snake` gives them.  Where each was seen is told in the projects named beside the
groups; a name that is in no table is shown under itself, never dropped.
"""

from __future__ import annotations

import re
from enum import Enum

from providers.engine.values import clean
from providers.model import DAY, FIVE_HOURS, HOUR, WEEK, Status, window_id_for
from providers.record import Record

SWITCHES = {
    "copilot": "TOKENMAXXER_COPILOT_DISABLED",
    "gemini": "TOKENMAXXER_GEMINI_DISABLED",
    "opencode": "TOKENMAXXER_OPENCODE_DISABLED",
}
"""tokenmaxxer's own switches, which switch our panels off too."""

MAX_SLUG = 40

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])")
_OTHER = re.compile(r"[^a-z0-9]+")
_ODD = re.compile(r"^(\d+)([dhms])$")


def snake(key: str) -> str:
    """A key in lower snake case: ``fiveHourUtil`` and ``five-hour-util`` become
    ``five_hour_util``, ``session5h`` becomes ``session_5h``."""
    return _OTHER.sub("_", _HUMP.sub("_", key[:80]).lower()).strip("_")


class Scale(Enum):
    """What a percentage field counts."""

    USED = "used 0-100"
    LEFT = "left 0-100"
    USED_SHARE = "used 0-1"
    LEFT_SHARE = "left 0-1"
    EITHER = "used, 0-100 or 0-1: only the whole file tells"


PERCENT_KEYS: dict[str, Scale] = {
    **dict.fromkeys(
        ("used_percentage", "used_percent", "usage_percent", "usage_percentage", "percent_used", "pct_used",
         "total_percent_used", "pct", "percent"),
        Scale.USED,
    ),
    **dict.fromkeys(
        ("remaining_percentage", "remaining_percent", "percent_remaining", "percent_left"), Scale.LEFT
    ),
    **dict.fromkeys(("used_fraction", "used_ratio", "fraction", "ratio", "util"), Scale.USED_SHARE),
    "remaining_fraction": Scale.LEFT_SHARE,
    "utilization": Scale.EITHER,
    "usage": Scale.USED,
}  # fmt: skip
"""Best first.  ``usage`` beside a limit is an amount, not a percentage."""

RESET_KEYS = (
    "resets_at", "reset_at", "reset_epoch", "reset_time", "reset_date", "resets", "reset",
    "quota_reset_at", "quota_reset_date_utc", "quota_reset_date", "limited_user_reset_date",
    "billing_cycle_end",
)  # fmt: skip
CYCLE_KEYS = ("quota_reset_date_utc", "quota_reset_date", "limited_user_reset_date", "billing_cycle_end")
"""Resets of the whole account, which its monthly windows share."""
RELATIVE_RESET_KEYS = (
    "reset_in_sec", "reset_in_seconds", "resets_in_sec", "resets_in_seconds", "reset_after_seconds",
)  # fmt: skip
DURATION_KEYS: dict[str, int] = {
    "window_minutes": 60, "window_mins": 60, "window_duration_mins": 60, "window_duration_minutes": 60,
    "limit_window_seconds": 1, "window_seconds": 1, "window_duration_seconds": 1,
}  # fmt: skip

USED_KEYS = ("used", "used_usd", "used_dollars", "consumed", "credits_used")
LIMIT_KEYS = ("limit", "entitlement", "limit_usd", "limit_dollars", "quota", "total")
LEFT_KEYS = ("remaining", "quota_remaining", "remaining_usd", "remaining_dollars", "available", "balance")
MINOR_USED_KEYS = ("used_credits",)
MINOR_LIMIT_KEYS = ("monthly_limit", "monthly_credit_limit")
"""Money in minor units: ``extra_usage`` of Claude's usage endpoint."""
UNIT_KEYS = ("unit", "currency")
ENABLED_KEYS = ("is_enabled", "enabled")

OBSERVED_KEYS = (
    "observed_at", "captured_at", "captured_at_epoch", "fetched_at", "fetched_at_ms", "updated_at",
    "timestamp", "ts", "last_updated", "published_at", "sampled_at", "exported_at", "generated_at",
)  # fmt: skip
PLAN_KEYS = (
    "plan", "plan_type", "plan_name", "copilot_plan", "access_type_sku", "sku", "tier", "rate_limit_tier",
    "subscription_type", "membership_type",
)  # fmt: skip
WHO_KEYS = ("account_email", "email", "account", "login", "alias")

WRAPPERS = frozenset(
    {"rate_limits", "rate_limit", "data", "usage", "windows", "limits", "quota_snapshots", "buckets",
     "result", "quota", "quotas", "entries", "resources", "utilization"}
)  # fmt: skip
"""Keys that hold windows without naming one."""

UNRELATED = frozenset(
    {"context_window", "context", "cost", "current_usage", "prompt_cache", "tokens", "accounts", "history",
     "samples", "scope", "seven_day_breakdown", "weekly_scoped_shares"}
)  # fmt: skip
"""Keys whose percentages are no quota (shares of one included), are somebody else's, or
are old."""

PROVIDER_NAMES: dict[str, str] = {
    "anthropic": "claude", "claude_code": "claude", "openai": "codex", "chatgpt": "codex",
    "google": "gemini", "gemini_cli": "gemini", "google_gemini_cli": "gemini",
    "github_copilot": "copilot", "opencode_go": "opencode", "opencode_zen": "opencode",
    "google_antigravity": "antigravity",
}  # fmt: skip

STATUS_WORDS: dict[str, Status] = {
    **dict.fromkeys(
        ("", "ok", "success", "allowed", "allowed_warning", "active", "live", "fresh", "partial", "true",
         "200"),
        Status.OK,
    ),
    **dict.fromkeys(("rate_limited", "limited", "throttled", "429"), Status.LIMITED),
    **dict.fromkeys(
        ("auth_failed", "auth_error", "unauthorized", "token_expired", "expired", "relogin_required",
         "needs_relogin", "invalid_grant", "401"),
        Status.EXPIRED,
    ),
    **dict.fromkeys(("no_credentials", "unconfigured"), Status.UNCONFIGURED),
    **dict.fromkeys(
        ("not_subscribed", "no_subscription", "unsubscribed", "entitlement_error", "not_entitled"),
        Status.UNSUBSCRIBED,
    ),
    **dict.fromkeys(("timeout", "network", "offline"), Status.OFFLINE),
    "disabled": Status.DISABLED,
    "stale": Status.STALE,
}  # fmt: skip
"""Any other word is an error that is shown in the writer's own words."""

SENTENCES: dict[Status, str] = {
    Status.LIMITED: "the usage endpoint told the writer of this file to wait",
    Status.EXPIRED: "the writer of this file was refused: log in again",
    Status.UNCONFIGURED: "the writer of this file found no login",
    Status.UNSUBSCRIBED: "the writer of this file found no subscription",
    Status.OFFLINE: "the writer of this file could not reach the service",
    Status.DISABLED: "the writer of this file is switched off",
    Status.STALE: "the writer of this file calls its figures old",
    Status.ERROR: "the writer of this file reports a fault",
}

_SLOTS: dict[str, str] = {
    **dict.fromkeys(
        ("five_hour", "five_hours", "5h", "5_h", "5_hour", "5_hours", "session", "session_5h", "rolling",
         "rolling_5h", "primary", "current_session"),
        "5h",
    ),
    **dict.fromkeys(
        ("seven_day", "seven_days", "7d", "7_d", "7_day", "7_days", "weekly", "weekly_7d", "week", "week_all",
         "week_all_models", "weekly_all", "weekly_all_models", "seven_day_all_models", "secondary"),
        "7d",
    ),
    **dict.fromkeys(("daily", "day", "24h"), "day"),
    **dict.fromkeys(("monthly", "month", "30d"), "month"),
    "credits": "credits",
    **dict.fromkeys(("spend", "spend_limit", "extra_usage", "overage"), "spend"),
}  # fmt: skip
_MONTHLY = frozenset({"premium_interactions", "premium", "chat", "completions", "plan", "billing"})
_MODELS = frozenset({"fable", "opus", "sonnet", "haiku"})
"""Claude's families; ccstatusline names its per-model weeks by these alone."""
_SCOPES = (
    ("seven_day_", "7d"), ("7d_", "7d"), ("weekly_", "7d"), ("week_", "7d"), ("scoped_", "7d"),
    ("five_hour_", "5h"), ("5h_", "5h"), ("monthly_", "month"), ("daily_", "day"),
)  # fmt: skip
_TAILS = ("_usage", "_window", "_limit", "_limits", "_quota")

SECONDS: dict[str, int] = {"5h": FIVE_HOURS, "7d": WEEK, "day": DAY}
_LABELS = {"5h": "5 h", "7d": "7 d", "credits": "credits", "spend": "extra usage"}

BARE_SHARES = frozenset({"session_5h", "weekly_7d"})
"""Flat figures from 0 to 1: form (b) of rate-limit-cache.json."""
BARE_PERCENTS = frozenset({"five_hour", "seven_day", "5h", "7d"})
"""Flat figures from 0 to 100 (jarrodwatts/claude-hud:src/usage-api.ts)."""


_FAMILY = re.compile(r"^[a-z]+-(?=\d)")


class Slot(Record):
    """What a name says about a window: the canonical ``base`` id, empty if the name is
    not known, and the ``scope`` (a model, a kind of request) in the writer's words."""

    base: str
    scope: str = ""

    @property
    def id(self) -> str:
        """The canonical window id."""
        parts = [p for p in (self.base, _slug(self.scope)) if p]
        return ":".join(parts) or "quota"

    @property
    def label(self) -> str:
        """What a person reads; a scope keeps the writer's spelling, less a family name
        before a version ("gemini-2.5-pro" is "2.5-pro": columns are dear)."""
        if self.base in ("", "day", "month") and self.scope:
            return _FAMILY.sub("", self.scope)
        base = _LABELS.get(self.base) or _ODD.sub(_odd_label, self.base)
        return f"{base} {self.scope}".strip() or "quota"


def slot_of(name: str, *, whole: bool = True) -> Slot | None:
    """The slot that a name stands for, or None if the name is not known.

    ``whole`` says that the name is that of a window and not the first part of a flat
    key, where ``session_limit_percent`` would be a threshold of the writer's.
    """
    plain = snake(name)
    if whole:
        tail = next((t for t in _TAILS if plain.endswith(t) and plain not in _SLOTS), "")
        plain = plain.removesuffix(tail)
    if plain in _SLOTS:
        return Slot(_SLOTS[plain])
    if plain in _MONTHLY:
        return Slot("month", plain.replace("_", " "))
    if plain in _MODELS:
        return Slot("7d", plain.capitalize())
    for prefix, base in _SCOPES:
        if plain.startswith(prefix) and f"_{plain.removeprefix(prefix)}" not in _TAILS:
            return Slot(base, _scope(name, plain.removeprefix(prefix)))
    return None


def slot_of_length(slot: Slot, seconds: int | None) -> Slot:
    """The slot of a window of that length: the length decides over the name
    (robinebers/openusage:docs/providers/codex.md)."""
    if seconds is None or slot.base in ("credits", "spend"):
        return slot
    return Slot(window_id_for(seconds) or _odd_length(seconds), slot.scope)


def provider_of(name: str) -> str:
    """Our id for the name that another tool gives a provider."""
    return PROVIDER_NAMES.get(snake(name), name)


def _odd_length(seconds: int) -> str:
    for unit, name in ((DAY, "d"), (HOUR, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def _odd_label(match: re.Match[str]) -> str:
    return f"{match[1]} {'min' if match[2] == 'm' else match[2]}"


def _scope(name: str, plain: str) -> str:
    """The scope as a person writes it: ``scoped:Fable`` keeps its spelling."""
    written = clean(name.partition(":")[2]) or plain.replace("_", " ")
    return written.capitalize() if written.islower() else written


def _slug(text: str) -> str:
    return re.sub(r"[\s_:/]+", "-", clean(text).lower())[:MAX_SLUG].strip("-")
