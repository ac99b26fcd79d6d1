"""Single values from untrusted documents: JSON, text, numbers, percentages, times.

Pure; every parser of foreign bytes goes through here, so that one place decides what
a number, a time and a printable string are.  None means unknown, never zero.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

from providers.base import SecretFound, Unparseable
from providers.model import ABSURD_PERCENT, DAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_TEXT = 80

_SECRET = re.compile(
    r"sk-ant-|sk-proj-|eyJ[A-Za-z0-9_-]{10}|gh[opusr]_|github_pat_|Fe26\.|\brt_|\bat-[A-Za-z0-9]{16}"
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
"""Strings and brackets.  Possessive: a string of escapes without an end took seconds."""
_FRACTION = re.compile(r"(\.\d{6})\d+")


def _refuse_constant(name: str) -> NoReturn:
    raise Unparseable(f"holds the non-number {name}")


def load_json(data: bytes) -> Any:
    """The document in ``data``: UTF-8 (a BOM is allowed, broken sequences are replaced).

    Raises `Unparseable` for anything that is not finite JSON at most `MAX_DEPTH` deep.
    The depth is counted before parsing: the C scanner recurses on the C stack.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unparseable("is UTF-16, not UTF-8")
    text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise Unparseable("is empty")
    if _too_deep(text):
        raise Unparseable(f"is nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except Unparseable:
        raise
    except (ValueError, RecursionError, MemoryError):
        raise Unparseable("is not valid JSON, perhaps half written") from None


def _too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _BRACKET.finditer(text):
        bracket = match[0]
        if bracket in ("{", "["):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif bracket in ("}", "]"):
            depth -= 1
    return False


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """``value`` as one printable line: no control, bidi, format or surrogate
    characters, white space collapsed, at most ``limit`` characters.  Not a string: ""."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable():
        # Nearly all of them; the long way looks at each character.
        text = " ".join(value[: limit * 8].split())
        return text if len(text) <= limit else text[: limit - 1] + "…"
    kept = (
        " " if c.isspace() else c
        for c in value[: limit * 8]
        if c.isspace() or (c not in _BIDI and unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    )
    text = " ".join("".join(kept).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def part(document: object, key: str) -> Mapping[str, Any]:
    """The object under ``key``, empty if there is none."""
    value = document.get(key) if isinstance(document, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def looks_secret(value: object) -> bool:
    """Whether a string looks like a credential (Claude, OpenAI, GitHub, OpenCode, a JWT)."""
    return isinstance(value, str) and _SECRET.search(value) is not None


def refuse_secrets(document: object) -> None:
    """Raises `SecretFound` if any string in the document looks like a credential."""
    stack: list[object] = [document]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif looks_secret(item):
            raise SecretFound("holds what looks like a credential, so nothing of it is used")


def number(value: object) -> float | None:
    """A finite number from a number or a numeric string; bool is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 32 or not value.strip()):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def percent(value: object) -> float | None:
    """A used percentage as sent; negative and absurd (> 10 000) ones are unknown."""
    result = number(value)
    return result if result is not None and 0 <= result <= ABSURD_PERCENT else None


def epoch(value: object) -> float | None:
    """Epoch seconds from seconds, milliseconds, microseconds or ISO 8601.

    Below 1e11 a number is seconds, below 1e14 ms, below 1e17 µs.  ISO strings may have
    any number of fractional digits; without an offset they are UTC; a date alone is
    its midnight UTC.  Zero, negatives, years before 2000 and prose are unknown.
    """
    numeric = number(value)
    if numeric is not None:
        for bound, scale in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6)):
            if numeric < bound:
                seconds = numeric / scale
                return seconds if seconds > 0 else None
        return None
    if not isinstance(value, str) or not 8 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
    except ValueError:
        return None
    if moment.year < 2000:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def reset_time(value: object, observed_at: float, now: float) -> float | None:
    """A believable reset: at most 40 days before the observation and 400 days from
    now, else unknown."""
    moment = epoch(value)
    if moment is None or not observed_at - 40 * DAY <= moment <= now + 400 * DAY:
        return None
    return moment


def observed_time(value: object, mtime: float, now: float) -> float:
    """When a document was measured: its own word, else its mtime, never later than now.

    A claim more than a minute in the future is a broken clock, so the mtime counts.
    """
    claimed = epoch(value)
    if claimed is None or claimed > now + 60:
        claimed = mtime
    return min(claimed, now)
