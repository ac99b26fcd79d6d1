"""Local days by a zone that is only a function of time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from providers.ledger.days import LocalZone, day_around, days_before
from tests.tui.shown import instant, zone_of

HOUR = 3600.0


@pytest.mark.parametrize(
    ("zone", "now", "begin", "hours"),
    [
        ("Europe/Berlin", "2026-11-26T10:00+01:00", "2026-11-26T00:00+01:00", 24),
        ("Europe/Berlin", "2026-03-29T01:30+01:00", "2026-03-29T00:00+01:00", 23),
        ("Europe/Berlin", "2026-03-29T15:00+02:00", "2026-03-29T00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T00:00+02:00", 25),
        ("Europe/Berlin", "2026-10-25T02:30+01:00", "2026-10-25T00:00+02:00", 25),
        ("Europe/Berlin", "2026-10-25T23:59+01:00", "2026-10-25T00:00+02:00", 25),
        ("Asia/Kathmandu", "2026-11-26T00:00+05:45", "2026-11-26T00:00+05:45", 24),
    ],
)
def test_a_day_begins_at_midnight_and_has_its_hours(zone: str, now: str, begin: str, hours: int) -> None:
    """Also on the two days a year that have 23 or 25 of them."""
    assert day_around(instant(now), zone_of(zone)) == (instant(begin), instant(begin) + hours * HOUR)


def test_days_are_counted_by_the_calendar() -> None:
    """Seven days before a Friday is a Friday at midnight, the change of clocks between them or not."""
    found = days_before(instant("2026-10-30T10:00+01:00"), 7, zone_of("Europe/Berlin"))
    assert found == instant("2026-10-23T00:00+02:00")
    assert days_before(instant("2026-10-30T10:00+01:00"), 0, zone_of("Europe/Berlin")) == instant(
        "2026-10-30T00:00+01:00"
    )


def test_the_zone_turns_moments_into_local_time() -> None:
    """As ``datetime`` wants it, through the function alone."""
    zone = LocalZone(zone_of("Asia/Kathmandu"))
    there = datetime.fromtimestamp(datetime(2026, 11, 26, 20, 30, tzinfo=UTC).timestamp(), zone)
    assert there.strftime("%Y-%m-%dT%H:%M") == "2026-11-27T02:15"
