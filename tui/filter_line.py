"""The line in which a filter or a value is typed; the one widget that takes the keys to itself."""

from __future__ import annotations

from textual.events import Blur, Key
from textual.message import Message

from tui.painted import Painted, Piece
from tui.text import fit

LONGEST = 60


class FilterLine(Painted):
    """Enter keeps the filter, esc drops it."""

    can_focus = True

    class Changed(Message):
        """The text is another; ``done`` when typing has ended."""

        def __init__(self, text: str, *, done: bool) -> None:
            super().__init__()
            self.text, self.done = text, done

    def __init__(self) -> None:
        super().__init__(id="filter")
        self.display = False
        self._text = ""
        self._prompt, self._hint = "/", ""

    def open(self, text: str, prompt: str = "/", hint: str = "!text hides matches, enter keeps") -> None:
        """Takes the keys and shows the text so far."""
        self._text, self._prompt, self._hint = text, prompt, hint
        self.display = True
        self.focus()
        self._draw()

    def close(self) -> None:
        """Gives the keys back."""
        self.display = False
        self.blur()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are text here, not keys of the deck."""
        return character is not None and character.isprintable()

    def on_blur(self, event: Blur) -> None:
        """A click elsewhere ends typing."""
        if self.display:
            self._end(self._text)

    def on_key(self, event: Key) -> None:
        """Edits the text."""
        if event.key in ("enter", "escape"):
            self._end(self._text if event.key == "enter" else "")
        elif event.key in ("backspace", "ctrl+h"):
            self._edit(self._text[:-1])
        elif event.key == "ctrl+u":
            self._edit("")
        elif event.is_printable and event.character and len(self._text) < LONGEST:
            self._edit(self._text + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def _edit(self, text: str) -> None:
        self._text = text
        self._draw()
        self.post_message(self.Changed(text, done=False))

    def _end(self, text: str) -> None:
        self.close()
        self.post_message(self.Changed(text, done=True))

    def _draw(self) -> None:
        room = max(4, self.app.size.width - 34)
        hint = f"  {self._hint}" if self.app.size.width >= 60 else ""
        typed = Piece(f"{fit(self._text, room)}_", "title")
        self.show([(Piece(f" {self._prompt}", "key"), typed, Piece(hint, "dim"))])
