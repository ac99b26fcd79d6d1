"""The rooms of all tools whose logs are to be read, as the person's settings have it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import providers
from providers.base import Environment
from providers.ledger.model import LogFile, LogTree, SessionLogs, State

if TYPE_CHECKING:
    from providers.engine.settings import Settings

Off = Collection[tuple[str, str]]


def open_rooms(settings: Settings) -> tuple[SessionLogs, ...]:
    """Every tool that is not disabled, without the trees that are switched off by
    ``[sources.<tool>] <tree> = false``."""
    tools = [tool for tool in (*providers.LOGGED, *providers.LOGGED_TOOLS) if tool not in settings.disabled]
    return named_rooms(tools, settings.sources_off)


def named_rooms(tools: Collection[str], off: Off) -> tuple[SessionLogs, ...]:
    """The rooms of these tools without the trees that are off, by tool and id."""
    rooms = map(providers.load_logs, tools)
    return tuple(Narrowed(logs, off) if any(tool == logs.id for tool, _ in off) else logs for logs in rooms)


class Narrowed:
    """A room with some of its trees switched off."""

    def __init__(self, logs: SessionLogs, off: Off) -> None:
        self.id, self.name, self.version, self.why = logs.id, logs.name, logs.version, logs.why
        self.off = tuple(tree for tool, tree in off if tool == logs.id)
        self._logs = logs

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """Those that are not off."""
        return tuple(tree for tree in self._logs.trees(environment) if tree.id not in self.off)

    def open(self, file: LogFile, state: State) -> Any:
        """As the room itself does."""
        return self._logs.open(file, state)


def switched_off(rooms: Collection[SessionLogs]) -> list[tuple[str, str]]:
    """What is off in these rooms, for another process that opens them."""
    return [(logs.id, tree) for logs in rooms if isinstance(logs, Narrowed) for tree in logs.off]
