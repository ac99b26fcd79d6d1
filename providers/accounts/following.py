"""Following a live login: when its CLI renewed it, the vault's copy becomes the newest too.

For the desk, on a worker thread.  Only for accounts that are kept already, only for bytes that are
proven to be theirs, and without asking anybody.
"""

from __future__ import annotations

from enum import StrEnum

from providers.accounts.keeping import Keeper
from providers.accounts.living import Prove, look, whose
from providers.accounts.login import CannotSwitch, Held, LoginStore
from providers.accounts.registry import load_registry
from providers.accounts.vault import VaultTrouble
from providers.base import Environment

FOLLOWED = "follow"
"""The source of such a generation."""


class Followed(StrEnum):
    """What came of it.  After the last two it is worth another look later."""

    NOTHING = "nothing"
    FILED = "filed"
    UNPROVEN = "unproven"
    CLOSED = "closed"


def follow(environment: Environment, keeper: Keeper, store: LoginStore, noted: Prove | None) -> Followed:
    """Files what is live in a store if it is a newer login of a kept account.  ``noted`` says whose
    a login was proven to be before.  Opens the vault only for that.  Never raises."""
    live = look(store, patient=False).live
    login = live.login
    if live.held is not Held.LOGIN or login is None:
        return Followed.NOTHING if live.held is not Held.UNREADABLE else Followed.UNPROVEN
    try:
        registry = load_registry(environment.state_dir)
        owner = whose(login, registry, noted)
        if owner is None:
            claimed = login.claimed
            known = claimed and registry.of_key(login.provider, login.slot, claimed.key)
            return Followed.UNPROVEN if known else Followed.NOTHING
        account = registry.of_key(login.provider, login.slot, owner.key)
        if account is None or (login.claimed is not None and login.claimed.key != owner.key):
            return Followed.NOTHING
        if any((g.lineage, g.issued) == (login.lineage, login.issued) for g in account.generations):
            return Followed.NOTHING
        keeper.file(login, owner, FOLLOWED)
    except (VaultTrouble, CannotSwitch):
        return Followed.CLOSED
    return Followed.FILED
