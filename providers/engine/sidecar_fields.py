"""The fields of one window in other tools' files: percent, reset, length, amounts, status.

Pure; used by sidecar.py.  Keys are compared without underscores and case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.engine.values import clean, number, percent, reset_time
from providers.model import Status

OBSERVED = (
    "observed_at", "captured_at", "fetched_at", "fetchedAt", "updated_at", "updatedAt", "timestamp", "ts",
    "last_updated", "lastUpdated", "published_at", "sampledAt", "generatedAt", "exportedAt",
)  # fmt: skip

_USED = (
    "usedpercentage", "usedpercent", "usagepercent", "percentused", "pctused", "pct", "percent", "usage",
    "utilization", "totalpercentused",
)  # fmt: skip
_LEFT = ("remainingpercentage", "remainingpercent", "percentremaining", "percentleft")
_RATIO = ("fraction", "ratio", "usedfraction")
_LEFT_RATIO = ("remainingfraction",)
_RESET = (
    "resetsat", "resetat", "resetepoch", "resettime", "resets", "reset", "resetdate", "quotaresetdate",
    "quotaresetdateutc", "limiteduserresetdate", "billingcycleend",
)  # fmt: skip
_RESET_IN = ("resetinsec", "resetsinseconds", "resetafterseconds")
_SECONDS = ("limitwindowseconds", "windowseconds")
_MINUTES = ("windowminutes", "windowdurationmins")
_SPEAKING = frozenset((*_USED, *_LEFT, *_RATIO, *_LEFT_RATIO, "entitlement", "unlimited", "available"))

_WORDS: dict[Status, tuple[str, ...]] = {
    Status.OK: ("ok", "success", "allowed", "active", "live", "partial", ""),
    Status.LIMITED: ("rate_limited", "rate-limited", "limited", "throttled", "429"),
    Status.EXPIRED: (
        "auth_failed", "auth_error", "unauthorized", "token_expired", "expired", "relogin_required",
        "needs_relogin", "invalid_grant",
    ),
    Status.UNCONFIGURED: ("no_credentials", "no-credentials", "unconfigured"),
    Status.UNSUBSCRIBED: ("not_subscribed", "no_subscription", "entitlementerror", "not_entitled", "unsubscribed"),
    Status.OFFLINE: ("timeout", "network", "offline"),
    Status.DISABLED: ("disabled",),
    Status.STALE: ("stale",),
    Status.IDLE: ("idle",),
    Status.DENIED: ("denied",),
}  # fmt: skip
_STATUS = {word: status for status, words in _WORDS.items() for word in words}

_SENTENCES = {
    Status.LIMITED: "the usage endpoint told that tool to wait",
    Status.EXPIRED: "that tool's login was refused",
    Status.UNCONFIGURED: "that tool has no login",
    Status.UNSUBSCRIBED: "the account has no plan with a quota",
    Status.OFFLINE: "that tool had no network",
    Status.DISABLED: "that tool has this provider switched off",
    Status.STALE: "that tool calls its own figures old",
}


def key_of(key: str) -> str:
    """A key without underscores, dashes and case."""
    return key.replace("_", "").replace("-", "").lower()


def _folded(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key_of(k): v for k, v in node.items() if isinstance(k, str) and len(k) <= 60}


def speaks_of_use(node: Mapping[str, Any]) -> bool:
    """Whether a dict describes one window rather than holding others."""
    folded = _folded(node)
    if not _SPEAKING.isdisjoint(k for k, v in folded.items() if not isinstance(v, list | dict)):
        return True
    return {"used", "limit"} <= folded.keys()


def percent_of(node: Mapping[str, Any], *, ratio: bool) -> tuple[float | None, str]:
    """Used percent and a note.  ``ratio``: ``utilization`` is a share of 1 here.

    A window that its tool calls rate-limited is full, whatever the figure.
    """
    folded = _folded(node)
    if folded.get("unlimited") is True:
        return None, "unlimited"
    used = _used(folded, ratio=ratio)
    if _STATUS.get(clean(folded.get("status")).lower()) is Status.LIMITED:
        used = max(100.0, used or 0.0)
    return used, ""


def _used(folded: Mapping[str, Any], *, ratio: bool) -> float | None:
    shared = ratio or {"limit", "used"} <= folded.keys()
    for key in _USED:
        value = percent(folded.get(key))
        if value is not None:
            return value * 100 if key == "utilization" and shared and value <= 1 else value
    for keys, whole in ((_LEFT, 100.0), (_LEFT_RATIO, 1.0)):
        for key in keys:
            left = number(folded.get(key))
            if left is not None and left <= whole:
                return percent(round((whole - left) * 100 / whole, 6))
    for key in _RATIO:
        share = number(folded.get(key))
        if share is not None:
            return percent(share * 100)
    return _computed(folded)


def _computed(folded: Mapping[str, Any]) -> float | None:
    limit, used = number(folded.get("limit")), number(folded.get("used"))
    entitlement, remaining = number(folded.get("entitlement")), number(folded.get("remaining"))
    if limit and limit > 0 and used is not None:
        return percent(used * 100 / limit)
    if entitlement and entitlement > 0 and remaining is not None:
        return percent((entitlement - remaining) * 100 / entitlement)
    return None


def utilization_is_ratio(document: object) -> bool:
    """Whether every ``utilization`` of a document is at most 1 and one is a true fraction.

    One value of exactly 1 stays one percent: Anthropic's API sends 0-100, its headers 0-1.
    """
    values: list[float] = []
    stack: list[object] = [document]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            value = number(node.get("utilization"))
            if value is not None:
                values.append(value)
            stack.extend(v for v in node.values() if isinstance(v, dict | list))
    return bool(values) and all(v <= 1 for v in values) and any(0 < v < 1 for v in values)


def reset_of(node: Mapping[str, Any], observed_at: float, now: float) -> float | None:
    """The reset in epoch seconds; a relative one counts from the observation."""
    folded = _folded(node)
    for key in _RESET:
        if folded.get(key) is not None:
            return reset_time(folded[key], observed_at, now)
    for key in _RESET_IN:
        seconds = number(folded.get(key))
        if seconds is not None and seconds > 0:
            return reset_time(observed_at + seconds, observed_at, now)
    return None


def duration_of(node: Mapping[str, Any]) -> float | None:
    """The window's length in seconds, if it is given."""
    folded = _folded(node)
    for keys, scale in ((_SECONDS, 1), (_MINUTES, 60)):
        for key in keys:
            value = number(folded.get(key))
            if value is not None and 0 < value * scale < 1e9:
                return value * scale
    return None


def amounts_of(node: Mapping[str, Any]) -> tuple[float | None, float | None, float | None, str | None]:
    """Used, limit, remaining and unit, where the window counts something.

    A "limit" of percent is no amount: it repeats the percentage.
    """
    folded = _folded(node)
    if "usedusd" in folded or "limitusd" in folded:
        return number(folded.get("usedusd")), number(folded.get("limitusd")), None, "USD"
    unit = clean(folded.get("unit")) or None
    if unit in ("percent", "%"):
        return None, None, None, None
    limit = number(folded.get("limit"))
    if limit is None:
        limit = number(folded.get("entitlement"))
    balance = number(folded.get("available"))
    used = number(folded.get("used"))
    return used, limit, balance, unit


def status_of(body: Mapping[str, Any], has_windows: bool) -> tuple[Status, str]:
    """Status and sentence of a document; an unknown word is an error that keeps its text."""
    unavailable = body.get("unavailable")
    message = clean(body.get("message"), 200)
    if isinstance(unavailable, dict):
        message = clean(unavailable.get("message"), 200) or message
    word = next((w for w in (_word(body.get(k)) for k in ("status", "state", "error")) if w), "")
    if not word and (body.get("ok") is False or _wrapped(body, "apiUnavailable") is True):
        return Status.ERROR, message or "that tool has no answer"
    if not word and isinstance(unavailable, dict):
        word = "unavailable"
    status = _STATUS.get(word.lower(), Status.ERROR)
    if status is Status.OK:
        return Status.OK, ""
    return status, message or _SENTENCES.get(status) or f"that tool says: {word}"


def _word(value: object) -> str:
    return clean(value if not isinstance(value, dict) else value.get("code") or value.get("type"))


def _wrapped(body: Mapping[str, Any], key: str) -> object:
    inner = body.get("data")
    return body.get(key, inner.get(key) if isinstance(inner, dict) else None)
