"""Putting one value into somebody else's JSON file, every other byte as it was.

For the stores of the provider folders.  A global config holds a person's projects: parsing and
printing it anew would round numbers, reorder nothing but reformat everything, and lose what a
parser does not keep.  Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_BLANK = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = "\ufeff"


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def spliced(text: str, key: str, value: Any) -> str:
    """The document in ``text`` with ``value`` under the top-level ``key``.

    Every occurrence of the key is replaced (readers differ in which one counts); without one it
    becomes the first.  Raises ValueError if ``text`` is not one JSON object; what it says holds
    nothing of the text.
    """
    whole = re.search(r"\n[ \t]+", text) is not None
    shown = printed(value, whole)
    try:
        spans = list(_spans(text, key))
    except (ValueError, RecursionError):
        # Not with its cause: a decoder's error carries the document.
        raise ValueError("not one JSON object") from None
    if not spans:
        return _inserted(text, key, shown, whole)
    for start, end in reversed(spans):
        text = text[:start] + shown + text[end:]
    return text


def printed(value: Any, whole: bool = False) -> str:
    """A value as JavaScript prints it inside a document: compact, or (``whole``) with two blanks a
    level in a file that has lines.  Half a surrogate pair is escaped, so that it can be encoded."""
    if whole:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2).replace("\n", "\n  ")
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _inserted(text: str, key: str, shown: str, whole: bool) -> str:
    opening = text.index("{") + 1
    rest = text[opening:]
    comma = "" if rest.lstrip().startswith("}") else ","
    if whole:
        return f"{text[:opening]}\n  {json.dumps(key)}: {shown}{comma}{rest}"
    return f"{text[:opening]}{json.dumps(key)}:{shown}{comma}{rest}"


def _spans(text: str, key: str) -> Iterator[tuple[int, int]]:
    """Where the values of the key stand.  Raises ValueError if this is not one object."""
    at = _past(text, 1 if text.startswith(_BOM) else 0, "{")
    if text[_skip(text, at) : _skip(text, at) + 1] == "}":
        return _ended(text, at)
    while True:
        at = _skip(text, at)
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str):
            raise ValueError("not an object")
        start = _skip(text, _past(text, at, ":"))
        _, at = _DECODER.raw_decode(text, start)
        if name == key:
            yield start, at
        if text[_skip(text, at) : _skip(text, at) + 1] == ",":
            at = _past(text, at, ",")
            continue
        return _ended(text, at)


def _ended(text: str, at: int) -> None:
    if _skip(text, _past(text, at, "}")) != len(text):
        raise ValueError("something follows the object")


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _past(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"no {sign} where one belongs")
    return at + 1
