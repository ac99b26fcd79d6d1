"""Tokens from Claude Code's session logs.  Pure on blocks of lines; no text of anybody is kept.

One response is written as a line per content block with growing ``output_tokens``, and copied into
resumed sessions, ``progress`` lines and side files: the rules are in facts measured on Claude Code
2.1 (ryoppippi/ccusage:rust/crates/ccusage/src/adapter, robinebers/openusage).  Of a run of lines of one
response only the last is decoded, and of that the head and the tail but not the content; whatever
does not look as expected is decoded as a whole, so a new form costs time and never a wrong figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from providers.base import Environment
from providers.ledger.fields import count, json_object, moment, text
from providers.ledger.model import Book, LogFile, LogTree, State, Usage

_HEAD = 900
"""The bytes of a line in which its type, folder, session and message id stand."""

_USAGE, _USER, _MESSAGE, _CONTENT = b'"usage":{', b'"type":"user"', b'"message":{', b'"content":'
_PROGRESS = b'"type":"progress"'
_IDENT, _REQUEST, _OUTPUT = b'"id":"msg_', b'"requestId":"', re.compile(rb'"output_tokens":(\d+)')
_PAIR = rb'"\w+":(?:"(?:[^"\\]|\\.)*+"|null|true|false|-?\d[\d.eE+-]*+)'
_START = re.compile(rb'\{((?:%b,)*+)"message":\{((?:%b,)*+)"content":' % (_PAIR, _PAIR))
_END = re.compile(rb"((?:,%b)*+)\}((?:,%b)*+)\}" % (_PAIR, _PAIR))
_FIELD = re.compile(
    r'"(type|timestamp|requestId|sessionId|cwd|isSidechain|uuid)":("(?:[^"\\]|\\.)*+"|true|false|null)'
)
_MODEL = re.compile(r'"(model|id)":("(?:[^"\\]|\\.)*+")')
_SKIPPED = ("journal.jsonl", "tool-results")
_decode = json.JSONDecoder().raw_decode


class ClaudeLogReader:
    """Reads one session file.  Each line stands for itself, so there is nothing to remember but the
    name that stands in for a missing session id."""

    approximate = False

    def __init__(self, file: LogFile) -> None:
        self._stem = file.path.stem

    def state(self) -> State:
        """Nothing."""
        return None

    def feed(self, block: bytes, book: Book) -> int:
        """Books the responses in a block of lines."""
        broken = 0
        for start, end, usage, first in _responses(block):
            found = _quick(block, start, usage, end)
            if found is None:
                found = _whole(block[start:end])
            if found is None:
                broken += 1
            elif found:
                broken += not self._book(found, first, book)
        return broken

    def _book(self, line: Mapping[str, Any], first: float, book: Book) -> bool:
        """Books the response of a line and the calls of an advisor in it.  False if it makes no sense."""
        message, usage = line["message"], line["usage"]
        ident, request = text(message.get("id")), text(line.get("requestId"))
        at = moment(line.get("timestamp"))
        if first and first < at:
            at = first
        if not isinstance(usage.get("input_tokens", 0), int) or not isinstance(
            usage.get("output_tokens"), int
        ):
            return False
        session = text(line.get("sessionId")) or self._stem
        project = text(line.get("cwd"))
        # Without an id nothing can be recognised as a copy, so the line itself is the response.
        key = ident or f"line:{text(line.get('uuid')) or f'{session}:{at}'}"
        weak = line.get("isSidechain") is True or not request
        model, tier = text(message.get("model")), "fast" if usage.get("speed") == "fast" else ""
        book(Usage(key, at, model, project, session, *_counts(usage), 1, tier, request, weak))
        for number, call in enumerate(_advice(usage)):
            key = f"{ident}:advisor:{number}"
            book(
                Usage(
                    key, at, text(call.get("model")), project, session, *_counts(call), 1, "", request, weak
                )
            )
        return True


def _responses(block: bytes) -> Iterator[tuple[int, int, int, float]]:
    """Start, end and place of the usage of the lines worth decoding, and when the first line of the
    same response was written if that is another one (else 0.0)."""
    find = block.find
    start, size = 0, len(block)
    ident: bytes = b""
    pending: tuple[int, int, int] | None = None
    first: tuple[int, int] | None = None
    request, output = b"", 0
    while start < size:
        end = find(b"\n", start)
        if end < 0:
            end = size
        user = find(_USER, start, start + 600 if start + 600 < end else end)
        usage = -1
        if user < 0 or find(_MESSAGE, start, user) >= 0:
            usage = find(_USAGE, start, end)
        if usage >= 0:
            head = min(start + _HEAD, end)
            place = find(_IDENT, start, head)
            if place >= 0 and find(_CONTENT, start, place) < 0:
                own = block[place : find(b'"', place + 10, end)]
                # The content may hold the needle as the key of a tool's input: the last one is ours.
                usage = block.rfind(_USAGE, usage, end)
                asked = find(_REQUEST, usage, end)
                if asked < 0:
                    asked = find(_REQUEST, start, head)
                asked_as = block[asked : asked + 44] if asked >= 0 else b""
                grown = _OUTPUT.search(block, usage, end)
                amount = int(grown[1]) if grown else 0
                if pending is not None and own == ident and asked_as == request and amount >= output:
                    first = first or pending[:2]
                else:
                    if pending is not None:
                        yield (*pending, _written(block, first))
                    first = None
                pending, ident, request, output = (start, end, usage), own, asked_as, amount
            else:
                if pending is not None:
                    yield (*pending, _written(block, first))
                    pending = first = None
                yield start, end, usage, 0.0
        start = end + 1
    if pending is not None:
        yield (*pending, _written(block, first))


def _written(block: bytes, line: tuple[int, int] | None) -> float:
    """The time of a line of which nothing else is wanted."""
    if line is None:
        return 0.0
    start, end = line
    place = block.rfind(b'"timestamp":"', max(start, end - 200), end)
    # Of a line that wraps another the time at its end is that of the wrapping.
    if place < 0 or block.find(_PROGRESS, start, min(start + _HEAD, end)) >= 0:
        found = _whole(block[start:end])
        return moment(found.get("timestamp")) if found else 0.0
    return moment(block[place + 13 : block.find(b'"', place + 13, end)].decode("ascii", "replace"))


def _quick(block: bytes, start: int, usage: int, end: int) -> dict[str, Any] | None:
    """What a line says, from its head and its tail; {} if it is no response, None if it has another form."""
    head = _START.match(block, start, usage)
    if head is None:
        return None
    try:
        tail = block[usage + 8 : end].decode()
        counts, stop = _decode(tail)
    except (ValueError, RecursionError):
        return None
    # Strict up to the end of the line: the usage is then that of the message, whatever came before.
    rest = _END.fullmatch(block, usage + 8 + stop, end) if tail.isascii() else None
    if rest is None:
        return None
    line: dict[str, Any] = {}
    for name, value in _FIELD.findall((head[1] + rest[2]).decode("utf-8", "replace")):
        line[name] = _plain(value)
    if line.get("type") != "assistant":
        return None
    message = {
        name: _plain(value) for name, value in _MODEL.findall((head[2] + rest[1]).decode("utf-8", "replace"))
    }
    if message.get("model") == "<synthetic>":
        return {}
    line["message"], line["usage"] = message, counts
    return line


def _plain(value: str) -> object:
    if value[0] != '"':
        return value == "true"
    return value[1:-1] if "\\" not in value else json.loads(value)


def _whole(data: bytes) -> dict[str, Any] | None:
    """The same by decoding the line; a ``progress`` line wraps that of a subagent, and is a copy."""
    line = json_object(data)
    if line is None:
        return None
    inner: Any = line
    if line.get("type") == "progress":
        wrapped = line.get("data")
        inner = wrapped.get("message") if isinstance(wrapped, dict) else None
        if not isinstance(inner, dict):
            return {}
    message = inner.get("message")
    if inner.get("type") != "assistant" or not isinstance(message, dict):
        return {}
    usage = message.get("usage")
    if not isinstance(usage, dict) or message.get("model") == "<synthetic>":
        return {}
    found: dict[str, Any] = {
        "usage": usage,
        "message": {"id": message.get("id"), "model": message.get("model")},
    }
    for name in ("timestamp", "requestId", "sessionId", "cwd", "isSidechain", "uuid"):
        found[name] = inner.get(name, line.get(name))
    if inner is not line:
        found["isSidechain"] = True
    return found


def _counts(usage: Mapping[str, Any]) -> tuple[int, int, int, int, int, int]:
    """Input, output, cache read, cache written, of that for an hour, reasoning."""
    split, details = usage.get("cache_creation"), usage.get("output_tokens_details")
    written, hour = count(usage.get("cache_creation_input_tokens")), 0
    if isinstance(split, dict):
        hour = count(split.get("ephemeral_1h_input_tokens"))
        written = max(written, hour + count(split.get("ephemeral_5m_input_tokens")))
    thought = count(details.get("thinking_tokens")) if isinstance(details, dict) else 0
    read, output = count(usage.get("cache_read_input_tokens")), count(usage.get("output_tokens"))
    return count(usage.get("input_tokens")), output, read, written, hour, min(thought, output)


def _advice(usage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Calls of another model inside a response, which its own counts leave out."""
    calls = usage.get("iterations")
    if isinstance(calls, list):
        for call in calls:
            if isinstance(call, dict) and call.get("type") == "advisor_message":
                yield call


class ClaudeLogs:
    """Session logs of Claude Code, of its desktop app too; see `providers.ledger.model.SessionLogs`."""

    id = "claude"
    name = "Claude Code"
    version = 1
    why = ""

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """``projects`` of each folder in CLAUDE_CONFIG_DIR, else of both usual ones, and the desktop's."""
        named = environment.variables.get("CLAUDE_CONFIG_DIR", "")
        usual = (environment.folder("XDG_CONFIG_HOME", ".config") / "claude", environment.home / ".claude")
        homes = [environment.home / part.strip() for part in named.split(",") if part.strip()] or usual
        # A folder with a comma in its name is one folder; split, it would be two that are not there.
        if named and "," in named and (environment.home / named).is_dir():
            homes = [environment.home / named]
        trees = [
            LogTree(f"projects{i or ''}", "session logs", home / "projects", "*.jsonl", skip=_SKIPPED)
            for i, home in enumerate(homes)
        ]
        app = _desktop(environment)
        trees += [
            LogTree(
                name,
                "session logs of the desktop app",
                app / name,
                "*.jsonl",
                below="projects",
                skip=_SKIPPED,
            )
            for name in ("local-agent-mode-sessions", "claude-code-sessions")
        ]
        return tuple(trees)

    def open(self, file: LogFile, state: State) -> ClaudeLogReader:
        """A reader of one session file."""
        return ClaudeLogReader(file)


def _desktop(environment: Environment) -> Path:
    if environment.platform == "darwin":
        return environment.home / "Library/Application Support/Claude"
    return environment.folder("XDG_CONFIG_HOME", ".config") / "Claude"


LOGS = ClaudeLogs()
