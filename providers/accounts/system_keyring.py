"""The keyring of this system: the Secret Service on the session bus, or a Mac's keychain.

For vaults.py, which calls it in the vault's threads.  Backends are named, not found: what an
environment variable, a config file or an installed plugin would choose may store in plain text,
or nothing at all.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import MutableMapping
from pathlib import Path

from providers.accounts.vault import Keyring, State, VaultTrouble
from providers.base import Environment

BUS = "DBUS_SESSION_BUS_ADDRESS"

RECIPES = {
    State.ABSENT: (
        "umask 077",
        'export DBUS_SESSION_BUS_ADDRESS="unix:path=${XDG_RUNTIME_DIR:?}/bus"',
        '[ -S "$XDG_RUNTIME_DIR/bus" ] || dbus-daemon --session --fork --nopidfile'
        ' --address="$DBUS_SESSION_BUS_ADDRESS" 2>/dev/null',
        "read -rs PW; printf %s \"$PW\" | gnome-keyring-daemon --unlock --components=secrets"
        " >/dev/null 2>&1; unset PW",
    ),
    State.LOCKED: (
        'export DBUS_SESSION_BUS_ADDRESS="${DBUS_SESSION_BUS_ADDRESS:-unix:path=$XDG_RUNTIME_DIR/bus}"',
        "read -rs PW; printf %s \"$PW\" | gnome-keyring-daemon --replace --unlock --components=secrets"
        " >/dev/null 2>&1; unset PW",
    ),
}  # fmt: skip
"""What a person runs in bash, with dbus and gnome-keyring installed; it reads the keyring's
password without echo.  ``printf``, not ``echo``, whose newline would belong to the password;
``--replace`` where a daemon runs already, which without it stays locked and says 0 all the same.
"""

MAC_RECIPE = ("security unlock-keychain",)


def system_keyring(environment: Environment, variables: MutableMapping[str, str]) -> Keyring:
    """The keyring of this system, of an allow-listed kind, or `VaultTrouble`.

    ``variables`` is the process's own environment: a pane that was started without the address
    of the bus is given the one that lies in the runtime folder.
    """
    if environment.platform == "darwin":
        from providers.accounts.keychain import Keychain

        return Keychain(environment.home)
    if BUS not in variables:
        bus = _bus(environment.variables.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        if bus is None:
            raise VaultTrouble(State.ABSENT)
        variables[BUS] = f"unix:path={bus}"
    _refuse_locked()
    from keyring.backends import SecretService

    keyring = SecretService.Keyring()  # type: ignore[no-untyped-call]
    # What KEYRING_PROPERTY_* put there: it could send secrets to a collection of its own.
    vars(keyring).clear()
    return keyring


def recipe(platform: str, state: State) -> tuple[str, ...]:
    """The lines that help out of a state, none if nothing general does."""
    if platform == "darwin":
        return MAC_RECIPE if state is State.LOCKED else ()
    return RECIPES.get(State.LOCKED if state is State.UNMADE else state, ())


def _bus(runtime_folder: str) -> Path | None:
    """The session bus of systemd and of our own recipe, if it is this user's."""
    bus = Path(runtime_folder, "bus")
    with contextlib.suppress(OSError):
        info = bus.stat()
        if stat.S_ISSOCK(info.st_mode) and info.st_uid == os.getuid():
            return bus
    return None


def _refuse_locked() -> None:
    """keyring would ask for a prompt that nobody may see; this looks without asking."""
    import secretstorage

    with contextlib.closing(secretstorage.dbus_init()) as connection:
        if not secretstorage.check_service_availability(connection):
            raise VaultTrouble(State.ABSENT)
        try:
            # Not get_default_collection, which would ask a person to make one.
            locked = secretstorage.Collection(connection).is_locked()
        except secretstorage.exceptions.ItemNotFoundException:
            raise VaultTrouble(State.UNMADE) from None
        if locked:
            raise VaultTrouble(State.LOCKED)
