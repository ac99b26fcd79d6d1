"""The registry: providers in panel order.  Reading it imports none of them.

Adding a provider is one line here and a folder of that name with a module ``provider``
whose ``PROVIDER`` answers as `providers.base.Provider` says.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Spelled out: importing typing for this name alone costs a third of an empty Python.
    from providers.base import Provider
    from providers.ledger.model import SessionLogs

KEYED: tuple[str, ...] = ("zai", "openrouter", "kimi", "minimax", "deepseek", "synthetic", "moonshot")
"""The services of the table in providers/keyed: a new one is a row there and its name here."""

PROVIDERS: tuple[str, ...] = (
    "claude", "codex", "gemini", "antigravity", "copilot", "opencode", "cursor", "router", *KEYED, "sidecars"
)  # fmt: skip

LOGGED: tuple[str, ...] = ("claude", "codex")
"""The providers whose folder has a room ``logs`` with the readers of their session logs."""

LOGGED_TOOLS: tuple[str, ...] = ()
"""Tools without a panel whose logs are read all the same: rows of the table in
providers/ledger/readers."""


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
