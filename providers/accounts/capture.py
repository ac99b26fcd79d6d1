"""Keeping the login that is live now as an account.

For the desk.  Whose it is must be proven, or at least not doubted: what contradicts itself is
refused, with the reason.
"""

from __future__ import annotations

from providers.accounts.exchange import refuse
from providers.accounts.keeping import Keeper
from providers.accounts.living import Prove, look, whose
from providers.accounts.login import CannotSwitch, Held, Login, LoginStore
from providers.accounts.registry import Kept, Registry, accounts_lock, load_registry, place_of, save_registry
from providers.base import Environment
from providers.model import Identity


def capture(environment: Environment, keeper: Keeper, store: LoginStore, prove: Prove | None) -> Kept:
    """Files the live login; the account is then the active one if it is live still.  Raises `CannotSwitch` or
    `VaultTrouble` with nothing changed."""
    for file in store.files():
        refuse(file)
    seen = look(store)
    why = store.refusal(seen.found)
    login = seen.live.login
    if seen.live.held is not Held.LOGIN or login is None:
        why = why or seen.live.why or "nobody is logged in there"
    if why or login is None:
        raise CannotSwitch(f"nothing was kept: {why}")
    owner = _owner(login, load_registry(environment.state_dir), prove)
    kept = keeper.file(login, owner, "capture")
    with accounts_lock(environment.state_dir):
        registry = load_registry(environment.state_dir)
        place = place_of(store.provider, store.slot)
        now = look(store, patient=False).live.login
        # Another copy of us may have switched meanwhile.
        if now is not None and now.lineage == login.lineage and registry.active.get(place) != kept.id:
            previous = registry.previous.get(place, "")
            save_registry(environment.state_dir, registry.switched(place, kept.id, previous))
    return kept


def _owner(login: Login, registry: Registry, prove: Prove | None) -> Identity:
    """Whose it is.  What stands beside the tokens is believed for an account that is new here,
    where the provider cannot be asked: nothing of anybody else's can be replaced by it."""
    owner = whose(login, registry, prove)
    claimed = login.claimed
    if owner is not None:
        if claimed is not None and claimed.key != owner.key:
            raise CannotSwitch(
                "nothing was kept: the login is another account's than the name beside it: "
                f"start {login.provider} once, then capture again"
            )
        return owner
    if claimed is None:
        raise CannotSwitch(
            f"nothing was kept: nothing tells whose login this is: start {login.provider} once"
        )
    if registry.of_key(login.provider, login.slot, claimed.key) is not None:
        raise CannotSwitch(
            "nothing was kept: the login was renewed, and the provider cannot be asked now whose it is: "
            "try again when it can be reached"
        )
    return claimed
