"""Tokens from the OpenTelemetry file that Copilot writes where a person asked for it.  Pure.

Chat spans, the logs of their inference and the summary of an agent repeat each other: the spans
count.  Those of the CLI itself are left out, as its session store has the same requests
(ryoppippi/ccusage:rust/crates/ccusage/src/adapter/copilot/parser.rs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.ledger.fields import moment
from providers.ledger.model import Book, State, Usage
from providers.ledger.readers.lines import lines_with
from providers.ledger.readers.parsing import dig, only, parsed, short, whole
from providers.ledger.readers.spelling import Spelling

_AI = "gen_ai.usage."
_CACHE_WRITE = (f"{_AI}cache_write.input_tokens", f"{_AI}cache_creation.input_tokens")
_SPELLING = Spelling(
    (f"{_AI}input_tokens",), (f"{_AI}output_tokens",), (f"{_AI}cache_read.input_tokens",), (_CACHE_WRITE[0],),
    (f"{_AI}reasoning.output_tokens",), cached_inside=True,
)  # fmt: skip
_MODEL = ("gen_ai.response.model", "gen_ai.request.model")
_SESSION = ("gen_ai.conversation.id", "copilot_chat.session_id", "copilot_chat.chat_session_id", "session.id")
_KEEP = only((
    "type", "name", "traceId", "spanId", "spanContext", "startTime", "endTime", "attributes", "resource",
    "service.name", "instrumentationScope", "gen_ai.operation.name", _CACHE_WRITE[1], *_MODEL, *_SESSION,
    *(path[0] for path in _SPELLING.paths if path),
))  # fmt: skip
_NEEDLES = (b'"gen_ai.usage.',)
_CLI = ("github-copilot", "github.copilot")
"""As the CLI names itself; the editor's extension is ``copilot-chat``."""


class TraceReader:
    """Reads one file of traces.  Each line stands for itself."""

    approximate = False

    def state(self) -> State:
        """Nothing."""
        return None

    def feed(self, block: bytes, book: Book) -> int:
        """Books the chat spans in a block of lines."""
        broken = 0
        for line in lines_with(block, _NEEDLES):
            record = parsed(line, _KEEP)
            broken += not (isinstance(record, dict) and _take(record, book))
        return broken


def _take(record: Mapping[str, Any], book: Book) -> bool:
    attributes = record.get("attributes")
    if not isinstance(attributes, dict):
        return False
    chat = attributes.get("gen_ai.operation.name") == "chat" or short(record.get("name")).startswith("chat ")
    if record.get("type", "span") != "span" or not chat or _from_cli(record):
        return True
    if attributes.get(_CACHE_WRITE[0]) is None:
        attributes[_CACHE_WRITE[0]] = attributes.get(_CACHE_WRITE[1])
    raw = _SPELLING.raw(attributes)
    if raw is None:
        return False
    trace = short(record.get("traceId")) or short(dig(record, ("spanContext", "traceId")))
    span = short(record.get("spanId")) or short(dig(record, ("spanContext", "spanId")))
    if not (trace and span):
        return False
    if any(raw[:5]):
        counts, at = _SPELLING.counts(raw), _time(record.get("endTime")) or _time(record.get("startTime"))
        session = next((found for key in _SESSION if (found := short(attributes.get(key)))), trace)
        model = next((found for key in _MODEL if (found := short(attributes.get(key)))), "")
        book(Usage(f"{trace}:{span}", at, model, "", session, *counts[:4], 0, counts.reasoning))
    return True


def _from_cli(record: Mapping[str, Any]) -> bool:
    service = dig(record, ("resource", "attributes", "service.name"))
    scope = dig(record, ("instrumentationScope", "name"))
    return any(short(said).startswith(_CLI) for said in (service, scope))


def _time(value: object) -> float:
    """Epoch seconds from a pair of seconds and nanoseconds, or from what `moment` takes."""
    if isinstance(value, list) and value:
        seconds = whole(value[0])
        return moment(seconds) if seconds else 0.0
    return moment(value)
