"""Opening the vault from the pane: which dialog mends what keeps it shut, and what follows.

On the event loop's thread; what may take seconds (a survey of the rungs, scrypt) runs in a thread
of its own that hands back a value.  Nothing is asked before something needs a secret.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from providers.accounts.secret import Secret
from providers.accounts.vault import State, VaultTrouble
from providers.accounts.vaults import Rung, Vaults

if TYPE_CHECKING:
    from tui.drawing import DeckApp

Call = Callable[[], None]


class VaultDoor:
    """The dialogs of one vault over one app."""

    def __init__(self, app: DeckApp, vaults: Callable[[], Vaults]) -> None:
        self._app, self._vaults = app, vaults

    def open(self, state: State, mended: Call, left: Call) -> None:
        """Shows what mends this state, then calls ``mended``; ``left`` if a person left it."""
        if state is State.SEALED:
            self._ask("", mended, left)
        else:
            self._survey(mended, left)

    def _survey(self, mended: Call, left: Call) -> None:
        def found(offers: object) -> None:
            from tui.screens.vault import VaultScreen

            if isinstance(offers, tuple):
                self._app.push_screen(VaultScreen(offers), lambda c: self._chosen(c, mended, left))
            else:
                left()

        self._aside(lambda: self._vaults().survey(), found)

    def _chosen(self, choice: object, mended: Call, left: Call) -> None:
        if choice is None:
            left()
        elif not isinstance(choice, Rung):
            self._survey(mended, left)
        else:
            rung = choice
            self._aside(lambda: self._vaults().choose(rung), lambda said: self._kept(said, mended, left))

    def _kept(self, said: object, mended: Call, left: Call) -> None:
        if isinstance(said, VaultTrouble):
            self._app.say(str(said), severe=True)
            left()
        elif self._vaults().sealed:
            self._ask("", mended, left)
        else:
            mended()

    def _ask(self, said: str, mended: Call, left: Call) -> None:
        from tui.screens.passphrase import PassphraseScreen

        def given(passphrase: Secret | None) -> None:
            if passphrase is None:
                left()
            else:
                self._aside(lambda: self._vaults().unlock(passphrase), opened)

        def opened(trouble: object) -> None:
            if isinstance(trouble, VaultTrouble):
                self._ask(str(trouble), mended, left)
            else:
                mended()

        self._app.push_screen(PassphraseScreen(fresh=self._vaults().fresh, said=said), given)

    def _aside(self, work: Callable[[], Any], then: Callable[[object], None]) -> None:
        """Runs ``work`` in a thread; ``then`` gets what it returns or the trouble it raised."""

        def run() -> None:
            try:
                result: object = work()
            except VaultTrouble as trouble:
                result = trouble
            with contextlib.suppress(RuntimeError):
                self._app.post(then, result)

        threading.Thread(target=run, name="quotadeck-vault", daemon=True).start()
