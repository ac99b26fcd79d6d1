"""Use against time: whether a window lasts until its reset.  Pure.

Evaluated at the moment of measurement, not now, so that an old figure does not drift.
"""

from __future__ import annotations

from providers.engine.shown import Pace
from providers.model import Window
from providers.record import Record

QUIET_SHARE = 0.03
"""Nothing is said in the first 3 % of a window: one prompt would look like a sprint
(steipete/CodexBar:Sources/CodexBarCore/UsagePace.swift)."""


class PaceRule(Record):
    """When a run-out is said: ahead by more than ``points``, after ``quiet_seconds``."""

    points: float = 6.0
    quiet_seconds: float = 600.0


def pace_of(window: Window, observed_at: float, rule: PaceRule) -> Pace | None:
    """The pace of a window measured at ``observed_at``, or None where nothing can be said:
    length or reset unknown, nothing used, just begun, or the reset not within one length."""
    used, length, resets_at = window.used_percent, window.window_seconds, window.resets_at
    if not used or not length or resets_at is None or window.note:
        return None
    elapsed = length - (resets_at - observed_at)
    if not max(QUIET_SHARE * length, rule.quiet_seconds) <= elapsed <= length:
        return None
    expected = 100.0 * elapsed / length
    rate = used / elapsed
    delta = used - expected
    out_at = observed_at + (100.0 - used) / rate
    runs_out = used < 100 and delta > rule.points and out_at < resets_at
    return Pace(expected, rate * length, delta, out_at if runs_out else None)
