"""The vault at the command line: chooses the rung and gives the passphrase, once a run, before a
command needs it.

In the pane two dialogs do the same (screens/vault.py and screens/passphrase.py).
"""

from __future__ import annotations

from collections.abc import Callable
from getpass import getpass

from providers.accounts.secret import Secret
from providers.accounts.vault import State, VaultTrouble
from providers.accounts.vaults import Offer, Rung, Vaults
from tui.passphrase import NotOpened, passphrase_from

TRIES = 3


class VaultPrompt:
    """Asks a person at a terminal (``terminal``) or takes the passphrase from ``fd``.

    ``ask`` reads a line after a question, ``ask_hidden`` one without echo, ``tell`` says a line
    that belongs to no output of the command.
    """

    def __init__(
        self,
        vaults: Vaults,
        *,
        fd: int | None,
        terminal: bool,
        tell: Callable[[str], object],
        ask: Callable[[str], str] = input,
        ask_hidden: Callable[[str], str] = getpass,
    ) -> None:
        self._vaults, self._fd, self._terminal = vaults, fd, terminal
        self._tell, self._ask, self._ask_hidden = tell, ask, ask_hidden

    def open(self) -> Rung:
        """The rung, chosen and unlocked.  Raises `NotOpened`; nothing is changed then but, at
        most, that the rung was chosen."""
        try:
            rung = self._vaults.rung or self._choose()
            if rung is Rung.NONE:
                raise NotOpened(f"{VaultTrouble(State.NONE)}; {_otherwise()}")
            if self._vaults.sealed:
                self._unlock()
        except VaultTrouble as trouble:
            raise NotOpened(str(trouble)) from None
        except (EOFError, KeyboardInterrupt):
            raise NotOpened("nothing was given, so nothing was done") from None
        return rung

    def _choose(self) -> Rung:
        if not self._terminal:
            raise NotOpened(f"{VaultTrouble(State.UNCHOSEN)}; {_otherwise()}, or run this in a terminal")
        offers = self._vaults.survey()
        self._tell("Where shall secrets be kept? It is asked once.")
        for offer in offers:
            for line in _about(offer):
                self._tell(line)
        open_to = {offer.rung.value: offer.rung for offer in offers if offer.usable}
        for _ in range(TRIES):
            chosen = open_to.get(self._ask(f"{', '.join(open_to)}: ").strip().lower())
            if chosen is not None:
                self._vaults.choose(chosen)
                return chosen
        raise NotOpened("none of them was chosen, so nothing was done")

    def _unlock(self) -> None:
        if self._fd is not None:
            return self._vaults.unlock(passphrase_from(self._fd))
        if not self._terminal:
            raise NotOpened(f"{VaultTrouble(State.SEALED)} with --passphrase-fd N, or run this in a terminal")
        for left in reversed(range(TRIES)):
            try:
                return self._vaults.unlock(self._asked())
            except VaultTrouble as trouble:
                if trouble.state is not State.WRONG or not left:
                    raise
                self._tell(str(trouble))
        return None

    def _asked(self) -> Secret:
        if not self._vaults.fresh:
            return Secret(self._ask_hidden("passphrase of the vault (not shown): "))
        first = Secret(self._ask_hidden("a new passphrase for the vault (not shown): "))
        if first != Secret(self._ask_hidden("the same again: ")):
            raise NotOpened("the two were not the same, so no vault was made")
        return first


def _otherwise() -> str:
    return 'write vault = "keyring" or vault = "encrypted" in config.toml'


def _about(offer: Offer) -> list[str]:
    mark = "" if offer.usable else "not now: "
    return [
        f"  {offer.rung.value:<10} {offer.rung.means}",
        f"  {'':<10} {mark}{offer.sentence}",
        *(f"  {'':<12} {line}" for line in offer.recipe),
    ]
