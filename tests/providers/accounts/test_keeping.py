"""Filing a login in the vault: nothing is forgotten that something still names."""

from __future__ import annotations

import json

import pytest

from providers.accounts.capture import capture
from providers.accounts.registry import load_registry
from providers.accounts.roster import RosterTrouble, load_roster
from providers.accounts.safety import copies
from providers.base import Environment
from tests.providers.accounts.test_switch import two
from tests.world.households import Household


def works(house: Household, name: str) -> bool:
    """Whether the account's newest refresh token lies somewhere."""
    return house.issuer.newest(name) in house.all_secrets()


def test_a_broken_roster_loses_nothing(environment: Environment) -> None:
    """accounts.toml, which people edit, breaks while a login is on its way to the vault: the vault
    keeps what the registry names, and once the file is mended everything is as if nothing was."""
    house, a, b = two(environment, "claude")
    house.cli_renews()
    newest = house.live_refresh
    roster = environment.config_dir / "accounts.toml"
    text = roster.read_text()

    def edit(step: str) -> None:
        if step == "named":
            roster.write_text("[[account\n")

    switcher = house.switcher(edit)
    done = switcher.carry_out(switcher.plan(house.store, a))
    assert "in a safety copy" in done.message
    roster.write_text(text)
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == newest
    assert list(copies(environment.state_dir)) == []


def test_a_broken_roster_is_seen_first(environment: Environment) -> None:
    """Nothing is stored for an account that could not be written down."""
    house = Household(environment)
    house.log_in("a")
    environment.config_dir.mkdir(parents=True)
    (environment.config_dir / "accounts.toml").write_text("[[account\n")
    with pytest.raises(RosterTrouble, match="cannot be understood"):
        capture(environment, house.keeper(), house.store, house.issuer.prove)
    assert list(house.ring.folder.iterdir()) == []
    assert load_registry(environment.state_dir).accounts == ()


@pytest.mark.parametrize("by", ["switch", "capture"])
def test_a_keyring_that_was_emptied(environment: Environment, by: str) -> None:
    """Another program deleted our items (R11): the live login is put in the vault anew before it
    is replaced, though the registry says that it is there."""
    house, a, b = two(environment, "claude")
    mine = [p for p in house.ring.folder.iterdir() if house.live_refresh in p.read_text()]
    mine[0].unlink()
    if by == "capture":
        capture(environment, house.keeper(), house.store, house.issuer.prove)
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    assert works(house, "b")
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == house.issuer.newest("b")
    account = load_registry(environment.state_dir).account(b)
    assert account is not None
    assert len(account.generations) == 1


def test_an_older_login_that_the_vault_lost(environment: Environment) -> None:
    """It does not keep a newer one, beside which another name stood, from being filed."""
    house, a, b = two(environment, "claude")
    config = house.home / ".claude.json"
    for item in house.ring.folder.iterdir():
        if house.live_refresh in item.read_text():
            item.unlink()
    house.cli_renews()
    newest = house.live_refresh
    config.write_text(config.read_text().replace("-b", "-c"))
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    assert list(copies(environment.state_dir)) == []
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == newest


def test_a_large_login_comes_back(environment: Environment) -> None:
    """Whatever a store may hold, its safety copy can be read: here three quarters of a MiB, most of
    it quotes."""
    house, a, b = two(environment, "claude")
    document = json.loads(house.secret.read_text())
    house.secret.write_text(json.dumps(document | {"unknown": '"' * 360_000}))
    house.cli_renews()
    newest = house.live_refresh
    house.switcher().carry_out(house.switcher().plan(house.store, a))
    assert list(copies(environment.state_dir)) == []
    house.switcher().carry_out(house.switcher().plan(house.store, b))
    assert house.live_refresh == newest


def test_the_roster_is_made_good(environment: Environment) -> None:
    """A kill between registry and roster leaves an account without a name: the next capture adds it."""
    house, _, b = two(environment, "codex")
    (environment.config_dir / "accounts.toml").unlink()
    capture(environment, house.keeper(), house.store, house.issuer.prove)
    assert [m.id for m in load_roster(environment.config_dir)] == [b]
