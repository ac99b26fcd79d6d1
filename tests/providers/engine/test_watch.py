"""The watcher: what it tells, folders that appear later, file systems without events."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.base import Environment
from providers.engine.collector import Collector
from providers.engine.reader import Reader
from providers.engine.watch import Watch, needs_polling
from providers.model import Fact, Reading
from tests.conftest import FakeClock
from tests.toy import Toy


@pytest.fixture
def published(environment: Environment, clock: FakeClock) -> Iterator[queue.Queue[float | None]]:
    """A running reader and watcher; a queue of the percentages they publish."""
    seen: queue.Queue[float | None] = queue.Queue()

    def publish(facts: list[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, Reading):
                seen.put(fact.windows[0].used_percent)

    collector = Collector([Toy()], environment, clock)
    reader = Reader(collector, publish)
    watch = Watch(collector.folders, collector.concerns, reader.changed)
    reader.start()
    watch.start()
    yield seen
    watch.stop()
    reader.stop()


def until(seen: queue.Queue[float | None], wanted: float) -> None:
    """Waits for a percentage; fails after ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if seen.get(timeout=0.2) == wanted:
                return
        except queue.Empty:
            continue
    pytest.fail(f"{wanted} was never published")


def test_a_rewritten_file_is_told(published: queue.Queue[float | None], environment: Environment) -> None:
    """A sidecar replaced by rename arrives."""
    side = environment.home / ".toy/side"
    side.mkdir(parents=True)
    for percent in (11, 12):
        temporary = side / "new"
        temporary.write_text(str(percent))
        temporary.rename(side / "a.json")
        until(published, percent)


def test_folders_that_appear_later_are_picked_up(
    published: queue.Queue[float | None], environment: Environment
) -> None:
    """The tool's home, then a dated folder in it, are made while the pane is open."""
    root = environment.home / ".toy"
    root.mkdir()
    time.sleep(0.2)
    (root / "logs/2026/11/24").mkdir(parents=True)
    log = root / "logs/2026/11/24/x-1.log"
    log.write_text("21\n")
    until(published, 21)
    with log.open("a") as file:
        file.write("22\n")
    until(published, 22)


def test_a_folder_that_is_replaced_is_watched_again(
    published: queue.Queue[float | None], environment: Environment
) -> None:
    """Deleting and remaking a watched folder does not blind the watcher."""
    side = environment.home / ".toy/side"
    side.mkdir(parents=True)
    (side / "a.json").write_text("31")
    until(published, 31)
    (side / "a.json").unlink()
    side.rmdir()
    time.sleep(0.3)
    side.mkdir()
    (side / "a.json").write_text("32")
    until(published, 32)


MOUNTS = """\
22 1 254:1 / / rw,relatime - ext4 /dev/vda rw
40 22 0:35 / /home/dev rw,relatime - nfs4 server:/export rw
41 22 0:36 / /mnt/with\\040space rw - 9p drvfs rw
"""


@pytest.mark.parametrize(
    ("folder", "release", "polled"),
    [
        ("/home/dev/.claude", "6.1.0-amd64", True),
        ("/home/developer/.claude", "6.1.0-amd64", False),
        ("/mnt/with space/x", "6.1.0-amd64", True),
        ("/var", "6.1.0-amd64", False),
        ("/var", "5.15.90.1-microsoft-standard-WSL2", True),
    ],
)
def test_where_no_events_come_files_are_polled(folder: str, release: str, polled: bool) -> None:
    """Network file systems and WSL raise no event for changes made elsewhere."""
    assert needs_polling(frozenset({Path(folder)}), MOUNTS, release) is polled
