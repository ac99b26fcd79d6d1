"""The samples of the tools' own lines, with the totals that go with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from providers.base import Environment
from tests.conftest import SAMPLES
from tests.providers.ledger.homes import scan, summed


def test_claude_lines(environment: Environment) -> None:
    """Six calls: streamed lines once, the side replay not, the advisor under its own model."""
    lines = json.loads((SAMPLES / "claude/session_lines.json").read_text())
    log = environment.home / ".claude/projects/x/s.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    scan(environment)
    assert summed(environment, "model", "tier") == {
        ("claude-opus-4-8", ""): (10, 712, 46000, 5100, 5100, 120, 2),
        ("claude-opus-4-8", "fast"): (10, 200, 25000, 800, 0, 0, 1),
        ("claude-haiku-4-5-20251001", ""): (100, 50, 0, 0, 0, 0, 1),
        ("claude-fable-5", ""): (2000, 400, 0, 0, 0, 0, 1),
        ("claude-sonnet-5", ""): (3, 80, 9000, 0, 0, 0, 1),
    }


def test_codex_rollouts(environment: Environment) -> None:
    """Totals by thread as expected, where the naive sum is nearly four times as much."""
    folder = environment.home / ".codex/sessions/2027/01/15"
    folder.mkdir(parents=True)
    for log in (SAMPLES / "codex/rollouts").glob("rollout-*.jsonl"):
        shutil.copy(log, folder)
    expected = json.loads((SAMPLES / "codex/rollouts/expected.json").read_text())
    scan(environment)
    rows = summed(environment, "session")
    tokens = {session: sum(counts[:4]) for (session,), counts in rows.items()}
    assert tokens == expected["correct_by_thread"]
    assert sum(tokens.values()) == expected["correct_total"] < expected["naive_sum_of_last_token_usage"]


def test_codex_of_2025(environment: Environment) -> None:
    """A rollout of Codex 0.46 counts 110 tokens; one without token counts none."""
    folder: Path = environment.home / ".codex/sessions"
    folder.mkdir(parents=True)
    for log in (SAMPLES / "codex/rollouts").glob("legacy-*.jsonl"):
        shutil.copy(log, folder / f"rollout-{log.name}")
    scan(environment)
    assert summed(environment, "model") == {("gpt-5-codex",): (100, 10, 0, 0, 0, 0, 1)}
