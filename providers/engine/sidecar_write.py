"""Our own sidecar format, version 1, as bytes.

For whoever publishes a reading; engine.sidecar reads it back.  Keys may be added without a
new version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from providers.engine.sidecar import ACCOUNT_ID, MAX_MESSAGE, SCHEMA, VERSION
from providers.engine.values import clean, refuse_secrets
from providers.model import Reading, Status, Window, sound_percent


def render_sidecar(
    reading: Reading, *, account_id: str, status: Status, message: str, now: float, writer: str
) -> bytes:
    """The reading as a sidecar of ours; times become whole epoch seconds, percentages
    have one decimal.

    ``account_id`` is the opaque id of the account (never an e-mail), ``writer`` the mark
    of this process.  Raises ValueError for an id of another form, and `SecretFound` if a
    text looks like a credential.
    """
    if not ACCOUNT_ID.fullmatch(account_id):
        raise ValueError("an account id consists of a-z, 0-9 and -, at most 40 of them")
    document: dict[str, object] = {
        "schema": SCHEMA,
        "version": VERSION,
        "provider": reading.provider,
        "account": {"id": account_id, "alias": clean(reading.alias), "plan": clean(reading.plan)},
        "status": status.value,
        "message": clean(message, MAX_MESSAGE),
        "source": reading.source.value,
        "observed_at": _seconds(reading.observed_at),
        "written_at": _seconds(now),
        "next_refresh_at": _seconds(reading.next_refresh_at),
        "complete": reading.complete,
        "writer": clean(writer),
        "windows": [_window(w) for w in reading.windows],
    }
    if reading.since is not None:
        document["first_seen_at"] = _seconds(reading.since)
    refuse_secrets(document)
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _window(window: Window) -> Mapping[str, object]:
    used = sound_percent(window.used_percent)
    document: dict[str, object] = {
        "id": clean(window.id),
        "label": clean(window.label),
        "used_percent": None if used is None else round(used, 1),
        "resets_at": _seconds(window.resets_at),
        "window_seconds": window.window_seconds,
    }
    amounts = {"used": window.used, "limit": window.limit, "remaining": window.remaining}
    document |= {key: _amount(value) for key, value in amounts.items() if value is not None}
    if window.refills_at is not None:
        document |= {"refills_at": _seconds(window.refills_at), "refill_percent": window.refill_percent}
    document |= {key: text for key in ("unit", "note") if (text := clean(getattr(window, key)))}
    return document


def _seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def _amount(value: float) -> float:
    return int(value) if value == int(value) else value
