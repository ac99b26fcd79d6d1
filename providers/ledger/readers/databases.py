"""Readers for SQLite stores of small tools: Goose, Hermes, Zed, OpenClaw.  The scan opens them.

Columns, and paths within JSON columns, are selected one by one: prompts lie beside them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from providers.base import MIB
from providers.ledger.fields import moment
from providers.ledger.model import Book, State, UnreadableLog, Usage
from providers.ledger.readers.cumulative import Total, Totals
from providers.ledger.readers.parsing import MOST_PATH, dig, name, only, parsed, short
from providers.ledger.readers.spelling import NOTHING, PLAIN, Raw, Spelling, raw_of, summed
from providers.record import Record

UNKNOWN_FORM = "has another form than this version knows"


def columns(database: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns of a table, empty if there is no such table.  Texts of the connection are read
    leniently from here on."""
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    rows = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(row[0] for row in rows)


class SessionTable(Record):
    """A table with a row and a running total for each session.

    ``counts`` names the columns in the order of `Raw`; one that a store lacks counts 0, but the first
    two must be there.  Where ``model`` holds JSON, ``model_key`` says what of it is the model.
    """

    table: str
    counts: tuple[str, ...]
    spelling: Spelling
    born: str
    changed: str
    model: str
    model_key: str = ""
    project: str = ""


class SessionTotals:
    """Reads one database with such a table."""

    def __init__(self, table: SessionTable, state: State) -> None:
        self._table, self._totals = table, Totals(table.spelling, state)
        self.approximate = self._totals.approximate

    def state(self) -> State:
        """The last totals."""
        return self._totals.state()

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        """Books what each session grew by."""
        table, there = self._table, columns(database, self._table.table)
        if not {"id", *table.counts[:2]} <= there:
            raise UnreadableLog(UNKNOWN_FORM)
        model = table.model if table.model in there else "NULL"
        if table.model_key and table.model in there:
            model = f"CASE WHEN json_valid({model}) THEN json_extract({model}, '$.{table.model_key}') END"
        wanted = (table.born, table.changed, table.project, *table.counts)
        fields = ["id", model, *(field if field in there else "NULL" for field in wanted)]
        found, broken = [], 0
        for ident, said, born, changed, project, *counts in database.execute(
            f"SELECT {', '.join(fields)} FROM {table.table}"
        ):
            raw = raw_of(counts)
            if raw is None or not name(ident):
                broken += 1
                continue
            where = short(project, MOST_PATH)
            found.append(Total(name(ident), moment(born), moment(changed), short(said), where, raw))
        self._totals.take(found, book)
        self.approximate = self._totals.approximate
        return broken


GOOSE = SessionTable(
    "sessions",
    ("accumulated_input_tokens", "accumulated_output_tokens", "accumulated_cache_read_tokens",
     "accumulated_cache_write_tokens"),
    Spelling((), (), cached_inside=True),
    "created_at", "updated_at", "model_config_json", "model_name", "working_dir",
)  # fmt: skip
"""block/goose: the cache columns are newer than the table."""

HERMES = SessionTable(
    "sessions",
    ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
    Spelling((), ()),
    "started_at", "ended_at", "model",
)  # fmt: skip

Unpack = Callable[[bytes], bytes]

_ZED = Spelling(
    ("input_tokens",), ("output_tokens",), ("cache_read_input_tokens",), ("cache_creation_input_tokens",)
)
_ZED_COUNTS = frozenset(path[0] for path in _ZED.paths if path)
_ZED_KEYS = frozenset(("model", "provider", "cumulative_token_usage", "request_token_usage"))
_ZED_MOST = 256 * MIB


def _zed_keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The named keys, and of objects under any other key those that hold counts alone: the ids of
    requests are keys too."""
    return {
        key: value
        for key, value in pairs
        if key in _ZED_KEYS
        or (key in _ZED_COUNTS and not isinstance(value, str))
        or (isinstance(value, dict) and value and _ZED_COUNTS.issuperset(value))
    }


class ZedThreads:
    """Reads Zed's threads: JSON, mostly packed with zstd, with a running total in each.

    The total counts, not the map of requests, which misses some and has no times."""

    def __init__(self, unpack: Unpack | None, state: State) -> None:
        self._unpack, self._totals = unpack, Totals(_ZED, state)
        self.approximate = self._totals.approximate
        self._since: str = state.get("since", "") if isinstance(state, dict) else ""

    def state(self) -> State:
        """The last totals, and the newest thread that was read."""
        return {**self._totals.state(), "since": self._since}

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        """Books what each thread grew by."""
        there = columns(database, "threads")
        if not {"id", "updated_at", "data_type", "data"} <= there:
            raise UnreadableLog(UNKNOWN_FORM)
        project = "folder_paths" if "folder_paths" in there else "NULL"
        query = f"SELECT id, updated_at, {project}, data_type, data FROM threads WHERE updated_at >= ?"
        found, broken, newest = [], 0, self._since
        for ident, changed, folders, kind, data in database.execute(query, (self._since,)):
            newest = max(newest, short(changed))
            thread = parsed(self._plain(kind, data), _zed_keep)
            raw = _zed_total(thread)
            if raw is None or not name(ident):
                broken += 1
                continue
            roots = short(folders, MOST_PATH).split("\n")
            at, model = moment(changed), short(dig(thread, ("model", "model")))
            found.append(Total(name(ident), 0.0, at, model, roots[0] if len(roots) == 1 else "", raw))
        self._totals.take(found, book)
        self.approximate = self._totals.approximate
        self._since = newest
        return broken

    def _plain(self, kind: object, data: object) -> bytes:
        if isinstance(data, str):
            data = data.encode("utf-8", "replace")
        if not isinstance(data, bytes) or kind not in ("json", "zstd"):
            return b""
        if kind == "json":
            return data
        if self._unpack is None:
            raise UnreadableLog("is packed with zstd: pip install backports.zstd")
        return self._unpack(data)


def _zed_total(thread: object) -> Raw | None:
    if not isinstance(thread, dict):
        return None
    total = thread.get("cumulative_token_usage")
    if isinstance(total, dict) and total:
        return _ZED.raw(total)
    requests = thread.get("request_token_usage")
    if not requests:
        return NOTHING
    return summed(map(_ZED.raw, requests.values())) if isinstance(requests, dict) else None


def zed_unpack() -> Unpack | None:
    """Unpacks one zstd frame up to a bound, b"" for what is none; None without an unpacker."""
    from importlib import import_module

    for module in ("compression.zstd", "backports.zstd"):
        try:
            made: Any = import_module(module)
        except ImportError:
            continue

        def unpack(data: bytes, made: Any = made) -> bytes:
            try:
                return bytes(made.ZstdDecompressor().decompress(data, _ZED_MOST))
            except (made.ZstdError, EOFError, ValueError, MemoryError):
                return b""

        return unpack
    return None


_TRANSCRIPT = """
SELECT session_id, created_at, CASE WHEN json_valid(event_json) THEN json_extract(event_json,
    '$.type', '$.message.role', '$.id', '$.message.timestamp', '$.timestamp', '$.message.model',
    '$.message.usage.input', '$.message.usage.output', '$.message.usage.cacheRead',
    '$.message.usage.cacheWrite') END
FROM transcript_events WHERE rowid > ? AND rowid <= ?
"""


class OpenClawStore:
    """Reads the database that OpenClaw keeps its transcripts in since 2026-09: the same events as in
    its files, under the same ids."""

    approximate = False

    def __init__(self, state: State) -> None:
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        self._row: int = known.get("row", 0)

    def state(self) -> State:
        """The last row that was read."""
        return {"row": self._row}

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        """Books the responses that are new."""
        if not {"session_id", "event_json", "created_at"} <= columns(database, "transcript_events"):
            raise UnreadableLog(UNKNOWN_FORM)
        last = database.execute("SELECT max(rowid) FROM transcript_events").fetchone()[0] or 0
        if last < self._row:
            # Another store has taken its place.
            self._row = 0
        broken = 0
        for session, created, values in database.execute(_TRANSCRIPT, (self._row, last)):
            event = parsed(values.encode("utf-8", "replace"), only(())) if isinstance(values, str) else None
            broken += not self._take(short(session), created, event, book)
        self._row = last
        return broken

    def _take(self, session: str, created: object, values: object, book: Book) -> bool:
        if not isinstance(values, list):
            return False
        kind, role, ident, sent, written, model, *counts = values
        if kind != "message" or role != "assistant" or all(value is None for value in counts):
            return True
        raw = raw_of(counts)
        if raw is None or not any(raw):
            return raw is not None
        at = moment(sent) or moment(written) or moment(created)
        key = f"{name(ident)}:{name(sent)}" if name(ident) or name(sent) else f"{session}:{at}"
        book(Usage(key, at, short(model), "", session, *PLAIN.counts(raw)[:4]))
        return True
