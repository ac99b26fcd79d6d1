"""What answers mean at every provider alike: limits, server trouble, edge pages, silence.

Pure; called by the asker before an endpoint's own `answer` sees anything.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from providers.asking import Answer, Asked, AskOutcome, NoAnswer
from providers.base import Unparseable
from providers.engine.values import load_json
from providers.model import Status

SPENT_WAIT = 300.0
"""A 429 with ``Retry-After: 0``, none, or garbage: the budget is spent at the edge; "now" is
never meant (realiti4/claude-swap:src/claude_swap/poll_policy.py)."""

LONG_WAIT = 600.0
LONG_MORE = 900.0
WAIT_AT_MOST = 4500.0
"""Of the long blocks, half began anew within 15 minutes after their deadline: these are added."""

_OWN = frozenset({200, 400, 401, 402, 403, 404})


def shared_meaning(reply: Answer | NoAnswer, host: str) -> Asked | None:
    """What the reply means if that does not depend on the provider, else None."""
    if isinstance(reply, NoAnswer):
        return Asked(AskOutcome.TROUBLE, status=reply.status, message=reply.sentence)
    if reply.status == 429:
        return _limited(reply)
    if _is_page(reply):
        message = f"{host} answered with a web page ({reply.status}); the login may be fine"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    if reply.status >= 500:
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=f"{host} has trouble ({reply.status})")
    if reply.status not in _OWN:
        message = f"unexpected answer from {host} ({reply.status})"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    return None


def body_of(answer: Answer) -> object:
    """The JSON of an answer, None if it is none."""
    try:
        document: object = load_json(answer.body)
    except Unparseable:
        return None
    return document


def retry_after(value: str, now: float) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None if it is neither,
    not positive, or missing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (TypeError, ValueError, OverflowError):
            return None
    return seconds if seconds > 0 else None


def _limited(reply: Answer) -> Asked:
    """Two kinds: a deadline for the whole account, and a spent budget of this token."""
    asked = retry_after(reply.headers.get("retry-after", ""), reply.at)
    wait = SPENT_WAIT if asked is None else asked
    if asked is not None and asked >= LONG_WAIT:
        wait = asked + LONG_MORE
    return Asked(
        AskOutcome.LIMITED,
        status=Status.LIMITED,
        message="the usage endpoint asks to wait (429)",
        wait=min(wait, WAIT_AT_MOST),
        token_only=asked is None,
    )


def _is_page(reply: Answer) -> bool:
    """HTML instead of JSON: an edge in between, a captive portal, a challenge."""
    if "cf-mitigated" in reply.headers or "html" in reply.headers.get("content-type", "").lower():
        return True
    return reply.body[:64].lstrip().lower().startswith((b"<!doctype", b"<html"))
