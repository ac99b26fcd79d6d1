"""What aimonitor keeps of the accounts it knows, out of its database: a reading each.

Pure; the rows are named in provider.py, none of them is a secret (its logins are in the
keyring).  An account is known there by e-mail and organisation, so it is filed under the
login that has the same two, if one here does.  Facts: japananh/aimonitor
(internal/store/migrations 0001-0008; daemon_status of the settings table).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from providers.base import FileBytes, Found, Unparseable
from providers.engine.values import clean, epoch, load_json, number, percent, reset_time
from providers.model import FIVE_HOURS, WEEK, Fact, Failure, Reading, Source, Status, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ORIGIN = "aimonitor"

Owners = Mapping[tuple[str, str], str]
"""The identity key of a login by its e-mail (lower case) and its organisation's uuid."""


def monitored_facts(file: Found, owners: Owners, now: float) -> Iterator[Fact]:
    """The last figures of each account, and whose login it says has ended."""
    rows = _object(file.data if isinstance(file, FileBytes) else b"")
    live = _object(clean(rows.get("daemon_status"), 4000))
    keys: dict[str, tuple[str, str]] = {}
    for name, text in list(rows.items())[:64]:
        row = _object(text) if name.startswith("account ") else {}
        label, email = clean(row.get("label"), 30), clean(row.get("email"), 100)
        if not label:
            continue
        keys[label] = key, _ = _key(name, email, clean(row.get("organisation")), owners), email
        at = min(epoch(row.get("fetched_at")) or 0.0, now)
        windows = tuple(_windows(row, at, now)) if at else ()
        yield Reading("claude", windows, Source.SIDECAR, ORIGIN, at, account=key, email=email, alias=label)
        if number(row.get("relogin")):
            message = "aimonitor says that this login has ended: log in to it again there"
            yield Failure("claude", Status.EXPIRED, message, Source.SIDECAR, ORIGIN, now, account=key)
    yield from _daemon(live, keys, now)


def _daemon(live: Mapping[str, Any], keys: Mapping[str, tuple[str, str]], now: float) -> Iterator[Reading]:
    """The figures of the account that is live, newer than its row; without an owner where
    aimonitor does not know who that is."""
    at = epoch(live.get("limits_fetched_at"))
    if at is None:
        return
    windows = tuple(_windows(live, min(at, now), now))
    stranger = clean(live.get("unknown_active_email"), 100)
    key, email = (None, "") if stranger else keys.get(clean(live.get("active_label"), 30), (None, ""))
    if windows:
        yield Reading("claude", windows, Source.SIDECAR, ORIGIN, min(at, now), account=key, email=email)


def _windows(row: Mapping[str, Any], at: float, now: float) -> Iterator[Window]:
    for ident, label, seconds, name in (
        ("5h", "5 h", FIVE_HOURS, "five_hour"),
        ("7d", "7 d", WEEK, "seven_day"),
    ):
        used = percent(row.get(f"{name}_pct"))
        if used is not None:
            yield Window(ident, label, used, reset_time(row.get(f"{name}_reset_at"), at, now), seconds)


def _key(name: str, email: str, organisation: str, owners: Owners) -> str:
    """The login's own key, or one made of what aimonitor calls it."""
    known = owners.get((email.lower(), organisation))
    if known is not None:
        return known
    if not email:
        return f"aimonitor {name}"
    # An e-mail is no identity, and none is shown in an id; two organisations are two accounts.
    return f"aimonitor {zlib.crc32(email.lower().encode()):08x}/{organisation}"


def _object(held: object) -> Mapping[str, Any]:
    data = held.encode("utf-8", "replace") if isinstance(held, str) else held
    try:
        found = load_json(data) if isinstance(data, bytes) else None
    except Unparseable:
        return {}
    return found if isinstance(found, Mapping) else {}
