"""One suite for every rung that keeps secrets: what goes in comes out, whatever holds it.

Here: the encrypted files, the plain ones, and a Mac's keychain by a stand-in.  A real Secret
Service takes the same tests inside the process that test_secret_service.py starts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.accounts.keychain import Keychain
from providers.accounts.sealed import EncryptedFiles, PlainFiles
from providers.accounts.secret import Secret
from providers.accounts.system_keyring import system_keyring
from providers.accounts.vault import Keyring, Vault
from providers.base import Environment
from providers.record import replace
from tests.conftest import OWN_BUS
from tests.providers.accounts.security_program import SecurityProgram

CHEAP = {"n": 2**14, "r": 8, "p": 1}
PATIENCE = 20.0
"""Seconds; the machine may be busy."""

Opener = Callable[[], Keyring]


def encrypted(folder: Path) -> Opener:
    def opened() -> Keyring:
        files = EncryptedFiles(folder / "vault", cost=CHEAP)
        files.unlock(Secret("correct horse"))
        return files

    return opened


def keychain(folder: Path) -> Opener:
    program = SecurityProgram(folder / "bin")
    return lambda: Keychain(folder, str(program.path))


def secret_service(folder: Path) -> Opener:
    variables = {"XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]}
    environment = Environment(folder, variables, folder, folder, folder)
    return lambda: system_keyring(replace(environment, platform="linux"), os.environ)


RUNGS = {
    "encrypted": encrypted,
    "plaintext": lambda folder: lambda: PlainFiles(folder / "plain"),
    "keychain": keychain,
}
if OWN_BUS:
    RUNGS = {"secret service": secret_service}


@pytest.fixture(params=list(RUNGS))
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    """Opens what holds the secrets anew for every call, as another run would."""
    return Vault(RUNGS[request.param](tmp_path), deadline=PATIENCE)


def test_put_get_forget(vault: Vault) -> None:
    """A missing secret is empty, and may be forgotten; others stay."""
    assert vault.get("v1:zai:a:g1") == ""
    vault.put("v1:zai:a:g1", "canary-one")
    vault.put("v1:zai:a:g2", "canary-two")
    assert vault.get("v1:zai:a:g1") == "canary-one"
    vault.forget("v1:zai:a:g1")
    vault.forget("v1:zai:a:g1")
    assert vault.get("v1:zai:a:g1") == ""
    assert vault.get("v1:zai:a:g2") == "canary-two"


def test_the_last_one_counts(vault: Vault) -> None:
    """In place of the one before, longer or shorter."""
    for secret in ("one", "x" * 9000, "two"):
        vault.put("v1:zai:b:g1", secret)
        assert vault.get("v1:zai:b:g1") == secret


@pytest.mark.parametrize("size", [6 * 1024, 64 * 1024])
def test_long_ones_come_back_whole(vault: Vault, size: int) -> None:
    """Codex' login with its three tokens is 6 kB; nothing is cut at 4 kB."""
    secret = ("{\"a\": 'ü\\n\u2028' }\n" * size)[:size]
    vault.put(f"v1:codex:c:g{size}", secret)
    assert vault.get(f"v1:codex:c:g{size}") == secret


def test_four_writers_at_once(vault: Vault) -> None:
    """Of one name: one of the four is there at the end, whole."""
    troubles: list[Exception] = []

    def put(letter: str) -> None:
        try:
            vault.put("v1:zai:d:g1", letter * 2000)
        except Exception as trouble:
            # Read back while another wrote: said, not hidden.
            troubles.append(trouble)

    threads = [threading.Thread(target=put, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vault.get("v1:zai:d:g1") in {letter * 2000 for letter in "abcd"}
    assert all("did not come back" in str(trouble) for trouble in troubles)
