"""What Cursor's two families of endpoints say, as windows.

Pure.  Money is in US cents, percentages are percentages: 0.36 is 0.36 %.  The total is a blend of
two pools, of which one may be empty while the other looks harmless: all three are shown.  Facts:
steipete/CodexBar:Sources/CodexBarCore/CursorStatusProbe.swift, robinebers/openusage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from providers.engine.values import number, part, percent, reset_time
from providers.model import MONTH, WEEK, Window

_POOLS = (
    ("autoPercentUsed", "month:cursor", "Cursor"),
    ("apiPercentUsed", "month:third-party", "third party"),
)


def summary(body: Mapping[str, Any], at: float) -> tuple[Window, ...] | None:
    """The windows of ``/api/usage-summary``; None where it has nothing that counts."""
    if body.get("isUnlimited") is True:
        return (Window("month", "month", note="unlimited"),)
    mine, team = part(body, "individualUsage"), part(body, "teamUsage")
    resets_at = reset_time(body.get("billingCycleEnd"), at, at)
    plan = part(mine, "plan")
    found = [*_plan(plan, plan.get("used"), resets_at)]
    if not found:
        for row, label in ((part(mine, "overall"), "month"), (part(team, "pooled"), "team pool")):
            found = [*_money("month", label, row.get("used"), row.get("limit"), resets_at)]
            if found:
                break
    found += _on_demand(part(mine, "onDemand"), part(team, "onDemand"), resets_at)
    return tuple(found) or None


def period(body: Mapping[str, Any], at: float, included: float | None = None) -> tuple[Window, ...] | None:
    """The windows of ``GetCurrentPeriodUsage``, whose encoding drops defaults: a percentage that
    is absent is 0 only where a limit is there.  ``included`` is the plan's amount in cents, for an
    answer without a limit."""
    plan, spend = part(body, "planUsage"), part(body, "spendLimitUsage")
    resets_at = reset_time(body.get("billingCycleEnd"), at, at)
    if plan and not number(plan.get("limit")) and included:
        plan = {**plan, "limit": included}
    if (number(plan.get("limit")) or 0) > 0 and not any(name in plan for name, *_ in _POOLS):
        plan = {"totalPercentUsed": 0, **plan}
    found = [*_plan(plan, plan.get("includedSpend"), resets_at)]
    personal = {"used": spend.get("individualUsed"), "limit": spend.get("individualLimit")}
    pooled = {"used": spend.get("pooledUsed"), "limit": spend.get("pooledLimit")}
    found += _on_demand(personal, pooled, resets_at)
    return tuple(found) or None


def _plan(plan: Mapping[str, Any], used: object, resets_at: float | None) -> Iterator[Window]:
    """The headline and its two pools."""
    total, auto, api = (
        percent(plan.get(k)) for k in ("totalPercentUsed", "autoPercentUsed", "apiPercentUsed")
    )
    spent, limit = number(used), number(plan.get("limit"))
    known = [p for p in (auto, api) if p is not None]
    if total is None and known:
        total = sum(known) / len(known)
    if total is None and spent is not None and limit is not None and limit > 0:
        total = percent(spent / limit * 100)
    if total is None:
        return
    dollars = limit is not None and limit > 0 and spent is not None
    yield Window(
        "month", "month", total, resets_at, MONTH,
        spent / 100 if dollars and spent is not None else None,
        limit / 100 if dollars and limit is not None else None,
        unit="USD" if dollars else None,
    )  # fmt: skip
    for share, (_, ident, label) in zip((auto, api), _POOLS, strict=True):
        if share is not None:
            yield Window(ident, label, share, resets_at, MONTH)


def _money(ident: str, label: str, used: object, limit: object, resets_at: float | None) -> Iterator[Window]:
    spent, most = number(used), number(limit)
    if spent is not None and spent >= 0 and most is not None and most > 0:
        share = percent(spent / most * 100)
        yield Window(ident, label, share, resets_at, MONTH, spent / 100, most / 100, unit="USD")


def _on_demand(mine: Mapping[str, Any], team: Mapping[str, Any], resets_at: float | None) -> Iterator[Window]:
    """Money beyond the plan; a team's pool is called that, and is never one's own."""
    if mine.get("enabled") is not False:
        row = next(_money("spend", "on-demand", mine.get("used"), mine.get("limit"), resets_at), None)
        if row is not None:
            yield row
            return
    if team.get("enabled") is not False:
        row = next(_money("spend", "on-demand, team", team.get("used"), team.get("limit"), resets_at), None)
        if row is not None:
            yield row
            return
    spent = number(mine.get("used"))
    if mine.get("enabled") is not False and spent is not None and spent > 0:
        yield Window("spend", "on-demand", used=spent / 100, unit="USD")


def requests(body: Mapping[str, Any], at: float) -> Window | None:
    """The counter of an old request plan; None for every newer plan, whose zeros mean nothing."""
    rows = [row for row in body.values() if isinstance(row, Mapping) and number(row.get("maxRequestUsage"))]
    if not rows:
        return None
    limit = number(rows[0].get("maxRequestUsage")) or 0.0
    used = number(rows[0].get("numRequestsTotal"))
    used = number(rows[0].get("numRequests")) if used is None else used
    share = None if used is None or limit <= 0 else percent(used / limit * 100)
    if share is None:
        return None
    began = reset_time(body.get("startOfMonth"), at, at)
    return Window("month", "requests", share, _month_after(began), MONTH, used, limit, unit="requests")


def grok(body: Mapping[str, Any], at: float) -> Window | None:
    """The weekly share of the Grok bot, where the plan has one."""
    share = percent(body.get("usagePercent"))
    if body.get("hasNonZeroIncludedLimit") is not True or share is None:
        return None
    return Window("7d:grok", "Grok bot", share, reset_time(body.get("nextResetTimestampUtc"), at, at), WEEK)


def balance(grants: Mapping[str, Any]) -> Window | None:
    """What is left of credit that was granted; its numbers are texts."""
    total, used = number(grants.get("totalCents")), number(grants.get("usedCents"))
    if grants.get("hasCreditGrants") is not True or total is None or used is None or total <= 0:
        return None
    return Window("credits", "credit", used=used / 100, limit=total / 100,
                  remaining=(total - used) / 100, unit="USD")  # fmt: skip


def customer_credit(body: Mapping[str, Any]) -> float | None:
    """Dollars that Cursor owes, which it writes as a negative balance of cents; None for none."""
    cents = number(body.get("customerBalance"))
    return -cents / 100 if cents is not None and cents < 0 else None


def _month_after(began: float | None) -> float | None:
    if began is None:
        return None
    start = datetime.fromtimestamp(began, UTC)
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    for day in (start.day, 30, 29, 28):
        try:
            return start.replace(year=year, month=month, day=day).timestamp()
        except ValueError:
            continue
    return None
