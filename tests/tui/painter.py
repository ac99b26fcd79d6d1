"""For test_canvas.py: a canvas of random sheets; ``n`` paints the next ones, ``f`` all of the screen.

Run as ``python -m tests.tui.painter``; the footer counts what was done, so that a test knows when to look.
"""

from __future__ import annotations

import random

from textual.app import App, ComposeResult
from textual.widgets import Static

from tui.canvas import Canvas, Sheet, Ticks
from tui.painted import Line, Piece

WORDS = ("left", "3h12m", "62%", "漢字", "é", "·", "━━━━", "next in 9m", "next in 13m", "👩‍💻", " ")
WIDTH, HEIGHT = 60, 10


class Painter(App[None]):
    """Paints by chance, the same series in each run."""

    BINDINGS = [("n", "next"), ("f", "full")]
    CSS = "Canvas { layout: horizontal; height: 10; } .slice { height: 100%; } Static { dock: bottom; }"

    def __init__(self) -> None:
        super().__init__()
        self.chance = random.Random(7)
        self.canvas = Canvas(id="canvas")
        self.done = 0
        self.lines: list[Line] = [self._line() for _ in range(2 * HEIGHT)]
        self.edges: list[int] = [0, 12, 30, 42, WIDTH]

    def compose(self) -> ComposeResult:
        """The canvas, and the count of what was done."""
        yield self.canvas
        yield Static("done 0;")

    def on_mount(self) -> None:
        """A canvas that is cut from the first paint on."""
        self.canvas.divide()
        self._paint()

    def action_next(self) -> None:
        """Changes some lines, sometimes the cuts, and what ticks over them."""
        for _ in range(self.chance.randint(1, 4)):
            at = self.chance.randrange(len(self.lines))
            line = list(self.lines[at])
            if line and self.chance.random() < 0.7:
                line[self.chance.randrange(len(line))] = self._piece()
                self.lines[at] = tuple(line)
            else:
                self.lines[at] = self._line()
        if self.chance.random() < 0.1:
            self.edges = [0, *sorted(self.chance.sample(range(1, WIDTH), 3)), WIDTH]
        self._paint()
        self._count()

    def action_full(self) -> None:
        """Sends the whole screen."""
        self.screen.refresh()
        self._count()

    def _count(self) -> None:
        self.done += 1
        self.query_one(Static).update(f"done {self.done};")

    def _paint(self) -> None:
        half = WIDTH // 2
        sheets = [
            Sheet(0, 0, half, tuple(self.lines[:HEIGHT])),
            Sheet(half, 1, half, tuple(self.lines[HEIGHT : 2 * HEIGHT - 1])),
        ]
        ticks: Ticks = {
            (y, x): Piece(f"{self.chance.randint(1, 9)}h{self.chance.randint(10, 59)}m")
            for y in range(0, HEIGHT, 3)
            for x in (14, 44)
        }
        self.canvas.paint(sheets, ticks, self.edges)

    def _line(self) -> Line:
        return tuple(self._piece() for _ in range(self.chance.randint(0, 8)))

    def _piece(self) -> Piece:
        return Piece(self.chance.choice(WORDS), self.chance.choice(("text", "dim")))


if __name__ == "__main__":
    Painter().run()
