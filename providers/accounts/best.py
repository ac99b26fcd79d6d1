"""Which of a person's accounts it is best to move to.  Pure; for the picker and ``switch best``.

Only figures that are young and not past their reset count: unknown or stale is never a target
(peers that took unknown for empty landed on full accounts).  A target must have room in every
window, the model's included, or the next session hits its limit minutes later
(realiti4/claude-swap#327, #115).
"""

from __future__ import annotations

from collections.abc import Sequence

from providers.engine.shown import AccountView, WindowState, WindowView
from providers.model import PROBLEMS
from providers.record import Record

YOUNG = 300.0
"""Seconds."""

CAPS = {"5h": 85.0}
CAP = 90.0
"""Used percent that a target stays under: the thresholds of moving away, less five."""

BETTER = 10.0
"""Points that a target must be better by on the window that binds."""

_STATES = (WindowState.FRESH, WindowState.NOT_STARTED)


class Candidate(Record):
    """An account and whether it may be moved to: ``why_not`` is one clause, "" if it may.
    ``binding`` is the used percent of its fullest window; ``used_at`` when it was live last."""

    id: str
    why_not: str
    binding: float | None
    window: str
    used_at: float = 0.0


def judged(account: AccountView, now: float, *, usable: str = "", used_at: float = 0.0) -> Candidate:
    """What can be said of one account; ``usable`` is why it may not be picked at all."""
    counted = [w for w in account.windows if w.used_percent is not None and not w.note]
    worst = max(counted, key=lambda w: w.used_percent or 0.0, default=None)
    binding = worst.used_percent if worst is not None else None
    why = usable or _why_not(account, counted, now)
    return Candidate(account.id, why, binding, worst.label if worst is not None else "", used_at)


def best(candidates: Sequence[Candidate], live: Candidate | None) -> Candidate | None:
    """The one to move to; None if staying is better.  Ties go to whom was used least lately,
    then by id, so that two copies never disagree."""
    open_ = [c for c in candidates if not c.why_not and c.binding is not None]
    if live is not None and live.binding is not None:
        open_ = [c for c in open_ if (c.binding or 0.0) <= live.binding - BETTER]
    return min(open_, key=lambda c: (c.binding or 0.0, c.used_at, c.id), default=None)


def _why_not(account: AccountView, counted: Sequence[WindowView], now: float) -> str:
    if account.status in PROBLEMS:
        return account.message or account.status.value
    if not counted:
        return "its figures are not known"
    blind = [w for w in account.windows if w.state not in _STATES and not w.note]
    if blind and blind[0].state is WindowState.STALE:
        return "its figures are too old"
    if blind:
        return f"its {blind[0].label} figure is not known now"
    if any(now - w.observed_at > YOUNG for w in counted):
        return "its figures are too old"
    full = [w for w in counted if (w.used_percent or 0.0) >= CAPS.get(w.id, CAP)]
    return f"too little left in {full[0].label}" if full else ""
