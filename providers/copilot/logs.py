"""Tokens from Copilot CLI: a row per request in its database, the totals at a session's end before.

Where a session has rows, they count and its totals do not (getagentseal/codeburn:docs/providers/
copilot.md, measured on 1.0.80).  For that the database books a nothing under each key that such a
total may have: totals are weak, so the strong nothing is what counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers.base import Environment
from providers.copilot.traces import TraceReader
from providers.ledger.fields import moment
from providers.ledger.model import (
    DATABASE,
    Book,
    DatabaseReader,
    LineReader,
    LogFile,
    LogTree,
    State,
    UnreadableLog,
    Usage,
)
from providers.ledger.readers.databases import UNKNOWN_FORM, columns
from providers.ledger.readers.lines import lines_with
from providers.ledger.readers.parsing import MOST_PATH, dig, parsed, short, whole
from providers.ledger.readers.spelling import Raw, Spelling, raw_of

_TABLE = "assistant_usage_events"
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_SPELLING = Spelling(
    ("inputTokens",), ("outputTokens",), ("cacheReadTokens",), ("cacheWriteTokens",), ("reasoningTokens",),
    cached_inside=True,
)  # fmt: skip
_LEGS = 8
"""So many ends of one session are told apart; what comes after is added to the last."""

_NEEDLES = (b'"session.start"', b'"session.resume"', b'"session.shutdown"', b'"session.compaction_complete"')
_KEYS = frozenset(
    ("type", "timestamp", "data", "sessionId", "context", "cwd", "success", "modelMetrics", "requests",
     "count", "usage", *(path[0] for path in _SPELLING.paths if path))
)  # fmt: skip


class SessionStore:
    """Reads ``session-store.db``."""

    def __init__(self, state: State) -> None:
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        self._row: int = known.get("row", 0)
        self.approximate: bool = known.get("approximate", False)

    def state(self) -> State:
        """The last row that was read."""
        return {"row": self._row, "approximate": self.approximate}

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        """Books the requests that are new.  A store of before 1.0.80 has none and says nothing."""
        there = columns(database, _TABLE)
        if not there and columns(database, "sessions"):
            return 0
        if not {"id", "session_id", "input_tokens"} <= there:
            raise UnreadableLog(UNKNOWN_FORM)
        self.approximate = "output_tokens" not in there
        found = (*_COUNTS, "created_at", "model", "copilot_usage_model")
        fields = [f"e.{field}" if field in there else "NULL" for field in found]
        known = "cwd" in columns(database, "sessions")
        join = "LEFT JOIN sessions s ON s.id = e.session_id" if known else ""
        query = (
            f"SELECT e.id, e.session_id, {'s.cwd' if known else 'NULL'}, {', '.join(fields)}"
            f" FROM {_TABLE} e {join} WHERE e.id > ? ORDER BY e.id"
        )
        last = database.execute(f"SELECT max(id) FROM {_TABLE}").fetchone()[0]
        if not isinstance(last, int) or last < self._row:
            self._row = 0
        broken, shadowed = 0, set()
        for ident, session, folder, *values in database.execute(query, (self._row,)):
            if not isinstance(ident, int):
                broken += 1
                continue
            self._row = max(self._row, ident)
            *counts, created, model, billed = values
            models = [short(name) for name in (billed, model) if short(name)]
            at = moment(created)
            broken += not _book_request(
                ident, short(session), short(folder, MOST_PATH), at, models, counts, book
            )
            for name in models:
                if (session, name) not in shadowed:
                    shadowed.add((session, name))
                    _shadow(short(session), name, at, book)
        return broken


def _book_request(
    ident: int, session: str, folder: str, at: float, models: list[str], counts: list[object], book: Book
) -> bool:
    raw = raw_of(counts)
    if raw is None:
        return False
    if any(raw):
        found = _SPELLING.counts(raw)
        # The counts are in the key because a store that was made anew numbers its rows anew.
        key = f"{session}:{ident}:{':'.join(map(str, raw[:5]))}"
        book(Usage(key, at, models[0] if models else "", folder, session, *found[:4], 0, found.reasoning))
    return True


def _shadow(session: str, model: str, at: float, book: Book) -> None:
    for leg in range(_LEGS):
        book(Usage(_leg_key(session, model, leg), at, model, "", session, 0, 0, requests=0))


def _leg_key(session: str, model: str, leg: int) -> str:
    return f"{session}:{model}:leg {leg}"


class SessionEvents:
    """Reads one ``events.jsonl``: what each end of the session added to its totals.

    They go on over resumes and begin anew after a compaction that succeeded."""

    def __init__(self, file: LogFile, state: State) -> None:
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        self._session: str = known.get("session", file.path.parent.name)
        self._project: str = known.get("project", "")
        self._leg: int = known.get("leg", 0)
        self._last: dict[str, list[int]] = known.get("last", {})
        self._rest: dict[str, list[int]] = known.get("rest", {})
        self.approximate: bool = known.get("approximate", False)

    def state(self) -> State:
        """The session, and its totals at the last end."""
        return {
            "session": self._session,
            "project": self._project,
            "leg": self._leg,
            "last": self._last,
            "rest": self._rest,
            "approximate": self.approximate,
        }

    def feed(self, block: bytes, book: Book) -> int:
        """Books the ends in a block of lines."""
        broken = 0
        for line in lines_with(block, _NEEDLES):
            event = parsed(line, _kept)
            broken += self._take(event, book) if isinstance(event, dict) else 1
        return broken

    def _take(self, event: Mapping[str, Any], book: Book) -> int:
        match event.get("type"):
            case "session.start" | "session.resume":
                self._session = short(dig(event, ("data", "sessionId"))) or self._session
                self._project = short(dig(event, ("data", "context", "cwd")), MOST_PATH) or self._project
            case "session.compaction_complete" if dig(event, ("data", "success")) is True:
                # What was used since the last end is lost with the totals.
                self._last, self.approximate = {}, True
            case "session.shutdown":
                return self._end(event, book)
        return 0

    def _end(self, event: Mapping[str, Any], book: Book) -> int:
        metrics = dig(event, ("data", "modelMetrics"))
        if metrics is None:
            return 0
        if not isinstance(metrics, dict):
            return 1
        broken = 0
        for name, metric in metrics.items():
            model, raw = short(name, _MODEL_NAME), _SPELLING.raw(dig(metric, ("usage",)))
            calls = whole(dig(metric, ("requests", "count")))
            if raw is None or calls is None or (len(self._last) >= _MODELS and model not in self._last):
                broken += 1
            else:
                self._book(model, [*raw[:5], calls], moment(event.get("timestamp")), book)
        self._leg += 1
        return broken

    def _book(self, model: str, total: list[int], at: float, book: Book) -> None:
        last = self._last.get(model, [0] * len(total))
        fell = any(now < before for now, before in zip(total, last, strict=True))
        self.approximate = self.approximate or fell
        grown = total if fell else [now - before for now, before in zip(total, last, strict=True)]
        self._last[model] = total
        if not any(grown[:5]):
            return
        leg = min(self._leg, _LEGS - 1)
        if leg == _LEGS - 1:
            rest = self._rest.get(model, [0] * len(total))
            grown = self._rest[model] = [more + before for more, before in zip(grown, rest, strict=True)]
        *counts, calls = grown
        found = _SPELLING.counts(Raw._make([*counts, 0, 0]))
        key = _leg_key(self._session, model, leg)
        book(Usage(key, at, model, self._project, self._session, *found[:4], 0, found.reasoning, calls,
                   part="end", weak=True))  # fmt: skip


_MODELS, _MODEL_NAME = 16, 80
"""No session has used as many; the state must stay small."""


def _kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The named keys, and those of ``modelMetrics``, which are the models' names."""
    return {
        key: value for key, value in pairs if key in _KEYS or (isinstance(value, dict) and "usage" in value)
    }


class CopilotLogs:
    """Session logs of Copilot CLI; see `providers.ledger.model.SessionLogs`."""

    id = "copilot"
    name = "GitHub Copilot"
    version = 1
    why = ""

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """The database, the events of each session, and traces where a person asked for them."""
        home = environment.folder("COPILOT_HOME", ".copilot")
        trees = [
            LogTree("store", "session database", home, "session-store.db", DATABASE, recursive=False),
            LogTree("events", "session events", home / "session-state", "events.jsonl"),
            LogTree("traces", "traces", home / "otel", "*.jsonl", recursive=False),
        ]
        chosen = environment.variables.get("COPILOT_OTEL_FILE_EXPORTER_PATH", "")
        if chosen:
            path: Path = environment.home / chosen
            trees.append(LogTree("traces:chosen", "traces", path.parent, path.name.replace("*", ""),
                                 recursive=False))  # fmt: skip
        return tuple(trees)

    def open(self, file: LogFile, state: State) -> LineReader | DatabaseReader:
        """A reader of one of them."""
        if file.tree.kind == DATABASE:
            return SessionStore(state)
        return SessionEvents(file, state) if file.tree.id == "events" else TraceReader()


LOGS = CopilotLogs()
