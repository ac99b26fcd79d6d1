"""Filtering and hiding panels."""

from __future__ import annotations

import pytest

from tests.tui import worlds
from tests.tui.test_app import SIZES, app_of, shown
from tui.app import QuotadeckApp
from tui.deck import matches


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("clau", ("claude",)),
        ("EXPIRED", ("copilot",)),
        ("home", ("claude",)),
        ("opus", ("claude",)),
        ("!clau", tuple(n for n in worlds.PROVIDERS if n != "claude")),
        ("zzz", ()),
        ("", worlds.PROVIDERS),
        ("!", worlds.PROVIDERS),
    ],
)
async def test_what_a_filter_keeps(wanted: str, kept: tuple[str, ...]) -> None:
    """Names, states, accounts and windows are found in any case; ! turns it round."""
    app = app_of()
    async with app.run_test(size=(80, 24)):
        found = tuple(p.id for p in app.feed.view().providers if matches(p, wanted, False))
        assert found == kept


async def test_private_names_are_not_found() -> None:
    """What is hidden cannot be guessed through the filter."""
    (claude, *_) = app_of().feed.view().providers
    assert matches(claude, "work@", False)
    assert not matches(claude, "work@", True)


@pytest.mark.parametrize("size", SIZES)
async def test_the_filter_works_while_it_is_typed(size: tuple[int, int]) -> None:
    """Letters are text, the deck follows each; enter keeps it, the header says so, esc drops it."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        await pilot.press("slash", "c", "o", "d", "e", "x", "q", "backspace")
        lines = await shown(pilot)
        assert app.grid.order == ("codex",)
        assert "/codex_" in lines[-2]
        await pilot.press("enter")
        assert app.grid.order == ("codex",)
        assert "/codex_" not in (await shown(pilot))[-2]
        await pilot.press("u")
        assert app.look.left
        await pilot.press("escape")
        assert len(app.grid.order) > 1


async def test_escape_while_typing_drops_it() -> None:
    """esc in the line is no filter."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", "c", "o", "escape")
        await shown(pilot)
        assert len(app.grid.order) == len(worlds.PROVIDERS)
        assert app.look.filter == ""


async def test_a_panel_can_be_hidden_and_found_again() -> None:
    """x hides the chosen panel and remembers it, X shows all, x there takes it back."""
    app = app_of()

    def remembered() -> list[object]:
        return [c[1] for c in app.feed.calls if c[0] == "remember"]  # type: ignore[attr-defined]

    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("x")
        assert "claude" not in app.grid.order
        assert remembered() == [{"hidden": ("claude",)}]
        await pilot.press("X", "g")
        assert app.grid.chosen == "claude"
        await pilot.press("x")
        assert remembered()[-1] == {"hidden": ()}


async def test_the_last_panel_stays() -> None:
    """Hiding everything is not possible by key: nothing would say what to press."""
    app: QuotadeckApp = app_of(worlds.deck_of(worlds.login("claude"), names=("claude",)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("x")
        assert app.grid.order == ("claude",)
