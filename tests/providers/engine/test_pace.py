"""Pace and what follows from it."""

from __future__ import annotations

import pytest

from providers.engine.pace import PaceRule, pace_of
from providers.model import Window

NOW = 1_795_330_000.0
RULE = PaceRule()


def window(used: float | None, elapsed: float, length: int | None = 18_000, note: str = "") -> Window:
    return Window("5h", "5 h", used, NOW - elapsed + (length or 18_000), length, note=note)


@pytest.mark.parametrize(
    ("used", "elapsed", "expected", "delta", "early"),
    [
        (62.0, 9_000, 50.0, 12.0, True),
        (56.0, 9_000, 50.0, 6.0, False),
        (23.0, 9_000, 50.0, -27.0, False),
        (100.0, 9_000, 50.0, 50.0, False),
        (130.0, 9_000, 50.0, 80.0, False),
    ],
)
def test_run_out_is_said_beyond_six_points_only(
    used: float, elapsed: float, expected: float, delta: float, early: bool
) -> None:
    """Six points ahead and before the reset: only then is a run-out announced."""
    pace = pace_of(window(used, elapsed), NOW, RULE)
    assert pace is not None
    assert (pace.expected_percent, pace.delta) == (pytest.approx(expected), pytest.approx(delta))
    assert (pace.runs_out_at is not None) is early


def test_the_run_out_is_where_the_line_meets_the_top() -> None:
    """60 % after half of five hours is full after 2.5 h / 0.6."""
    pace = pace_of(window(60.0, 9_000), NOW, RULE)
    assert pace is not None
    assert pace.runs_out_at == pytest.approx(NOW - 9_000 + 15_000)
    assert pace.projected_percent == pytest.approx(120.0)


@pytest.mark.parametrize(
    "silent",
    [
        window(None, 9_000),
        window(0.0, 9_000),
        window(50.0, 9_000, length=None),
        window(50.0, 500),
        window(50.0, -60),
        window(50.0, 18_100),
        window(50.0, 9_000, note="off"),
        Window("5h", "5 h", 50.0, None, 18_000),
        Window("7d", "7 d", 50.0, NOW + 600_000, 604_800),
    ],
)
def test_nothing_is_said_where_nothing_is_known(silent: Window) -> None:
    """Unknown length, reset or use, the first 3 % or 10 minutes, a passed reset: no pace."""
    assert pace_of(silent, NOW, RULE) is None
