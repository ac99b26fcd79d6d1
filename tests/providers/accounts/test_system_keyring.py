"""Which keyring of the system is taken, and that no variable, file or plugin chooses another."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.accounts.keychain import SECURITY
from providers.accounts.system_keyring import BUS, recipe, system_keyring
from providers.accounts.vault import State, Vault, VaultTrouble
from providers.base import Environment
from providers.record import replace


def test_without_a_bus_there_is_no_keyring(
    with_variables: Callable[..., Environment], tmp_path: Path
) -> None:
    """No backend is imported and none is guessed, whatever PYTHON_KEYRING_BACKEND says."""
    variables = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    with pytest.raises(VaultTrouble) as caught:
        system_keyring(with_variables(XDG_RUNTIME_DIR=str(tmp_path)), variables)
    assert caught.value.state is State.ABSENT
    assert BUS not in variables


def test_a_pane_without_the_variable_finds_the_bus_at_its_socket(
    with_variables: Callable[..., Environment],
) -> None:
    """It is asked then: here the guard of the tests steps in, where a real run goes on."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as bus:
        environment = with_variables(XDG_RUNTIME_DIR=folder)
        variables: dict[str, str] = {}
        Path(folder, "bus").write_text("no socket")
        with pytest.raises(VaultTrouble):
            system_keyring(environment, variables)
        os.unlink(f"{folder}/bus")
        bus.bind(f"{folder}/bus")
        with pytest.raises(RuntimeError, match="real keyring"):
            system_keyring(environment, variables)
        assert variables == {BUS: f"unix:path={folder}/bus"}


@pytest.mark.skipif(os.path.exists(SECURITY), reason="this is a Mac")
def test_a_mac_has_its_keychain(environment: Environment) -> None:
    """Through Apple's program alone: neither keyring nor a bus is looked for."""
    with pytest.raises(VaultTrouble) as caught:
        Vault(lambda: system_keyring(replace(environment, platform="darwin"), {})).get("name")
    assert caught.value.state is State.ABSENT


def test_each_state_has_the_recipe_that_helps() -> None:
    """A locked daemon must be replaced, or its unlocking does nothing; a Mac has a command."""
    assert "--replace --unlock" in recipe("linux", State.LOCKED)[-1]
    assert recipe("linux", State.UNMADE) == recipe("linux", State.LOCKED)
    assert "--replace" not in "".join(recipe("linux", State.ABSENT))
    assert recipe("linux", State.SILENT) == ()
    assert recipe("darwin", State.LOCKED) == ("security unlock-keychain",)
    assert recipe("darwin", State.ABSENT) == ()
