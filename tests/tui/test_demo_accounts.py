"""Accounts in the demo, on a real terminal: the whole way from a key to the file and back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.terminals import QUOTADECK, PtyProgram, base_variables
from tui.demo import PARKED


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return base_variables(tmp_path)


def test_the_demo_switches_and_undoes(variables: dict[str, str]) -> None:
    """s 1 and U: both verified; no token of the made-up logins is ever painted."""
    pane = PtyProgram([*QUOTADECK, "--demo"], variables)
    try:
        pane.wait_for(rb"switch")
        end = time.monotonic() + 10
        while b"Switch Claude" not in pane.output and time.monotonic() < end:
            # In the first half second there is no clerk yet, which a toast says.
            pane.type(b"s")
            time.sleep(0.1)
        pane.wait_for(rb"writes")
        pane.type(b"1")
        pane.wait_for(rb"verified: home")
        pane.type(b"U")
        pane.wait_for(rb"verified: work")
        pane.type(b"\x1bq")
    finally:
        pane.kill()
    assert not any(f"demo-{alias}".encode() in pane.output for alias in ("work", *(p[0] for p in PARKED)))


def test_read_only_shows_no_key_that_touches_a_login(variables: dict[str, str]) -> None:
    """The flag reaches the footer, and the key does nothing."""
    pane = PtyProgram([*QUOTADECK, "--demo", "--read-only"], variables)
    try:
        pane.wait_for(rb"62%")
        pane.wait_for(rb"refresh all")
        pane.type(b"s")
        pane.type(b"?")
        pane.wait_for(rb"Keys")
    finally:
        pane.kill()
    assert b"switch" not in bytes(pane.output)
