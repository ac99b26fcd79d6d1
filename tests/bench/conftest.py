"""Benchmarks: every bound is a ratio to something measured in the same run.

Machines are shared and noisy, so each figure is taken several times in turn with its
reference, the median counts, and a bound that is missed is measured anew, five times at most.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROUNDS = 5


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a benchmark."""
    for item in items:
        if "tests/bench" in str(item.fspath):
            item.add_marker(pytest.mark.bench)


@pytest.fixture
def within() -> Callable[[str, Callable[[], float], float], None]:
    """``within(name, measure, bound)``: prints the figure and fails if every try exceeds it."""

    def check(name: str, measure: Callable[[], float], bound: float) -> None:
        tries: list[float] = []
        for _ in range(ROUNDS):
            tries.append(measure())
            if tries[-1] <= bound:
                break
        figure = min(tries)
        print(f"\n  {name}: {figure:.2f} (bound {bound:g})")
        target = os.environ.get("QUOTADECK_BENCH_OUT")
        if target:
            with Path(target).open("a", encoding="utf-8") as out:
                out.write(json.dumps({"figure": name, "value": round(figure, 3), "bound": bound}) + "\n")
        assert figure <= bound, f"{name}: {', '.join(f'{t:.2f}' for t in tries)} > {bound:g}"

    return check


@pytest.fixture
def demo_home(tmp_path: Path) -> Path:
    """A home as two tools leave it, with the history and the record of requests of a pane."""
    import time

    from providers.engine.clock import SystemClock
    from providers.engine.settings import Settings
    from providers.live import open_live
    from tui.demo import DemoWorld
    from tui.demo_network import network

    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    world = DemoWorld(home, time.time())
    world.write()
    live = open_live(world.environment, Settings(), SystemClock(), network=lambda: network(world))
    live.load()
    live.refresh([])
    assert (world.environment.state_dir / "schedule.json").exists()
    return home
