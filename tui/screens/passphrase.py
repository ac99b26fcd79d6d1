"""The dialog that asks for the vault's passphrase; dismisses with it as a `Secret`, or with None.

Keys are taken here one by one: Textual's own field posts messages with the whole text in them and
copies what is selected to the clipboard.  What was typed is forgotten with the key that ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Key as KeyEvent
from textual.events import Paste
from textual.screen import ModalScreen

from providers.accounts.sealed import SHORTEST
from providers.accounts.secret import Secret
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.text import wrap

LONGEST = 256
"""Characters."""


class PassphraseScreen(PageScreen[Secret | None], ModalScreen[Secret | None]):
    """``fresh`` asks for a new one, twice; ``said`` is what was wrong with the one before."""

    kind: ClassVar[str] = "passphrase"
    keys: ClassVar[Keys] = (("enter", "take it"), ("ctrl+u", "empty"))
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, *, fresh: bool, said: str = "") -> None:
        super().__init__()
        self._fresh, self._said = fresh, said
        self._typed: list[str] = []
        self._first: Secret | None = None

    def heading(self) -> Line:
        """What is asked for."""
        return (Piece(" A passphrase for the vault" if self._fresh else " The vault's passphrase", "title"),)

    def body(self, width: int) -> Sequence[Line]:
        """As many stars as characters, what was wrong, what it is for."""
        room = max(8, width - 2)
        asked = "again" if self._first is not None else "passphrase"
        stars = "*" * min(len(self._typed), max(1, room - len(asked) - 3))
        lines: list[Line] = [(Piece(f" {asked}: ", "key"), Piece(f"{stars}_", "title"))]
        lines += _texts(self._said, room, "watch")
        if self._fresh:
            lines += _texts(
                f"At least {SHORTEST} characters. Nobody can tell it to you later: if it is forgotten, what"
                " the vault keeps is lost. It is asked for once per run.", room, "dim",
            )  # fmt: skip
        else:
            lines += _texts("Asked for once per run, kept in memory only.", room, "dim")
        return lines

    def on_key(self, event: KeyEvent) -> None:
        """Every key is taken here, none goes on to the pane."""
        event.stop()
        event.prevent_default()
        match event.key:
            case "escape":
                self._end(None)
            case "ctrl+c":
                self._forget()
                self.deck.leave()
            case "enter":
                self._take()
            case "ctrl+u":
                self._type([])
            case "backspace" | "ctrl+h":
                self._type(self._typed[:-1])
            case _ if event.is_printable and event.character:
                self._type([*self._typed, event.character])

    def on_paste(self, event: Paste) -> None:
        """The first line of what is pasted."""
        event.stop()
        event.prevent_default()
        line = (event.text.splitlines() or [""])[0]
        self._type([*self._typed, *(c for c in line if c.isprintable())])

    def _type(self, typed: list[str]) -> None:
        # What does not fit is refused as a whole: a passphrase cut short would never open again.
        if len(typed) <= LONGEST:
            self._typed = typed
            self._said = ""
        else:
            self._said = f"it may have {LONGEST} characters at most"
        self.draw()

    def _take(self) -> None:
        given, first = Secret("".join(self._typed)), self._first
        self._forget()
        if not given:
            self._say("type it, or leave with esc")
        elif not self._fresh or (first is not None and given == first):
            self._end(given)
        elif first is not None:
            self._say("the two were not the same; begin anew")
        elif len(given.reveal()) < SHORTEST:
            self._say(f"it needs {SHORTEST} characters")
        else:
            self._first = given
            self._say("")

    def _forget(self) -> None:
        self._typed, self._first = [], None

    def _say(self, text: str) -> None:
        self._said = text
        self.draw()

    def _end(self, given: Secret | None) -> None:
        self._forget()
        self.dismiss(given)


def _texts(text: str, room: int, tone: str) -> list[Line]:
    return [(Piece(f" {line}", tone),) for line in wrap(text, room, 9)]
