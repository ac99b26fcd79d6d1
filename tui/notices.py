"""Which notices are due: crossings and returns, once per window and cycle.

`Watchman` is owned by the event loop's thread and sees every changed deck; it decides, and
messenger.py delivers.  Keys as in steipete/CodexBar: provider, account, window, cycle, kind.
"""

from __future__ import annotations

from enum import StrEnum

from providers.engine.settings import Settings
from providers.engine.shown import AccountView, DeckView, ProviderView, WindowState, WindowView
from providers.model import FIVE_HOURS, Status
from providers.record import Record
from tui.sentences import window_words
from tui.text import Zone, account_name, clock_time, percent

QUIET_START = 10.0
"""Seconds after the first look in which everything counts as known already."""

CYCLE_SLACK = 300.0
AGREE_AFTER = 60.0
"""A big drop without a new cycle is believed once a figure this much later agrees: services
answer 0 % for a moment now and then (steipete/CodexBar#2481)."""


class Kind(StrEnum):
    """What happened."""

    WATCH = "watch"
    HIGH = "high"
    FULL = "full"
    BACK = "back"
    RUNS_OUT = "runs_out"
    LOGIN = "login"


class Notice(Record):
    """One thing to hear of.  ``text`` is a sentence without control characters; ``urgent``
    rings the bell."""

    kind: Kind
    provider: str
    account: str
    window: str
    title: str
    text: str
    urgent: bool


class _Seen:
    """What was told of one window in its present cycle."""

    def __init__(self, window: WindowView) -> None:
        self.resets_at = window.resets_at
        self.observed_at = window.observed_at
        self.told: set[Kind] = set()
        self.was_high = False
        self.low_since: float | None = None


class Watchman:
    """Sees decks and says what is news in them."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, str], _Seen] = {}
        self._logins: dict[str, bool] = {}
        self._muted: dict[str, float] = {}
        self._began: float | None = None

    def see(
        self, view: DeckView, settings: Settings, *, zone: Zone, hours: int, private: bool
    ) -> list[Notice]:
        """The notices that are due; each is returned once.  Muted panels and quiet hours keep
        their crossings to themselves: they count as told."""
        now = view.generated_at
        if self._began is None:
            self._began = now
        found: list[Notice] = []
        for provider in view.providers:
            words = _Words(provider, now, zone, hours, private)
            found += self._login(provider, words)
            for account in provider.accounts:
                for window in account.windows:
                    found += self._window(provider, account, window, settings, words)
        if now - self._began < QUIET_START or is_quiet(settings.quiet_hours, now, zone):
            return []
        return [n for n in found if not now < self._muted.get(n.provider, 0)]

    def toggle_mute(self, provider_id: str, view: DeckView) -> float | None:
        """Mutes a panel until its next reset, or takes that back; returns until when, None if
        it is not muted now."""
        now = view.generated_at
        if now < self._muted.pop(provider_id, 0):
            return None
        provider = next((p for p in view.providers if p.id == provider_id), None)
        front = provider.front if provider else None
        resets = [w.resets_at for w in front.windows if w.resets_at and w.resets_at > now] if front else []
        self._muted[provider_id] = min(resets, default=now + FIVE_HOURS)
        return self._muted[provider_id]

    def _login(self, provider: ProviderView, words: _Words) -> list[Notice]:
        """A login that has run out, once until it was well again."""
        expired = provider.status is Status.EXPIRED
        before = self._logins.get(provider.id)
        if expired or provider.status in (Status.OK, Status.STALE, Status.IDLE):
            self._logins[provider.id] = expired
        if not expired or before is not False:
            return []
        return [words.login()]

    def _window(
        self,
        provider: ProviderView,
        account: AccountView,
        window: WindowView,
        settings: Settings,
        words: _Words,
    ) -> list[Notice]:
        used = window.used_percent
        if window.state is not WindowState.FRESH or used is None or window.note or not account.known:
            return []
        place = (provider.id, account.id, window.id)
        seen = self._windows.get(place)
        fresh = seen is None or _new_cycle(seen, window)
        back = self._is_back(seen, window, settings.high_percent, new_cycle=fresh)
        if fresh:
            if seen is not None and window.observed_at < seen.observed_at:
                return []
            was_high = seen is not None and seen.was_high and not back
            seen = self._windows[place] = _Seen(window)
            seen.was_high = was_high
        assert seen is not None
        seen.resets_at, seen.observed_at = window.resets_at, max(seen.observed_at, window.observed_at)
        found = [words.back(account, window)] if back else []
        if used >= settings.high_percent:
            seen.was_high = True
        for kind in _crossed(window, used, settings) if account.live else ():
            if kind not in seen.told:
                found.append(words.crossing(kind, account, window))
                # The higher step implies the lower ones.
                seen.told |= {Kind.WATCH, kind} if kind is not Kind.FULL else {Kind.WATCH, Kind.HIGH, kind}
        return found

    def _is_back(self, seen: _Seen | None, window: WindowView, high: float, *, new_cycle: bool) -> bool:
        """Whether a window that was high has room again: at once in a new cycle, otherwise
        when a second figure says so too."""
        if seen is None or not seen.was_high:
            return False
        if (window.used_percent or 0) >= high:
            seen.low_since = None
            return False
        if new_cycle:
            return True
        if seen.low_since is None:
            seen.low_since = window.observed_at
        if window.observed_at - seen.low_since < AGREE_AFTER:
            return False
        seen.was_high, seen.low_since = False, None
        seen.told.clear()
        return True


def is_quiet(span: str, now: float, zone: Zone) -> bool:
    """Whether the local time lies in a span like ``22:00-07:00``, which may cross midnight."""
    if not span:
        return False
    there = zone(now)
    here = there.tm_hour * 60 + there.tm_min
    begin, end = (int(t[:2]) * 60 + int(t[3:]) for t in span.split("-"))
    return begin <= here < end if begin <= end else here >= begin or here < end


def _new_cycle(seen: _Seen, window: WindowView) -> bool:
    """Another reset than before: moved by more than half the window, and by 5 minutes at least."""
    if seen.resets_at is None or window.resets_at is None:
        return False
    slack = max(CYCLE_SLACK, (window.window_seconds or 0) / 2)
    return abs(window.resets_at - seen.resets_at) >= slack


def _crossed(window: WindowView, used: float, settings: Settings) -> list[Kind]:
    """The highest step that a figure has reached, and whether it runs out."""
    out = window.pace is not None and window.pace.runs_out_at is not None
    found: list[Kind] = []
    if used >= 100:
        found.append(Kind.FULL)
    elif used >= settings.high_percent:
        found.append(Kind.HIGH)
    elif used >= settings.watch_percent:
        found.append(Kind.WATCH)
    return [*found, Kind.RUNS_OUT] if out and used < 100 else found


class _Words:
    """The sentences of one provider's notices."""

    def __init__(self, provider: ProviderView, now: float, zone: Zone, hours: int, private: bool) -> None:
        self._provider, self._now, self._zone = provider, now, zone
        self._hours, self._private = hours, private

    def login(self) -> Notice:
        """The login has run out."""
        front, name = self._provider.front, self._provider.name
        fix = f": run {front.fix}" if front is not None and front.fix else ""
        account = front.id if front is not None else ""
        text = f"{name} needs a login{fix}"
        return Notice(Kind.LOGIN, self._provider.id, account, "", f"{name}: login", text, True)

    def back(self, account: AccountView, window: WindowView) -> Notice:
        """There is room again."""
        text = f"{self._who(account)}, {window_words(window)}: back, {percent(window.used_percent)} used"
        return self._notice(Kind.BACK, account, window, text, "back")

    def crossing(self, kind: Kind, account: AccountView, window: WindowView) -> Notice:
        """A threshold was passed."""
        begin = f"{self._who(account)}, {window_words(window)}"
        at = window.resets_at
        if kind is Kind.FULL:
            until = f", back {self._time(at)}" if at is not None else ""
            return self._notice(kind, account, window, f"{begin}: full{until}", "full")
        if kind is Kind.RUNS_OUT and window.pace is not None and window.pace.runs_out_at is not None:
            out = f"runs out {self._time(window.pace.runs_out_at)}"
            until = f", before its reset {self._time(at)}" if at is not None else ""
            return self._notice(kind, account, window, f"{begin}: {out}{until}", out)
        used = f"{percent(window.used_percent)} used"
        until = f", resets {self._time(at)}" if at is not None else ""
        return self._notice(kind, account, window, f"{begin}: {used}{until}", used)

    def _notice(self, kind: Kind, account: AccountView, window: WindowView, text: str, short: str) -> Notice:
        title = f"{self._provider.name} {window.label}: {short}"
        return Notice(kind, self._provider.id, account.id, window.id, title, text, kind is Kind.FULL)

    def _who(self, account: AccountView) -> str:
        if len(self._provider.accounts) < 2:
            return self._provider.name
        return f"{self._provider.name} {account_name(account, self._private).partition('@')[0]}"

    def _time(self, at: float) -> str:
        return clock_time(at, self._now, self._zone, self._hours)
