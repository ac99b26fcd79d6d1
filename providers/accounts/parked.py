"""What the asker asks with about kept accounts that are live in no CLI: their own access tokens.

Handed to the asker by the composition root; called on the network thread and on threads that may
wait.  The vault is opened only for a question that is due, once for each; no refresh token is
looked at.  What a login could be asked with is found out by laying its files out as its CLI would
have them, so that nothing here knows a provider.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.registry import NAME as REGISTRY
from providers.accounts.registry import Kept as Account
from providers.accounts.registry import load_registry
from providers.accounts.roster import NAME as ROSTER
from providers.accounts.roster import load_roster
from providers.accounts.secret import Secret
from providers.asking import OWN_SERVICE, Credential, Endpoint, Kept, NotAsked
from providers.base import Environment, FileBytes, Found, Provider, ReadContext
from providers.engine.logins import Signature, login_path, signature
from providers.record import Record, replace

CLOSED = 300.0
"""Seconds until a vault that did not open is tried again without a key."""

ENDED = "the kept access token has ended: its figures stay as they were until it is used"

Fetch = Callable[[Kept], "str | NotAsked"]
Accounts = Mapping[str, Mapping[str, Account]]
"""Accounts by provider and identity key."""


class _Token(Record):
    """What is remembered of a generation's access token: its fingerprint, its end in epoch
    seconds, and why it cannot be asked with ("" if it can)."""

    fingerprint: str = ""
    until: float | None = None
    why: str = ""


class ParkedAccounts:
    """See `providers.asking.Parked`.  ``stores`` makes the stores, ``fetch`` gets a secret out of
    the vault and never asks for a prompt by itself."""

    def __init__(
        self,
        environment: Environment,
        stores: Callable[[Environment], Sequence[LoginStore]],
        fetch: Fetch,
    ) -> None:
        self._environment, self._make, self._fetch = environment, stores, fetch
        self._files = environment.state_dir / REGISTRY, environment.config_dir / ROSTER
        self._signed: tuple[Signature | None, ...] = (None, None)
        self._accounts: Accounts = MappingProxyType({})
        # By the generation's name in the vault, under which nothing else is ever stored.
        self._tokens: dict[str, _Token] = {}
        self._stores: Mapping[tuple[str, str], LoginStore] = {}
        self._closed: tuple[float, NotAsked] | None = None

    def accounts(self, provider: str) -> tuple[str, ...]:
        """See `providers.asking.Parked`; who is switched off in accounts.toml is left out."""
        now_are = tuple(signature(path) for path in self._files)
        if now_are != self._signed:
            self._signed, self._accounts = now_are, self._read()
        return tuple(self._accounts.get(provider, ()))

    def glance(self, provider: str, account: str, context: ReadContext) -> Credential | NotAsked:
        """See `providers.asking.Parked`."""
        kept = self._accounts.get(provider, {}).get(account)
        if kept is None or kept.newest is None:
            return NotAsked("its login is not kept any more")
        name = kept.newest.name
        token = self._tokens.get(name, _Token())
        if token.why:
            return NotAsked(token.why)
        if token.until is not None and token.until <= context.now:
            return NotAsked(ENDED)
        return Credential(account, token.fingerprint, "", kept=Kept(OWN_SERVICE, name))

    def opened(
        self, held: Credential, provider: Provider, endpoint: Endpoint, context: ReadContext, *, by_hand: bool
    ) -> Credential | NotAsked:
        """See `providers.asking.Parked`."""
        assert held.kept is not None
        if self._closed is not None and context.now < self._closed[0] and not by_hand:
            return self._closed[1]
        payload = self._fetch(held.kept)
        self._closed = (context.now + CLOSED, payload) if isinstance(payload, NotAsked) else None
        if isinstance(payload, NotAsked):
            return payload
        found, token = self._understood(held, Secret(payload), provider, endpoint, context)
        self._tokens[held.kept.user] = token
        return found

    def _understood(
        self, held: Credential, payload: Secret, provider: Provider, endpoint: Endpoint, context: ReadContext
    ) -> tuple[Credential | NotAsked, _Token]:
        kept = self._accounts.get(provider.descriptor.id, {}).get(held.account)
        store = self._stores.get((kept.provider, kept.slot)) if kept is not None else None
        login = store.opened(payload) if store is not None and payload else None
        if store is None or login is None:
            return _never("the vault no longer holds its login: log in to it again")
        if login.expires_at is not None and login.expires_at <= context.now:
            return NotAsked(ENDED), _Token(until=login.expires_at)
        try:
            found = endpoint.credential(self._laid_out(login, store, provider), context)
        except CannotSwitch as why:
            return _never(str(why))
        if isinstance(found, NotAsked):
            return _never(found.reason)
        if found.account != held.account or found.kept is not None or found.lapsed:
            return _never("its usage cannot be asked for while it is not in use")
        ours = replace(found, others=(), kept=held.kept)
        return ours, _Token(found.fingerprint, login.expires_at)

    def _laid_out(self, login: Login, store: LoginStore, provider: Provider) -> Mapping[str, Found]:
        """The login as the files that its CLI would have, in memory, by source id."""
        files = {os.path.realpath(path): data for path, data in store.compose(login, {}).items()}
        found: dict[str, Found] = {}
        for source in provider.sources(self._environment):
            path = login_path(source)
            data = files.get(os.path.realpath(path)) if source.login else None
            if data is not None:
                found[source.id] = FileBytes(path, data, 0.0)
        return found

    def _read(self) -> Accounts:
        """Who is kept now; what cannot be read says nobody, and the check-up says why."""
        try:
            members = load_roster(self._environment.config_dir)
            enabled = {m.id for m in members if m.enabled}
            kept = load_registry(self._environment.state_dir).accounts
        except CannotSwitch:
            return MappingProxyType({})
        found: dict[str, dict[str, Account]] = {}
        for account in kept:
            if account.id in enabled and account.newest is not None:
                found.setdefault(account.provider, {})[account.key] = account
        if found and not self._stores:
            # Now and not at the first question, which may be hours away: by then an upgrade may have
            # replaced what is imported here.
            self._stores = {(s.provider, s.slot): s for s in self._make(self._environment)}
        return MappingProxyType(found)


def _never(why: str) -> tuple[NotAsked, _Token]:
    """This generation can never be asked with."""
    return NotAsked(why), _Token(why=why)
