"""What looks on while the deck changes: the event log, the notices, and what tells them.

Made after the first frame, on the event loop's thread, which owns it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import providers
from providers.base import Environment
from providers.engine.events import EventLog
from providers.engine.settings import Settings
from providers.engine.shown import DeckView
from tui.deck import Look
from tui.messenger import Messenger
from tui.notices import Notice, Watchman


def import_the_rest() -> None:
    """Everything that is imported late, at once: an upgrade of the package under a running
    pane must not mix two versions."""
    import tui.screens.checkup
    import tui.screens.detail
    import tui.screens.events
    import tui.screens.help
    import tui.screens.palette
    import tui.screens.settings
    import tui.screens.usage  # noqa: F401

    for name in providers.SWITCHABLE:
        import_module(f"providers.{name}.store")


ACCOUNTS = (
    "tomllib", "tomli_w", "providers.accounts.vaults", "tui.front_desk", "tui.vault_door", "tui.screens.add",
    "tui.screens.confirm", "tui.screens.passphrase", "tui.screens.picker", "tui.screens.vault",
)  # fmt: skip


def import_accounts() -> None:
    """Likewise what accounts take: the stores of the CLIs among it, which are found by name."""
    import providers

    for name in (*ACCOUNTS, *(f"providers.{name}.store" for name in providers.SWITCHABLE)):
        import_module(name)
    providers.proofs()
    providers.renewals()


class Attendant:
    """Notes what happened and says what a person should hear of."""

    def __init__(self, write: Callable[[str], None], settings: Settings, environment: Environment) -> None:
        self.log_book = EventLog()
        self.watchman = Watchman()
        self.messenger = Messenger(write, settings, environment.variables, environment.platform)
        self._before: DeckView | None = None

    def note(self, view: DeckView, settings: Settings, look: Look) -> list[Notice]:
        """Takes a changed deck in; returns the notices that were delivered, for the toasts."""
        self.log_book.note(self._before, view)
        self._before = view
        found = self.watchman.see(
            view, settings, zone=look.zone, hours=look.hours, private=look.private
        )  # fmt: skip
        for notice in found:
            self.messenger.deliver(notice)
        return found
