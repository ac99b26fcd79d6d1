"""Local days for the ledger.  Pure: the zone is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

Zone = Callable[[float], time.struct_time]


class LocalZone(tzinfo):
    """A zone that is known as a function of epoch seconds, such as ``time.localtime``: what the machine's
    own zone is, daylight saving included, nobody else can say."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def fromutc(self, dt: datetime) -> datetime:
        """UTC as local time."""
        there = self._zone(dt.replace(tzinfo=UTC).timestamp())
        return datetime(*there[:6], tzinfo=self)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """Not told: a local time alone does not say which of two it is."""
        return None

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Not told, as above."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """It has none."""
        return None


def day_around(now: float, zone: Zone) -> tuple[float, float]:
    """When the local day of ``now`` began and ends (epoch seconds); 23 or 25 hours at a change."""
    begin = _beginning(now, zone)
    return begin, _beginning(begin + 27 * 3600, zone)


def days_before(now: float, days: int, zone: Zone) -> float:
    """When the local day ``days`` ago began."""
    begin = _beginning(now, zone)
    return _beginning(begin - days * 86_400 + 12 * 3600, zone) if days else begin


def _beginning(at: float, zone: Zone) -> float:
    there = zone(at)
    begin = int(at) - (there.tm_hour * 3600 + there.tm_min * 60 + there.tm_sec)
    # The clock may have been changed since midnight.
    off = zone(begin)
    late = off.tm_hour * 3600 + off.tm_min * 60 + off.tm_sec
    if not late:
        return float(begin)
    return float(begin - late if off.tm_mday == there.tm_mday else begin + 86_400 - late)
