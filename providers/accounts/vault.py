"""The vault: secrets by name in something that answers as a keyring does, and what is said where
it does not.

Any thread may call.  Each call runs in a daemon thread of its own with a deadline: a keyring
that waits for a prompt must neither stop the screen nor hold up an exit.  Facts: what keyrings
do without a bus, locked, or with nobody at the prompt was measured, see tests.  Which keyring it
is a person chooses: vaults.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from providers.asking import OWN_SERVICE
from providers.engine.values import clean

DEADLINE = 3.0
"""Seconds for one call; a keyring answers in 0.1."""

BY_HAND = 60.0
"""Seconds for a call that a person waits for, who may have to answer a prompt first."""


class State(StrEnum):
    """Why the vault does not answer.

    The first six are a keyring's; ``FILES``, ``SEALED`` and ``WRONG`` (passphrase) those of
    files; ``UNCHOSEN``, ``NONE`` and ``REFUSED`` are about the choice between them."""

    ABSENT = "absent"
    UNMADE = "unmade"
    LOCKED = "locked"
    DENIED = "denied"
    BROKEN = "broken"
    SILENT = "silent"
    FILES = "files"
    SEALED = "sealed"
    WRONG = "wrong"
    UNCHOSEN = "unchosen"
    NONE = "none"
    REFUSED = "refused"


_WRAPPED = "go-keyring-base64:"
"""How tools written in Go mark what they wrapped."""

_SENTENCES = {
    State.ABSENT: "there is no keyring on this machine",
    State.UNMADE: "a keyring service runs, but no keyring was made in it yet",
    State.LOCKED: "the keyring is locked: unlock it and try again",
    State.DENIED: "the keyring did not let quotadeck in",
    State.BROKEN: "the keyring failed",
    State.SILENT: "the keyring does not answer; perhaps it waits for a prompt on another screen",
    State.FILES: "the vault's files cannot be used",
    State.SEALED: "the vault is locked: give its passphrase",
    State.WRONG: "that passphrase does not open the vault",
    State.UNCHOSEN: "nobody chose yet where secrets are kept",
    State.NONE: "nothing is kept, as you chose",
    State.REFUSED: "that vault cannot be chosen",
}


class VaultTrouble(Exception):
    """The vault could not do it; the message is one clean sentence without any secret."""

    def __init__(self, state: State, detail: str = "") -> None:
        super().__init__(_SENTENCES[state] + (f" ({clean(detail, 200)})" if detail else ""))
        self.state = state


class Keyring(Protocol):
    """The part of a keyring backend that is used."""

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, None if there is none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Stores the secret."""

    def delete_password(self, service: str, username: str) -> None:
        """Removes the secret."""


class Vault:
    """Secrets by name.  ``open_keyring`` is called in the vault's own threads and raises
    `VaultTrouble` where there is no keyring that may be used."""

    def __init__(self, open_keyring: Callable[[], Keyring], *, deadline: float = DEADLINE) -> None:
        self._open, self._deadline = open_keyring, deadline

    def look(self) -> None:
        """Only sees whether it answers.  Raises `VaultTrouble` where it does not."""
        self._call(lambda keyring: None)

    def get(self, name: str, service: str = OWN_SERVICE) -> str:
        """The secret of that name, empty if there is none.  Raises `VaultTrouble`."""
        found = self._call(lambda keyring: keyring.get_password(service, name))
        return found if isinstance(found, str) else ""

    def put(self, name: str, secret: str) -> None:
        """Stores the secret, and reads it back.  Raises `VaultTrouble`."""

        def store(keyring: Keyring) -> bool:
            keyring.set_password(OWN_SERVICE, name, secret)
            return keyring.get_password(OWN_SERVICE, name) == secret

        if not self._call(store):
            raise VaultTrouble(State.BROKEN, "what was stored did not come back")

    def forget(self, name: str) -> None:
        """Removes the secret, if there is one.  Raises `VaultTrouble`."""

        def remove(keyring: Keyring) -> None:
            if keyring.get_password(OWN_SERVICE, name) is not None:
                keyring.delete_password(OWN_SERVICE, name)

        self._call(remove)

    def _call(self, work: Callable[[Keyring], Any]) -> Any:
        done = threading.Event()
        outcome: list[Any] = []

        def run() -> None:
            try:
                outcome.append(work(self._open()))
            except BaseException as error:
                # Backends raise whatever their libraries raise, RuntimeError and
                # ModuleNotFoundError among them.
                outcome.append(error if isinstance(error, VaultTrouble) else _in_words(error))
            done.set()

        threading.Thread(target=run, name="quotadeck-keyring", daemon=True).start()
        if not done.wait(self._deadline):
            raise VaultTrouble(State.SILENT)
        if isinstance(outcome[0], VaultTrouble):
            raise outcome[0]
        return outcome[0]


def _in_words(error: BaseException) -> VaultTrouble:
    """By the names of the exceptions, as most come from libraries that need not be there; their
    texts might quote what was stored."""
    names = {kind.__name__ for kind in type(error).__mro__}
    for state, signs in (
        (State.LOCKED, {"KeyringLocked", "LockedException"}),
        (State.ABSENT, {"NoKeyringError", "InitError", "SecretServiceNotAvailableException"}),
        (State.DENIED, {"PermissionError", "PromptDismissedException"}),
    ):
        if names & signs:
            return VaultTrouble(state)
    return VaultTrouble(State.BROKEN, type(error).__name__)


def unwrapped(secret: str) -> str:
    """The secret as its tool meant it: some wrap it for keyrings that take text alone."""
    if not secret.startswith(_WRAPPED):
        return secret
    import base64

    try:
        return base64.b64decode(secret.removeprefix(_WRAPPED), validate=True).decode()
    except ValueError:
        return ""
