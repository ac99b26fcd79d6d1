"""The reports of ``quotadeck status`` for people: lines, sentences, one word, tmux.  Pure.

Same facts, same judgements as the pane: everything comes from the `DeckView`.
"""

from __future__ import annotations

from providers.engine.shown import (
    AccountView,
    DeckView,
    ProviderView,
    Severity,
    WindowState,
    WindowView,
)
from providers.model import PROBLEMS
from tui.glyphs import Glyphs, state_glyph
from tui.sentences import room_sentence, sentence, verdict
from tui.text import (
    Zone,
    account_name,
    age,
    ascii_only,
    countdown,
    flag,
    forecast,
    pad,
    percent,
    state_words,
)

CHECK_NEAR, CHECK_FULL, CHECK_OLD, CHECK_NOTHING = 10, 11, 20, 30
_OLD = frozenset({WindowState.STALE, WindowState.RESET_DUE})
_BESIDE = 60
"""Cells of a line besides its bar: label, figures, ``out Thu 06:04  seen 41m ago``."""
_TMUX = {Severity.HIGH: "red", Severity.WATCH: "yellow", Severity.OK: "cyan", Severity.NONE: "default"}


def as_lines(view: DeckView, zone: Zone, *, hours: int, width: int, glyphs: Glyphs) -> str:
    """The default report: the verdict, then a line a window, bars where there is room."""
    lines = [verdict(view, zone, hours, False, width), ""]
    for provider in view.providers:
        front = provider.front
        words = state_words(provider, front, view.generated_at, zone, hours)
        lines.append(f"{state_glyph(provider.status, glyphs)} {provider.name}  {words}".rstrip())
        if provider.message:
            lines.append(f"  {provider.message}" + (f" (run: {front.fix})" if front and front.fix else ""))
        for account in provider.accounts:
            name = account_name(account, False)
            lines.append(f"  {name}  {account.plan}".rstrip() + ("" if account.live else "  (not live)"))
            lines += [f"  ! {warning}" for warning in account.warnings]
            lines += [_line(w, view.generated_at, zone, hours, width, glyphs) for w in account.windows]
    text = "\n".join(lines) + "\n"
    return ascii_only(text) if glyphs.words else text


def _line(window: WindowView, now: float, zone: Zone, hours: int, width: int, glyphs: Glyphs) -> str:
    room = min(40, width - _BESIDE)
    pace = window.pace
    tick, ahead = (pace.expected_percent, pace.projected_percent) if pace else (None, None)
    from tui.bar import cells

    bar = "".join(s.text for s in cells(room, window.used_percent, tick, ahead, glyphs)) if room >= 8 else ""
    left = countdown(window.resets_at - now) if window.resets_at and window.resets_at > now else ""
    text = f"    {pad(window.label, 12)} {bar} {percent(window.used_percent):>4} {left:>7} "
    old = age(now - window.observed_at) if window.state is WindowState.STALE else ""
    seen = f"seen {old} ago" if old else ""
    ends = "  ".join(part for part in (forecast(window, now, zone, hours), seen) if part)
    return f"{text}{flag(window, glyphs)} {ends}".rstrip()


def as_plain(view: DeckView, zone: Zone, *, hours: int) -> str:
    """One sentence a window, and where most room is; for screen readers and logs."""
    lines: list[str] = []
    for provider in view.providers:
        if not any(a.windows for a in provider.accounts) or provider.message:
            words = state_words(provider, provider.front, view.generated_at, zone, hours)
            lines.append(
                f"{provider.name}, {words or 'ok'}" + (f": {provider.message}" if provider.message else "")
            )
        for account in provider.accounts:
            lines += [f"{provider.name}, warning: {warning}" for warning in account.warnings]
            for window in account.windows:
                lines.append(sentence(provider, account, window, view.generated_at, zone, hours))
    room = room_sentence(view, False)
    return "\n".join([*lines, *([room] if room else [])]) + "\n"


def as_short(view: DeckView) -> str:
    """A word for each provider with an account: mark, fullest window, ``!`` or ``?``.

    The account is the front one: the live one, else the first.  ``C?`` has no figure that
    holds now, ``C-`` none at all; a provider without an account and without a fault is not
    worth a word.
    """
    return " ".join(_word(p, p.front) for p in _worth(view)) + "\n"


def as_tmux(view: DeckView) -> str:
    """The short words with tmux's colour marks, on one line."""
    words = [
        f"#[fg={_TMUX[_severity(p.front)]}]{_word(p, p.front).replace('#', '##')}#[default]"
        for p in _worth(view)
    ]
    return " ".join(words) + "\n"


def _worth(view: DeckView) -> list[ProviderView]:
    return [p for p in view.providers if p.front is not None or p.status in PROBLEMS]


def _word(provider: ProviderView, account: AccountView | None) -> str:
    known = _counting(account)
    states = {w.state for w in account.windows if not w.note} if account is not None else set()
    old = bool(states & _OLD)
    if not known:
        return f"{provider.mark}{'?' if old or WindowState.UNKNOWN in states else '-'}"
    fullest = max(known, key=lambda w: w.used_percent or 0)
    runs_out = any(w.pace is not None and w.pace.runs_out_at is not None for w in known)
    urgent = "!" if _severity(account) is Severity.HIGH or runs_out else ""
    return f"{provider.mark}{percent(fullest.used_percent).rstrip('%')}{urgent}{'?' if old else ''}"


def _counting(account: AccountView | None) -> list[WindowView]:
    """The windows that say how full an account is."""
    return [w for w in account.windows if w.used_percent is not None and not w.note] if account else []


def _severity(account: AccountView | None) -> Severity:
    return max((w.severity for w in _counting(account)), default=Severity.NONE)


def exit_code(view: DeckView) -> int:
    """For ``--check``: nothing at all, all old, one full, one near, or calm."""
    if not any(a.windows for p in view.providers for a in p.accounts):
        return CHECK_NOTHING
    live = [w for p in view.providers for a in p.accounts if a.live for w in a.windows if not w.note]
    usable = [w for w in live if w.state in (WindowState.FRESH, WindowState.NOT_STARTED)]
    if not usable:
        return CHECK_OLD
    used = [w.used_percent for w in live if w.used_percent is not None]
    if any(u >= 100 for u in used):
        return CHECK_FULL
    return CHECK_NEAR if any(u >= 75 for u in used) else 0
