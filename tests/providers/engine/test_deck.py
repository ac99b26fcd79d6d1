"""The merging rules of the deck, one by one."""

from __future__ import annotations

from itertools import permutations

import pytest

from providers.base import Descriptor
from providers.engine.deck import UNKNOWN, AccountFacts, Deck, account_id
from providers.engine.timeline import Timeline
from providers.model import (
    Enrolled,
    Failure,
    Identity,
    LoginState,
    Reading,
    Roster,
    Source,
    Status,
    Window,
)

NOW = 1_795_330_000.0
CLAUDE = Descriptor("claude", "Claude Code", "C", "claude")
WORK, HOME = Identity("acc-w/org-w", "work@example.com"), Identity("acc-h/org-h", "home@example.com")


def week(percent: float | None = 40.0, resets_at: float | None = NOW + 300_000) -> Window:
    return Window("7d", "7 d", percent, resets_at, 604_800)


def five(percent: float | None = 20.0, resets_at: float | None = NOW + 7_200) -> Window:
    return Window("5h", "5 h", percent, resets_at, 18_000)


def reading(*windows: Window, at: float = NOW, account: str | None = WORK.key, **more: object) -> Reading:
    source = more.pop("source", Source.SIDECAR)
    origin = more.pop("origin", "a file")
    return Reading("claude", windows, source, origin, at, account=account, **more)  # type: ignore[arg-type]


def login(identity: Identity | None = WORK, at: float = NOW - 86_400) -> LoginState:
    return LoginState("claude", Status.OK, identity=identity, observed_at=at)


def account(deck: Deck, key: str = WORK.key) -> AccountFacts:
    return next(a for a in deck.facts().providers[0].accounts if a.key == key)


def percents(deck: Deck, key: str = WORK.key) -> dict[str, float | None]:
    return {f.window.id: f.window.used_percent for f in account(deck, key).figures}


@pytest.fixture
def deck() -> Deck:
    return Deck([CLAUDE])


def test_newest_observation_wins_whatever_the_order_of_arrival() -> None:
    """Per window the newest observed_at wins, not the last to arrive."""
    readings = [reading(five(p), at=NOW - age, origin=str(p)) for p, age in ((10, 300), (30, 100), (20, 200))]
    for order in permutations(readings):
        deck = Deck([CLAUDE])
        for one in order:
            deck.apply([one], NOW)
        assert percents(deck) == {"5h": 30}


def test_windows_are_merged_one_by_one(deck: Deck) -> None:
    """A newer reading without the week leaves the week as it was."""
    deck.apply([reading(five(10), week(40), at=NOW - 100), reading(five(12), at=NOW)], NOW)
    assert percents(deck) == {"5h": 12, "7d": 40}


def test_a_lower_figure_is_accepted(deck: Deck) -> None:
    """Early resets exist, so a falling percentage before the boundary is believed."""
    deck.apply([reading(five(90), at=NOW - 60)], NOW)
    deck.apply([reading(five(3), at=NOW)], NOW)
    assert percents(deck) == {"5h": 3}


def test_a_complete_reading_retires_what_it_omits(deck: Deck) -> None:
    """Only a newer complete reading says that a window is gone."""
    deck.apply([reading(five(), week(), at=NOW - 60)], NOW)
    deck.apply([reading(week(41), at=NOW - 120, complete=True, origin="old")], NOW)
    assert set(percents(deck)) == {"5h", "7d"}
    deck.apply([reading(week(41), at=NOW, complete=True, origin="new")], NOW)
    assert percents(deck) == {"7d": 41}


def test_an_older_reading_does_not_bring_back_what_was_retired(deck: Deck) -> None:
    """Whatever order files are read in: after a restart a sidecar may come after the answer."""
    deck.apply([reading(week(41), at=NOW, complete=True, origin="answer")], NOW)
    deck.apply([reading(five(), week(), at=NOW - 60, origin="sidecar")], NOW)
    assert percents(deck) == {"7d": 41}
    deck.apply([reading(five(), at=NOW + 60, origin="sidecar")], NOW + 60)
    assert set(percents(deck)) == {"5h", "7d"}


def test_the_future_is_clamped_to_the_time_of_reading(deck: Deck) -> None:
    """A source whose clock runs ahead cannot keep out what is measured later."""
    deck.apply([reading(five(70), at=NOW + 86_400, origin="ahead")], NOW)
    assert account(deck).figures[0].observed_at == NOW
    deck.apply([reading(five(71), at=NOW + 30)], NOW + 30)
    assert percents(deck) == {"5h": 71}


def test_a_clock_set_back_does_not_freeze_the_deck(deck: Deck) -> None:
    """After the clock stepped back an hour new figures still win."""
    deck.apply([reading(five(50), at=NOW)], NOW)
    deck.apply([reading(five(51), at=NOW - 3_590)], NOW - 3_590)
    assert percents(deck) == {"5h": 51}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (Source.ENDPOINT, Source.STATUSLINE),
        (Source.STATUSLINE, Source.LOG),
        (Source.LOG, Source.SIDECAR),
        (Source.LOG, Source.CACHE),
    ],
)
def test_ties_in_time_go_to_the_better_source(better: Source, worse: Source) -> None:
    """Endpoint before statusline before log before other tools' sidecars."""
    pair = [reading(five(1), source=better, origin="b"), reading(five(2), source=worse, origin="w")]
    for order in (pair, pair[::-1]):
        deck = Deck([CLAUDE])
        for one in order:
            deck.apply([one], NOW)
        assert percents(deck) == {"5h": 1}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0, 10_001.0])
def test_absurd_figures_change_nothing(deck: Deck, bad: float) -> None:
    """NaN, infinite, negative and absurd figures are unknown and keep the last good one."""
    deck.apply([reading(five(55), at=NOW - 60)], NOW)
    deck.apply([reading(five(bad), at=NOW)], NOW)
    assert percents(deck) == {"5h": 55}


def test_an_error_never_touches_figures(deck: Deck) -> None:
    """A failure is a fact of its own; the next reading of its origin takes it back."""
    deck.apply([login(), reading(five(55), at=NOW - 60)], NOW)
    deck.apply([Failure("claude", Status.EXPIRED, "no", Source.SIDECAR, "a file", NOW, WORK.key)], NOW)
    assert percents(deck) == {"5h": 55}
    assert [f.status for f in account(deck).failures] == [Status.EXPIRED]
    deck.apply([reading(five(56), at=NOW + 1)], NOW + 1)
    assert account(deck).failures == ()


def sessions(first: Window, first_age: float, second: Window, second_age: float) -> set[tuple[object, ...]]:
    """What two sessions' statuslines come to, in both orders of arrival."""
    pair = [
        reading(first, at=NOW - first_age, source=Source.STATUSLINE, origin="session 1"),
        reading(second, at=NOW - second_age, source=Source.STATUSLINE, origin="session 2"),
    ]
    seen = set()
    for order in (pair, pair[::-1]):
        deck = Deck([CLAUDE])
        for one in order:
            deck.apply([one], NOW)
        figure = account(deck).figures[0]
        seen.add((figure.window.used_percent, figure.window.resets_at))
    return seen


def test_among_sessions_the_higher_figure_of_a_window_wins() -> None:
    """An idle session that repaints its older answer cannot pull the figure down."""
    assert sessions(five(62), 120, five(40), 0) == {(62, NOW + 7_200)}


def test_among_sessions_the_later_window_wins() -> None:
    """A session still on the old window loses against one in the new, however new its file."""
    assert sessions(five(3, NOW + 17_000), 300, five(97, NOW + 500), 0) == {(3, NOW + 17_000)}


def test_among_sessions_a_much_newer_lower_figure_is_an_early_reset() -> None:
    """Beyond the lag of one answer the newer measurement is believed again."""
    assert sessions(five(62), 2_000, five(4), 0) == {(4, NOW + 7_200)}


def test_a_drop_from_another_source_is_accepted_among_sessions(deck: Deck) -> None:
    """Only statuslines are weighed against each other; the endpoint's drop counts at once."""
    deck.apply([reading(five(62), at=NOW - 60, source=Source.STATUSLINE, origin="session 1")], NOW)
    deck.apply([reading(five(5), at=NOW, source=Source.ENDPOINT)], NOW)
    assert percents(deck) == {"5h": 5}


def test_a_torn_login_changes_nothing_that_is_known(deck: Deck) -> None:
    """A config caught half written does not make the account vanish; without one it is said."""
    deck.apply([LoginState("claude", Status.ERROR, "torn", torn=True, observed_at=NOW)], NOW)
    assert deck.facts().providers[0].login == LoginState(
        "claude", Status.ERROR, "torn", torn=True, observed_at=NOW
    )
    deck.apply([login()], NOW)
    deck.apply([LoginState("claude", Status.ERROR, "torn", torn=True, observed_at=NOW)], NOW)
    assert deck.facts().providers[0].login == login()


def anonymous(*windows: Window, at: float = NOW, since: float | None = None) -> Reading:
    return reading(*windows, at=at, account=None, since=since, source=Source.STATUSLINE, origin="session")


def test_without_identity_the_reset_times_decide_first(deck: Deck) -> None:
    """A reading whose week and five hours reset with a parked account's is that account's,
    although another one is live."""
    deck.apply([login(HOME), reading(five(10), week(10), account=WORK.key)], NOW)
    deck.apply([anonymous(five(11, NOW + 7_230), week(11))], NOW)
    assert percents(deck) == {"5h": 11, "7d": 11}
    assert percents(deck, HOME.key) == {}


def test_resets_that_fit_two_accounts_decide_nothing(deck: Deck) -> None:
    """Ambiguous reset times leave the question to the timeline."""
    deck.apply([login(HOME), reading(week(10), account=WORK.key), reading(week(20), account=HOME.key)], NOW)
    deck.apply([anonymous(week(30), at=NOW + 1)], NOW + 1)
    assert percents(deck, HOME.key) == {"7d": 30}


def test_with_one_account_ever_it_is_that_one(deck: Deck) -> None:
    """The first known login reaches back: nothing speaks of another account before it."""
    deck.apply([anonymous(five(33), at=NOW - 5_000), login()], NOW)
    assert percents(deck) == {"5h": 33}


def switched() -> Deck:
    """Work was live until NOW, then home logged in."""
    deck = Deck([CLAUDE])
    deck.apply([login(WORK, NOW - 86_400)], NOW - 3_600)
    deck.apply([login(WORK, NOW - 86_400)], NOW - 10)
    deck.apply([login(HOME, NOW)], NOW + 5)
    return deck


def test_near_a_switch_a_reading_is_of_an_unknown_account() -> None:
    """Never by "live now": a running session may still be on the old account."""
    deck = switched()
    deck.apply([anonymous(five(44), at=NOW + 60)], NOW + 60)
    assert percents(deck, UNKNOWN) == {"5h": 44}
    assert percents(deck, HOME.key) == {}


def test_a_session_begun_after_the_switch_is_the_new_accounts() -> None:
    """The session's own start frees it from the doubt."""
    deck = switched()
    deck.apply([anonymous(five(5), at=NOW + 60, since=NOW + 20)], NOW + 60)
    assert percents(deck, HOME.key) == {"5h": 5}


def test_a_session_begun_before_the_switch_stays_unknown_for_good() -> None:
    """A Codex process keeps its login until it ends, so hours later it is still in doubt."""
    deck = switched()
    deck.apply([anonymous(five(44), at=NOW + 20_000, since=NOW - 500)], NOW + 20_000)
    assert percents(deck, UNKNOWN) == {"5h": 44}


def test_a_reading_from_before_the_switch_is_the_old_accounts() -> None:
    """What was written while work was live is work's, even if it is read afterwards."""
    deck = switched()
    deck.apply([anonymous(five(80), at=NOW - 600)], NOW + 60)
    assert percents(deck) == {"5h": 80}


def test_doubt_ends_when_the_same_origin_is_attributed() -> None:
    """Once a session's figures find their account, the unknown one no longer shows them."""
    deck = switched()
    deck.apply([anonymous(five(44), at=NOW + 60)], NOW + 60)
    deck.apply([anonymous(five(45), at=NOW + 4_000)], NOW + 4_000)
    assert percents(deck, HOME.key) == {"5h": 45}
    assert percents(deck, UNKNOWN) == {}


def test_a_timeline_survives_a_restart() -> None:
    """The persisted line of stays answers as before."""
    before = switched().timeline
    after = Timeline(before.stays)
    for since, until in ((NOW - 900, NOW - 600), (NOW - 100, NOW + 60), (NOW + 20, NOW + 60)):
        assert after.owner("claude", since, until) == before.owner("claude", since, until)


def test_a_switch_that_nobody_saw_leaves_a_gap() -> None:
    """Between the last sight of one account and the first of the next nobody is known live."""
    line = Timeline()
    line.note("claude", "a", NOW - 9_000, NOW - 8_000)
    line.note("claude", "b", NOW - 1_000, NOW)
    assert line.owner("claude", NOW - 8_500, NOW - 8_100) == "a"
    assert line.owner("claude", NOW - 5_000, NOW - 4_000) is None
    assert line.owner("claude", NOW - 900, NOW) == "b"


def test_the_timeline_is_bounded() -> None:
    """Ten thousand switches leave at most the newest few hundred stays."""
    line = Timeline()
    for turn in range(10_000):
        line.note("claude", "ab"[turn % 2], NOW + turn * 1_000, NOW + turn * 1_000)
    assert len(line.stays) == 200


def test_an_id_of_ours_finds_its_account_and_is_folded_in(deck: Deck) -> None:
    """Figures kept under an opaque id join the account as soon as its login is seen."""
    ident = account_id("claude", WORK.key)
    deck.apply([reading(five(12), account=f"id:{ident}", at=NOW - 60)], NOW)
    deck.apply([login()], NOW)
    assert percents(deck) == {"5h": 12}
    assert len(deck.facts().providers[0].accounts) == 1
    deck.apply([reading(five(13), account=f"id:{ident}")], NOW)
    assert percents(deck) == {"5h": 13}


def test_changed_providers_are_named_and_only_those(deck: Deck) -> None:
    """The same facts twice are no change, so nothing is repainted."""
    assert deck.apply([login(), reading(five())], NOW) == {"claude"}
    assert deck.apply([login(), reading(five())], NOW) == frozenset()
    assert deck.apply([Reading("nobody", (), Source.LOG, "x", NOW)], NOW) == frozenset()


def test_who_is_kept_has_a_place_before_any_figure() -> None:
    """With the roster's names; what is known of it under its id alone joins it, in the roster's
    order; a login names it more exactly."""
    deck = Deck([Descriptor("claude", "Claude", "C", "claude")])
    ident = account_id("claude", "acc/org")
    window = Window("5h", "5 h", 12.0, NOW + 3600, 18_000)
    deck.apply([Reading("claude", (window,), Source.SIDECAR, "s", NOW, account=f"id:{ident}")], NOW)
    work = Enrolled(ident, "acc/org", "work", "w@example.com")
    roster = Roster("claude", (Enrolled("x", "other"), work))
    assert deck.apply([roster], NOW) == {"claude"}
    first, second = deck.facts().providers[0].accounts
    assert (first.key, first.figures) == ("other", ())
    assert (second.key, second.identity.email, second.kept) == (
        "acc/org",
        "w@example.com",
        roster.accounts[1],
    )
    assert [f.window.used_percent for f in second.figures] == [12.0]


def test_who_is_kept_no_more_leaves_with_its_figures() -> None:
    """Unless it is logged in."""
    deck = Deck([Descriptor("claude", "Claude", "C", "claude")])
    login = LoginState("claude", Status.OK, identity=Identity("live"), observed_at=NOW)
    deck.apply([login, Roster("claude", (Enrolled("a", "live"), Enrolled("b", "gone")))], NOW)
    window = Window("5h", "5 h", 12.0, NOW + 3600, 18_000)
    deck.apply([Reading("claude", (window,), Source.SIDECAR, "s", NOW, account="gone")], NOW)
    deck.apply([Roster("claude", ())], NOW)
    assert [(a.key, a.kept) for a in deck.facts().providers[0].accounts] == [("live", None)]
