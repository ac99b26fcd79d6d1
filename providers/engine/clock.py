"""The clock that is passed in.  Wall time only: a suspended machine stops the monotonic one."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class Clock(Protocol):
    """Tells the time; tests pass one that moves when told to."""

    def now(self) -> float:
        """Epoch seconds UTC."""


class SystemClock:
    """The machine's clock, read anew at every call."""

    def now(self) -> float:
        """Epoch seconds UTC."""
        return time.time()
