"""The lane "next 24 h": run-outs and resets of all accounts on one axis.  Pure lines and
the widget that shows them."""

from __future__ import annotations

from providers.engine.shown import DeckView, Moment, MomentKind
from providers.model import DAY, HOUR
from tui.glyphs import Glyphs
from tui.painted import Line, Painted, Piece, spread
from tui.text import Zone, account_name, pad

LABEL = 16
LEAST = 3
"""Title, axis and one account: below that the lane is not drawn."""


class Lane(Painted):
    """Shows the lane in the rows that the panels leave."""


def lane_lines(
    view: DeckView, width: int, rows: int, zone: Zone, glyphs: Glyphs, private: bool
) -> tuple[Line, ...]:
    """At most ``rows`` lines, or none where that is too few or nothing happens."""
    if rows < LEAST or not view.moments:
        return ()
    axis = width - LABEL - 3
    lines: list[Line] = [_heading(width, glyphs), _hours(view.generated_at, axis, zone, glyphs)]
    by_account: dict[tuple[str, str], list[Moment]] = {}
    for moment in view.moments:
        by_account.setdefault((moment.provider, moment.account), []).append(moment)
    for (provider, account), moments in by_account.items():
        label = _label(view, provider, account, private)
        lines.append((Piece(f" {pad(label, LABEL)} ", "text"), *_marks(moments, view, axis, glyphs)))
    return tuple(lines[:rows])


def _heading(width: int, glyphs: Glyphs) -> Line:
    left = (Piece(f"{glyphs.rule} next 24 h ", "dim"),)
    right = (Piece(f" {glyphs.out} runs out  {glyphs.reset} resets {glyphs.rule}", "dim"),)
    return spread(left, right, width, glyphs.rule, "border")


def _hours(now: float, axis: int, zone: Zone, glyphs: Glyphs) -> Line:
    """Hour labels every three or six hours, where they fit."""
    text = [" "] * axis
    every = 3 if axis >= 60 else 6
    first = now - now % HOUR + HOUR
    for ahead in range(0, 24):
        at = first + ahead * HOUR
        hour = zone(at).tm_hour
        cell = int((at - now) * axis / DAY)
        if hour % every == 0 and cell + 2 <= axis:
            text[cell : cell + 2] = f"{hour:02}"
    return (Piece(" " * (LABEL + 2)), Piece("".join(text), "dim"))


def _label(view: DeckView, provider_id: str, account_id: str, private: bool) -> str:
    for provider in view.providers:
        for account in provider.accounts:
            if (provider.id, account.id) == (provider_id, account_id):
                name = provider.name.removesuffix(" Code").removeprefix("Other ")
                return f"{name} {account_name(account, private).partition('@')[0]}"
    return provider_id


def _marks(moments: list[Moment], view: DeckView, axis: int, glyphs: Glyphs) -> Line:
    """The axis of one account: a mark and the window's id at each moment; what does not
    fit beside an earlier one keeps its mark alone."""
    tones = ["track"] * axis
    text = [glyphs.rule] * axis
    for moment in moments:
        cell = min(axis - 1, int((moment.at - view.generated_at) * axis / DAY))
        out = moment.kind is MomentKind.RUNS_OUT
        mark, tone = (glyphs.out, "watch") if out else (glyphs.reset, "ok")
        word = moment.window.partition(":")[2] or moment.window
        for place, letter in enumerate(mark + word):
            free = cell + place < axis and (place == 0 or text[cell + place] == glyphs.rule)
            if not free:
                break
            text[cell + place], tones[cell + place] = letter, tone
    pieces: list[Piece] = []
    for letter, tone in zip(text, tones, strict=True):
        if pieces and pieces[-1].tone == tone:
            pieces[-1] = Piece(pieces[-1].text + letter, tone)
        else:
            pieces.append(Piece(letter, tone))
    return tuple(pieces)
