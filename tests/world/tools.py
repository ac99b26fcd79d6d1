"""A home in which every tool that is measured has left sessions, and what they cost.

Each format is written as its tool writes it, with `CANARY` where prompts, answers, file contents and
tool output stand.  `TRUTH` is counted by hand from the figures here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

CANARY = "kanarienvogel"
AT = 1_800_000_000
"""2027-01-15T08:00:00Z"""

ISO = "2027-01-15T08:00:00.000Z"
MS = AT * 1000

Truth = tuple[int, int, int, int, int, int]
"""Input, output, cache read, cache written, reasoning, requests."""


def write(path: Path, text: str | bytes) -> None:
    """Writes a file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def write_lines(path: Path, *records: Any) -> None:
    """Writes a log of JSON lines."""
    write(path, "".join(json.dumps(record) + "\n" for record in records))


def database(path: Path, script: str, rows: dict[str, list[tuple[Any, ...]]] | None = None) -> None:
    """Makes an SQLite database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(script)
    for table, values in (rows or {}).items():
        for value in values:
            connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(value))})", value)
    connection.commit()
    connection.close()


def amp(home: Path) -> None:
    """One thread with a ledger, two of whose calls led to one message; one without."""
    ledger = {
        "id": "T-1",
        "messages": [
            {"role": "user", "messageId": 1, "content": CANARY},
            {
                "role": "assistant",
                "messageId": 2,
                "content": [{"type": "text", "text": CANARY}],
                "usage": {
                    "model": "claude-x",
                    "inputTokens": 7,
                    "outputTokens": 9,
                    "timestamp": ISO,
                    "cacheReadInputTokens": 400,
                    "cacheCreationInputTokens": 30,
                },
            },
        ],
        "usageLedger": {
            "events": [
                {
                    "id": "e1",
                    "timestamp": ISO,
                    "model": "claude-x",
                    "toMessageId": 2,
                    "tokens": {"input": 10, "output": 20},
                },
                {
                    "id": "e2",
                    "timestamp": ISO,
                    "model": "oracle",
                    "toMessageId": 2,
                    "tokens": {"input": 5, "output": 6},
                },
            ]
        },
    }
    plain = {
        "id": "T-2",
        "title": CANARY,
        "messages": [
            {
                "role": "assistant",
                "messageId": 4,
                "content": CANARY,
                "usage": {
                    "model": "claude-x",
                    "inputTokens": 100,
                    "outputTokens": 50,
                    "timestamp": ISO,
                    "cacheReadInputTokens": 1000,
                    "cacheCreationInputTokens": 200,
                    "totalTokens": 1350,
                },
            },
            {"role": "assistant", "usage": {"model": "claude-x", "totalTokens": 345, "timestamp": ISO}},
        ],
    }
    threads = home / ".local/share/amp/threads"
    write(threads / "T-1.json", json.dumps(ledger))
    write(threads / "T-2.json", json.dumps(plain))


def droid(home: Path) -> None:
    """One session's total; thinking stands beside the output."""
    settings = {
        "model": "custom:Claude-Opus-4.6-[Proxy]",
        "providerLockTimestamp": ISO,
        "systemPrompt": CANARY,
        "tokenUsage": {
            "inputTokens": 100,
            "outputTokens": 40,
            "cacheReadTokens": 900,
            "cacheCreationTokens": 60,
            "thinkingTokens": 10,
        },
    }
    write(home / ".factory/sessions/-src/s1.settings.json", json.dumps(settings))


def kimi(home: Path) -> None:
    """Two agents of one session, a total of the session that repeats them; a session of the older CLI."""
    usage = {"inputOther": 10, "output": 5, "inputCacheRead": 100, "inputCacheCreation": 7}
    record = {
        "type": "usage.record",
        "time": MS,
        "model": "kimi-code/k2",
        "usage": usage,
        "usageScope": "turn",
    }
    agents = home / ".kimi-code/sessions/wd_1/session_1/agents"
    request = {"type": "llm.request", "model": "kimi-k2.6", "messages": [{"content": CANARY}]}
    prompt = {"type": "turn.prompt", "input": CANARY}
    write_lines(
        agents / "main/wire.jsonl", prompt, record, request, record, {**record, "usageScope": "session"}
    )
    write_lines(agents / "sub/wire.jsonl", record)
    payload = {
        "token_usage": {"input_other": 3, "output": 4, "input_cache_read": 20, "input_cache_creation": 0},
        "message_id": "m1",
    }
    status = {"timestamp": AT + 0.5, "message": {"type": "StatusUpdate", "payload": payload}}
    text = {"timestamp": AT, "message": {"type": "ContentPart", "payload": {"text": f"{CANARY} token_usage"}}}
    write_lines(home / ".kimi/sessions/ab12/s2/wire.jsonl", text, status, status)


def qwen(home: Path) -> None:
    """Output with the reasoning in it and beside it, as the total says; a line without counts."""
    base = {
        "sessionId": "q1",
        "timestamp": ISO,
        "cwd": "/src/shop",
        "type": "assistant",
        "model": "qwen3-coder",
        "message": {"parts": [{"text": CANARY}]},
    }
    inside = {
        "promptTokenCount": 1000,
        "candidatesTokenCount": 50,
        "thoughtsTokenCount": 20,
        "cachedContentTokenCount": 800,
        "totalTokenCount": 1050,
    }
    beside = {**inside, "totalTokenCount": 1070}
    write_lines(
        home / ".qwen/projects/-src-shop/chats/q1.jsonl",
        {**base, "type": "user", "uuid": "u0", "message": CANARY},
        {**base, "uuid": "u1", "usageMetadata": inside},
        {**base, "uuid": "u2", "usageMetadata": beside},
        {**base, "uuid": "u3"},
    )


def _pi_entry(ident: str, at: int, **usage: int) -> dict[str, Any]:
    message = {
        "role": "assistant",
        "provider": "anthropic",
        "model": "claude-x",
        "timestamp": at,
        "content": [{"type": "text", "text": CANARY}],
        "usage": usage,
    }
    return {"type": "message", "id": ident, "parentId": None, "timestamp": ISO, "message": message}


def pi(home: Path) -> None:
    """A session, and a fork that begins with a copy of it."""
    first = _pi_entry("a1b2c3d4", MS, input=10, output=20, cacheRead=300, cacheWrite=40)
    second = _pi_entry("a1b2c3d5", MS + 1, input=1, output=2, cacheRead=3, cacheWrite=4)
    result = {
        "type": "message",
        "id": "r",
        "message": {"role": "toolResult", "content": CANARY, "usage": {"input": 9}},
    }
    folder = home / ".pi/agent/sessions/--src-shop--"
    header = {"type": "session", "id": "s1", "cwd": "/src/shop", "timestamp": ISO}
    write_lines(folder / "1_s1.jsonl", header, first, result)
    write_lines(folder / "2_s2.jsonl", {**header, "id": "s2", "parentSession": "s1"}, first, second)


def openclaw(home: Path) -> None:
    """A session in a file that was put aside and in the database, and one in the database alone."""
    entry = _pi_entry("aa", MS, input=10, output=20, cacheRead=30, cacheWrite=40)
    other = _pi_entry("bb", MS + 5, input=1, output=1, cacheRead=0, cacheWrite=0)
    agent = home / ".openclaw/agents/main"
    header = {"type": "session", "id": "s1", "cwd": "/src/shop"}
    write_lines(agent / "sessions/s1.jsonl.deleted.2026-09-01", header, entry)
    events = [("s1", 1, json.dumps(entry), MS), ("s2", 1, json.dumps(other), MS), ("s2", 2, "{torn", MS)]
    script = (
        "CREATE TABLE transcript_events(session_id TEXT, seq INTEGER, event_json TEXT, created_at INTEGER)"
    )
    database(agent / "agent/openclaw-agent.sqlite", script, {"transcript_events": events})


GOOSE_TABLE = """CREATE TABLE sessions(id TEXT PRIMARY KEY, description TEXT, working_dir TEXT,
created_at TIMESTAMP, updated_at TIMESTAMP, accumulated_input_tokens INTEGER,
accumulated_output_tokens INTEGER,
accumulated_cache_read_tokens INTEGER, accumulated_cache_write_tokens INTEGER, model_config_json TEXT)"""


def goose(home: Path) -> None:
    """One session's total, with the cache inside the input; one that has not asked anything."""
    model = json.dumps({"model_name": "claude-x", "system": CANARY})
    day = "2027-01-15 08:00:00"
    rows = [
        ("g1", CANARY, "/src/shop", day, day, 1000, 50, 700, 100, model),
        ("g2", CANARY, "/src/shop", day, day, None, None, None, None, model),
    ]
    database(home / ".local/share/goose/sessions/sessions.db", GOOSE_TABLE, {"sessions": rows})


def zed(home: Path) -> None:
    """A thread with a total that its requests fall short of, and one with requests alone."""
    request = {"input_tokens": 5, "output_tokens": 6}
    whole = {
        "title": CANARY,
        "messages": [{"text": CANARY}],
        "model": {"provider": "zed.dev", "model": "claude-x"},
        "request_token_usage": {CANARY: request},
        "cumulative_token_usage": {
            "input_tokens": 100,
            "output_tokens": 30,
            "cache_read_input_tokens": 400,
            "cache_creation_input_tokens": 20,
        },
    }
    part = {"messages": [CANARY], "model": None, "request_token_usage": {"m1": request, "m2": request}}
    rows = [
        ("z1", CANARY, ISO, "json", json.dumps(whole).encode(), "/src/shop"),
        ("z2", CANARY, ISO, "json", json.dumps(part).encode(), "/src/a\n/src/b"),
    ]
    script = (
        "CREATE TABLE threads(id, summary, updated_at TEXT, data_type TEXT, data BLOB, folder_paths TEXT)"
    )
    database(home / ".local/share/zed/threads/threads.db", script, {"threads": rows})


def _task(folder: Path) -> None:
    call = {
        "request": CANARY,
        "tokensIn": 100,
        "tokensOut": 20,
        "cacheReads": 300,
        "cacheWrites": 40,
        "cost": 0.1,
    }
    entries = [
        {"ts": MS, "type": "say", "say": "text", "text": CANARY},
        {
            "ts": MS + 1,
            "type": "say",
            "say": "api_req_started",
            "text": json.dumps(call),
            "modelInfo": {"modelId": "claude-x"},
        },
        {"ts": MS + 2, "type": "say", "say": "api_req_started", "text": json.dumps({"request": CANARY})},
        {"ts": MS + 3, "type": "say", "say": "deleted_api_reqs", "text": json.dumps(call)},
    ]
    write(folder / "ui_messages.json", json.dumps(entries))


def cline(home: Path) -> None:
    """A task of the extension and a session of the CLI."""
    _task(home / ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1800000000000")
    metrics = {"inputTokens": 1, "outputTokens": 2, "cacheReadTokens": 3, "cacheWriteTokens": 4, "cost": 0}
    messages = [
        {"id": "u", "role": "user", "content": CANARY},
        {
            "id": "a",
            "role": "assistant",
            "ts": MS,
            "content": CANARY,
            "metrics": metrics,
            "modelInfo": {"id": "claude-x"},
        },
    ]
    write(home / ".cline/data/sessions/c1/c1.messages.json", json.dumps({"messages": messages}))


def roo(home: Path) -> None:
    """A task in a fork of the editor."""
    _task(home / ".config/VSCodium/User/globalStorage/rooveterinaryinc.roo-cline/tasks/t-2")


OPENCODE_TABLES = """
CREATE TABLE session(id TEXT PRIMARY KEY, directory TEXT NOT NULL, title TEXT, time_created INTEGER NOT NULL);
CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT NOT NULL, time_created INTEGER NOT NULL,
    time_updated INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT NOT NULL, session_id TEXT NOT NULL, data TEXT NOT NULL)
"""


def _opencode(path: Path) -> None:
    tokens = {"input": 10, "output": 20, "reasoning": 5, "cache": {"read": 30, "write": 40}}
    message = {
        "role": "assistant",
        "modelID": "x1",
        "providerID": "kilo",
        "tokens": tokens,
        "summary": CANARY,
        "time": {"created": MS, "completed": MS + 1},
    }
    running = {**message, "time": {"created": MS + 9}}
    step = json.dumps({"type": "step-finish", "tokens": tokens})
    text = json.dumps({"type": "text", "text": f'{CANARY} "step-finish"'})
    database(
        path,
        OPENCODE_TABLES,
        {
            "session": [("s1", "/src/shop", CANARY, MS - 5)],
            "message": [
                ("m0", "s1", MS, MS, json.dumps({"role": "user", "summary": {"title": CANARY}})),
                ("m1", "s1", MS, MS, json.dumps(message)),
                ("m2", "s1", MS, MS, json.dumps(running)),
            ],
            "part": [("p1", "m1", "s1", step), ("p2", "m1", "s1", step), ("p3", "m1", "s1", text)],
        },
    )


def kilo(home: Path) -> None:
    """A task of the extension; two calls in one message of the CLI, and one that is running."""
    _task(home / ".vscode-server/data/User/globalStorage/kilocode.kilo-code/tasks/t-3")
    _opencode(home / ".local/share/kilo/kilo.db")


def mimo(home: Path) -> None:
    """The same database under its own name."""
    _opencode(home / ".local/share/mimocode/mimocode.db")


def hermes(home: Path) -> None:
    """A session's total in a profile, reasoning inside the output."""
    script = """CREATE TABLE sessions(id TEXT, model TEXT, started_at REAL, ended_at REAL, title TEXT,
        input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
        reasoning_tokens INTEGER)"""
    rows = [("h1", "hermes-4", float(AT), None, CANARY, 10, 20, 30, 40, 5)]
    database(home / ".hermes/profiles/work/state.db", script, {"sessions": rows})


def mux(home: Path) -> None:
    """One answer, with the cache inside the input."""
    usage = {"inputTokens": 100, "outputTokens": 30, "reasoningTokens": 10, "cachedInputTokens": 60}
    metadata = {"usage": usage, "model": "anthropic:claude-x", "timestamp": MS}
    parts = [{"type": "text", "text": CANARY}]
    write_lines(
        home / ".mux/sessions/ws1/chat.jsonl",
        {"id": "u", "role": "user", "parts": parts},
        {"id": "a", "role": "assistant", "parts": parts, "metadata": metadata},
    )


def gemini(home: Path) -> None:
    """A journal in which tokens come later and a message is rewound; the same session as a document."""
    tokens = {"input": 100, "output": 20, "cached": 60, "thoughts": 5, "tool": 7, "total": 132}
    head = {"sessionId": "g1", "projectHash": "h", "kind": "main", "directories": ["/src/shop"]}
    message = {
        "id": "m1",
        "timestamp": ISO,
        "type": "gemini",
        "content": CANARY,
        "model": "gemini-3-pro",
        "tokens": None,
        "toolCalls": [{"result": CANARY}],
    }
    full = {**message, "tokens": tokens}
    chats = home / ".gemini/tmp/shop/chats"
    write_lines(
        chats / "session-1.jsonl",
        head,
        {"id": "u1", "type": "user", "content": CANARY},
        message,
        full,
        {"$rewindTo": "u1"},
        {"$set": {"messages": [full], "summary": CANARY}},
    )
    write(chats / "session-1.json", json.dumps({**head, "messages": [full]}))
    write_lines(chats / ".unreadable-session-2.jsonl", {**head, "sessionId": "g2"}, full)


def copilot(home: Path) -> None:
    """A session with rows in the store, whose end repeats them, and an older one with its end alone."""
    usage = {
        "inputTokens": 100,
        "outputTokens": 10,
        "cacheReadTokens": 60,
        "cacheWriteTokens": 20,
        "reasoningTokens": 4,
    }
    end = {
        "type": "session.shutdown",
        "timestamp": ISO,
        "data": {"modelMetrics": {"gpt-x": {"requests": {"count": 3, "cost": 0}, "usage": usage}}},
    }
    answer = {"type": "assistant.message", "data": {"content": f"{CANARY} session.shutdown"}}
    for session in ("c1", "c2"):
        start = {
            "type": "session.start",
            "timestamp": ISO,
            "data": {"sessionId": session, "context": {"cwd": "/src/shop"}},
        }
        write_lines(home / f".copilot/session-state/{session}/events.jsonl", start, answer, end)
    script = """CREATE TABLE sessions(id TEXT, cwd TEXT); CREATE TABLE turns(user_message TEXT);
        CREATE TABLE assistant_usage_events(id INTEGER PRIMARY KEY, session_id TEXT,
        created_at TEXT, model TEXT,
        input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
        reasoning_tokens INTEGER)"""
    events = [
        (1, "c1", "2027-01-15 08:00:00", "gpt-x", 100, 10, 60, 20, 4),
        (2, "c1", "2027-01-15 08:01:00", "gpt-x", 50, 5, 50, 0, None),
    ]
    database(
        home / ".copilot/session-store.db",
        script,
        {"sessions": [("c1", "/src/shop")], "turns": [(CANARY,)], "assistant_usage_events": events},
    )


def opencode(home: Path) -> None:
    """Version 1, whose table was frozen when the session went on in version 2."""
    path = home / ".local/share/opencode/opencode.db"
    _opencode(path)
    tokens = {"input": 1, "output": 2, "reasoning": 3, "cache": {"read": 4, "write": 5}}
    data = {
        "model": {"providerID": "opencode-go", "id": "x2"},
        "tokens": tokens,
        "content": CANARY,
        "time": {"created": MS + 50, "completed": MS + 60},
    }
    script = """CREATE TABLE session_v2(id TEXT, directory TEXT, time_created INTEGER);
        CREATE TABLE session_message(id TEXT, session_id TEXT, type TEXT, time_created INTEGER,
        time_updated INTEGER, data TEXT)"""
    database(
        path,
        script,
        {
            "session_v2": [("s1", "/src/shop", MS - 5)],
            "session_message": [("n1", "s1", "assistant", MS + 50, MS + 60, json.dumps(data))],
        },
    )


_TASK: Truth = (100, 20, 300, 40, 0, 1)
_CLI: Truth = (20, 50, 60, 80, 10, 2)


def _sum(*parts: Truth) -> Truth:
    return tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[return-value]


WRITERS: dict[str, Callable[[Path], None]] = {
    "amp": amp,
    "droid": droid,
    "kimi": kimi,
    "qwen": qwen,
    "pi": pi,
    "openclaw": openclaw,
    "goose": goose,
    "zed": zed,
    "cline": cline,
    "roo": roo,
    "kilo": kilo,
    "mimo": mimo,
    "hermes": hermes,
    "mux": mux,
    "gemini": gemini,
    "copilot": copilot,
    "opencode": opencode,
}

TRUTH: dict[str, Truth] = {
    "amp": _sum((10, 20, 400, 30, 0, 1), (5, 6, 0, 0, 0, 1), (100, 50, 1000, 200, 0, 1)),
    "droid": (100, 50, 900, 60, 10, 0),
    "kimi": (33, 19, 320, 21, 0, 4),
    "qwen": (400, 120, 1600, 0, 40, 2),
    "pi": (11, 22, 303, 44, 0, 2),
    "openclaw": (11, 21, 30, 40, 0, 2),
    "goose": (200, 50, 700, 100, 0, 0),
    "zed": (110, 42, 400, 20, 0, 0),
    "cline": _sum(_TASK, (1, 2, 3, 4, 0, 1)),
    "roo": _TASK,
    "kilo": _sum(_TASK, _CLI),
    "mimo": _CLI,
    "hermes": (10, 20, 30, 40, 5, 0),
    "mux": (40, 30, 60, 0, 10, 1),
    "gemini": (47, 25, 60, 0, 5, 1),
    "copilot": _sum((20, 15, 110, 20, 4, 2), (20, 10, 60, 20, 4, 3)),
    "opencode": _sum(_CLI, (1, 5, 4, 5, 3, 1)),
}
"""What each tool's sessions cost.  Requests are 0 where a store does not say how many there were."""

BROKEN = {"amp": 1, "openclaw": 1}
"""Entries that cannot be understood, and are said to be: a total without parts, a torn event."""
