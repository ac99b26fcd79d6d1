"""The watch after a switch: what late writers leave is kept, and nobody is fought."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from providers.accounts import exchange
from providers.accounts.capture import capture
from providers.accounts.journal import entries
from providers.accounts.keeping import Keeper
from providers.accounts.login import CannotSwitch
from providers.accounts.settle import Settler
from providers.accounts.switch import Plan
from providers.base import Environment
from tests.providers.accounts.test_switch import BOTH, two
from tests.world.households import Direct, Household, codex_file


def switch(house: Household, to: str) -> None:
    """Planned and done."""
    house.switcher().carry_out(house.switcher().plan(house.store, to))


def replaced(house: Household) -> str:
    """The refresh token in the file that the switch replaced, renewed by a late writer, in place."""
    (operation,) = (e.operation for e in entries(house.environment.state_dir))
    place = exchange.staged_name(house.secret, operation)
    document = json.loads(place.read_text())
    old = document.get("claudeAiOauth") or document["tokens"]
    fresh = house.issuer.renew(old.get("refreshToken") or old.get("refresh_token"))
    assert fresh is not None
    if house.provider == "claude":
        place.write_text(json.dumps(document | {"claudeAiOauth": fresh}))
    else:
        place.write_text(json.dumps(codex_file(fresh)))
    return str(fresh.get("refreshToken") or fresh.get("refresh_token"))


@BOTH
def test_a_late_writer_then_straight_back(environment: Environment, provider: str) -> None:
    """A CLI that still had the replaced file open wrote a renewed login into it; going back at
    once writes that one, and not the spent one that was preserved."""
    house, a, b = two(environment, provider)
    plan: Plan = house.switcher().plan(house.store, a)
    house.switcher().carry_out(plan)
    late = replaced(house)
    switch(house, b)
    assert house.live_refresh == late == house.issuer.newest("b")


@BOTH
def test_a_late_writer_with_a_second_name(environment: Environment, provider: str) -> None:
    """Where two names cannot be swapped in one step, a kill leaves the old file under a third:
    what lies there is kept too."""
    house, a, b = two(environment, provider)
    switch(house, a)
    late = replaced(house)
    (operation,) = (e.operation for e in entries(environment.state_dir))
    place = exchange.staged_name(house.secret, operation)
    os.rename(place, exchange.staged_name(house.secret, f"{operation}-old"))
    switch(house, b)
    assert house.live_refresh == late
    house.clock.advance(30)
    Settler(environment, house.keeper(), house.clock).look_after(house.store)
    assert list(house.home.rglob("*.qd-*")) == []


@BOTH
def test_a_plan_that_lay_about(environment: Environment, provider: str) -> None:
    """While the picker was open a newer login of the account came into the vault: that is written."""
    house, a, b = two(environment, provider)
    plan = house.switcher().plan(house.store, a)
    switch(house, a)
    house.cli_renews()
    newest = house.live_refresh
    switch(house, b)
    house.switcher().carry_out(plan)
    assert house.live_refresh == newest == house.issuer.newest("a")


class Between(Direct):
    """A vault at whose first read something happens, as reading takes a while."""

    def __init__(self, house: Household, happens: Callable[[], object]) -> None:
        super().__init__(lambda: house.ring)
        self.happens: Callable[[], object] | None = happens

    def get(self, name: str, service: str = "quotadeck") -> str:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return super().get(name, service)


@pytest.mark.parametrize("meanwhile", ["captured", "ended", "again"])
def test_the_person_was_quicker(environment: Environment, meanwhile: str) -> None:
    """The old account is live again, and before the watch had its locks the person had captured it,
    or another copy of us had ended the watch, or had put the new one back: it keeps its hands off."""
    house, a, _ = two(environment, "codex")
    late = house.issuer.renew(house.live_refresh)
    switch(house, a)
    assert late is not None
    house.secret.write_text(json.dumps(codex_file(late)))
    other = Settler(environment, house.keeper(), house.clock)

    def happens() -> None:
        if meanwhile == "captured":
            capture(environment, house.keeper(), house.store, house.issuer.prove)
        elif meanwhile == "ended":
            (entry,) = entries(environment.state_dir)
            other.end(house.store, entry)
        else:
            assert "put its old login back" in other.look_after(house.store)[0]
            house.secret.write_text(json.dumps(codex_file(late)))

    keeper = Keeper(environment, Between(house, happens), house.clock)
    assert Settler(environment, keeper, house.clock).look_after(house.store) == ()
    assert house.live_refresh == late["refresh_token"]
    assert house.issuer.reused == []


def test_after_the_watch_it_is_the_persons_login(environment: Environment) -> None:
    """The old account that is live half a minute later was logged into: it stays."""
    house, a, _ = two(environment, "codex")
    switch(house, a)
    house.log_in("b")
    mine = house.live_refresh
    house.clock.advance(30)
    assert Settler(environment, house.keeper(), house.clock).look_after(house.store) == ()
    assert house.live_refresh == mine
    assert list(entries(environment.state_dir)) == []


@BOTH
def test_what_cannot_be_preserved_stays(environment: Environment, provider: str) -> None:
    """No place for a copy of a late writer's login: one sentence, and the file stays where it is, now
    and when the next switch would clear up."""
    house, a, b = two(environment, provider)
    switch(house, a)
    late = replaced(house)
    safety = environment.state_dir / "safety"
    for copy in safety.glob("*"):
        copy.unlink()
    safety.rmdir()
    safety.write_text("in the way")
    house.clock.advance(30)
    with pytest.raises(CannotSwitch, match="could not be preserved, so it stays where it is"):
        Settler(environment, house.keeper(), house.clock).look_after(house.store)
    with pytest.raises(CannotSwitch, match="could not be preserved, so it stays where it is"):
        switch(house, b)
    assert late in house.all_secrets()
    safety.unlink()
    switch(house, b)
    assert house.live_refresh == late


def test_half_written_when_it_is_looked_at(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old codex empties the file before it writes: the login that comes a moment later is kept."""
    house, a, b = two(environment, "codex")
    switch(house, a)
    late = replaced(house)
    (entry,) = entries(environment.state_dir)
    place = exchange.staged_name(house.secret, entry.operation)
    text = place.read_text()
    place.write_text("")

    def writes(seconds: float) -> None:
        place.write_text(text)

    monkeypatch.setattr("providers.accounts.settle.time.sleep", writes)
    Settler(environment, house.keeper(), house.clock).look_after(house.store, now=True)
    monkeypatch.undo()
    switch(house, b)
    assert house.live_refresh == late
