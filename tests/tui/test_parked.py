"""The lines of parked accounts: at every size, with the end of their logins."""

from __future__ import annotations

import pytest

from providers.model import DAY, HOUR, Enrolled, Roster
from tests.tui import worlds
from tests.tui.shown import NOW, account, provider, window
from tests.tui.test_app import SIZES, app_of, shown
from tests.tui.worlds import deck_of, five, login, read, week
from tui.frame import Frame
from tui.glyphs import UNICODE
from tui.parked import deadline, parked_lines


def frame(kind: str = "narrow", width: int = 80) -> Frame:
    return Frame(kind, width, NOW, lambda at: None, UNICODE)  # type: ignore[arg-type,return-value]


def line(kind: str, width: int, *windows: object, **changes: object) -> str:
    front = account(window())
    kept = account(*windows, id="b", alias="home", live=False, kept=True, **changes)  # type: ignore[arg-type]
    (found,) = parked_lines(provider(front, kept), frame(kind, width), kept=True)
    return "".join(piece.text for piece in found)


def test_small_bars_where_there_is_room() -> None:
    """At 80 columns each window has one; at 40 there are the figures alone."""
    windows = window("5h", 4.0), window("7d", 62.0)
    assert "━" in line("narrow", 80, *windows)
    tiny = line("tiny", 40, *windows)
    assert "━" not in tiny
    assert "5h   4%" in tiny
    assert "7d  62%" in tiny
    assert len(tiny) <= 40
    many = line("boxed", 54, *windows, window("7d:opus", 9.0, label="7 d Opus"))
    assert "━" not in many
    assert "opus   9%" in many


@pytest.mark.parametrize(
    ("left", "words", "tone"),
    [
        (8 * DAY, "", "dim"),
        (6.5 * DAY, "login 6d12h", "dim"),
        (2.5 * DAY, "login 2d12h", "watch"),
        (5 * HOUR, "login 5h00m", "high"),
        (-1, "login ran out", "high"),
    ],
)
def test_the_end_of_a_login_is_said_at_seven_three_and_one_days(left: float, words: str, tone: str) -> None:
    """Each time louder."""
    assert tuple(deadline(NOW + left, NOW)) == (words, tone)
    if words:
        assert words.removeprefix("login ") in line("tiny", 40, window(), login_expires_at=NOW + left)
        assert words in line("narrow", 80, window(), login_expires_at=NOW + left)


def test_without_a_figure_the_account_is_there_all_the_same() -> None:
    """What is not known is said."""
    assert "home" in line("tiny", 40)
    assert "no figures yet" in line("tiny", 40)


KEPT = Roster(
    "claude",
    (
        Enrolled("a", "claude-key", "work"),
        Enrolled("b", "home-key", "home", ends_at=worlds.NOW + 2 * DAY),
        Enrolled("c", "lab-key", "lab"),
    ),
)


@pytest.mark.parametrize("size", SIZES)
async def test_parked_accounts_are_seen_at_every_size(size: tuple[int, int]) -> None:
    """A line each; at 40x10 the title counts them, and the zoom has their lines."""
    deck = deck_of(login("claude"), read("claude", five(62), week(41)), KEPT,
                   read("claude", five(4), account="home-key"))  # fmt: skip
    app = app_of(deck)
    async with app.run_test(size=size) as pilot:
        lines = await shown(pilot)
        if size == (40, 10):
            assert "+2" in lines[1]
            assert not any("lab" in each for each in lines)
            await pilot.press("z")
            lines = await shown(pilot)
        home = next(each for each in lines if "home" in each and "○" in each)
        assert "4%" in home
        assert "2d00h" in home
        assert any("lab" in each and "no figures yet" in each for each in lines)


@pytest.mark.parametrize("size", SIZES)
async def test_more_than_fit_are_counted(size: tuple[int, int]) -> None:
    """Sixty accounts: the title says how many have no line."""
    many = Roster("claude", tuple(Enrolled(f"i{n}", f"k{n}", f"acct{n}") for n in range(60)))
    deck = deck_of(login("claude"), read("claude", five(62)), many, names=("claude",))
    app = app_of(deck)
    async with app.run_test(size=size) as pilot:
        lines = await shown(pilot)
        seen = sum("no figures yet" in each for each in lines)
        assert f"+{60 - seen}" in " ".join(lines[:3])


async def test_a_provider_without_a_login_shows_who_is_kept() -> None:
    """Nobody is logged in: the panel says so, and who could be."""
    app = app_of(deck_of(KEPT, names=("claude",)))
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await shown(pilot)
        assert "not configured" in lines[2]
        assert sum("○" in each for each in lines) == 3
