"""The lines of accounts that are not live, inside their provider's panel.  Pure.

Each says what is left of every window, how old that is, and when its login runs out; small bars
where there is room for all of them.
"""

from __future__ import annotations

from providers.engine.shown import AccountView, ProviderView, WindowView
from providers.model import DAY, Status
from providers.record import replace
from tui.bar import cells
from tui.frame import Frame, bar_tone, label_of, tone_of
from tui.painted import Line, Piece, spread, width_of
from tui.text import account_name, age, amount, countdown, flag, pad, percent

NAME, OPAQUE = 10, 12
"""Cells of a name, and of what stands for a hidden one."""

BAR = (3, 8)
"""Cells of a small bar, at least and at most."""

SHOWN = 3
"""Windows on a line."""

DEADLINES = ((1.0, "high"), (3.0, "watch"), (7.0, "dim"))
"""Days before a login runs out at which that is said, and how loud."""


def parked_of(provider: ProviderView) -> tuple[AccountView, ...]:
    """Every account whose windows do not fill the panel; all of them, if the first has no
    window and is not in use."""
    front = provider.front
    if front is not None and front.kept and not front.live and not front.windows:
        return provider.accounts
    return provider.accounts[1:]


def parked_lines(provider: ProviderView, frame: Frame, *, kept: bool) -> list[Line]:
    """A line for each parked account whose login is kept, or for each of the others."""
    indent = {"tiny": 2, "narrow": 3, "boxed": 0}[frame.kind]
    return [_line(a, frame, indent) for a in parked_of(provider) if a.kept is kept]


def deadline(ends_at: float | None, now: float) -> Piece:
    """When a login runs out, if that is near; else nothing."""
    left = ends_at - now if ends_at is not None else 8.0 * DAY
    if left <= 0:
        return Piece("login ran out", "high")
    tone = next((tone for days, tone in DEADLINES if left <= days * DAY), "")
    return Piece(f"login {countdown(left)}", tone) if tone else Piece("", "dim")


def _line(account: AccountView, frame: Frame, indent: int) -> Line:
    name = account_name(account, frame.private).partition("@")[0]
    name = pad(name, OPAQUE if frame.private else NAME)
    head = Piece(f"{' ' * indent}{frame.glyphs.parked} {name}", "dim")
    tail = _tail(account, frame)
    room = frame.inner - width_of((head, *tail)) - 1
    windows = account.windows[:SHOWN]
    bare = [_window(window, frame, 0) for window in windows]
    spare = room - sum(width_of(piece) for piece in bare)
    bar = min(BAR[1], spare // len(windows) - 1) if windows else 0
    if frame.kind != "tiny" and bar >= BAR[0]:
        bare = [_window(window, frame, bar) for window in windows]
    if not windows:
        words = "login ended" if account.status is Status.EXPIRED else "no figures yet"
        bare = [(Piece(f" {words}", "dim"),)]
    return spread((head, *(piece for pieces in bare for piece in pieces)), tail, frame.inner)


def _tail(account: AccountView, frame: Frame) -> Line:
    """The deadline, then the age in the cells of the ages above."""
    old = age(frame.now - account.observed_at) if account.observed_at is not None else ""
    ends = deadline(account.login_expires_at, frame.now)
    if frame.kind == "tiny":
        # One of the two: a login that ends is the more urgent word.
        return (Piece(ends.text.removeprefix("login "), ends.tone) if ends.text else Piece(old, "dim"),)
    return (ends, Piece(old.rjust(5), "dim"))


def _window(window: WindowView, frame: Frame, bar: int) -> Line:
    used = percent(window.used_percent, left=frame.left)
    if window.used_percent is None:
        used = amount(window, brief=True) or used
    tone = tone_of(window)
    share = None if window.note else window.used_percent
    spans = cells(bar, share, None, None, frame.glyphs, left=frame.left)
    drawn = [Piece(span.text, bar_tone(span.tone, tone)) for span in spans]
    sign = Piece(flag(window, frame.glyphs), "dim" if tone == "dim" else "watch")
    gap = [Piece(" ")] if bar else []
    return (Piece(f" {label_of(window, replace(frame, kind='tiny'))} ", "dim"), *drawn, *gap,
            Piece(f"{used:>4}", tone), sign)  # fmt: skip
