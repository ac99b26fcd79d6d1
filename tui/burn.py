"""What a panel says of tokens: the sparkline of the last four hours, and today.  Pure."""

from __future__ import annotations

from providers.engine.shown import ProviderView
from tui.glyphs import Glyphs
from tui.painted import Line, Piece
from tui.text import pad, tokens


def burn_line(provider: ProviderView, glyphs: Glyphs, indent: int, label: int, width: int) -> Line:
    """``burn  ▁▁▂▃▅▇  28%/h  today 41.2M tok`` in at most ``width`` cells, or nothing if the tool has no
    logs, or none of today.  The rate is that of the official percentage."""
    burn = provider.burn
    if burn is None or not (burn.today or any(burn.bars)):
        return ()
    pieces = [Piece(" " * indent + pad("burn", label) + " ", "dim"), Piece(spark(burn.bars, glyphs), "ok")]
    trend = provider.trend
    if trend is not None and trend.per_hour is not None:
        pieces.append(Piece(f" {rate(trend.per_hour):>6}", "dim"))
    if burn.today is not None:
        pieces += [Piece("  today ", "dim"), Piece(tokens(burn.today)), Piece(" tok", "dim")]
    while sum(len(piece.text) for piece in pieces) > width and len(pieces) > 2:
        pieces.pop()
    return tuple(pieces)


def spark(values: tuple[int, ...], glyphs: Glyphs) -> str:
    """One glyph a value, the highest for the largest; what is more than nothing is seen."""
    top, ramp = max(values, default=0), glyphs.spark
    last = len(ramp) - 1
    return "".join(ramp[min(last, max(1, round(v / top * last))) if v else 0] for v in values)


def rate(per_hour: float) -> str:
    """``28%/h``, with a decimal where it is small."""
    return f"{per_hour:.0f}%/h" if per_hour >= 1 else f"{per_hour:.1f}%/h"
