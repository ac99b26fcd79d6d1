"""What the picker says: a provider's kept accounts as choices, and every line of them.

Pure: choices are made of who is kept and of the deck as it is shown; whether one is the best is
decided where ``quotadeck switch best`` decides it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from providers.accounts.best import Candidate
from providers.accounts.targets import Row, best_of, judged_rows, shown_by_id
from providers.clerk import Refused
from providers.engine.shown import AccountView, DeckView, ProviderView, WindowView
from providers.errands import Book, Preflight, Switch
from providers.record import Record
from tui.bar import cells
from tui.deck import Look
from tui.frame import bar_tone, tone_of
from tui.painted import Line, Piece
from tui.parked import deadline
from tui.text import account_name, age, amount, countdown, fit, flag, hide, pad, percent, wrap

ROOMY = (56, 20)
"""Columns and lines from which each window has a bar on a line of its own."""

BAR = 24


class Choice(Record):
    """A kept account in the picker.  ``number`` is its key, 0 for the live one; ``shown`` how the
    deck has it, None if it has not."""

    number: int
    row: Row
    shown: AccountView | None
    candidate: Candidate
    best: bool

    @property
    def id(self) -> str:
        """Its id."""
        return self.row.member.id


def choices_of(book: Book, view: DeckView, provider: str) -> tuple[Choice, ...]:
    """Every kept account of a provider, the live one first, the others numbered."""
    shown, now = shown_by_id(view), view.generated_at
    best = best_of(book.rows, shown, provider, now)
    judged = judged_rows(book.rows, shown, provider, now)
    ordered = sorted(judged, key=lambda pair: not pair[0].live)
    numbers = iter(range(1, len(ordered) + 1))
    return tuple(
        Choice(
            0 if row.live else next(numbers), row, shown.get((provider, row.member.id)), candidate,
            best is not None and best.id == row.member.id,
        )
        for row, candidate in ordered
    )  # fmt: skip


def name_of(choice: Choice, private: bool) -> str:
    """What a person calls it."""
    if choice.shown is not None:
        return account_name(choice.shown, private)
    member = choice.row.member
    return f"account {member.id[:4]}" if private else member.label


def choice_lines(choice: Choice, now: float, look: Look, size: tuple[int, int]) -> list[Line]:
    """Who it is, what is left of every window, how old that is, and when its login ends."""
    width, height = size
    place = "now" if choice.row.live else str(choice.number)
    marks = ["best"] if choice.best else []
    marks += [choice.row.member.slot] if choice.row.member.slot else []
    head: Line = (
        Piece(f"  {place:>3} " if width >= ROOMY[0] else f" {place:>3} ", "key"),
        Piece(name_of(choice, look.private), "title"),
        Piece("".join(f"  {word}" for word in (choice.row.member.plan,) if word), "dim"),
        Piece("".join(f"  {word}" for word in marks), "ok"),
    )
    windows = choice.shown.windows if choice.shown is not None else ()
    if width >= ROOMY[0] and height >= ROOMY[1]:
        lines = [_window(window, now, look) for window in windows]
    else:
        lines = _folded(windows, look, width)
    return [head, *lines, *_standing(choice, now, width)]


def _window(window: WindowView, now: float, look: Look) -> Line:
    tone = tone_of(window)
    share = None if window.note else window.used_percent
    tick = window.pace.expected_percent if window.pace else None
    spans = cells(BAR, share, tick, None, look.glyphs, left=look.left)
    left = countdown(window.resets_at - now) if window.resets_at and window.resets_at > now else ""
    return (
        Piece(f"{' ' * 6}{pad(window.label, 9)} "),
        *(Piece(span.text, bar_tone(span.tone, tone)) for span in spans),
        Piece(f" {_figure(window, look):>4}", tone),
        Piece(f" {flag(window, look.glyphs)} ", tone),
        Piece(f"{left:>6}", "dim"),
    )


def _figure(window: WindowView, look: Look) -> str:
    if window.used_percent is None:
        return amount(window, brief=True) or percent(None)
    return percent(window.used_percent, left=look.left)


def _folded(windows: Sequence[WindowView], look: Look, width: int) -> list[Line]:
    """All windows one after the other, broken between them."""
    lines: list[list[Piece]] = []
    used = width
    for window in windows:
        text = f"{window.label} {_figure(window, look)}{flag(window, look.glyphs).rstrip()}  "
        if used + len(text) > width - 1:
            lines.append([Piece(" " * indent_of(width))])
            used = indent_of(width)
        lines[-1].append(Piece(text, tone_of(window)))
        used += len(text)
    return [tuple(line) for line in lines]


def _standing(choice: Choice, now: float, width: int) -> list[Line]:
    """Age, deadline, and what speaks against it."""
    account, row = choice.shown, choice.row
    said = [Piece("no figures yet", "dim")]
    if account is not None and account.observed_at is not None:
        old = age(now - account.observed_at)
        said = [Piece(f"seen {old} ago" if old else "seen just now", "dim")]
    ends = account.login_expires_at if account is not None else row.member.ends_at
    near = deadline(ends, now)
    if ends is not None:
        words = f"login ends in {countdown(ends - now)}" if ends > now else near.text
        said.append(Piece(words, near.tone))
    if choice.candidate.why_not and not row.live:
        said.append(Piece(choice.candidate.why_not, "watch"))
    return list(_joined(said, width))


def _joined(said: Sequence[Piece], width: int) -> Iterator[Line]:
    """Clauses one after the other, broken between them."""
    line: list[Piece] = [Piece(" " * indent_of(width))]
    room = whole = width - indent_of(width) - 1
    for piece in said:
        text = fit(piece.text, whole)
        if len(text) > room and len(line) > 1:
            yield tuple(line)
            line, room = line[:1], whole
        line.append(Piece(f"{text}  ", piece.tone))
        room -= len(text) + 2
    yield tuple(line)


def preflight_lines(found: object, width: int) -> list[Line]:
    """What a switch to the chosen account would do, or why it cannot be done."""
    if isinstance(found, Refused):
        return told(found.sentence, width, "watch")
    if not isinstance(found, Preflight):
        return told("looking at what a switch would do", width, "dim")
    files = found.writes if width >= ROOMY[0] else [path.rpartition("/")[2] for path in found.writes]
    lines = told(f"writes {' and '.join(files)}", width, "text")
    for warning in found.warnings:
        lines += told(f"! {warning}", width, "watch")
    lines += told(sessions_words(found.running.count, found.running.known), width, "dim")
    return lines + told(f"takes effect {found.effect}", width, "dim")


def sessions_words(count: int, known: bool) -> str:
    """How many sessions may stay on the old login."""
    if not known:
        return "sessions that run now may keep the old login"
    if not count:
        return "no session of it runs now"
    noun = "session runs" if count == 1 else "sessions run"
    return f"{count} {noun} now and may keep the old login"


def switched_lines(done: Switch, view: DeckView, private: bool, width: int) -> list[Line]:
    """How a switch ended: who is live, from when on, who still is on the old account."""
    to = done.to.email or done.to.label
    who = ", ".join(dict.fromkeys(part for part in (done.to.alias, to, done.to.plan) if part))
    if done.verified:
        lines = told(f"verified: {_hidden(who, view, private)} is logged in", width, "ok", 2)
    else:
        lines = told(_hidden(done.message, view, private), width, "high", 2)
    if done.verified and done.message.partition("; ")[2]:
        lines += told(_hidden(done.message.partition("; ")[2], view, private), width, "watch", 2)
    lines += told(f"takes effect {done.effect}", width, "text", 2)
    old = _hidden(done.came_from.label, view, private) if done.came_from is not None else "the old login"
    if not done.running.known:
        lines += told(f"running sessions may still be on {old}", width, "text", 2)
    elif done.running.count:
        noun = "session" if done.running.count == 1 else "sessions"
        lines += told(f"{done.running.count} running {noun} may still be on {old}", width, "text", 2)
    else:
        lines += told(f"no running session is on {old}", width, "dim", 2)
    return lines


def delegated_lines(provider: ProviderView, how: str, look: Look, now: float, width: int) -> list[Line]:
    """A provider whose own CLI switches accounts: who is known, and its command."""
    lines: list[Line] = []
    for account in provider.accounts:
        sign = look.glyphs.live if account.live else look.glyphs.parked
        lines.append(
            (Piece(f"  {sign} {account_name(account, look.private)}", "title"),
             Piece(f"  {account.plan}", "dim"))
        )  # fmt: skip
        lines += _folded(account.windows, look, width)
    return [*lines, (), *told(how, width, "text", 2)]


def _hidden(text: str, view: DeckView, private: bool) -> str:
    return hide(text, view.providers, private)


def told(text: str, width: int, tone: str, indent: int | None = None) -> list[Line]:
    """A sentence in as many lines as it takes."""
    space = indent_of(width) if indent is None else indent
    room = max(10, width - space - 1)
    return [(Piece(" " * space), Piece(line, tone)) for line in wrap(text, room, 6) if line]


def indent_of(width: int) -> int:
    """Cells before what belongs to an account."""
    return 6 if width >= ROOMY[0] else 4
