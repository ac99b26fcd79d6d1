"""One bar as spans of text: what is used, what an even pace adds until the reset, what stays
free, and the tick of the elapsed time.  Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tui.glyphs import Glyphs


class Tone(StrEnum):
    """What a piece of a bar means; the theme gives it a colour."""

    USED = "used"
    PROJECTED = "projected"
    FREE = "free"
    TICK = "tick"


class Span(NamedTuple):
    """A run of cells of one tone."""

    text: str
    tone: Tone


def cells(
    width: int,
    used: float | None,
    expected: float | None,
    projected: float | None,
    glyphs: Glyphs,
    *,
    left: bool = False,
) -> tuple[Span, ...]:
    """A bar of exactly ``width`` cells.  Percentages are of use, also with ``left``, where
    the filled part is what is left.

    Steps of half a cell: above 0 something is drawn, below 100 something stays free, and
    a change smaller than a step changes nothing.
    """
    if width <= 0:
        return ()
    if used is None:
        return (Span(glyphs.free * width, Tone.FREE),)
    share = 100.0 - min(used, 100.0) if left else min(used, 100.0)
    steps = _steps(share, width)
    line = [(glyphs.used, Tone.USED)] * (steps // 2)
    if steps % 2:
        line.append((glyphs.half, Tone.USED))
    if projected is not None and not left:
        until = -(-_steps(min(max(projected, used), 100.0), width) // 2)
        line += [(glyphs.projected, Tone.PROJECTED)] * (until - len(line))
    line += [(glyphs.free, Tone.FREE)] * (width - len(line))
    if expected is not None:
        at = 100.0 - expected if left else expected
        line[min(width - 1, max(0, round(at * width / 100 - 0.5)))] = (glyphs.tick, Tone.TICK)
    return _merged(line)


def _steps(share: float, width: int) -> int:
    whole = 2 * width
    steps = round(share * whole / 100)
    if share > 0:
        steps = max(1, steps)
    return min(steps, whole - 1) if share < 100 else whole


def _merged(line: list[tuple[str, Tone]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for text, tone in line:
        if spans and spans[-1].tone is tone:
            spans[-1] = Span(spans[-1].text + text, tone)
        else:
            spans.append(Span(text, tone))
    return tuple(spans)
