"""The check-up: what is wrong with logins, locks and vaults, each with the command that mends it.

Reached from the palette.  What it shows was looked for on another thread; ``r`` looks again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from providers.examination import Examination
from tui.checkup_rows import Row, rows
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.screens.vault import folded
from tui.text import hide, wrap

Found = Callable[[Examination | str], None]
Look = Callable[[Found], None]
"""Starts a look; what it is given is called on the event loop's thread with what was found, or a
sentence that says why nothing could be looked for."""

_TONES = {
    "heading": "title", "severe": "high", "warning": "watch", "note": "text", "fix": "dim", "plain": "text",
}  # fmt: skip
_INDENTS = {"heading": 1, "fix": 8}
_DEEPER = 3
"""Cells that the further lines of a sentence stand in."""

_MOST = 40
"""Lines of one sentence."""


def aside(examine: Callable[[], Examination] | None) -> Look:
    """A look on a thread of its own, whose answer comes back to the loop that asked: a disk or a
    keyring may hang, and must hold up neither a key nor an exit."""

    def look(answer: Found) -> None:
        if examine is None:
            answer("there is nothing to look at here")
            return
        loop = asyncio.get_running_loop()

        def job() -> None:
            try:
                found: Examination | str = examine()
            except Exception as error:
                # Not its text: that might quote a file.
                found = f"the check-up failed by a bug ({type(error).__name__}): quotadeck doctor"
            with contextlib.suppress(RuntimeError):
                # The loop was closed: nobody is left to tell.
                loop.call_soon_threadsafe(answer, found)

        threading.Thread(target=job, name="quotadeck-checkup", daemon=True).start()

    return look


class CheckupScreen(PageScreen[None]):
    """A cursor on the fixes; ``y`` copies the one under it."""

    kind: ClassVar[str] = "checkup"
    keys: ClassVar[Keys] = (("j/k", "next fix"), ("y", "copy the command"), ("r", "look again"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", show=False),
        Binding("y", "copy_fix", show=False),
    ]

    def __init__(self, look: Look, notes: Sequence[str] = ()) -> None:
        super().__init__()
        self._look, self._notes = look, tuple(notes)
        self._found: Examination | str | None = None
        self._fixes: dict[int, str] = {}

    def on_mount(self) -> None:
        """Looks for the first time."""
        self.action_again()

    def action_again(self) -> None:
        """Looks again; what was found before stays until then."""
        self._look(self.show_found)

    def show_found(self, found: Examination | str) -> None:
        """What was found, or why nothing was."""
        self._found = found
        if self.is_attached:
            self.draw()

    def heading(self) -> Line:
        """How many problems there are."""
        if not isinstance(self._found, Examination):
            return (Piece(" Check-up", "title"), Piece(f"  {self._found or 'looking …'}", "dim"))
        count = len(self._found.findings) + len(self._notes)
        said = f"{count} problem{'' if count == 1 else 's'}" if count else "no problem"
        return (Piece(" Check-up", "title"), Piece(f"  {said}; nothing was changed", "dim"))

    def body(self, width: int) -> Sequence[Line]:
        """Every sentence whole, however narrow it is."""
        self._fixes = {}
        if not isinstance(self._found, Examination):
            return []
        lines: list[Line] = []
        for row in rows(self._found, self._notes):
            if row.kind == "heading" and lines:
                lines.append(())
            if row.command:
                self._fixes[len(lines)] = row.command
            lines += self._row(row, width)
        return lines

    def rows(self) -> Sequence[int]:
        """The first line of each fix."""
        return tuple(self._fixes)

    def copy_text(self) -> str:
        """The command under the cursor."""
        return self._fixes.get(self.cursor, "") if self.cursor is not None else ""

    def action_copy_fix(self) -> None:
        """Copies it."""
        self.deck.action_copy()  # type: ignore[attr-defined]

    def _row(self, row: Row, width: int) -> list[Line]:
        indent = min(_INDENTS.get(row.kind, 3), max(1, width // 8))
        deck = self.deck
        text = hide(row.text, deck.feed.view().providers, deck.look.private)
        tone = _TONES[row.kind]
        room = max(8, width - indent - _DEEPER)
        first, *rest = folded(text, room) if row.command else wrap(text, room, _MOST) or ("",)
        head = (Piece(" " * indent), Piece(first, tone))
        return [head, *((Piece(" " * (indent + _DEEPER)), Piece(line, tone)) for line in rest)]
