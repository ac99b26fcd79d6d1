"""What a reader of an answer says: figures, or what is wrong.  For plans.py and balances.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.asking import AskOutcome
from providers.engine.values import percent
from providers.model import Status, Window
from providers.record import Record


class Figures(Record):
    """The windows of a key and the labels that came with them."""

    windows: tuple[Window, ...]
    plan: str = ""
    alias: str = ""


class Wrong(Record):
    """What a 200 says that is no figure: an error inside it, or a key without a plan."""

    status: Status
    message: str
    outcome: AskOutcome = AskOutcome.REFUSED


Memory = Mapping[str, str]
Usage = Callable[[Mapping[str, Any], Memory, float], Figures | Wrong | None]
"""The document of the usage path, what the side path left, epoch seconds of the answer; None
for a document that has nothing of what it should."""

Side = Callable[[Mapping[str, Any], float], Memory]
"""What of the side path's document is remembered."""


def share(used: float, limit: float) -> float | None:
    """The used percentage of a quota, None where the numbers make no sense."""
    return percent(used / limit * 100) if limit > 0 else None


BAD_KEY = "the key is not accepted"
