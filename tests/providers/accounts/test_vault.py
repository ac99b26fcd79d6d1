"""The vault over keyrings that work, fail in every known way, or never answer."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.accounts.vault import Keyring, State, Vault, VaultTrouble, unwrapped
from tests.terminals import base_variables


class Memory:
    """A keyring of a dictionary."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


class Forgetful(Memory):
    """keyring's null backend: says yes and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


def failing(error: Exception) -> Callable[[], Keyring]:
    def open_keyring() -> Keyring:
        raise error

    return open_keyring


def test_put_get_forget() -> None:
    """Under our service and the name; a missing secret is empty and may be forgotten."""
    keyring = Memory()
    vault = Vault(lambda: keyring)
    vault.put("v1:zai:a:g1", "secret")
    assert keyring.held == {("quotadeck", "v1:zai:a:g1"): "secret"}
    assert vault.get("v1:zai:a:g1") == "secret"
    vault.forget("v1:zai:a:g1")
    vault.forget("v1:zai:a:g1")
    assert vault.get("v1:zai:a:g1") == ""


def test_what_a_tool_put_there() -> None:
    """Under its own service; Go's tools wrap some of it, and broken wrapping is no secret."""
    keyring = Memory()
    keyring.held["gh:github.com", "octo"] = "go-keyring-base64:Z2hvX2NhbmFyeQ=="
    assert unwrapped(Vault(lambda: keyring).get("octo", "gh:github.com")) == "gho_canary"
    assert unwrapped("gho_canary") == "gho_canary"
    assert unwrapped("go-keyring-base64:***") == ""
    assert unwrapped("go-keyring-base64:/w==") == ""


def test_a_keyring_that_keeps_nothing_is_found_out() -> None:
    """What was stored is read back before anybody relies on it."""
    with pytest.raises(VaultTrouble, match="did not come back"):
        Vault(Forgetful).put("name", "secret")


class KeyringLocked(Exception):
    """As keyring's, which is not imported here."""


class NoKeyringError(RuntimeError):
    """As keyring's."""


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (KeyringLocked("secret"), State.LOCKED),
        (NoKeyringError("secret"), State.ABSENT),
        (PermissionError("secret"), State.DENIED),
        (ModuleNotFoundError("secret"), State.BROKEN),
        (RuntimeError("secret"), State.BROKEN),
        (VaultTrouble(State.ABSENT), State.ABSENT),
    ],
)
def test_each_way_to_fail_has_its_sentence(error: Exception, state: State) -> None:
    """Without the text of the error, which might quote what was stored."""
    with pytest.raises(VaultTrouble) as caught:
        Vault(failing(error)).get("name")
    assert caught.value.state is state
    assert "secret" not in str(caught.value)


def test_a_keyring_that_never_answers_holds_nobody_up() -> None:
    """The deadline ends the wait; the thread that hangs is a daemon."""
    forever = threading.Event()

    def hang() -> Keyring:
        forever.wait()
        return Memory()

    began = time.monotonic()
    with pytest.raises(VaultTrouble, match="does not answer"):
        Vault(hang, deadline=0.05).get("name")
    assert time.monotonic() - began < 5
    (thread,) = [t for t in threading.enumerate() if t.name == "quotadeck-keyring"]
    assert thread.daemon
    forever.set()


HANGS = """
import asyncio, time
from providers.accounts.vault import Vault, VaultTrouble

async def main():
    ticks, vault = 0, Vault(lambda: time.sleep(600), deadline=1.0)
    asked = asyncio.create_task(asyncio.to_thread(vault.get, "name"))
    while not asked.done():
        await asyncio.sleep(0.01)
        ticks += 1
    print(ticks > 10, type(asked.exception()).__name__, asked.exception().state)

asyncio.run(main())
"""


def test_a_prompt_that_nobody_answers_holds_up_neither_the_loop_nor_the_exit() -> None:
    """The loop goes on meanwhile; the process ends although a call of ten minutes still sits in
    the keyring."""
    done = subprocess.run(
        [sys.executable, "-c", HANGS], cwd=Path(__file__).parents[3], env=base_variables(Path("/")),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "VaultTrouble", "silent"]
