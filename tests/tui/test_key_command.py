"""``quotadeck key``: a key comes from a prompt or a pipe, and goes into the vault."""

from __future__ import annotations

import io

import pytest

import providers
from providers.accounts.keys import Keys
from providers.accounts.vault import State, Vault, VaultTrouble
from providers.base import Environment
from tests.conftest import FakeClock
from tests.providers.accounts.test_vault import Memory, failing
from tui.key_command import DONE, FAILED, USAGE, KeyCommand

DESCRIPTORS = [providers.load(name).descriptor for name in providers.PROVIDERS]


class Terminal(io.StringIO):
    """A stdin that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def keyring() -> Memory:
    return Memory()


def command(
    environment: Environment, clock: FakeClock, vault: Vault, stdin: io.StringIO, answer: str = ""
) -> KeyCommand:
    keys = Keys(environment, vault, clock)
    return KeyCommand(keys, DESCRIPTORS, stdin=stdin, prompt=lambda _: answer, now=clock.now())


def test_from_a_pipe_or_a_prompt(environment: Environment, clock: FakeClock, keyring: Memory) -> None:
    """Neither echoes the key; the outcome names its fingerprint."""
    vault = Vault(lambda: keyring)
    code, said = command(environment, clock, vault, io.StringIO("canary-one\n")).run("set", "zai")
    assert code == DONE
    assert "canary" not in said
    code, said = command(environment, clock, vault, Terminal(), "canary-two").run("set", "kimi")
    assert code == DONE
    assert sorted(keyring.held.values()) == ["canary-one", "canary-two"]
    clock.advance(7200)
    code, said = command(environment, clock, vault, Terminal()).run("list", "")
    rows = {line.split()[0]: line for line in said.splitlines()}
    assert "2 hours ago" in rows["zai"]
    assert rows["minimax"].endswith("no key in the keyring")
    assert command(environment, clock, vault, Terminal()).run("forget", "zai")[0] == DONE
    assert command(environment, clock, vault, Terminal()).run("forget", "zai")[0] == FAILED


def test_nothing_given_and_nobody_known(environment: Environment, clock: FakeClock, keyring: Memory) -> None:
    """Nothing is stored; the sentence says what there is."""
    vault = Vault(lambda: keyring)
    assert command(environment, clock, vault, io.StringIO("\n")).run("set", "zai")[0] == FAILED
    code, said = command(environment, clock, vault, io.StringIO("x")).run("set", "nobody")
    assert (code, "zai" in said) == (USAGE, True)
    assert keyring.held == {}


def test_without_a_keyring(environment: Environment, clock: FakeClock) -> None:
    """One sentence, nothing written."""
    vault = Vault(failing(VaultTrouble(State.ABSENT)))
    code, said = command(environment, clock, vault, io.StringIO("canary")).run("set", "zai")
    assert code == FAILED
    assert "there is no keyring on this machine" in said
    assert not (environment.data_dir / "keys.json").exists()
