"""The kept accounts of a provider as places to move to: each with what speaks against it.

Pure; for the picker and ``quotadeck switch best``, which must not differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.accounts.best import Candidate, best, judged
from providers.accounts.roster import Member
from providers.engine.shown import AccountView, DeckView
from providers.record import Record

Shown = Mapping[tuple[str, str], AccountView]


class Row(Record):
    """One account as lists show it: who it is, whether its login is live in its CLI now, and
    what the vault has of it."""

    member: Member
    live: bool
    kept: bool
    shared: bool
    spent: bool


def shown_by_id(view: DeckView) -> Shown:
    """Every account of the deck by provider and id."""
    return {(p.id, a.id): a for p in view.providers for a in p.accounts}


def judged_rows(rows: Sequence[Row], shown: Shown, provider: str, now: float) -> list[tuple[Row, Candidate]]:
    """Every kept account of a provider, and what can be said of it as a target."""
    found: list[tuple[Row, Candidate]] = []
    for row in rows:
        member = row.member
        account = shown.get((member.provider, member.id))
        if member.provider != provider or not member.enabled:
            continue
        if account is None:
            found.append((row, Candidate(member.id, "its figures are not known", None, "")))
        else:
            found.append((row, judged(account, now, usable=_unusable(row))))
    return found


def best_of(rows: Sequence[Row], shown: Shown, provider: str, now: float) -> Member | None:
    """The account to move to, None if staying is better."""
    every = judged_rows(rows, shown, provider, now)
    live = next((c for row, c in every if row.live), None)
    chosen = best([c for row, c in every if not row.live], live)
    return next((row.member for row, c in every if chosen is not None and c.id == chosen.id), None)


def _unusable(row: Row) -> str:
    if row.member.never_pick:
        return "it is never to be picked"
    if row.shared:
        return "it shares its login with another account"
    if row.spent:
        return "its login is dead: log in to it again"
    return "" if row.kept else "no login of it is kept"
