"""The history of one window as lines: how it filled, the even pace, where it is going.

Pure; the detail screen draws it.
"""

from __future__ import annotations

from collections.abc import Sequence

from providers.engine.history import Sample
from providers.engine.shown import WindowView
from providers.model import DAY
from tui.glyphs import Glyphs
from tui.painted import Line, Piece
from tui.text import Zone, clock_time, percent

AXIS = 5
"""Cells of the scale at the left."""


def span_of(window: WindowView, now: float) -> tuple[float, float]:
    """From when to when a window's chart reaches: its own span if that is known and holds
    now, else the last day."""
    reset, length = window.resets_at, window.window_seconds
    if reset is not None and length and reset - length <= now < reset:
        return reset - length, reset
    return now - DAY, now


def chart_lines(
    window: WindowView,
    samples: Sequence[Sample],
    *,
    now: float,
    width: int,
    height: int,
    zone: Zone,
    hours: int,
    glyphs: Glyphs,
) -> tuple[Line, ...]:
    """``height`` lines of ``width`` cells: bars of what was used, dots for an even pace and
    for where it is going, the times below."""
    begin, end = span_of(window, now)
    cells, rows = width - AXIS - 1, height - 2
    if cells < 10 or rows < 2:
        return ()
    levels = _levels(samples, window, begin, end, now, cells)
    if not any(level is not None for level in levels):
        return ((Piece(" no history of this window yet", "dim"),),)
    dots = _dots(window, begin, end, now, cells)
    lines = [_row(row, rows, levels, dots, glyphs) for row in range(rows)]
    base = f"{0:>3} {glyphs.rule * (cells + 1)}"
    return (*lines, (Piece(base, "dim"),), _times(begin, end, now, cells, zone, hours))


def _levels(
    samples: Sequence[Sample], window: WindowView, begin: float, end: float, now: float, cells: int
) -> list[float | None]:
    """Used percent in each column up to now: the last sample at or before its end, and none
    of a window before this one."""
    known = sorted((s.at, s.used_percent) for s in samples if _same(s, window) and begin <= s.at <= now)
    if window.used_percent is not None and begin <= window.observed_at <= now:
        known.append((window.observed_at, window.used_percent))
    levels: list[float | None] = []
    index, level = 0, None
    step = (end - begin) / cells
    for column in range(cells):
        if begin + column * step > now:
            levels.append(None)
            continue
        while index < len(known) and known[index][0] <= begin + (column + 1) * step:
            level = known[index][1]
            index += 1
        levels.append(level)
    return levels


def _same(sample: Sample, window: WindowView) -> bool:
    """Whether a sample is of the window's present cycle; without resets nobody can tell."""
    if sample.resets_at is None or window.resets_at is None or not window.window_seconds:
        return True
    return abs(sample.resets_at - window.resets_at) < window.window_seconds / 2


def _dots(window: WindowView, begin: float, end: float, now: float, cells: int) -> dict[int, float]:
    """Column to percent: ahead of now where this pace leads, every other column."""
    found: dict[int, float] = {}
    pace = window.pace
    if pace is None or window.used_percent is None or end <= now:
        return found
    for column in range(cells):
        at = begin + (column + 0.5) * (end - begin) / cells
        if at > now and column % 2 == 0:
            share = (at - window.observed_at) / max(1.0, end - window.observed_at)
            ahead = window.used_percent + share * (pace.projected_percent - window.used_percent)
            if 0 <= ahead <= 100:
                found[column] = ahead
    return found


def _row(row: int, rows: int, levels: Sequence[float | None], dots: dict[int, float], glyphs: Glyphs) -> Line:
    top, low = 100 - row * 100 / rows, 100 - (row + 1) * 100 / rows
    label = {0: "100", rows // 2: " 50"}.get(row, "   ")
    ramp = glyphs.spark
    pieces = [Piece(f"{label} {glyphs.plain[1]}", "dim")]
    for column, level in enumerate(levels):
        if level is not None and level > low:
            full = min(1.0, (level - low) / (top - low))
            pieces.append(Piece(ramp[max(0, round(full * len(ramp)) - 1)], "ok"))
        elif column in dots and low < dots[column] <= top:
            pieces.append(Piece(glyphs.dot, "watch"))
        else:
            pieces.append(Piece(" "))
    return _joined(pieces)


def _joined(pieces: Sequence[Piece]) -> Line:
    """Neighbours of one tone as one piece."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].tone == piece.tone:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.tone)
        else:
            joined.append(piece)
    return tuple(joined)


def _times(begin: float, end: float, now: float, cells: int, zone: Zone, hours: int) -> Line:
    text = [" "] * (cells + AXIS)
    marks = [(begin, clock_time(begin, now, zone, hours)), (end, clock_time(end, now, zone, hours))]
    if begin < now < end:
        marks.insert(1, (now, "now"))
    taken = 0
    for at, word in marks:
        place = AXIS + int((at - begin) / (end - begin) * cells) - (len(word) // 2 if at == now else 0)
        place = min(place, len(text) - len(word))
        if place >= taken:
            text[place : place + len(word)] = word
            taken = place + len(word) + 1
    return (Piece("".join(text), "dim"),)


def spark_line(window: WindowView, samples: Sequence[Sample], now: float, width: int, glyphs: Glyphs) -> Line:
    """The same in one line, where there is no room for a chart."""
    begin, end = span_of(window, now)
    cells = max(4, width - 12)
    levels = _levels(samples, window, begin, min(end, now), now, cells)
    if not any(level is not None for level in levels):
        return (Piece(" no history of this window yet", "dim"),)
    ramp = glyphs.spark
    bars = "".join(
        " " if level is None else ramp[min(len(ramp) - 1, int(level / 100 * len(ramp)))] for level in levels
    )
    return (Piece(" "), Piece(bars, "ok"), Piece(f" {percent(window.used_percent)}", "dim"))
