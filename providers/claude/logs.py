"""Tokens from Claude Code's session logs.  Pure on blocks of lines; no text of anybody is kept.

One response is written as a line per content block with growing ``output_tokens``, and copied into
resumed sessions, ``progress`` lines and side files: the rules are in facts measured on Claude Code
2.1 (ryoppippi/ccusage:rust/crates/ccusage/src/adapter, robinebers/openusage).  Two expressions take the
head and the tail of a line and leave the content between them alone, 6 microseconds a line; whatever
does not look as expected is decoded as a whole, 40, so a new form costs time and never a figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from providers.base import Environment
from providers.ledger.fields import MOST, count, json_object, moment, text
from providers.ledger.model import Book, LogFile, LogTree, State, Usage, made

_HEAD = 900
"""The bytes of a line in which its type, folder, session and message id stand."""

_USAGE, _USER, _MESSAGE, _LINE = b'"usage":{', b'"type":"user"', b'"message":{', b'{"parentUuid":'
_PARENT = b'{"parentUuid":"'
_OUTPUT, _WRITTEN, _ASKED = b'"output_tokens":', b',"timestamp":"', b',"requestId":"'
_ROOT = re.compile(
    rb'"isSidechain":(true|false),(?:"\w+":(?:"[^"\\]*"|null|true|false|\d+),)*?'
    rb'"cwd":("(?:[^"\\]|\\.)*"),"sessionId":"([^"\\]*)",(?:"\w+":(?:"[^"\\]*"|null|true|false|\d+),)*'
)
_NAMES = re.compile(
    rb'"message":\{(?:"model":"([^"\\]*)",)?"id":"([^"\\]*)","type":"message","role":"assistant",'
    rb'(?:"model":"([^"\\]*)",)?"content":'
)
_TAIL = re.compile(
    rb'"usage":\{"input_tokens":(\d+),"cache_creation_input_tokens":(\d+),"cache_read_input_tokens":(\d+),'
    rb'(?:"cache_creation":\{"ephemeral_5m_input_tokens":(\d+),"ephemeral_1h_input_tokens":(\d+)\},)?'
    rb'"output_tokens":(\d+)(?:,"server_tool_use":\{[^{}]*\})?(?:,"service_tier":(?:"\w*"|null))?'
    rb'(?:,"cache_creation":\{"ephemeral_1h_input_tokens":(\d+),"ephemeral_5m_input_tokens":(\d+)\})?'
    rb'(?:,"output_tokens_details":\{"thinking_tokens":(\d+)\})?(?:,"inference_geo":(?:"[^"\\]*"|null))?'
    rb'(?:,"iterations":(?:\[\]|null))?(?:,"speed":(?:"(\w+)"|null))?\}'
    rb'(?:,"\w+":(?:null|\{"applied_edits":\[\]\}))*+\}(?:,"requestId":"([^"\\]*)")?,"type":"assistant"'
    rb'(?:,"\w+":(?:"[^"\\]*"|true|false|null))*?,"timestamp":"([^"\\]*)"'
    rb'(?:,"\w+":(?:"[^"\\]*"|true|false|null))*+\}'
)
_SKIPPED = ("journal.jsonl", "tool-results")
_AFTER_PARENT = 53
"""Where a line goes on after the uuid of its parent."""
_SYNTHETIC = b"<synthetic>"


class ClaudeLogReader:
    """Reads one session file.  Each line stands for itself, so there is nothing to remember from one
    block to the next but the name that stands in for a missing session id."""

    approximate = False

    def __init__(self, file: LogFile) -> None:
        self._stem = file.path.stem
        self._common, self._user = b"\n", b"\n"
        self._root_of_common: _Root = (False, "", "")
        self._model = (b"", "")

    def state(self) -> State:
        """Nothing."""
        return None

    def feed(self, block: bytes, book: Book) -> int:
        """Books the responses in a block of lines."""
        find, rfind = block.find, block.rfind
        start, size, broken = 0, len(block), 0
        head, stream = b"\n", None
        while start < size:
            end = find(b"\n", start)
            if end < 0:
                end = size
            # Lines of one response have all but the parent in common up to the content.
            if block.startswith(head, start + _AFTER_PARENT):
                usage = rfind(_USAGE, start, end)
                if usage >= 0 and stream is not None and not stream.goes_on(block, start, usage, end):
                    broken += self._book_stream(block, stream, book)
                    stream = _Stream(stream.names, start, usage, end)
            elif not block.startswith(self._user, start + _AFTER_PARENT):
                user = find(_USER, start, start + 600 if start + 600 < end else end)
                if user < 0 or find(_MESSAGE, start, user) >= 0:
                    usage = rfind(_USAGE, start, end)
                    if usage >= 0:
                        if stream is not None:
                            broken += self._book_stream(block, stream, book)
                        head, names = self._names(block, start, usage)
                        stream = _Stream(names, start, usage, end) if names is not None else None
                        if stream is None:
                            broken += not self._take_whole(block, start, end, b"", book)
            start = end + 1
        if stream is not None:
            broken += self._book_stream(block, stream, book)
        return broken

    def _book_stream(self, block: bytes, stream: _Stream, book: Book) -> int:
        """Books the last line of a stream, which has the most output, at the time of its first."""
        tail = _TAIL.fullmatch(block, stream.usage, stream.end)
        if tail is None or block.find(_LINE, stream.start + 1, stream.usage) >= 0:
            return not self._take_whole(block, stream.start, stream.end, stream.first, book)
        if stream.names[1] != _SYNTHETIC:
            self._book_quick(stream.names, tail.groups(), stream.first, book)
        return 0

    def _names(self, block: bytes, start: int, usage: int) -> tuple[bytes, _Names | None]:
        """What the head of a line says, and the bytes by which it is known again; a newline, which is
        in no line, and None if it has another form than the usual."""
        if block.startswith(self._common, start + _AFTER_PARENT):
            # All that stands before the message is as in the line before.
            named = _NAMES.match(block, start + _AFTER_PARENT + len(self._common), usage)
            if named is not None and named[2]:
                model, ident, other = named.groups()
                head = block[start + _AFTER_PARENT : named.end()]
                return head, (ident, model or other or b"", self._root_of_common)
        place = block.find(_MESSAGE, start, min(start + _HEAD, usage))
        named = _NAMES.match(block, place, usage) if place >= 0 else None
        root = self._root(block, start, place) if named is not None else None
        if named is None or root is None or not named[2]:
            return b"\n", None
        model, ident, other = named.groups()
        chosen = model or other or b""
        if not block.startswith(_PARENT, start):
            # The first line of a file has no parent, so its head begins elsewhere.
            return b"\n", (ident, chosen, root)
        self._common, self._root_of_common = block[start + _AFTER_PARENT : place], root
        self._user = self._common + _USER
        return block[start + _AFTER_PARENT : named.end()], (ident, chosen, root)

    def _root(self, block: bytes, start: int, place: int) -> _Root | None:
        """Side copy or not, folder and session of a line."""
        if block.startswith(_PARENT, start) and block[start + 51 : start + 53] == b'",':
            start += _AFTER_PARENT
        elif block.startswith(b'{"parentUuid":null,', start):
            start += 19
        else:
            return None
        found = _ROOT.fullmatch(block, start, place)
        if found is None:
            return None
        side, folder, session = found.groups()
        try:
            return side == b"true", text(json.loads(folder)), session.decode()
        except ValueError:
            return None

    def _book_quick(self, names: _Names, tail: tuple[Any, ...], first: bytes, book: Book) -> None:
        """Books what the expressions found."""
        ident, model, (side, project, session) = names
        if model != self._model[0]:
            self._model = model, model.decode("utf-8", "replace")
        fresh, written, read, short, hour, output, new_hour, new_short, thought, speed, request, at = tail
        prompt, cached, out, hours = int(fresh), int(read), int(output), int(hour or new_hour or 0)
        total = max(int(written), hours + int(short or new_short or 0))
        if prompt >= MOST or cached >= MOST or out >= MOST or total >= MOST:
            return
        book(
            made(
                (
                    ident.decode("utf-8", "replace"),
                    moment((first or at).decode("utf-8", "replace")),
                    self._model[1],
                    project,
                    session or self._stem,
                    prompt,
                    out,
                    cached,
                    total,
                    hours,
                    min(int(thought), out) if thought else 0,
                    1,
                    "fast" if speed == b"fast" else "",
                    request.decode("utf-8", "replace") if request else "",
                    side or not request,
                    "",
                )
            )
        )

    def _take_whole(self, block: bytes, start: int, end: int, first: bytes, book: Book) -> bool:
        """Decodes a line; of one that begins with the torn piece of another, the rest."""
        found = _whole(block[start:end])
        if found is None:
            inner = block.rfind(_LINE, start + 1, end)
            found = _whole(block[inner:end]) if inner > 0 else None
        if not found:
            return found is not None
        if first:
            found["timestamp"] = str(first, "utf-8", "replace")
        return self._book(found, book)

    def _book(self, line: Mapping[str, Any], book: Book) -> bool:
        """Books the response of a line and the calls of an advisor in it.  False if it makes no sense."""
        message, usage = line["message"], line["usage"]
        ident, request = text(message.get("id")), text(line.get("requestId"))
        at = moment(line.get("timestamp"))
        fresh, output = usage.get("input_tokens", 0), usage.get("output_tokens")
        if not isinstance(fresh, int) or not isinstance(output, int):
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


_Root = tuple[bool, str, str]
_Names = tuple[bytes, bytes, _Root]
"""Message id, model, root."""


class _Stream:
    """Consecutive lines of one response: places of the last of them in the block, and of the first one
    its time, which is b"" while there is only that one."""

    __slots__ = ("_amount", "_asked", "_at", "_back", "_before", "end", "first", "names", "start", "usage")

    def __init__(self, names: _Names, start: int, usage: int, end: int) -> None:
        self.names, self.start, self.usage, self.end = names, start, usage, end
        self.first = self._before = b""

    def _look(self, block: bytes) -> None:
        """Remembers what a next line is compared with; many responses have one line only."""
        usage, end = self.usage, self.end
        self._at = block[end - 40 : end - 2]
        asked = block.rfind(_ASKED, usage, end)
        self._back = end - asked
        self._asked = block[asked : end - 86]
        output = block.find(_OUTPUT, usage, end) + len(_OUTPUT)
        self._before = block[usage:output]
        self._amount = block[output : block.find(b",", output, output + 16)]
        if asked < 0 or not self._asked or output < usage or not self._at.startswith(_WRITTEN):
            # Of another form, in which streams are not told: no line goes on with it.
            self._before = b"-"

    def goes_on(self, block: bytes, start: int, usage: int, end: int) -> bool:
        """Whether a line is the same response with the same counts and more output, or an equal one:
        of the two only the larger need be booked.  In doubt both are, and the ledger joins them."""
        if not self._before:
            self._look(block)
        if not block.startswith(self._before, usage) or block[end - self._back : end - 86] != self._asked:
            return False
        if block[end - 40 : end - 2] < self._at:
            return False
        output = usage + len(self._before)
        amount = block[output : block.find(b",", output, output + 16)]
        if (len(amount), amount) > (len(self._amount), self._amount):
            self.start, self.usage, self.end, self._amount = start, usage, end, amount
            self.first = self._at[len(_WRITTEN) :]
            return True
        return block[usage : end - self._back] == block[self.usage : self.end - self._back]


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
