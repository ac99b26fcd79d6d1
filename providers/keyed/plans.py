"""Answers of services that sell plans with windows: z.ai, Kimi Code, MiniMax, Synthetic.

Pure.  Names that lie are read as what they mean: z.ai's ``usage`` is the limit, MiniMax'
``usage_count`` is what remains.  Facts: steipete/CodexBar, robinebers/openusage, onllm-dev/onWatch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.engine.values import clean, number, part, percent, reset_time
from providers.keyed.figures import BAD_KEY, Figures, Memory, Wrong, share
from providers.model import FIVE_HOURS, HOUR, MONTH, WEEK, Status, Window, window_id_for

_DEAD = 2
"""`current_interval_status` above this: the plan has no such lane."""


def zai(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """GLM coding plan: hours and weeks in percent, a monthly count of searches."""
    if body.get("success") is False:
        said = clean(body.get("msg"), 100)
        if "coding plan" in said.lower():
            return Wrong(Status.UNSUBSCRIBED, "this key has no coding plan")
        return Wrong(Status.ERROR, f"z.ai answered with an error{f': {said}' if said else ''}")
    data = part(body, "data")
    rows = data.get("limits")
    if not isinstance(rows, list):
        return None
    windows = tuple(w for row in rows if isinstance(row, Mapping) for w in _zai_window(row, at))
    level = clean(data.get("planName")) or clean(data.get("level")).title()
    return Figures(windows, memory.get("plan", "") or level)


def _zai_window(row: Mapping[str, Any], at: float) -> Iterator[Window]:
    kind, count = row.get("type"), number(row.get("number")) or 1
    limit, used = number(row.get("usage")), number(row.get("currentValue"))
    counted = None if limit is None or used is None else share(used, limit)
    spent = percent(row.get("percentage")) if counted is None else counted
    resets_at = reset_time(row.get("nextResetTime"), at, at)
    if kind in ("TOKENS_LIMIT", "CREDIT_LIMIT") and spent is not None:
        seconds = {3.0: HOUR * count, 6.0: WEEK * count}.get(number(row.get("unit")) or 0.0)
        ident = window_id_for(seconds) if seconds else None
        if ident in ("5h", "7d"):
            label = {"5h": "5 h", "7d": "7 d"}[ident]
            yield Window(ident, label, spent, resets_at, int(seconds or 0))
    elif kind == "TIME_LIMIT" and counted is not None:
        yield Window("month:search", "searches", counted, resets_at, MONTH, used, limit, unit="requests")


def zai_side(body: Mapping[str, Any], at: float) -> Memory:
    """The name of the plan."""
    rows = body.get("data")
    first = rows[0] if isinstance(rows, list) and rows else None
    name = clean(first.get("productName"), 40) if isinstance(first, Mapping) else ""
    return {"plan": name} if name else {}


def kimi(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """A weekly quota and windows of minutes; every number is a text."""
    found = [_kimi_window(part(body, "usage"), "7d", "7 d", WEEK, at)]
    limits = body.get("limits")
    for row in limits if isinstance(limits, list) else ():
        length = part(row, "window")
        minutes = number(length.get("duration")) if length.get("timeUnit") == "TIME_UNIT_MINUTE" else None
        if minutes is not None and window_id_for(minutes * 60) == "5h":
            found.append(_kimi_window(part(row, "detail"), "5h", "5 h", FIVE_HOURS, at))
    windows = tuple(w for w in reversed(found) if w is not None)
    level = clean(part(part(body, "user"), "membership").get("level")).removeprefix("LEVEL_").title()
    return Figures(windows, level) if windows else None


def _kimi_window(row: Mapping[str, Any], ident: str, label: str, seconds: int, at: float) -> Window | None:
    limit, used, left = (number(row.get(name)) for name in ("limit", "used", "remaining"))
    if used is None and limit is not None and left is not None:
        used = limit - left
    spent = None if limit is None or used is None else share(used, limit)
    if spent is None:
        return None
    when = next((row[k] for k in ("resetTime", "resetAt", "reset_time", "reset_at") if k in row), None)
    resets_at = reset_time(when, at, at)
    return Window(ident, label, spent, resets_at, seconds, used, limit, unit="requests")


def minimax(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """Two windows for each family of models; errors come with status 200."""
    base = part(body, "base_resp")
    code = number(base.get("status_code"))
    if code == 1004:
        return Wrong(Status.EXPIRED, BAD_KEY)
    if code:
        return Wrong(Status.ERROR, f"MiniMax answered with error {code:.0f}")
    rows = body.get("model_remains")
    if not isinstance(rows, list):
        return None
    alive = [r for r in rows if isinstance(r, Mapping)
             and (number(r.get("current_interval_status")) or 0) <= _DEAD]  # fmt: skip
    windows = tuple(w for row in alive for w in _minimax_windows(row, len(alive) > 1, at))
    if not windows:
        return Wrong(Status.UNSUBSCRIBED, "this key has no coding plan")
    return Figures(windows)


def _minimax_windows(row: Mapping[str, Any], several: bool, at: float) -> Iterator[Window]:
    family = clean(row.get("model_name"), 30) if several else ""
    for kind, ident, label, end, start in (
        ("current_interval", "5h", "5 h", "end_time", "start_time"),
        ("current_weekly", "7d", "7 d", "weekly_end_time", "weekly_start_time"),
    ):
        left = percent(row.get(f"{kind}_remaining_percent"))
        total, remaining = number(row.get(f"{kind}_total_count")), number(row.get(f"{kind}_usage_count"))
        used = None if left is None else max(0.0, 100 - left)
        if used is None and total and remaining is not None and 0 <= remaining <= total:
            used = (1 - remaining / total) * 100
        if used is None:
            continue
        begins, ends = reset_time(row.get(start), at, at), reset_time(row.get(end), at, at)
        seconds = int(ends - begins) if begins and ends and ends > begins else None
        name = f"{ident}:{family.lower()}" if family else ident
        yield Window(name, f"{label} {family}".strip(), used, ends, seconds)


def synthetic(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """Two quotas that refill in ticks instead of a reset, and searches by the hour."""
    data = part(body, "data") or body
    found: list[Window] = []
    rolling, weekly = part(data, "rollingFiveHourLimit"), part(data, "weeklyTokenLimit")
    most, left = number(rolling.get("max")), number(rolling.get("remaining"))
    if most is not None and left is not None and (spent := share(most - left, most)) is not None:
        step = number(rolling.get("tickPercent"))
        found.append(Window(
            "5h", "5 h", spent, None, None, most - left, most, left, "requests",
            refills_at=reset_time(rolling.get("nextTickAt"), at, at),
            refill_percent=None if step is None else percent(round(step * 100, 1)),
        ))  # fmt: skip
    share_left = percent(weekly.get("percentRemaining"))
    if share_left is not None and share_left <= 100:
        limit, rest = _dollars(weekly.get("maxCredits")), _dollars(weekly.get("remainingCredits"))
        used = limit - rest if limit is not None and rest is not None else None
        step = share(_dollars(weekly.get("nextRegenCredits")) or 0.0, limit or 0.0)
        found.append(Window(
            "7d", "7 d", 100 - share_left, None, None, used, limit, rest, "USD",
            refills_at=reset_time(weekly.get("nextRegenAt"), at, at),
            refill_percent=None if step is None else round(step, 1),
        ))  # fmt: skip
    hourly = part(part(data, "search"), "hourly")
    limit, used = number(hourly.get("limit")), number(hourly.get("requests"))
    if limit is not None and used is not None and (spent := share(used, limit)) is not None:
        resets_at = reset_time(hourly.get("renewsAt"), at, at)
        found.append(Window("hour:search", "searches", spent, resets_at, HOUR, used, limit, unit="requests"))
    return Figures(tuple(found)) if found else None


def _dollars(value: object) -> float | None:
    return number(value.replace("$", "").replace(",", "")) if isinstance(value, str) else number(value)
