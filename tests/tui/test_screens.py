"""Detail, events, settings and palette: at every size, with hostile texts, hidden names, ASCII."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from providers.engine.events import KEPT, Event, EventLog
from providers.engine.history import Sample
from providers.engine.settings import REMEMBERED, Settings
from providers.live import Samples
from providers.model import Failure, Outcome, Polling, Source, SourceReport, Status
from tests.conftest import FakeClock
from tests.tui import shown as made
from tests.tui import worlds
from tests.tui.test_app import SIZES, app_of, shown
from tests.tui.worlds import DAY, HOUR, NOW, FakeFeed, five, login, read
from tui.app import QuotadeckApp
from tui.chart import chart_lines, span_of, spark_line
from tui.glyphs import ASCII, UNICODE
from tui.painted import width_of
from tui.screens.detail import DetailScreen
from tui.screens.events import EventsScreen
from tui.screens.palette import Entry, PaletteScreen, matches
from tui.screens.settings import OPTIONS, SettingsScreen

BIG = (120, 90)


def told_deck():  # type: ignore[no-untyped-def]  # noqa: ANN201
    """The full deck, with everything that a detail can say of Claude."""
    deck = worlds.full_deck()
    reports = (
        SourceReport("claude", "a", "login", "~/.claude/.credentials.json", Outcome.READ, "", NOW),
        SourceReport("claude", "b", "onWatch", "~/.onwatch/x", Outcome.REFUSED, "is a symbolic link", NOW),
    )
    trouble = Failure("claude", Status.ERROR, "it has trouble (500)", Source.ENDPOINT, "usage endpoint",
                      NOW - 700, "claude-key")  # fmt: skip
    polling = Polling(
        "claude", "claude-key", (NOW - 100, NOW - 50), 20, next_at=NOW + 180, by_hand_at=NOW + 10
    )
    ends = login("claude", plan="Max 20x", login_expires_at=NOW + 3 * DAY, warnings=("a key is set",))
    deck.apply([*reports, trouble, polling, ends], NOW)
    return deck


async def opened(pilot: Pilot[int], *keys: str) -> str:
    await shown(pilot)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    return "\n".join(await shown(pilot))


async def test_the_detail_says_everything() -> None:
    """Windows with source and age, pace, login, budget, failures, and every source."""
    app = app_of(told_deck(), Settings(polling="on"))
    async with app.run_test(size=BIG) as pilot:
        text = re.sub(r"\s+", " ", await opened(pilot, "enter"))
    for said in (
        "Claude", "work@example.com", "Max 20x", "62%", "resets in 2h48m", "ahead of an even pace",
        "runs out", "from the status line, measured just now, ~/a/file", "12.34 of 50.00 EUR",
        "the login ends in 3d00h", "! a key is set", "asked 2 of 20 an hour, next in 3m",
        "r works again in 10s",
        "What went wrong", "it has trouble (500)", "read: login, ~/.claude/.credentials.json",
        "refused: onWatch, ~/.onwatch/x (is a symbolic link)", "home",
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.parametrize("size", SIZES)
async def test_every_panel_has_a_detail(size: tuple[int, int]) -> None:
    """Whatever its state: a heading, the way back, and every line within the width."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        for provider in worlds.PROVIDERS:
            app.push_screen(DetailScreen(provider))
            lines = await shown(pilot)
            assert provider.title() in lines[0]
            assert "esc back" in lines[-1]
            assert all(len(line) == size[0] for line in lines)
            app.pop_screen()


async def test_a_provider_that_is_gone_is_said() -> None:
    """The screen outlives what it shows."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        app.push_screen(DetailScreen("nobody"))
        assert "not in the deck" in "".join(await shown(pilot))


async def test_the_detail_follows_the_deck() -> None:
    """A new figure is there at the next draw."""
    app = app_of()
    async with app.run_test(size=BIG) as pilot:
        await opened(pilot, "enter")
        assert isinstance(app.feed, FakeFeed)
        app.feed.tell(read("claude", five(71)))
        assert "71%" in "".join(await shown(pilot))


SCREENS = ("enter", "e", "comma", "colon", "question_mark")


async def each_screen(pilot: Pilot[int]) -> AsyncIterator[str]:
    """The text of every screen over the deck, one after the other."""
    await shown(pilot)
    for key in SCREENS:
        yield await opened(pilot, key)
        await pilot.press("escape")
        await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_texts_are_only_text(size: tuple[int, int]) -> None:
    """No control character leaves, whatever a name, a plan or a message holds."""
    app = app_of(worlds.hostile_deck())
    async with app.run_test(size=size) as pilot:
        async for text in each_screen(pilot):
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


async def test_private_hides_names_everywhere() -> None:
    """i before any screen: no e-mail, alias or organisation."""
    app = app_of(told_deck())
    async with app.run_test(size=BIG) as pilot:
        await opened(pilot, "i")
        app.attendant.log_book.add(Event(NOW, "claude", "work@example.com of Example Corp: lab"))
        async for text in each_screen(pilot):
            # "home" is a key of the help as well as an alias.
            assert not re.search(r"\bwork\b|\bhome\b(?!  )|Example Corp|@", text.replace("g, home", ""))


@pytest.mark.parametrize("size", SIZES)
async def test_ascii_is_ascii(size: tuple[int, int]) -> None:
    """Not one other character, over any screen."""
    app = app_of(glyphs=ASCII)
    async with app.run_test(size=size) as pilot:
        async for text in each_screen(pilot):
            assert text.isascii()


class Remembering(FakeFeed):
    """A feed with a history."""

    asked: list[tuple[str, str, str]]

    def history(self, provider: str, account: str, window: str, since: float, answer: Samples) -> None:
        self.calls.append(("history", window))
        answer(tuple(Sample(NOW - 600 * i, 60.0 - 4 * i, NOW + 2.8 * HOUR) for i in range(10, -1, -1)))


async def test_the_chart_is_of_one_window_and_asked_for_once() -> None:
    """w shows the next; drawing again asks for nothing."""
    clock = FakeClock(NOW)
    feed = Remembering(worlds.full_deck(), clock.now)
    app = QuotadeckApp(feed, Settings(), clock, zone=app_of().look.zone)
    async with app.run_test(size=BIG) as pilot:
        text = await opened(pilot, "enter")
        assert "█" in text
        assert "now" in text
        app.draw()
        await shown(pilot)
        assert [c for c in feed.calls if c[0] == "history"] == [("history", "5h")]
        await opened(pilot, "w")
        assert [c for c in feed.calls if c[0] == "history"][-1] == ("history", "7d")


SAMPLES = st.lists(
    st.builds(
        Sample,
        at=st.floats(NOW - 9 * DAY, NOW + DAY),
        used_percent=st.floats(0, 10_000),
        resets_at=st.none() | st.floats(NOW - DAY, NOW + 9 * DAY),
    ),
    max_size=30,
)


@given(SAMPLES, st.integers(1, 120), st.integers(1, 14), st.sampled_from(["5h", "none", "due"]))
def test_a_chart_fits_whatever_the_samples(samples: list[Sample], width: int, height: int, kind: str) -> None:
    """Never wider or higher than its room, never an exception."""
    changes = {"5h": {}, "none": {"resets_at": None}, "due": {"resets_at": NOW - 5}}[kind]
    window = made.window("5h", 62.0, observed_at=NOW, **changes)
    begin, end = span_of(window, NOW)
    assert begin < end
    for glyphs in (UNICODE, ASCII):
        lines = chart_lines(
            window, samples, now=NOW, width=width, height=height, zone=made.UTC, hours=24, glyphs=glyphs
        )
        assert len(lines) <= height
        if width >= 20:
            assert all(width_of(line) <= max(width, 34) for line in lines)
        spark_line(window, samples, NOW, width, glyphs)


def test_the_log_is_bounded_and_harmless() -> None:
    """500 events; an address loses its local part, a credential is not kept."""
    log = EventLog()
    for number in range(KEPT + 50):
        log.add(Event(NOW + number, "claude", f"event {number}"))
    assert len(log.lines()) == KEPT
    assert log.lines()[0].what == f"event {KEPT + 49}"
    log.add(Event(NOW, "claude", "me@example.com left"))
    log.add(Event(NOW, "claude", "token sk-ant-oat01-CANARY"))
    assert log.lines()[1].what == "m…@example.com left"
    assert "CANARY" not in log.lines()[0].what


async def test_events_are_noted_filtered_and_copied() -> None:
    """What the deck did, the newest first; / narrows; y copies the chosen line."""
    app = app_of()
    told: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        app._to_terminal = told.append  # type: ignore[method-assign]
        app.attendant.note(app.feed.view(), app.settings, app.look)
        assert isinstance(app.feed, FakeFeed)
        app.feed.tell(read("claude", five(100)))
        app.feed.tell(login("codex", status=Status.EXPIRED, message="log in again"))
        text = await opened(pilot, "e")
        assert "5 h is full" in text
        assert "expired: log in again" in text
        await opened(pilot, "slash", "f", "u", "l", "l", "enter")
        text = await opened(pilot)
        assert "5 h is full" in text
        assert "log in again" not in text
        await opened(pilot, "y")
    assert any("\x1b]52;c;" in text for text in told)


async def press_on(pilot: Pilot[int], key: str, *keys: str) -> None:
    """Moves to an option and presses keys."""
    app = pilot.app
    screen = app.screen
    assert isinstance(screen, SettingsScreen)
    screen.cursor = 2 * [o.key for o in OPTIONS].index(key)
    screen.draw()
    for name in keys:
        await pilot.press(name)
        await pilot.pause()


CHANGES: tuple[tuple[str, list[str], object], ...] = (
    ("polling", ["enter"], "on"),
    ("clock", ["right"], 12),
    ("show", ["left"], "left"),
    ("compact", ["enter"], True),
    ("watch_percent", ["left"], 70),
    ("high_percent", ["right"], 95),
    ("bell", ["enter"], False),
    ("notify", ["left"], "off"),
    ("quiet_hours", ["enter", *"22:00-07:00", "enter"], "22:00-07:00"),
    ("pane_title", ["enter"], False),
)


@pytest.mark.parametrize("size", [(40, 10), (120, 40)])
async def test_a_setting_is_changed_kept_and_applied(size: tuple[int, int]) -> None:
    """At once, and for the next start."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await opened(pilot, "comma")
        for key, pressed, value in CHANGES:
            await press_on(pilot, key, *pressed)
            assert getattr(app.settings, key) == value
            assert ("remember", {key: value}) in app.feed.calls  # type: ignore[attr-defined]


async def test_settings_say_which_file_stands_above_which() -> None:
    """A flag above the config, a file by its name, the rest a default."""
    origins = {"theme": "~/.config/quotadeck/config.toml", "show": "~/.config/quotadeck/settings.toml"}
    app = app_of(settings=Settings(origins=origins))
    app.flags = {"theme": "--theme"}
    async with app.run_test(size=(100, 40)) as pilot:
        text = await opened(pilot, "comma")
        assert "from --theme of this run, above ~/.config/quotadeck/config.toml" in text
        assert "from ~/.config/quotadeck/settings.toml" in text
        await press_on(pilot, "theme", "enter")
        assert "--theme of this run stands above it" in "".join(await shown(pilot))


@pytest.mark.parametrize("typed", ["25:00-07:00", "night"])
async def test_a_wrong_value_is_refused_with_what_it_must_be(typed: str) -> None:
    """Nothing is written."""
    app = app_of()
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot, "comma")
        await press_on(pilot, "quiet_hours", "enter", *typed, "enter")
        assert "must be like 22:00-07:00" in "".join(await shown(pilot))
        assert app.settings.quiet_hours == ""


async def test_read_only_settings_hold_for_this_run() -> None:
    """The screen says so, and nothing is remembered."""
    app = app_of(settings=Settings(read_only=True))
    async with app.run_test(size=(100, 40)) as pilot:
        assert "read-only: nothing is kept" in await opened(pilot, "comma")
        await press_on(pilot, "compact", "enter")
        assert app.settings.compact
        assert not [c for c in app.feed.calls if c[0] == "remember"]  # type: ignore[attr-defined]


def test_every_option_can_be_remembered() -> None:
    """What the screen offers is what settings.toml may hold; hidden panels have keys of their own,
    the vault a dialog."""
    assert {o.key for o in OPTIONS} == set(REMEMBERED) - {"hidden", "vault"}


ENTRIES = tuple(
    Entry(t, "", t) for t in ("refresh", "refresh all", "theme ansi-dark", "go to Claude Code", "filter")
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["refresh", "refresh all", "theme ansi-dark", "go to Claude Code", "filter"]),
        ("re", ["refresh", "refresh all"]),
        ("dark", ["theme ansi-dark"]),
        ("claude", ["go to Claude Code"]),
        ("gcc", ["go to Claude Code"]),
        ("ra", ["refresh all"]),
        ("zzz", []),
    ],
)
def test_what_the_palette_finds(query: str, found: list[str]) -> None:
    """Letters in their order, what begins with them first."""
    assert [e.title for e in matches(query, ENTRIES)][: len(found)] == found


@pytest.mark.parametrize("size", [(40, 10), (120, 40)])
async def test_the_palette_runs_what_is_chosen(size: tuple[int, int]) -> None:
    """Typed, moved, entered: the action acts on the deck below."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await opened(pilot, "colon", *"gemini", "enter")
        assert app.grid.chosen == "gemini"
        assert len(app.screen_stack) == 1
        await opened(pilot, "colon", *"used or", "enter")
        assert app.look.left
        await opened(pilot, "colon", *"theme ansi-light", "enter")
        assert app.theme == "ansi-light"
        await opened(pilot, "colon", "down", "escape")
        assert len(app.screen_stack) == 1
        await opened(pilot, "colon", *"qqq", "enter")
        assert isinstance(app.screen, PaletteScreen)


async def test_toasts_are_plain_text_and_not_repeated() -> None:
    """Markup in a name has no effect; the same sentence within a minute is one toast."""
    app = app_of()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shown(pilot)
        app.say("[bold]x[/bold] \x1b[2J")
        app.say("[bold]x[/bold] \x1b[2J")
        for _ in range(40):
            await pilot.pause(0.05)
            text = "".join(await shown(pilot))
            if "[bold]x[/bold]" in text:
                break
        assert "[bold]x[/bold]" in text
        assert len(app._notifications) == 1


def test_events_screen_has_no_rows_without_events() -> None:
    """An empty log has nothing to choose."""
    assert EventsScreen(EventLog()).rows() == range(0)
