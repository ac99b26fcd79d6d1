"""What a start finds of an earlier one, beyond the kills of test_killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from providers.accounts.capture import capture
from providers.accounts.journal import Phase, entries, write_entry
from providers.accounts.login import CannotSwitch
from providers.accounts.recovery import Recovery
from providers.accounts.registry import load_registry
from providers.base import Environment
from providers.claude.store import ClaudeStore
from providers.record import replace
from tests.providers.accounts.test_settle import switch
from tests.providers.accounts.test_switch import BOTH, two
from tests.world.households import Household
from tests.world.kills import killed


def dead(house: Household) -> None:
    """Whoever wrote the journal is gone."""
    for entry in list(entries(house.environment.state_dir)):
        write_entry(house.environment.state_dir, replace(entry, begun="gone"))


@BOTH
def test_what_was_captured_since_is_the_active_one(environment: Environment, provider: str) -> None:
    """The pane was quit right after a switch, then a third account was logged into and captured:
    the next start does not call another the active one."""
    house, a, _ = two(environment, provider)
    switch(house, a)
    house.log_in("c")
    third = capture(environment, house.keeper(), house.store, house.issuer.prove)
    dead(house)
    house.recovery().run()
    assert load_registry(environment.state_dir).active[provider] == third.id


def test_a_home_elsewhere_is_left_alone(
    environment: Environment, with_variables: Callable[..., Environment]
) -> None:
    """Started with another CLAUDE_CONFIG_DIR, a half-made switch of this home is not called over:
    it is finished when this home is the one again."""
    house, a, _ = two(environment, "claude")

    def stop(step: str) -> None:
        if step == "replaced":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.switcher(stop).carry_out(house.switcher().plan(house.store, a))
    elsewhere = house.home / "elsewhere"
    elsewhere.mkdir()
    other = ClaudeStore(with_variables(CLAUDE_CONFIG_DIR=str(elsewhere)))
    Recovery(environment, house.keeper(), house.clock, (other,)).run(now=True)
    assert [e.phase for e in entries(environment.state_dir)] == [Phase.WRITING]
    house.recovery().run()
    assert load_registry(environment.state_dir).active["claude"] == a


@pytest.mark.parametrize(
    "at", ["journalled", "staged", "replaced 1", "replaced 2", "replaced", "released", "written"]
)
@BOTH
def test_interrupted_by_a_key(environment: Environment, provider: str, at: str) -> None:
    """Control-C in a command at any step, in a process that goes on: the next switch finishes or
    forgets the one before, and no login is lost."""
    house, a, b = two(environment, provider)
    house.cli_renews()

    def stop(step: str) -> None:
        if step == at:
            raise KeyboardInterrupt

    try:
        house.switcher(stop).carry_out(house.switcher().plan(house.store, a))
    except KeyboardInterrupt:
        pass
    else:
        assert (provider, at) == ("codex", "replaced 2")
    for to, name in ((b, "b"), (a, "a"), (b, "b")):
        if house.live_refresh != house.issuer.newest(name):
            switch(house, to)
        assert house.live_refresh == house.issuer.newest(name)


def test_what_killed_writes_left_goes(environment: Environment) -> None:
    """Half-written files of ours, which may hold a login, in every folder of ours; young ones stay."""
    house, _, _ = two(environment, "claude")
    folders = (environment.state_dir, environment.state_dir / "safety", environment.data_dir / "plain")
    left = [folder / f".x.json.4711.1234567{number}.tmp" for number, folder in enumerate(folders)]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half a login")
    house.recovery().run()
    assert all(path.exists() for path in left)
    for path in left:
        os.utime(path, (1, 1))
    house.recovery().run()
    assert not any(path.exists() for path in left)


def test_a_cli_that_renews_just_then(environment: Environment) -> None:
    """A start does not write into the global config while a CLI holds its lock: it says so, and
    the next start finishes."""
    house, a, _ = two(environment, "claude")

    assert killed(lambda step: switch_with(house, step, a), "replaced 1")
    lock = house.home / ".claude.json.lock"
    # In place of the one that the killed process left.
    lock.rmdir()
    time.sleep(0.01)
    lock.mkdir()
    config = (house.home / ".claude.json").read_text()
    with pytest.raises(CannotSwitch, match=r"lock \.claude\.json\.lock is held"):
        house.recovery().run()
    assert (house.home / ".claude.json").read_text() == config
    lock.rmdir()
    house.recovery().run()
    assert "acc-a" in (house.home / ".claude.json").read_text()


def switch_with(house: Household, hook: Callable[[str], None], to: str) -> None:
    """A switch whose every step is told to ``hook``."""
    switcher = house.switcher(hook)
    switcher.carry_out(switcher.plan(house.store, to))
