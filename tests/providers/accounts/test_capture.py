"""Keeping the live login, while others change it."""

from __future__ import annotations

from providers.accounts.capture import capture
from providers.accounts.registry import load_registry
from providers.base import Environment
from tests.providers.accounts.test_settle import switch
from tests.providers.accounts.test_switch import BOTH, two


@BOTH
def test_switched_in_the_meantime(environment: Environment, provider: str) -> None:
    """Another copy of us switched while the vault took its time: the login is kept, and the active
    account is the one that is live."""
    house, a, b = two(environment, provider)
    house.cli_renews()
    newest = house.live_refresh

    def meanwhile(step: str) -> None:
        if step == "stored":
            switch(house, a)

    kept = capture(environment, house.keeper(meanwhile), house.store, house.issuer.prove)
    assert kept.id == b
    assert load_registry(environment.state_dir).active[provider] == a
    switch(house, b)
    assert house.live_refresh == newest
