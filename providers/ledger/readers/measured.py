"""The table of small tools whose files say what each response, or each session, cost.

A new tool is one row here and its id in ``providers.LOGGED_TOOLS``.  Formats: facts of each tool's
own source where there is one, else of scanners that agree (ryoppippi/ccusage:rust/crates/ccusage/src/
adapter, getagentseal/codeburn:docs/providers).
"""

from __future__ import annotations

from pathlib import Path

from providers.base import Environment
from providers.ledger.model import DATABASE, DOCUMENT, LogTree
from providers.ledger.readers.databases import (
    GOOSE,
    HERMES,
    OpenClawStore,
    SessionTable,
    SessionTotals,
    ZedThreads,
    zed_unpack,
)
from providers.ledger.readers.documents import AMP, CLINE_SESSION, CLINE_TASK, DroidSettings
from providers.ledger.readers.lines import Context, LineShape
from providers.ledger.readers.opencode_family import OpenCodeDatabase
from providers.ledger.readers.places import data, desktop_data, extension, support
from providers.ledger.readers.spelling import GEMINI_METADATA, PLAIN, Spelling
from providers.ledger.readers.tool import Make, Tool, document, lines

_SESSION = Context((("type",), "session"), session=("id",), project=("cwd",))

PI = LineShape(
    needles=(b'"usage"', b'"session"', b'"model_change"'),
    when=((("message", "role"), "assistant"),),
    usage=("message", "usage"),
    spelling=PLAIN,
    key=(("id",), ("message", "timestamp")),
    at=(("message", "timestamp"), ("timestamp",)),
    model=(("message", "model"),),
    contexts=(
        _SESSION,
        Context((("type",), "model_change"), model=("modelId",)),
        Context((("customType",), "model-snapshot"), model=("data", "modelId")),
    ),
    everywhere=True,
)
"""Pi and OpenClaw: a fork copies entries with their ids, eight hex digits that need the time beside
them to be one of a kind (badlogic/pi-mono:packages/coding-agent/docs/session.md)."""

QWEN = LineShape(
    needles=(b'"usageMetadata"',),
    when=((("type",), "assistant"),),
    usage=("usageMetadata",),
    spelling=GEMINI_METADATA,
    key=(("uuid",),),
    at=(("timestamp",),),
    model=(("model",),),
    session=("sessionId",),
    project=("cwd",),
)

KIMI = LineShape(
    needles=(b'"usage.record"', b'"llm.request"'),
    when=((("type",), "usage.record"),),
    # Those of a session are the sum of those of its turns.
    unless=((("usageScope",), "session"),),
    usage=("usage",),
    spelling=Spelling(("inputOther",), ("output",), ("inputCacheRead",), ("inputCacheCreation",)),
    key=(),
    at=(("time",), ("timestamp",)),
    contexts=(Context((("type",), "llm.request"), model=("model",)),),
    alias=("model",),
    prefix="kimi-code/",
    parents=3,
)

KIMI_CLI = LineShape(
    needles=(b'"token_usage"',),
    when=((("message", "type"), "StatusUpdate"),),
    usage=("message", "payload", "token_usage"),
    spelling=Spelling(("input_other",), ("output",), ("input_cache_read",), ("input_cache_creation",)),
    key=(("message", "payload", "message_id"),),
    at=(("timestamp",),),
    usual_model="kimi-for-coding",
    parents=1,
)

MUX = LineShape(
    needles=(b'"usage"',),
    when=((("role",), "assistant"),),
    usage=("metadata", "usage"),
    spelling=Spelling(
        ("inputTokens",),
        ("outputTokens",),
        ("cachedInputTokens",),
        (),
        ("reasoningTokens",),
        cached_inside=True,
    ),
    key=(("id",),),
    at=(("metadata", "timestamp"),),
    alias=("metadata", "model"),
    parents=1,
)

AIDER_LOG = LineShape(
    needles=(b'"message_send"',),
    when=((("event",), "message_send"),),
    usage=("properties",),
    spelling=Spelling(("prompt_tokens",), ("completion_tokens",)),
    key=(),
    at=(("time",),),
    model=(("properties", "main_model"),),
    parents=1,
)
"""Only if the person asked for it (Aider-AI/aider:aider/analytics.py)."""


def _folders(
    tree: str, title: str, folders: tuple[Path, ...], pattern: str, kind: str
) -> tuple[LogTree, ...]:
    return tuple(
        LogTree(f"{tree}:{number}", title, folder, pattern, kind) for number, folder in enumerate(folders)
    )


def _database(tree: str, folder: Path, name: str) -> LogTree:
    return LogTree(tree, "session database", folder, name, DATABASE, recursive=False)


def _amp(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("AMP_DATA_DIR", str(data(environment) / "amp"))
    return (LogTree("threads", "threads", home / "threads", "T-*.json", DOCUMENT, recursive=False),)


def _droid(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("FACTORY_DIR", ".factory")
    sessions = environment.folder("DROID_SESSIONS_DIR", str(home / "sessions"))
    return (LogTree("sessions", "session totals", sessions, "*.settings.json", DOCUMENT),)


def _kimi(environment: Environment) -> tuple[LogTree, ...]:
    code = environment.folder("KIMI_CODE_HOME", ".kimi-code") / "sessions"
    older = environment.folder("KIMI_DATA_DIR", ".kimi")
    cli = environment.folder("KIMI_SHARE_DIR", str(older)) / "sessions"
    return (
        LogTree("code", "session logs", code, "wire.jsonl", below="agents"),
        LogTree("cli", "session logs of the older CLI", cli, "wire.jsonl"),
    )


def _qwen(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("QWEN_DATA_DIR", ".qwen")
    return (LogTree("chats", "session logs", home / "projects", "*.jsonl", below="chats"),)


def _pi(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("PI_CODING_AGENT_DIR", ".pi/agent")
    return (
        LogTree("sessions", "session logs", home / "sessions", "*.jsonl"),
        LogTree(
            "sessions:omp", "session logs of oh-my-pi", environment.home / ".omp/agent/sessions", "*.jsonl"
        ),
    )


def _openclaw(environment: Environment) -> tuple[LogTree, ...]:
    homes = [environment.folder("OPENCLAW_DIR", ".openclaw")]
    homes += [environment.home / name for name in (".clawdbot", ".moltbot", ".moldbot")]
    trees = []
    for number, home in enumerate(homes):
        agents = home / "agents"
        trees.append(
            LogTree(f"store:{number}", "session database", agents, "openclaw-agent.sqlite", DATABASE)
        )
        # Deleted and reset sessions keep their file under a longer name, with two stars to match.
        skip = ("sessions.json", "sessions.json.lock")
        trees.append(LogTree(f"sessions:{number}", "session logs", agents, "*", below="sessions", skip=skip))
    return tuple(trees)


def _goose(environment: Environment) -> tuple[LogTree, ...]:
    root = environment.variables.get("GOOSE_PATH_ROOT", "")
    usual = desktop_data(environment)
    folders = [environment.home / root / "data"] if root else [data(environment) / "goose"]
    if support(environment):
        folders += [usual / "goose", usual / "Block/goose"]
    return tuple(
        _database(f"sessions:{number}", folder / "sessions", "sessions.db")
        for number, folder in enumerate(folders)
    )


def _zed(environment: Environment) -> tuple[LogTree, ...]:
    folder = "Zed" if support(environment) else "zed"
    return (_database("threads", desktop_data(environment) / folder / "threads", "threads.db"),)


def _cline(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("CLINE_DIR", ".cline")
    own = environment.folder("CLINE_DATA_DIR", str(home / "data"))
    sessions = environment.folder("CLINE_SESSION_DATA_DIR", str(own / "sessions"))
    return (
        *_tasks(environment, "saoudrizwan.claude-dev", own),
        LogTree("sessions", "sessions of the CLI", sessions, "*.messages.json", DOCUMENT),
    )


def _tasks(environment: Environment, name: str, *more: Path) -> tuple[LogTree, ...]:
    folders = tuple(folder / "tasks" for folder in (*extension(environment, name), *more))
    return _folders("tasks", "tasks", folders, "ui_messages.json", DOCUMENT)


def _kilo(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("KILO_DATA_DIR", str(data(environment) / "kilo"))
    return (*_tasks(environment, "kilocode.kilo-code"), _database("cli", home, "kilo.db"))


def _hermes(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("HERMES_HOME", ".hermes")
    return (
        _database("state", home, "state.db"),
        LogTree("state:profiles", "session databases of profiles", home / "profiles", "state.db", DATABASE),
    )


def _mux(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.folder("MUX_ROOT", ".mux")
    return (LogTree("sessions", "session logs", home / "sessions", "chat.jsonl"),)


def _totals(table: SessionTable) -> Make:
    return lambda file, state: SessionTotals(table, state)


_TASKS = {"tasks": document(CLINE_TASK)}

MEASURED: tuple[Tool, ...] = (
    Tool("amp", "Amp", _amp, {"threads": document(AMP)}),
    Tool("droid", "Droid", _droid, {"sessions": DroidSettings}),
    Tool("kimi", "Kimi Code", _kimi, {"code": lines(KIMI), "cli": lines(KIMI_CLI)}),
    Tool("qwen", "Qwen Code", _qwen, {"chats": lines(QWEN)}),
    Tool("pi", "Pi", _pi, {"sessions": lines(PI)}),
    Tool("openclaw", "OpenClaw", _openclaw,
         {"sessions": lines(PI), "store": lambda file, state: OpenClawStore(state)}),
    Tool("goose", "Goose", _goose, {"sessions": _totals(GOOSE)}),
    Tool("zed", "Zed", _zed, {"threads": lambda file, state: ZedThreads(zed_unpack(), state)}),
    Tool("cline", "Cline", _cline, {**_TASKS, "sessions": document(CLINE_SESSION)}),
    Tool("roo", "Roo Code", lambda environment: _tasks(environment, "rooveterinaryinc.roo-cline"), _TASKS),
    Tool("kilo", "Kilo Code", _kilo, {**_TASKS, "cli": OpenCodeDatabase}),
    Tool("mimo", "MiMo Code",
         lambda environment: (_database("sessions", data(environment) / "mimocode", "mimocode.db"),),
         {"sessions": OpenCodeDatabase}),
    Tool("hermes", "Hermes", _hermes, {"state": _totals(HERMES)}),
    Tool("mux", "Mux", _mux, {"sessions": lines(MUX)}),
)  # fmt: skip
