"""Answers of services that sell credit: OpenRouter, DeepSeek, Moonshot.  Pure.

A balance is a balance and no bar: nobody knows what it was once.  Facts: steipete/CodexBar,
robinebers/openusage, onllm-dev/onWatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.engine.values import clean, number, part
from providers.keyed.figures import Figures, Memory, Wrong, share
from providers.model import Status, Window

_PERIODS = {"daily": ("day", "day"), "weekly": ("7d", "week"), "monthly": ("month", "month")}


def openrouter(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """The limit of the key, if it has one, and the balance, if the key may see it."""
    data = part(body, "data")
    spent = number(data.get("usage"))
    if spent is None:
        return None
    windows: list[Window] = []
    limit, left = number(data.get("limit")), number(data.get("limit_remaining"))
    if limit is not None and limit > 0 and left is not None:
        ident, period = _PERIODS.get(clean(data.get("limit_reset")), ("limit", ""))
        name = f"{ident}:key" if period else "limit:key"
        used = limit - left
        windows.append(Window(name, f"key limit {period}".strip(), share(used, limit), None, None,
                              used, limit, left, "USD"))  # fmt: skip
    balance = number(memory.get("balance"))
    if balance is not None:
        windows.append(_balance(balance, "USD"))
    else:
        windows.append(Window("spend", "spent", used=spent, unit="USD"))
    # The label is the key with its middle left out: what it shows of the key is not kept.
    return Figures(tuple(windows), "Free" if data.get("is_free_tier") is True else "")


def openrouter_side(body: Mapping[str, Any], at: float) -> Memory:
    """Credit bought minus credit used."""
    data = part(body, "data")
    total, used = number(data.get("total_credits")), number(data.get("total_usage"))
    return {} if total is None or used is None else {"balance": f"{total - used:.4f}"}


def deepseek(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """One balance for each currency; empty ones are left out unless all are."""
    rows = body.get("balance_infos")
    if not isinstance(rows, list):
        return None
    found = {
        clean(row.get("currency"), 3).upper(): amount
        for row in rows
        if isinstance(row, Mapping) and (amount := number(row.get("total_balance"))) is not None
    }
    kept = {unit: amount for unit, amount in found.items() if amount} or dict(list(found.items())[:1])
    if not kept:
        return None
    blocked = "blocked until it is topped up" if body.get("is_available") is False else ""
    return Figures(tuple(
        _balance(amount, unit, blocked, extra=f":{unit.lower()}" if place else "")
        for place, (unit, amount) in enumerate(kept.items())
    ))  # fmt: skip


def moonshot(body: Mapping[str, Any], memory: Memory, at: float) -> Figures | Wrong | None:
    """The balance of the platform; cash may be below zero while vouchers last."""
    if number(body.get("code")) not in (None, 0) or body.get("status") is False:
        return Wrong(Status.ERROR, "Moonshot answered with an error")
    data = part(body, "data")
    available, cash = number(data.get("available_balance")), number(data.get("cash_balance"))
    if available is None:
        return None
    note = f"cash is {cash:.2f} USD, in deficit" if cash is not None and cash < 0 else ""
    return Figures((_balance(available, "USD", note),))


def _balance(amount: float, unit: str, note: str = "", *, extra: str = "") -> Window:
    label = f"balance {unit}" if extra else "balance"
    said = f"{amount:.2f} {unit}, {note}" if note else ""
    return Window(f"credits{extra}", label, remaining=amount, unit=unit, note=said)
