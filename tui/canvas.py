"""Panels painted side by side on one sheet, shown through a few vertical slices.

A partial update is sent from a widget's left edge up to the last cell that changed, so the
columns in which countdowns tick are slices of their own: a few cells are sent where a whole
line would be.  The first frame has but one slice, as each costs it 2 ms; it is divided when
that is out.

Used by the deck alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from providers.record import Record
from tui.painted import Line, Piece, segments_of, width_of

Ticks = Mapping[tuple[int, int], Piece]
"""Pieces that lie over the lines, by the (y, x) at which they start, in cells."""


class Sheet(Record):
    """Lines at a place of the canvas, from (x, y) down, each filled to ``width`` cells."""

    x: int
    y: int
    width: int
    lines: tuple[Line, ...]


class Slice(Widget):
    """The cells of the canvas from ``left`` on, as wide as the widget is."""

    def __init__(self) -> None:
        super().__init__(classes="slice")
        self.left = self.right = 0

    def put(self, left: int, right: int) -> None:
        """Shows the cells from ``left`` up to ``right``, or none if there are none."""
        if (left, right) == (self.left, self.right):
            return
        self.left, self.right = left, right
        self.display = right > left
        self.styles.width = right - left

    def render_line(self, y: int) -> Strip:
        """One line of the canvas behind."""
        parent = self.parent
        assert isinstance(parent, Canvas)
        return parent.strip(y).crop(self.left, self.left + self.size.width)


class Canvas(Widget):
    """Shows sheets and ticks; repaints only the slices of the lines that changed."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: list[dict[int, tuple[int, Line]]] = []
        self._ticks: dict[tuple[int, int], Piece] = {}
        self._edges: tuple[int, ...] = ()
        self._slices = [Slice()]
        self._whole = True
        self._strips: dict[int, Strip] = {}
        self._palette: dict[str, Style] | None = None

    def compose(self) -> ComposeResult:
        """The one slice of the first frame."""
        yield self._slices[0]

    def divide(self) -> None:
        """From the next `paint` on it is cut at its edges."""
        self._whole = False

    def paint(self, sheets: Sequence[Sheet], ticks: Ticks, edges: Sequence[int]) -> int:
        """Shows these sheets with these ticks over them, cut into slices at ``edges`` (cells
        from the left, the first is 0, the last the width); returns how many lines of sheets
        were repainted."""
        rows: list[dict[int, tuple[int, Line]]] = [{} for _ in range(_bottom(sheets))]
        for sheet in sheets:
            for offset, line in enumerate(sheet.lines):
                rows[sheet.y + offset][sheet.x] = sheet.width, line
        self._cut((edges[0], edges[-1]) if self._whole else tuple(edges))
        old, self._rows = self._rows, rows
        changed: list[Region] = []
        for y in range(max(len(old), len(rows))):
            before, after = (old[y] if y < len(old) else {}), (rows[y] if y < len(rows) else {})
            if before != after:
                changed += _differing(y, before, after)
        self._repaint(changed)
        self.tick(ticks)
        return len(changed)

    def tick(self, ticks: Ticks) -> int:
        """Shows these ticks instead of those before; returns how many were repainted."""
        old, self._ticks = self._ticks, dict(ticks)
        keys = [key for key in {**old, **ticks} if old.get(key) != ticks.get(key)]
        pieces = [(y, x, ticks.get((y, x)) or old[y, x]) for y, x in keys]
        self._repaint([Region(x, y, len(piece.text), 1) for y, x, piece in pieces])
        return len(keys)

    def strip(self, y: int) -> Strip:
        """The whole line ``y``, as wide as the canvas."""
        palette: dict[str, Style] = getattr(self.app, "palette", {})
        if palette is not self._palette:
            self._palette = palette
            self._strips.clear()
        made = self._strips.get(y)
        if made is None:
            made = self._strips[y] = self._strip(y, palette)
        return made

    def _strip(self, y: int, palette: dict[str, Style]) -> Strip:
        plain = palette.get("text")
        row = self._rows[y] if y < len(self._rows) else {}
        parts: list[Strip] = []
        end = 0
        for x in sorted(row):
            width, line = row[x]
            if x > end:
                parts.append(Strip([Segment(" " * (x - end), plain)], x - end))
            parts.append(Strip(segments_of(line, self.app)).adjust_cell_length(width, plain))
            end = x + width
        made = Strip.join(parts).adjust_cell_length(max(self.size.width, end), plain)
        over = sorted((x, piece) for (at, x), piece in self._ticks.items() if at == y)
        return _laid_over(made, [(x, segments_of((piece,), self.app)) for x, piece in over])

    def _cut(self, edges: tuple[int, ...]) -> None:
        if edges == self._edges:
            return
        self._edges = edges
        self._strips.clear()
        while len(self._slices) < len(edges) - 1:
            self._slices.append(Slice())
            self.mount(self._slices[-1])
        for index, piece in enumerate(self._slices):
            here = edges[index : index + 2]
            piece.put(*here) if len(here) == 2 else piece.put(0, 0)
            piece.refresh()

    def _repaint(self, changed: Sequence[Region]) -> None:
        for region in changed:
            self._strips.pop(region.y, None)
            for piece in self._slices:
                if piece.left < region.right and region.x < piece.right:
                    piece.refresh(Region(0, region.y, min(region.right, piece.right) - piece.left, 1))


def _laid_over(line: Strip, ticks: Sequence[tuple[int, list[Segment]]]) -> Strip:
    """``line`` with each of these, from left to right, over the cells from its x on."""
    if not ticks:
        return line
    laid = [(x, Strip(segments)) for x, segments in ticks]
    cuts = [edge for x, strip in laid for edge in (x, x + strip.cell_length)]
    parts = list(line.divide([*cuts, line.cell_length]))
    parts[1::2] = [strip for _, strip in laid]
    return Strip.join(parts)


def _bottom(sheets: Sequence[Sheet]) -> int:
    return max((sheet.y + len(sheet.lines) for sheet in sheets), default=0)


def _differing(
    y: int, before: dict[int, tuple[int, Line]], after: dict[int, tuple[int, Line]]
) -> list[Region]:
    """Where a row is another than it was."""
    found: list[Region] = []
    for x in {**before, **after}:
        old, new = before.get(x), after.get(x)
        if old != new:
            first, last = (0, max(row[0] for row in (old, new) if row))
            if old and new and old[0] == new[0]:
                first, last = _unlike(old[1], new[1], last)
            if first < last:
                found.append(Region(x + first, y, last - first, 1))
    return found


def _unlike(old: Line, new: Line, width: int) -> tuple[int, int]:
    """From which cell up to which two lines of ``width`` cells differ, counted in whole pieces."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    first = width_of(new[:same])
    if width_of(old) != width_of(new) or width_of(new) > width:
        return first, width
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return first, width_of(new[: len(new) - tail])
