"""Every key of the table does what its help says, at every size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot

import tui.drawing
from providers.base import Environment
from providers.engine.settings import Settings
from providers.record import replace
from tests.tui import worlds
from tests.tui.offices import Office, at_rest, begun
from tests.tui.stills import until
from tests.tui.test_app import SIZES, app_of, screen, shown
from tui.app import QuotadeckApp
from tui.deck import Look
from tui.keymap import KEYMAP
from tui.screens.confirm import ConfirmScreen
from tui.screens.detail import DetailScreen
from tui.screens.events import EventsScreen
from tui.screens.help import HelpScreen
from tui.screens.palette import PaletteScreen
from tui.screens.picker import PickerScreen
from tui.screens.settings import SettingsScreen
from tui.screens.usage import UsageScreen

Check = Callable[[QuotadeckApp], bool]
ORDER = worlds.PROVIDERS


def called(name: str, value: object) -> Check:
    return lambda app: (name, value) in app.feed.calls  # type: ignore[attr-defined]


def chosen(*names: str) -> Check:
    return lambda app: app.grid.chosen in names


def beside(name: str) -> Check:
    """In one column there is nothing beside a panel."""
    return lambda app: app.grid.arrangement.columns == 1 or app.grid.chosen == name


def place(number: int) -> Check:
    return lambda app: app.grid.chosen == app.grid.order[number - 1]


def on_top(kind: type) -> Check:
    return lambda app: isinstance(app.screen, kind)


def said(words: str) -> Check:
    """However it is wrapped."""
    return lambda app: words in " ".join(" ".join(screen(app)).split())


def copied(app: QuotadeckApp) -> bool:
    return any("\x1b]52;c;" in text for text in app.told)  # type: ignore[attr-defined]


EFFECTS: dict[str, tuple[list[str], Check]] = {
    "move.down": ([], chosen("codex", "gemini", "copilot")),
    "move.up": (["G"], lambda app: app.grid.chosen not in ("amp", "claude")),
    "move.right": ([], beside("codex")),
    "move.left": (["2"], beside("claude")),
    "move.first": (["G"], chosen("claude")),
    "move.last": ([], lambda app: app.grid.chosen == app.grid.order[-1]),
    "move.page_down": ([], lambda app: app.grid.order.index(app.grid.chosen) > 0),
    "move.page_up": (["G"], lambda app: app.grid.chosen != app.grid.order[-1]),
    "move.next": ([], chosen("codex")),
    "move.previous": ([], lambda app: app.grid.chosen == app.grid.order[-1]),
    **{f"goto.{n}": ([], place(n)) for n in range(1, 10)},
    "goto.problem": ([], chosen("codex")),
    "goto.problem_back": ([], chosen("cursor", "zai")),
    "open": ([], on_top(DetailScreen)),
    "back": (["z"], lambda app: not app.grid.zoomed),
    "refresh.one": ([], lambda app: called("reread", "claude")(app) and called("ask", "claude")(app)),
    "refresh.all": ([], lambda app: called("reread", None)(app) and called("ask", None)(app)),
    "filter": ([], lambda app: app.focused is not None and app.focused.id == "filter"),
    "view.zoom": ([], lambda app: app.grid.zoomed),
    "view.hide": ([], called("remember", {"hidden": ("claude",)})),
    "view.hidden": (["x"], lambda app: app.look.all and "claude" in app.grid.order),
    "view.used": ([], called("remember", {"show": "left"})),
    "view.order": ([], called("remember", {"order": "fullest"})),
    "view.compact": ([], called("remember", {"compact": True})),
    "view.theme": ([], called("remember", {"theme": "quotadeck-light"})),
    "view.private": ([], lambda app: app.look.private),
    "events": ([], on_top(EventsScreen)),
    "usage": ([], on_top(UsageScreen)),
    "scan.stop": ([], lambda app: "no logs are being read" in app._said),
    "settings": ([], on_top(SettingsScreen)),
    "copy": ([], copied),
    "mute": ([], lambda app: app.attendant.watchman.toggle_mute("claude", app.feed.view()) is None),
    "pause": ([], called("pause", True)),
    "palette": ([], on_top(PaletteScreen)),
    "redraw": ([], lambda app: app.repaints > 0),  # type: ignore[attr-defined]
    "help": ([], on_top(HelpScreen)),
}  # fmt: skip

PICKED: dict[str, tuple[list[str], Check]] = {
    "account.switch": ([], on_top(PickerScreen)),
    "account.best": ([], said("no other account is better")),
    "account.undo": ([], said("no switch of claude to undo")),
    "account.add": ([], said("kept: b@example.com")),
    "account.pick_best": (["s"], said("no other account is better")),
    "account.verify": (["s"], said("the kept login works")),
    "account.rename": (["s"], lambda app: app.focused is not None and app.focused.id == "filter"),
    "account.remove": (["s"], on_top(ConfirmScreen)),
}
"""Keys that want accounts, over a desk."""

ELSEWHERE = {"suspend", "quit"}
"""The one needs a real terminal (test_terminal_life.py), the other ends the test."""


class Telling(QuotadeckApp):
    """Keeps what would go to the terminal, and counts the repaints."""

    CSS_PATH = str(Path(tui.drawing.__file__).with_name("deck.tcss"))

    def _to_terminal(self, text: str) -> None:
        self.__dict__.setdefault("told", []).append(text)

    def repaint_all(self) -> None:
        self.repaints = getattr(self, "repaints", -2) + 1
        super().repaint_all()


def test_no_key_is_left_out() -> None:
    """The table and this test name the same things."""
    assert set(EFFECTS) | set(PICKED) | ELSEWHERE == {key.id for key in KEYMAP}


@pytest.mark.parametrize("size", SIZES)
async def test_every_key_at_every_size(size: tuple[int, int]) -> None:
    """Pressed on a deck as it was opened, each spelling has the effect that the help names."""
    app = app_of(kind=Telling)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        opened = app.look
        for key in (k for k in KEYMAP if k.id in EFFECTS):
            prepare, effect = EFFECTS[key.id]
            for name in key.keys:
                await as_opened(app, pilot, opened)
                await press(pilot, *prepare)
                await press(pilot, name)
                assert effect(app), (key.id, name)


@pytest.mark.parametrize("size", SIZES)
async def test_every_key_of_accounts_at_every_size(environment: Environment, size: tuple[int, int]) -> None:
    """Likewise, over a desk with two accounts."""
    office = Office(environment)
    app = app_of(kind=Telling, open_desk=office.opened)
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        opened = app.look
        for key in (k for k in KEYMAP if k.id in PICKED):
            prepare, effect = PICKED[key.id]
            for name in key.keys:
                await as_opened(app, pilot, opened)
                await press(pilot, *prepare, name)
                await until(pilot, partial(effect, app))
                await at_rest(pilot)


async def as_opened(app: QuotadeckApp, pilot: Pilot[int], look: Look) -> None:
    """The deck as it was before any key."""
    while len(app.screen_stack) > 1:
        app.pop_screen()
        await pilot.pause()
    app.set_focus(None)
    app.clear_notifications()
    app.look, app.paused, app.theme, app._exit = look, False, "quotadeck-dark", False
    app.grid.zoom(False)
    app.draw()
    app.grid.pick("claude")
    app.draw()
    app.feed.calls.clear()  # type: ignore[attr-defined]
    app.__dict__["repaints"] = 0
    app.__dict__["told"] = []


async def press(pilot: Pilot[int], *keys: str) -> None:
    for name in keys:
        await pilot.press(name)


SCREENS = {
    "enter": DetailScreen,
    "e": EventsScreen,
    "T": UsageScreen,
    "comma": SettingsScreen,
    "question_mark": HelpScreen,
}


@pytest.mark.parametrize("size", SIZES)
async def test_over_a_screen_only_its_own_keys_work(size: tuple[int, int]) -> None:
    """The deck below is not moved by what is pressed above it; i works everywhere; esc goes
    back."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        for opener, kind in SCREENS.items():
            app.look = replace(app.look, private=False)
            await press(pilot, opener)
            assert isinstance(app.screen, kind)
            before = (app.grid.chosen, app.look)
            await press(pilot, *"juocx3nzk")
            assert (app.grid.chosen, app.look) == before
            await press(pilot, "i")
            assert app.look.private
            await press(pilot, "escape")
            assert len(app.screen_stack) == 1


@pytest.mark.parametrize("size", SIZES)
async def test_the_detail_refreshes_and_mutes_what_it_shows(size: tuple[int, int]) -> None:
    """r and m in the detail are about its provider."""
    app = app_of(settings=Settings())
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        await press(pilot, "2", "enter", "r", "m")
        assert called("ask", "codex")(app)
        assert app.attendant.watchman.toggle_mute("codex", app.feed.view()) is None


@pytest.mark.parametrize("name", ["q", "ctrl+c"])
@pytest.mark.parametrize("size", SIZES)
async def test_quit_leaves_at_once(size: tuple[int, int], name: str) -> None:
    """Without a question, whatever the size."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await press(pilot, name)
        assert app.return_code == 0
