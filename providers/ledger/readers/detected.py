"""The table of tools that are seen and not measured: what is on disk holds no count to be trusted.

Their files are not opened; that one is there is all that is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from providers.base import Environment
from providers.ledger.model import PRESENCE, LogTree
from providers.ledger.readers.measured import AIDER_LOG
from providers.ledger.readers.places import config, data, desktop_data, support
from providers.ledger.readers.tool import Tool, lines

Marks = Callable[[Environment], tuple[Path, ...]]
"""Files or folders of which one is enough."""


def _seen(ident: str, name: str, why: str, marks: Marks) -> Tool:
    def trees(environment: Environment) -> tuple[LogTree, ...]:
        return tuple(_mark(number, path) for number, path in enumerate(marks(environment)))

    return Tool(ident, name, trees, why=why)


def _mark(number: int, path: Path) -> LogTree:
    return LogTree(f"mark:{number}", "traces", path.parent, path.name, PRESENCE, recursive=False)


def _in_home(*names: str) -> Marks:
    return lambda environment: tuple(environment.home / name for name in names)


def _in_config(*names: str) -> Marks:
    return lambda environment: tuple(config(environment) / name for name in names)


def _cursor(environment: Environment) -> tuple[Path, ...]:
    own = environment.home / ".cursor"
    return (config(environment) / "Cursor/User/globalStorage/state.vscdb", own / "projects", own / "chats")


def _windsurf(environment: Environment) -> tuple[Path, ...]:
    return (environment.home / ".codeium/windsurf", config(environment) / "Windsurf/User")


def _kiro(environment: Environment) -> tuple[Path, ...]:
    home = environment.folder("KIRO_HOME", ".kiro")
    return (home / "sessions", config(environment) / "Kiro/User/globalStorage/kiro.kiroagent")


def _warp(environment: Environment) -> tuple[Path, ...]:
    chosen = environment.variables.get("WARP_DB_PATH", "")
    group = "Library/Group Containers/2BBY89MBSN.dev.warp/Library/Application Support/dev.warp.Warp-Stable"
    state = environment.folder("XDG_STATE_HOME", ".local/state") / "warp-terminal"
    usual = environment.home / group if support(environment) else state
    return (environment.home / chosen if chosen else usual / "warp.sqlite",)


def _crush(environment: Environment) -> tuple[Path, ...]:
    return (environment.folder("CRUSH_GLOBAL_DATA", str(data(environment) / "crush")) / "projects.json",)


def _jetbrains(environment: Environment) -> tuple[LogTree, ...]:
    folder = environment.folder("XDG_CONFIG_HOME", ".config") / "github-copilot"
    return (LogTree("mark", "traces", folder, "*-nitrite.db", PRESENCE),)


def _aider(environment: Environment) -> tuple[LogTree, ...]:
    home = environment.home
    marks = tuple(_mark(n, home / name) for n, name in enumerate((".aider", ".aider.conf.yml")))
    log = environment.variables.get("AIDER_ANALYTICS_LOG", "")
    if not log or not (home / log).name.replace("*", ""):
        return marks
    path = home / log
    return (*marks, LogTree("log", "log that was asked for", path.parent, path.name, recursive=False))


_NO_COUNTS = "its files hold no counts of tokens"

DETECTED: tuple[Tool, ...] = (
    _seen("cursor", "Cursor", "the counts in its files are empty or partial; its endpoint has them", _cursor),
    Tool("aider", "Aider", _aider, {"log": lines(AIDER_LOG)},
         "writes exact counts only to the file that AIDER_ANALYTICS_LOG names"),
    _seen("windsurf", "Windsurf", "its conversations are sealed and counted by its servers", _windsurf),
    _seen("antigravity", "Antigravity", "only its running language server knows the counts",
          _in_home(".gemini/antigravity", ".gemini/antigravity-ide", ".gemini/antigravity-cli")),
    _seen("kiro", "Kiro", "bills credits; its counts of tokens are estimates", _kiro),
    _seen("warp", "Warp", "keeps totals without input and output", _warp),
    _seen("crush", "Crush", "keeps only the size of the last call of a session", _crush),
    Tool("copilot-jetbrains", "Copilot in JetBrains", _jetbrains, why=_NO_COUNTS),
    _seen("junie", "Junie", _NO_COUNTS, _in_home(".junie")),
    _seen("augment", "Augment", _NO_COUNTS, _in_home(".augment")),
    _seen("trae", "Trae", _NO_COUNTS, _in_config("Trae/User", "Trae CN/User")),
    _seen("qoder", "Qoder", "bills credits; its files hold no counts of tokens",
          lambda environment: (environment.home / ".qoder", config(environment) / "Qoder/User")),
    _seen("devin", "Devin CLI", "copies of a conversation in its store cannot be told from its own calls",
          lambda environment: (data(environment) / "devin/cli/sessions.db",)),
    _seen("lmstudio", "LM Studio", "runs models here, which costs no quota",
          lambda environment: (environment.home / ".lmstudio", desktop_data(environment) / "LM Studio")),
)  # fmt: skip
