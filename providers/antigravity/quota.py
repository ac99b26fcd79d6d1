"""What Antigravity says of its quota: two pools, each with a window of five hours and of a week.

Pure.  Fractions are what is *left*; a missing one is unknown.  Facts: robinebers/openusage,
Javis603/token-monitor#722 (a host that answers a frozen 100 % whose reset slides with the clock).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from providers.engine.values import clean, number, part, reset_time
from providers.model import DAY, FIVE_HOURS, WEEK, Window

_KNOWN = {
    "gemini-5h": ("5h", "5 h", FIVE_HOURS),
    "gemini-weekly": ("7d", "7 d", WEEK),
    "3p-5h": ("5h:others", "5 h others", FIVE_HOURS),
    "3p-weekly": ("7d:others", "7 d others", WEEK),
}
_LENGTHS = {"5h": FIVE_HOURS, "weekly": WEEK, "daily": DAY}
SLIDES = 90.0
"""Seconds by which a reset of "now and five hours" may miss that."""

_INSIDE = ("response", "result", "data", "output")
_DEEP = 4


def windows_of(document: object, at: float) -> tuple[Window, ...] | None:
    """Every bucket; None for a document that has no groups of them."""
    groups = _groups(document, _DEEP)
    if groups is None:
        return None
    found = {w.id: w for group in groups for w in _group(group, at)}
    return tuple(found.values())


def _groups(document: object, deep: int) -> list[Any] | None:
    """The groups, wherever a wrapper put them; a command may print its answer as a text."""
    if isinstance(document, str) and deep:
        try:
            return _groups(json.loads(document), deep - 1) if document.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            return None
    if not isinstance(document, Mapping):
        return None
    groups = document.get("groups")
    if isinstance(groups, list):
        return groups
    inner = (_groups(document[key], deep - 1) for key in _INSIDE if deep and key in document)
    return next((found for found in inner if found is not None), None)


def _group(group: object, at: float) -> Iterator[Window]:
    buckets = group.get("buckets") if isinstance(group, Mapping) else None
    for bucket in buckets if isinstance(buckets, list) else ():
        if isinstance(bucket, Mapping) and bucket.get("disabled") is not True:
            yield from _window(bucket, at)


def _window(bucket: Mapping[str, Any], at: float) -> Iterator[Window]:
    name = clean(bucket.get("bucketId"), 40)
    if not name:
        return
    seconds = _LENGTHS.get(clean(bucket.get("window")))
    ident, label, length = _KNOWN.get(name, (name, name.replace("-", " "), seconds))
    left = number(bucket.get("remainingFraction"))
    left = number(part(bucket, "remaining").get("remainingFraction")) if left is None else left
    resets_at = reset_time(bucket.get("resetTime"), at, at)
    used = (1 - left) * 100 if left is not None and 0 <= left <= 1 else None
    if used == 0 and length == FIVE_HOURS and resets_at is not None and _slides(resets_at, at):
        used, resets_at = None, None
    note = "" if used is not None else "no data"
    yield Window(ident, label, used, resets_at, length, note=note)


def _slides(resets_at: float, at: float) -> bool:
    return abs(resets_at - at - FIVE_HOURS) < SLIDES
