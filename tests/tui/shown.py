"""Made-up views and time zones for the tests of the pure texts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from providers.engine.shown import (
    AccountView,
    DeckView,
    Pace,
    ProviderView,
    Severity,
    Verdict,
    VerdictKind,
    WindowState,
    WindowView,
)
from providers.model import FIVE_HOURS, HOUR, WEEK, Status

NOW = 1_795_330_000.0
"""Sunday, 22 November 2026, 06:46:40 UTC."""


def zone_of(name: str) -> Callable[[float], time.struct_time]:
    """Local time in a named zone, whatever the machine's is."""
    zone = ZoneInfo(name)
    return lambda at: datetime.fromtimestamp(at, zone).timetuple()


UTC = zone_of("UTC")


def instant(text: str) -> float:
    """Epoch seconds of an ISO moment with an offset."""
    return datetime.fromisoformat(text).timestamp()


def window(ident: str = "5h", share: float | None = 62.0, **changes: Any) -> WindowView:
    """A fresh window that resets in 2 h 48 min."""
    seconds = {"5h": FIVE_HOURS, "7d": WEEK}.get(ident.partition(":")[0])
    fields: dict[str, Any] = {
        "id": ident,
        "label": {"5h": "5 h", "7d": "7 d"}.get(ident, ident),
        "state": WindowState.FRESH,
        "used_percent": share,
        "resets_at": NOW + 2 * HOUR + 48 * 60,
        "window_seconds": seconds,
        "source": "statusline",
        "origin": "statusline",
        "observed_at": NOW - 10,
        "severity": Severity.OK,
    }
    return WindowView(**fields | changes)


def pace(delta: float = 18.0, out: float | None = None) -> Pace:
    """44 % of the window is over."""
    return Pace(44.0, 140.0 if out else 90.0, delta, out)


def account(*windows: WindowView, **changes: Any) -> AccountView:
    """A live account that is well."""
    fields: dict[str, Any] = {
        "id": "a1b2c3d4",
        "alias": "work",
        "email": "w@example.com",
        "organisation": "Example Works",
        "plan": "Max 20x",
        "live": True,
        "known": True,
        "status": Status.OK,
        "message": "",
        "fix": "",
        "login_expires_at": None,
        "next_refresh_at": None,
        "observed_at": max((w.observed_at for w in windows), default=None),
        "windows": windows,
    }
    return AccountView(**fields | changes)


def provider(*accounts: AccountView, **changes: Any) -> ProviderView:
    """Claude Code, in the state of its first account."""
    fields: dict[str, Any] = {
        "id": "claude",
        "name": "Claude Code",
        "mark": "C",
        "cli": "claude",
        "status": accounts[0].status if accounts else Status.UNCONFIGURED,
        "message": accounts[0].message if accounts else "",
        "accounts": accounts,
    }
    return ProviderView(**fields | changes)


def codex(*accounts: AccountView, **changes: Any) -> ProviderView:
    """Codex, likewise."""
    return provider(*accounts, **{"id": "codex", "name": "Codex", "mark": "X", "cli": "codex"} | changes)


def deck(*providers: ProviderView, verdict: Verdict | None = None) -> DeckView:
    """A view as of `NOW`."""
    return DeckView(NOW, providers, verdict or Verdict(VerdictKind.CALM))
