"""A passphrase from a file descriptor, for scripts: ``--passphrase-fd 3 3< <(pass show vault)``.

For every command that needs the vault.  Neither an argument nor a variable may carry one: both
can be read by others while we run.
"""

from __future__ import annotations

import os

from providers.accounts.secret import Secret

LONGEST = 1024
"""Bytes."""


class NotOpened(Exception):
    """The vault stays closed and nothing was changed; one clean sentence (exit code 3)."""


def passphrase_from(fd: int) -> Secret:
    """The first line that can be read there, without its line break; the descriptor is closed,
    unless it is one of the three standard ones.  Raises `NotOpened`."""
    data = b""
    try:
        while b"\n" not in data and len(data) <= LONGEST:
            part = os.read(fd, LONGEST + 1 - len(data))
            if not part:
                break
            data += part
        if fd > 2:
            os.close(fd)
    except (OSError, OverflowError, ValueError):
        raise NotOpened(f"no passphrase can be read from descriptor {fd}") from None
    line = data.partition(b"\n")[0].removesuffix(b"\r")
    if not line:
        raise NotOpened(f"descriptor {fd} gave no passphrase")
    if len(line) > LONGEST:
        raise NotOpened(f"what descriptor {fd} gave is longer than {LONGEST} bytes, so no passphrase")
    try:
        return Secret(line.decode())
    except UnicodeDecodeError:
        raise NotOpened(f"what descriptor {fd} gave is not UTF-8 text") from None
