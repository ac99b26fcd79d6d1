"""What repeats an earlier event is no new measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from providers.base import Environment, ReadContext
from providers.codex.rollouts import RolloutReader
from providers.model import Reading

CONTEXT = ReadContext(1_800_001_260.0, Environment(Path("/h"), {}, Path("/c"), Path("/s"), Path("/d")))
BORN = "2027-01-15T08:00:00Z"


def line(kind: str, payload: dict[str, Any], at: str = BORN, ordinal: int | None = None) -> bytes:
    """One event of a rollout."""
    event: dict[str, Any] = {"timestamp": at, "type": kind, "payload": payload}
    return json.dumps(event | ({} if ordinal is None else {"ordinal": ordinal})).encode()


def count(second: int, used: float, total: int | None, limit: str = "codex", ordinal: int = 9) -> bytes:
    """A token_count; ``total`` None is an event with limits only."""
    info = None if total is None else {"total_token_usage": {"total_tokens": total}}
    limits = {"limit_id": limit, "primary": {"used_percent": used, "window_minutes": 300}}
    payload = {"type": "token_count", "info": info, "rate_limits": limits}
    return line("event_msg", payload, f"2027-01-15T08:00:{second:02}Z", ordinal)


def seen(lines: list[bytes], head: bytes = b"") -> list[tuple[str, float | None]]:
    """Window id and percentage of each reading, line by line."""
    reader = RolloutReader("x", head)
    found = [fact for each in lines for fact in reader.feed([each], CONTEXT)]
    return [(r.windows[0].id, r.windows[0].used_percent) for r in found if isinstance(r, Reading)]


FORK = line(
    "session_meta",
    {"id": "leaf", "timestamp": BORN, "forked_from_id": "p", "history_base": {"end_ordinal_exclusive": 5}},
)


def test_a_count_without_totals_does_not_hide_a_repeat() -> None:
    """Limits, limits alone, and then the first again: the third is no news."""
    assert seen([count(1, 5, 10), count(2, 5, None), count(3, 5, 10)]) == [("5h", 5), ("5h", 5)]


def test_new_usage_at_the_same_percentage_is_news() -> None:
    """A figure that use confirmed is a newer measurement."""
    assert seen([count(1, 5, 10), count(2, 5, 11)]) == [("5h", 5), ("5h", 5)]


def test_a_fork_may_repeat_every_limit_of_its_parent() -> None:
    """Spark turns count twice; neither repeat is the fork's own."""
    lines = [count(1, 5, 10), count(2, 7, 10, "codex_bengalfox"), count(3, 6, 20)]
    assert seen(lines, FORK + b"\n") == [("5h", 6)]


def test_a_fork_that_used_tokens_of_its_own_is_read_at_once() -> None:
    """A usage record precedes the count, so it repeats nothing."""
    record = line("token_usage_record", {"thread_id": "leaf"}, ordinal=6)
    assert seen([record, count(1, 5, 10)], FORK + b"\n") == [("5h", 5)]


def test_only_a_session_meta_names_the_thread() -> None:
    """A message that consists of the words is no session_meta."""
    message = line("response_item", {"id": "other", "forked_from_id": "p", "content": "session_meta"})
    assert seen([count(1, 5, 10)], message + b"\n") == [("5h", 5)]
