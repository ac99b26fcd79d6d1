"""Canary secrets in logins, answers and the environment, and a pane that shows all it has:
none of them on the terminal, in a copy, a notice, a file of ours or a child's hands."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from pathlib import Path

import pytest

from providers.claude import statusline
from tests.terminals import QUOTADECK, PtyProgram, base_variables
from tests.world import faults
from tests.world.homes import logged_in_home
from tests.world.standin import StandIn
from tui.notices import QUIET_START

FROM_SERVER = "sk-ant-oat01-CANARYfromserver"
FROM_ENVIRONMENT = "ghp_CANARYfromenvironment"
ESC = b"\x1b"
ALL_PAGES = (
    b"\t", b"y", b"\r", b"w", b"y", ESC, b"e", b"y", ESC, b",", ESC, b":", b"copy", ESC, b"?", ESC, b"z",
)  # fmt: skip
TAKES_NOTICES = """
import json, os, sys
with open({path!r}, "a") as out:
    out.write(sys.stdin.read() + json.dumps(dict(os.environ)))
"""


def answer(sent: str, now: float) -> dict[str, object]:
    """What Codex' endpoint might say if it put secrets into every text."""
    window = {"used_percent": 37, "limit_window_seconds": 18_000, "reset_at": int(now) + 7_200}
    return {
        "plan_type": sent, "email": sent, "account_id": "11111111-1111-4111-8111-111111111111",
        "user_id": "user-EXAMPLE-A", "rate_limit": {"primary_window": window},
        "additional_rate_limits": [{"limit_name": sent, "rate_limit": {"primary_window": window}}],
        "rate_limit_reached_type": {"type": sent},
    }  # fmt: skip


def work(home: Path, used: float, turn: int) -> None:
    """A status line of Claude Code with this used percent."""
    now = time.time()
    limits = {"five_hour": {"used_percentage": used, "resets_at": int(now) // 600 * 600 + 9_000}}
    document = {"session_id": "s1", "cost": {"total_api_duration_ms": turn}, "rate_limits": limits}
    folder = home / ".local/state/quotadeck/statusline"
    statusline.run(json.dumps(document).encode(), str(folder), now)


@pytest.mark.endurance
def test_no_secret_leaves_the_pane(tmp_path: Path) -> None:
    """Every page is opened and copied while both providers answer, a notice goes out and its
    command runs."""
    home, taken = tmp_path / "home", tmp_path / "taken"
    canaries = logged_in_home(home, time.time())
    program = [sys.executable, "-c", TAKES_NOTICES.format(path=str(taken))]
    config = home / ".config/quotadeck/config.toml"
    config.parent.mkdir(parents=True, mode=0o700)
    config.write_text(f'polling = "on"\nnotify = "osc9"\nnotify_command = {json.dumps(program)}\n')
    work(home, 40, 1)
    with StandIn() as server:
        server.answer("codex", "/backend-api/wham/usage", faults.ok(answer(FROM_SERVER, time.time())))
        refused = faults.status(403, json.dumps({"error": {"message": FROM_SERVER}}).encode())
        server.answer("claude", "/api/oauth/profile", refused)
        variables = base_variables(home, GITHUB_TOKEN=FROM_ENVIRONMENT, **server.variables)
        pane = PtyProgram(QUOTADECK, variables)
        try:
            pane.wait_for(rb"37%")
            assert {r.provider for r in server.requests} == {"claude", "codex"}
            time.sleep(QUIET_START + 1)
            work(home, 100, 2)
            pane.wait_for(rb"\x1b\]9;")
            for keys in ALL_PAGES:
                pane.type(keys)
                time.sleep(0.25)
            pane.type(b"q")
            assert pane.wait(5) == 0
        finally:
            pane.kill()
    output = bytes(pane.output).decode(errors="replace")
    copies = [base64.b64decode(c).decode() for c in re.findall(r"\x1b\]52;c;([A-Za-z0-9+/=]+)", output)]
    assert len(copies) == 3
    assert "Codex" in copies[0]
    assert taken.exists()
    kept = [p for p in home.rglob("*") if p.is_file() and p.parent.name not in (".claude", ".codex")]
    said = [output, *copies, taken.read_text()]
    said += [p.read_bytes().decode(errors="replace") for p in kept if p.name != ".claude.json"]
    for canary in (*canaries.all, FROM_SERVER, FROM_ENVIRONMENT, "CANARY"):
        assert not any(canary in text for text in said), canary
