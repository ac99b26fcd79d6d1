"""Which vault: the four rungs, what is said of each, the one that a person chose.

One `Vaults` for a run, made by whoever needs a secret of ours kept: the pane through `Live`, the
commands themselves.  Any thread may call; `survey` and `unlock` take up to seconds and want a
thread of their own.  A rung is chosen once and remembered in settings.toml.  No rung ever
stands in for another: a chosen keyring that is not there is a trouble with a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import StrEnum

from providers.accounts.sealed import SCRYPT, EncryptedFiles, PlainFiles
from providers.accounts.secret import Secret
from providers.accounts.stored import FILE, stored
from providers.accounts.system_keyring import recipe, system_keyring
from providers.accounts.vault import DEADLINE, Keyring, State, Vault, VaultTrouble, unwrapped
from providers.asking import Kept, NotAsked
from providers.base import KIB, Environment, Unparseable
from providers.engine.files import read_file
from providers.engine.settings import Settings, chosen_vault, save
from providers.record import Record


class Rung(StrEnum):
    """Where secrets of ours are kept.  ``NONE``: nowhere, everything is only shown."""

    KEYRING = "keyring"
    ENCRYPTED = "encrypted"
    PLAINTEXT = "plaintext"
    NONE = "none"

    @property
    def words(self) -> str:
        """As part of a sentence."""
        return _WORDS[self]

    @property
    def means(self) -> str:
        """What it is to choose it, in one sentence."""
        return _MEANS[self]


_WORDS = {
    Rung.KEYRING: "the keyring",
    Rung.ENCRYPTED: "the encrypted vault",
    Rung.PLAINTEXT: "the unencrypted vault",
    Rung.NONE: "no vault",
}
_MEANS = {
    Rung.KEYRING: "The keyring of this system: encrypted on the disk, open while it is unlocked, also to"
    " other programs of yours.",
    Rung.ENCRYPTED: "Files under a passphrase that you give once per run. If it is forgotten, so are the"
    " logins.",
    Rung.PLAINTEXT: "Files that only you may read, not encrypted: a backup or a copied folder gives the"
    " logins away.",
    Rung.NONE: "Nothing is kept. Everything is shown, but no key can be stored and no account switched.",
}


class Offer(Record):
    """One rung as the dialog shows it.  ``state`` is what stands against it now, None if
    nothing does; ``usable`` whether it may be chosen now; ``recipe`` are lines for a shell
    that help, shown and never run."""

    rung: Rung
    usable: bool
    chosen: bool
    state: State | None
    sentence: str
    recipe: tuple[str, ...] = ()


class Vaults:
    """The rungs of this machine.

    ``keyring`` opens the system's keyring, or raises `VaultTrouble`; ``cost`` is what scrypt is
    told for a new vault (both: tests).  ``deadline`` is seconds for one call of a keyring.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        *,
        keyring: Callable[[], Keyring] | None = None,
        cost: Mapping[str, int] = SCRYPT,
        deadline: float = DEADLINE,
    ) -> None:
        self._environment, self._settings = environment, settings
        self._keyring = keyring or (lambda: system_keyring(environment, os.environ))
        self._encrypted = EncryptedFiles(environment.data_dir / "vault", cost=cost)
        self._plain = PlainFiles(environment.data_dir / "plain")
        self._chosen = Rung(settings.vault) if settings.vault else None
        self.vault = Vault(self._open, deadline=deadline)
        """Secrets of ours, on the chosen rung: `VaultTrouble` on use where that cannot be."""
        self.foreign = Vault(self._keyring, deadline=deadline)
        """What other tools put into the keyring of the system; only read, whatever was chosen."""
        self._probe = Vault(self._keyring, deadline=min(deadline, DEADLINE))

    @property
    def rung(self) -> Rung | None:
        """The chosen rung, None while nobody chose.  Who gave keys before there was a choice
        has them in the keyring, and keeps it."""
        if self._chosen is None:
            said = chosen_vault(self._environment)
            if said:
                self._chosen = Rung(said)
            elif self._has_keys():
                return Rung.KEYRING
        return self._chosen

    @property
    def sealed(self) -> bool:
        """Whether a passphrase has to be given before anything can be read or kept."""
        return self.rung is Rung.ENCRYPTED and self._encrypted.locked

    @property
    def fresh(self) -> bool:
        """Whether the next passphrase makes the encrypted vault."""
        return not self._encrypted.exists

    def unlock(self, passphrase: Secret) -> None:
        """Opens the encrypted vault for this run, or makes it; about 0.4 s.  Raises
        `VaultTrouble`: WRONG for a wrong passphrase, or one too short for a new vault."""
        self._encrypted.unlock(passphrase)

    def choose(self, rung: Rung) -> None:
        """Keeps secrets there from now on, and remembers it (with ``read_only``: for this run).

        Raises `VaultTrouble`: for plaintext, which only config.toml chooses; where config.toml
        says another; while keys lie elsewhere, as nothing is moved; where it cannot be kept.
        """
        why = self._objection(rung)
        if why:
            raise VaultTrouble(State.REFUSED, why)
        if not self._settings.read_only and not self._fixed:
            try:
                save(self._environment, vault=rung.value)
            except OSError as error:
                raise VaultTrouble(State.FILES, str(error)) from None
        self._chosen = rung

    def survey(self) -> tuple[Offer, ...]:
        """Every rung: whether it can be used now, and if not why, and what helps."""
        return tuple(self._offer(rung) for rung in Rung)

    def fetch(self, kept: Kept) -> str | NotAsked:
        """The secret that lies there, empty if there is none, or one clean sentence why not."""
        try:
            if kept.foreign:
                return unwrapped(self.foreign.get(kept.user, kept.service))
            return self.vault.get(kept.user)
        except VaultTrouble as trouble:
            return NotAsked(str(trouble))

    @property
    def _fixed(self) -> bool:
        """Whether config.toml says which rung."""
        return self._settings.origins.get("vault", "").endswith("config.toml")

    def _open(self) -> Keyring:
        rung = self.rung
        if rung is Rung.KEYRING:
            return self._keyring()
        if rung is Rung.PLAINTEXT:
            return self._plain
        if rung is not Rung.ENCRYPTED:
            raise VaultTrouble(State.NONE if rung is Rung.NONE else State.UNCHOSEN)
        if self._encrypted.locked:
            raise VaultTrouble(State.SEALED)
        return self._encrypted

    def _objection(self, rung: Rung) -> str:
        here = self.rung
        if rung is here:
            return ""
        if self._fixed or rung is Rung.PLAINTEXT:
            wanted = f'vault = "{rung.value}"'
            return f"write {wanted} in config.toml"
        if here is not None and self._has_keys():
            return f"keys lie in {here.words}; quotadeck key forget takes them out"
        return ""

    def _has_keys(self) -> bool:
        try:
            return bool(stored(read_file(self._environment.data_dir / FILE, 256 * KIB)))
        except Unparseable:
            # It is there, and was written by a version that may have kept keys.
            return True

    def _offer(self, rung: Rung) -> Offer:
        state, sentence = self._condition(rung)
        usable = state in (None, State.SEALED) and not self._objection(rung)
        platform = self._environment.platform
        lines = recipe(platform, state) if rung is Rung.KEYRING and state is not None else ()
        return Offer(rung, usable, rung is self.rung, state, sentence, lines)

    def _condition(self, rung: Rung) -> tuple[State | None, str]:
        """What stands against it, and what is said of it."""
        why = self._objection(rung)
        if why:
            return State.REFUSED, why
        if rung is Rung.KEYRING:
            try:
                self._probe.look()
            except VaultTrouble as trouble:
                return trouble.state, str(trouble)
            return None, "it is there and unlocked"
        if rung is Rung.ENCRYPTED:
            if not self._encrypted.locked:
                return None, "it is open"
            made = self._encrypted.exists
            said = (
                "there is one: its passphrase opens it"
                if made
                else "works everywhere; you think of a passphrase"
            )
            return State.SEALED, said
        return None, "config.toml says so" if rung is Rung.PLAINTEXT else "works everywhere"
