"""JSON of other tools with only the keys that a reader asked for.  Pure.

A session file is mostly prompts and answers.  Each object is cut down to its reader's allow-list the
moment it closes, so text of a person or a model lives as long as the object around it is being
decoded and is never in what these functions return.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from providers.ledger.fields import MOST, text

Path = tuple[str, ...]
"""Keys from the outside in."""

Pairs = list[tuple[str, Any]]
Keep = Callable[[Pairs], Any]
"""What becomes of an object that has just been decoded."""

MOST_ID, MOST_PATH = 200, 1024


def only(keys: Iterable[str]) -> Keep:
    """Keeps these keys at any depth; their texts, numbers, lists and objects."""
    allowed = frozenset(keys)

    def keep(pairs: Pairs) -> dict[str, Any]:
        return {key: value for key, value in pairs if key in allowed}

    return keep


def parsed(data: bytes, keep: Keep) -> Any:
    """The document in ``data``, None if it is none.  Broken UTF-8 is replaced."""
    try:
        return json.loads(data.decode("utf-8-sig", "replace"), object_pairs_hook=keep)
    except (ValueError, RecursionError, MemoryError):
        return None


def dig(document: object, path: Path) -> Any:
    """What lies at a path, None if there is nothing or a step of it is no object."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def whole(value: object) -> int | None:
    """A count of tokens: 0 if it is missing, None if it is there and cannot be one."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < MOST else None


def short(value: object, most: int = MOST_ID) -> str:
    """A text of bounded length that any encoder takes, "" for what is none."""
    found = text(value)[:most]
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def name(value: object) -> str:
    """An id that a tool writes as text or as a whole number, else ""."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    return short(value)
