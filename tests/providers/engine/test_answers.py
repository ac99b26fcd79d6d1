"""What an answer means at every provider alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, AskOutcome, NoAnswer
from providers.engine.answers import WAIT_AT_MOST, retry_after, shared_meaning
from providers.model import Status

NOW = 1_795_330_000.0


def reply(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    return Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, body, NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), (" 7 ", 7), ("0", None), ("", None), ("-5", None), ("soon", None), ("1e9", None),
        ("Sun, 22 Nov 2026 06:56:40 GMT", 600), ("Sat, 21 Nov 2026 06:46:40 GMT", None), ("٣", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Whole seconds or an HTTP date ahead; zero, the past and prose say nothing."""
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "wait", "token_only"),
    [
        ({}, 300, True),
        ({"retry_after": "0"}, 300, True),
        ({"retry_after": "soon"}, 300, True),
        ({"retry_after": "45"}, 45, False),
        ({"retry_after": "599"}, 599, False),
        ({"retry_after": "600"}, 1500, False),
        ({"retry_after": "3600"}, 4500, False),
        ({"retry_after": "99999999999"}, WAIT_AT_MOST, False),
    ],
)
def test_both_kinds_of_429(headers: dict[str, str], wait: float, token_only: bool) -> None:
    """A deadline binds the account and long ones are lengthened; without one the budget of
    this token is spent, and "0" never means now."""
    asked = shared_meaning(reply(429, **headers), "api.example")
    assert asked is not None
    assert (asked.outcome, asked.status) == (AskOutcome.LIMITED, Status.LIMITED)
    assert (asked.wait, asked.token_only) == (wait, token_only)


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (reply(500), Status.ERROR, "api.example has trouble (500)"),
        (reply(529), Status.ERROR, "api.example has trouble (529)"),
        (reply(403, b" <!DOCTYPE html><html>"), Status.ERROR, "web page"),
        (reply(200, b"{}", content_type="text/html; charset=utf-8"), Status.ERROR, "web page"),
        (reply(403, b"{}", cf_mitigated="challenge"), Status.ERROR, "the login may be fine"),
        (reply(302), Status.ERROR, "unexpected answer from api.example (302)"),
        (reply(204, b""), Status.ERROR, "unexpected answer from api.example (204)"),
        (NoAnswer(Status.OFFLINE, "no network", NOW), Status.OFFLINE, "no network"),
    ],
)
def test_trouble_is_no_ones_login(answer: Answer | NoAnswer, status: Status, says: str) -> None:
    """Server errors, edge pages and silence are tried again, and say nothing of the account."""
    asked = shared_meaning(answer, "api.example")
    assert asked is not None
    assert (asked.outcome, asked.status, asked.reading) == (AskOutcome.TROUBLE, status, None)
    assert says in asked.message


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
def test_what_depends_on_the_provider_is_left_to_it(status: int) -> None:
    """JSON answers of these statuses are for the endpoint itself to judge."""
    assert shared_meaning(reply(status), "api.example") is None


@given(st.text(max_size=40))
def test_no_header_gives_a_wait_that_is_not_one(value: str) -> None:
    """Whatever stands in the header, the wait is positive and bounded."""
    asked = shared_meaning(Answer(429, {"retry-after": value}, b"", NOW), "h")
    assert asked is not None
    assert asked.wait is not None
    assert 0 < asked.wait <= WAIT_AT_MOST
