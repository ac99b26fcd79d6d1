"""Following a growing file: every complete line once, whatever happens to the file."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import Unreadable
from providers.engine.tail import Tail, TailLook


def look(tail: Tail) -> TailLook:
    seen = tail.look()
    assert isinstance(seen, TailLook)
    return seen


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rollout.jsonl"


def test_first_look_then_only_what_is_new(path: Path) -> None:
    """The first look brings what is there, the next one only what was appended."""
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    first = look(tail)
    assert (first.restarted, first.head, first.lines) == (True, b"one\ntwo\n", (b"one", b"two"))
    append(path, b"three\n")
    second = look(tail)
    assert (second.restarted, second.head, second.lines) == (False, b"", (b"three",))
    assert look(tail).lines == ()


def test_a_torn_last_line_waits_for_its_end(path: Path) -> None:
    """A line is handed over once, when its newline is there."""
    path.write_bytes(b"one\ntw")
    tail = Tail(path)
    assert look(tail).lines == (b"one",)
    append(path, b"o")
    assert look(tail).lines == ()
    append(path, b"\nthree\n")
    assert look(tail).lines == (b"two", b"three")


@pytest.mark.parametrize(
    ("first_bytes", "lines"), [(4, (b"two",)), (5, (b"two",)), (8, (b"one", b"two")), (3, ())]
)
def test_the_first_look_drops_a_partial_line_only(
    path: Path, first_bytes: int, lines: tuple[bytes, ...]
) -> None:
    """A line that the block begins inside of is dropped; one that it begins with is not."""
    path.write_bytes(b"one\ntwo\n")
    assert look(Tail(path, first_bytes=first_bytes)).lines == lines


def test_the_head_is_the_beginning_even_of_a_long_file(path: Path) -> None:
    """A log's first line tells whose it is, so 64 KiB of the beginning come with the end."""
    path.write_bytes(b"meta\n" + b"x" * 300_000 + b"\nlast\n")
    seen = look(Tail(path, first_bytes=100))
    assert seen.head.startswith(b"meta\nxxx")
    assert len(seen.head) == 64 * 1024
    assert seen.lines == (b"last",)


def test_widening_looks_further_back_until_it_has_seen_enough(path: Path) -> None:
    """Four times as much each time, up to the cap or the beginning; then False."""
    path.write_bytes(b"".join(b"%07d\n" % n for n in range(100)))
    tail = Tail(path, first_bytes=16, max_bytes=200)
    counts = [len(look(tail).lines)]
    while tail.widen():
        seen = look(tail)
        assert seen.restarted
        counts.append(len(seen.lines))
    assert counts == [2, 8, 25]


def test_there_is_nothing_to_widen_to_in_a_short_file(path: Path) -> None:
    """A first look that began at the beginning has seen everything."""
    path.write_bytes(b"one\n")
    tail = Tail(path)
    look(tail)
    assert not tail.widen()


def shrink(path: Path) -> None:
    path.write_bytes(b"new\n")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"new\n" * 10)
    other.rename(path)


def rewrite_longer(path: Path) -> None:
    path.write_bytes(b"a much longer line than before, and so on\n" * 10)


@pytest.mark.parametrize("change", [shrink, replace, rewrite_longer])
def test_a_changed_file_starts_over(path: Path, change) -> None:
    """Cut, replaced by rename, or rewritten in place past its old size."""
    path.write_bytes(b"one\ntwo\nthree\n")
    tail = Tail(path)
    look(tail)
    change(path)
    seen = look(tail)
    assert seen.restarted
    assert seen.head == path.read_bytes()
    assert b"".join(line + b"\n" for line in seen.lines) == path.read_bytes()


def test_a_long_backlog_is_skipped_to_its_end(path: Path) -> None:
    """More than the cap at once: only the last part, beginning with a whole line."""
    path.write_bytes(b"one\n")
    tail = Tail(path, max_bytes=100)
    look(tail)
    append(path, b"".join(b"%09d\n" % n for n in range(1000)))
    assert look(tail).lines == tuple(b"%09d" % n for n in range(990, 1000))
    append(path, b"next\n")
    assert look(tail).lines == (b"next",)


def test_a_line_longer_than_the_cap_blocks_nothing(path: Path) -> None:
    """It is skipped, also when it comes in pieces, and what follows is read."""
    path.write_bytes(b"one\n")
    tail = Tail(path, max_bytes=100)
    look(tail)
    for _ in range(5):
        append(path, b"x" * 90)
        assert look(tail).lines == ()
    append(path, b"\ntwo\n")
    assert look(tail).lines == (b"two",)


def test_a_huge_line_costs_no_more_than_the_cap(path: Path) -> None:
    """A line of 200 MB (a sparse file) is passed over within a little more than the cap."""
    path.write_bytes(b"one\n")
    tail = Tail(path, max_bytes=1_000_000)
    look(tail)
    os.truncate(path, 200_000_000)
    append(path, b"\ntwo\n")
    tracemalloc.start()
    try:
        assert look(tail).lines == (b"two",)
        assert tracemalloc.get_traced_memory()[1] < 2_500_000
    finally:
        tracemalloc.stop()


def test_an_unfinished_line_is_not_read_again_while_nothing_changes(path: Path) -> None:
    """Looking at an unchanged file reads none of its bytes but the check of one."""
    path.write_bytes(b"one\n" + b"x" * 1_000_000)
    tail = Tail(path, first_bytes=2_000_000)
    look(tail)
    tracemalloc.start()
    try:
        assert look(tail).lines == ()
        assert tracemalloc.get_traced_memory()[1] < 50_000
    finally:
        tracemalloc.stop()


def test_absent_refused_and_back_again(path: Path, tmp_path: Path) -> None:
    """A file that vanishes and comes back is read from its beginning; a link is refused."""
    tail = Tail(path)
    assert tail.look() is None
    path.write_bytes(b"one\n")
    assert look(tail).lines == (b"one",)
    path.rename(tmp_path / "moved")
    assert tail.look() is None
    path.symlink_to("moved")
    refused = tail.look()
    assert isinstance(refused, Unreadable)
    assert refused.refused
    path.unlink()
    (tmp_path / "moved").rename(path)
    seen = look(tail)
    assert (seen.restarted, seen.lines) == (True, (b"one",))


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(st.sampled_from([b"\n", b"a", b"bc", b"\r", b"\xff", b"longer line"]), max_size=60).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_any_split_into_appends_gives_the_same_lines(data: bytes, cuts: list[int]) -> None:
    """However a stream is cut into appends, its complete lines come once and in order."""
    places = sorted({0, len(data), *(min(c, len(data)) for c in cuts)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.touch()
        tail, lines = Tail(path), []
        for begin, end in pairwise(places):
            append(path, data[begin:end])
            lines += look(tail).lines
    complete = data[: data.rfind(b"\n") + 1]
    assert lines == [line for line in complete.split(b"\n") if line]
