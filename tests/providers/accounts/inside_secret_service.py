"""The vault against a real Secret Service: run by test_secret_service.py, in a process of its own
on a bus of its own, and refused anywhere else.

The daemon was unlocked by the recipe before anything touched the bus.  Each test leaves it
unlocked for the next.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import secretstorage
from jeepney import DBusAddress, new_method_call

from providers.accounts.system_keyring import BUS, recipe, system_keyring
from providers.accounts.vault import State, Vault, VaultTrouble
from providers.accounts.vaults import Rung, Vaults
from providers.base import Environment
from providers.engine.settings import Settings
from tests.conftest import OWN_BUS

assert OWN_BUS, "only test_secret_service.py may run this"

PASSWORD = os.environ["QUOTADECK_TEST_PASSWORD"]
NAME = "v1:claude:0a0b0c0d:g1"
HOME = Path(os.environ["HOME"])
ENVIRONMENT = Environment(
    HOME, {"XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]}, HOME / "c", HOME / "s", HOME / "d"
)
PROBE = """
import json, os, sys
from pathlib import Path
from providers.accounts.system_keyring import system_keyring
from providers.accounts.vault import Vault, VaultTrouble
from providers.base import Environment
here = Path.home()
folder = {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", "")}
vault = Vault(lambda: system_keyring(Environment(here, folder, here, here, here), os.environ), deadline=20)
try:
    if len(sys.argv) > 2:
        vault.put(sys.argv[1], sys.argv[2])
    print(json.dumps(["there", vault.get(sys.argv[1])]))
except VaultTrouble as trouble:
    print(json.dumps([trouble.state, str(trouble)]))
"""


@pytest.fixture
def vault() -> Vault:
    return Vault(lambda: system_keyring(ENVIRONMENT, os.environ), deadline=20.0)


def state_of(vault: Vault) -> State | None:
    try:
        vault.look()
    except VaultTrouble as trouble:
        return trouble.state
    return None


def lock() -> None:
    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.Collection(connection).lock()


def daemon() -> int:
    """The process that answers for the Secret Service on this bus."""
    bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    with closing(secretstorage.dbus_init()) as connection:
        call = new_method_call(bus, "GetConnectionUnixProcessID", "s", ("org.freedesktop.secrets",))
        return int(connection.send_and_get_reply(call).body[0])


def follow(state: State) -> None:
    """Runs the recipe that the dialog shows, as a person would."""
    script = "\n".join(recipe("linux", state))
    subprocess.run(["bash", "-c", script], input=f"{PASSWORD}\n", text=True, timeout=30, check=True)


@contextmanager
def unlocked_after() -> Iterator[None]:
    """Whatever happens: unlocked again, by the recipe for a locked keyring."""
    try:
        yield
    finally:
        follow(State.LOCKED)
        until = time.monotonic() + 20
        here = Vault(lambda: system_keyring(ENVIRONMENT, os.environ), deadline=20.0)
        while state_of(here) is not None and time.monotonic() < until:
            time.sleep(0.1)
        assert state_of(here) is None


def elsewhere(*arguments: str, **variables: str) -> list[str]:
    """What another process sees, with these variables besides."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout)
    return found


def test_locked_in_the_middle(vault: Vault) -> None:
    """Reading, storing and forgetting say so at once, without a prompt; the recipe that is shown
    opens it, and everything is still there."""
    vault.put(NAME, "secret")
    with unlocked_after():
        lock()
        for call in (lambda: vault.get(NAME), lambda: vault.put(NAME, "x"), lambda: vault.forget(NAME)):
            with pytest.raises(VaultTrouble) as caught:
                call()
            assert caught.value.state is State.LOCKED
        (offer, *_) = Vaults(ENVIRONMENT, Settings(), deadline=20.0).survey()
        assert (offer.rung, offer.usable, offer.state) == (Rung.KEYRING, False, State.LOCKED)
        assert offer.recipe == recipe("linux", State.LOCKED)
    assert vault.get(NAME) == "secret"


def test_killed_in_the_middle(vault: Vault) -> None:
    """The bus starts another daemon, which is locked: said, nothing is lost."""
    vault.put(NAME, "kept before the kill")
    with unlocked_after():
        os.kill(daemon(), signal.SIGKILL)
        with pytest.raises(VaultTrouble) as caught:
            vault.get(NAME)
        assert caught.value.state is State.LOCKED
    assert vault.get(NAME) == "kept before the kill"


PLANTED = """
from keyring.backend import KeyringBackend
class Plaintext(KeyringBackend):
    priority = 99
    def get_password(self, service, username):
        return open({path!r}).read()
    def set_password(self, service, username, password):
        open({path!r}, "w").write(password)
"""


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "planted.Plaintext", "no.such.Backend"])
def test_a_backend_that_a_variable_names_is_not_taken(vault: Vault, tmp_path: Path, backend: str) -> None:
    """What another process stores with it set lies in the Secret Service all the same: neither
    nowhere, nor in the plain file of a plugin, as keyrings.alt has one."""
    (tmp_path / "planted.py").write_text(PLANTED.format(path=str(tmp_path / "plain")))
    said = elsewhere("v1:zai:env:g1", backend, PYTHON_KEYRING_BACKEND=backend, PYTHONPATH=str(tmp_path))
    assert said == ["there", backend]
    assert vault.get("v1:zai:env:g1") == backend
    assert not (tmp_path / "plain").exists()


def test_a_backend_that_a_file_names_is_not_taken(vault: Vault) -> None:
    """keyringrc.cfg may name one, and a folder of code to load it from."""
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "python_keyring"
    folder.mkdir(parents=True)
    code = folder / "evil.py"
    code.write_text(f"open({str(folder / 'ran')!r}, 'w')")
    config = f"[backend]\ndefault-keyring=evil.Keyring\nkeyring-path={folder}\n"
    (folder / "keyringrc.cfg").write_text(config)
    assert elsewhere("v1:zai:file:g1", "from another") == ["there", "from another"]
    assert not (folder / "ran").exists()
    assert vault.get("v1:zai:file:g1") == "from another"


def test_no_variable_sends_secrets_to_another_collection(vault: Vault) -> None:
    """``KEYRING_PROPERTY_PREFERRED_COLLECTION`` does that to whoever uses keyring as it comes."""
    session = "/org/freedesktop/secrets/collection/session"
    said = elsewhere("v1:zai:col:g1", "secret", KEYRING_PROPERTY_PREFERRED_COLLECTION=session)
    assert said == ["there", "secret"]
    assert vault.get("v1:zai:col:g1") == "secret"


def test_a_pane_that_lacks_the_variable(tmp_path: Path) -> None:
    """The socket in the runtime folder is found; without one, or with a foreign thing in its
    place, the keyring is absent."""
    bus = os.environ[BUS].partition("path=")[2].partition(",")[0]
    assert elsewhere(NAME, "x", XDG_RUNTIME_DIR=str(tmp_path)) == ["there", "x"]
    bare = {name: value for name, value in os.environ.items() if name != BUS}
    command = [sys.executable, "-c", PROBE, NAME]
    for link, state in ((None, "absent"), (bus, "there")):
        if link is not None:
            (tmp_path / "bus").symlink_to(link)
        done = subprocess.run(
            command, env={**bare, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout)[0] == state


AS_TIME_GOES = """
import os, signal, subprocess, sys
probe, recipe, word = sys.argv[1:]
def look():
    subprocess.run([sys.executable, "-c", probe, "v1:x:a:g1"], check=True)
look()
subprocess.run(["bash", "-c", recipe], input=word + "\\n", text=True, check=True)
look()
import secretstorage
from jeepney import DBusAddress, new_method_call
os.environ.setdefault("DBUS_SESSION_BUS_ADDRESS", "unix:path=" + os.environ["XDG_RUNTIME_DIR"] + "/bus")
name = "org.freedesktop.DBus"
call = new_method_call(DBusAddress("/org/freedesktop/DBus", name, name),
                       "GetConnectionUnixProcessID", "s", (name,))
os.kill(secretstorage.dbus_init().send_and_get_reply(call).body[0], signal.SIGKILL)
look()
"""


@pytest.mark.parametrize(
    ("bus", "state"), [(["dbus-run-session", "--"], State.UNMADE), ([], State.ABSENT)], ids=["bus", "no bus"]
)
def test_what_is_not_there_is_made_by_its_recipe(tmp_path: Path, bus: list[str], state: State) -> None:
    """On a bus with no keyring made yet no prompt asks for a new one; without a bus there is
    none.  After the recipe that is shown the keyring is there, and once the bus is gone absent."""
    places = {n: str(tmp_path / n) for n in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")}
    for place in places.values():
        Path(place).mkdir(mode=0o700)
    # Replacing a daemon takes it a second or two, says facts of gnome-keyring.
    lines = "\n".join((*recipe("linux", state), "sleep 2" if bus else ""))
    command = [*bus, sys.executable, "-c", AS_TIME_GOES, PROBE, lines, "first word"]
    env = {name: value for name, value in os.environ.items() if name != BUS} | places
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90, check=False)
    said = [json.loads(line)[0] for line in done.stdout.splitlines()]
    assert said == [state, "there", "absent"], done.stderr
