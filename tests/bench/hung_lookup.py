"""quotadeck on a machine whose name lookups never end."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

from tui.cli import run


def hang(*_: Any, **__: Any) -> Any:
    """Takes the place of ``getaddrinfo``: no timeout of ours can end it either."""
    Path.home().joinpath("looked-up").touch()
    threading.Event().wait()


if __name__ == "__main__":
    socket.getaddrinfo = hang
    run()
