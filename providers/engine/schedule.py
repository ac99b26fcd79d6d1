"""When an account may be asked and when it is: the rules, without a clock or a file.

Pure; budget.py keeps the slots, asker.py acts on them.  Numbers from
realiti4/claude-swap:src/claude_swap/poll_policy.py, measured there in July and August 2026.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from types import MappingProxyType

from providers.model import Status
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Asked, Limits

HOUR = 3600.0
RESERVE = 2
"""Requests of an hour that are kept for the keys: ``r`` should hardly ever be refused."""

REMEMBERED = 4
"""Refused tokens that are remembered: a person has a few logins at most."""

AFTER_RESET = 5.0
AFTER_RESET_SPREAD = 25.0
AFTER_FULL = 60.0
LIMITED_AT_LEAST = 360.0
LIMITED_GROWTH = 1.5
LIMITED_AT_MOST = 1800.0
BLOCK_AT_MOST = 4500.0
TROUBLE_FIRST = 30.0
TROUBLE_AT_MOST = 600.0
JITTER = 0.1


_MENDED_ELSEWHERE = frozenset({Status.DENIED.value, Status.UNSUBSCRIBED.value})
"""Refusals that a subscription or an administrator lifts, and no new login."""


class Slot(Record):
    """What is kept of one account between questions; no secret is in it.

    ``asked``: requests of the last hour, oldest first.  ``blocked_until``: the endpoint's own
    deadline (``block_token`` limits it to one token's fingerprint).  ``limits`` and
    ``troubles`` count such answers in a row.  ``refused`` are the fingerprints of the last
    tokens that the provider would not have.  ``status``/``message``/``failed_at``: the last failure, "" if
    the last answer was good.  ``limit`` and ``next_at`` (0: not by itself) are for readers
    that know no endpoint.  Times in epoch seconds.
    """

    asked: tuple[float, ...] = ()
    blocked_until: float = 0.0
    block_token: str = ""
    limits: int = 0
    troubles: int = 0
    refused: str = ""
    status: str = ""
    message: str = ""
    failed_at: float = 0.0
    answered_at: float = 0.0
    limit: int = 0
    next_at: float = 0.0
    memory: Mapping[str, str] = MappingProxyType({})

    def refuses(self, fingerprint: str) -> bool:
        """Whether the provider would not have this token."""
        return fingerprint in self.refused.split()


class Activity(Record):
    """What the deck knows of a live account, as far as the pace of asking depends on it.

    ``account`` is its identity key, "" where nobody is known to be logged in.
    ``moved_at``: when a figure from somewhere else than the endpoint was measured last;
    ``full_until``: the reset of a full window; ``resets``: the resets of its windows.
    """

    moved_at: float = 0.0
    full_until: float | None = None
    resets: tuple[float, ...] = ()
    account: str = ""


class Due(Record):
    """When the next question is due (None: not by itself), and why it waits if it does."""

    at: float | None
    waits: str = ""


def sane(slot: Slot, now: float) -> Slot:
    """The slot as of ``now``: old requests drop out, and what lies in the future (the clock
    was set back) counts as of now, so that it holds nothing up for longer than it may."""
    asked = tuple(min(at, now) for at in slot.asked if at > now - HOUR)
    return replace(
        slot,
        asked=tuple(sorted(asked)),
        blocked_until=min(slot.blocked_until, now + BLOCK_AT_MOST),
        failed_at=min(slot.failed_at, now),
        answered_at=min(slot.answered_at, now),
    )


def due(key: str, slot: Slot, limits: Limits, activity: Activity, fingerprint: str, now: float) -> Due:
    """When the account is asked by itself next.  ``slot`` as `sane` returns it."""
    if slot.refuses(fingerprint):
        return Due(None, slot.message)
    if not slot.asked:
        wanted = max(now, slot.failed_at + _trouble_rest(slot, limits) if slot.troubles else 0.0)
    else:
        wanted = slot.asked[-1] + _rest(key, slot, limits, activity)
    at, waits = max(wanted, _floor(slot, limits)), ""
    blocked = _blocked_until(slot, fingerprint)
    if blocked > max(at, now):
        at, waits = blocked, "the endpoint asked to wait"
    spent = _spent_until(slot, _unasked(limits))
    if spent > max(at, now):
        at, waits = spent, "the requests of this hour are spent"
    return Due(at, waits)


def refusal(
    slot: Slot, limits: Limits, fingerprint: str, now: float, *, by_hand: bool, first: bool = True
) -> Due | None:
    """Why a question may not be sent now and until when; None if it may.  This is the gate
    that every request passes under the lock, whoever wanted it.  Further questions of one go
    (not ``first``) are spared the rest between two, not the budget.  A token that was refused is
    not sent again; but what it may do can change without it, so then a key may try."""
    if slot.refuses(fingerprint) and not (by_hand and slot.status in _MENDED_ELSEWHERE):
        return Due(None, slot.message)
    blocked = _blocked_until(slot, fingerprint)
    if blocked > now:
        return Due(blocked, "the endpoint asked to wait")
    spent = _spent_until(slot, limits.per_hour if by_hand else _unasked(limits))
    if spent > now:
        return Due(spent, f"the {limits.per_hour} requests of this hour are spent")
    rest = slot.asked[-1] + limits.by_hand if by_hand and slot.asked else _floor(slot, limits)
    if first and rest > now:
        return Due(rest, "it was asked a moment ago")
    return None


def by_hand_at(slot: Slot, limits: Limits, fingerprint: str) -> float:
    """From when a key may ask."""
    last = slot.asked[-1] + limits.by_hand if slot.asked else 0.0
    return max(last, _blocked_until(slot, fingerprint), _spent_until(slot, limits.per_hour))


def settled(slot: Slot, asked: Asked, fingerprint: str, now: float) -> Slot:
    """The slot after an answer."""
    # Here: commands that only read the record do not pay for it.
    from providers.asking import AskOutcome

    memory = slot.memory if asked.memory is None else MappingProxyType(dict(asked.memory))
    if asked.outcome is AskOutcome.ANSWERED:
        return replace(
            slot, blocked_until=0.0, block_token="", limits=0, troubles=0, status="", message="",
            refused=" ".join(f for f in slot.refused.split() if f != fingerprint),
            answered_at=now, memory=memory,
        )  # fmt: skip
    if asked.outcome is AskOutcome.RENEWED:
        return replace(slot, memory=memory)
    failed = replace(slot, status=asked.status.value, message=asked.message, failed_at=now, memory=memory)
    if asked.outcome is AskOutcome.REFUSED:
        return replace(failed, refused=" ".join([*slot.refused.split(), fingerprint][-REMEMBERED:]))
    if asked.outcome is AskOutcome.TROUBLE:
        return replace(failed, troubles=slot.troubles + 1)
    wait = asked.wait or 0.0
    patience = min(LIMITED_AT_MOST, LIMITED_AT_LEAST * LIMITED_GROWTH ** min(slot.limits, 8))
    return replace(
        failed,
        limits=slot.limits + 1,
        blocked_until=now + min(BLOCK_AT_MOST, max(wait, patience)),
        block_token=fingerprint if asked.token_only else "",
    )


def _rest(key: str, slot: Slot, limits: Limits, activity: Activity) -> float:
    """Seconds from the last question to the next one."""
    last = slot.asked[-1]
    if slot.troubles:
        return _trouble_rest(slot, limits)
    moving = activity.moved_at > slot.answered_at
    rest = float(limits.active if moving else limits.idle)
    if activity.full_until is not None:
        rest = max(float(limits.floor), min(limits.idle, activity.full_until + AFTER_FULL - last))
    # Never later than planned: a figure of an idle account would be stale for that long.
    rest *= 1 - JITTER * (0.1 + _share(key, last))
    passing = [at for at in activity.resets if at > last]
    if passing:
        after = AFTER_RESET + AFTER_RESET_SPREAD * _share(key, last)
        rest = min(rest, min(passing) + after - last)
    return rest


def _trouble_rest(slot: Slot, limits: Limits) -> float:
    return min(TROUBLE_AT_MOST, TROUBLE_FIRST * 2.0 ** min(slot.troubles - 1, 6))


def _floor(slot: Slot, limits: Limits) -> float:
    """The earliest automatic question after the last one.  Where no server was reached, none
    was bothered: then the rest after trouble is floor enough."""
    if not slot.asked:
        return 0.0
    unreached = slot.troubles and slot.status == Status.OFFLINE.value
    return slot.asked[-1] + (_trouble_rest(slot, limits) if unreached else limits.floor)


def _blocked_until(slot: Slot, fingerprint: str) -> float:
    """The endpoint's deadline; one that was this token's alone ends with it."""
    return 0.0 if slot.block_token not in ("", fingerprint) else slot.blocked_until


def _unasked(limits: Limits) -> int:
    """How many of an hour's requests go out without a key."""
    return max(1, limits.per_hour - RESERVE)


def _spent_until(slot: Slot, most: int) -> float:
    """When the hour holds fewer than ``most`` requests again; 0 if it does."""
    return slot.asked[-most] + HOUR if len(slot.asked) >= most else 0.0


def _share(key: str, last: float) -> float:
    """A number from 0 to 1 that looks random, but is the same in every running copy."""
    return zlib.crc32(f"{key} {last:.0f}".encode()) / 0xFFFFFFFF
