"""Keys into the vault and out of it: what is stored where, and what a failure leaves."""

from __future__ import annotations

import json

import pytest

from providers.accounts.keys import Keys, KeyTrouble
from providers.accounts.stored import found_key, keys_source, stored
from providers.accounts.vault import Vault
from providers.base import Environment, FileBytes, Unparseable
from providers.engine.files import read_file
from tests.conftest import FakeClock
from tests.providers.accounts.test_vault import Forgetful, Memory


@pytest.fixture
def keyring() -> Memory:
    return Memory()


@pytest.fixture
def keys(environment: Environment, clock: FakeClock, keyring: Memory) -> Keys:
    return Keys(environment, Vault(lambda: keyring), clock)


def index(environment: Environment) -> FileBytes:
    source = keys_source(environment)
    found = read_file(source.folder / source.pattern, source.max_bytes)
    assert isinstance(found, FileBytes)
    return found


def test_the_key_lies_in_the_vault_and_nowhere_else(
    environment: Environment, keys: Keys, keyring: Memory
) -> None:
    """keys.json says that there is one, by an id of ours and a fingerprint."""
    held = keys.set("zai", "canary-key")
    assert keyring.held == {("quotadeck", held.kept_as): "canary-key"}
    found = index(environment)
    assert b"canary" not in found.data
    assert found_key({"keys": found}, "zai") == held
    assert found_key({"keys": found}, "kimi") is None
    assert (environment.data_dir / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_new_key_replaces_the_old_one(keys: Keys, keyring: Memory) -> None:
    """Another key is another account; the same key again is the same account."""
    first = keys.set("zai", "one")
    second = keys.set("zai", "two")
    again = keys.set("zai", "two")
    assert first.id != second.id == again.id
    assert list(keyring.held.values()) == ["two"]
    assert keys.all() == (again,)


def test_forgetting(keys: Keys, keyring: Memory) -> None:
    """Of the vault and of keys.json; a second time there is nothing to forget."""
    keys.set("zai", "one")
    keys.set("kimi", "two")
    assert keys.forget("zai")
    assert not keys.forget("zai")
    assert [key.service for key in keys.all()] == ["kimi"]
    assert list(keyring.held.values()) == ["two"]


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "ümlaut", "x" * 20_000])
def test_what_is_no_key(keys: Keys, keyring: Memory, key: str) -> None:
    """Refused before anything is stored."""
    with pytest.raises(KeyTrouble, match="no key"):
        keys.set("zai", key)
    assert keyring.held == {}


def test_a_vault_that_fails_leaves_the_old_key(
    environment: Environment, keys: Keys, keyring: Memory, clock: FakeClock
) -> None:
    """Neither keys.json nor the old secret is touched."""
    old = keys.set("zai", "one")
    with pytest.raises(KeyTrouble, match="not stored"):
        Keys(environment, Vault(Forgetful), clock).set("zai", "two")
    assert keys.all() == (old,)
    assert list(keyring.held.values()) == ["one"]


def test_an_index_that_cannot_be_read_is_never_begun_anew(environment: Environment, keys: Keys) -> None:
    """That would orphan every key: the person is told which file to move away."""
    environment.data_dir.mkdir(parents=True, mode=0o700)
    path = environment.data_dir / "keys.json"
    path.write_text('{"version": 99, "keys": {}}')
    path.chmod(0o600)
    for change in (lambda: keys.set("zai", "one"), lambda: keys.forget("zai"), keys.all):
        with pytest.raises(KeyTrouble, match=r"move keys\.json away"):
            change()
    assert json.loads(path.read_text())["version"] == 99
    with pytest.raises(Unparseable):
        stored(index(environment))
    assert found_key({"keys": index(environment)}, "zai") is None
