"""What counts of several bookings does not depend on their order."""

from __future__ import annotations

from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.ledger.merging import Group, counted, joined, rows_of
from providers.ledger.model import Row

small = st.integers(0, 3)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Bookings of one key, close enough to collide in every way."""
    row: Any = (
        "key",
        float(draw(small)),
        draw(st.sampled_from(["", "m", "n"])),
        "p",
        draw(st.sampled_from(["s", "t"])),
        draw(small),
        draw(small),
        *(0, 0, 0, 0, 1),
        draw(st.sampled_from(["", "fast"])),
        draw(st.sampled_from(["", "a", "b"])),
        draw(st.booleans()),
        draw(st.sampled_from(["", "me"])),
    )
    return row


def together(bookings: list[Row]) -> Group:
    return reduce(joined, bookings)


@given(st.lists(rows(), min_size=1, max_size=6), st.randoms())
def test_any_order_comes_to_the_same(bookings: list[Row], random: Any) -> None:
    """Shuffled, grouped otherwise and booked twice: the same rows count."""
    shuffled = bookings * 2
    random.shuffle(shuffled)
    middle = random.randrange(1, len(shuffled))
    halves = joined(together(shuffled[:middle]), together(shuffled[middle:]))
    assert halves == together(bookings)
    assert counted(halves) == counted(together(bookings))


@given(st.lists(rows(), min_size=1, max_size=6))
def test_weak_rows_count_only_alone(bookings: list[Row]) -> None:
    """With a strong row no weak one counts; without, exactly one does, and it is the largest."""
    group = together(bookings)
    chosen = counted(group)
    strong = [row for row in rows_of(group) if not row[14]]
    if strong:
        assert list(chosen) == strong
    else:
        assert len(chosen) == 1
        assert sum(chosen[0][5:9]) == max(sum(row[5:9]) for row in rows_of(group))
