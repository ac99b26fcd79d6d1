"""Log lines with odd values at some places, for the properties of readers."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Edits = list[tuple[tuple[str, ...], Any]]
"""Values by the path of keys to them; "absent" takes the key away."""

_ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        7,
        1.0,
        2.5,
        1 << 40,
        1 << 63,
        1 << 80,
        "",
        "x",
        "\ud800",
        [],
        {},
        [1],
        {"a": 1},
    ]
)


def edits(places: tuple[tuple[str, ...], ...], most: int) -> st.SearchStrategy[Edits]:
    """Numbers that are none, texts that are numbers, surrogates, and what is missing, at some of these
    places."""
    return st.lists(st.tuples(st.sampled_from(places), _ODD | st.just("absent")), max_size=most)


def edited(line: dict[str, Any], edits: Edits) -> dict[str, Any]:
    """A copy of the line with these edits, as far as the places are there."""
    made = deepcopy(line)
    for path, value in edits:
        inside: Any = made
        for name in path[:-1]:
            inside = inside.get(name) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[path[-1]] = deepcopy(value)
            if value == "absent":
                del inside[path[-1]]
    return made


def block_of(lines: list[dict[str, Any]], *, whole: bool) -> bytes:
    """The lines as a log has them.  With ``whole`` each has a NaN more, which is no JSON for the decoder of
    what is declared and is for the other: that makes it one of another form, and changes no figure."""
    texts = [json.dumps(line, separators=(",", ":")) for line in lines]
    return "".join((text[:-1] + ',"odd":NaN}' if whole else text) + "\n" for text in texts).encode()
