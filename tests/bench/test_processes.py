"""One-shot commands as whole processes, against ``python -c pass``."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.terminals import QUOTADECK, base_variables

STATUSLINE = json.dumps(
    {
        "session_id": "77777777-7777-4777-8777-777777777777",
        "cost": {"total_api_duration_ms": 1},
        "rate_limits": {"five_hour": {"used_percentage": 41.2, "resets_at": 1795339200}},
    }
).encode()
Within = Callable[[str, Callable[[], float], float], None]


def ratio(command: list[str], home: Path, stdin: bytes = b"", rounds: int = 9) -> float:
    """Median of the pairwise ratios of wall time against an empty Python."""
    variables = base_variables(home)
    del variables["PYTHONDONTWRITEBYTECODE"]
    warm = [command, [sys.executable, "-c", "pass"]]
    ratios: list[float] = []
    for turn in range(rounds + 1):
        taken: list[float] = []
        for each in warm:
            begin = time.perf_counter()
            subprocess.run(each, input=stdin, env=variables, capture_output=True, check=True, timeout=30)
            taken.append(time.perf_counter() - begin)
        if turn:
            ratios.append(taken[0] / taken[1])
    return statistics.median(ratios)


def test_status_json(within: Within, demo_home: Path) -> None:
    """``status --json`` costs at most six empty Pythons."""
    within("status --json / python -c pass", lambda: ratio([*QUOTADECK, "status", "--json"], demo_home), 6)


def test_statusline(within: Within, demo_home: Path) -> None:
    """``statusline`` costs at most three empty Pythons: it runs at every render of a prompt."""
    command = [*QUOTADECK, "statusline"]
    within("statusline / python -c pass", lambda: ratio(command, demo_home, STATUSLINE), 3)
