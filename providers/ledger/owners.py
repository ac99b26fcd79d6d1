"""Whose tokens they were, where the logs do not say: by the timeline that the deck keeps."""

from __future__ import annotations

from pathlib import Path

from providers.engine.timeline import Timeline, load_stays
from providers.ledger.booking import SLOT, Owner


def unknown_owner(provider: str, at: float) -> str:
    """For when nobody knows who was live."""
    return ""


def account_owner(state_dir: Path) -> Owner:
    """Whose login was live (an identity key); asked once per quarter of an hour.  Where a switch falls
    into one, nobody knows."""
    timeline = Timeline(load_stays(state_dir))
    known: dict[tuple[str, int], str] = {}

    def owner(provider: str, at: float) -> str:
        slot = provider, int(at) // SLOT
        found = known.get(slot)
        if found is None:
            begin = float(slot[1] * SLOT)
            found = known[slot] = timeline.owner(provider, begin, begin + SLOT) or ""
        return found

    return owner
