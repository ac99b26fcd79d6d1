"""`python -m tui` is the command `quotadeck`."""

from __future__ import annotations

from tui.cli import run

if __name__ == "__main__":
    run()
