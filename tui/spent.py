"""What the tokens of a window went to, as lines for the detail screen.  Pure.

All of it is an estimate beside the official percentage (``~``): logs know nothing of other machines, of
chats elsewhere, or of how a vendor weighs its models.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from providers.engine.shown import ProviderView, WindowView
from providers.ledger.prices import LABEL
from providers.ledger.statement import Row, sum_of
from providers.ledger.tally import Question, Told
from providers.ledger.tools import DETECTED, MEASURED, NOT_FOUND, UNREADABLE
from providers.record import Record
from tui.painted import Line, Piece
from tui.text import fit, fit_end, pad, percent, tilde, tokens, whole, wrap

SHOWN = 5
"""The largest of each kind."""

MOST_TROUBLED = 8
KINDS = (("project", "projects"), ("model", "models"), ("session", "sessions"))


class Manner(Record):
    """How names are shown: ``home`` becomes ``~``; ``private`` shows neither folders nor sessions;
    ``cost`` adds prices."""

    home: str
    private: bool = False
    cost: bool = False


def question_of(provider: ProviderView, window: WindowView, now: float) -> Question | None:
    """What to ask about a window of the front account that runs; None if nobody knows when it began.

    Where only one account is known, all that the tool's logs hold is taken for its own."""
    if provider.front is None or window.resets_at is None or not window.window_seconds:
        return None
    if window.resets_at <= now:
        return None
    # Resets differ by fractions from answer to answer.
    began = round(window.resets_at - window.window_seconds)
    scope = window.id.partition(":")[2].lower()
    groupings = tuple((kind,) for kind, _ in KINDS)
    several = sum(account.known for account in provider.accounts) > 1
    account = provider.front.id if several and provider.front.known else ""
    return Question(groupings, float(began), provider.id, account, scope)


def spent_lines(told: Told | None, window: WindowView, width: int, manner: Manner) -> list[Line]:
    """The section: a sum beside the official percentage, then by project, model and session."""
    head: Line = (Piece(f" Tokens since this {window.label} window began", "title"),)
    if told is None:
        return [(), head, (Piece("   being counted", "dim"),)]
    if told.trouble:
        return [(), head, *_said(told.trouble, width, "watch")]
    every = sum_of(told.tables[0])
    lines: list[Line] = [(), head, *_said(_summary(every, window, told, manner), width, "dim")]
    for (kind, title), rows in zip(KINDS, told.tables, strict=True):
        if every.tokens:
            lines += _largest(kind, title, rows, every.tokens, width, manner)
    return lines


def _summary(every: Row, window: WindowView, told: Told, manner: Manner) -> str:
    official = percent(window.used_percent) if window.used_percent is not None else "unknown"
    parts = [f"~{tokens(every.tokens)} by the logs on this machine; officially used: {official}"]
    if told.others:
        parts.append(f"~{tokens(told.others)} more of an account that the logs do not tell")
    if any(tool.approximate for tool in told.tools):
        parts.append("some logs allow only an approximation")
    if manner.cost:
        parts.append(f"{LABEL} (as of {told.facts_of}): {money(every)}")
    return "; ".join(parts)


def _largest(
    kind: str, title: str, rows: Sequence[Row], every: int, width: int, manner: Manner
) -> Iterator[Line]:
    ordered = sorted(rows, key=lambda row: (-row.tokens, row.names))
    yield (Piece(f"   by {kind}", "key"),)
    room = max(8, min(60, width - 24 - (12 if manner.cost else 0)))
    for row in ordered[:SHOWN]:
        name = pad(name_of(row.names[0], kind, manner, room), room)
        cells = [Piece(f"     {name} "), Piece(f"{'~' + tokens(row.tokens):>7}", "title")]
        cells.append(Piece(f" {percent(100 * row.tokens / every):>4}", "dim"))
        if manner.cost:
            cells.append(Piece(f" {money(row):>11}", "dim"))
        yield tuple(cells)
    rest = ordered[SHOWN:]
    if rest:
        yield (Piece(f"     {len(rest)} more {title}: ~{tokens(sum_of(rest).tokens)}", "dim"),)


def troubled_lines(told: Told | None, width: int, manner: Manner) -> list[Line]:
    """The logs that are missing in all of this, by name."""
    unread = [log for tool in told.tools for log in tool.unread] if told else []
    broken = sum(tool.broken for tool in told.tools) if told else 0
    if not unread and not broken:
        return []
    lines: list[Line] = [(), (Piece(" Logs that cannot be read", "title"),)]
    for log in unread[:MOST_TROUBLED]:
        path = _opaque(log.path, "log") if manner.private else tilde(log.path, manner.home)
        lines += _said(f"{path} {log.reason}", width, "watch")
    if len(unread) > MOST_TROUBLED:
        lines += _said(f"and {len(unread) - MOST_TROUBLED} more", width, "watch")
    if broken:
        lines += _said(f"{whole(broken)} lines of others could not be understood", width, "dim")
    return lines


def tool_lines(told: Told, width: int) -> list[Line]:
    """Which tools are counted, which are only seen, which are not there."""
    lines: list[Line] = []
    for bucket in (MEASURED, DETECTED, UNREADABLE, NOT_FOUND):
        names = [tool.name for tool in told.tools if tool.bucket == bucket]
        if names:
            lines += _said(f"{bucket}: {', '.join(names)}", width, "dim")
    return [(), *lines] if lines else []


def name_of(name: str, kind: str, manner: Manner, room: int) -> str:
    """A project, model or session in at most ``room`` cells; of a path its end is kept."""
    if not name:
        return fit("unknown", room)
    if kind == "model":
        return fit(name, room)
    if manner.private:
        return fit(_opaque(name, kind), room)
    if kind == "session":
        return fit(name, min(room, 13))
    return fit_end(tilde(name, manner.home), room)


def money(row: Row) -> str:
    """``$12.34``, ``≥ $12.34`` with a model of unknown price in it, ``no price`` with nothing else."""
    if row.unpriced and not row.cost:
        return "no price"
    return f"{'≥ ' if row.unpriced else ''}${row.cost:,.2f}"


def _opaque(name: str, kind: str) -> str:
    return f"{kind} {zlib.crc32(name.encode('utf-8', 'replace')):08x}"[: len(kind) + 5]


def _said(text: str, width: int, tone: str) -> list[Line]:
    return [(Piece("   "), Piece(line, tone)) for line in wrap(text, max(10, width - 4), 6)]
