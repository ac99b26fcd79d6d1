"""Whole sentences: the verdict in any width, one sentence a window."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.engine.outlook import verdict_of
from providers.engine.shown import DeckView, Severity, Verdict, VerdictKind, WindowState
from providers.model import DAY, HOUR, Status
from providers.record import replace
from tests.tui.shown import NOW, UTC, account, codex, deck, pace, provider, window
from tui.sentences import room_sentence, sentence, verdict, window_words
from tui.text import cell_width

OUT = NOW + HOUR
RUNS = Verdict(VerdictKind.RUNS_OUT, "claude", "a1b2c3d4", "5h", 62.0, OUT, 5220.0)
FULL = Verdict(VerdictKind.FULL, "claude", "a1b2c3d4", "7d", 100.0, NOW + 4 * DAY)
TIGHT = Verdict(VerdictKind.TIGHT, "claude", "a1b2c3d4", "7d", 88.0, NOW + 2 * DAY + 2 * HOUR)
LOGIN = Verdict(VerdictKind.LOGIN, "codex", "beef0000")
OLD = Verdict(VerdictKind.OLD, "claude", "a1b2c3d4", "5h", at=NOW - 3 * HOUR)
ROOM = Verdict(VerdictKind.CALM, room_provider="codex", room_account="beef0000", room_percent=77.0)


def _deck(said: Verdict, **changes: Any) -> DeckView:
    home = account(
        window("7d", 23.0), id="beef0000", alias="home", email="h@example.com", fix="codex login", **changes
    )
    return deck(provider(account(window(), window("7d", 88.0))), codex(home), verdict=said)


@pytest.mark.parametrize(
    ("said", "width", "line"),
    [
        (RUNS, 80, "Claude work runs out 07:46, 1h27m early"),
        (RUNS, 38, "Claude work out 07:46, 1h27m early"),
        (RUNS, 30, "Claude work out 07:46"),
        (RUNS, 20, "Claude out 07:46"),
        (RUNS, 10, "Claude ou…"),
        (FULL, 80, "Claude work 7 d is full, back Thu 06:46"),
        (FULL, 38, "Claude work full, back Thu 06:46"),
        (FULL, 12, "Claude full"),
        (TIGHT, 80, "Claude work 7 d 88% used, resets in 2d02h"),
        (TIGHT, 30, "Claude work 7 d 88%"),
        (LOGIN, 80, "Codex home needs a login: run codex login"),
        (LOGIN, 30, "Codex home needs a login"),
        (OLD, 80, "Claude work: the figures are old, last word 3h ago"),
        (OLD, 30, "Claude work: old figures"),
        (ROOM, 80, "all calm; most room: Codex home, 77% left"),
        (ROOM, 20, "all calm"),
        (Verdict(VerdictKind.CALM), 80, "all calm"),
        (Verdict(VerdictKind.EMPTY), 80, "nothing found yet: no Claude Code or Codex login on this machine"),
        (Verdict(VerdictKind.EMPTY), 40, "nothing found yet"),
    ],
)
def test_verdict(said: Verdict, width: int, line: str) -> None:
    """One sentence by kind, shorter where there is less room."""
    assert verdict(_deck(said), UTC, 24, False, width) == line


def test_verdict_counts_the_others() -> None:
    """Further windows of the kind are counted while there is room."""
    said = Verdict(VerdictKind.RUNS_OUT, "claude", "a1b2c3d4", "5h", 62.0, OUT, 5220.0, others=2)
    assert verdict(_deck(said), UTC, 24, False, 80) == "Claude work runs out 07:46, 1h27m early (+2 more)"
    assert verdict(_deck(said), UTC, 24, False, 40) == "Claude work runs out 07:46, 1h27m early"


def test_verdict_of_an_empty_registry() -> None:
    """Without a provider none is named."""
    assert verdict(deck(verdict=Verdict(VerdictKind.EMPTY)), UTC, 24, False, 80) == "nothing found yet"


def test_verdict_on_figures_that_just_lapsed() -> None:
    """A window measured a moment before its reset leaves an old figure without an age."""
    said = Verdict(VerdictKind.OLD, "claude", "a1b2c3d4", "5h", at=NOW - 20)
    assert verdict(_deck(said), UTC, 24, False, 80).endswith("last word just now")


def test_verdict_without_a_known_fix() -> None:
    """Where no command is known to mend a login, none is named."""
    view = deck(codex(status=Status.EXPIRED), verdict=Verdict(VerdictKind.LOGIN, "codex"))
    assert verdict(view, UTC, 24, False, 80) == "Codex needs a login"


def test_verdict_in_the_twelve_hour_clock() -> None:
    """The setting reaches the first line."""
    assert "7:46am" in verdict(_deck(RUNS), UTC, 12, False, 80)


NAMES = ("work", "home", "w@example.com", "h@example.com", "Example")
KINDS = [RUNS, FULL, TIGHT, LOGIN, OLD, ROOM, Verdict(VerdictKind.CALM), Verdict(VerdictKind.EMPTY)]


@pytest.mark.parametrize("said", KINDS, ids=lambda v: v.kind.value)
def test_verdict_in_private(said: Verdict) -> None:
    """No name of an account is left in any kind of verdict."""
    line = verdict(_deck(said), UTC, 24, True, 100)
    assert not [name for name in NAMES if name in line]


@given(st.sampled_from(KINDS), st.integers(0, 120), st.integers(0, 40), st.booleans(), st.text(max_size=30))
def test_verdict_never_exceeds_its_width(
    said: Verdict, width: int, others: int, private: bool, alias: str
) -> None:
    """Whatever an account is called, the line fits."""
    view = deck(
        provider(account(window(), alias=alias)),
        codex(account(id="beef0000", alias=alias)),
        verdict=replace(said, others=others),
    )
    assert cell_width(verdict(view, UTC, 24, private, width)) <= width


def test_the_words_follow_the_judge() -> None:
    """What the engine finds most urgent is what the line says."""
    running = window(pace=pace(out=OUT), severity=Severity.WATCH)
    providers = (provider(account(running)), codex(account(window("7d", 100.0), id="beef0000")))
    view = DeckView(NOW, providers, verdict_of(providers, NOW))
    assert verdict(view, UTC, 24, False, 80) == "Claude work runs out 07:46, 1h48m early"


def test_room_sentence() -> None:
    """Where most is left, or nothing if nobody knows."""
    assert room_sentence(_deck(ROOM), False) == "Most room: Codex home, 77% left."
    assert room_sentence(_deck(ROOM), True) == "Most room: Codex account beef, 77% left."
    assert room_sentence(_deck(RUNS), False) == ""


@pytest.mark.parametrize(
    ("ident", "label", "said"),
    [
        ("5h", "5 h", "5 hour window"),
        ("7d", "7 d", "weekly window"),
        ("7d:fable", "7 d Fable", "weekly window, Fable"),
        ("7d:gpt-5-spark", "7 d GPT 5 Spark", "weekly window, GPT 5 Spark"),
        ("5h:spark", "5 h Spark", "5 hour window, Spark"),
        ("day:gemini-2.5-pro", "2.5-pro", "daily window, 2.5-pro"),
        ("month", "month", "monthly window"),
        ("month:premium-interactions", "premium interactions", "monthly window, premium interactions"),
        ("credits", "credits", "credits"),
        ("spend", "extra usage", "extra usage"),
        ("36h", "36 h", "36 h"),
    ],
)
def test_window_words(ident: str, label: str, said: str) -> None:
    """Window names for reading aloud keep the whole name of a model."""
    assert window_words(window(ident, label=label)) == said


@pytest.mark.parametrize(
    ("shown", "rest"),
    [
        (
            window(pace=pace(out=OUT)),
            "5 hour window, 62 percent used, resets in 2 hours 48 minutes, runs out at 07:46",
        ),
        (window(pace=pace()), "5 hour window, 62 percent used, resets in 2 hours 48 minutes"),
        (window(share=0.4), "5 hour window, 1 percent used, resets in 2 hours 48 minutes"),
        (window("7d", 41.0, resets_at=None), "weekly window, 41 percent used"),
        (
            window(state=WindowState.STALE, observed_at=NOW - 41 * 60),
            "5 hour window, 62 percent used, resets in 2 hours 48 minutes, measured 41 minutes ago",
        ),
        (
            window(state=WindowState.STALE, observed_at=NOW - 41 * 60, pace=pace(out=NOW - 60)),
            "5 hour window, 62 percent used, resets in 2 hours 48 minutes, may be out, "
            "measured 41 minutes ago",
        ),
        (
            window(share=None, state=WindowState.RESET_DUE),
            "5 hour window, reset due, waiting for a fresh figure",
        ),
        (window(share=None, state=WindowState.UNKNOWN), "5 hour window, unknown"),
        (window(share=0.0, state=WindowState.NOT_STARTED), "5 hour window, 0 percent used, not started"),
        (
            window("spend", None, label="extra usage", note="off: out of credits"),
            "extra usage, off: out of credits",
        ),
        (
            window("spend", 24.7, label="extra usage", used=12.34, limit=50.0, unit="EUR", resets_at=None),
            "extra usage, 25 percent used, 12.34 of 50.00 EUR",
        ),
        (
            window("credits", None, remaining=250.0, unit="credits", resets_at=None),
            "credits, 250 credits left",
        ),
        (window("spend", None, used=3.5, unit="EUR", resets_at=None), "spend, 3.50 EUR used"),
    ],
)
def test_sentence(shown, rest: str) -> None:  # type: ignore[no-untyped-def]
    """One sentence tells all of a window, its state included."""
    who = account(shown)
    assert sentence(provider(who), who, shown, NOW, UTC) == f"Claude Code, {rest}"


@pytest.mark.parametrize(
    ("changes", "private", "begin"),
    [
        ({}, False, "Claude Code work, "),
        ({}, True, "Claude Code account a1b2, "),
        ({"alias": ""}, False, "Claude Code w@example.com, "),
        ({"known": False}, False, "Claude Code account unknown, "),
    ],
)
def test_sentence_names_the_account(changes: dict[str, Any], private: bool, begin: str) -> None:
    """With several accounts each sentence says whose window it is."""
    who = account(window(), **changes)
    several = provider(who, account(id="f00dcafe"))
    assert sentence(several, who, who.windows[0], NOW, UTC, 24, private).startswith(begin)


def test_an_unknown_account_is_named_even_alone() -> None:
    """Figures of nobody known are never taken for the only account's."""
    who = account(window(), known=False)
    assert sentence(provider(who), who, who.windows[0], NOW, UTC).startswith("Claude Code account unknown, ")
