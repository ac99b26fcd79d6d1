"""Databases and message files of OpenCode and of what was made from it (Kilo's CLI, MiMo Code).

Two generations lie in one file: 1.2 to 1.18 in ``message`` with a ``part`` for each call of a model,
2.x in ``session_message``; after an upgrade the older tables stay as they were.  What the newer ones
hold of a session is not taken from the older ones too.  A fork copies messages under new ids with
their old times: one that is older than its session is a copy, and counts only where its original is
gone (measured on 1.18.33; anomalyco/opencode:packages/opencode/src/session).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from itertools import groupby
from typing import Any, NamedTuple

from providers.ledger.fields import moment
from providers.ledger.model import Book, LogFile, State, UnreadableLog, Usage
from providers.ledger.readers.databases import UNKNOWN_FORM, columns
from providers.ledger.readers.documents import DocumentShape
from providers.ledger.readers.parsing import MOST_PATH, dig, name, only, parsed, short
from providers.ledger.readers.spelling import OPENCODE, Raw, raw_of, summed

OVERLAP = 600_000
"""Milliseconds: so much before the newest row is read again, as rows grow while a turn runs."""

_TOKENS = (
    "'$.tokens.input', '$.tokens.output', '$.tokens.cache.read', '$.tokens.cache.write', '$.tokens.reasoning'"
)

_FIRST = """
SELECT m.rowid, m.time_updated, m.session_id, m.id, m.time_created, s.time_created, s.directory,
    CASE WHEN json_valid(m.data) THEN json_extract(m.data, '$.role', '$.time.created', '$.time.completed',
        '$.providerID', '$.modelID', '$.path.cwd', {tokens}) END,
    CASE WHEN json_valid(p.data) THEN json_extract(p.data, {tokens}) END
FROM message m LEFT JOIN session s ON s.id = m.session_id
LEFT JOIN part p ON p.message_id = m.id AND instr(p.data, '"step-finish"')
    AND CASE WHEN json_valid(p.data) THEN json_extract(p.data, '$.type') = 'step-finish' END
WHERE m.time_updated > ? OR m.rowid > ? ORDER BY m.rowid
"""
_SECOND = """
SELECT m.rowid, m.time_updated, m.session_id, m.id, m.time_created, s.time_created, s.directory,
    CASE WHEN json_valid(m.data) THEN json_extract(m.data, '$.role', '$.time.created', '$.time.completed',
        '$.model.providerID', '$.model.id', '$.path.cwd', {tokens}) END,
    NULL
FROM session_message m LEFT JOIN {sessions} s ON s.id = m.session_id
WHERE m.type = 'assistant' AND (m.time_updated > ? OR m.rowid > ?) ORDER BY m.rowid
"""
_ALONE = """
SELECT s.id, s.time_created, s.directory, s.tokens_input, s.tokens_output, s.tokens_cache_read,
    s.tokens_cache_write, s.tokens_reasoning
FROM session s WHERE s.time_updated > ? AND s.tokens_input + s.tokens_output > 0 AND NOT EXISTS (
    SELECT 1 FROM message m WHERE m.session_id = s.id AND CASE WHEN json_valid(m.data) THEN
        ifnull(json_extract(m.data, '$.tokens.input'), 0) + ifnull(json_extract(m.data, '$.tokens.output'), 0)
        > 0 END)
"""
"""Sessions whose tokens stand nowhere else (turns billed by Copilot, from 1.16 on)."""


class _Row(NamedTuple):
    rowid: int
    updated: Any
    session: Any
    ident: Any
    created: Any
    born: Any
    directory: Any
    message: Any
    step: Any


class OpenCodeDatabase:
    """Reads one database of either generation, or of both."""

    approximate = False

    def __init__(self, file: LogFile, state: State) -> None:
        # A row from the future must not hide those that are written from now on.
        self._latest = int(file.mtime * 1000) if file.mtime else 1 << 62
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        self._first: tuple[int, int] = tuple(known.get("first", (0, 0)))
        self._second: tuple[int, int] = tuple(known.get("second", (0, 0)))

    def state(self) -> State:
        """Of each generation the time of the newest row (ms) and the highest row number."""
        return {"first": self._first, "second": self._second}

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        """Books the messages that are new or have changed and are complete."""
        first = {"session_id", "time_updated", "data"} <= columns(database, "message")
        second = {"session_id", "type", "data"} <= columns(database, "session_message")
        if not (first or second):
            raise UnreadableLog(UNKNOWN_FORM)
        broken, since = 0, {}
        if second:
            sessions = "session_v2" if columns(database, "session_v2") else "session"
            query = _SECOND.format(tokens=_TOKENS, sessions=sessions)
            self._second, broken = self._take(database, "session_message", query, self._second, {}, book)
            since = dict(database.execute("SELECT session_id, min(time_created) FROM session_message"
                                          " WHERE type = 'assistant' GROUP BY session_id"))  # fmt: skip
        if first:
            before = self._first[0]
            query = _FIRST.format(tokens=_TOKENS)
            self._first, more = self._take(database, "message", query, self._first, since, book)
            broken += more
            if {"tokens_input", "tokens_reasoning"} <= columns(database, "session"):
                broken += _alone(database, before - OVERLAP, since, book)
        return broken

    def _take(
        self,
        database: sqlite3.Connection,
        table: str,
        query: str,
        seen: tuple[int, int],
        since: Mapping[Any, Any],
        book: Book,
    ) -> tuple[tuple[int, int], int]:
        highest = database.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0
        # Fewer rows than before: another database, or rows that were numbered anew.
        newest, last, broken = *(seen if highest >= seen[1] else (0, 0)), 0
        rows = map(_Row._make, database.execute(query, (newest - OVERLAP, last)))
        for rowid, group in groupby(rows, key=lambda row: row.rowid):
            row, *others = group
            last = max(last, rowid)
            if isinstance(row.updated, int):
                newest = max(newest, min(row.updated, self._latest))
            first = since.get(row.session)
            if isinstance(first, int) and isinstance(row.created, int) and first <= row.created:
                continue
            broken += not _book_message(row, [row.step, *(other.step for other in others)], book)
        return (newest, last), broken


def _book_message(row: _Row, steps: list[Any], book: Book) -> bool:
    values = _values(row.message)
    if values is None:
        return False
    role, created, completed, provider, model, folder, *counts = values
    if role not in ("assistant", None) or all(value is None for value in counts):
        return True
    if completed is None and created is not None:
        # It is running; its row changes when it is done.
        return True
    own, calls = _raw(counts), [_raw(_values(step)) for step in steps if step is not None]
    if own is None:
        return False
    raw = summed(calls) if calls else own
    if raw is None or not any(raw):
        return raw is not None
    at = moment(created) or moment(row.created)
    copied = 0 < at < moment(row.born)
    said = short(model)
    usage = Usage(
        _key(created, completed, provider, said, own) or name(row.ident), at, _model(provider, said),
        short(folder, MOST_PATH) or short(row.directory, MOST_PATH), short(row.session),
        *OPENCODE.counts(raw)[:4], 0, OPENCODE.counts(raw).reasoning, max(1, len(calls)),
    )  # fmt: skip
    book(usage._replace(part="copy", weak=True) if copied else usage)
    return True


def _alone(database: sqlite3.Connection, since: int, newer: Mapping[Any, Any], book: Book) -> int:
    broken = 0
    for ident, created, directory, *counts in database.execute(_ALONE, (since,)):
        raw = _raw(counts)
        if raw is None:
            broken += 1
        elif ident not in newer:
            counted, session = OPENCODE.counts(raw), short(ident)
            book(Usage(f"session:{session}", moment(created), "", short(directory, MOST_PATH), session,
                       *counted[:4], 0, counted.reasoning, 0))  # fmt: skip
    return broken


def _values(extracted: object) -> list[Any] | None:
    """What SQLite cut out of a JSON column, None where that was not JSON."""
    if not isinstance(extracted, str):
        return None
    found = parsed(extracted.encode("utf-8", "replace"), only(()))
    return found if isinstance(found, list) else None


def _raw(counts: list[Any] | None) -> Raw | None:
    return raw_of(counts) if counts is not None and len(counts) == 5 else None


def _model(provider: object, model: str) -> str:
    """As OpenCode itself names a model.  The provider says whose plan it was."""
    return f"{short(provider)}/{model}" if short(provider) and model else model


def _key(created: object, completed: object, provider: object, model: str, own: Raw) -> str:
    """What a copy of a message has in common with it; "" without its times."""
    if not (moment(created) and moment(completed)):
        return ""
    return json.dumps([created, completed, short(provider), model, *own[:5]], separators=(",", ":"))


def _message(message: Mapping[str, Any], file: LogFile, book: Book) -> int:
    """One file of 1.1 and before, under the key that its row has in the database."""
    tokens, created = message.get("tokens"), dig(message, ("time", "created"))
    completed = dig(message, ("time", "completed"))
    if message.get("role") != "assistant" or tokens is None or (completed is None and created is not None):
        return 0
    own = OPENCODE.raw(tokens)
    if own is None:
        return 1
    if any(own):
        provider, said = message.get("providerID"), short(message.get("modelID"))
        counts = OPENCODE.counts(own)
        key = _key(created, completed, provider, said, own) or name(message.get("id")) or file.path.stem
        session = short(message.get("sessionID")) or file.path.parent.name
        folder = short(dig(message, ("path", "cwd")), MOST_PATH)
        book(Usage(key, moment(created), _model(provider, said), folder, session, *counts[:4], 0,
                   counts.reasoning))  # fmt: skip
    return 0


MESSAGE = DocumentShape(
    only((
        "id", "sessionID", "role", "modelID", "providerID", "time", "created", "completed", "path", "cwd",
        "tokens", "input", "output", "reasoning", "cache", "read", "write",
    )),
    _message,
)  # fmt: skip
"""``storage/message/<session>/msg_*.json``"""
