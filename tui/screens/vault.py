"""The dialog that chooses where secrets are kept: before the first of them is, and never by itself.

It is handed what `Vaults.survey` found and dismisses with the chosen rung, with `AGAIN` for another
survey (the recipe was followed in a shell meanwhile), or with None.  It chooses, stores and asks
nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from providers.accounts.vaults import Offer, Rung
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.text import cell_width, pad, wrap

AGAIN: Final = "again"
Choice = Rung | Literal["again"] | None
_INDENT = 3
_NAMES = 11
_FAR = 1000
"""Steps of this many lines go to the first or the last rung."""


class VaultScreen(PageScreen[Choice], ModalScreen[Choice]):
    """``offers`` in the order in which they are shown; the first that can be used, or made so by
    its recipe, has the cursor.  j and k walk through what is longer than the window before they move on."""

    kind: ClassVar[str] = "vault"
    keys: ClassVar[Keys] = (("enter", "choose"), ("j/k", "move"), ("r", "look again"), ("y", "copy recipe"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", show=False),
        Binding("r", "again", show=False),
        Binding("y", "copy_recipe", show=False),
        Binding("ctrl+c", "leave", show=False),
    ]

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._offers = tuple(offers)
        self._starts: list[int] = []
        self._place = next((n for n, offer in enumerate(offers) if offer.usable or offer.recipe), 0)
        self._said = ""
        self._seen = 0

    def heading(self) -> Line:
        """The question, or why the rung under the cursor cannot be chosen."""
        if self._said:
            return (Piece(f" {self._said}", "watch"),)
        return (Piece(" Where to keep secrets", "title"),)

    def body(self, width: int) -> Sequence[Line]:
        """Each rung: its name and state, what it means, how it stands here, what helps."""
        lines: list[Line] = []
        self._starts = []
        for offer in self._offers:
            self._starts.append(len(lines))
            lines += _block(offer, width)
        self._seen = len(lines)
        return lines

    def rows(self) -> Sequence[int]:
        """The name of each rung."""
        return self._starts

    def action_step(self, lines: int) -> None:
        """Through what is longer than the window, else to the next rung."""
        self._said = ""
        start, end, room = *self._block_of(self._place), max(1, self._room[1] - 2)
        furthest = max(start, end - room)
        far = abs(lines) >= _FAR
        if not far and start < furthest:
            walked = max(start, min(self._top + lines, furthest))
            if walked != self._top:
                self._top = walked
                self.draw()
                return
        self._place = max(0, min(len(self._offers) - 1, self._place + lines))
        start, end = self._block_of(self._place)
        # Upwards the end of a long one comes first, as in any text.
        self._top = max(start, end - room) if lines < 0 and not far else start
        self.draw()

    def action_choose(self) -> None:
        """The rung under the cursor, if it can be used now."""
        offer = self._offers[self._place]
        if offer.usable:
            self.dismiss(offer.rung)
            return
        self._said = "not usable now: r looks again" if offer.recipe else "not usable now"
        self.draw()

    def action_again(self) -> None:
        """Asks for another look at what is there."""
        self.dismiss(AGAIN)

    def action_copy_recipe(self) -> None:
        """The lines for a shell, to the clipboard."""
        self.deck.action_copy()  # type: ignore[attr-defined]

    def action_leave(self) -> None:
        """Ends the pane, as it does everywhere."""
        self.deck.leave()

    def copy_text(self) -> str:
        """The recipe of the rung under the cursor."""
        return "\n".join(self._offers[self._place].recipe)

    def _block_of(self, place: int) -> tuple[int, int]:
        starts = [*self._starts, self._seen]
        return (starts[place], starts[place + 1]) if place + 1 < len(starts) else (0, 0)

    def _settle_cursor(self) -> None:
        self.cursor = self._starts[self._place] if self._starts else None

    def _scroll(self, room: int, length: int) -> None:
        """As much as possible of the rung under the cursor."""
        start, end = self._block_of(self._place)
        if end - start <= room:
            self._top = max(min(self._top, start), end - room)
        else:
            self._top = max(start, min(self._top, end - room))
        self._top = max(0, min(self._top, length - room))


def _block(offer: Offer, width: int) -> list[Line]:
    room = max(8, width - _INDENT - 1)
    state = "chosen" if offer.chosen else "" if offer.usable else "not now"
    tone = "ok" if offer.chosen else "watch"
    said = offer.sentence[:1].upper() + offer.sentence[1:] + "."
    lines: list[Line] = [
        (Piece(f"   {pad(offer.rung.value, _NAMES)}", "title"), Piece(state, tone)),
        *_texts(offer.rung.means, room, "text"),
        *_texts(said, room, "dim" if offer.usable else "watch"),
    ]
    if offer.recipe:
        lines += _texts("In a shell, once per boot:", room, "dim")
    for line in offer.recipe:
        lines += [(Piece(" " * _INDENT), Piece(piece, "key")) for piece in folded(line, room)]
    return [*lines, ()]


def folded(line: str, room: int) -> list[str]:
    """A line for a shell in pieces of ``room`` cells that mean the same to the shell."""
    pieces: list[str] = []
    while cell_width(line) > room:
        # The space before the break stays in front of it.
        place = line.rfind(" ", 1, room - 1) + 1 or room - 1
        pieces.append(line[:place] + "\\")
        line = line[place:]
    return [*pieces, line]


def _texts(text: str, room: int, tone: str) -> list[Line]:
    return [(Piece(" " * _INDENT), Piece(line, tone)) for line in wrap(text, room, 9)]
