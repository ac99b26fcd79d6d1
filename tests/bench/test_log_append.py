"""What an appended log line costs: that of the new bytes, however long the log is."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from providers.engine.collector import Collector
from providers.engine.settings import environment_from
from tests.toy import Toy

Within = Callable[[str, Callable[[], float], float], None]


class Wall:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


def append_seconds(home: Path, size: int) -> float:
    """Median seconds to read one appended line of a log of ``size`` bytes."""
    log = home / ".toy/logs/x-1.log"
    log.parent.mkdir(parents=True)
    line = b"1" + b" " * 998 + b"\n"
    with log.open("wb") as file:
        for _ in range(size // len(line)):
            file.write(line)
    collector = Collector([Toy()], environment_from({}, home, "linux"), Wall())
    collector.sweep()
    taken: list[float] = []
    for turn in range(50):
        with log.open("ab") as file:
            file.write(json.dumps(turn % 100).encode() + b"\n")
        begin = time.perf_counter()
        assert collector.changed([log])
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def test_an_append_costs_what_is_new(within: Within, tmp_path: Path) -> None:
    """A log of 200 MB costs at most twice what one of 20 KB does, and at most 20 ms."""
    turn = iter(range(100))

    def measure() -> float:
        name = f"round-{next(turn)}"
        return append_seconds(tmp_path / name / "big", 200_000_000) / append_seconds(
            tmp_path / name / "small", 20_000
        )

    within("append to 200 MB / to 20 KB", measure, 2)
    within("ms for an append", lambda: append_seconds(tmp_path / "ms", 2_000_000) * 1000, 20)
