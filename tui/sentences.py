"""Whole sentences: the verdict of the first line, and one sentence a window.

Pure; see text.py for the pieces.  The same words feed the pane, ``--plain`` and copies.
"""

from __future__ import annotations

from providers.engine.shown import (
    AccountView,
    DeckView,
    ProviderView,
    Verdict,
    VerdictKind,
    WindowState,
    WindowView,
)
from tui.text import (
    Zone,
    account_name,
    age,
    amount,
    cell_width,
    clock_time,
    countdown,
    duration_words,
    early,
    fit,
    hide,
    percent,
)

_WINDOW_WORDS = {
    "5h": "5 hour window",
    "7d": "weekly window",
    "day": "daily window",
    "month": "monthly window",
}
_SHORT = {"5h": "5 h ", "7d": "7 d "}
"""How the label of a window for one model begins; a day's or month's is the scope alone."""


def verdict(view: DeckView, zone: Zone, hours: int, private: bool, width: int) -> str:
    """The one thing to know now, in at most ``width`` cells.  Candidates go from long to
    short; the last resort is a cut."""
    candidates = _candidates(view, zone, hours, private)
    fitting = next((c for c in candidates if cell_width(c) <= width), None)
    return fitting if fitting is not None else fit(candidates[-1], width)


def _candidates(view: DeckView, zone: Zone, hours: int, private: bool) -> list[str]:
    said = view.verdict
    if said.kind is VerdictKind.EMPTY:
        names = " or ".join(p.name for p in view.providers[:2])
        long = [f"nothing found yet: no {names} login on this machine"] if names else []
        return [*long, "nothing found yet"]
    if said.kind is VerdictKind.CALM:
        room = _room(view, said, private)
        return [f"all calm; {room}", "all calm"] if room else ["all calm"]
    who, short, window = _subject(view, said, private)
    now, at = view.generated_at, said.at or view.generated_at
    more = f" (+{said.others} more)" if said.others else ""
    match said.kind:
        case VerdictKind.RUNS_OUT:
            when, ahead = clock_time(at, now, zone, hours), early(said.early_seconds or 0)
            ends = [f" runs out {when}, {ahead}", f" out {when}, {ahead}", f" out {when}"]
        case VerdictKind.FULL:
            when = f", back {clock_time(said.at, now, zone, hours)}" if said.at else ""
            ends = [f" {window} is full{when}", f" full{when}", " full"]
        case VerdictKind.LOGIN:
            fix = _fix(view, said)
            ends = [f" needs a login: run {fix}"] if fix else []
            ends.append(" needs a login")
        case VerdictKind.TIGHT:
            left = f", resets in {countdown(at - now)}" if said.at else ""
            ends = [f" {window} {percent(said.percent)} used{left}", f" {window} {percent(said.percent)}"]
        case _:
            old = age(now - at)
            last = f"{old} ago" if old else "just now"
            ends = [f": the figures are old, last word {last}", ": old figures"]
    return [f"{name}{end}{tail}" for name, end, tail in _shortening(who, short, ends, more)]


def _shortening(who: str, short: str, ends: list[str], more: str) -> list[tuple[str, str, str]]:
    """Less and less of it: first without the rest, then a shorter end, then a shorter name."""
    tries = [(who, ends[0], more)] if more else []
    tries += [(who, end, "") for end in ends]
    return tries + [(short, end, "") for end in ends]


def _subject(view: DeckView, said: Verdict, private: bool) -> tuple[str, str, str]:
    """Long name, short name and window label of what a verdict is about."""
    provider = next((p for p in view.providers if p.id == said.provider), None)
    if provider is None:
        return said.provider, said.provider, said.window
    name = provider.name.removesuffix(" Code")
    account = next((a for a in provider.accounts if a.id == said.account), None)
    if account is None:
        return name, name, said.window
    window = next((w.label for w in account.windows if w.id == said.window), said.window)
    who = account_name(account, private).partition("@")[0] if account.known else ""
    return f"{name} {who}".rstrip(), name, window


def _fix(view: DeckView, said: Verdict) -> str:
    """The command that mends the front account of the provider, if one is known."""
    front = next((p.front for p in view.providers if p.id == said.provider), None)
    return front.fix if front is not None else ""


def _room(view: DeckView, said: Verdict, private: bool) -> str:
    if said.room_percent is None:
        return ""
    where = Verdict(said.kind, said.room_provider, said.room_account)
    return f"most room: {_subject(view, where, private)[0]}, {percent(said.room_percent)} left"


def room_sentence(view: DeckView, private: bool) -> str:
    """Where most is left now, as a sentence; empty if nothing fresh is known."""
    room = _room(view, view.verdict, private)
    return f"{room[:1].upper()}{room[1:]}." if room else ""


def window_words(window: WindowView) -> str:
    """A window's name for reading aloud: ``5 hour window``, ``weekly window, Fable``."""
    base, _, scope = window.id.partition(":")
    if base not in _WINDOW_WORDS:
        return window.label
    said = window.label.removeprefix(_SHORT.get(base, ""))
    return f"{_WINDOW_WORDS[base]}, {said}" if scope else _WINDOW_WORDS[base]


def sentence(
    provider: ProviderView,
    account: AccountView,
    window: WindowView,
    now: float,
    zone: Zone,
    hours: int = 24,
    private: bool = False,
) -> str:
    """``Claude Code, 5 hour window, 62 percent used, resets in 2 hours 48 minutes, …``"""
    who = provider.name
    if len(provider.accounts) > 1 or not account.known:
        who += f" {account_name(account, private)}"
    parts = [who, window_words(window)]
    if window.note:
        return ", ".join([*parts, window.note])
    if window.state is WindowState.RESET_DUE:
        return ", ".join([*parts, "reset due, waiting for a fresh figure"])
    if window.state is WindowState.UNKNOWN:
        return ", ".join([*parts, "unknown"])
    if window.used_percent is not None:
        parts.append(f"{percent(window.used_percent).rstrip('%')} percent used")
    if counted := amount(window):
        parts.append(counted if " of " in counted else f"{counted} {_meaning(window)}")
    if window.state is WindowState.NOT_STARTED:
        return ", ".join([*parts, "not started"])
    if window.resets_at is not None:
        parts.append(f"resets in {duration_words(window.resets_at - now)}")
    if window.pace is not None and window.pace.runs_out_at is not None:
        out = window.pace.runs_out_at
        parts.append(f"runs out at {clock_time(out, now, zone, hours)}" if out > now else "may be out")
    if window.state is WindowState.STALE:
        parts.append(f"measured {duration_words(now - window.observed_at)} ago")
    return ", ".join(parts)


def _meaning(window: WindowView) -> str:
    """Whether an amount without a limit beside it is what is left or what is used."""
    return "left" if window.remaining is not None else "used"


def panel_text(provider: ProviderView, now: float, zone: Zone, hours: int, private: bool) -> str:
    """A panel as one line to paste elsewhere: a sentence for each window, or its state."""
    said = [
        sentence(provider, account, window, now, zone, hours, private)
        for account in provider.accounts
        for window in account.windows
    ]
    if not said:
        message = hide(provider.message, (provider,), private)
        said = [", ".join(part for part in (provider.name, provider.status.value, message) if part)]
    return "; ".join(said)


def pane_title(view: DeckView, zone: Zone, hours: int) -> str:
    """The terminal's title: ``quotadeck 62% out 15:23``.  No name of an account is in it, as
    titles show in places that ``i`` does not reach."""
    said, now = view.verdict, view.generated_at
    shown = percent(said.percent) if said.percent is not None else ""
    match said.kind:
        case VerdictKind.RUNS_OUT if said.at is not None:
            words = [shown, f"out {clock_time(said.at, now, zone, hours)}"]
        case VerdictKind.FULL:
            words = ["full", f"back {clock_time(said.at, now, zone, hours)}" if said.at else ""]
        case VerdictKind.LOGIN:
            words = ["needs a login"]
        case VerdictKind.TIGHT:
            words = [shown]
        case _:
            words = []
    return " ".join(word for word in ("quotadeck", *words) if word)
