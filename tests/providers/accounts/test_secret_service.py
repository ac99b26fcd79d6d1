"""A real Secret Service passes the vault's suite: gnome-keyring on a bus of its own.

Everything happens in a process of its own with a home of its own (the guard of conftest.py lets
only that one load a keyring), and the daemon goes with its bus.  Without gnome-keyring and dbus
it is skipped, visibly; with QUOTADECK_NEED_SECRET_SERVICE set, as in CI, it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import OWN_BUS, own_bus
from tests.terminals import base_variables

HERE = Path(__file__).parent
PASSWORD = "of this test alone"
NEEDED = ("dbus-run-session", "gnome-keyring-daemon", "bash")
START = """
printf %s "$QUOTADECK_TEST_PASSWORD" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
exec "$@"
"""


OWN = {
    "QUOTADECK_TEST_BUS_FOLDER": "/tmp/x", "HOME": "/tmp/x/home", "XDG_DATA_HOME": "/tmp/x/d",
    "XDG_RUNTIME_DIR": "/tmp/x/r", "XDG_CONFIG_HOME": "/tmp/x/c",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/tmp/dbus-y,guid=0",
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_the_guard_lets_only_that_process_load_a_keyring(name: str) -> None:
    """Not this one; and not with any of its folders, or its bus, left as a person has them."""
    theirs = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus"}.get(name, os.path.expanduser("~"))
    assert own_bus(OWN)
    assert not OWN_BUS
    assert not own_bus({**OWN, name: theirs})
    assert not own_bus({k: v for k, v in OWN.items() if k != name})


def require() -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing and os.environ.get("QUOTADECK_NEED_SECRET_SERVICE"):
        pytest.fail(f"{', '.join(missing)}: not there, and this machine must have it")
    if missing:
        pytest.skip(f"no real Secret Service was tried: {', '.join(missing)} not installed")


def test_a_real_secret_service_passes_the_suite() -> None:
    """The suite of every rung, then what only a daemon can do: be locked, be killed, be absent,
    hide behind other backends."""
    require()
    with tempfile.TemporaryDirectory(prefix="quotadeck-bus-") as folder:
        places = {n: f"{folder}/{n}" for n in ("XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")}
        home = Path(folder, "home")
        for place in (home, *map(Path, places.values())):
            place.mkdir(mode=0o700)
        variables = base_variables(
            home, **places, QUOTADECK_TEST_BUS_FOLDER=folder, QUOTADECK_TEST_PASSWORD=PASSWORD
        )
        suite = [str(HERE / "test_vault_suite.py"), str(HERE / "inside_secret_service.py")]
        pytest_run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suite]
        done = subprocess.run(
            ["dbus-run-session", "--", "sh", "-c", START, "sh", *pytest_run],
            cwd=HERE.parents[2], env=variables, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
