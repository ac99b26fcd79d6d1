"""The last line: the keys that work now, as many as fit; help and quit always."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.events import Click

from tui.keymap import Key
from tui.painted import Line, Painted, Piece, width_of
from tui.text import cell_width, countdown, scan_words

if TYPE_CHECKING:
    from providers.ledger.progress import Progress


class Footer(Painted):
    """One line; a click on an entry is its key."""

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._spans: tuple[tuple[int, int, str], ...] = ()

    def show_keys(self, entries: Sequence[Key], width: int, busy: Line = ()) -> None:
        """Shows the entries that fit, in their order; ``busy`` stands before them."""
        taken = width_of(busy)
        line, spans = footer_line(entries, width - taken)
        self._spans = tuple((begin + taken, end + taken, action) for begin, end, action in spans)
        self.show([(*busy, *line)])

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


def scan_line(progress: Progress | None, keys: Sequence[Key], width: int) -> Line:
    """How far a scan is and the key that stops it, as long as the last two entries fit beside it."""
    if progress is None:
        return ()
    key = next((key.shown for key in keys if key.id == "scan.stop"), "")
    left = "" if progress.seconds_left is None else f", {countdown(max(1.0, progress.seconds_left))} left"
    share = f"{100 * progress.bytes // max(1, progress.of_bytes)}%"
    for words in (scan_words(progress), f"logs {progress.files}/{progress.of_files}{left}", f"logs {share}"):
        line = (Piece(f" {words} ", "watch"), Piece(f" {key}", "key"), Piece(" stop ", "dim"))
        if width_of(line) <= width - 18:
            return line
    return ()


def _width(entry: Key) -> int:
    return cell_width(entry.shown) + 1 + cell_width(entry.description) + 2
