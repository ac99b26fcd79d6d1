"""What the facts mean at a time of day: states, statuses, severities."""

from __future__ import annotations

import pytest

from providers.base import Descriptor
from providers.engine.deck import Deck
from providers.engine.shown import AccountView, DeckView, MomentKind, Severity, VerdictKind, WindowState
from providers.engine.view import ViewRules, view
from providers.model import Failure, Identity, LoginState, Reading, Source, Status, Window

NOW = 1_795_330_000.0
CLAUDE = Descriptor("claude", "Claude Code", "C", "claude")
CODEX = Descriptor("codex", "Codex", "X", "codex")
OTHERS = Descriptor("sidecars", "Other sidecars", "S", "", hidden_when_empty=True)
WORK = Identity("acc-w/org-w", "work@example.com")
RULES = ViewRules()


def login(status: Status = Status.OK, **more: object) -> LoginState:
    return LoginState("claude", status, identity=WORK, observed_at=NOW - 86_400, **more)  # type: ignore[arg-type]


def read(
    *windows: Window, at: float = NOW, provider: str = "claude", account: str | None = WORK.key
) -> Reading:
    return Reading(provider, windows, Source.STATUSLINE, "a file", at, account=account)


def five(used: float | None = 40.0, resets_in: float | None = 9_000.0, **more: object) -> Window:
    resets_at = None if resets_in is None else NOW + resets_in
    return Window("5h", "5 h", used, resets_at, 18_000, **more)  # type: ignore[arg-type]


def shown(*facts: object, now: float = NOW, rules: ViewRules = RULES) -> DeckView:
    deck = Deck([CLAUDE, CODEX, OTHERS])
    deck.apply(facts, NOW)  # type: ignore[arg-type]
    return view(deck.facts(), now, rules)


def front(deck: DeckView) -> AccountView:
    account = deck.providers[0].front
    assert account is not None
    return account


@pytest.mark.parametrize(
    ("window", "age", "state", "used"),
    [
        (five(), 0, WindowState.FRESH, 40.0),
        (five(), 599, WindowState.FRESH, 40.0),
        (five(), 601, WindowState.STALE, 40.0),
        (five(97.0, 30.0), 31, WindowState.RESET_DUE, None),
        (five(0.0, None), 0, WindowState.NOT_STARTED, 0.0),
        (five(0.0, 18_000.0), 0, WindowState.NOT_STARTED, 0.0),
        (five(0.0, 9_000.0), 0, WindowState.FRESH, 0.0),
        (five(None), 0, WindowState.UNKNOWN, None),
        (Window("spend", "extra usage", None, used=2.5, unit="USD"), 0, WindowState.FRESH, None),
    ],
)
def test_window_states(window: Window, age: float, state: WindowState, used: float | None) -> None:
    """A passed reset has no percentage; an old figure is stale; unknown is never 0."""
    row = front(shown(login(), read(window), now=NOW + age)).windows[0]
    assert (row.state, row.used_percent) == (state, used)


def test_a_figure_of_the_future_has_no_known_age() -> None:
    """After the clock was set back the figure is stale until the next measurement."""
    assert front(shown(login(), read(five()), now=NOW - 3_600)).windows[0].state is WindowState.STALE


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (Status.OK, [login(), read(five())]),
        (Status.OK, [login()]),
        (Status.STALE, [login(), read(five(), at=NOW - 700)]),
        (Status.IDLE, [login(Status.IDLE), read(five(), at=NOW - 700)]),
        (Status.OK, [login(Status.IDLE), read(five())]),
        (Status.EXPIRED, [login(Status.EXPIRED), read(five())]),
        (Status.UNCONFIGURED, [LoginState("claude", Status.UNCONFIGURED, "nothing here")]),
        (Status.LIMITED, [login(), read(five(), at=NOW - 60),
                          Failure("claude", Status.LIMITED, "wait", Source.ENDPOINT, "e", NOW, WORK.key)]),
        (Status.OK, [login(), read(five()),
                     Failure("claude", Status.EXPIRED, "no", Source.SIDECAR, "s", NOW - 60, WORK.key)]),
    ],
)  # fmt: skip
def test_statuses(status: Status, cause: list[object]) -> None:
    """The login's own trouble wins; a failure counts while no figure is newer; a lapsed
    token is idle only while nothing fresh comes in."""
    assert shown(*cause).providers[0].status is status


@pytest.mark.parametrize(
    ("used", "resets_in", "severity"),
    [
        (74.9, 2_000.0, Severity.OK),
        (75.0, 2_000.0, Severity.WATCH),
        (90.0, 2_000.0, Severity.HIGH),
        (None, 2_000.0, Severity.NONE),
        (60.0, 9_000.0, Severity.WATCH),
    ],
)
def test_severity(used: float | None, resets_in: float, severity: Severity) -> None:
    """75 and 90 are the thresholds; ahead of pace is worth a look below them."""
    assert front(shown(login(), read(five(used, resets_in)))).windows[0].severity is severity


def test_a_note_never_colours() -> None:
    """Extra usage that is off cannot turn an account red."""
    spend = Window(
        "spend", "extra usage", None, used=50.0, limit=50.0, unit="USD", note="off: out of credits"
    )
    deck = shown(login(), read(five(10.0), spend))
    assert deck.providers[0].severity is Severity.OK


def test_windows_stand_in_a_fixed_order() -> None:
    """Five hours, then the week, then its models, money last: positions are muscle memory."""
    ids = ["spend", "7d:opus", "7d", "5h", "month"]
    windows = tuple(Window(i, i, 1.0) for i in ids)
    assert [w.id for w in front(shown(login(), read(*windows))).windows] == [
        "5h",
        "7d",
        "7d:opus",
        "month",
        "spend",
    ]


def test_an_alias_of_the_settings_names_the_account() -> None:
    """Aliases are found by e-mail or by account id."""
    assert front(shown(login(), rules=ViewRules(aliases={"work@example.com": "work"}))).alias == "work"
    ident = front(shown(login())).id
    assert front(shown(login(), rules=ViewRules(aliases={ident: "w"}))).alias == "w"


def test_disabled_and_hidden_providers() -> None:
    """A switched off provider says so; the catch-all panel shows only when it has something."""
    deck = shown(login(), rules=ViewRules(disabled=frozenset({"claude"})))
    assert [p.id for p in deck.providers] == ["claude", "codex"]
    assert deck.providers[0].status is Status.DISABLED
    deck = shown(read(five(), provider="sidecars", account="gemini"))
    assert [p.id for p in deck.providers] == ["claude", "codex", "sidecars"]


def test_unattributed_figures_are_shown_as_such() -> None:
    """Without any login the figures are of an unknown account, and said to be."""
    account = front(shown(read(five(), account=None)))
    assert (account.known, account.live) == (False, False)
    assert "whose" in account.message


def test_the_verdict_is_the_most_urgent_sentence() -> None:
    """A run-out that can be averted first, then full, login, tight, old, calm, empty."""
    ahead, full, tight, calm = five(60.0), five(100.0), five(80.0, 600.0), five(10.0)
    kinds = {
        VerdictKind.RUNS_OUT: [login(), read(ahead)],
        VerdictKind.FULL: [login(), read(full)],
        VerdictKind.LOGIN: [login(Status.EXPIRED), read(calm)],
        VerdictKind.TIGHT: [login(), read(tight)],
        VerdictKind.OLD: [login(), read(calm, at=NOW - 700)],
        VerdictKind.CALM: [login(), read(calm)],
        VerdictKind.EMPTY: [],
    }
    for kind, facts in kinds.items():
        assert shown(*facts).verdict.kind is kind
    both = Window("7d", "7 d", 100.0, NOW + 90_000, 604_800)
    assert shown(login(), read(ahead, both)).verdict.kind is VerdictKind.RUNS_OUT


def test_a_full_model_window_makes_the_row_critical_alone() -> None:
    """A model's week at 100 % counts although the week stands at 67 %."""
    week = Window("7d", "7 d", 67.0, NOW + 200_000, 604_800)
    model = Window("7d:fable", "7 d Fable", 100.0, NOW + 200_000, 604_800)
    deck = shown(login(), read(week, model))
    assert deck.verdict.kind is VerdictKind.FULL
    assert deck.verdict.window == "7d:fable"
    assert deck.providers[0].severity is Severity.HIGH


def test_room_is_named_by_fresh_figures_only() -> None:
    """Most room is where the tightest window has most left, never on old figures."""
    codex = LoginState("codex", Status.OK, identity=Identity("x/y"), observed_at=NOW - 9e4)
    other = read(five(5.0), provider="codex", account="x/y")
    assert shown(login(), read(five(30.0)), codex, other).verdict.room_provider == "codex"
    old = read(five(5.0), provider="codex", account="x/y", at=NOW - 700)
    assert shown(login(), read(five(30.0)), codex, old).verdict.room_provider == "claude"


def test_moments_of_the_next_day() -> None:
    """Run-outs and resets within 24 h, soonest first; a week that is far away is not one."""
    week = Window("7d", "7 d", 30.0, NOW + 200_000, 604_800)
    kinds = [(m.kind, m.window) for m in shown(login(), read(five(60.0), week)).moments]
    assert kinds == [(MomentKind.RUNS_OUT, "5h"), (MomentKind.RESET, "5h")]
