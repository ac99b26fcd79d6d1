"""How the screen looks: snapshots of the demo at every size, and the README's pictures.

``pytest --snapshot-update`` after a change that was looked at; the pictures are written
with ``QUOTADECK_SCREENSHOTS=1`` and compared otherwise, so that the README shows what is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.stills import looked, picture, still_app
from tui.glyphs import ASCII

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
SIZES = [(40, 10), (40, 24), (80, 24), (120, 40), (200, 50)]
Compare = Callable[..., bool]


@pytest.mark.parametrize("size", SIZES)
def test_every_size(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """The deck at the five sizes of the mock-ups."""
    assert snap_compare(still_app(tmp_path), terminal_size=size)


@pytest.mark.parametrize("size", SIZES)
def test_the_picker(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """What a switch would do, at the five sizes."""
    assert snap_compare(still_app(tmp_path), terminal_size=size, run_before=looked)


@pytest.mark.parametrize("theme", ["quotadeck-light", "ansi-dark", "ansi-light"])
def test_every_theme(snap_compare: Compare, tmp_path: Path, theme: str) -> None:
    """The shipped themes at 80 columns."""
    assert snap_compare(still_app(tmp_path, theme=theme), terminal_size=(80, 24))


def test_without_colour(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR: the same words, no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(still_app(tmp_path, theme="ansi-dark"), terminal_size=(80, 24))


def test_in_ascii(snap_compare: Compare, tmp_path: Path) -> None:
    """Plain characters for consoles without the glyphs."""
    assert snap_compare(still_app(tmp_path, glyphs=ASCII), terminal_size=(80, 24))


@pytest.mark.parametrize("size", [(40, 24), (80, 24)])
def test_an_empty_home(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """Neither tool is there: what was looked for."""
    assert snap_compare(still_app(tmp_path, written=False), terminal_size=size)


@pytest.mark.parametrize(
    ("keys", "size"), [(["z"], (120, 40)), (["question_mark"], (80, 24)), (["u", "i"], (80, 24))]
)
def test_other_views(snap_compare: Compare, tmp_path: Path, keys: list[str], size: tuple[int, int]) -> None:
    """The zoomed panel, the help, left with hidden names."""
    assert snap_compare(still_app(tmp_path), press=keys, terminal_size=size)


PICTURES = {
    "deck-120x40": ((120, 32), []),
    "detail-120x40": ((120, 40), ["enter"]),
    "help-80x40": ((80, 48), ["question_mark"]),
}


@pytest.mark.parametrize("name", PICTURES)
async def test_the_readmes_pictures_show_what_is(tmp_path: Path, name: str) -> None:
    """Each picture equals the screen of the demo now, and names no address to fetch from."""
    size, keys = PICTURES[name]
    app = still_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.pause()
        svg = picture(app, "quotadeck")
    assert "url(" not in svg.replace("url(#", "")
    path = SCREENSHOTS / f"{name}.svg"
    if os.environ.get("QUOTADECK_SCREENSHOTS"):
        path.write_text(svg, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == svg
