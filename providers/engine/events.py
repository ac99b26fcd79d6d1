"""What happened while the pane was open: a bounded log, from one view to the next.

Pure; owned by the event loop's thread.  The event screen shows it, so its sentences carry no
secret and no name that a person would not want in a bug report.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from providers.engine.shown import AccountView, DeckView, ProviderView, WindowState, WindowView
from providers.engine.values import clean, looks_secret
from providers.model import Outcome, Status
from providers.record import Record

KEPT = 500
OURS = "endpoint_sidecar"
"""The source of what a copy of ours published."""
_ADDRESS = re.compile(r"\b[\w.+-]+@(?=[\w-]+\.)")


class Event(Record):
    """One line of the log.  ``tone`` is text, watch or high."""

    at: float
    provider: str
    what: str
    tone: str = "text"


class EventLog:
    """The last `KEPT` events."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)

    def add(self, event: Event) -> None:
        """Keeps an event; what looks like a credential is not kept, an address loses its
        local part."""
        what = clean(event.what, 200)
        if looks_secret(what):
            what = "something that looks like a credential, not shown"
        what = _ADDRESS.sub(lambda found: f"{found[0][0]}…@", what)
        self._events.append(Event(event.at, event.provider, what, event.tone))

    def note(self, before: DeckView | None, after: DeckView) -> None:
        """Adds what is different between two views."""
        known = {p.id: p for p in before.providers} if before is not None else {}
        for provider in after.providers:
            for event in _news(known.get(provider.id), provider, after.generated_at):
                self.add(event)

    def lines(self) -> tuple[Event, ...]:
        """Every event, the newest first."""
        return tuple(reversed(self._events))


def _news(before: ProviderView | None, after: ProviderView, now: float) -> Iterator[Event]:
    if before is None:
        if after.status is not Status.UNCONFIGURED:
            yield Event(now, after.id, f"opened: {_status_words(after)}")
        return
    if after.status is not before.status or (after.message != before.message and after.message):
        tone = {Status.OK: "text", Status.EXPIRED: "high", Status.ERROR: "watch", Status.LIMITED: "watch"}
        yield Event(now, after.id, _status_words(after), tone.get(after.status, "text"))
    if _live(before) and _live(after) and _live(before) != _live(after):
        yield Event(now, after.id, "another account is live now", "watch")
    for report in after.reports:
        old = next((r for r in before.reports if r.source_id == report.source_id), None)
        came = old is not None and old.outcome is Outcome.ABSENT and report.outcome is not Outcome.ABSENT
        # Our own sidecar is the answer, which is an event already.
        if came and report.source_id != OURS:
            yield Event(now, after.id, f"{report.title} appeared: {report.outcome.value}")
    known = {(a.id, w.id): w for a in before.accounts for w in a.windows}
    for account in after.accounts:
        yield from _answers(known, account, after.id)
        for window in account.windows:
            yield from _moves(known.get((account.id, window.id)), window, after, account, now)


def _status_words(provider: ProviderView) -> str:
    return f"{provider.status.value}{': ' + provider.message if provider.message else ''}"


def _live(provider: ProviderView) -> str:
    return next((a.id for a in provider.accounts if a.live), "")


def _answers(
    known: dict[tuple[str, str], WindowView], account: AccountView, provider: str
) -> Iterator[Event]:
    """An endpoint's answer is one event, whatever number of windows it brought."""
    newest = max((w.observed_at for w in account.windows if w.source == "endpoint"), default=None)
    before = max(
        (w.observed_at for (a, _), w in known.items() if a == account.id and w.source == "endpoint"),
        default=None,
    )
    if newest is not None and (before is None or newest > before):
        yield Event(newest, provider, "the usage endpoint answered")


def _moves(
    before: WindowView | None, after: WindowView, provider: ProviderView, account: AccountView, now: float
) -> Iterator[Event]:
    """Thresholds passed, windows come back, resets reached."""
    if before is None or after.note:
        return
    who = f"{account.alias or 'account ' + account.id[:4]} " if len(provider.accounts) > 1 else ""
    old, new = before.used_percent, after.used_percent
    if after.state is WindowState.RESET_DUE and before.state is not WindowState.RESET_DUE:
        yield Event(now, provider.id, f"{who}{after.label}: its reset has come")
    if old is None or new is None:
        return
    for bound, word, tone in (
        (100, "is full", "high"),
        (90, "passed 90 %", "watch"),
        (75, "passed 75 %", "watch"),
    ):
        if old < bound <= new:
            yield Event(now, provider.id, f"{who}{after.label} {word}", tone)
            return
    if old >= 90 and new < 90:
        yield Event(now, provider.id, f"{who}{after.label} has room again: {new:.0f} % used")
