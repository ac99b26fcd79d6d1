"""The dialogs of the vault: what is said of each rung, what is taken, and that nothing typed shows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from providers.accounts.secret import Secret
from providers.accounts.system_keyring import RECIPES, recipe
from providers.accounts.vault import State, VaultTrouble
from providers.accounts.vaults import Offer, Rung
from providers.engine.settings import Settings
from tests.tui import worlds
from tests.tui.test_app import SIZES, app_of, shown
from tui.app import QuotadeckApp
from tui.glyphs import ASCII
from tui.screens.passphrase import LONGEST, PassphraseScreen
from tui.screens.vault import AGAIN, VaultScreen, folded

CANARY = "canary horse"
NOTHING = object()


def offers(state: State | None = None) -> tuple[Offer, ...]:
    """As a survey finds them; ``state`` is the keyring's."""
    said = "it is there and unlocked" if state is None else str(VaultTrouble(state))
    lines = () if state is None else recipe("linux", state)
    return (
        Offer(Rung.KEYRING, state is None, False, state, said, lines),
        Offer(Rung.ENCRYPTED, True, False, State.SEALED, "works everywhere; you think of a passphrase"),
        Offer(Rung.PLAINTEXT, False, False, State.REFUSED, 'write vault = "plaintext" in config.toml'),
        Offer(Rung.NONE, True, False, None, "works everywhere"),
    )


class App(QuotadeckApp):
    """Notes what reaches the app of what was pasted."""

    CSS_PATH = Path(__file__).parents[2] / "tui/deck.tcss"
    reached: list[str]

    def on_paste(self, event: Paste) -> None:
        self.reached.append(event.text)


@asynccontextmanager
async def opened(
    screen: Any, size: tuple[int, int] = (80, 24), **more: Any
) -> AsyncIterator[tuple[Pilot[int], list[object]]]:
    """The dialog over a deck, and a list that gets its result."""
    deck = worlds.deck_of(worlds.login("claude"), names=("claude",))
    app, results = app_of(deck, kind=App, **more), []
    app.reached = []  # type: ignore[attr-defined]
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        app.push_screen(screen, results.append)
        await shown(pilot)
        yield pilot, results


async def walked(pilot: Pilot[int], key: str) -> str:
    """Everything that is seen while a key is pressed until nothing moves."""
    seen: list[str] = []
    while (text := "\n".join(await shown(pilot))) not in seen:
        seen.append(text)
        await pilot.press(key)
    return re.sub(r"\s+", " ", " ".join(seen))


@pytest.mark.parametrize(
    ("size", "state"),
    [*((size, State.ABSENT) for size in SIZES), *(((40, 10), s) for s in (None, State.LOCKED, State.SILENT))],
)
async def test_every_word_can_be_read_at_every_size(size: tuple[int, int], state: State | None) -> None:
    """Walking down: each rung, what it means, how it stands, its recipe; the way back always."""
    async with opened(VaultScreen(offers(state)), size) as (pilot, _):
        await pilot.press("home")
        lines = await shown(pilot)
        assert "esc back" in lines[-1]
        assert all(len(line) == size[0] for line in lines)
        text = await walked(pilot, "j")
    for offer in offers(state):
        for words in (offer.rung.value, offer.rung.means, offer.sentence[1:]):
            assert words in text, words
        for line in offer.recipe:
            for piece in folded(line, size[0] - 4):
                assert re.sub(r"\s+", " ", piece).strip() in text


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_walking_up_shows_the_same(size: tuple[int, int]) -> None:
    """The end of a long one comes before its beginning."""
    async with opened(VaultScreen(offers(State.ABSENT)), size) as (pilot, _):
        await pilot.press("end")
        text = await walked(pilot, "k")
    assert "umask 077" in text
    assert Rung.KEYRING.means in text
    assert "Nothing is kept" in text


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        (["enter"], Rung.KEYRING), (["j", "enter"], Rung.ENCRYPTED), (["G", "enter"], Rung.NONE),
        (["escape"], None), (["r"], AGAIN),
    ],
)  # fmt: skip
async def test_it_answers_with_what_was_chosen(keys: list[str], result: object) -> None:
    """A rung, nothing, or a wish for another look."""
    async with opened(VaultScreen(offers())) as (pilot, results):
        await pilot.press(*keys)
        await pilot.pause()
        assert results == [result]
        assert len(pilot.app.screen_stack) == 1


@pytest.mark.parametrize("place", [0, 2])
async def test_what_cannot_be_used_is_not_chosen(place: int) -> None:
    """It is said, and the dialog stays."""
    async with opened(VaultScreen(offers(State.LOCKED))) as (pilot, results):
        await pilot.press("home", *["j"] * place, "enter")
        assert "not usable now" in (await shown(pilot))[0]
        assert results == []


async def test_no_key_of_the_deck_works_below() -> None:
    """Neither quits it nor changes it; ctrl+c leaves as everywhere."""
    async with opened(VaultScreen(offers())) as (pilot, results):
        app = pilot.app
        assert isinstance(app, QuotadeckApp)
        await pilot.press("u", "x", "q", "colon", "tab", "comma")
        assert (app.look.left, app.look.hidden, len(app.screen_stack)) == (False, (), 2)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app.return_code == 0
        assert results == []


async def test_the_recipe_is_copied_whole() -> None:
    """Not as it is folded on the screen."""
    told: list[str] = []
    async with opened(VaultScreen(offers(State.LOCKED)), (40, 10)) as (pilot, _):
        pilot.app.attendant.messenger.copy = told.append  # type: ignore[attr-defined]
        await pilot.press("y")
        await pilot.pause()
    assert told == ["\n".join(RECIPES[State.LOCKED])]


@pytest.mark.parametrize("room", [12, 36, 76])
def test_a_folded_line_means_the_same_to_a_shell(room: int) -> None:
    """A backslash at the end of a line is nothing to it, even in quotes."""
    for lines in RECIPES.values():
        for line in lines:
            pieces = folded(line, room)
            assert all(len(piece) <= room for piece in pieces)
            assert "\n".join(pieces).replace("\\\n", "") == line


async def given(pilot: Pilot[int], text: str) -> None:
    """At once: keys take a test 50 ms each."""
    pilot.app.post_message(Paste(text))
    await shown(pilot)


async def test_a_passphrase_is_taken_and_never_shown() -> None:
    """Stars instead; afterwards neither the screen, a picture of it nor the dialog holds it."""
    screen = PassphraseScreen(fresh=False)
    async with opened(screen) as (pilot, results):
        await pilot.press(*("space" if c == " " else c for c in CANARY))
        assert f"passphrase: {'*' * len(CANARY)}_" in (await shown(pilot))[1]
        assert "canary" not in pilot.app.export_screenshot() + repr(screen)
        await pilot.press("enter")
        await pilot.pause()
        assert results == [Secret(CANARY)]
        assert "canary" not in repr(results)
        assert not [v for v in vars(screen).values() if v == list(CANARY) or v == CANARY]


async def test_what_is_pasted_is_taken_and_goes_no_further() -> None:
    """The first line of it, after what was typed."""
    async with opened(PassphraseScreen(fresh=False)) as (pilot, results):
        await pilot.press("x", "y", "backspace")
        pilot.app.post_message(Paste(f"{CANARY}\nanother line"))
        await shown(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert results == [Secret(f"x{CANARY}")]
        assert pilot.app.reached == []  # type: ignore[attr-defined]


async def test_a_new_one_is_asked_for_twice() -> None:
    """Too short, two that differ, then twice the same; each is said, the field is empty again."""
    async with opened(PassphraseScreen(fresh=True)) as (pilot, results):
        for text, said in (
            ("short", "it needs 8 characters"), (CANARY, "again: _"), ("canary house", "were not the same"),
            (CANARY, "again: _"),
        ):  # fmt: skip
            await given(pilot, text)
            await pilot.press("enter")
            lines = "\n".join(await shown(pilot))
            assert said in lines
            assert "*" not in lines
        await given(pilot, CANARY)
        await pilot.press("enter")
        await pilot.pause()
        assert results == [Secret(CANARY)]


async def test_nothing_given_and_leaving() -> None:
    """Enter on nothing says so; ctrl+u empties; esc answers with nothing."""
    async with opened(PassphraseScreen(fresh=False)) as (pilot, results):
        await given(pilot, "canary")
        await pilot.press("ctrl+u", "enter")
        assert "type it, or leave with esc" in "\n".join(await shown(pilot))
        await given(pilot, "q:?")
        await pilot.press("escape")
        await pilot.pause()
        assert results == [None]


async def test_a_wrong_one_is_said() -> None:
    """By whoever opens the dialog anew with the vault's sentence."""
    said = str(VaultTrouble(State.WRONG))
    async with opened(PassphraseScreen(fresh=False, said=said), (40, 10)) as (pilot, _):
        assert "that passphrase does not open the" in "\n".join(await shown(pilot))
        await pilot.press("x")
        assert "does not open" not in "\n".join(await shown(pilot))


async def test_one_that_is_too_long_is_not_cut() -> None:
    """It is not taken at all: cut, it would never open the vault again."""
    async with opened(PassphraseScreen(fresh=False)) as (pilot, results):
        await pilot.press("a")
        pilot.app.post_message(Paste("x" * LONGEST))
        assert "256 characters at most" in "\n".join(await shown(pilot))
        await pilot.press("enter")
        await pilot.pause()
        assert results == [Secret("a")]


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_in_ascii_everything_is_ascii(size: tuple[int, int]) -> None:
    """Both dialogs."""
    for screen in (VaultScreen(offers(State.ABSENT)), PassphraseScreen(fresh=True)):
        async with opened(screen, size, glyphs=ASCII) as (pilot, _):
            assert "\n".join(await shown(pilot)).isascii()


async def test_a_plaintext_vault_is_always_on_the_screen() -> None:
    """In the first line, as long as config.toml says so."""
    app = app_of(settings=Settings(vault="plaintext"))
    async with app.run_test(size=(120, 40)) as pilot:
        assert "plaintext vault" in (await shown(pilot))[0]
