"""Readers for session files that are rewritten as a whole: Amp, Droid, the Cline family.  Pure on bytes.

Each is a function from the pruned document to bookings; `ShapedDocument` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.ledger.fields import moment
from providers.ledger.model import Book, LogFile, Row, State, UnreadableLog, Usage
from providers.ledger.readers.cumulative import Total, Totals
from providers.ledger.readers.parsing import Keep, Pairs, dig, name, only, parsed, short
from providers.ledger.readers.spelling import Raw, Spelling
from providers.record import Record

SETTLED = 60 * 86400.0
"""Seconds.  What is this much older than the newest that was booked before is not booked again: the
index forgets the keys of old responses, and a document always holds all of them."""

Take = Callable[[Any, LogFile, Book], int]
"""Books what a document holds; returns how many entries could not be understood."""


class DocumentShape(Record):
    """What the documents of a tool mean, and which keys of them are looked at."""

    keep: Keep
    take: Take
    top: type = dict


class ShapedDocument:
    """Reads one document of that shape."""

    approximate = False

    def __init__(self, shape: DocumentShape, file: LogFile, state: State) -> None:
        self._shape, self._file = shape, file
        self._newest: float = state.get("newest", 0.0) if isinstance(state, dict) else 0.0

    def state(self) -> State:
        """When the newest response was that has been booked."""
        return {"newest": self._newest}

    def read(self, data: bytes, book: Book) -> int:
        """Books the responses of a document."""
        document = document_of(data, self._shape.keep, self._shape.top)
        before = self._newest

        def book_new(row: Row) -> None:
            at = row[1]
            if not 0 < at < before - SETTLED:
                # A moment in the future must not make all that follows look old.
                self._newest = max(self._newest, min(at, self._file.mtime))
                book(row)

        return self._shape.take(document, self._file, book_new)


def document_of(data: bytes, keep: Keep, top: type = dict) -> Any:
    """The pruned document.  Raises `UnreadableLog` if it is none, or not of that type."""
    document = parsed(data, keep)
    if document is None:
        raise UnreadableLog("is not valid JSON, perhaps half written")
    if not isinstance(document, top):
        raise UnreadableLog("has another form than this version knows")
    return document


def entries(document: object, *path: str) -> tuple[list[Any], int]:
    """The list at a path, and 1 if what stands there is none."""
    found = dig(document, path)
    if found is None:
        return [], 0
    return (found, 0) if isinstance(found, list) else ([], 1)


_AMP_EVENT = Spelling(("tokens", "input"), ("tokens", "output"), total=("tokens", "total"))
_AMP_MESSAGE = Spelling(
    ("inputTokens",), ("outputTokens",), ("cacheReadInputTokens",), ("cacheCreationInputTokens",),
    total=("totalTokens",),
)  # fmt: skip


def _amp(thread: Mapping[str, Any], file: LogFile, book: Book) -> int:
    """The events of the ledger with the cache of the message they led to; where a thread has no ledger,
    the messages.  Those are weak, so that a thread which gains one is not counted twice."""
    session = short(thread.get("id")) or file.path.stem
    messages, broken = entries(thread, "messages")
    caches: dict[str, Raw] = {}
    for number, message in enumerate(messages):
        usage = dig(message, ("usage",))
        if dig(message, ("role",)) != "assistant" or usage is None:
            continue
        raw = _AMP_MESSAGE.raw(usage)
        if raw is None or not any(raw[:4]):
            broken += raw is None or raw.total > 0
            continue
        ident = name(message.get("messageId")) or f"#{number}"
        caches[ident] = raw
        at = moment(usage.get("timestamp")) or moment(message.get("timestamp"))
        model = short(usage.get("model")) or short(message.get("model"))
        book(Usage(f"{session}:{ident}", at, model, "", session, raw.input, raw.output, raw.cache_read,
                   raw.cache_write, weak=True))  # fmt: skip
    events, wrong = entries(thread, "usageLedger", "events")
    broken += wrong
    for number, event in enumerate(events):
        raw = _AMP_EVENT.raw(event)
        if raw is None or not (raw.input or raw.output):
            broken += raw is None or raw.total > 0
            continue
        # The cache is that of one call, even if more events name its message.
        cache = caches.pop(name(event.get("toMessageId")), None)
        ident = name(event.get("toMessageId")) or f"event:{name(event.get('id')) or number}"
        read, written = (cache.cache_read, cache.cache_write) if cache else (0, 0)
        part = name(event.get("id")) or str(number)
        book(Usage(f"{session}:{ident}", moment(event.get("timestamp")), short(event.get("model")), "",
                   session, raw.input, raw.output, read, written, part=part))  # fmt: skip
    return broken


AMP = DocumentShape(
    only((
        "id", "messages", "role", "messageId", "timestamp", "model", "usage", "inputTokens", "outputTokens",
        "cacheReadInputTokens", "cacheCreationInputTokens", "totalTokens", "usageLedger", "events",
        "toMessageId", "tokens", "input", "output", "total",
    )),
    _amp,
)  # fmt: skip

_CLINE = Spelling(("tokensIn",), ("tokensOut",), ("cacheReads",), ("cacheWrites",))
_CLINE_CALL = only(("tokensIn", "tokensOut", "cacheReads", "cacheWrites"))
_CLINE_ENTRY = frozenset(("say", "ts", "text", "modelInfo", "modelId"))


def _cline_keep(pairs: Pairs) -> dict[str, Any]:
    """Of a call's text, which is JSON with the prompt in it, the counts; of any other entry no text."""
    kept = {key: value for key, value in pairs if key in _CLINE_ENTRY}
    text = kept.pop("text", None)
    if kept.get("say") == "api_req_started":
        kept["call"] = parsed(text.encode("utf-8", "replace"), _CLINE_CALL) if isinstance(text, str) else None
    return kept


def _cline(messages: list[Any], file: LogFile, book: Book) -> int:
    """Calls are named by task and moment: a checkpoint that is restored renumbers what follows."""
    task, broken = file.path.parent.name, 0
    for message in messages:
        if not isinstance(message, dict) or message.get("say") != "api_req_started":
            continue
        at, raw = moment(message.get("ts")), _CLINE.raw(message.get("call"))
        if raw is None or not at:
            broken += 1
        elif any(raw):
            model = short(dig(message, ("modelInfo", "modelId")))
            book(Usage(f"{task}:{at:.3f}", at, model, "", task, raw.input, raw.output, raw.cache_read,
                       raw.cache_write))  # fmt: skip
    return broken


CLINE_TASK = DocumentShape(_cline_keep, _cline, list)
"""``ui_messages.json`` of the extension, of Roo Code and of Kilo Code."""

_CLINE_CLI = Spelling(("inputTokens",), ("outputTokens",), ("cacheReadTokens",), ("cacheWriteTokens",))


def _cline_session(session: Mapping[str, Any], file: LogFile, book: Book) -> int:
    ident = file.path.parent.name
    messages, broken = entries(session, "messages")
    for number, message in enumerate(messages):
        metrics = dig(message, ("metrics",))
        if metrics is None:
            continue
        raw = _CLINE_CLI.raw(metrics)
        if raw is None:
            broken += 1
        elif any(raw):
            at = moment(message.get("ts")) or moment(message.get("timestamp"))
            book(Usage(f"{ident}:{name(message.get('id')) or number}", at,
                       short(dig(message, ("modelInfo", "id"))), "", ident, raw.input, raw.output,
                       raw.cache_read, raw.cache_write))  # fmt: skip
    return broken


CLINE_SESSION = DocumentShape(
    only((
        "messages", "metrics", "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "id",
        "ts", "timestamp", "modelInfo",
    )),
    _cline_session,
)  # fmt: skip
"""``<id>.messages.json`` of Cline's CLI."""

_DROID = Spelling(
    ("inputTokens",), ("outputTokens",), ("cacheReadTokens",), ("cacheCreationTokens",), ("thinkingTokens",),
    total=("totalTokens",), reasoning_beside=True, by_total=True,
)  # fmt: skip
_DROID_KEEP = only((
    "tokenUsage", "inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "thinkingTokens",
    "totalTokens", "model", "providerLockTimestamp",
))  # fmt: skip


class DroidSettings:
    """Reads one ``<session>.settings.json`` of Droid, which holds the session's total so far."""

    approximate = False

    def __init__(self, file: LogFile, state: State) -> None:
        self._file, self._totals = file, Totals(_DROID, state)

    def state(self) -> State:
        """The last total."""
        return self._totals.state()

    def read(self, data: bytes, book: Book) -> int:
        """Books what the session grew by."""
        settings = document_of(data, _DROID_KEEP)
        usage = settings.get("tokenUsage")
        if usage is None:
            return 0
        raw = _DROID.raw(usage)
        if raw is None:
            return 1
        session = self._file.path.name.removesuffix(".settings.json")
        model = short(settings.get("model")).removeprefix("custom:").partition("[")[0].strip(" -")
        born = moment(settings.get("providerLockTimestamp"))
        self._totals.take((Total(session, born, self._file.mtime, model, "", raw),), book)
        return 0
