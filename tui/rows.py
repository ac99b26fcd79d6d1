"""What stands in a panel: every line of it, from what is shown and the frame it has.

Pure.  The countdowns and the age at the title tick, so they are kept out of the lines and
handed over apart: their cells are repainted alone.
"""

from __future__ import annotations

from providers.engine.shown import AccountView, ProviderView, WindowState, WindowView
from providers.model import Outcome, Status
from providers.record import Record
from tui.bar import cells
from tui.burn import burn_line, rate
from tui.frame import Frame, bar_tone, label_of, tone_of
from tui.glyphs import state_glyph
from tui.painted import Line, Piece, cut, spread, width_of
from tui.parked import parked_lines
from tui.text import (
    account_name,
    age,
    amount,
    asking_words,
    cell_width,
    countdown,
    delta,
    early,
    fit,
    flag,
    forecast,
    hide,
    pad,
    percent,
    state_words,
    wrap,
)

COUNTDOWN, AGE, PERCENT = 7, 4, 4
AMOUNT = 22
"""Cells that an amount or a note may ask for; a longer one is cut."""

BAR_AT_LEAST = 8


class Content(Record):
    """The lines of a panel without its title and borders.  ``rows`` must be seen, ``more``
    are added while there is room; ``ticks`` are the countdowns of the first lines, each
    `COUNTDOWN` cells, at ``tick_x`` from the left edge of the content, and ``ticking`` the
    windows they are of (None where a line only lies under them).  ``parked`` are the places, among
    ``rows`` and ``more`` together, of the lines that are an account each."""

    rows: tuple[Line, ...]
    more: tuple[Line, ...]
    ticks: tuple[Piece, ...]
    tick_x: int
    ticking: tuple[WindowView | None, ...] = ()
    parked: tuple[int, ...] = ()


def title(provider: ProviderView, frame: Frame, others: int = 0) -> Line:
    """The title without the age, which ticks: sign, name, account, plan, state in words."""
    front = provider.front
    waiting = provider.status is Status.OK and (front is None or not front.windows)
    asking = front is not None and front.asking
    sign = frame.glyphs.asking if asking else state_glyph(provider.status, frame.glyphs, waiting=waiting)
    tone = "dim" if provider.status in (Status.STALE, Status.UNCONFIGURED, Status.DISABLED) else "title"
    mark = frame.glyphs.cursor if frame.chosen else " "
    name = provider.name.removesuffix(" Code") if frame.kind == "tiny" else provider.name
    left: Line = (Piece(f"{mark}{sign} ", "chosen" if frame.chosen else tone), Piece(name, tone))
    who = _who(front, frame) if front is not None else ""
    words = _words(provider, front, frame)
    if others:
        words = f"+{others} {frame.glyphs.dot} {words}" if words else f"+{others}"
    right: Line = (Piece(words, _word_tone(provider)),) if words else ()
    if frame.kind == "boxed":
        return _boxed_title(left, who, right, frame)
    room = frame.width - AGE - 1
    named = (*left, Piece(f"  {who}", "dim")) if who and frame.kind == "narrow" else left
    if who and frame.kind == "tiny" and front is not None and not frame.compact:
        named = (*left, Piece(f" {account_name(front, frame.private).partition('@')[0]}", "dim"))
    return spread(named, right, room)


def _boxed_title(left: Line, who: str, right: Line, frame: Frame) -> Line:
    """``╭─ ● Claude Code ──── work@example.com · Max 20x · `` up to the age and the corner."""
    lines = frame.glyphs.chosen if frame.chosen else frame.glyphs.plain
    tone = "chosen" if frame.chosen else "border"
    head: Line = (Piece(lines[2] + lines[0], tone), *left, Piece(" ", tone))
    room = frame.width - AGE - 3 - width_of(head) - width_of(right) - 5
    who = fit(who, room) if room >= 6 else ""
    tail: Line = (Piece(f" {who}", "dim"),) if who else ()
    if right:
        tail = (*tail, Piece(f" {frame.glyphs.dot} " if who else " ", "dim"), *right)
    return spread(head, tail, frame.width - AGE - 3, lines[0], tone)


def _who(account: AccountView, frame: Frame) -> str:
    if frame.compact:
        return ""
    name = account_name(account, frame.private)
    return f" {frame.glyphs.dot} ".join(part for part in (name, account.plan) if part)


def _words(provider: ProviderView, account: AccountView | None, frame: Frame) -> str:
    """The state in words, less the age that stands in its own cells."""
    if account is not None and account.asking:
        return "..." if frame.kind == "tiny" else "refreshing"
    words = state_words(provider, account, frame.now, frame.zone, frame.hours)
    if provider.status is Status.STALE:
        return "stale"
    if provider.status is Status.OK and account is not None and account.windows:
        return ""
    return words.partition(",")[0] if frame.kind == "tiny" else words


def _word_tone(provider: ProviderView) -> str:
    if provider.status in (Status.EXPIRED, Status.DENIED, Status.ERROR):
        return "high"
    return "watch" if provider.status in (Status.LIMITED, Status.OFFLINE) else "dim"


def age_text(provider: ProviderView, now: float) -> str:
    """The age of the newest figure, in its four cells at the title's right."""
    front = provider.front
    if front is None or front.observed_at is None or provider.status is Status.DISABLED:
        return " " * AGE
    return age(max(0.0, now - front.observed_at)).rjust(AGE)


def content(provider: ProviderView, frame: Frame) -> Content:
    """Everything below the title."""
    front = provider.front
    if front is None or not front.windows:
        said = _explained(provider, frame)
        lines = [*said, *_kept(provider, frame), *_others(provider, frame)]
        least = len(said) if frame.short else len(said) + len(_kept(provider, frame))
        places = tuple(range(len(said), len(lines)))
        return Content(tuple(lines[:least]), tuple(lines[least:]), (), 0, parked=places)
    windows = _worth_a_row(front.windows, frame)
    columns = _columns(windows, frame)
    rows: list[Line] = []
    ticks: list[Piece] = []
    ticking: list[WindowView | None] = []
    last = 0
    for window in windows:
        rows.append(_row(window, columns, frame))
        ticks.append(tick_piece(window, frame.now))
        ticking.append(window)
        if not _counts(window, frame.now):
            last = len(ticks)
        if frame.kind == "tiny" and not frame.short and _runs_out(window):
            line = _out_line(window, columns, frame)
            rows.append(line)
            covered = line[0].text[columns.tick_x : columns.tick_x + COUNTDOWN]
            ticks.append(Piece(covered.ljust(COUNTDOWN), line[0].tone))
            ticking.append(None)
            last = len(ticks)
    del ticks[last:], ticking[last:]
    kept, others = _kept(provider, frame), _others(provider, frame)
    notes = _message(provider, frame)
    spots = [len(rows) + i for i in range(len(kept))]
    spots += [len(rows) + len(kept) + len(notes) + i for i in range(len(others))]
    more = [*kept, *notes, *others, *_trend(provider, columns, frame), *_asking(front, frame)]
    if not frame.short:
        # Who is kept is seen at every size but this; there the title counts them.
        rows, more = [*rows, *kept], more[len(kept) :]
    return Content(tuple(rows), tuple(more), tuple(ticks), columns.tick_x, tuple(ticking), tuple(spots))


def _kept(provider: ProviderView, frame: Frame) -> list[Line]:
    return parked_lines(provider, frame, kept=True)


def _others(provider: ProviderView, frame: Frame) -> list[Line]:
    return parked_lines(provider, frame, kept=False)


def _worth_a_row(windows: tuple[WindowView, ...], frame: Frame) -> tuple[WindowView, ...]:
    """In a short pane money and balances wait for the zoom, unless there is nothing else."""
    kept = tuple(w for w in windows if not _counts(w, frame.now)) if frame.short else windows
    return kept or windows


class _Columns(Record):
    """Widths of the columns of one panel; the bar takes what is left, or is dropped."""

    indent: int
    label: int
    bar: int
    forecast: int
    delta: int

    @property
    def tick_x(self) -> int:
        bar = self.bar + 1 if self.bar else 0
        return self.indent + self.label + 1 + bar + PERCENT


def _columns(windows: tuple[WindowView, ...], frame: Frame) -> _Columns:
    indent = {"tiny": 2, "narrow": 3, "boxed": 0}[frame.kind]
    label = max(5 if frame.kind == "tiny" else 7, *(cell_width(label_of(w, frame)) for w in windows))
    label = min(label, 8 if frame.kind == "tiny" else 14)
    wanted = 0 if frame.kind == "tiny" else max((_wanted(w, frame) for w in windows), default=0)
    points = 5 if frame.kind == "narrow" and frame.width >= 76 else 0
    fixed = indent + label + 1 + 1 + PERCENT + COUNTDOWN + 2
    room = frame.inner - fixed - points
    tail = min(wanted + 1 if wanted else 0, max(0, room - BAR_AT_LEAST))
    bar = room - tail
    if bar < BAR_AT_LEAST:
        return _Columns(indent, label, 0, max(0, room + 1), points)
    return _Columns(indent, label, bar, tail, points)


def _wanted(window: WindowView, frame: Frame) -> int:
    """The cells that a row's last words want behind the countdown's; an amount starts before."""
    width = cell_width(forecast(window, frame.now, frame.zone, frame.hours))
    return min(width, AMOUNT) - COUNTDOWN - 1 if _counts(window, frame.now) else width


def _row(window: WindowView, columns: _Columns, frame: Frame) -> Line:
    tone, pace = tone_of(window), window.pace
    pieces = [Piece(" " * columns.indent + pad(label_of(window, frame), columns.label) + " ")]
    if columns.bar:
        tick, ahead = (pace.expected_percent, pace.projected_percent) if pace else (None, None)
        used = None if window.note else window.used_percent
        spans = cells(columns.bar, used, tick, ahead, frame.glyphs, left=frame.left)
        if used is None and _counts(window, frame.now):
            # An amount without a limit fills nothing.
            pieces.append(Piece(" " * columns.bar))
        else:
            pieces += [Piece(span.text, bar_tone(span.tone, tone)) for span in spans]
        pieces.append(Piece(" "))
    shown = percent(window.used_percent, left=frame.left)
    if window.used_percent is None and (amount(window) or window.note):
        shown = ""
    pieces.append(Piece(shown.rjust(PERCENT), tone))
    if _counts(window, frame.now):
        words = forecast(window, frame.now, frame.zone, frame.hours)
        if frame.kind == "tiny" and not window.note:
            words = words.partition(" ")[0] if window.refills_at else amount(window, brief=True)
        return (*pieces, Piece(" " + pad(words, COUNTDOWN + 1 + columns.forecast + columns.delta), "dim"))
    pieces.append(Piece(" " * COUNTDOWN))
    sign = flag(window, frame.glyphs)
    pieces.append(Piece(f" {sign}", "watch" if sign == frame.glyphs.out else tone))
    if columns.forecast:
        words = forecast(window, frame.now, frame.zone, frame.hours)
        warn = _runs_out(window) or window.full
        pieces.append(Piece(" " + pad(words, columns.forecast - 1), tone if warn else "dim"))
    if columns.delta:
        pieces.append(Piece(delta(pace).rjust(columns.delta), "dim"))
    return tuple(pieces)


def _counts(window: WindowView, now: float) -> bool:
    """Whether the row says an amount where others have a countdown and a forecast."""
    refills = window.refills_at is not None and window.refills_at > now
    return not _tick(window, now) and (refills or bool(window.note or amount(window)))


def _tick(window: WindowView, now: float) -> str:
    if window.resets_at is None or window.resets_at <= now or window.state is WindowState.NOT_STARTED:
        return ""
    return countdown(window.resets_at - now)


def tick_piece(window: WindowView, now: float) -> Piece:
    """The countdown of a window in its cells."""
    return Piece(_tick(window, now).rjust(COUNTDOWN))


def _runs_out(window: WindowView) -> bool:
    return window.pace is not None and window.pace.runs_out_at is not None


def _out_line(window: WindowView, columns: _Columns, frame: Frame) -> Line:
    words = forecast(window, frame.now, frame.zone, frame.hours)
    if window.pace and window.pace.runs_out_at and window.resets_at:
        words = f"{words}, {early(window.resets_at - window.pace.runs_out_at)}"
    indent = " " * (columns.indent + columns.label + 1)
    return (Piece(pad(indent + words, frame.width), tone_of(window)),)


def _message(provider: ProviderView, frame: Frame) -> list[Line]:
    front = provider.front
    said = [provider.message] if provider.message and provider.status is not Status.IDLE else []
    said += list(front.warnings) if front else []
    if front and front.fix and provider.status in (Status.EXPIRED, Status.UNCONFIGURED, Status.DENIED):
        said.append(f"run: {front.fix}")
    indent = " " * {"tiny": 2, "narrow": 3, "boxed": 0}[frame.kind]
    # Hidden before it is wrapped: a name cut in two would be no name that can be found.
    plain = [hide(text, (provider,), frame.private) for text in said]
    lines = [line for text in plain for line in wrap(text, frame.inner - len(indent), 2)]
    return [(Piece(indent), Piece(line, "watch")) for line in lines]


def _asking(account: AccountView, frame: Frame) -> list[Line]:
    """What is left of the hour's requests, and when or why not the next one goes out."""
    if account.budget is None or frame.kind == "tiny":
        return []
    indent = " " * (3 if frame.kind == "narrow" else 0)
    words = asking_words(account, frame.now, frame.zone, frame.hours)
    # Each minute changes the last word, which is a piece of its own so that it alone is repainted.
    before, space, last = fit(words, frame.inner - len(indent)).rpartition(" ")
    return [(Piece(f"{indent}{before}{space}", "dim"), Piece(last, "dim"))]


def _trend(provider: ProviderView, columns: _Columns, frame: Frame) -> list[Line]:
    trend = provider.trend
    if frame.kind != "tiny" and (
        line := burn_line(provider, frame.glyphs, columns.indent, columns.label, frame.inner)
    ):
        return [line]
    if trend is None or trend.per_hour is None or frame.kind == "tiny" or not any(trend.buckets):
        return []
    top = max(trend.buckets)
    ramp = frame.glyphs.spark
    bars = "".join(ramp[min(len(ramp) - 1, round(b / top * (len(ramp) - 1)))] for b in trend.buckets)
    label = " " * columns.indent + pad("rate", columns.label)
    words = f" {rate(trend.per_hour)}, last 4 h"
    return [(Piece(f"{label} ", "dim"), Piece(bars, "dim"), Piece(words, "dim"))]


def _explained(provider: ProviderView, frame: Frame) -> tuple[Line, ...]:
    """A panel without figures: what is the matter, what mends it, where was looked."""
    indent = " " * {"tiny": 2, "narrow": 3, "boxed": 0}[frame.kind]
    width = frame.inner - len(indent)
    front = provider.front
    said = hide(provider.message, (provider,), frame.private)
    lines: list[Line] = [(Piece(indent + text, "text"),) for text in wrap(said, width, 3)]
    fix = front.fix if front else ""
    if fix:
        lines.append((Piece(f"{indent}run: ", "dim"), Piece(fit(fix, width - 5), "key")))
    if not frame.compact and frame.kind != "tiny":
        for report in provider.reports:
            if report.outcome in (Outcome.ABSENT, Outcome.UNREADABLE, Outcome.REFUSED):
                text = f"{report.outcome.value}: {report.path} {report.detail}".rstrip()
                lines.append((Piece(indent + fit(text, width), "dim"),))
    return tuple(lines[:8])


def boxed(title_line: Line, body: tuple[Line, ...], frame: Frame, height: int) -> tuple[Line, ...]:
    """A panel with its border, filled up to ``height`` lines.  The title's age cells and
    the corner are closed here; the age itself is painted by its own widget."""
    lines = frame.glyphs.chosen if frame.chosen else frame.glyphs.plain
    tone = "chosen" if frame.chosen else "border"
    top = (*title_line, Piece(" " * (AGE + 1), tone), Piece(lines[0] + lines[3], tone))
    side = Piece(lines[1], tone)
    framed: list[Line] = [top]
    for index in range(height - 2):
        inside = cut(body[index], frame.inner) if index < len(body) else ()
        gap = Piece(" " * (frame.inner - width_of(inside) + 1))
        framed.append((side, Piece(" "), *inside, gap, side))
    framed.append((Piece(lines[5] + lines[0] * (frame.width - 2) + lines[4], tone),))
    return tuple(framed)
