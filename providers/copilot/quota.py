"""What Copilot's quota endpoint says, as windows.

Pure.  Since June 2026 ``premium_interactions`` is the pool of AI credits.  A bucket without an
entitlement is a placeholder (an organisation's seat) and no zero.  Facts:
robinebers/openusage:docs/providers/copilot.md, the schema in @github/copilot 1.0.58.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from providers.engine.values import clean, epoch, number, part
from providers.model import MONTH, Window, sound_percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CREDITS = "premium_interactions"
_LABELS = {CREDITS: "AI credits", "chat": "chat", "completions": "completions"}
_ORDER = (CREDITS, "chat", "completions")
_PLANS = {
    "free": "Free", "individual": "Pro", "individual_pro": "Pro+", "individual_max": "Max",
    "business": "Business", "enterprise": "Enterprise",
}  # fmt: skip
_MOST = 8


def plan_of(body: Mapping[str, Any]) -> str:
    """The plan's name."""
    word = clean(body.get("copilot_plan"), 40)
    return _PLANS.get(word, word.replace("_", " ").title())


def windows_of(body: Mapping[str, Any], now: float) -> tuple[Window, ...]:
    """Every bucket that says something.  Without any, one row that says why."""
    snapshots = part(body, "quota_snapshots")
    resets_at = _reset(body)
    named = [*_ORDER, *(k for k in snapshots if k not in _ORDER)][:_MOST]
    found: list[Window] = []
    endless: list[Window] = []
    for name in named:
        bucket = snapshots.get(name)
        if isinstance(bucket, Mapping):
            for window in _bucket(name, bucket, resets_at):
                (endless if window.note == "unlimited" else found).append(window)
        else:
            found += _legacy(name, body, resets_at)
    if found:
        return tuple(found)
    return tuple(endless) or (Window("month:credits", "AI credits", note=_why(body)),)


def _why(body: Mapping[str, Any]) -> str:
    return "your organisation's pool" if body.get("organization_login_list") else "no quota reported"


def _bucket(name: str, bucket: Mapping[str, Any], resets_at: float | None) -> list[Window]:
    key, label = _named(name)
    entitlement = number(bucket.get("entitlement"))
    left = number(bucket.get("quota_remaining"))
    left = number(bucket.get("remaining")) if left is None else left
    if entitlement == 0:
        spent = number(bucket.get("credits_used")) or 0
        return [Window(key, label, used=spent, unit="credits", note=f"{spent:g} used")] if spent > 0 else []
    if bucket.get("unlimited") is True or entitlement == -1 or left == -1:
        return [Window(key, label, note="unlimited")]
    percent_left = number(bucket.get("percent_remaining"))
    if percent_left is None and left is not None and entitlement:
        percent_left = left / entitlement * 100
    if percent_left is None:
        return []
    used = sound_percent(round(100 - percent_left, 4))
    own = epoch(bucket.get("quota_reset_at"))
    window = _month(key, label, used, own if own is not None else resets_at, entitlement)
    more = number(bucket.get("overage_count")) or 0
    if bucket.get("overage_permitted") is True and more > 0:
        unit = "credits" if name == CREDITS else None
        return [window, Window(f"extra:{key}", "extra usage", used=more, unit=unit, note=f"{more:g} more")]
    return [window]


def _legacy(name: str, body: Mapping[str, Any], resets_at: float | None) -> list[Window]:
    """Free accounts of old: totals, and what is left of them.  A missing rest is not a full one."""
    total = number(part(body, "monthly_quotas").get(name))
    left = number(part(body, "limited_user_quotas").get(name))
    if not total or total < 0 or left is None:
        return []
    key, label = _named(name)
    return [_month(key, label, sound_percent((1 - left / total) * 100), resets_at, total)]


def _month(
    key: str, label: str, used: float | None, resets_at: float | None, entitlement: float | None
) -> Window:
    spent = entitlement * used / 100 if used is not None and entitlement and entitlement > 0 else None
    limit = entitlement if entitlement is not None and entitlement > 0 else None
    return Window(key, label, used, resets_at, _length(resets_at), spent, limit)


def _named(name: str) -> tuple[str, str]:
    if name == CREDITS:
        return "month:credits", _LABELS[name]
    word = clean(name, 30).lower().replace(" ", "_")
    return f"month:{word}", _LABELS.get(name, word.replace("_", " "))


def _reset(body: Mapping[str, Any]) -> float | None:
    for field in ("quota_reset_date_utc", "quota_reset_date", "limited_user_reset_date"):
        moment = epoch(body.get(field))
        if moment is not None:
            return moment
    return None


def _length(resets_at: float | None) -> int:
    """Seconds of the month that ends with the reset."""
    if resets_at is None:
        return MONTH
    last_day = datetime.fromtimestamp(resets_at, UTC) - timedelta(days=1)
    following = (last_day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (following - last_day.replace(day=1)).days * 86_400
