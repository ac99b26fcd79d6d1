"""What must be true of a household after whatever happened to it."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Sequence

from providers.accounts.journal import entries
from providers.accounts.living import look
from providers.accounts.login import CannotSwitch, FolderLock, Held, Login
from providers.accounts.safety import copies
from providers.accounts.settle import Settler
from tests.world.households import Household


def restart(house: Household) -> None:
    """A new start, the watch to its end, and the start after that."""
    with contextlib.suppress(CannotSwitch):
        house.recovery().run()
    assert [
        lock.path for lock in house.store.locks() if isinstance(lock, FolderLock) and lock.path.exists()
    ] == []
    house.recovery().run()
    settler = Settler(house.environment, house.keeper(), house.clock)
    settler.look_after(house.store)
    house.clock.advance(30)
    settler.look_after(house.store)
    house.recovery().run(now=True)


def whole(house: Household) -> None:
    """One account's login is live, and nothing of ours lies about."""
    live = look_at(house)
    named = live.identity or live.claimed
    proven = house.issuer.prove(live)
    assert named is not None
    assert proven is not None
    assert named.key == proven.key
    assert list(house.home.rglob("*.qd-*")) == []
    assert list(entries(house.environment.state_dir)) == []
    assert list(copies(house.environment.state_dir)) == []
    assert [lock for lock in house.store.locks() if isinstance(lock, FolderLock) and lock.path.exists()] == []


def look_at(house: Household) -> Login:
    """The live login."""
    live = look(house.store, patient=False).live
    assert live.held is Held.LOGIN
    assert live.login is not None
    return live.login


def all_there(house: Household, ids: Sequence[str]) -> None:
    """The newest refresh token of each account (``a``, ``b`` … in the order of the ids) is switched
    in, and works; the live one last."""
    names = [chr(ord("a") + nth) for nth in range(len(ids))]
    named = sorted(
        zip(names, ids, strict=True), key=lambda it: house.live_refresh == house.issuer.newest(it[0])
    )
    for name, ident in named:
        if house.live_refresh != house.issuer.newest(name):
            house.switcher().carry_out(house.switcher().plan(house.store, ident))
        assert house.live_refresh == house.issuer.newest(name)
        assert house.cli_renews()
    assert house.issuer.reused == []
    for path in (*house.home.rglob(".credentials.json"), *house.home.rglob("auth.json"),
                 *house.environment.state_dir.rglob("*.json")):  # fmt: skip
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
