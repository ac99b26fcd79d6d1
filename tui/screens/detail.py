"""``enter``: everything that is known about one provider, and where it is from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from providers.engine.history import Sample
from providers.engine.shown import AccountView, ProviderView, WindowState, WindowView
from providers.ledger.tally import Question, Told
from providers.model import Outcome, Status
from tui.bar import cells
from tui.chart import chart_lines, span_of, spark_line
from tui.frame import bar_tone, tone_of
from tui.glyphs import state_glyph
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.sentences import panel_text
from tui.spent import Manner, question_of, spent_lines, troubled_lines
from tui.text import (
    Zone,
    account_name,
    age,
    amount,
    asking_words,
    cell_width,
    clock_time,
    countdown,
    duration_words,
    early,
    hide,
    pad,
    percent,
    state_words,
    wrap,
)

CHART_FROM = 50
CHART_ROWS = 10
_SOURCES = {
    "sidecar": "a sidecar", "cache": "the tool's own cache", "log": "a session log",
    "statusline": "the status line", "proxy": "a proxy", "cli": "the tool itself", "web": "the web",
    "endpoint": "the usage endpoint",
}  # fmt: skip


class DetailScreen(PageScreen[None]):
    """One provider on the whole screen; ``w`` chooses the window of the chart."""

    kind: ClassVar[str] = "detail"
    keys: ClassVar[Keys] = (("w", "window"), ("r", "refresh"), ("y", "copy"), ("m", "mute"), ("$", "price"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w,right,l", "window(1)", show=False),
        Binding("W,left,h", "window(-1)", show=False),
        Binding("dollar_sign", "price", show=False),
    ]

    def __init__(self, provider_id: str) -> None:
        super().__init__()
        self.provider_id = provider_id
        self._window = 0
        self._asked: tuple[object, ...] = ()
        self._samples: tuple[Sample, ...] = ()
        self._told: Told | None = None
        self._told_of: tuple[object, ...] = ()
        self._cost = False

    def action_window(self, way: int) -> None:
        """The next window in the chart."""
        self._window += way
        self.draw()

    def action_price(self) -> None:
        """Shows or hides what the tokens would cost at API list prices."""
        self._cost = not self._cost
        self.draw()

    def heading(self) -> Line:
        """Sign, name, state."""
        provider, look = self._provider(), self.deck.look
        if provider is None:
            return (Piece(f" {self.provider_id}", "title"),)
        now = self.deck.feed.view().generated_at
        words = state_words(provider, provider.front, now, look.zone, look.hours)
        if provider.front is not None and provider.front.asking:
            words = "refreshing"
        sign = state_glyph(provider.status, look.glyphs)
        return (
            Piece(f" {sign} {provider.name}", "title"),
            Piece(f"   {words}", "dim"),
        )

    def body(self, width: int) -> Sequence[Line]:
        """All sections; every sentence is wrapped, so that nothing is lost in a narrow pane."""
        provider = self._provider()
        if provider is None:
            return [(Piece(" it is not in the deck any more; esc goes back", "dim"),)]
        lines: list[Line] = []
        for account in provider.accounts:
            lines += [(), *self._account(account, width)]
            if account is provider.front:
                lines += self._charted(provider, width)
                lines += self._spent(provider, width)
        if not provider.accounts:
            lines += [(), *self._said(provider.message, width, "text")]
        lines += self._wrong(provider, width)
        lines += self._sources(provider, width)
        lines += troubled_lines(self._told, width, self._manner())
        private = self.deck.look.private
        return [tuple(Piece(hide(p.text, (provider,), private), p.tone) for p in line) for line in lines]

    def copy_text(self) -> str:
        """The sentences of every window."""
        provider, look = self._provider(), self.deck.look
        now = self.deck.feed.view().generated_at
        return panel_text(provider, now, look.zone, look.hours, look.private) if provider else ""

    def _provider(self) -> ProviderView | None:
        return next((p for p in self.deck.feed.view().providers if p.id == self.provider_id), None)

    def _account(self, account: AccountView, width: int) -> Iterator[Line]:
        look, now = self.deck.look, self.deck.feed.view().generated_at
        sign = look.glyphs.live if account.live else look.glyphs.parked
        name = account_name(account, look.private)
        more = () if look.private else (account.email, account.organisation)
        who = "  ".join(dict.fromkeys(part for part in (name, *more, account.plan) if part))
        yield (Piece(f" {sign} {who}", "title"),)
        labels = max((cell_width(w.label) for w in account.windows), default=0)
        for window in account.windows:
            yield from self._window_lines(window, width, min(14, max(7, labels)))
        if account.message or account.status not in (Status.OK, Status.STALE):
            said = ": ".join(p for p in (account.status.value, account.message) if p)
            yield from self._said(said, width, "watch")
        if account.fix:
            yield (Piece("   run: ", "dim"), Piece(account.fix, "key"))
        for warning in account.warnings:
            yield from self._said(f"! {warning}", width, "watch")
        if account.login_expires_at is not None:
            left = countdown(account.login_expires_at - now)
            when = clock_time(account.login_expires_at, now, look.zone, look.hours)
            urgent = account.login_expires_at - now < 7 * 86_400
            yield from self._said(f"the login ends in {left}, {when}", width, "watch" if urgent else "dim")
        yield from self._asking(account, width)

    def _asking(self, account: AccountView, width: int) -> Iterator[Line]:
        """The budget, the next question or why it waits, and when a key may ask."""
        look, now = self.deck.look, self.deck.feed.view().generated_at
        words = asking_words(account, now, look.zone, look.hours)
        if not words:
            return
        if account.budget is None:
            words = f"not asked: {words}"
        elif account.by_hand_at > now:
            words += f"; r works again in {countdown(account.by_hand_at - now)}"
        yield from self._said(words, width, "dim")

    def _window_lines(self, window: WindowView, width: int, labels: int) -> Iterator[Line]:
        look, now = self.deck.look, self.deck.feed.view().generated_at
        tone = tone_of(window)
        label = pad(window.label, labels)
        bar = max(8, min(40, width - labels - 12))
        pace = window.pace
        tick, ahead = (pace.expected_percent, pace.projected_percent) if pace else (None, None)
        used = None if window.note else window.used_percent
        spans = cells(bar, used, tick, ahead, look.glyphs, left=look.left)
        figures = percent(window.used_percent, left=look.left) if not window.note else ""
        yield (
            Piece(f"   {label} "),
            *(Piece(span.text, bar_tone(span.tone, tone)) for span in spans),
            Piece(f" {figures:>4}", tone),
        )
        yield from self._said("; ".join(_told(window, now, look.zone, look.hours)), width, "dim", indent=5)

    def _charted(self, provider: ProviderView, width: int) -> list[Line]:
        """The chart of the chosen window of the front account."""
        front, look, now = provider.front, self.deck.look, self.deck.feed.view().generated_at
        window = self._chosen(provider)
        if front is None or window is None:
            return []
        self._fetch(provider, front, window, now)
        title: list[Line] = [(), (Piece(f" {window.label}", "title"), Piece("  used, over time", "dim"))]
        if width < CHART_FROM:
            return [*title, spark_line(window, self._samples, now, width, look.glyphs)]
        return [
            *title,
            *chart_lines(
                window, self._samples, now=now, width=width - 2, height=CHART_ROWS, zone=look.zone,
                hours=look.hours, glyphs=look.glyphs,
            ),
        ]  # fmt: skip

    def _fetch(self, provider: ProviderView, account: AccountView, window: WindowView, now: float) -> None:
        """Asks for the samples when the window is another, or has moved."""
        wanted = (provider.id, account.id, window.id, window.observed_at, window.resets_at)
        if wanted == self._asked:
            return
        if wanted[:3] != self._asked[:3]:
            self._samples = ()
        self._asked = wanted
        begin = span_of(window, now)[0]

        def answer(samples: tuple[Sample, ...]) -> None:
            if self._asked == wanted:
                self._samples = samples
                self.draw()

        # Not from within a draw: the answer may come at once.
        self.call_later(self.deck.feed.history, provider.id, account.id, window.id, begin, answer)

    def _spent(self, provider: ProviderView, width: int) -> list[Line]:
        """Tokens since the chosen window began, for a tool with logs."""
        window = self._chosen(provider)
        if provider.burn is None or window is None:
            return []
        question = question_of(provider, window, self.deck.feed.view().generated_at)
        if question is None:
            return []
        self._ask(question, provider)
        return spent_lines(self._told, window, width, self._manner())

    def _ask(self, question: Question, provider: ProviderView) -> None:
        """Asks when the window is another, or tokens were used."""
        tally, wanted = self.deck.feed.tally, (question, provider.burn)
        if tally is None or wanted == self._told_of:
            return
        if self._told_of[:1] != wanted[:1]:
            self._told = None
        self._told_of = wanted

        def answer(told: Told) -> None:
            if self._told_of == wanted and self.is_running:
                self._told = told
                self.draw()

        # Not from within a draw: the answer may come at once.
        self.call_later(tally.ask, question, answer)

    def _manner(self) -> Manner:
        return Manner(self.deck.home, self.deck.look.private, self._cost)

    def _chosen(self, provider: ProviderView) -> WindowView | None:
        """The window of the front account that chart and tokens are about."""
        front = provider.front
        windows = [w for w in front.windows if w.used_percent is not None and not w.note] if front else []
        return windows[self._window % len(windows)] if windows else None

    def _wrong(self, provider: ProviderView, width: int) -> list[Line]:
        if not provider.failures:
            return []
        now = self.deck.feed.view().generated_at
        lines: list[Line] = [(), (Piece(" What went wrong", "title"),)]
        for failure in reversed(provider.failures):
            old = age(max(0.0, now - failure.observed_at)) or "now"
            lines += self._said(f"{old}: {failure.message} ({failure.origin})", width, "dim")
        return lines

    def _sources(self, provider: ProviderView, width: int) -> list[Line]:
        """What was looked at: first what was read, then what is in the way, then the rest."""
        rank = {Outcome.READ: 0, Outcome.REFUSED: 1, Outcome.UNREADABLE: 1, Outcome.OFF: 2, Outcome.EMPTY: 3}
        lines: list[Line] = [(), (Piece(" Looked at", "title"),)]
        for report in sorted(provider.reports, key=lambda r: rank.get(r.outcome, 4)):
            bad = report.outcome in (Outcome.REFUSED, Outcome.UNREADABLE)
            tone = "watch" if bad else "text" if report.outcome is Outcome.READ else "dim"
            more = f" ({report.detail})" if report.detail else ""
            said = f"{report.outcome.value}: {report.title}, {report.path}{more}"
            lines += self._said(said, width, tone)
        return lines

    def _said(self, text: str, width: int, tone: str, indent: int = 3) -> list[Line]:
        space = " " * indent
        room = max(10, width - indent - 1)
        return [(Piece(space), Piece(line, tone)) for line in wrap(text, room, 6) if line]


def _told(window: WindowView, now: float, zone: Zone, hours: int) -> Iterator[str]:
    """What a row leaves out: times, pace, amounts, state, source and age."""
    if window.note:
        yield window.note
    if counted := amount(window):
        yield counted
    if window.state is WindowState.RESET_DUE:
        yield "reset due, waiting for a fresh figure"
    elif window.state is WindowState.NOT_STARTED:
        yield "not started"
    elif window.state is WindowState.UNKNOWN:
        yield "unknown"
    elif window.resets_at is not None and window.resets_at > now:
        when = clock_time(window.resets_at, now, zone, hours)
        yield f"resets in {countdown(window.resets_at - now)}, {when}"
    if window.pace is not None:
        yield _pace_words(window, now, zone, hours)
    where = _SOURCES.get(window.source, window.source)
    origin = "" if window.origin in (window.source, "usage endpoint", "history") else f", {window.origin}"
    where = "an earlier run's record" if window.origin == "history" else where
    old = max(0.0, now - window.observed_at)
    when = "just now" if old < 60 else f"{duration_words(old)} ago"
    yield f"from {where}, measured {when}{origin}"


def _pace_words(window: WindowView, now: float, zone: Zone, hours: int) -> str:
    pace = window.pace
    assert pace is not None
    points = abs(round(pace.delta))
    side = "ahead of" if pace.delta > 0 else "below"
    even = f"{points} points {side} an even pace" if points else "on an even pace"
    if pace.runs_out_at is None:
        return f"{even}, lasts"
    out = clock_time(pace.runs_out_at, now, zone, hours)
    if pace.runs_out_at <= now:
        return f"{even}, may be out since {out}"
    before = early((window.resets_at or pace.runs_out_at) - pace.runs_out_at)
    return f"{even}, runs out {out}, {before}"
