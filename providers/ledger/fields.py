"""Fields of log lines as numbers and times.  For readers of session logs; pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from msgspec.json import decode

MOST = 1 << 40
"""No single response has a trillion tokens: such a count is noise, and sums stay far from 2^63."""


def count(value: object) -> int:
    """A count of tokens; what is not a believable one (text, bool, negative, endless) is 0."""
    if type(value) is int:
        return value if 0 <= value < MOST else 0
    if type(value) is float and 0 <= value < MOST:
        return int(value)
    return 0


def moment(value: object) -> float:
    """Epoch seconds from ISO 8601 (without an offset: UTC) or a number of seconds or
    milliseconds; 0.0 for anything else and for years before 2000 or after 2100."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return 0.0
        seconds = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        seconds = value / 1000.0 if value > 1e11 else float(value)
    else:
        return 0.0
    return seconds if 946_684_800.0 <= seconds < 4_102_444_800.0 else 0.0


def text(value: object) -> str:
    """A string as it is, anything else as ""."""
    return value if isinstance(value, str) else ""


def json_object(line: bytes) -> dict[str, Any] | None:
    """The object of one line, None if it is none.  Broken UTF-8 is replaced."""
    try:
        document = decode(line)
    except (ValueError, RecursionError):
        # The library that takes what the quick one does not: broken UTF-8, halves of surrogates, NaN.
        document = _slowly(line)
    return document if isinstance(document, dict) else None


def _slowly(line: bytes) -> object:
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError, MemoryError):
        return None
