"""``:``: every action by name, every panel, every theme; what is typed narrows the list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Key as KeyEvent

from providers.record import Record
from tui.keymap import PICKER, Key
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.text import cell_width, pad

_STEPS = {"down": 1, "ctrl+n": 1, "up": -1, "pagedown": 10, "pageup": -10}
_NOT_BY_NAME = ("move.", "goto.", "palette", "back")


class Entry(Record):
    """One line of the palette: what it says, the key that does the same, the action."""

    title: str
    key: str
    action: str


CHECKUP = Entry("check-up of logins, locks and vaults", "", "checkup")
"""What has no key of its own."""

Run = Callable[[str], Awaitable[None]]


class PaletteScreen(PageScreen[None]):
    """Closed before the chosen action runs, so that it acts on the screen below."""

    kind: ClassVar[str] = "palette"
    keys: ClassVar[Keys] = (("up/down", "move"), ("enter", "run"))
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, entries: Sequence[Entry], run: Run) -> None:
        super().__init__()
        self._entries, self._run = tuple(entries), run
        self._typed = ""

    def heading(self) -> Line:
        """What is typed."""
        return (Piece(" :", "key"), Piece(f"{self._typed}_", "title"))

    def body(self, width: int) -> Sequence[Line]:
        """What matches, the best first."""
        found = matches(self._typed, self._entries)
        if not found:
            return [(Piece(" nothing is called that", "dim"),)]
        lines: list[Line] = []
        for entry in found:
            room = max(8, width - cell_width(entry.key) - 4)
            lines.append((Piece(f"   {pad(entry.title, room)}"), Piece(entry.key, "key")))
        return lines

    def rows(self) -> Sequence[int]:
        """Every match can be chosen."""
        return range(len(matches(self._typed, self._entries)))

    async def on_key(self, event: KeyEvent) -> None:
        """Letters narrow the list; all keys are taken here."""
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss()
        elif event.key == "enter":
            await self._choose()
        elif event.key in _STEPS:
            self.action_step(_STEPS[event.key])
        elif event.key == "backspace":
            self._type(self._typed[:-1])
        elif event.is_printable and event.character:
            self._type(self._typed + event.character)

    def _type(self, text: str) -> None:
        self._typed, self.cursor = text[:60], None
        self.draw()

    async def _choose(self) -> None:
        found = matches(self._typed, self._entries)
        if not found or self.cursor is None:
            return
        entry = found[min(self.cursor, len(found) - 1)]
        self.app.pop_screen()
        await self._run(entry.action)


def entries_of(
    keys: Sequence[Key], panels: Sequence[tuple[str, str]], themes: Sequence[str]
) -> tuple[Entry, ...]:
    """The actions of the key table, a line for each panel (id, name) and each theme."""
    named = [
        Entry(key.description, key.shown, key.action)
        for key in keys
        if not key.id.startswith(_NOT_BY_NAME) and key.scope != PICKER
    ]
    named += [Entry(f"go to {name}", "", f"pick({ident!r})") for ident, name in panels]
    named += [Entry(f"theme {name}", "", f"set_theme({name!r})") for name in themes]
    return tuple(named)


def matches(query: str, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries that hold the letters of the query in this order: those where they stand
    together first, at the beginning of a word before others, otherwise in their own order."""
    wanted = query.lower().replace(" ", "")
    ranked = [(rank, i, e) for i, e in enumerate(entries) if (rank := _rank(wanted, e.title)) is not None]
    return tuple(entry for _, _, entry in sorted(ranked, key=lambda found: found[:2]))


def _rank(wanted: str, title: str) -> tuple[int, int] | None:
    """How well a title matches (lower is better), None if it does not."""
    text = title.lower()
    place = text.replace(" ", "").find(wanted)
    if place == 0 or not wanted:
        return 0, 0
    if any(word.startswith(wanted) for word in text.split()):
        return 1, text.find(wanted)
    if place > 0:
        return 2, place
    here, first = -1, -1
    for letter in wanted:
        here = text.find(letter, here + 1)
        if here < 0:
            return None
        first = here if first < 0 else first
    return 3, here - first
