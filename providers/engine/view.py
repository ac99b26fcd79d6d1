"""Facts and the time of day become what is shown.  Pure: the one place that judges.

Called on every tick by the pane and once by the one-shot commands, so that stale, reset
due, pace, severity and status cannot differ between them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from providers.base import Descriptor
from providers.engine.deck import UNKNOWN, AccountFacts, Facts, Figure, ProviderFacts, account_id
from providers.engine.outlook import moments_of, verdict_of
from providers.engine.pace import PaceRule, pace_of
from providers.engine.shown import (
    AccountView,
    Budget,
    BurnView,
    DeckView,
    ProviderView,
    Severity,
    WindowState,
    WindowView,
)
from providers.model import Burn, Failure, LoginState, Polling, Status, Trend, Window
from providers.record import Record

STALE_AT_LEAST = 600.0
ASKING_AT_MOST = 60.0
"""A question that is out for longer was lost with its thread."""

CLOCK_SLACK = 60.0
"""A figure further in the future than this has no known age."""

QUARTER = 900
BARS = 16
"""Quarters of an hour that the sparkline of tokens shows: four hours."""

_ORDER = {"5h": 0, "day": 1, "7d": 2, "month": 3, "credits": 8, "spend": 9}
_LOGIN_WINS = frozenset(
    {Status.EXPIRED, Status.DENIED, Status.UNSUBSCRIBED, Status.UNCONFIGURED, Status.ERROR}
)


class ViewRules(Record):
    """What a person may set: thresholds in percent, the pace rule, aliases by e-mail
    or account id, and the providers that are switched off."""

    watch_percent: float = 75.0
    high_percent: float = 90.0
    pace: PaceRule = PaceRule()
    aliases: Mapping[str, str] = MappingProxyType({})
    disabled: frozenset[str] = frozenset()


def view(facts: Facts, now: float, rules: ViewRules, *, every: bool = False) -> DeckView:
    """What a person sees at ``now`` (epoch seconds); with ``every`` also the providers of which
    nothing was found."""
    shown = (_provider(p, now, rules, every) for p in facts.providers)
    providers = tuple(p for p in shown if p is not None)
    return DeckView(now, providers, verdict_of(providers, now), moments_of(providers, now))


def only(shown: DeckView, wanted: Collection[str]) -> DeckView:
    """The view of these providers alone, its verdict and moments included."""
    kept = tuple(p for p in shown.providers if p.id in wanted)
    now = shown.generated_at
    return DeckView(now, kept, verdict_of(kept, now), moments_of(kept, now))


def _provider(facts: ProviderFacts, now: float, rules: ViewRules, every: bool) -> ProviderView | None:
    d = facts.descriptor
    if d.id in rules.disabled:
        off = "switched off in the settings; nothing of it is read"
        return ProviderView(d.id, d.name, d.mark, d.cli, Status.DISABLED, off, ())
    accounts = [
        _account(a, facts, now, rules)
        for a in facts.accounts
        if a.figures or a.failures or a.kept is not None or _live(a, facts)
    ]
    if d.hidden_when_empty and not accounts and not every:
        return None
    accounts.sort(key=lambda a: (not a.live, not a.known))
    front = accounts[0] if accounts else None
    if front is None or (front.kept and not front.live and not front.windows):
        status, message = _absent(facts)
    else:
        status, message = front.status, front.message
    failures = sorted((f for a in facts.accounts for f in a.failures), key=lambda f: f.observed_at)
    return ProviderView(
        d.id,
        d.name,
        d.mark,
        d.cli,
        status,
        message,
        tuple(accounts),
        facts.reports,
        _trend(facts, front),
        tuple(failures),
        _burn(facts.burn, now),
    )


def _live(account: AccountFacts, facts: ProviderFacts) -> bool:
    login = facts.login
    if login is None:
        return False
    if login.identity is not None:
        return login.identity.key == account.key
    return account.key == UNKNOWN and login.status in (Status.OK, Status.IDLE)


def _absent(facts: ProviderFacts) -> tuple[Status, str]:
    if facts.login is None:
        return Status.UNCONFIGURED, ""
    return facts.login.status, facts.login.message


def _account(account: AccountFacts, facts: ProviderFacts, now: float, rules: ViewRules) -> AccountView:
    descriptor, live = facts.descriptor, _live(account, facts)
    limit = max(2.0 * descriptor.interval, STALE_AT_LEAST)
    windows = tuple(sorted((_window(f, now, limit, rules) for f in account.figures), key=_position))
    newest = max((f.observed_at for f in account.figures), default=None)
    login = facts.login if live else None
    status, message, fix = _status(account, windows, login, descriptor, newest, now)
    ident = account_id(descriptor.id, account.key)
    email, kept = account.identity.email, account.kept
    polling = _polling(facts, account.key, live)
    failure = _failure(account, newest, now)
    return AccountView(
        id=ident,
        alias=rules.aliases.get(email) or rules.aliases.get(ident) or (kept and kept.alias) or account.alias,
        email=email,
        organisation=account.identity.organisation,
        plan=account.plan or (kept.plan if kept else ""),
        live=live,
        known=account.key != UNKNOWN,
        status=status,
        message=message,
        fix=fix,
        login_expires_at=login.login_expires_at if login else kept.ends_at if kept else None,
        next_refresh_at=polling.next_at if polling else account.next_refresh_at,
        observed_at=newest,
        windows=windows,
        warnings=login.warnings if login else (),
        budget=_budget(polling, now) if polling and polling.limit else None,
        waits=polling.waits if polling else "",
        by_hand_at=polling.by_hand_at if polling else 0.0,
        asking=bool(polling and polling.asking is not None and now - polling.asking < ASKING_AT_MOST),
        retry_at=failure.retry_at if failure else None,
        kept=kept is not None,
    )


def _polling(facts: ProviderFacts, key: str, live: bool) -> Polling | None:
    """How asking about an account stands; what names no account is about the live one."""
    known = {p.account: p for p in facts.polling}
    return known.get(key) or (known.get(UNKNOWN) if live else None)


def _budget(polling: Polling, now: float) -> Budget:
    """The requests that still count; one from the future (the clock was set back) does."""
    used = sum(1 for at in polling.asked if at > now - polling.per_seconds)
    return Budget(used, polling.limit, polling.per_seconds)


def _failure(account: AccountFacts, newest: float | None, now: float) -> Failure | None:
    """The newest failure, while no figure is newer."""
    failure = max(account.failures, key=lambda f: f.observed_at, default=None)
    if failure is not None and (newest is None or min(failure.observed_at, now) >= newest):
        return failure
    return None


def _status(
    account: AccountFacts,
    windows: tuple[WindowView, ...],
    login: LoginState | None,
    descriptor: Descriptor,
    newest: float | None,
    now: float,
) -> tuple[Status, str, str]:
    """Status, sentence and fixing command.  A failure counts while no figure is newer."""
    if login is not None and login.status in _LOGIN_WINS:
        return login.status, login.message, login.fix
    failure = _failure(account, newest, now)
    if failure is not None:
        return failure.status, failure.message, ""
    fresh = any(w.state in (WindowState.FRESH, WindowState.NOT_STARTED) for w in windows)
    if login is not None and login.status is Status.IDLE and not fresh:
        return Status.IDLE, login.message, login.fix
    if login is None and account.kept is not None:
        if account.kept.ends_at is not None and account.kept.ends_at <= now:
            return Status.EXPIRED, "its kept login has run out: log in to it again", ""
        if not windows:
            return Status.STALE, "no figures of it yet: they come while it is in use", ""
    if not windows:
        cli = descriptor.cli
        return (
            Status.OK,
            f"no figures yet: they come with {cli}'s next answer" if cli else "no figures yet",
            cli,
        )
    if not account.key:
        return Status.OK if fresh else Status.STALE, "the files do not say whose figures these are", ""
    return (Status.OK, "", "") if fresh else (Status.STALE, "", "")


def _window(figure: Figure, now: float, limit: float, rules: ViewRules) -> WindowView:
    window = figure.window
    state = _state(figure, now, limit)
    blank = state in (WindowState.RESET_DUE, WindowState.UNKNOWN)
    used = None if blank else window.used_percent
    pace = None if blank else pace_of(window, figure.observed_at, rules.pace)
    return WindowView(
        id=window.id,
        label=window.label,
        state=state,
        used_percent=used,
        resets_at=window.resets_at,
        window_seconds=window.window_seconds,
        source=figure.source.value,
        origin=figure.origin,
        observed_at=figure.observed_at,
        severity=_severity(used, pace is not None and pace.runs_out_at is not None, window, rules),
        pace=pace,
        used=window.used,
        limit=window.limit,
        remaining=window.remaining,
        unit=window.unit,
        note=window.note,
        refills_at=window.refills_at,
        refill_percent=window.refill_percent,
    )


def _state(figure: Figure, now: float, limit: float) -> WindowState:
    window = figure.window
    if window.resets_at is not None and window.resets_at <= now:
        return WindowState.RESET_DUE
    if window.used_percent is None and window.used is None and window.remaining is None and not window.note:
        return WindowState.UNKNOWN
    if not now - limit <= figure.observed_at <= now + CLOCK_SLACK:
        return WindowState.STALE
    return WindowState.NOT_STARTED if _not_started(window, figure.observed_at) else WindowState.FRESH


def _not_started(window: Window, observed_at: float) -> bool:
    """A rolling window that nobody opened: nothing used, and no reset, or one that slides
    along a full length ahead of the clock (codex.md section 8, claude.md section 2.3)."""
    if window.used_percent != 0 or not window.window_seconds:
        return False
    if window.resets_at is None:
        return True
    return window.resets_at - observed_at >= window.window_seconds - CLOCK_SLACK


def _severity(used: float | None, runs_out: bool, window: Window, rules: ViewRules) -> Severity:
    if used is None or window.note:
        return Severity.NONE
    if used >= rules.high_percent:
        return Severity.HIGH
    return Severity.WATCH if runs_out or used >= rules.watch_percent else Severity.OK


def _position(window: WindowView) -> tuple[int, str]:
    base = window.id.partition(":")[0]
    return _ORDER.get(base, 5), window.id


def _trend(facts: ProviderFacts, front: AccountView | None) -> Trend | None:
    """The trend of the front account's first window that has one."""
    if front is None:
        return None
    known = {(t.account, t.window): t for t in facts.trends}
    return next((known[front.id, w.id] for w in front.windows if (front.id, w.id) in known), None)


def _burn(burn: Burn | None, now: float) -> BurnView | None:
    """The bars up to the quarter of an hour that runs now."""
    if burn is None:
        return None
    known = dict(burn.buckets)
    last = int(now // QUARTER) * QUARTER
    bars = tuple(known.get(last - back * QUARTER, 0) for back in range(BARS - 1, -1, -1))
    return BurnView(bars, burn.today if now < burn.day_ends else None)
