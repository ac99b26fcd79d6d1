"""Logins that are half written, mixed, or kept somewhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.base import Environment, FileBytes, Found, ReadContext
from providers.codex.login import login_state
from providers.codex.provider import PROVIDER
from providers.engine.clock import Clock
from providers.engine.collector import Collector
from providers.engine.deck import Deck
from providers.engine.timeline import Timeline
from providers.model import LoginState, Status
from tests.conftest import SAMPLES, FakeClock

GOOD = (SAMPLES / "codex/auth.chatgpt.json").read_bytes()
OTHER = (SAMPLES / "codex/auth.chatgpt-workspace.json").read_bytes()
NOW = 1_800_000_000.0
FIRST = "11111111-1111-4111-8111-111111111111/user-EXAMPLE-A"


def state(environment: Environment, auth: bytes | None, config: bytes = b"") -> LoginState:
    """The login state from the bytes of auth.json and config.toml."""
    held: dict[str, Found] = {
        name: FileBytes(Path(name), data, NOW - 60) if data else None
        for name, data in (("auth", auth), ("config", config))
    }
    return login_state(held, ReadContext(NOW, environment))


def deck_of(environment: Environment, clock: Clock) -> Callable[[], Deck]:
    """A deck, and a way to sweep what changed into it."""
    collector = Collector([PROVIDER], environment, clock)
    deck = Deck([PROVIDER.descriptor], Timeline(()))

    def swept() -> Deck:
        deck.apply(collector.sweep(), clock.now())
        return deck

    return swept


@pytest.mark.parametrize("torn", [b"", GOOD[:900], b"{"], ids=["empty", "half", "brace"])
def test_a_half_written_login_leaves_the_account_in_place(
    environment: Environment, clock: FakeClock, torn: bytes
) -> None:
    """Older versions of codex truncate auth.json before they fill it."""
    path = environment.home / ".codex/auth.json"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(GOOD)
    path.chmod(0o600)
    sweep = deck_of(environment, clock)
    before = sweep().facts().providers[0].login
    assert before is not None
    assert before.identity is not None
    path.write_bytes(torn)
    clock.advance(60)
    assert sweep().facts().providers[0].login == before


@pytest.mark.parametrize(
    "config",
    [b"a = " + b"[" * 100_000, b"\xff", b"a = 1\na = 2", b"x = 1979-99-99"],
    ids=["deep", "bytes", "twice", "date"],
)
def test_a_broken_config_is_a_warning(environment: Environment, config: bytes) -> None:
    """However config.toml is broken, the login beside it is still read."""
    found = state(environment, GOOD, config)
    assert found.status is Status.OK
    assert any("not valid TOML" in w for w in found.warnings)


def test_a_config_may_begin_with_a_byte_order_mark(environment: Environment) -> None:
    """Editors on other systems write one."""
    found = state(environment, GOOD, b'\xef\xbb\xbfmodel_provider = "azure"')
    assert (found.status, found.warnings) == (Status.UNSUBSCRIBED, ())


@pytest.mark.parametrize(
    ("store", "key", "said"),
    [
        ("keyring", None, "ignores the file"),
        ("auto", FIRST, "counts only while"),
        ("file", FIRST, ""),
    ],
)
def test_an_auth_file_beside_another_store(
    environment: Environment, store: str, key: str | None, said: str
) -> None:
    """In keyring mode codex ignores a file that was left behind, so it names nobody."""
    found = state(environment, GOOD, f'cli_auth_credentials_store = "{store}"'.encode())
    assert found.status is Status.OK
    assert (found.identity.key if found.identity else None) == key
    assert said in " ".join(found.warnings)
    assert bool(found.warnings) is bool(said)


def test_a_login_in_memory_is_not_logged_out(environment: Environment) -> None:
    """The ephemeral store leaves no file, which does not mean that nobody is logged in."""
    found = state(environment, None, b'cli_auth_credentials_store = "ephemeral"')
    assert (found.status, found.identity) == (Status.OK, None)
    assert "memory" in " ".join(found.warnings)


@pytest.mark.parametrize("swapped", ["id_token", "access_token"])
def test_tokens_of_two_accounts_are_a_hybrid(environment: Environment, swapped: str) -> None:
    """Each token's claim counts: else one account's figures would bear the other's name."""
    document = json.loads(GOOD)
    document["tokens"][swapped] = json.loads(OTHER)["tokens"][swapped]
    found = state(environment, json.dumps(document).encode())
    assert (found.status, found.identity, found.plan) == (Status.ERROR, None, "")
