"""What a canvas sends for a change is no more than the change, and no less."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.terminals import Tmux, base_variables
from tui.canvas import _unlike
from tui.painted import Line, Piece

PAINTS = 60


def test_changes_leave_what_a_whole_paint_shows(tmp_path: Path) -> None:
    """After each change the screen of a real tmux is the one that a full repaint gives."""
    root = str(Path(__file__).parents[2])
    tmux = Tmux(base_variables(tmp_path, PYTHONPATH=root), 60, 12)
    try:
        tmux.start([sys.executable, "-m", "tests.tui.painter"])
        tmux.wait_for("done 0;")
        for paint in range(PAINTS):
            tmux.keys("n")
            changed = tmux.wait_for(f"done {2 * paint + 1};")
            tmux.keys("f")
            whole = tmux.wait_for(f"done {2 * paint + 2};")
            assert changed[:10] == whole[:10]
    finally:
        tmux.kill()


def _line(*words: str) -> Line:
    return tuple(Piece(word) for word in words)


@pytest.mark.parametrize(
    ("old", "new", "cells"),
    [
        (_line("next in ", "9m", "  "), _line("next in ", "8m", "  "), (8, 10)),
        (_line("next in ", "10m", " "), _line("next in ", "9m", "  "), (8, 12)),
        (_line("a", "b"), _line("a"), (1, 12)),
        (_line("漢", "b", "c"), _line("漢", "d", "c"), (2, 3)),
        (_line("a"), _line("b"), (0, 1)),
        (_line("a" * 12, "b"), _line("a" * 12, "c"), (12, 12)),
    ],
)
def test_only_the_pieces_that_differ(old: Line, new: Line, cells: tuple[int, int]) -> None:
    """From the first piece that is another up to the last; to the end where widths differ."""
    assert _unlike(old, new, 12) == cells
