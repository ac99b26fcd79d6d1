"""Filing a login in the vault: as a new generation of the account that it is proven to be of.

The order is: store, read back, and only then name it in the registry.  An older generation
never replaces a newer one; it is filed beside it.  For capture, switch, recovery, import and
the keeping fresh of idle accounts.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.registry import (
    Generation,
    Kept,
    Registry,
    accounts_lock,
    load_registry,
    save_registry,
    with_generation,
)
from providers.accounts.roster import Member, load_roster, named, save_roster, with_member
from providers.accounts.secret import Secret
from providers.accounts.vault import Vault, VaultTrouble
from providers.base import Environment
from providers.engine.clock import Clock
from providers.engine.deck import account_id
from providers.engine.values import clean
from providers.model import Identity
from providers.record import replace

BIN_KEPT = 7 * 86_400.0
"""Seconds that the logins of a removed account stay in the vault."""

Step = Callable[[str], None]
"""Called with the name of each step, so that tests can stop the world there."""


def no_step(name: str) -> None:
    """Goes on."""


class _FiledByAnother(Exception):
    """Another copy of us filed the same login between our storing and our naming it."""

    def __init__(self, account: Kept) -> None:
        super().__init__()
        self.account = account


class Keeper:
    """Files logins and takes them out.  ``vault`` keeps the secrets; ``step`` is for tests."""

    def __init__(self, environment: Environment, vault: Vault, clock: Clock, *, step: Step = no_step) -> None:
        self._state, self._config = environment.state_dir, environment.config_dir
        self._vault, self._clock, self._step = vault, clock, step

    def file(self, login: Login, identity: Identity, source: str, *, owner: str = "") -> Kept:
        """Files a login under the account of ``identity``, which is made if it is new.

        ``owner`` is another tool that renews it.  Raises `VaultTrouble` or `CannotSwitch`;
        the registry then still names what it named before, or the login too.
        """
        load_roster(self._config)
        known = load_registry(self._state).of_key(login.provider, login.slot, identity.key)
        same = [g.name for g in known.generations if _is_it(g, login)] if known is not None else []
        # The vault is asked: a keyring can be emptied by others, and the copy goes after this.
        if known is None or login.payload.reveal() not in map(self._vault.get, same):
            known = self._store(known, login, identity, source, same)
        # After it is named: whatever fails now, the vault must not forget it again.
        with accounts_lock(self._state):
            self._enrol(known.id, login, identity, owner)
        return known

    def _store(
        self, known: Kept | None, login: Login, identity: Identity, source: str, old: Sequence[str]
    ) -> Kept:
        """Puts the login in the vault, then names it, in place of the ``old`` ones of its stamps,
        which the vault lost or has otherwise."""
        ref = known.ref if known is not None else os.urandom(6).hex()
        number = len(known.generations) + 1 if known is not None else 1
        name = f"v1:{login.provider}:{ref}:g{number}-{os.urandom(3).hex()}"
        self._vault.put(name, login.payload.reveal())
        self._step("stored")
        fresh = Generation(name, login.lineage, login.issued, source, self._clock.now())
        try:
            return self._flip(login, identity, fresh, ref, old)
        except (CannotSwitch, _FiledByAnother) as stopped:
            with contextlib.suppress(VaultTrouble):
                self._vault.forget(name)
            if isinstance(stopped, _FiledByAnother):
                return stopped.account
            raise

    def take(self, account: Kept, store: LoginStore) -> Login:
        """The newest login of an account.  Raises `VaultTrouble` or `CannotSwitch`."""
        newest = account.newest
        if newest is None:
            raise CannotSwitch("no login of that account is kept: capture it once it is logged in")
        login = store.opened(Secret(self._vault.get(newest.name)))
        if login is None or login.lineage != newest.lineage:
            raise CannotSwitch("what the vault holds of that account is not its login: log in to it again")
        return login

    def bin(self, ident: str) -> None:
        """Takes an account out of the registry and the roster.  Its logins stay in the vault until
        `empty_bin` finds them a week later.  Raises `CannotSwitch`."""
        with accounts_lock(self._state):
            members, registry = load_roster(self._config), load_registry(self._state)
            save_registry(self._state, registry.binned(ident, self._clock.now()))
            save_roster(self._config, tuple(m for m in members if m.id != ident))

    def bring_back(self, word: str) -> Member:
        """Undoes `bin` for the account that the word names: an id, or the whole e-mail-free key.
        Raises `CannotSwitch`."""
        with accounts_lock(self._state):
            registry = load_registry(self._state)
            found = [b for b in registry.bin if b.account.id.startswith(word)]
            if len(found) != 1:
                known = ", ".join(b.account.id for b in registry.bin) or "none"
                raise CannotSwitch(f"no removed account is called {clean(word)!r}; there are: {known}")
            account = found[0].account
            save_registry(self._state, registry.unbinned(account.id))
            fresh = Member(
                account.id, account.provider, account.slot, account.key, added_at=self._clock.now()
            )
            save_roster(self._config, with_member(load_roster(self._config), fresh))
        return fresh

    def empty_bin(self) -> None:
        """Forgets what was removed more than a week ago.  Raises `CannotSwitch`; what the vault
        does not let go now goes the next time."""
        late = [b for b in load_registry(self._state).bin if not 0 <= self._clock.now() - b.at < BIN_KEPT]
        for binned in late:
            with contextlib.suppress(VaultTrouble):
                for generation in binned.account.generations:
                    self._vault.forget(generation.name)
                with accounts_lock(self._state):
                    save_registry(self._state, load_registry(self._state).emptied(binned.account.id))

    def _flip(
        self, login: Login, identity: Identity, fresh: Generation, ref: str, old: Sequence[str]
    ) -> Kept:
        """Names the stored generation, unless another copy of us filed the same meanwhile."""
        with accounts_lock(self._state):
            registry = load_registry(self._state)
            account = registry.of_key(login.provider, login.slot, identity.key)
            if account is None:
                ident = _fresh_id(registry, login, identity)
                account = Kept(ident, login.provider, login.slot, identity.key, ref)
            account = replace(account, generations=tuple(g for g in account.generations if g.name not in old))
            if any(_is_it(g, login) for g in account.generations):
                raise _FiledByAnother(account)
            kept, dropped = with_generation(account, fresh)
            save_registry(self._state, registry.with_account(kept))
        self._step("named")
        for gone in (*old, *(g.name for g in dropped)):
            with contextlib.suppress(VaultTrouble):
                self._vault.forget(gone)
        return kept

    def _enrol(self, ident: str, login: Login, identity: Identity, owner: str) -> None:
        members = load_roster(self._config)
        before = next((m for m in members if m.id == ident), None)
        member = named(before, ident, login, identity, self._clock.now())
        if owner:
            member = replace(member, owner=owner)
        if member != before:
            save_roster(self._config, with_member(members, member))


def _is_it(generation: Generation, login: Login) -> bool:
    """Whether a generation is this login to the byte, as far as its stamps tell."""
    return (generation.lineage, generation.issued) == (login.lineage, login.issued)


def _fresh_id(registry: Registry, login: Login, identity: Identity) -> str:
    """The id under which the deck shows the account too; another one if that is taken."""
    ident = account_id(login.provider, identity.key)
    while registry.account(ident) is not None:
        ident = os.urandom(4).hex()
    return ident
