"""Codex quotas: rate limits as its logs (and its endpoint, alike) spell them.  Pure.

Windows are classified by their length, never by their slot: OpenAI moves a weekly window
into the primary slot when it suspends the five-hour one
(robinebers/openusage:docs/providers/codex.md).  A missing window is not offered, not 0 %.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from providers.engine.values import clean, number, percent, reset_time
from providers.model import DAY, FIVE_HOURS, HOUR, WEEK, Window, window_id_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAIN_LIMIT = "codex"

_LABELS = {"5h": "5 h", "7d": "7 d", "day": "day", "month": "month"}
_SLOTS = {"primary": ("5h", FIVE_HOURS), "secondary": ("7d", WEEK)}
_PLANS = {
    "pro": "Pro 20x",
    "prolite": "Pro 5x",
    "promax": "Pro Max",
    "plus": "Plus",
    "free": "Free",
    "go": "Go",
    "team": "Team",
    "business": "Business",
    "enterprise": "Enterprise",
    "edu": "Edu",
}


def plan_label(value: object) -> str:
    """A plan as a person says it; an unknown one is title-cased, never an error."""
    word = clean(value, 40)
    return _PLANS.get(word.lower(), word.replace("_", " ").title())


def windows_of(
    limits: Mapping[str, Any], observed_at: float, now: float, scope: str = ""
) -> Iterator[Window]:
    """The windows of one ``rate_limit(s)`` object in any of its spellings.

    ``scope`` is the name of a limit of its own (a model's); its windows are kept apart.
    """
    flat = {
        "primary": _flat(limits, "primary"),
        "secondary": _flat(limits, "weekly"),
    }
    for slot in ("primary", "secondary"):
        window = limits.get(slot) or limits.get(f"{slot}_window") or flat[slot]
        if isinstance(window, Mapping):
            found = _window(window, slot, observed_at, now, scope)
            if found is not None:
                yield found


def _flat(limits: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The spelling of September 2025: ``primary_used_percent``, ``weekly_window_minutes``."""
    if f"{name}_used_percent" not in limits:
        return None
    return {
        "used_percent": limits[f"{name}_used_percent"],
        "window_minutes": limits.get(f"{name}_window_minutes"),
    }


def _window(
    window: Mapping[str, Any], slot: str, observed_at: float, now: float, scope: str
) -> Window | None:
    if not any(k in window for k in ("used_percent", "usedPercent", "reset_at", "resets_at", "resetsAt")):
        return None
    seconds = _seconds(window)
    base, length = (window_id_for(seconds), seconds) if seconds else _SLOTS[slot]
    label = _LABELS.get(base or "", "") or duration_label(seconds or 0)
    base = base or label.replace(" ", "")
    name = short_name(scope)
    return Window(
        id=f"{base}:{slug(scope)}" if scope else base,
        label=f"{label} {name}" if name else label,
        used_percent=percent(window.get("used_percent", window.get("usedPercent"))),
        resets_at=_reset(window, observed_at, now),
        window_seconds=int(length or 0) or None,
    )


def _seconds(window: Mapping[str, Any]) -> float | None:
    for key, scale in (("limit_window_seconds", 1), ("window_minutes", 60), ("windowDurationMins", 60)):
        value = number(window.get(key))
        if value is not None and 0 < value * scale < 1e9:
            return value * scale
    return None


def _reset(window: Mapping[str, Any], observed_at: float, now: float) -> float | None:
    """``reset_at`` if there is one, else the relative form, counted from the observation."""
    for key in ("reset_at", "resets_at", "resetsAt"):
        if number(window.get(key)):
            return reset_time(window[key], observed_at, now)
    for key in ("resets_in_seconds", "reset_after_seconds"):
        ahead = number(window.get(key))
        if ahead is not None and ahead > 0:
            return reset_time(observed_at + ahead, observed_at, now)
    return None


def duration_label(seconds: float) -> str:
    """An odd length as it is: "3 d", "36 h", "90 min"."""
    if seconds >= 2 * DAY and seconds % DAY < HOUR:
        return f"{seconds / DAY:.0f} d"
    return f"{seconds / HOUR:.0f} h" if seconds >= 2 * HOUR else f"{seconds / 60:.0f} min"


def slug(text: str) -> str:
    """A limit's name as part of a window id."""
    return re.sub(r"[^a-z0-9.]+", "-", clean(text).lower()).strip("-")[:40]


def short_name(scope: str) -> str:
    """The telling end of a limit's name: "GPT-5.3-Codex-Spark" is "Spark"."""
    words = [w for w in re.split(r"[\s_-]+", clean(scope)) if w]
    return (words[-1][:1].upper() + words[-1][1:]) if words else ""


def credits_window(credits: object) -> Window | None:
    """The balance: a count of credits, no percentage and no currency."""
    if not isinstance(credits, Mapping):
        return None
    if credits.get("unlimited") is True:
        return Window("credits", "credits", unit="credits", note="unlimited")
    balance = number(credits.get("balance"))
    if credits.get("has_credits") is not True or balance is None or balance < 0:
        return None
    return Window("credits", "credits", remaining=balance, unit="credits")


def spend_window(body: Mapping[str, Any], observed_at: float, now: float) -> Window | None:
    """A member's monthly allowance in credits, where the workspace sets one.

    ``spend_control`` wins over the root (getagentseal/codeburn saw a live payload).
    """
    control = body.get("spend_control")
    limit = control.get("individual_limit") if isinstance(control, Mapping) else None
    limit = limit or body.get("individual_limit")
    if not isinstance(limit, Mapping):
        return None
    used, top = number(limit.get("used")), number(limit.get("limit"))
    share = percent(limit.get("used_percent", limit.get("usedPercent")))
    if used is not None and top:
        share = percent(used * 100 / top)
    if share is None:
        return None
    resets_at = _reset(limit, observed_at, now)
    return Window("month:allowance", "month", share, resets_at, None, used, top, None, "credits")
