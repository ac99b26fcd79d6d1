"""Notices: once per crossing, re-armed, none at the start, none where nobody wants them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from providers.engine.settings import Settings
from providers.engine.view import ViewRules, view
from providers.model import Fact, Status, Window
from tests.tui import worlds
from tests.tui.worlds import HOUR, NOW, login, read
from tui.notices import Kind, Notice, Watchman, is_quiet


class Watched:
    """A deck, a watchman, and time that goes by."""

    def __init__(self, **changes: object) -> None:
        self.settings = Settings(**changes)  # type: ignore[arg-type]
        self.now = NOW
        self.reset = NOW + 0.5 * HOUR
        self.deck = worlds.deck_of(login("claude"), names=("claude",))
        self.watchman = Watchman()
        self.private = False

    def see(self, *facts: Fact, seconds: float = 0.0) -> list[Notice]:
        self.now += seconds
        self.deck.apply(facts, self.now)
        shown = view(self.deck.facts(), self.now, ViewRules())
        return self.watchman.see(shown, self.settings, zone=time.gmtime, hours=24, private=self.private)

    def used(self, percent: float, seconds: float = 30.0, account: str = "") -> list[Kind]:
        """A new figure of five hours, some time later."""
        window = Window("5h", "5 h", percent, self.reset, 18_000)
        at = NOW - self.now - seconds
        return [n.kind for n in self.see(read("claude", window, age=at, account=account), seconds=seconds)]

    def awake(self) -> Watched:
        """Past the quiet start, with a calm figure."""
        self.used(50, seconds=0)
        assert self.used(51, seconds=11) == []
        return self


def test_once_per_crossing() -> None:
    """75, 90 and 100, each once, and not again while it stays above."""
    w = Watched().awake()
    assert w.used(74) == []
    assert Kind.WATCH in w.used(76)
    assert w.used(77) == []
    assert Kind.HIGH in w.used(90)
    assert w.used(95) == []
    assert w.used(100) == [Kind.FULL]
    assert w.used(103) == []


def test_a_jump_is_one_notice() -> None:
    """From calm to full the steps between are not told."""
    assert Watched().awake().used(100) == [Kind.FULL]


def test_none_at_the_start() -> None:
    """Everything that is so when the pane opens is known already, and what crosses within ten
    seconds too."""
    w = Watched()
    assert w.used(99, seconds=0) == []
    assert w.used(100, seconds=5) == []
    assert w.used(100, seconds=60) == []


def test_re_armed_by_the_next_cycle() -> None:
    """After the reset the same threshold is news again."""
    w = Watched().awake()
    assert Kind.WATCH in w.used(80)
    w.reset += 5 * HOUR
    w.now = w.reset - 0.5 * HOUR
    assert w.used(10) == []
    assert Kind.WATCH in w.used(80)


def test_a_reset_that_wobbles_is_the_same_cycle() -> None:
    """Services round their times differently."""
    w = Watched().awake()
    w.used(80)
    for shift in (60, -90, 250):
        w.reset += shift
        assert w.used(81) == []


def test_back_after_the_reset() -> None:
    """A window that was high has room in its new cycle; not before a figure says so."""
    w = Watched().awake()
    w.used(97)
    assert w.see(seconds=3 * HOUR) == []
    w.reset += 5 * HOUR
    (kind,) = w.used(2)
    assert kind is Kind.BACK
    assert w.used(3) == []


def test_a_window_that_was_calm_does_not_come_back() -> None:
    """Only what was at 90 or above is missed."""
    w = Watched().awake()
    w.used(80)
    w.reset += 5 * HOUR
    w.now += 4 * HOUR
    assert w.used(2) == []


def test_a_drop_within_the_cycle_waits_for_a_second_figure() -> None:
    """A 0 % that is gone again was none; one that stays for a minute is an early reset."""
    w = Watched().awake()
    w.used(97)
    assert w.used(0) == []
    assert w.used(97) == []
    assert w.used(0) == []
    assert w.used(0, seconds=61) == [Kind.BACK]


def test_a_run_out_once_per_cycle() -> None:
    """The forecast turned; it may turn back and forth without a word."""
    w = Watched().awake()
    w.reset = w.now + 4 * HOUR
    assert Kind.RUNS_OUT in w.used(60)
    assert w.used(61) == []


@pytest.mark.parametrize("age", [700.0, 4000.0])
def test_an_old_figure_is_no_news(age: float) -> None:
    """What was measured ten minutes ago crosses nothing now."""
    w = Watched().awake()
    old = read("claude", Window("7d", "7 d", 99, NOW + 90 * HOUR, 604_800), age=NOW - w.now + age)
    assert w.see(old, seconds=1) == []


def test_notes_and_unknowns_are_no_news() -> None:
    """A balance that is off, a figure that is unknown."""
    w = Watched().awake()
    off = Window("spend", "extra usage", 99, note="off")
    assert w.see(read("claude", off, Window("7d", "7 d", None), age=NOW - w.now)) == []


def test_a_parked_account_is_told_only_when_it_is_back() -> None:
    """Nobody works with it, so its crossings do not matter; that it has room again does."""
    w = Watched().awake()
    assert w.used(97, account="home") == []
    w.reset += 5 * HOUR
    w.now += 4 * HOUR
    assert w.used(1, account="home") == [Kind.BACK]


def test_a_login_that_ran_out() -> None:
    """Once, and again only if it was well in between; not if it was so at the start."""
    w = Watched().awake()
    bad = login("claude", status=Status.EXPIRED, message="log in again", fix="claude auth login")
    (notice,) = w.see(bad)
    assert (notice.kind, notice.urgent) == (Kind.LOGIN, True)
    assert "claude auth login" in notice.text
    assert w.see(bad, seconds=5) == []
    w.see(login("claude"))
    assert len(w.see(bad, seconds=5)) == 1
    late = Watched()
    late.see(bad)
    assert late.see(bad, seconds=60) == []


def test_a_muted_panel_is_silent_until_its_reset() -> None:
    """Crossings meanwhile count as told; a second press takes it back."""
    w = Watched().awake()
    until = w.watchman.toggle_mute("claude", view(w.deck.facts(), w.now, ViewRules()))
    assert until == w.reset
    assert w.used(80) == []
    assert w.watchman.toggle_mute("claude", view(w.deck.facts(), w.now, ViewRules())) is None
    assert w.used(81) == []
    assert Kind.HIGH in w.used(91)


@pytest.mark.parametrize(
    ("span", "hour", "quiet"),
    [
        ("22:00-07:00", 23, True), ("22:00-07:00", 3, True), ("22:00-07:00", 7, False),
        ("22:00-07:00", 21, False), ("09:00-17:00", 9, True), ("09:00-17:00", 17, False), ("", 3, False),
    ],
)  # fmt: skip
def test_quiet_hours(span: str, hour: int, quiet: bool) -> None:
    """Local times, also across midnight."""
    assert is_quiet(span, hour * HOUR, time.gmtime) is quiet


def test_quiet_hours_keep_their_crossings() -> None:
    """What crossed at night is not told in the morning."""
    w = Watched(quiet_hours="07:00-08:00").awake()
    assert w.used(80) == []
    w.settings = Settings()
    assert w.used(81) == []


def test_private_names_nobody() -> None:
    """A notice on a shared screen holds no e-mail, alias or organisation."""
    w = Watched().awake()
    w.private = True
    w.used(10, account="home")
    window = Window("5h", "5 h", 99, w.reset, 18_000)
    (notice, *_) = w.see(read("claude", window, age=NOW - w.now - 1), seconds=1)
    for name in ("work", "example", "Example Corp"):
        assert name not in notice.text + notice.title


STEP = st.tuples(
    st.sampled_from([0, 5, 74, 76, 89, 91, 99, 100, 120]), st.sampled_from([1, 30, 70, 700, 20_000])
)


@profile(max_examples=60)
@given(st.lists(STEP, max_size=25))
def test_no_crossing_is_told_twice_in_a_cycle(steps: list[tuple[int, int]]) -> None:
    """Whatever the figures do, each kind comes once per cycle, unless the window was back."""
    w = Watched().awake()
    told: set[Kind] = set()
    for percent, seconds in steps:
        if w.now + seconds >= w.reset:
            w.reset = w.now + seconds + 4.5 * HOUR
            told.clear()
        for kind in w.used(percent, seconds=seconds):
            if kind is Kind.BACK:
                told.clear()
            else:
                assert kind not in told
                told.add(kind)
