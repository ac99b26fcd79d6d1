"""One question before something is taken away: the harmless answer is chosen at first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.text import hide, wrap


class ConfirmScreen(PageScreen[None]):
    """``text`` names what is touched and what is not; ``act`` is called for yes alone."""

    kind: ClassVar[str] = "confirm"
    keys: ClassVar[Keys] = (("y", "yes"), ("n", "no"), ("tab", "other"), ("enter", "press"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n", "answer(False)", show=False),
        Binding("tab,shift+tab,left,right,h,l", "other", show=False, priority=True),
        Binding("enter", "press", show=False),
    ]

    def __init__(self, question: str, text: str, keep: str, take: str, act: Callable[[], None]) -> None:
        super().__init__()
        self._question, self._text, self._act = question, text, act
        self._buttons = (keep, take)
        self._on = 0

    def heading(self) -> Line:
        """The question."""
        return (Piece(f" {self._hidden(self._question)}", "title"),)

    def body(self, width: int) -> Sequence[Line]:
        """What it means, then the two answers."""
        lines: list[Line] = [()]
        lines += [(Piece(f"  {line}"),) for line in wrap(self._hidden(self._text), width - 3, 12)]
        buttons: list[Piece] = [Piece("  ")]
        for index, word in enumerate(self._buttons):
            chosen = index == self._on
            buttons.append(Piece(f"[ {word} ]" if chosen else f"  {word}  ", "chosen" if chosen else "dim"))
            buttons.append(Piece("   "))
        return [*lines, (), tuple(buttons)]

    def action_other(self) -> None:
        """The other answer."""
        self._on = 1 - self._on
        self.draw()

    def action_press(self) -> None:
        """The answer that is chosen."""
        self.action_answer(self._on == 1)

    def action_answer(self, yes: bool) -> None:
        """Goes back; does it for yes."""
        self.app.pop_screen()
        if yes:
            self._act()

    def _hidden(self, text: str) -> str:
        deck = self.deck
        return hide(text, deck.feed.view().providers, deck.look.private)
