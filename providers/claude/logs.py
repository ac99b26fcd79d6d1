"""Tokens from Claude Code's session logs.  Pure on blocks of lines; no text of anybody is kept.

One response is written as a line per content block with growing ``output_tokens``, and copied into
resumed sessions, ``progress`` lines and side files: the rules are in facts measured on Claude Code
2.1 (ryoppippi/ccusage:rust/crates/ccusage/src/adapter, robinebers/openusage).  Of a line only what is
declared here is decoded, in 2 microseconds; whatever does not look as declared is decoded as a
whole, in 4 to 10, so a new form costs time and never a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import Decoder

from providers.base import Environment
from providers.ledger.fields import MOST, count, json_object, moment, text
from providers.ledger.model import Book, LogFile, LogTree, State, Usage

_USAGE, _USER, _MESSAGE, _LINE = b'"usage":{', b'"type":"user"', b'"message":{', b'{"parentUuid":'
_HEAD = 600
"""The bytes of a line in which its type stands, unless it is a response."""

_AFTER_PARENT = 53
"""Where a line goes on after the uuid of its parent."""

_SYNTHETIC = "<synthetic>"
_SKIPPED = ("journal.jsonl", "tool-results")


_Count = Annotated[int, Meta(ge=0, lt=MOST)]


class _Split(Struct, gc=False):
    ephemeral_5m_input_tokens: _Count = 0
    ephemeral_1h_input_tokens: _Count = 0


class _Details(Struct, gc=False):
    thinking_tokens: _Count = 0


class _Counted(Struct, kw_only=True, gc=False):
    input_tokens: _Count = 0
    cache_creation_input_tokens: _Count = 0
    cache_read_input_tokens: _Count = 0
    cache_creation: _Split | None = None
    output_tokens: _Count
    output_tokens_details: _Details | None = None
    iterations: Annotated[list[None], Meta(max_length=0)] | None = None
    speed: str | None = None


class _Message(Struct, kw_only=True, gc=False):
    model: str | None = None
    id: Annotated[str, Meta(min_length=1)]
    usage: _Counted


class _Line(Struct, kw_only=True, gc=False):
    """A response of the usual form; fields in the order in which they are written, which is fastest."""

    isSidechain: bool = False
    cwd: str | None = None
    sessionId: str | None = None
    message: _Message
    requestId: str | None = None
    type: Literal["assistant"]
    timestamp: str


_decode = Decoder(_Line).decode


class ClaudeLogReader:
    """Reads one session file.  Each line stands for itself, so there is nothing to remember from one
    block to the next but the name that stands in for a missing session id."""

    approximate = False

    def __init__(self, file: LogFile) -> None:
        self._stem = file.path.stem
        self._user = self._answer = b"\n"

    def state(self) -> State:
        """Nothing."""
        return None

    def feed(self, block: bytes, book: Book) -> int:
        """Books the responses in a block of lines."""
        find, startswith = block.find, block.startswith
        start = broken = 0
        held: _Line | None = None
        since = ""
        while (end := find(b"\n", start)) >= 0:
            common = start + _AFTER_PARENT
            if startswith(self._user, common):
                pass
            elif startswith(self._answer, common) or self._may_count(block, start, end):
                try:
                    line = _decode(block[start:end])
                except (ValueError, RecursionError):
                    broken += not self._take_whole(block, start, end, book)
                else:
                    if held is None or not _goes_on(held, since, line):
                        if held is not None:
                            self._book_line(held, since, book)
                        since = line.timestamp
                    held = line
            start = end + 1
        if held is not None:
            self._book_line(held, since, book)
        return broken

    def _may_count(self, block: bytes, start: int, end: int) -> bool:
        """Whether a line may be a response.  Prompts and results of tools, which are nearly all bytes, are
        told by their head, and then by what all lines of their kind have in common after the parent."""
        common, head = start + _AFTER_PARENT, min(start + _HEAD, end)
        message = block.find(_MESSAGE, start, head)
        user = block.find(_USER, start, head if message < 0 else message)
        if user >= 0:
            self._user = block[common : user + len(_USER)]
            return False
        if block.rfind(_USAGE, start, end) < 0:
            return False
        if message > common:
            self._answer = block[common : message + len(_MESSAGE)]
        return True

    def _book_line(self, line: _Line, since: str, book: Book) -> None:
        """Books a response at the time of its first line."""
        message, request = line.message, line.requestId or ""
        if message.model == _SYNTHETIC:
            return
        usage = message.usage
        written, hour = usage.cache_creation_input_tokens, 0
        if (split := usage.cache_creation) is not None:
            hour = split.ephemeral_1h_input_tokens
            written = max(written, hour + split.ephemeral_5m_input_tokens)
        output, details = usage.output_tokens, usage.output_tokens_details
        thought = min(details.thinking_tokens, output) if details is not None else 0
        book(
            (
                message.id,
                moment(since),
                message.model or "",
                line.cwd or "",
                line.sessionId or self._stem,
                usage.input_tokens,
                output,
                usage.cache_read_input_tokens,
                written,
                hour,
                thought,
                1,
                "fast" if usage.speed == "fast" else "",
                request,
                line.isSidechain or not request,
                "",
            )
        )

    def _take_whole(self, block: bytes, start: int, end: int, book: Book) -> bool:
        """Decodes a line; of one that begins with the torn piece of another, the rest.  False if it cannot
        be understood and is one that counts."""
        if block.rfind(_USAGE, start, end) < 0:
            return True
        found = _whole(block[start:end])
        if found is None:
            inner = block.rfind(_LINE, start + 1, end)
            found = _whole(block[inner:end]) if inner > 0 else None
        if not found:
            return found is not None
        return self._book(found, book)

    def _book(self, line: Mapping[str, Any], book: Book) -> bool:
        """Books the response of a line and the calls of an advisor in it.  False if it makes no sense."""
        message, usage = line["message"], line["usage"]
        ident, request = text(message.get("id")), text(line.get("requestId"))
        at = moment(line.get("timestamp"))
        fresh, output = usage.get("input_tokens", 0), usage.get("output_tokens")
        if not isinstance(fresh, int) or not isinstance(output, int) or max(fresh, output) >= MOST:
            return False
        session = text(line.get("sessionId")) or self._stem
        project = text(line.get("cwd"))
        # Without an id nothing can be recognised as a copy, so the line itself is the response.
        key = ident or f"line:{text(line.get('uuid')) or f'{session}:{at}'}"
        weak = line.get("isSidechain") is True or not request
        model, tier = text(message.get("model")), "fast" if usage.get("speed") == "fast" else ""
        book(Usage(key, at, model, project, session, *_counts(usage), 1, tier, request, weak))
        for number, call in enumerate(_advice(usage)):
            name, advisor = f"{key}:advisor:{number}", text(call.get("model"))
            book(Usage(name, at, advisor, project, session, *_counts(call), 1, "", request, weak))
        return True


def _goes_on(held: _Line, since: str, line: _Line) -> bool:
    """Whether a line is the same response as the one before with more output, or an equal one, and not of
    before it began: then only it need be booked.  In doubt both are, and the ledger joins them."""
    if held.message.id != line.message.id:
        return False
    a, b = held.message.usage, line.message.usage
    return (
        a.output_tokens <= b.output_tokens
        and a.input_tokens == b.input_tokens
        and a.cache_read_input_tokens == b.cache_read_input_tokens
        and a.cache_creation_input_tokens == b.cache_creation_input_tokens
        and a.cache_creation == b.cache_creation
        and held.requestId == line.requestId
        and held.sessionId == line.sessionId
        and held.isSidechain == line.isSidechain
        and since <= line.timestamp
        and len(since) == len(line.timestamp)
        and (a.output_tokens < b.output_tokens or (a == b and _named_alike(held, line)))
    )


def _named_alike(a: _Line, b: _Line) -> bool:
    return (a.message.model, a.cwd) == (b.message.model, b.cwd)


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
    if not isinstance(usage, dict) or message.get("model") == _SYNTHETIC:
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
            LogTree("projects", "session logs", home / "projects", "*.jsonl", skip=_SKIPPED) for home in homes
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
