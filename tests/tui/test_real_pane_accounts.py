"""Accounts in a real pane in a real tmux: keep two, switch, go back, with a vault made on the way.

What only a real loop with real threads shows: dialogs that open because a thread's work met a
shut vault.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from tests.terminals import QUOTADECK, Tmux, base_variables
from tests.world.issuer import Issuer
from tests.world.logins import put


def log_in(home: Path, name: str) -> None:
    """What ``claude auth login`` leaves."""
    tokens = Issuer(home / "issuer", "claude", time.time()).log_in(name)
    put(home / ".claude/.credentials.json", {"claudeAiOauth": tokens})
    account = {
        "accountUuid": f"acc-{name}",
        "organizationUuid": f"org-{name}",
        "emailAddress": f"{name}@example.com",
    }
    put(home / ".claude.json", {"oauthAccount": account})


def live(home: Path) -> str:
    """Whose login is live, by both files."""
    account = json.loads((home / ".claude.json").read_text())["oauthAccount"]["emailAddress"]
    token = json.loads((home / ".claude/.credentials.json").read_text())["claudeAiOauth"]["refreshToken"]
    assert f"-{account[0]}-" in token
    return str(account[0])


def until(tmux: Tmux, key: str, pattern: str) -> None:
    """Presses a key until what it does is on the screen: accounts come a moment after the first
    frame, and a key before that only says so."""
    for _ in range(8):
        tmux.keys(key)
        for _ in range(30):
            if any(re.search(pattern, line) for line in tmux.screen()):
                return
            time.sleep(0.05)
    tmux.wait_for(pattern, 0.1)


def test_two_accounts_from_nothing(tmp_path: Path) -> None:
    """The rung is chosen, a passphrase made, the second login kept, switched with two keys, undone."""
    put(tmp_path / ".config/quotadeck/config.toml", 'polling = "key"\n')
    log_in(tmp_path, "a")
    tmux = Tmux(base_variables(tmp_path), 80, 24)
    try:
        tmux.start([*QUOTADECK])
        tmux.wait_for("a add account|enter detail")
        until(tmux, "a", "Where to keep secrets")
        until(tmux, "j", "> *encrypted")
        until(tmux, "Enter", "passphrase: _")
        tmux.keys("correct horse", "Enter")
        tmux.wait_for("again")
        tmux.keys("correct horse", "Enter")
        tmux.wait_for("kept: a@example.com")
        until(tmux, "Escape", "enter detail")
        log_in(tmp_path, "b")
        tmux.wait_for("b@example.com")
        until(tmux, "a", "kept: b@example.com")
        until(tmux, "Escape", "enter detail")
        until(tmux, "s", r"Switch Claude Code to\s+2 accounts")
        until(tmux, "1", "verified: a@example.com")
        assert live(tmp_path) == "a"
        until(tmux, "U", "verified: b@example.com")
        assert live(tmp_path) == "b"
        shown = "\n".join(tmux.screen())
        assert re.search("CANARY|sk-ant", shown) is None
    finally:
        tmux.kill()
