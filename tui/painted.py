"""The one way of drawing: lines of toned pieces, repainted only where a text changed.

Every widget of the pane derives from `Painted` or shows a `Canvas`.  No markup is parsed anywhere, so foreign
text can have no effect but to be read; a `show` with the same lines sends no byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.text import ascii_only, cell_width, fit


class Piece(NamedTuple):
    """A run of text in one tone; tones are the keys of a palette (themes.py)."""

    text: str
    tone: str = "text"


Line = tuple[Piece, ...]


def width_of(line: Line) -> int:
    """Cells that a line takes."""
    return sum(cell_width(piece.text) for piece in line)


def spread(left: Line, right: Line, width: int, filler: str = " ", tone: str = "text") -> Line:
    """``left`` and ``right`` at the two ends of ``width`` cells; the left side is cut first."""
    room = width - width_of(right)
    kept = cut(left, max(0, room - 1))
    gap = room - width_of(kept)
    return (*kept, Piece(filler * max(0, gap), tone), *right)


def cut(line: Line, width: int) -> Line:
    """``line`` in at most ``width`` cells."""
    kept: list[Piece] = []
    for piece in line:
        room = width - width_of(tuple(kept))
        if room <= 0:
            break
        kept.append(Piece(fit(piece.text, room), piece.tone))
    return tuple(kept)


def printable(text: str) -> str:
    """The last guard of the terminal: parsers clean every foreign text, but were one
    forgotten, no control character leaves here."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _ascii(text: str) -> str:
    """ASCII whatever the text holds, in as many cells: names come from files."""
    return ascii_only(printable(text))


def segments_of(line: Line, app: object) -> list[Segment]:
    """A line in the styles of the app's palette, fit for its terminal."""
    palette: dict[str, Style] = getattr(app, "palette", {})
    clean = _ascii if getattr(app, "ascii_only", False) else printable
    return [Segment(clean(piece.text), palette.get(piece.tone)) for piece in line]


class Painted(Widget):
    """A widget that shows lines, in the styles that the app's palette gives their tones."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line]) -> int:
        """Shows these lines; returns how many were repainted."""
        old, new = self.lines, tuple(lines)
        if old == new:
            return 0
        self.lines = new
        changed = [
            y
            for y in range(max(len(old), len(new)))
            if (old[y] if y < len(old) else None) != (new[y] if y < len(new) else None)
        ]
        regions = [Region(0, y, self.size.width, 1) for y in changed if y < self.size.height]
        if regions:
            self.refresh(*regions)
        return len(changed)

    def render_line(self, y: int) -> Strip:
        """One line as it stands, filled to the width."""
        width = self.size.width
        line = self.lines[y] if y < len(self.lines) else ()
        palette: dict[str, Style] = getattr(self.app, "palette", {})
        return Strip(segments_of(line, self.app)).adjust_cell_length(width, palette.get("text"))
