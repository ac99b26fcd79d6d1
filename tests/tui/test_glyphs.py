"""The two glyph sets and the sign of each state."""

from __future__ import annotations

import unicodedata

import pytest
from rich.cells import cell_len

from providers.model import Status
from tui.glyphs import ASCII, UNICODE, Glyphs, state_glyph

ALLOWED = set("━╸─┊●○◌✗◇·‖↻…▲▁▂▃▄▅▆▇█│╭╮╰╯┏┓┗┛┃") | {chr(n) for n in range(32, 127)}
TEXTS = [f for f in Glyphs._fields if f != "words"]


def _all(glyphs: Glyphs) -> str:
    return "".join(getattr(glyphs, field) for field in TEXTS)


def test_unicode_glyphs_are_of_the_agreed_set() -> None:
    """Every drawn character is one that Western terminals draw in one cell, none an emoji."""
    signs = "".join(state_glyph(status, UNICODE) for status in Status)
    assert set(_all(UNICODE) + signs) <= ALLOWED
    assert all(cell_len(c) == 1 and unicodedata.east_asian_width(c) not in "WF" for c in _all(UNICODE))


def test_ascii_glyphs_are_ascii() -> None:
    """The ASCII set and its words hold nothing else."""
    words = "".join(state_glyph(status, ASCII) for status in Status)
    assert (_all(ASCII) + words).isascii()


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_a_bar_can_be_read_without_colour(glyphs: Glyphs) -> None:
    """The parts of a bar differ as characters, each one cell wide."""
    parts = [glyphs.used, glyphs.half, glyphs.projected, glyphs.free, glyphs.tick]
    assert len(set(parts)) == len(parts)
    assert all(len(part) == 1 for part in parts)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_the_chosen_panel_differs_without_colour(glyphs: Glyphs) -> None:
    """A selected panel has other lines than the rest: two sides and four corners each."""
    assert len(glyphs.plain) == len(glyphs.chosen) == 6
    assert glyphs.plain[:2] != glyphs.chosen[:2]
    assert len(set(glyphs.spark)) == 8


@pytest.mark.parametrize(
    ("status", "sign", "word"),
    [
        (Status.OK, "●", "[ok]"),
        (Status.IDLE, "○", "[idle]"),
        (Status.STALE, "◌", "[old]"),
        (Status.LIMITED, "‖", "[wait]"),
        (Status.EXPIRED, "✗", "[auth]"),
        (Status.UNSUBSCRIBED, "◇", "[none]"),
        (Status.UNCONFIGURED, "·", "[ ]"),
        (Status.OFFLINE, "~", "[net]"),
        (Status.DENIED, "?", "[err]"),
        (Status.ERROR, "?", "[err]"),
        (Status.DISABLED, "=", "[off]"),
    ],
)
def test_each_state_has_a_sign_and_a_word(status: Status, sign: str, word: str) -> None:
    """The table of states holds in both sets."""
    assert (state_glyph(status, UNICODE), state_glyph(status, ASCII)) == (sign, word)


def test_waiting_is_told_apart_from_every_state() -> None:
    """What was never read looks like no state."""
    for glyphs in (UNICODE, ASCII):
        waiting = state_glyph(Status.OK, glyphs, waiting=True)
        assert waiting not in {state_glyph(status, glyphs) for status in Status}
