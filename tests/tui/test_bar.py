"""One bar: exact width, honest ends, half steps, the tick."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.bar import Span, Tone, cells
from tui.glyphs import ASCII, UNICODE

WIDTHS = st.integers(0, 120)
PERCENTS = st.floats(0, 10_000)
MAYBE = st.none() | PERCENTS


def _text(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize(
    ("width", "used", "expected", "projected", "drawn"),
    [
        (10, 0.0, None, None, "··········"),
        (10, None, 50.0, 80.0, "··········"),
        (10, 0.1, None, None, "╸·········"),
        (10, 50.0, None, None, "━━━━━·····"),
        (10, 55.0, None, None, "━━━━━╸····"),
        (10, 99.99, None, None, "━━━━━━━━━╸"),
        (10, 100.0, None, None, "━━━━━━━━━━"),
        (10, 180.0, None, None, "━━━━━━━━━━"),
        (10, 40.0, None, 70.0, "━━━━───···"),
        (10, 40.0, None, 170.0, "━━━━──────"),
        (10, 40.0, 55.0, 70.0, "━━━━─┊─···"),
        (10, 40.0, 0.0, None, "┊━━━······"),
        (10, 40.0, 100.0, None, "━━━━·····┊"),
        (10, 40.0, 130.0, None, "━━━━·····┊"),
        (10, 40.0, None, 20.0, "━━━━······"),
        (1, 50.0, None, None, "╸"),
        (0, 50.0, 20.0, 70.0, ""),
    ],
)
def test_bars(
    width: int, used: float | None, expected: float | None, projected: float | None, drawn: str
) -> None:
    """Used, projected and free shares, and the tick over them."""
    assert _text(cells(width, used, expected, projected, UNICODE)) == drawn


@pytest.mark.parametrize(
    ("used", "expected", "drawn"),
    [
        (0.0, None, "━━━━━━━━━━"),
        (30.0, None, "━━━━━━━···"),
        (99.99, None, "╸·········"),
        (100.0, None, "··········"),
        (130.0, None, "··········"),
        (30.0, 25.0, "━━━━━━━┊··"),
    ],
)
def test_draining_bars(used: float, expected: float | None, drawn: str) -> None:
    """With ``left`` the filled part is what is left, and nothing is projected."""
    assert _text(cells(10, used, expected, 100.0, UNICODE, left=True)) == drawn


def test_ascii_bar() -> None:
    """The ASCII set draws the same bar."""
    assert _text(cells(10, 45.0, 65.0, 80.0, ASCII)) == "####=~|~--"


@given(WIDTHS, MAYBE, MAYBE, MAYBE, st.booleans())
def test_width_is_exact(
    width: int, used: float | None, expected: float | None, projected: float | None, left: bool
) -> None:
    """A bar takes its width whatever the figures are, and equal tones are one span."""
    spans = cells(width, used, expected, projected, UNICODE, left=left)
    assert len(_text(spans)) == width
    assert all(a.tone is not b.tone for a, b in pairwise(spans))
    assert all(span.text for span in spans)


@given(st.integers(1, 120), st.floats(1e-6, 100 - 1e-6), st.booleans())
def test_the_ends_are_honest(width: int, used: float, left: bool) -> None:
    """Something used shows, and something left shows, at any width."""
    drawn = _text(cells(width, used, None, None, UNICODE, left=left))
    assert drawn[0] in "━╸"
    assert drawn[-1] != "━"


@given(st.integers(1, 120), PERCENTS, PERCENTS)
def test_more_use_never_draws_less(width: int, a: float, b: float) -> None:
    """Half steps grow with the figure."""

    def steps(used: float) -> int:
        drawn = _text(cells(width, used, None, None, UNICODE))
        return 2 * drawn.count("━") + drawn.count("╸")

    low, high = sorted((a, b))
    assert steps(low) <= steps(high)


@given(st.integers(1, 120), PERCENTS, PERCENTS, MAYBE)
def test_one_tick(width: int, used: float, expected: float, projected: float | None) -> None:
    """The tick takes exactly one cell."""
    spans = cells(width, used, expected, projected, UNICODE)
    assert [span.text for span in spans if span.tone is Tone.TICK] == ["┊"]


@given(st.integers(2, 120), st.floats(0, 100), st.floats(0, 100))
def test_the_projection_adds_to_what_is_used(width: int, used: float, projected: float) -> None:
    """A projection changes no used cell, and one below the use draws nothing."""
    without = cells(width, used, None, None, UNICODE)
    spans = cells(width, used, None, projected, UNICODE)
    assert [s for s in spans if s.tone is Tone.USED] == [s for s in without if s.tone is Tone.USED]
    if projected <= used:
        assert spans == without
