"""What the desk answers beside the commands: a check of a login, and whether a switch settles."""

from __future__ import annotations

import pytest

from providers.accounts.login import CannotSwitch
from providers.accounts.roster import Member
from providers.base import Environment
from providers.desk import Desk
from providers.model import Identity
from tests.world.households import Household


def two(environment: Environment, provider: str = "claude") -> tuple[Household, Desk, dict[str, Member]]:
    """Accounts a and b kept, b live."""
    house = Household(environment, provider)
    desk = Desk(environment, (house.store,), house.vault, house.clock, prove=house.issuer.prove)
    for name in "ab":
        house.log_in(name)
        desk.capture(provider, name)
    return house, desk, {row.member.alias: row.member for row in desk.rows()}


@pytest.mark.parametrize("provider", ["claude", "codex"])
def test_a_login_is_checked_without_a_switch(environment: Environment, provider: str) -> None:
    """The live one where it lies, the kept one out of the vault; nothing is written."""
    house, desk, members = two(environment, provider)
    before = house.secret.read_bytes()
    assert desk.verify(members["a"]) == "the kept login works: the provider says that it is this account"
    assert desk.verify(members["b"]) == "the live login works: the provider says that it is this account"
    assert house.secret.read_bytes() == before


def test_what_the_provider_cannot_say_is_not_claimed(environment: Environment) -> None:
    """Whole is all that is known then."""
    house, _, members = two(environment)
    desk = Desk(environment, (house.store,), house.vault, house.clock, prove=lambda login: None)
    assert desk.verify(members["a"]) == "the kept login is whole; the provider does not say more now"
    house.clock.advance(10 * 3600)
    assert desk.verify(members["a"]) == "the kept login is whole; its access token has lapsed"


def test_a_login_that_is_anothers_or_gone_is_refused(environment: Environment) -> None:
    """With what to do."""
    house, desk, members = two(environment)
    other = Desk(
        environment, (house.store,), house.vault, house.clock, prove=lambda login: Identity("somebody/else")
    )
    with pytest.raises(CannotSwitch, match="is another account's: log in to this one again"):
        other.verify(members["a"])
    desk.forget(members["a"])
    with pytest.raises(CannotSwitch, match="no login of that account is kept"):
        desk.verify(members["a"])


def test_a_switch_settles_until_it_was_looked_after(environment: Environment) -> None:
    """The pane's clerk is awake just as long."""
    house, desk, members = two(environment)
    assert not desk.settling
    desk.carry_out(desk.plan(members["a"]))
    assert desk.settling
    desk.watch()
    assert desk.settling
    house.clock.advance(60)
    desk.watch()
    assert not desk.settling


def test_every_place_names_the_way_to_another_login(environment: Environment) -> None:
    """Without logging the first out."""
    _, desk, _ = two(environment)
    assert desk.ways() == (("claude", "", "CLAUDE_CONFIG_DIR=$(mktemp -d) claude auth login"),)
