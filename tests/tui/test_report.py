"""The formats of ``quotadeck status``, all from one view."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.engine.shown import Severity, Verdict, VerdictKind, WindowState
from providers.model import DAY, HOUR, Status
from tests.tui.shown import NOW, UTC, account, codex, deck, pace, provider, window
from tui.document import as_json
from tui.glyphs import ASCII, UNICODE
from tui.report import as_lines, as_plain, as_short, as_tmux, exit_code
from tui.text import cell_width

ACCOUNT_KEYS = {
    "id", "alias", "email", "plan", "live", "status", "message", "login_expires_at", "next_refresh_at",
    "budget", "windows",
}  # fmt: skip
WINDOW_KEYS = {
    "id", "label", "used_percent", "resets_at", "window_seconds", "state", "source", "observed_at", "pace",
    "used", "limit", "unit",
}  # fmt: skip


def _stale(ident: str = "5h", share: float | None = 62.0, **changes: Any):  # type: ignore[no-untyped-def]
    return window(ident, share, state=WindowState.STALE, observed_at=NOW - 41 * 60, **changes)


def _due(ident: str = "5h"):  # type: ignore[no-untyped-def]
    return window(ident, None, state=WindowState.RESET_DUE, resets_at=NOW - 60, severity=Severity.NONE)


def _parsed(*windows, **changes: Any) -> Any:  # type: ignore[no-untyped-def]
    return json.loads(as_json(deck(provider(account(*windows, **changes)))))


def test_json_has_the_keys_of_the_contract() -> None:
    """Schema 1: every promised key is there, whatever is unknown."""
    found = _parsed(window())
    assert found["schema_version"] == 1
    assert found["generated_at"] == 1795330000
    claude = found["providers"][0]
    assert claude.keys() >= {"id", "name", "status", "message", "accounts"}
    assert claude["accounts"][0].keys() >= ACCOUNT_KEYS
    assert claude["accounts"][0]["windows"][0].keys() >= WINDOW_KEYS


def test_json_of_a_window() -> None:
    """Percentages have one decimal, times are whole seconds."""
    shown = window(
        share=37.456,
        observed_at=NOW - 9.4,
        resets_at=NOW + 0.6,
        pace=pace(delta=-6.5),
        used=12.34,
        unit="EUR",
    )
    found = _parsed(shown)["providers"][0]["accounts"][0]["windows"][0]
    assert {key: found[key] for key in WINDOW_KEYS} == {
        "id": "5h", "label": "5 h", "used_percent": 37.5, "resets_at": 1795330000, "window_seconds": 18000,
        "state": "fresh", "source": "statusline", "observed_at": 1795329990,
        "pace": {"expected_percent": 44.0, "runs_out_at": None}, "used": 12.34, "limit": None, "unit": "EUR",
    }  # fmt: skip


def test_json_of_an_account() -> None:
    """Identity, state and deadlines as they stand."""
    found = _parsed(
        status=Status.EXPIRED,
        message="log in again",
        login_expires_at=NOW + 0.5,
        next_refresh_at=NOW + 300.9,
    )["providers"][0]
    who = found["accounts"][0]
    assert (found["status"], found["message"]) == ("expired", "log in again")
    assert {key: who[key] for key in ACCOUNT_KEYS} == {
        "id": "a1b2c3d4", "alias": "work", "email": "w@example.com", "plan": "Max 20x", "live": True,
        "status": "expired", "message": "log in again", "login_expires_at": 1795330000,
        "next_refresh_at": 1795330300, "budget": None, "windows": [],
    }  # fmt: skip


@pytest.mark.parametrize("state", [WindowState.RESET_DUE, WindowState.UNKNOWN])
def test_json_knows_no_figure_where_there_is_none(state: WindowState) -> None:
    """A figure that no longer holds is null, and so is its pace."""
    found = _parsed(window(share=None, state=state))["providers"][0]["accounts"][0]["windows"][0]
    assert (found["state"], found["used_percent"], found["pace"]) == (state.value, None, None)


def test_json_of_nothing() -> None:
    """An empty deck is a document too, and foreign letters survive any stream."""
    assert json.loads(as_json(deck()))["providers"] == []
    assert as_json(deck(provider(account(alias="日本")))).isascii()


FULL_VIEW = deck(
    provider(
        account(
            window(pace=pace(out=NOW + HOUR), severity=Severity.WATCH),
            window("7d", 41.0, pace=pace(-11.0), resets_at=NOW + 3 * DAY + 8 * HOUR),
            warnings=("ANTHROPIC_API_KEY is set: sessions may not use this login",),
        ),
        account(_stale("7d", 12.0), id="f00dcafe", alias="home", plan="Pro", live=False),
    ),
    codex(status=Status.UNCONFIGURED, message="no login in ~/.codex"),
    verdict=Verdict(VerdictKind.RUNS_OUT, "claude", "a1b2c3d4", "5h", 62.0, NOW + HOUR, 5220.0),
)


def test_lines() -> None:
    """The verdict, then each provider, its accounts and their windows under one another."""
    assert as_lines(FULL_VIEW, UTC, hours=24, width=80, glyphs=UNICODE).splitlines() == [
        "Claude work runs out 07:46, 1h27m early",
        "",
        "● Claude Code",
        "  work  Max 20x",
        "  ! ANTHROPIC_API_KEY is set: sessions may not use this login",
        "    5 h          ━━━━━━━━┊━━━╸───────  62%   2h48m ▲ out 07:46",
        "    7 d          ━━━━━━━━┊─────────··  41%   3d08h   lasts",
        "  home  Pro  (not live)",
        "    7 d          ━━╸·················  12%   2h48m   seen 41m ago",
        "· Codex  not configured",
        "  no login in ~/.codex",
    ]


@pytest.mark.parametrize("width", [40, 67, 68, 80, 100, 200])
def test_lines_fit(width: int) -> None:
    """Bars give way before a number does; from 68 cells on nothing wraps."""
    lines = as_lines(FULL_VIEW, UTC, hours=24, width=width, glyphs=UNICODE).splitlines()
    assert ("━" in "".join(lines)) == (width >= 68)
    assert all(cell_width(line) <= max(width, 60) for line in lines if "ANTHROPIC" not in line)
    assert any("62%" in line and "2h48m" in line for line in lines)


def test_lines_in_ascii() -> None:
    """With the ASCII set nothing else is printed, whatever an account is called."""
    view = deck(provider(account(window(label="über-langes Modell"), alias="日本")))
    text = as_lines(view, UTC, hours=24, width=100, glyphs=ASCII)
    assert text.isascii()
    assert "  ????  Max 20x" in text


def test_lines_say_what_to_run() -> None:
    """A broken login comes with its sentence and the command that mends it."""
    who = account(status=Status.EXPIRED, message="the login ran out", fix="claude auth login")
    assert "  the login ran out (run: claude auth login)\n" in as_lines(
        deck(provider(who)), UTC, hours=24, width=80, glyphs=UNICODE
    )


def test_plain() -> None:
    """A sentence a window, states and warnings in words, and where most is left."""
    view = deck(
        *FULL_VIEW.providers,
        verdict=Verdict(VerdictKind.CALM, room_provider="claude", room_account="f00dcafe", room_percent=88.0),
    )
    assert as_plain(view, UTC, hours=24).splitlines() == [
        "Claude Code, warning: ANTHROPIC_API_KEY is set: sessions may not use this login",
        "Claude Code work, 5 hour window, 62 percent used, resets in 2 hours 48 minutes, runs out at 07:46",
        "Claude Code work, weekly window, 41 percent used, resets in 3 days 8 hours",
        "Claude Code home, weekly window, 12 percent used, resets in 2 hours 48 minutes, "
        "measured 41 minutes ago",
        "Codex, not configured: no login in ~/.codex",
        "Most room: Claude home, 88% left.",
    ]


OUT = pace(out=NOW + HOUR)


@pytest.mark.parametrize(
    ("windows", "word"),
    [
        ((window(), window("7d", 41.0)), "C62"),
        ((window(), window("7d", 88.0)), "C88"),
        ((window(share=0.4),), "C1"),
        ((window(share=93.0, severity=Severity.HIGH),), "C93!"),
        ((window(pace=OUT, severity=Severity.WATCH),), "C62!"),
        ((window(), window("7d", 41.0, pace=OUT, severity=Severity.WATCH)), "C62!"),
        ((_stale(),), "C62?"),
        ((_stale(share=93.0, severity=Severity.HIGH),), "C93!?"),
        ((_due(), window("7d", 41.0)), "C41?"),
        ((_due(),), "C?"),
        ((window(share=None, state=WindowState.UNKNOWN),), "C?"),
        ((window(), window("7d:x", None, state=WindowState.UNKNOWN)), "C62"),
        ((window("credits", None, remaining=250.0),), "C-"),
        ((window(), window("spend", 100.0, note="off: out of credits")), "C62"),
        ((), "C-"),
    ],
)
def test_short_word(windows: tuple[Any, ...], word: str) -> None:
    """Mark, fullest window, then ``!`` for what is near its end and ``?`` for what is old."""
    assert as_short(deck(provider(account(*windows)))) == f"{word}\n"


def test_short_names_who_matters() -> None:
    """The live account speaks for its provider; who has no account speaks only of faults."""
    view = deck(
        provider(account(window()), account(window(share=97.0), id="f00dcafe", live=False)),
        codex(status=Status.EXPIRED),
        codex(id="gemini", mark="G"),
    )
    assert as_short(view) == "C62 X-\n"
    assert as_short(deck()) == "\n"


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (window(), "#[fg=cyan]C62#[default]"),
        (window(pace=OUT, severity=Severity.WATCH), "#[fg=yellow]C62!#[default]"),
        (window(share=93.0, severity=Severity.HIGH), "#[fg=red]C93!#[default]"),
        (_due(), "#[fg=default]C?#[default]"),
    ],
)
def test_tmux_colours(shown, line: str) -> None:  # type: ignore[no-untyped-def]
    """Each word in the colour of its worst window; sign and colour say the same."""
    assert as_tmux(deck(provider(account(shown)))) == f"{line}\n"


def test_tmux_is_one_line_of_our_marks_only() -> None:
    """A mark that holds tmux's own escape is printed, not obeyed."""
    view = deck(provider(account(window()), mark="#[bg=red]"), codex(account(window("7d", 88.0))))
    text = as_tmux(view)
    assert text.count("\n") == 1
    assert text == "#[fg=cyan]##[bg=red]62#[default] #[fg=cyan]X88#[default]\n"


@pytest.mark.parametrize(
    ("windows", "code"),
    [
        ((), 30),
        ((window(),), 0),
        ((window(share=74.9),), 0),
        ((window(share=75.0),), 10),
        ((window(share=99.9),), 10),
        ((window(share=100.0),), 11),
        ((window(share=80.0), window("7d", 120.0)), 11),
        ((window(share=10.0), window("7d:fable", 80.0)), 10),
        ((window(share=0.0, state=WindowState.NOT_STARTED),), 0),
        ((_stale(share=100.0),), 20),
        ((_due(),), 20),
        ((window(share=None, state=WindowState.UNKNOWN), _due("7d")), 20),
        ((window(share=10.0), _stale("7d", 80.0)), 10),
        ((window(share=10.0), _due("7d")), 0),
        ((window(share=10.0), window("spend", 100.0, note="off: out of credits")), 0),
        ((window("spend", 100.0, note="off: out of credits"),), 20),
    ],
)
def test_exit_code(windows: tuple[Any, ...], code: int) -> None:
    """None, all old, one full, one near, calm: in this order; windows with a note do not count."""
    assert exit_code(deck(provider(account(*windows)))) == code


@pytest.mark.parametrize(
    ("live", "parked", "code"),
    [(window(share=10.0), window(share=100.0), 0), (window(share=100.0), window(share=10.0), 11)],
)
def test_exit_code_counts_live_accounts(live, parked, code: int) -> None:  # type: ignore[no-untyped-def]
    """A parked account that is full is no reason to stop."""
    view = deck(provider(account(live), account(parked, id="f00dcafe", live=False)))
    assert exit_code(view) == code


def test_exit_code_without_a_live_account() -> None:
    """Figures of parked accounts alone say nothing about what is in use."""
    assert exit_code(deck(provider(account(window(share=100.0), live=False)))) == 20
    assert exit_code(deck()) == 30
