"""Running totals: growth, resets, and what is no longer remembered."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from providers.ledger.model import Usage
from providers.ledger.readers.cumulative import Total, Totals
from providers.ledger.readers.spelling import Spelling, raw_of
from providers.ledger.remembered import MAX_STATE
from tests.providers.ledger.readings import Booked, total

PLAIN = Spelling((), ())


def at(session: str, *counts: int, born: float = 1e9, changed: float = 1.1e9) -> Total:
    raw = raw_of(counts)
    assert raw is not None
    return Total(session, born, changed, "m", "/src", raw)


def take(totals: Totals, *found: Total) -> list[Usage]:
    booked = Booked()
    totals.take(found, booked.append)
    return booked


def again(totals: Totals) -> Totals:
    return Totals(PLAIN, json.loads(json.dumps(totals.state())))


def test_growth_counts_when_it_is_seen() -> None:
    """The first total on the store's own date, what it grew by on that of the change."""
    totals = Totals(PLAIN, None)
    first = take(totals, at("a", 10, 5))
    second = take(again(totals), at("a", 15, 5, changed=1.2e9))
    assert [(usage.at, usage.input, usage.output) for usage in (*first, *second)] == [
        (1e9, 10, 5),
        (1.2e9, 5, 0),
    ]


def test_a_total_that_fell_is_a_new_baseline() -> None:
    """Nothing is booked for the fall, and only growth after it."""
    totals = Totals(PLAIN, None)
    booked = [*take(totals, at("a", 10)), *take(totals, at("a", 4)), *take(totals, at("a", 6))]
    assert [usage.input for usage in booked] == [10, 2]


def test_a_lost_state_repeats_a_key() -> None:
    """Read again from nothing, an unchanged store books what the index has already."""
    first, second = take(Totals(PLAIN, None), at("a", 10)), take(Totals(PLAIN, None), at("a", 10))
    assert total([*first, *second])[0] == 10


def test_more_sessions_than_can_be_remembered() -> None:
    """The state stays small; an old session that comes back is a baseline, a new one counts whole."""
    totals = Totals(PLAIN, None)
    found = [at(f"s{n}", 10**9 + n, 10**9, born=1e9 + n, changed=1e9 + n) for n in range(4000)]
    assert len(take(totals, *found)) == 4000
    assert len(json.dumps(totals.state())) < MAX_STATE
    later = again(totals)
    assert take(later, *found) == []
    back = take(later, at("s0", 2 * 10**9, 10**9), at("new", 7, born=1.5e9), at("s3999", 10**9 + 4000, 10**9))
    assert {(usage.session, usage.input) for usage in back} == {("new", 7), ("s3999", 1)}
    assert later.approximate


@given(st.lists(st.lists(st.integers(0, 50), min_size=2, max_size=2), max_size=12))
def test_growth_adds_up_to_the_total(steps: list[list[int]]) -> None:
    """However the store grew between two looks, with the state kept as JSON."""
    totals, booked, now = Totals(PLAIN, None), [], [0, 0]
    for step in steps:
        now = [a + b for a, b in zip(now, step, strict=True)]
        booked += take(totals, at("a", *now))
        totals = again(totals)
    assert list(total(booked)[:2]) == now
