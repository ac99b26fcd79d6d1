"""The pane in 42 columns beside an editor, in one real tmux inside another: the README's picture.

Written with ``QUOTADECK_SCREENSHOTS=1``; the demo tells the time of day, so it is not compared.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from providers.engine import pace
from tests.terminals import QUOTADECK, Tmux, base_variables
from tests.tui.stills import local_fonts

SCREENSHOT = Path(__file__).parents[2] / "screenshots/beside-an-editor.svg"
COLUMNS, ROWS = 120, 30
PANE = 42


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal in which a person is attached to a tmux with an editor and the pane."""
    variables = base_variables(tmp_path, COLORTERM="truecolor")
    outer, inner = Tmux(variables, COLUMNS, ROWS), Tmux(variables, COLUMNS, ROWS)
    shutil.copy(str(pace.__file__), tmp_path / "pace.py")
    editor = ["vim", "-Nu", "NONE", "-c", "'syntax on'", "-c", "'set nu bg=dark'"]
    if shutil.which("vim") is None:
        editor = ["cat"]
    inner.start([*editor, str(tmp_path / "pace.py"), ";", "sh"])
    inner.run("split-window", "-h", "-l", str(PANE), "-t", "t", " ".join([*QUOTADECK, "--demo"]))
    inner.run("set", "-g", "status", "on")
    inner.run("set", "-g", "status-right", "")
    for tmux in (inner, outer):
        tmux.run("set", "-ga", "terminal-overrides", ",*:Tc")
    outer.start(["env", "-u", "TMUX", "tmux", *inner.address, "attach"])
    yield outer
    for tmux in (outer, inner):
        tmux.kill()


def test_the_pane_fits_beside_an_editor(screen: Tmux) -> None:
    """The editor's lines stand at the left, and in the last 42 cells every figure."""
    lines = screen.wait_for(r"6\d%.*(\dh|\dd)")
    right = "\n".join(line[COLUMNS - PANE :] for line in lines)
    assert "Claude" in right
    assert "Codex" in right
    assert '"""' in lines[0][: COLUMNS - PANE]
    if os.environ.get("QUOTADECK_SCREENSHOTS"):
        SCREENSHOT.write_text(drawn(screen.run("capture-pane", "-e", "-p", "-t", "t")), encoding="utf-8")
    assert "url(" not in SCREENSHOT.read_text(encoding="utf-8").replace("url(#", "")


def drawn(captured: str) -> str:
    """What tmux captured with its colours, as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    for line in captured.split("\n")[:-1]:
        console.print(Text.from_ansi(line), no_wrap=True, crop=True, highlight=False)
    return local_fonts(console.export_svg(title="tmux", unique_id="beside"))
