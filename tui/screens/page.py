"""A screen of lines over the deck: heading, a body that scrolls, the keys that work there.

The other screens derive from `PageScreen`; the app calls `PageScreen.draw` whenever it draws
the deck, so that a page is as live as the panels.  Lines are compared, so an unchanged page
sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen

from tui.painted import Line, Painted, Piece, cut, width_of

if TYPE_CHECKING:
    from tui.drawing import DeckApp

Keys = tuple[tuple[str, str], ...]
"""(key as printed, what it does), for the last line."""


Result = TypeVar("Result")


class PageScreen(Screen[Result]):
    """Closed by esc.  A subclass says `heading` and `body`; one with ``choosing`` has a cursor
    on the lines that `chosen_lines` names, else j and k scroll.

    ``kind`` is what the scopes of the key table call this screen.
    """

    kind: ClassVar[str] = "page"
    keys: ClassVar[Keys] = ()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("j,down", "step(1)", show=False),
        Binding("k,up", "step(-1)", show=False),
        Binding("ctrl+d,pagedown,space", "step(10)", show=False),
        Binding("ctrl+u,pageup", "step(-10)", show=False),
        Binding("g,home", "step(-100000)", show=False),
        Binding("G,end", "step(100000)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._painted = Painted(id="page")
        self._top = 0
        self._room = (0, 0)
        self.cursor: int | None = None
        """The line of the body that is chosen; None without a cursor."""

    def compose(self) -> ComposeResult:
        """One widget: a fixed tree."""
        yield self._painted

    @property
    def deck(self) -> DeckApp:
        """The app, by what it is."""
        return self.app  # type: ignore[return-value]

    def heading(self) -> Line:
        """The first line."""
        raise NotImplementedError

    def body(self, width: int) -> Sequence[Line]:
        """Every line below the heading, in at most ``width`` cells; longer ones are cut."""
        raise NotImplementedError

    def rows(self) -> Sequence[int]:
        """The lines of the body that the cursor can stand on; none by default."""
        return ()

    def on_resize(self, event: Resize) -> None:
        """Lays the lines out anew."""
        self._room = (event.size.width, event.size.height)
        self.draw()

    def draw(self) -> int:
        """Draws what differs from what is shown; returns the repainted lines."""
        width, height = self._room
        if width <= 0 or height <= 0:
            return 0
        body = list(self.body(width))
        self._settle_cursor()
        room = max(1, height - 2)
        self._scroll(room, len(body))
        shown: list[Line] = [cut(line, width) for line in body[self._top : self._top + room]]
        if self.cursor is not None and 0 <= self.cursor - self._top < len(shown):
            place = self.cursor - self._top
            chosen = tuple(Piece(p.text, "chosen") for p in shown[place])
            mark = Piece(self.deck.look.glyphs.cursor, "chosen")
            shown[place] = (mark, Piece(chosen[0].text[1:], "chosen"), *chosen[1:]) if chosen else (mark,)
        shown += [()] * (room - len(shown))
        lines = [cut(self.heading(), width), *shown, cut(self._footer(width), width)]
        return self._painted.show(lines[:height])

    def _scroll(self, room: int, length: int) -> None:
        """The first line that is shown: no empty room at the end, and the cursor in sight."""
        self._top = max(0, min(self._top, length - room))
        if self.cursor is not None:
            self._top = max(min(self._top, self.cursor), self.cursor - room + 1)

    def action_step(self, lines: int) -> None:
        """Moves the cursor, or scrolls where there is none."""
        rows = list(self.rows())
        if rows:
            here = rows.index(self.cursor) if self.cursor in rows else 0
            self.cursor = rows[max(0, min(len(rows) - 1, here + lines))]
        else:
            self._top = max(0, self._top + lines)
        self.draw()

    def copy_text(self) -> str:
        """What the key ``y`` copies here; "" for nothing."""
        return ""

    def _settle_cursor(self) -> None:
        rows = self.rows()
        if not rows:
            self.cursor = None
        elif self.cursor not in rows:
            self.cursor = rows[0]

    def _footer(self, width: int) -> Line:
        """As many keys as fit; the way back always."""
        kept = list(self.keys)
        while True:
            pieces: list[Piece] = [Piece(" ")]
            for key, what in (*kept, ("esc", "back")):
                pieces += [Piece(key, "key"), Piece(f" {what}  ", "dim")]
            if width_of(tuple(pieces)) <= width + 2 or not kept:
                return tuple(pieces)
            kept.pop()
