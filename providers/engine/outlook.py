"""What to know first: the verdict of the first line, and the moments of the next 24 hours.

Pure; made by view.py from what is shown, so it says nothing that a row does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from providers.engine.shown import (
    AccountView,
    Moment,
    MomentKind,
    ProviderView,
    Severity,
    Verdict,
    VerdictKind,
    WindowState,
    WindowView,
)
from providers.model import DAY, Status
from providers.record import replace

HORIZON = DAY

Row = tuple[ProviderView, AccountView, WindowView]


def verdict_of(providers: Sequence[ProviderView], now: float) -> Verdict:
    """The most urgent true sentence about the live accounts.

    A run-out that can still be averted comes before a window that is already full.
    """
    room = _room(providers)
    live = [row for row in _rows(providers) if row[1].live]
    for verdict in (_runs_out(live, now), _full(live), _login(providers), _tight(live), _old(live)):
        if verdict is not None:
            return _with_room(verdict, room)
    if not any(p.accounts for p in providers):
        return Verdict(VerdictKind.EMPTY)
    return _with_room(Verdict(VerdictKind.CALM), room)


def moments_of(providers: Sequence[ProviderView], now: float) -> tuple[Moment, ...]:
    """Run-outs and resets of every known account within the next 24 h, soonest first."""
    found: list[Moment] = []
    for provider, account, window in _rows(providers):
        if window.state is WindowState.RESET_DUE or window.note:
            continue
        out = window.pace.runs_out_at if window.pace else None
        for kind, at in ((MomentKind.RUNS_OUT, out), (MomentKind.RESET, window.resets_at)):
            if at is not None and now < at <= now + HORIZON and window.state is not WindowState.NOT_STARTED:
                found.append(Moment(at, kind, provider.id, account.id, window.id, window.used_percent))
    return tuple(sorted(found, key=lambda m: (m.at, m.provider, m.account, m.window)))


def _rows(providers: Sequence[ProviderView]) -> Iterator[Row]:
    for provider in providers:
        for account in provider.accounts:
            for window in account.windows:
                yield provider, account, window


def _about(kind: VerdictKind, row: Row, at: float | None, early: float | None, count: int) -> Verdict:
    provider, account, window = row
    return Verdict(kind, provider.id, account.id, window.id, window.used_percent, at, early, count - 1)


def _runs_out(rows: Sequence[Row], now: float) -> Verdict | None:
    found = [
        (row[2].pace.runs_out_at, row)
        for row in rows
        if row[2].state is WindowState.FRESH and row[2].pace and row[2].pace.runs_out_at is not None
    ]
    coming = sorted(((at, row) for at, row in found if at > now), key=lambda pair: pair[0])
    if not coming:
        return None
    at, row = coming[0]
    return _about(VerdictKind.RUNS_OUT, row, at, (row[2].resets_at or at) - at, len(coming))


def _full(rows: Sequence[Row]) -> Verdict | None:
    """The full window that is back last among one account's, the first such account."""
    full = [row for row in rows if row[2].full]
    if not full:
        return None
    first = full[0][1].id
    row = max((r for r in full if r[1].id == first), key=lambda r: r[2].resets_at or 0)
    return _about(VerdictKind.FULL, row, row[2].resets_at, None, len(full))


def _login(providers: Sequence[ProviderView]) -> Verdict | None:
    broken = [p for p in providers if p.status in (Status.EXPIRED, Status.DENIED)]
    if not broken:
        return None
    account = broken[0].front.id if broken[0].front else ""
    return Verdict(VerdictKind.LOGIN, broken[0].id, account, others=len(broken) - 1)


def _tight(rows: Sequence[Row]) -> Verdict | None:
    tight = [r for r in rows if r[2].severity >= Severity.WATCH and r[2].used_percent is not None]
    if not tight:
        return None
    row = max(tight, key=lambda r: r[2].used_percent or 0)
    return _about(VerdictKind.TIGHT, row, row[2].resets_at, None, len(tight))


def _old(rows: Sequence[Row]) -> Verdict | None:
    if not rows or any(r[2].state in (WindowState.FRESH, WindowState.NOT_STARTED) for r in rows):
        return None
    provider, account, window = max(rows, key=lambda r: r[2].observed_at)
    return Verdict(VerdictKind.OLD, provider.id, account.id, window.id, at=window.observed_at)


def _room(providers: Sequence[ProviderView]) -> tuple[ProviderView, AccountView, float] | None:
    """The account with most left in its tightest window, by fresh figures only."""
    best: tuple[ProviderView, AccountView, float] | None = None
    for provider in providers:
        for account in provider.accounts:
            rows = [w for w in account.windows if not w.note and w.used_percent is not None]
            if not rows or not account.known or any(_untrusted(w) for w in account.windows):
                continue
            left = 100.0 - max(w.used_percent or 0.0 for w in rows)
            if left > 0 and (best is None or left > best[2]):
                best = (provider, account, left)
    return best


def _untrusted(window: WindowView) -> bool:
    return window.state in (WindowState.STALE, WindowState.RESET_DUE)


def _with_room(verdict: Verdict, room: tuple[ProviderView, AccountView, float] | None) -> Verdict:
    if room is None:
        return verdict
    return replace(verdict, room_provider=room[0].id, room_account=room[1].id, room_percent=room[2])
