"""accounts.toml as a source of the deck: who is kept has a place there before any figure comes.

Owned by the reader thread in the pane, by the calling one elsewhere.  ``status`` comes here too:
without the file nothing is imported, and with it no TOML is parsed that was parsed before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from providers.base import Environment
from providers.engine.settings_file import ACCOUNTS, SettingsError, read_settings
from providers.engine.values import clean, number
from providers.model import Enrolled, Roster

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RosterFile:
    """Says who is kept of each of these providers, whenever that is another than before."""

    def __init__(self, environment: Environment, providers: Sequence[str]) -> None:
        self.path = environment.config_dir / ACCOUNTS
        self._environment, self._providers = environment, tuple(providers)
        self._mark: tuple[int, int, int] | None = None
        self._said: dict[str, Roster] = {}
        self._again = False

    def concerns(self, path: Path) -> bool:
        """Whether a change there can matter: the file, or a folder on the way to it."""
        return self.path.is_relative_to(path)

    def forget(self) -> None:
        """The next look reads and says everything anew."""
        self._mark, self._again = None, True

    def look(self) -> list[Roster]:
        """What is new.  A file that cannot be understood says nothing: who was kept still is."""
        mark = _mark_of(self.path)
        if mark == self._mark and not self._again:
            return []
        self._mark = mark
        try:
            file = read_settings(self._environment, ACCOUNTS) if mark is not None else None
            entries = list(file.table.get("account", [])) if file is not None else []
            entries.sort(key=lambda entry: int(entry.get("order", 0)))
            members = [(clean(e["provider"]), _enrolled(e)) for e in entries if e.get("enabled", True)]
        except (SettingsError, ValueError, KeyError, TypeError, AttributeError):
            return []
        return self._news(members)

    def _news(self, members: Sequence[tuple[str, Enrolled]]) -> list[Roster]:
        found: list[Roster] = []
        for provider in self._providers:
            roster = Roster(provider, tuple(member for owner, member in members if owner == provider))
            # Nobody is what the deck takes for granted.
            before = self._said.get(provider, Roster(provider, ()))
            if roster != before or (self._again and provider in self._said):
                found.append(roster)
                self._said[provider] = roster
        self._again = False
        return found


def _enrolled(entry: Mapping[str, Any]) -> Enrolled:
    """As `providers.accounts.roster` reads it, which imports what a switch takes: 3 ms."""
    names = "alias", "email", "organisation", "plan"
    alias, email, organisation, plan = (clean(entry.get(name), 120) for name in names)
    return Enrolled(
        clean(entry["id"]), clean(entry["key"], 200), alias, email, organisation, plan,
        number(entry.get("ends_at")),
    )  # fmt: skip


def _mark_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
