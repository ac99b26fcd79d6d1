"""The question before anything is asked in the background."""

from __future__ import annotations

import pytest

from providers.engine.settings import Settings
from providers.model import Polling
from tests.tui import worlds
from tests.tui.test_app import SIZES, app_of, shown
from tui.app import QuotadeckApp
from tui.painted import width_of

ASKABLE = Polling("claude", "claude-key", (), 20, waits="asked only by key")


def asking_app(**settings: object) -> QuotadeckApp:
    """A deck whose Claude login could be asked with."""
    deck = worlds.full_deck()
    deck.apply([ASKABLE], worlds.NOW)
    return app_of(deck, Settings(**settings))


def calls(app: QuotadeckApp) -> list[tuple[str, object]]:
    return app.feed.calls  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("size", SIZES)
async def test_it_is_asked_in_one_line_above_the_footer(size: tuple[int, int]) -> None:
    """At every size: a question, both answers, and the footer still below it."""
    app = asking_app()
    async with app.run_test(size=size) as pilot:
        lines = await shown(pilot)
        assert "enter yes" in lines[-2]
        assert "esc only on r" in lines[-2]
        assert "? help" in lines[-1]


async def test_enter_allows_for_good() -> None:
    """The feed is allowed, the settings remember it, the line is gone and enter opens again."""
    app = asking_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("enter")
        assert ("allow", True) in calls(app)
        assert ("remember", {"polling": "on"}) in calls(app)
        assert "enter yes" not in (await shown(pilot))[-2]
        assert len(app.screen_stack) == 1


async def test_escape_leaves_it_to_the_keys() -> None:
    """Nothing is allowed, and the question does not come back."""
    app = asking_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("escape")
        assert ("allow", False) in calls(app)
        assert ("remember", {"polling": "key"}) in calls(app)
        assert "enter yes" not in (await shown(pilot))[-2]


@pytest.mark.parametrize("polling", ["on", "key"])
async def test_it_is_asked_once_in_a_life(polling: str) -> None:
    """Whoever has answered is not asked again."""
    app = asking_app(polling=polling)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "enter yes" not in "".join(await shown(pilot))


async def test_without_a_login_to_ask_with_there_is_no_question() -> None:
    """Files alone need no consent."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "enter yes" not in "".join(await shown(pilot))


async def test_read_only_takes_the_answer_for_this_run() -> None:
    """With --read-only the answer counts and nothing is written."""
    app = asking_app(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("enter")
        assert ("allow", True) in calls(app)
        assert not [c for c in calls(app) if c[0] == "remember"]


@pytest.mark.parametrize("width", range(30, 130, 7))
@pytest.mark.parametrize("names", [["Claude Code"], ["Claude Code", "Codex"], ["A", "B", "C"]])
def test_the_line_fits(names: list[str], width: int) -> None:
    """From 30 cells on nothing of the question or its answers is cut off."""
    from tui.banner import banner_line

    assert width_of(banner_line(names, width)) <= width
