"""The first line: what to know now, and the time."""

from __future__ import annotations

from collections.abc import Sequence

from providers.engine.shown import DeckView, VerdictKind
from tui.glyphs import Glyphs
from tui.painted import Line, Painted, Piece, spread, width_of
from tui.sentences import verdict
from tui.text import Zone, clock_time

_TONES = {
    VerdictKind.RUNS_OUT: "watch",
    VerdictKind.FULL: "high",
    VerdictKind.LOGIN: "high",
    VerdictKind.TIGHT: "watch",
}


class Header(Painted):
    """One line, and a rule under it where there is room."""


def header_lines(
    view: DeckView,
    words: Sequence[str],
    *,
    width: int,
    rule: bool,
    zone: Zone,
    hours: int,
    private: bool,
    glyphs: Glyphs,
) -> tuple[Line, ...]:
    """The verdict at the left; at the right what differs from the usual, and the time."""
    time_of_day = clock_time(view.generated_at, view.generated_at, zone, hours)
    right: Line = (*(Piece(f"  {word}", "key") for word in words if word), Piece(f"  {time_of_day} ", "dim"))
    said = verdict(view, zone, hours, private, max(8, width - width_of(right) - 1))
    tone = _TONES.get(view.verdict.kind, "title")
    first = spread((Piece(f" {said}", tone),), right, width)
    return (first, (Piece(glyphs.rule * width, "border"),)) if rule else (first,)
