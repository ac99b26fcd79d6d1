"""``quotadeck key``: a key comes from a prompt or a pipe, and goes into the vault."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

import providers
from providers.accounts.keys import Keys
from providers.accounts.vault import State, Vault, VaultTrouble
from providers.base import Environment
from tests.conftest import FakeClock
from tests.providers.accounts.test_vault import Memory, failing
from tests.terminals import QUOTADECK, base_variables
from tui.key_command import DONE, FAILED, REFUSED, USAGE, KeyCommand

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
    return KeyCommand(
        keys, DESCRIPTORS, stdin=stdin, prompt=lambda _: answer, now=clock.now(),
        open_vault=lambda: "the keyring",
    )  # fmt: skip


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
    assert rows["minimax"].endswith("no key")
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


def key(home: Path, *arguments: str, passphrase: bytes | None = None, stdin: str = "") -> tuple[int, str]:
    """The real command, with the passphrase in a pipe of its own."""
    reader, writer = os.pipe()
    try:
        if passphrase is not None:
            os.write(writer, passphrase)
            arguments = (*arguments, "--passphrase-fd", str(reader))
        os.close(writer)
        done = subprocess.run(
            [*QUOTADECK, "key", *arguments], env=base_variables(home), input=stdin, text=True,
            capture_output=True, pass_fds=[reader], timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(reader)
    said = done.stdout + done.stderr
    assert "canary" not in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    return done.returncode, said


def test_a_script_gives_the_passphrase_by_a_descriptor(tmp_path: Path) -> None:
    """The first makes the vault.  Wrong or missing: exit 3, one sentence, nothing changed."""
    folder = tmp_path / ".config/quotadeck"
    folder.mkdir(parents=True)
    code, said = key(tmp_path, "set", "zai", stdin="canary-key")
    assert (code, "nobody chose yet" in said, "config.toml" in said) == (REFUSED, True, True)
    (folder / "config.toml").write_text('vault = "encrypted"')
    assert key(tmp_path, "set", "zai", stdin="canary-key", passphrase=b"canary horse\n")[0] == DONE
    vault = tmp_path / ".local/share/quotadeck/vault"
    held = {path.name: path.read_bytes() for path in vault.iterdir()}
    assert b"canary" not in b"".join(held.values())
    for passphrase, sentence in (
        (None, "--passphrase-fd"), (b"canary wrong\n", "does not open"), (b"", "gave no passphrase"),
        (b"\xff\n", "not UTF-8"), (b"x" * 3000, "longer than"),
    ):  # fmt: skip
        code, said = key(tmp_path, "set", "zai", stdin="canary-other", passphrase=passphrase)
        assert (code, sentence in said) == (REFUSED, True), said
    assert {path.name: path.read_bytes() for path in vault.iterdir()} == held
    assert key(tmp_path, "forget", "zai", passphrase=b"canary horse")[0] == DONE
    assert key(tmp_path, "set", "zai", "--passphrase-fd", "0", stdin="canary")[0] == USAGE
    assert key(tmp_path, "set", "zai", "--passphrase-fd", "99", stdin="canary")[0] == REFUSED


def test_who_wants_nothing_kept_stores_nothing(tmp_path: Path) -> None:
    """The sentence says where another choice is made."""
    folder = tmp_path / ".config/quotadeck"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('vault = "none"')
    code, said = key(tmp_path, "set", "zai", stdin="canary-key")
    assert (code, "nothing is kept, as you chose" in said, "config.toml" in said) == (REFUSED, True, True)
    assert not (tmp_path / ".local/share/quotadeck").exists()
