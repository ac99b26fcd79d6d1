"""Between the deck and the asker: what the pace depends on, and what the record says.

Pure but for `polled`, which reads the record of requests.  Used by `providers.live`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from providers.engine.deck import Facts, account_id
from providers.model import Fact, Failure, LoginState, Polling, Reading, Source, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.engine.schedule import Activity, Slot


def activity_of(facts: Facts) -> dict[str, Activity]:
    """What the pace of asking depends on, of each provider's live account."""
    from providers.engine.schedule import Activity

    found: dict[str, Activity] = {}
    for provider in facts.providers:
        identity = provider.login.identity if provider.login else None
        figures = [f for a in provider.accounts if identity and a.key == identity.key for f in a.figures]
        moved = [f.observed_at for f in figures if f.source is not Source.ENDPOINT and f.origin != "history"]
        resets = [f.window.resets_at for f in figures if f.window.resets_at is not None]
        full = [
            f.window.resets_at
            for f in figures
            if f.window.resets_at is not None and (f.window.used_percent or 0) >= 100 and not f.window.note
        ]
        found[provider.descriptor.id] = Activity(
            max(moved, default=0.0),
            max(full, default=None),
            tuple(sorted(resets)),
            identity.key if identity else "",
        )
    return found


def logins_of(facts: Sequence[Fact]) -> set[str]:
    """Providers whose live login may be another than before, or proven only now: its file changed,
    or the endpoint answered."""
    return {
        fact.provider
        for fact in facts
        if isinstance(fact, LoginState) or (isinstance(fact, Reading) and fact.source is Source.ENDPOINT)
    }


def polled(facts: Facts, state_dir: Path, now: float) -> list[Fact]:
    """What the record of requests says of the live accounts, for commands that ask nobody."""
    if not (state_dir / "schedule.json").exists():
        return []
    from providers.engine.budget import load

    slots = load(state_dir, now)
    found: list[Fact] = []
    for provider in facts.providers:
        identity = provider.login.identity if provider.login else None
        if identity is None:
            continue
        slot = slots.of(f"{provider.descriptor.id}/{account_id(provider.descriptor.id, identity.key)}")
        found += _standing(provider.descriptor.id, identity.key, slot)
    return found


def _standing(provider: str, account: str, slot: Slot) -> list[Fact]:
    """What the record says of one account, without its endpoint: requests, last failure."""
    if not slot.limit:
        return []
    found: list[Fact] = [Polling(provider, account, slot.asked, slot.limit, next_at=slot.next_at or None)]
    if slot.status:
        found.append(
            Failure(
                provider,
                Status(slot.status),
                slot.message,
                Source.ENDPOINT,
                "usage endpoint",
                slot.failed_at,
                account,
                slot.blocked_until or None,
            )
        )
    return found
