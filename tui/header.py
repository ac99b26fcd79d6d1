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
    """The verdict at the left; at the right what differs from the usual, and the time.

    The verdict is cut only when no word is left to go; the last words go first."""
    time_of_day = clock_time(view.generated_at, view.generated_at, zone, hours)
    kept = [word for word in words if word]
    while True:
        right: Line = (*(Piece(f"  {word}", "key") for word in kept), Piece(f"  {time_of_day} ", "dim"))
        room = width - width_of(right) - 2
        said = verdict(view, zone, hours, private, max(8, room))
        if not kept or not said.endswith("…"):
            break
        kept.pop()
    first = spread((Piece(f" {said}", _TONES.get(view.verdict.kind, "title")),), right, width)
    return (first, (Piece(glyphs.rule * width, "border"),)) if rule else (first,)
