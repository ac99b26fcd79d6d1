"""Limits from Codex's rollout logs.  Pure on lines; no prompt or answer text is kept.

A rollout names no account, so its readings carry none; the deck attributes them by reset
times and by who was live since the session began.  Formats: facts measured on Codex 0.169
and older; token counts are the ledger's business, not this file's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from providers.base import ReadContext
from providers.codex.quota import MAIN_LIMIT, credits_window, plan_label, spend_window, windows_of
from providers.engine.values import clean, epoch, number
from providers.model import Fact, Reading, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROVIDER_ID = "codex"
_MARKERS = (b'"token_count"', b'"token_usage_record"', b'"session_meta"', b'"task_started"')


class RolloutReader:
    """Reads one rollout file line by line.

    Remembers whether the file is a child (a fork or a subagent), whose beginning repeats
    its parent, and the last value and total of each limit: an event that repeats it without new
    usage (a compaction, a resumed session) is not a new measurement.
    """

    def __init__(self, origin: str, head: bytes = b"") -> None:
        self._origin = origin
        self._since: float | None = None
        self._leaf: str | None = None
        self._child = False
        self._live = True
        self._first_ordinal: float | None = None
        self._own_usage = False
        self._inherited: object = None
        self._last: dict[str, object] = {}
        self._total: dict[str, object] = {}
        for line in head.splitlines():
            if b'"session_meta"' in line:
                event = _parsed(line)
                if event is not None:
                    self._take_meta(event)
                    break

    def feed(self, lines: Iterable[bytes], context: ReadContext) -> Iterable[Fact]:
        """The newest reading of each limit among these lines, oldest line first."""
        newest: dict[str, Reading] = {}
        for line in lines:
            if not any(marker in line for marker in _MARKERS):
                continue
            event = _parsed(line)
            reading = self._take(event, context.now) if event is not None else None
            if reading is not None:
                newest[reading[0]] = reading[1]
        return tuple(newest.values())

    def _take(self, event: Mapping[str, Any], now: float) -> tuple[str, Reading] | None:
        payload = event["payload"]
        match event.get("type"), payload.get("type"):
            case "session_meta", _:
                self._take_meta(event)
            case "token_usage_record", _:
                self._own_usage = self._own_usage or not self._replayed(event)
            case "event_msg", "task_started":
                self._take_start(payload)
            case "event_msg", "token_count":
                return self._take_count(event, payload, now)
        return None

    def _take_meta(self, event: Mapping[str, Any]) -> None:
        """The first session_meta names the leaf thread; later ones are copies of parents."""
        meta = event["payload"]
        ident = clean(meta.get("id")) if event.get("type") == "session_meta" else ""
        if self._leaf is not None or not ident:
            return
        self._leaf = ident
        self._since = epoch(meta.get("timestamp")) or epoch(event.get("timestamp"))
        source = meta.get("source")
        base = meta.get("history_base")
        self._child = bool(
            meta.get("forked_from_id")
            or meta.get("parent_thread_id")
            or isinstance(base, Mapping)
            or (isinstance(source, Mapping) and "subagent" in source)
        )
        first = number(meta.get("subagent_history_start_ordinal"))
        if first is None and isinstance(base, Mapping):
            first = number(base.get("end_ordinal_exclusive"))
        self._first_ordinal = first
        self._live = not self._child or first is not None

    def _take_start(self, payload: Mapping[str, Any]) -> None:
        """Without ordinals a child's own life begins at the first task started after it was."""
        started = epoch(payload.get("started_at"))
        if not self._live and started is not None and self._since is not None:
            self._live = started >= int(self._since)

    def _replayed(self, event: Mapping[str, Any]) -> bool:
        """Whether the event is a copy of the parent's history."""
        if not self._child:
            return False
        ordinal = number(event.get("ordinal"))
        if self._first_ordinal is not None and ordinal is not None:
            return ordinal < self._first_ordinal
        return not self._live

    def _take_count(
        self, event: Mapping[str, Any], payload: Mapping[str, Any], now: float
    ) -> tuple[str, Reading] | None:
        info, limits = payload.get("info"), payload.get("rate_limits")
        total = info.get("total_token_usage") if isinstance(info, Mapping) else None
        if self._replayed(event):
            self._inherited = total or self._inherited
            return None
        if self._child and not self._own_usage and total is not None:
            # A fork's first count (of each limit) repeats its parent's last one under a new
            # timestamp; the parent's own total is known only where its history was copied.
            if self._inherited is None or total == self._inherited:
                self._inherited = total
                return None
            self._own_usage = True
        if not isinstance(limits, Mapping):
            return None
        name = clean(limits.get("limit_id")) or MAIN_LIMIT
        values = (limits.get("primary"), limits.get("secondary"), limits.get("credits"))
        repeated = self._last.get(name) == values and total is not None and self._total.get(name) == total
        self._last[name] = values
        # A count without totals says nothing about use, so the last known total stands.
        self._total[name] = self._total.get(name) if total is None else total
        if repeated:
            return None
        reading = self._reading(event, limits, name, now)
        return None if reading is None else (name, reading)

    def _reading(
        self, event: Mapping[str, Any], limits: Mapping[str, Any], name: str, now: float
    ) -> Reading | None:
        at = epoch(event.get("timestamp"))
        if at is None:
            return None
        main = name == MAIN_LIMIT
        scope = "" if main else clean(limits.get("limit_name")) or name
        windows = list(windows_of(limits, at, now, scope))
        if main:
            windows += [
                w for w in (spend_window(limits, at, now), credits_window(limits.get("credits"))) if w
            ]
        if not windows:
            return None
        plan = limits.get("plan_type")
        return Reading(
            PROVIDER_ID,
            tuple(windows),
            Source.LOG,
            self._origin,
            at,
            since=self._since,
            plan=plan_label(plan) if plan else "",
        )


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The event of a line that has a dict as payload; anything else is passed over."""
    try:
        event = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if isinstance(event, dict) and isinstance(event.get("payload"), dict):
        return event
    return None
