"""Filing the safety copies in the vault, as soon as it lets us and their owner is known.

For switch.py, recovery.py and the desk; never under a lock, as the keyring may take long.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Prove, whose
from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.registry import Registry, load_registry
from providers.accounts.safety import SafetyCopy, copies, drop_copy
from providers.accounts.vault import VaultTrouble
from providers.base import Environment
from providers.model import Identity
from providers.record import Record


class Waiting(Record):
    """What could not be filed: how many copies nobody claims, how many wait for the vault, and
    why that does not take them ("" if it does)."""

    unclaimed: int = 0
    kept_back: int = 0
    why: str = ""


def file_what_waits(
    environment: Environment,
    keeper: Keeper,
    stores: Sequence[LoginStore],
    prove: Prove | None,
    *,
    step: Step = no_step,
) -> Waiting:
    """Files every copy whose owner is proven.  Raises nothing: what stays is said."""
    by_place = {(s.provider, s.slot): s for s in stores}
    unclaimed = kept_back = 0
    why = ""
    for copy in copies(environment.state_dir):
        store = by_place.get((copy.provider, copy.slot))
        login = store.opened(copy.payload) if store is not None else None
        if store is None or login is None:
            continue
        try:
            owner = _owner(copy, login, load_registry(environment.state_dir), prove)
            if owner is None:
                unclaimed += 1
                continue
            keeper.file(named_for(store, login, owner, environment, keeper), owner, "switch")
        except (VaultTrouble, CannotSwitch) as trouble:
            kept_back, why = kept_back + 1, str(trouble)
            continue
        step("filed")
        drop_copy(copy.path)
    return Waiting(unclaimed, kept_back, why)


def _owner(copy: SafetyCopy, login: Login, registry: Registry, prove: Prove | None) -> Identity | None:
    if not copy.owner:
        return whose(login, registry, prove)
    for named in (login.identity, login.claimed):
        if named is not None and named.key == copy.owner:
            return named
    return Identity(copy.owner)


def named_for(
    store: LoginStore, login: Login, owner: Identity, environment: Environment, keeper: Keeper
) -> Login:
    """The login under its owner's name, where another's stood beside it."""
    named = login.identity or login.claimed
    if named is not None and named.key == owner.key:
        return login
    account = load_registry(environment.state_dir).of_key(store.provider, store.slot, owner.key)
    known = None
    if account is not None:
        # An older login that the vault lost must not keep the newest from being filed.
        with contextlib.suppress(CannotSwitch):
            known = keeper.take(account, store)
    return store.owned(login, owner, known)
