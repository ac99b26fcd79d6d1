"""Tokens on the screen: the burn line, the section of the detail, the usage screen, the footer."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from providers.engine.deck import Deck
from providers.engine.settings import Settings
from providers.engine.shown import BurnView, ProviderView
from providers.engine.timeline import Stay, save_stays
from providers.engine.view import ViewRules, view
from providers.ledger.progress import Progress
from providers.ledger.statement import Row
from providers.ledger.tally import Job, Question, Tally, Told
from providers.ledger.tools import MEASURED, Tool, Unread
from providers.model import Burn, Trend
from providers.record import replace
from tests.conftest import FakeClock
from tests.providers.ledger.homes import ROOMS, at_home, summed
from tests.providers.ledger.test_statement import prices  # noqa: F401
from tests.tui import shown as made
from tests.tui import worlds
from tests.tui.shown import UTC, account, provider, window
from tests.tui.test_app import SIZES, app_of, shown
from tests.tui.worlds import EVIL, HOUR, NOW, FakeFeed, five, login, read
from tui.burn import burn_line, rate, spark
from tui.demo_logs import DemoLogs
from tui.footer import scan_line
from tui.glyphs import ASCII, UNICODE
from tui.keymap import KEYMAP
from tui.painted import Line, width_of
from tui.screens.usage import UsageScreen
from tui.spent import Manner, name_of, question_of, spent_lines, troubled_lines
from tui.text import fit_end, scan_words, size_words, tilde, tokens

QUARTER = 900
LAST = int(NOW // QUARTER) * QUARTER


def text_of(lines: Sequence[Line]) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def burning(*buckets: tuple[int, int], today: int = 0, ends: float = NOW + HOUR) -> Burn:
    return Burn("claude", buckets, today, ends)


def shown_burn(deck: Deck, now: float) -> BurnView | None:
    return next(p for p in view(deck.facts(), now, ViewRules()).providers if p.id == "claude").burn


def test_bars_move_with_time_alone() -> None:
    """Sixteen quarters up to now; a quarter later the same fact stands one to the left; what is older
    than four hours is gone, and at midnight nobody has counted the new day yet."""
    deck = worlds.deck_of(login("claude"), read("claude", five(62)))
    assert shown_burn(deck, NOW) is None
    assert deck.apply([burning((LAST, 7), (LAST - 15 * QUARTER, 3), (LAST - 16 * QUARTER, 99), today=9)], NOW)
    burn = shown_burn(deck, NOW)
    assert burn == BurnView((3, *[0] * 14, 7), 9)
    later = shown_burn(deck, NOW + QUARTER)
    assert later == BurnView((*[0] * 14, 7, 0), 9)
    assert shown_burn(deck, NOW + HOUR) == BurnView((*[0] * 11, 7, *[0] * 4), None)


def test_the_same_tokens_are_no_news() -> None:
    """A fact that says what is known changes nobody's panel."""
    deck = worlds.deck_of(login("claude"), burning((LAST, 7), today=9))
    assert deck.apply([burning((LAST, 7), today=9)], NOW) == frozenset()
    assert deck.apply([burning((LAST, 8), today=10)], NOW) == frozenset({"claude"})


def burnt(*values: int, today: int | None = 41_234_567, trend: Trend | None = None) -> ProviderView:
    bars = (*[0] * (16 - len(values)), *values)
    return provider(account(window()), burn=BurnView(bars, today), trend=trend)


def test_the_burn_line_says_bars_rate_and_today() -> None:
    """The rate is that of the official percentage; without a history it is not there."""
    trend = Trend("claude", "a1b2c3d4", "5h", (1.0,) * 16, 28.0)
    line = text_of([burn_line(burnt(0, 1, 50, 100, trend=trend), UNICODE, 1, 7, 56)])
    assert line == " burn    ▁▁▁▁▁▁▁▁▁▁▁▁▁▂▅█  28%/h  today 41.2M tok"
    plain = text_of([burn_line(burnt(100, today=None), ASCII, 0, 7, 56)])
    assert plain == "burn    _______________#"
    assert rate(0.44) == "0.4%/h"


def test_the_burn_line_gives_way_from_the_right() -> None:
    """In few cells today goes before the bars do."""
    for width in range(24, 60):
        assert width_of(burn_line(burnt(5), UNICODE, 0, 7, width)) <= max(width, 24)
    assert "▁" in text_of([burn_line(burnt(5), UNICODE, 0, 7, 24)])


@pytest.mark.parametrize("case", [provider(account(window())), burnt(today=0), burnt(today=None)])
def test_without_tokens_there_is_no_burn_line(case: ProviderView) -> None:
    """Neither for a tool without logs nor for a day without work."""
    assert burn_line(case, UNICODE, 0, 7, 56) == ()


def test_little_is_seen_beside_much() -> None:
    """One token beside a billion is not nothing."""
    assert spark((0, 1, 10**9), UNICODE) == "▁▂█"
    assert spark((), UNICODE) == ""


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0"), (1, "1"), (999, "999"), (1000, "1.0k"), (9_949, "9.9k"), (99_949, "99.9k"), (99_950, "100k"),
     (999_499, "999k"), (999_500, "1.0M"), (41_234_567, "41.2M"), (999_600_000, "1.00B"), (1.5e9, "1.50B"),
     (12.34e9, "12.3B"), (5e12, "5000B")],
)  # fmt: skip
def test_counts_of_tokens_are_short(count: float, said: str) -> None:
    """Three digits and a unit."""
    assert tokens(count) == said


def test_tokens_never_shrink_as_they_grow() -> None:
    """The rounded words are in the order of the numbers, and at most five cells up to 999 billion."""
    chance = random.Random(1)
    numbers = sorted({int(10 ** chance.uniform(0, 11.9)) for _ in range(3000)})
    factor = {"k": 1e3, "M": 1e6, "B": 1e9}
    read_back = [float(t.rstrip("kMB")) * factor.get(t[-1], 1) for t in map(tokens, numbers)]
    assert read_back == sorted(read_back)
    assert all(len(tokens(n)) <= 5 for n in numbers)
    assert all(abs(a - b) <= 0.06 * b for a, b in zip(read_back, numbers, strict=True))


def test_a_scan_says_files_bytes_and_time() -> None:
    """In a footer as much of it as fits beside help and quit, down to nothing."""
    progress = Progress(312, 700, 400_000_000, 1_500_000_000, 12.3)
    assert scan_words(progress) == "reading logs: 312 of 700 files, 400 MB of 1.5 GB, 12s left"
    assert scan_words(Progress(1, 2, 400_000_000, 800_000_000)) == "reading logs: 1 of 2 files, 400 of 800 MB"
    wide, narrow, tiny = (text_of([scan_line(progress, KEYMAP, w)]) for w in (120, 60, 40))
    assert wide == " reading logs: 312 of 700 files, 400 MB of 1.5 GB, 12s left  K stop "
    assert narrow == " logs 312/700, 12s left  K stop "
    assert tiny == " logs 26%  K stop "
    assert scan_line(progress, KEYMAP, 30) == ()
    assert scan_line(None, KEYMAP, 120) == ()
    assert size_words(2_000) == "2 kB"


def test_paths_keep_their_end() -> None:
    """And begin at home; a home of nothing or of everything is none."""
    assert tilde("/home/me/src", "/home/me") == "~/src"
    assert tilde("/home/me", "/home/me") == "~"
    assert tilde("/home/mean", "/home/me") == "/home/mean"
    assert [tilde("/srv", home) for home in ("", "/", ".")] == ["/srv"] * 3
    assert fit_end("~/src/quotadeck", 10) == "…quotadeck"
    assert fit_end("x", 0) == ""


def row(name: str, count: int, cost: float = 0.0, unpriced: frozenset[str] = frozenset()) -> Row:
    return Row((name,), count, 0, 0, 0, 0, 1, cost, unpriced)


def test_what_to_ask_of_a_window() -> None:
    """Its beginning, its model, and its account where there are several."""
    two = provider(account(window()), account(window(), id="other", live=False))
    now = made.NOW
    asked = question_of(two, window(), now)
    assert asked is not None
    assert asked.since == round(now + 2.8 * HOUR - 5 * HOUR)
    assert (asked.provider, asked.account, asked.model) == ("claude", "a1b2c3d4", "")
    scoped = question_of(two, window("7d:opus"), now)
    assert scoped is not None
    assert scoped.model == "opus"
    alone = question_of(provider(account(window())), window(), now)
    assert alone is not None
    assert alone.account == ""
    assert question_of(two, window(resets_at=now - 1), now) is None
    assert question_of(two, window(resets_at=None), now) is None
    assert question_of(two, window("credits"), now) is None


def test_the_section_is_an_estimate_beside_the_official_figure() -> None:
    """Every sum has its mark, the largest come first, the rest is summed; shares are of the sum."""
    projects = tuple(row(f"/home/me/p{n}", n * 1000) for n in range(1, 9))
    told = Told((projects, (row("m", 36_000),), (row("s" * 30, 36_000),)), 500)
    lines = spent_lines(told, window(), 80, Manner("/home/me"))
    text = text_of(lines)
    assert "~36.0k by the logs on this machine; officially used: 62%" in text
    assert "~500 more of an account that the logs do not tell" in " ".join(text.split())
    assert text.index("~/p8") < text.index("~/p7")
    assert "~/p3" not in text
    assert "3 more projects: ~6.0k" in text
    assert " 22%" in next(line for line in text.splitlines() if "~/p8" in line)
    assert "sssssssssss" in text
    assert "s" * 14 not in text
    assert "$" not in text
    assert all(width_of(line) <= 80 for line in lines)


def test_private_hides_folders_and_sessions() -> None:
    """Also of the logs that cannot be read; the same name has the same stand-in."""
    tool = Tool(
        "claude", "Claude", MEASURED, unread=(Unread("/home/me/secret.jsonl", "is locked"),), broken=3
    )
    told = Told(((row("/home/me/secret", 5),), (row("m", 5),), (row("secret-session", 5),)), tools=(tool,))
    manner = Manner("/home/me", private=True)
    text = text_of([*spent_lines(told, window(), 60, manner), *troubled_lines(told, 60, manner)])
    assert "secret" not in text
    assert "is locked" in text
    assert "3 lines of others could not be understood" in text
    assert name_of("/a", "project", manner, 20) == name_of("/a", "project", manner, 20)
    assert name_of("/a", "project", manner, 20) != name_of("/b", "project", manner, 20)
    plain = text_of(troubled_lines(told, 60, Manner("/home/me")))
    assert "~/secret.jsonl is locked" in plain


def test_a_trouble_and_a_wait_are_said() -> None:
    """No figure while there is none."""
    assert "being counted" in text_of(spent_lines(None, window(), 60, Manner("")))
    said = text_of(spent_lines(Told(trouble="prices.toml is not TOML"), window(), 60, Manner("")))
    assert "prices.toml is not TOML" in said
    assert "~" not in said


def test_prices_are_the_least_where_one_is_missing() -> None:
    """Called API list price, with the date of its facts; only where they were asked for."""
    dear = row("/p", 5, 12.0, frozenset({"mystery"}))
    told = Told(((dear,), (row("mystery", 5, 0.0, frozenset({"mystery"})),), ()), facts_of="2026-11-05")
    text = text_of(spent_lines(told, window(), 100, Manner("", cost=True)))
    assert "API list price (as of 2026-11-05): ≥ $12.00" in " ".join(text.split())
    assert "no price" in text


class Counted(FakeFeed):
    """A feed whose ledger reads a home of demo logs, and answers at once."""

    def __init__(self, deck: Deck, now: Callable[[], float], home: Path) -> None:
        super().__init__(deck, now)
        self.asked: list[Question] = []
        save_stays(at_home(home).state_dir, [Stay("claude", "claude-key", 0.0, now())])

        def run(job: Job) -> None:
            self.deck.apply(job(), now())

        def post(function: Callable[..., object], *arguments: object) -> None:
            function(*arguments)

        self.tally = Asked(
            at_home(home), lambda: ROOMS, FakeClock(now()), do=run, post=post, told=lambda: None, zone=UTC
        )
        self.tally.asked = self.asked
        self.tally.start()


class Asked(Tally):
    """Keeps what was asked."""

    asked: list[Question]

    def ask(self, question: Question, answer: Callable[[Told], object]) -> None:
        self.asked.append(question)
        super().ask(question, answer)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    DemoLogs(tmp_path, int(NOW)).write()
    return tmp_path


def counted_app(home: Path, **more: Any) -> Any:
    app = app_of(**more)
    app.feed = Counted(worlds.full_deck(), app.clock.now, home)
    app.look = replace(app.look, zone=UTC)
    app._environment = at_home(home)
    return app


async def opened(pilot: Pilot[int], *keys: str) -> str:
    await shown(pilot)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await pilot.pause()
    return "\n".join(await shown(pilot))


@pytest.mark.parametrize("size", SIZES)
async def test_the_usage_screen_at_every_size(home: Path, size: tuple[int, int]) -> None:
    """It opens with the newest day on top and says a sum."""
    app = counted_app(home)
    async with app.run_test(size=size) as pilot:
        text = await opened(pilot, "T")
        assert isinstance(app.screen, UsageScreen)
        if size[0] >= 30:
            assert "Usage" in text
            assert "2026-11-22" in text.splitlines()[2]


async def test_periods_groups_orders_and_filter(home: Path) -> None:
    """Each key shows what the index says, sorted and limited as it says."""
    app = counted_app(home)
    truth = summed(at_home(home), "month", "model")
    async with app.run_test(size=(120, 60)) as pilot:
        text = await opened(pilot, "T", "m", "b")
        screen = app.screen
        assert [r.names for r in screen._rows()] == sorted(
            truth, key=lambda names: (names[0], sum(truth[names][:4])), reverse=True
        )
        assert "by month and model, last 24 months, newest first" in text
        await opened(pilot, "o")
        assert [r.tokens for r in screen._rows()] == sorted(
            (sum(c[:4]) for c in truth.values()), reverse=True
        )
        weeks = await opened(pilot, "w", "b")
        assert "2026-W47" in weeks
        assert "~/src/website" in weeks
        before = len(screen._rows())
        await opened(pilot, "slash", *"website", "enter")
        assert 0 < len(screen._rows()) < before
        assert all("website" in r.names[1] for r in screen._rows())
        await opened(pilot, "slash", *["backspace"] * 7, *"!website", "enter")
        assert all("website" not in r.names[1] for r in screen._rows())


async def test_prices_are_shown_on_a_key(home: Path) -> None:
    """Off at first; then with their name."""
    app = counted_app(home)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "$" not in (await opened(pilot, "T")).replace("$ price", "")
        text = await opened(pilot, "dollar_sign")
        assert "API list price $" in text.splitlines()[0]
        assert "list price" in text.splitlines()[1]


@pytest.mark.parametrize("form", ["x", "J"])
async def test_exports_hold_what_is_shown(home: Path, form: str) -> None:
    """As CSV and as JSON, in a file of its own that is named; filtered as the screen is."""
    app = counted_app(home)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, "T", "b", "b", "slash", *"notes", "enter", form)
        rows = app.screen._rows()
    (path,) = (at_home(home).data_dir / "exports").iterdir()
    assert any(str(path) in said for said in app._said)
    assert path.stat().st_mode & 0o077 == 0
    if form == "x":
        found = [(r["day"], r["project"], int(r["input"])) for r in csv.DictReader(path.open())]
    else:
        found = [(r["day"], r["project"], r["input"]) for r in json.loads(path.read_text())["rows"]]
    assert found == [(r.names[0], f"{home}/notes", r.input) for r in rows]


async def test_private_exports_name_no_folder(home: Path) -> None:
    """As on the screen, so in the file."""
    app = counted_app(home)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await opened(pilot, "i", "T", "b", "b", "x")
    (path,) = (at_home(home).data_dir / "exports").iterdir()
    for said in (text, path.read_text()):
        assert "website" not in said
        assert "project " in said


async def test_read_only_writes_no_export(home: Path) -> None:
    """A sentence instead."""
    app = counted_app(home, settings=Settings(read_only=True))
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, "T", "x")
        assert "read-only: nothing is written" in app._said
    assert not (at_home(home).data_dir / "exports").exists()


async def test_a_draw_without_news_asks_nothing(home: Path) -> None:
    """The index is asked once; new tokens ask again, but not more often than every five seconds."""
    app = counted_app(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "T")
        for _ in range(5):
            app.draw()
            await pilot.pause()
        assert len(app.feed.asked) == 1
        app.feed.tell(burning((LAST, 12_345_678), today=99))
        await opened(pilot)
        assert len(app.feed.asked) == 1
        app.clock.advance(6)
        app.draw()
        await opened(pilot)
        assert len(app.feed.asked) == 2


async def test_the_detail_says_what_the_window_went_to(home: Path) -> None:
    """Beside the official figure, marked as an estimate, by project, model and session."""
    app = counted_app(home)
    async with app.run_test(size=(120, 90)) as pilot:
        text = await opened(pilot, "enter")
        assert "Tokens since this 5 h window began" in text
        assert "by the logs on this machine; officially used: 62%" in text
        assert "by project" in text
        assert "claude-opus-5-5" in text
        assert "API list price" not in text
        assert "API list price (as of 2026-11-05): $" in await opened(pilot, "dollar_sign")
        week = await opened(pilot, "w")
        assert "Tokens since this 7 d window began" in week
        assert app.feed.asked[-1].since == round(NOW + 3.3 * 86_400 - 604_800)


async def test_hostile_names_do_nothing_but_be_read(tmp_path: Path) -> None:
    """Escapes and markup in a folder's name."""
    message = {"id": "m", "model": EVIL, "usage": {"input_tokens": 7}}
    line = {"type": "assistant", "timestamp": "2026-11-22T07:00:00.000Z", "cwd": EVIL, "sessionId": EVIL,
            "requestId": "r", "message": message}  # fmt: skip
    folder = tmp_path / ".claude/projects/p"
    folder.mkdir(parents=True)
    (folder / "s.jsonl").write_text(json.dumps(line, separators=(",", ":")) + "\n")
    app = counted_app(tmp_path)
    async with app.run_test(size=(120, 90)) as pilot:
        for keys in (("T", "b"), ("b",), ("escape", "enter")):
            text = await opened(pilot, *keys)
            assert text.replace("\n", "").isprintable()
        assert "\x1b" not in text


async def test_a_scan_is_in_the_footer_and_stops_on_a_key(home: Path) -> None:
    """With the key beside it; the key says what becomes of the rest."""
    app = counted_app(home)
    async with app.run_test(size=(120, 40)) as pilot:
        app.feed.tally.progress = Progress(3, 9, 10**8, 10**9, 44.0)
        app.draw()
        footer = (await opened(pilot)).splitlines()[-1]
        assert footer.startswith(" reading logs: 3 of 9 files, 100 MB of 1.0 GB, 44s left  K stop")
        assert footer.rstrip().endswith("q quit")
        await opened(pilot, "K")
        assert "stopped; the rest of the logs is read at the next start" in app._said
        app.feed.tally.progress = None
        app.draw()
        assert "reading" not in (await opened(pilot)).splitlines()[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_the_burn_line_is_where_there_is_room(size: tuple[int, int]) -> None:
    """Never in a tiny pane."""
    app = app_of()
    app.feed.deck.apply([burning((LAST, 70_000), today=90_000)], NOW)
    async with app.run_test(size=size) as pilot:
        text = "\n".join(await shown(pilot))
        if size[0] < 56:
            assert "burn" not in text
        if size == (120, 40):
            assert "today 90.0k tok" in text


async def test_only_the_burn_line_is_repainted() -> None:
    """More tokens in this quarter change one line of the deck."""
    app = app_of()
    app.feed.deck.apply([burning((LAST, 70_000), today=90_000)], NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        app.draw()
        await pilot.pause()
        app.feed.deck.apply([burning((LAST, 170_000), today=190_000)], NOW)
        assert app.draw() == 1
        assert app.draw() == 0
