"""One value in somebody else's JSON changes; every other byte is as it was."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.accounts.splice import printed, spliced
from providers.record import Record

CANARY = "sk-ant-ort01-CANARY-in-the-file"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["k", "oauthAccount", "a b", "ü", 'q"'])
BLANKS = st.text(" \t\r\n", max_size=3)


class Member(Record):
    """One member of an object as it stands in a text: its value, and what is before and after."""

    key: str
    before: str
    value: str
    after: str


class Document(Record):
    """An object in JSON, in any layout."""

    start: str
    members: tuple[Member, ...]
    end: str

    def text(self, key: str = "", shown: str | None = None) -> str:
        """The whole; with ``shown`` in place of each value of the key."""
        parts = (
            m.before + (m.value if shown is None or m.key != key else shown) + m.after for m in self.members
        )
        return f"{self.start}{','.join(parts)}{self.end}"


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """With any blanks, strings escaped or not, keys more than once, a byte order mark."""
    members = []
    for key, value in draw(st.lists(st.tuples(KEYS | TEXTS, VALUES), max_size=6)):
        name = (
            draw(BLANKS)
            + json.dumps(key, ensure_ascii=draw(st.booleans()))
            + draw(BLANKS)
            + ":"
            + draw(BLANKS)
        )
        text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.integers(0, 3)))
        members.append(Member(key, name, text, draw(BLANKS)))
    start = draw(st.sampled_from(["", "\ufeff"])) + draw(BLANKS) + "{" + ("" if members else draw(BLANKS))
    return Document(start, tuple(members), "}" + draw(BLANKS))


def parsed(text: str) -> dict[str, object]:
    document = json.loads(text.removeprefix("\ufeff"))
    assert isinstance(document, dict)
    return document


@given(documents(), KEYS, VALUES)
def test_only_the_value_of_the_key_changes(document: Document, key: str, value: object) -> None:
    """Any layout, any value, the key once or more than once; every other byte stays."""
    text = document.text()
    after = spliced(text, key, value)
    assert parsed(after) == parsed(text) | {key: value}
    if any(member.key == key for member in document.members):
        shown = printed(value, whole=re.search(r"\n[ \t]+", text) is not None)
        assert after == document.text(key, shown)
    else:
        opening = text.index("{") + 1
        assert after.startswith(text[:opening])
        assert after.endswith(text[opening:])


@given(documents(), KEYS, VALUES)
def test_the_same_value_again_changes_nothing(document: Document, key: str, value: object) -> None:
    """There is no drift over many switches."""
    once = spliced(document.text(), key, value)
    assert spliced(once, key, value) == once


def test_every_occurrence_is_replaced() -> None:
    """Readers differ in which of two equal keys counts; the escaped spelling is the same key."""
    text = '{"k":1, "x": {"k": 2},\t"\\u006b" : [3],"k":4}'
    assert spliced(text, "k", "new") == '{"k":"new", "x": {"k": 2},\t"\\u006b" : "new","k":"new"}'


def test_numbers_and_strings_of_others_keep_their_spelling() -> None:
    """What a parser would round, shorten or unescape."""
    text = '{"n": 1.10, "big": 123456789012345678901234567890, "e": 1E+2, "s": "\\u00fc\\/", "k": null}\n'
    assert spliced(text, "k", True) == text.replace("null", "true")


def test_a_new_value_is_indented_like_its_neighbours() -> None:
    """In a file that has lines, with two blanks a level; in one that has none, compact."""
    assert spliced('{\n  "a": 1\n}\n', "k", {"b": [2]}) == (
        '{\n  "k": {\n    "b": [\n      2\n    ]\n  },\n  "a": 1\n}\n'
    )
    assert spliced('{"a":1}', "k", {"b": [2]}) == '{"k":{"b":[2]},"a":1}'
    assert spliced("{}", "k", 1) == '{"k":1}'
    assert spliced("{\n  \n}", "k", 1) == '{\n  "k": 1\n  \n}'


def test_half_a_surrogate_pair_can_be_encoded() -> None:
    """JavaScript writes it as an escape; raw, no file could hold it."""
    text = spliced('{"a": "\\ud800"}', "k", ["\udc00", "😀"])
    assert json.loads(text.encode("utf-8")) == {"k": ["\udc00", "😀"], "a": "\ud800"}


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[]", "null", '"x"', "1", "{", "}", '{"a"}', '{"a":}', '{"a":1', '{"a":1,}', '{,"a":1}',
        '{"a":1}{', '{"a":1} x', "{a:1}", "{'a':1}", '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}',
        '{1:2}', '{"a":1 "b":2}', '{"a":"\n"}', '// x\n{"a":1}', '{"a":01}', "\ufeff", "\ufeff\ufeff{}",
        '{"a":' + "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused(text: str) -> None:
    """Whether the key is in it or not."""
    for key in ("a", "k"):
        with pytest.raises(ValueError, match="not one JSON object"):
            spliced(text, key, 1)


def test_a_number_without_an_end_is_refused() -> None:
    """JSON has none, so no other program could read the file."""
    with pytest.raises(ValueError, match="JSON"):
        spliced("{}", "k", float("inf"))


def test_the_error_holds_nothing_of_the_file() -> None:
    """A decoder's own error carries the whole document."""
    with pytest.raises(ValueError, match="not one JSON object") as caught:
        spliced(json.dumps({"token": CANARY})[:-1], "k", 1)
    assert CANARY not in f"{caught.value!r}{vars(caught.value)}"
    assert caught.value.__suppress_context__


@given(documents(), KEYS)
def test_torn_at_every_place(document: Document, key: str) -> None:
    """No beginning of a document is taken for one."""
    text = document.text()
    for at in range(len(text.rstrip(" \t\r\n"))):
        with pytest.raises(ValueError, match="not one JSON object"):
            spliced(text[:at], key, 1)
