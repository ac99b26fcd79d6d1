"""The registry: providers in panel order.  Reading it imports none of them.

Adding a provider is one line here and a folder of that name with a module ``provider``
whose ``PROVIDER`` answers as `providers.base.Provider` says.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Spelled out: importing typing for this name alone costs a third of an empty Python.
    from providers.accounts.login import LoginStore
    from providers.accounts.proof import Proof
    from providers.accounts.renewal import Renewing
    from providers.base import Environment, Provider
    from providers.ledger.model import SessionLogs

KEYED: tuple[str, ...] = ("zai", "openrouter", "kimi", "minimax", "deepseek", "synthetic", "moonshot")
"""The services of the table in providers/keyed: a new one is a row there and its name here."""

PROVIDERS: tuple[str, ...] = (
    "claude", "codex", "gemini", "antigravity", "copilot", "opencode", "cursor", "router", *KEYED, "sidecars"
)  # fmt: skip

SWITCHABLE: tuple[str, ...] = ("claude", "codex", "gemini", "opencode")
"""Those whose logins can be kept and switched: their folder has a module ``store``."""

PROVEN: tuple[str, ...] = ("claude",)
"""Those whose tokens do not say whose they are, so that the provider is asked: their folder has a
module ``profile``."""

RENEWED: tuple[str, ...] = ("claude", "codex")
"""Those whose idle logins can be kept fresh: their folder has a module ``renewing``."""

LOGGED: tuple[str, ...] = ("claude", "codex", "gemini", "copilot", "opencode")
"""The providers whose folder has a room ``logs`` with the readers of their session logs."""

LOGGED_TOOLS: tuple[str, ...] = (
    "amp", "droid", "kimi", "qwen", "pi", "openclaw", "goose", "zed", "cline", "roo", "kilo", "mimo",
    "hermes", "mux", "cursor", "aider", "windsurf", "antigravity", "kiro", "warp", "crush",
    "copilot-jetbrains", "junie", "augment", "trae", "qoder", "devin", "lmstudio",
)  # fmt: skip
"""Tools whose logs need no room of their own: rows of the tables in providers/ledger/readers.  From
``cursor`` on they can only be detected."""


def stores(environment: Environment) -> tuple[LoginStore, ...]:
    """Where the logins of CLIs lie, in panel order."""
    from importlib import import_module

    found: list[LoginStore] = []
    for name in SWITCHABLE:
        found += import_module(f"providers.{name}.store").stores(environment)
    return tuple(found)


def proofs() -> dict[str, Proof]:
    """How those in `PROVEN` say whose a login is."""
    from importlib import import_module

    return {name: import_module(f"providers.{name}.profile").PROOF for name in PROVEN}


def renewals() -> dict[str, Renewing]:
    """How the logins of those in `RENEWED` are renewed."""
    from importlib import import_module

    return {name: import_module(f"providers.{name}.renewing").RENEWING for name in RENEWED}


def load(provider_id: str) -> Provider:
    """The provider of that id; raises KeyError for an id that is not in the registry."""
    if provider_id not in PROVIDERS:
        raise KeyError(provider_id)
    from importlib import import_module

    if provider_id in KEYED:
        service: Provider = import_module("providers.keyed.provider").PROVIDERS[provider_id]
        return service
    provider: Provider = import_module(f"providers.{provider_id}.provider").PROVIDER
    return provider


def load_logs(tool_id: str) -> SessionLogs:
    """The session logs of that tool; raises KeyError for an id that has none."""
    from importlib import import_module

    if tool_id in LOGGED_TOOLS:
        tool: SessionLogs = import_module("providers.ledger.readers").TOOLS[tool_id]
        return tool
    if tool_id not in LOGGED:
        raise KeyError(tool_id)
    logs: SessionLogs = import_module(f"providers.{tool_id}.logs").LOGS
    return logs
