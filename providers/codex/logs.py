"""Tokens from Codex's rollout files.  Pure on blocks of lines; no text of anybody is kept.

From 0.147 on each response has a ``token_usage_record`` with an id; before, the growth of the
``token_count`` totals counts, for which re-sent events, forks that begin with their parent's history
and mixed counters have to be told apart: rules measured on Codex 0.46 to 0.169
(robinebers/openusage, steipete/CodexBar:docs/issue-2037-ultra-fork-overcount-spec.md).
What a rollout says of limits is the business of `providers.codex.rollouts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.base import Environment
from providers.codex.login import codex_home
from providers.codex.rollout_lines import Vector, decode_count, decode_record, vector_of
from providers.ledger.fields import MOST, count, json_object, moment, text
from providers.ledger.model import Book, LogFile, LogTree, Row, State

_HEAD = 120
"""The bytes in which the type of a line stands; the order of keys has been the same since 2025."""

_TYPE = b'"type":"'
_EVENT = b'event_msg","payload":{"type":"'
_PASSED = (_TYPE + b'response_item"', _TYPE + _EVENT + b'agent_message"')
_COUNTED, _RECORDED = _TYPE + _EVENT + b'token_count"', _TYPE + b'token_usage_record"'
_NEEDLES = re.compile(
    rb'"(?:token_count|token_usage_record|turn_context|session_meta|task_started|thread_settings_applied)"'
)
_ENDLESS = (MOST,) * 5
_MOST_HELD = 4
"""So many events may come before the first task of a file (a resumed one begins with one)."""

_MOST_UNNAMED = 64
"""So many responses wait for the model that the file names later; third-party rollouts never do."""


class CodexLogReader:
    """Reads one rollout."""

    def __init__(self, file: LogFile, state: State) -> None:
        self._stem = file.path.name.partition(".jsonl")[0]
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        self.approximate: bool = known.get("approximate", False)
        self._thread: str = known.get("thread", "")
        self._project: str = known.get("project", "")
        self._born: float = known.get("born", 0.0)
        self._parent: str | None = known.get("parent")
        self._base: bool = known.get("base", False)
        self._first_ordinal: int | None = known.get("first_ordinal")
        self._gated: bool = known.get("gated", False)
        self._timed: bool = known.get("timed", False)
        self._held: list[tuple[float, Vector | None, Vector | None]] | None = known.get("held", [])
        self._settled: bool = known.get("settled", False)
        self._records: bool = known.get("records", False)
        self._last: Vector | None = _vector(known.get("last"))
        self._highest: Vector | None = _vector(known.get("highest"))
        self._mixed: bool = known.get("mixed", False)
        self._model: str = known.get("model", "")
        self._tier: str = known.get("tier", "")
        self._context = 0
        self._unnamed: list[Row] = [tuple(row) for row in known.get("unnamed", ())]

    def state(self) -> State:
        """Thread, gate, counters, model; what waits for its model."""
        return {
            "approximate": self.approximate,
            "thread": self._thread,
            "project": self._project,
            "born": self._born,
            "parent": self._parent,
            "base": self._base,
            "first_ordinal": self._first_ordinal,
            "gated": self._gated,
            "timed": self._timed,
            "held": self._held,
            "settled": self._settled,
            "records": self._records,
            "last": self._last,
            "highest": self._highest,
            "mixed": self._mixed,
            "model": self._model,
            "tier": self._tier,
            "unnamed": self._unnamed,
        }

    def feed(self, block: bytes, book: Book) -> int:
        """Books the calls in a block of lines."""
        broken = start = head = 0
        find, startswith = block.find, block.startswith
        while (end := find(b"\n", start)) >= 0:
            # The place of the type moves only with the ordinal, so nearly all lines are told by it.
            place = start + head
            if startswith(_PASSED, place):
                pass
            elif startswith(_COUNTED, place):
                if not self._records:
                    broken += not self._take_count(block[start:end], book)
            elif startswith(_RECORDED, place):
                broken += not self._take_record(block[start:end], book)
            else:
                place = find(_TYPE, start, start + _HEAD if start + _HEAD < end else end)
                if place >= 0:
                    head = place - start
                broken += not self._take_other(block, start, place + len(_TYPE), end, book)
            start = end + 1
        return broken

    def _take_other(self, block: bytes, start: int, place: int, end: int, book: Book) -> bool:
        """A line whose type, at ``place``, is not where that of the line before was, or is a rare one."""
        kind = block[place : place + 3] if place >= len(_TYPE) else b""
        if kind == b"res" or kind == b"com":
            return True
        if kind == b"eve" and block.startswith(_EVENT, place):
            name = block[place + 30 : place + 41]
            if name == b"token_count":
                return self._records or self._take_count(block[start:end], book)
            told = name == b"thread_sett" or (name == b"task_starte" and self._gated)
            return not told or self._take_line(block[start:end], book)
        if kind == b"tur" and self._is_same_context(block, start, end):
            return True
        if kind == b"tok":
            return self._take_record(block[start:end], book)
        if end > start and _NEEDLES.search(block, start, min(end, start + 4096)):
            # A context, the file's beginning, or a line of another form than the usual.
            return self._take_line(block[start:end], book)
        return True

    def _is_same_context(self, block: bytes, start: int, end: int) -> bool:
        """Whether a ``turn_context`` says what the one before said: nearly every one does."""
        place = block.find(b'"cwd":"', start, min(start + 300, end))
        if place < 0:
            return False
        before, self._context = self._context, hash(block[place:end])
        return before == self._context and not self._unnamed

    def _take_count(self, data: bytes, book: Book) -> bool:
        """A ``token_count`` of the usual form, or any by decoding it as a whole."""
        try:
            line = decode_count(data)
        except (ValueError, RecursionError):
            return self._take_line(data, book)
        info = line.payload.info
        if info is None:
            return True
        if self._first_ordinal is not None:
            return self._take_line(data, book)
        total = a, b, c, d, e = vector_of(info.total_token_usage)
        if self._gated and self._timed:
            self._copy(total)
        elif total != self._last:
            at = moment(line.timestamp)
            highest = v, w, x, y, z = self._highest or _ENDLESS
            grew = a >= v and b >= w and c >= x and d >= y and e >= z and total != highest
            if grew and self._is_steady():
                # As `_count` has it, and nearly every one.
                self._last = self._highest = total
                key = f"{self._thread or self._stem}:{a}:{b}:{c}:{d}:{e}"
                self._book(key, at, (a - v, b - w, c - x, d - y, e - z), book)
            else:
                self._count(at, total, vector_of(info.last_token_usage), book)
        return True

    def _is_steady(self) -> bool:
        """Whether a total that grew says all: no history was copied and no counters are mixed."""
        return not (self._gated or self._mixed or (self._parent is not None and not self._settled))

    def _take_record(self, data: bytes, book: Book) -> bool:
        """A ``token_usage_record`` of the usual form, or any by decoding it as a whole."""
        try:
            line = decode_record(data)
        except (ValueError, RecursionError):
            return self._take_line(data, book)
        if self._parent is None or not self._is_copied(line.ordinal):
            response = line.payload
            usage = vector_of(response.usage)
            self._record(moment(line.timestamp), response.thread_id, response.response_id, usage, book)
        return True

    def _take_line(self, data: bytes, book: Book) -> bool:
        """Any line of interest, decoded."""
        line = json_object(data)
        if line is None:
            return False
        payload = line.get("payload")
        if not isinstance(payload, dict):
            return True
        ordinal = line.get("ordinal")
        copied = self._is_copied(ordinal if isinstance(ordinal, int) else None)
        match line.get("type"), payload.get("type"):
            case "session_meta", _:
                self._take_meta(line, payload)
            case "turn_context", _:
                self._take_model(payload, book)
            case "token_usage_record", _:
                usage = _usage(payload.get("usage"))
                if not copied and usage is not None:
                    at = moment(line.get("timestamp"))
                    self._record(
                        at, text(payload.get("thread_id")), text(payload.get("response_id")), usage, book
                    )
                return usage is not None
            case "event_msg", "task_started":
                self._take_start(payload, book)
            case "event_msg", "thread_settings_applied":
                self._take_tier(payload)
            case "event_msg", "token_count":
                return self._take_info(line, payload.get("info"), copied, book)
        return True

    def _take_info(self, line: Mapping[str, Any], info: object, copied: bool, book: Book) -> bool:
        if self._records or info is None:
            return True
        if not isinstance(info, dict):
            return False
        total, last = _usage(info.get("total_token_usage")), _usage(info.get("last_token_usage"))
        if total is None and last is None:
            return False
        if copied:
            if total is not None:
                self._copy(total)
            return True
        self._count(moment(line.get("timestamp")), total, last, book)
        return True

    def _take_meta(self, line: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """The first ``session_meta`` names the thread; later ones are copies of its ancestors'."""
        ident = text(meta.get("id"))
        if self._thread or not ident:
            if self._parent is not None and self._first_ordinal is None and not self._settled:
                # A copy of the parent's history follows; a child without one counts from nothing.
                self._gated = self._gated or ident not in ("", self._thread)
            return
        self._thread, self._project = ident, text(meta.get("cwd"))
        self._born = moment(meta.get("timestamp")) or moment(line.get("timestamp"))
        source, base = meta.get("source"), meta.get("history_base")
        spawn = source.get("subagent") if isinstance(source, dict) else None
        thread = spawn.get("thread_spawn") if isinstance(spawn, dict) else None
        parent = (
            text(meta.get("forked_from_id"))
            or text(meta.get("parent_thread_id"))
            or (text(thread.get("parent_thread_id")) if isinstance(thread, dict) else "")
            or (text(base.get("thread_id")) if isinstance(base, dict) else "")
        )
        if not parent and spawn is None and not isinstance(base, dict):
            return
        self._parent, self._base = parent, isinstance(base, dict)
        first = meta.get("subagent_history_start_ordinal")
        if not isinstance(first, int) and isinstance(base, dict):
            first = base.get("end_ordinal_exclusive")
        self._first_ordinal = first if isinstance(first, int) else None

    def _is_copied(self, ordinal: int | None) -> bool:
        """Whether a line is a copy of the parent's history."""
        if self._parent is None:
            return False
        if self._first_ordinal is not None and ordinal is not None:
            return ordinal < self._first_ordinal
        return self._gated and self._timed

    def _take_start(self, payload: Mapping[str, Any], book: Book) -> None:
        """A child's own life begins at the first task that started after the child was born."""
        started = moment(payload.get("started_at"))
        self._timed = self._timed or started > 0
        if self._gated and self._held is not None:
            self._release(book)
        if self._gated and started and started >= int(self._born):
            self._gated = False

    def _release(self, book: Book) -> None:
        """What a copied history began with, now that it is known whether its end can be told.  Older
        CLIs wrote no ``started_at``: then each event is booked as what may be the parent's."""
        held, self._held = self._held or (), None
        for at, total, last in held:
            if not self._timed:
                self._count(at, _vector(total), _vector(last), book)
            elif total is not None:
                self._copy(tuple(total))

    def _take_tier(self, payload: Mapping[str, Any]) -> None:
        settings = payload.get("thread_settings")
        tier = payload.get(
            "service_tier", settings.get("service_tier") if isinstance(settings, dict) else None
        )
        self._tier = tier if tier in ("fast", "priority") else ""

    def _take_model(self, payload: Mapping[str, Any], book: Book) -> None:
        """The model from here on, and of what was booked before the file named any."""
        model = text(payload.get("model"))
        if not model:
            return
        self._model = model
        for key, at, _, *rest in self._unnamed:
            book((key, at, model, *rest))
        self._unnamed = []

    def _record(self, at: float, thread: str, response: str, usage: Vector, book: Book) -> None:
        if self._thread and thread != self._thread:
            return
        self._records = self._settled = True
        self._book(f"{thread}:{response}" if response else f"{thread}:{at}:{usage}", at, usage, book)

    def _count(self, at: float, total: Vector | None, last: Vector | None, book: Book) -> None:
        """One ``token_count``: what the total grew by since it was highest."""
        if self._gated and self._held is not None:
            self._held.append((at, total, last))
            if len(self._held) >= _MOST_HELD:
                self._release(book)
            return
        thread = self._thread or self._stem
        if total is None:
            if last is not None and any(last):
                self._book(f"{thread}:{at}:{last}", at, last, book)
            return
        if total == self._last:
            return
        self._last = total
        a, b, c, d, e = total
        key, weak = f"{thread}:{a}:{b}:{c}:{d}:{e}", False
        highest = self._highest
        if self._gated:
            key, weak, self.approximate = f"{self._parent}:{a}:{b}:{c}:{d}:{e}", True, True
        elif self._parent is not None and not self._settled:
            self._settled = True
            if highest is None:
                if self._base:
                    # A fork by history_base begins with its parent's last event, whose tokens are paid.
                    self._highest = total
                    return
                key, weak = f"{self._parent}:{a}:{b}:{c}:{d}:{e}", True
                self.approximate = self.approximate or total != last
        if highest is None:
            self._highest = total
            usage = last if last is not None and any(last) else total
        else:
            usage = self._growth(total, highest, last)
        if any(usage):
            self._book(key, at, usage, book, weak=weak)

    def _growth(self, total: Vector, highest: Vector, last: Vector | None) -> Vector:
        """By how much each count grew, and raises the highest; in a file that mixes counters no more
        than the call itself."""
        a, b, c, d, e = total
        v, w, x, y, z = highest
        if a >= v and b >= w and c >= x and d >= y and e >= z:
            self._highest = total
            grown: Vector = (a - v, b - w, c - x, d - y, e - z)
        else:
            self._mixed = self.approximate = True
            self._raise(total)
            grown = (max(0, a - v), max(0, b - w), max(0, c - x), max(0, d - y), max(0, e - z))
        if self._mixed and last is not None:
            grown = tuple(map(min, grown, last))
        return grown

    def _copy(self, total: Vector) -> None:
        """An event of the parent's history: paid there."""
        self._raise(total)
        self._last = total

    def _raise(self, total: Vector) -> None:
        highest = self._highest
        self._highest = total if highest is None else tuple(map(max, highest, total))

    def _book(self, key: str, at: float, vector: Vector, book: Book, weak: bool = False) -> None:
        prompt, cached, written, output, reasoning = vector
        fresh = max(0, prompt - cached - written)
        usage = (
            key, at, self._model, self._project, self._thread or self._stem, fresh, output, cached, written,
            0, min(reasoning, output), 1, self._tier, "", weak, "",
        )  # fmt: skip
        book(usage)
        if not self._model and len(self._unnamed) < _MOST_UNNAMED:
            self._unnamed.append(usage)


def _vector(value: object) -> Vector | None:
    return tuple(value) if isinstance(value, list | tuple) and len(value) == 5 else None


def _usage(value: object) -> Vector | None:
    if not isinstance(value, dict):
        return None
    return (
        count(value.get("input_tokens")),
        count(value.get("cached_input_tokens")),
        count(value.get("cache_write_input_tokens")),
        count(value.get("output_tokens")),
        count(value.get("reasoning_output_tokens")),
    )


class CodexLogs:
    """Session logs of Codex; see `providers.ledger.model.SessionLogs`."""

    id = "codex"
    name = "Codex"
    version = 1
    why = ""

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """Rollouts by day and archived ones, plain and packed."""
        home = codex_home(environment)
        old = home / "archived_sessions"
        trees = []
        for suffix in ("", ".zst"):
            names = f"rollout-*.jsonl{suffix}"
            trees.append(LogTree("rollouts", "session logs", home / "sessions", names))
            trees.append(LogTree("archived", "archived session logs", old, names, recursive=False))
        return tuple(trees)

    def open(self, file: LogFile, state: State) -> CodexLogReader:
        """A reader of one rollout."""
        return CodexLogReader(file, state)


LOGS = CodexLogs()
