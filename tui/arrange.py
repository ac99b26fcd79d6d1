"""Where the panels stand: columns, equal heights in a row, and pages of whole rows.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from providers.record import Record

TINY, NORMAL, WIDE = 56, 100, 160
SHORT = 20
SMALLEST = (30, 6)


class Place(Record):
    """A panel's rectangle in cells, relative to the grid."""

    index: int
    x: int
    y: int
    width: int
    height: int


class Arrangement(Record):
    """The places of the panels that fit, the first and last panel shown (from 1), the
    height that is used, and which panels share a row with each other (for moving)."""

    places: tuple[Place, ...]
    first: int
    last: int
    used: int
    columns: int


def kind_of(width: int) -> str:
    """The size class: tiny, narrow, or boxed."""
    return "tiny" if width < TINY else "narrow" if width < NORMAL else "boxed"


def columns_of(width: int) -> int:
    """Panels side by side."""
    return 1 if width < NORMAL else 2 if width < WIDE else 3


def arrange(needs: Sequence[tuple[int, int]], width: int, height: int, chosen: int, top: int) -> Arrangement:
    """Places panels that need (least, most) lines into ``width`` x ``height`` cells.

    The page starts at panel ``top`` or wherever the chosen one can be seen; it moves by
    whole rows.  Lines that are left go to the panels that have more to say, first come
    first.
    """
    columns = columns_of(width)
    rows = [range(i, min(i + columns, len(needs))) for i in range(0, len(needs), columns)]
    first = _first_row(rows, needs, height, chosen // columns if needs else 0, top // columns)
    shown, _ = _fill(rows, needs, height, first)
    heights = [max(needs[i][0] for i in row) for row in shown]
    spare = height - sum(heights)
    for place, row in enumerate(shown):
        more = min(spare, max(needs[i][1] for i in row) - heights[place])
        heights[place] += max(0, more)
        spare -= max(0, more)
    heights = [min(h, height) for h in heights]
    places = _places(shown, heights, width, columns)
    last = shown[-1][-1] + 1 if shown else 0
    return Arrangement(places, shown[0][0] + 1 if shown else 0, last, sum(heights), columns)


def _fill(
    rows: list[range], needs: Sequence[tuple[int, int]], height: int, first: int
) -> tuple[list[range], int]:
    shown: list[range] = []
    used = 0
    for row in rows[first:]:
        tall = max(needs[i][0] for i in row)
        if shown and used + tall > height:
            break
        shown.append(row)
        used += tall
    return shown, used


def _first_row(
    rows: list[range], needs: Sequence[tuple[int, int]], height: int, chosen: int, top: int
) -> int:
    """The topmost row of the page: as before if the chosen row is on it, and not so far
    down that lines stay empty while panels are hidden above."""
    if not rows:
        return 0
    first = max(0, min(top, chosen, len(rows) - 1))
    while first < chosen and chosen not in range(first, first + len(_fill(rows, needs, height, first)[0])):
        first += 1
    while first > 0:
        shown, _ = _fill(rows, needs, height, first - 1)
        if first - 1 + len(shown) < len(rows) or chosen >= first - 1 + len(shown):
            break
        first -= 1
    return first


def _places(shown: list[range], heights: list[int], width: int, columns: int) -> tuple[Place, ...]:
    found: list[Place] = []
    y = 0
    for row, tall in zip(shown, heights, strict=True):
        for place, index in enumerate(row):
            x = place * width // columns
            found.append(Place(index, x, y, (place + 1) * width // columns - x, tall))
        y += tall
    return tuple(found)


def step(index: int, count: int, columns: int, direction: str) -> int:
    """The panel that a movement leads to; at an edge it stays."""
    match direction:
        case "down":
            return min(index + columns, count - 1) if index + columns < count or columns == 1 else index
        case "up":
            return index - columns if index >= columns else index
        case "right":
            return min(index + 1, count - 1)
        case "left":
            return max(index - 1, 0)
        case "first":
            return 0
        case "last":
            return max(0, count - 1)
        case "next":
            return (index + 1) % count if count else 0
        case "previous":
            return (index - 1) % count if count else 0
        case "page_down":
            return min(index + 2 * columns, count - 1)
        case "page_up":
            return max(index - 2 * columns, 0)
    return index
