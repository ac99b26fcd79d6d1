"""The figures that claude-swap keeps of every account it knows: a reading each.

Pure; its usage cache has the figures, its sequence file whose each slot is.  Nothing of its
credentials is opened.  Facts: realiti4/claude-swap (cache/usage.json schema 2, sequence.json).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from providers.base import FileBytes, Found, Unparseable
from providers.engine.values import clean, epoch, load_json, number, part, percent, reset_time
from providers.model import FIVE_HOURS, WEEK, Reading, Source, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ORIGIN = "claude-swap"
_MOST = 64


def swapped_readings(cache: Found, sequence: Found, now: float) -> Iterator[Reading]:
    """The last good figures of each slot whose account is named."""
    kept, slots = part(_document(cache), "accounts"), part(_document(sequence), "accounts")
    for number_of, row in list(kept.items())[:_MOST]:
        slot = part(slots, number_of)
        person, organisation = clean(slot.get("uuid")), clean(slot.get("organizationUuid"))
        fetched = epoch(row.get("fetchedAt")) if isinstance(row, Mapping) else None
        same = isinstance(row, Mapping) and clean(row.get("organizationUuid")) == organisation
        if not person or not same or fetched is None:
            continue
        at = min(fetched, now)
        windows = tuple(_windows(part(row, "lastGood"), at, now))
        if windows:
            yield Reading(
                "claude", windows, Source.SIDECAR, ORIGIN, at, account=f"{person}/{organisation}",
                email=clean(slot.get("email"), 100), alias=clean(slot.get("alias"), 30),
            )  # fmt: skip


def slot_keys(sequence: Found) -> dict[tuple[str, str], str]:
    """The identity key of each slot by its e-mail (lower case) and its organisation's uuid."""
    keys: dict[tuple[str, str], str] = {}
    for slot in list(part(_document(sequence), "accounts").values())[:_MOST]:
        if isinstance(slot, Mapping) and clean(slot.get("uuid")):
            email, organisation = clean(slot.get("email"), 100), clean(slot.get("organizationUuid"))
            keys[email.lower(), organisation] = f"{clean(slot.get('uuid'))}/{organisation}"
    return keys


def _windows(good: Mapping[str, Any], at: float, now: float) -> Iterator[Window]:
    rows = [("5h", "5 h", FIVE_HOURS, part(good, "five_hour")), ("7d", "7 d", WEEK, part(good, "seven_day"))]
    scoped = good.get("scoped")
    for row in scoped[:8] if isinstance(scoped, list) else ():
        if isinstance(row, Mapping) and clean(row.get("name")):
            name = clean(row.get("name"), 30)
            rows.append((f"7d:{name.lower()}", f"7 d {name}", WEEK, row))
    for ident, label, seconds, row in rows:
        used = percent(row.get("pct"))
        if used is not None:
            yield Window(ident, label, used, reset_time(row.get("resets_at"), at, now), seconds)
    spend = part(good, "spend")
    used, limit = number(spend.get("used")), number(spend.get("limit"))
    if used is not None and limit is not None and limit > 0:
        yield Window("spend", "extra usage", percent(spend.get("pct")), None, None, used, limit,
                     unit=clean(spend.get("currency"), 3) or "USD")  # fmt: skip


def _document(found: Found) -> object:
    if not isinstance(found, FileBytes):
        return None
    try:
        return load_json(found.data)
    except Unparseable:
        return None
