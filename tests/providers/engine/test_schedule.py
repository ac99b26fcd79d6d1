"""When an account may be asked and when it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Asked, AskOutcome, Limits
from providers.engine.schedule import RESERVE, Activity, Slot, by_hand_at, due, refusal, sane, settled
from providers.model import Status
from providers.record import replace

NOW = 1_795_330_000.0
LIMITS = Limits(per_hour=20)
IDLE, MOVING = Activity(), Activity(moved_at=NOW)
ASKED = Slot(asked=(NOW,), answered_at=NOW)


def rest(slot: Slot, activity: Activity = IDLE, now: float = NOW, token: str = "t") -> float | None:
    at = due("toy/1", sane(slot, now), LIMITS, activity, token, now).at
    return None if at is None else at - NOW


@pytest.mark.parametrize(
    ("slot", "activity", "low", "high"),
    [
        (Slot(), IDLE, 0, 0),
        (ASKED, IDLE, 540, 660),
        (ASKED, Activity(moved_at=NOW + 1), 270, 330),
        (ASKED, Activity(moved_at=NOW + 1, full_until=NOW + 9000), 540, 660),
        (ASKED, Activity(full_until=NOW + 200), 234, 286),
        (ASKED, Activity(full_until=NOW + 20), 180, 198),
        (ASKED, Activity(resets=(NOW + 200,)), 205, 230),
        (ASKED, Activity(resets=(NOW - 200, NOW + 20)), 180, 180),
        (replace(ASKED, troubles=1, status="error"), IDLE, 180, 180),
        (replace(ASKED, troubles=1, status="offline"), IDLE, 30, 30),
        (replace(ASKED, troubles=3, status="offline"), IDLE, 120, 120),
        (replace(ASKED, troubles=9, status="offline"), IDLE, 600, 600),
        (replace(ASKED, blocked_until=NOW + 1000), IDLE, 1000, 1000),
        (replace(ASKED, blocked_until=NOW + 1000, block_token="t"), IDLE, 1000, 1000),
        (replace(ASKED, blocked_until=NOW + 1000, block_token="old"), IDLE, 540, 660),
    ],
)
def test_the_next_question(slot: Slot, activity: Activity, low: float, high: float) -> None:
    """Five minutes while figures move, ten otherwise or while full, soon after a reset, never
    under three minutes; trouble doubles the rest; a block of another token is none."""
    found = rest(slot, activity)
    assert found is not None
    assert low <= found <= high


def test_a_refused_token_is_not_asked_with_again() -> None:
    """Not by itself and not by hand, until the fingerprint is another."""
    slot = replace(ASKED, refused="s t", message="renews when toy runs")
    later = NOW + 4000
    assert rest(slot, now=later) is None
    denied = refusal(sane(slot, later), LIMITS, "t", later, by_hand=True)
    assert denied is not None
    assert (denied.at, denied.waits) == (None, "renews when toy runs")
    assert refusal(sane(slot, later), LIMITS, "new", later, by_hand=True) is None


@pytest.mark.parametrize("status", [Status.DENIED, Status.UNSUBSCRIBED])
def test_what_is_mended_elsewhere_is_tried_on_a_key(status: Status) -> None:
    """Somebody subscribed, or an administrator let them in: the token is the same."""
    slot = replace(ASKED, refused="t", status=status.value)
    later = NOW + 4000
    assert rest(slot, now=later) is None
    assert refusal(sane(slot, later), LIMITS, "t", later, by_hand=False) is not None
    assert refusal(sane(slot, later), LIMITS, "t", later, by_hand=True) is None


def test_the_keys_keep_a_reserve_of_the_hour() -> None:
    """Automatic questions stop two short of the budget, which the keys may still spend."""
    most = LIMITS.per_hour - RESERVE
    slot = Slot(asked=tuple(NOW - 3000 + 100 * i for i in range(most)), answered_at=NOW - 200)
    assert refusal(slot, LIMITS, "t", NOW, by_hand=False) is not None
    assert refusal(slot, LIMITS, "t", NOW, by_hand=True) is None
    spent = replace(slot, asked=(*slot.asked, NOW - 130, NOW - 65))
    denied = refusal(spent, LIMITS, "t", NOW, by_hand=True)
    assert denied is not None
    assert denied.at == NOW + 600
    assert "20 requests" in denied.waits


def test_a_key_waits_a_minute_after_any_question() -> None:
    """From 60 seconds on, and never through a block."""
    slot = Slot(asked=(NOW - 59,))
    assert refusal(slot, LIMITS, "t", NOW, by_hand=True).at == NOW + 1  # type: ignore[union-attr]
    assert refusal(slot, LIMITS, "t", NOW + 1, by_hand=True) is None
    assert by_hand_at(slot, LIMITS, "t") == NOW + 1
    assert by_hand_at(replace(slot, blocked_until=NOW + 99), LIMITS, "t") == NOW + 99


def test_a_block_grows_while_it_repeats() -> None:
    """360 s at least, half as long again each time, at most 1800 unless the server says more."""
    limited = Asked(AskOutcome.LIMITED, status=Status.LIMITED, wait=300.0, token_only=True)
    slot, waits = Slot(), []
    for _ in range(6):
        slot = settled(slot, limited, "t", NOW)
        waits.append(round(slot.blocked_until - NOW))
    assert waits == [360, 540, 810, 1215, 1800, 1800]
    assert slot.block_token == "t"
    long = settled(slot, replace(limited, wait=4500.0, token_only=False), "t", NOW)
    assert (long.blocked_until, long.block_token) == (NOW + 4500, "")


def test_a_good_answer_forgets_what_was_wrong() -> None:
    """Blocks, strikes, its own refusal and the sentence go; another token's refusal and what the
    endpoint remembers stay."""
    bad = Slot(
        asked=(NOW,), blocked_until=NOW + 9, block_token="t", limits=2, troubles=3, refused="t x",
        status="error", message="m", failed_at=NOW - 9, memory={"a": "b"},
    )  # fmt: skip
    good = settled(bad, Asked(AskOutcome.ANSWERED), "t", NOW)
    assert good == Slot(asked=(NOW,), failed_at=NOW - 9, answered_at=NOW, memory={"a": "b"}, refused="x")


def test_a_clock_set_back_neither_blocks_for_long_nor_opens_the_budget() -> None:
    """Requests from the future count as of now; a deadline lies 4500 s ahead at most."""
    future = Slot(asked=(NOW + 5000, NOW + 90_000), blocked_until=NOW + 90_000, answered_at=NOW + 5000)
    found = sane(future, NOW)
    assert found.asked == (NOW, NOW)
    assert (found.blocked_until, found.answered_at) == (NOW + 4500, NOW)
    assert sane(found, NOW + 3601).asked == ()


TIMES = st.lists(st.floats(NOW - 4000, NOW + 100), max_size=30)


@given(TIMES, st.booleans(), st.integers(1, 30))
def test_what_the_gate_lets_through_is_within_the_budget(
    asked: list[float], by_hand: bool, per_hour: int
) -> None:
    """Whatever was asked before: if a question is let through, the hour holds it."""
    limits = Limits(per_hour=per_hour)
    slot = sane(Slot(asked=tuple(asked)), NOW)
    if refusal(slot, limits, "t", NOW, by_hand=by_hand) is None:
        assert sum(1 for at in asked if at > NOW - 3600) < per_hour
        assert not slot.asked or slot.asked[-1] <= NOW - (60 if by_hand else 180)


@given(TIMES, st.integers(3, 30), st.sampled_from([IDLE, MOVING, Activity(resets=(NOW + 10,))]))
def test_what_is_due_passes_the_gate_then(asked: list[float], per_hour: int, activity: Activity) -> None:
    """The plan and the gate agree: at the moment it names, the question may be sent."""
    limits = Limits(per_hour=per_hour)
    slot = sane(Slot(asked=tuple(asked), answered_at=NOW - 1), NOW)
    at = due("k", slot, limits, activity, "t", NOW).at
    assert at is not None
    then = max(at, NOW) + 0.001
    assert refusal(sane(slot, then), limits, "t", then, by_hand=False) is None
