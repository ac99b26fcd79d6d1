"""accounts.toml as a source of the deck: who is kept has a place there before any figure comes.

Owned by the reader thread in the pane, by the calling one elsewhere.  ``status`` comes here too:
without the file nothing is imported, and with it no TOML is parsed that was parsed before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from providers.base import Environment
from providers.engine.settings_file import ACCOUNTS, SettingsError, read_settings
from providers.model import Enrolled, Roster

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.accounts.roster import Member


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
        members: Sequence[Member] = ()
        if mark is not None:
            from providers.accounts.roster import members_of

            try:
                file = read_settings(self._environment, ACCOUNTS)
                members = members_of(file.table) if file is not None else ()
            except (SettingsError, ValueError, KeyError, TypeError, AttributeError):
                return []
        return self._news(members)

    def _news(self, members: Sequence[Member]) -> list[Roster]:
        found: list[Roster] = []
        for provider in self._providers:
            mine = [m for m in members if m.provider == provider and m.enabled]
            roster = Roster(provider, tuple(_enrolled(m) for m in sorted(mine, key=lambda m: m.order)))
            # Nobody is what the deck takes for granted.
            before = self._said.get(provider, Roster(provider, ()))
            if roster != before or (self._again and provider in self._said):
                found.append(roster)
                self._said[provider] = roster
        self._again = False
        return found


def _enrolled(member: Member) -> Enrolled:
    return Enrolled(
        member.id, member.key, member.alias, member.email, member.organisation, member.plan, member.ends_at
    )


def _mark_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
