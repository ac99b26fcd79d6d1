"""The pane with a made-up deck: layouts, keys, repaints, hostile texts."""

from __future__ import annotations

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from providers.engine.settings import Settings
from providers.record import replace
from tests.conftest import FakeClock
from tests.tui import worlds
from tests.tui.worlds import FakeFeed
from tui.app import QuotadeckApp
from tui.glyphs import ASCII, UNICODE
from tui.painted import Painted

SIZES = [(40, 10), (40, 24), (80, 24), (120, 40), (200, 50)]


def app_of(
    deck: object = None,
    settings: Settings | None = None,
    glyphs: object = UNICODE,
    kind: type[QuotadeckApp] = QuotadeckApp,
    **more: object,
) -> QuotadeckApp:
    clock = FakeClock(worlds.NOW)
    feed = FakeFeed(deck or worlds.full_deck(), clock.now)  # type: ignore[arg-type]
    return kind(feed, settings or Settings(), clock, zone=time.gmtime, glyphs=glyphs, **more)  # type: ignore[arg-type]


def screen(app: QuotadeckApp) -> list[str]:
    """What stands on the screen, line by line."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    return ["".join(segment.text for segment in strip)[:width] for strip in strips[:height]]


def segments(app: QuotadeckApp) -> list[Segment]:
    return [segment for strip in app.screen._compositor.render_strips(app.size) for segment in strip]


async def shown(pilot: Pilot[int]) -> list[str]:
    await pilot.pause()
    await pilot.pause()
    return screen(pilot.app)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_says_the_verdict_the_figures_and_the_way_out(size: tuple[int, int]) -> None:
    """At every size: the run-out in the first line, the fullest window, help and quit last."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        lines = await shown(pilot)
        assert "out 08:" in lines[0]
        assert "07:02" in lines[0]
        assert any("62%" in line for line in lines)
        assert lines[-1].rstrip().endswith("q quit")
        assert "? help" in lines[-1]
        assert all(len(line) == size[0] for line in lines)


@pytest.mark.parametrize(("size", "columns"), [((80, 24), 1), ((120, 40), 2), ((200, 50), 3)])
async def test_panels_side_by_side(size: tuple[int, int], columns: int) -> None:
    """One column below 100 cells, two below 160, then three; rows of equal height."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        places = app.grid.arrangement.places
        assert len({p.x for p in places}) == columns
        for y in {p.y for p in places}:
            assert len({p.height for p in places if p.y == y}) == 1


async def test_more_panels_than_fit_scroll_by_whole_panels() -> None:
    """The header says which are shown; the cursor pulls the page along."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await shown(pilot)
        assert re.search(r"1-\d/10", lines[0])
        await pilot.press("G")
        lines = await shown(pilot)
        assert "/10" in lines[0]
        assert any("Amp" in line and ">" in line for line in lines)


@pytest.mark.parametrize("size", SIZES)
async def test_the_cursor_is_seen_at_every_size(size: tuple[int, int]) -> None:
    """A panel that has no place on the page does not lie over the one that is chosen."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        lines = await shown(pilot)
        assert any(">" in line and "Claude" in line for line in lines[1:3])


async def test_tiny_rows_say_the_run_out_on_a_line_of_its_own() -> None:
    """In 40 columns the forecast stands alone, and only if it runs out."""
    app = app_of()
    async with app.run_test(size=(40, 24)) as pilot:
        lines = await shown(pilot)
        row = next(i for i, line in enumerate(lines) if "62%" in line)
        assert re.search(r"out \d\d:\d\d, \S+ early", lines[row + 1])
        assert "early" not in lines[row + 3]


@pytest.mark.parametrize("size", [(29, 20), (60, 5)])
async def test_too_small_says_what_it_needs(size: tuple[int, int]) -> None:
    """Two lines with the present and the needed size; q works."""
    app = app_of()
    async with app.run_test(size=size) as pilot:
        lines = await shown(pilot)
        assert f"{size[0]}x{size[1]} is too small" in lines[0]
        assert "needs 30x6" in lines[1]
        await pilot.press("q")
    assert app.return_code == 0


async def test_resizing_through_all_sizes() -> None:
    """From one size to any other everything has its place again."""
    app = app_of()
    async with app.run_test(size=(120, 40)) as pilot:
        for size in [*SIZES, (29, 4), *reversed(SIZES), (99, 19), (100, 20), (56, 20)]:
            await pilot.resize_terminal(*size)
            lines = await shown(pilot)
            assert len(lines) == size[1]
            if size[0] >= 30:
                assert any("62%" in line for line in lines), size


async def test_nothing_is_repainted_when_nothing_changed() -> None:
    """A second draw of the same facts at the same time paints no line."""
    app = app_of()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert app.draw() == 0


async def test_one_changed_window_repaints_one_row() -> None:
    """A new figure repaints its row and nothing else, a minute only the clock."""
    app = app_of()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        feed = app.feed
        assert isinstance(feed, FakeFeed)
        feed.deck.apply([worlds.read("codex", worlds.five(24), age=119)], worlds.NOW)
        assert app.draw() == 1
        assert isinstance(app.clock, FakeClock)
        app.clock.advance(60)
        assert app.draw() <= 3


async def test_facts_reach_the_screen() -> None:
    """What the feed tells is drawn without a key or a tick."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        feed = app.feed
        assert isinstance(feed, FakeFeed)
        feed.tell(worlds.read("claude", worlds.five(63)))
        assert any("63%" in line for line in await shown(pilot))


async def press_each(pilot: Pilot[int], key: str) -> list[str]:
    await pilot.press(key)
    return await shown(pilot)


async def test_left_drains_every_bar_and_number() -> None:
    """u turns used into left, and the header says so."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("u")
        lines = await shown(pilot)
        assert "left" in lines[0]
        assert any("38%" in line for line in lines)
        assert not any("62%" in line for line in lines)


async def test_private_hides_every_name() -> None:
    """i removes e-mails, aliases and organisations everywhere, the zoom included."""
    app = app_of()
    async with app.run_test(size=(200, 50)) as pilot:
        assert "work@example.com" in "".join(await shown(pilot))
        await pilot.press("i")
        for key in ("", "z"):
            if key:
                await pilot.press(key)
            text = "".join(await shown(pilot))
            assert not re.search(r"\bwork\b|\bhome\b|Example Corp|@", text)


async def test_read_only_remembers_nothing() -> None:
    """Keys work on the screen; nothing is written."""
    app = app_of(settings=Settings(read_only=True))
    async with app.run_test(size=(80, 24)) as pilot:
        for key in "uoct":
            await pilot.press(key)
        assert app.look.left
    assert [c for c in app.feed.calls if c[0] == "remember"] == []  # type: ignore[attr-defined]


async def test_keys_can_be_changed_by_id() -> None:
    """The settings' key replaces the default, in the footer too; a clash is said in the help."""
    app = app_of(settings=Settings(keys={"view.zoom": "f", "view.used": "q", "nonsense": "x"}))
    async with app.run_test(size=(200, 50)) as pilot:
        lines = await shown(pilot)
        assert "f zoom" in lines[-1]
        await pilot.press("z")
        assert not app.grid.zoomed
        await pilot.press("f")
        assert app.grid.zoomed
        await pilot.press("question_mark", "pagedown", "pagedown", "pagedown", "pagedown")
        text = "\n".join(await shown(pilot))
        assert "nonsense" in text


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_texts_are_only_text(size: tuple[int, int]) -> None:
    """Markup stands there as it is; no control character leaves; nothing is clickable."""
    app = app_of(worlds.hostile_deck())
    async with app.run_test(size=size) as pilot:
        for key in ("", "z"):
            if key:
                await pilot.press(key)
            await shown(pilot)
            for segment in segments(app):
                assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", segment.text)
                assert not (segment.style and segment.style.meta.get("@click"))


@pytest.mark.parametrize("size", SIZES)
async def test_ascii_is_ascii_everywhere(size: tuple[int, int]) -> None:
    """With --ascii not one other character is drawn, help and zoom included."""
    app = app_of(glyphs=ASCII)
    async with app.run_test(size=size) as pilot:
        for key in ("", "z", "question_mark"):
            if key:
                await pilot.press(key)
            assert all(line.isascii() for line in await shown(pilot))


async def test_without_colour_no_colour_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR: weight and reverse carry the meaning, no segment has a colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    clock = FakeClock(worlds.NOW)
    feed = FakeFeed(worlds.full_deck(), clock.now)
    app = QuotadeckApp(feed, Settings(), clock, zone=time.gmtime, theme="ansi-dark")
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        for widget in app.screen.walk_children(Painted):
            for y in range(widget.size.height):
                for segment in widget.render_line(y):
                    assert segment.style is None or segment.style.color is None


async def test_nothing_found_shows_what_was_looked_for() -> None:
    """An empty deck names the tools and says that nothing was found."""
    app = app_of(worlds.deck_of(names=("claude", "codex")))
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await shown(pilot)
        assert "nothing found yet" in lines[0]
        assert any("not configured" in line for line in lines)


async def test_the_clock_may_jump() -> None:
    """12 h of suspend, a step back, a passed reset: right on the next tick."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        assert isinstance(app.clock, FakeClock)
        app.clock.advance(12 * 3600)
        app._tick()
        lines = await shown(pilot)
        assert "19:02" in lines[0]
        assert any("reset due" in line for line in lines)
        app.clock.advance(-13 * 3600)
        app._tick()
        assert "06:02" in (await shown(pilot))[0]


async def test_travel_is_seen_at_the_next_draw() -> None:
    """No zone is kept: in another one the same moment reads otherwise at once."""
    here = ["UTC"]
    app = app_of()
    app.look = replace(app.look, zone=lambda at: datetime.fromtimestamp(at, ZoneInfo(here[0])).timetuple())
    async with app.run_test(size=(80, 24)) as pilot:
        assert "07:02" in (await shown(pilot))[0]
        here[0] = "Asia/Tokyo"
        app.draw()
        assert "16:02" in (await shown(pilot))[0]


async def test_a_click_chooses_and_a_second_opens() -> None:
    """The mouse is a convenience for what the keys do."""
    app = app_of()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.click(offset=(80, 3))
        assert app.grid.chosen == "codex"
        await pilot.click(offset=(80, 3), times=2)
        await shown(pilot)
        assert getattr(app.screen, "provider_id", "") == "codex"
        await pilot.press("escape")
        entry = screen(app)[-1].index("? help")
        await pilot.click(offset=(entry, 39))
        assert len(app.screen_stack) == 2


async def test_a_bug_ends_with_one_sentence() -> None:
    """No traceback, no locals, not even the error's text: it might quote a file."""
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        app._handle_exception(ValueError("sk-ant-canary"))
        app._exception = None
    assert app.return_code == 1
    assert "ValueError" in app.crash
    assert "canary" not in app.crash
    assert app._exit_renderables == []
