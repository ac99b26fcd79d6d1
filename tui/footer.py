"""The last line: the keys that work now, as many as fit; help and quit always."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click

from tui.keymap import Key
from tui.painted import Line, Painted, Piece
from tui.text import cell_width


class Footer(Painted):
    """One line; a click on an entry is its key."""

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._spans: tuple[tuple[int, int, str], ...] = ()

    def show_keys(self, entries: Sequence[Key], width: int) -> None:
        """Shows the entries that fit, in their order."""
        line, self._spans = footer_line(entries, width)
        self.show([line])

    async def on_click(self, event: Click) -> None:
        """Runs the action of the entry under the pointer."""
        for begin, end, action in self._spans:
            if begin <= event.x < end:
                await self.app.run_action(action)


def footer_line(entries: Sequence[Key], width: int) -> tuple[Line, tuple[tuple[int, int, str], ...]]:
    """The line, and where each action stands.  The last two entries are always kept."""
    kept, last = list(entries[:-2]), list(entries[-2:])
    while kept and sum(_width(e) for e in (*kept, *last)) > width:
        kept.pop()
    pieces: list[Piece] = [Piece(" ")]
    spans: list[tuple[int, int, str]] = []
    x = 1
    for entry in (*kept, *last):
        spans.append((x, x + _width(entry) - 1, entry.action))
        pieces += [Piece(entry.shown, "key"), Piece(f" {entry.description}  ", "dim")]
        x += _width(entry)
    return tuple(pieces), tuple(spans)


def _width(entry: Key) -> int:
    return cell_width(entry.shown) + 1 + cell_width(entry.description) + 2
