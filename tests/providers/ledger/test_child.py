"""The scan in a process of its own."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from providers.base import Environment
from providers.engine.lock import locked
from providers.ledger.cold import ColdScan
from providers.ledger.ledger import Ledger
from providers.ledger.progress import Progress
from providers.ledger.scan import Scan
from tests.providers.ledger.homes import ROOMS, at_home, index_of, scan, small_corpus, summed
from tests.providers.ledger.test_incremental import line
from tests.world.corpus import Corpus


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A home of some size, shared and never written to."""
    return small_corpus(tmp_path_factory.mktemp("source"), size=60, bulk=4000)


def own_state(corpus: Corpus, state: Path) -> Environment:
    """That home with a state folder of one's own."""
    there = at_home(corpus.home)
    return Environment(there.home, there.variables, there.config_dir, state, there.data_dir)


def truth(corpus: Corpus) -> dict[object, tuple[int, ...]]:
    return dict(corpus.truth(lambda r: (r.provider, r.session, r.model)))


def until(done: list[Progress]) -> Progress:
    """Waits for the last word of a scan."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if done and (done[-1].done or done[-1].stopped):
            return done[-1]
        time.sleep(0.01)
    raise AssertionError(f"the scan never ended: {done[-3:]}")


def test_a_child_scans_and_says_how_far_it_is(source: Corpus, tmp_path: Path) -> None:
    """Its totals are the truth; the last word counts all files and bytes."""
    environment = own_state(source, tmp_path)
    told: list[Progress] = []
    cold = ColdScan(environment, ROOMS, told.append)
    assert cold.start()
    last = until(told)
    assert (last.done, last.today, last.files) == (True, True, last.of_files)
    assert last.bytes == last.of_bytes > 0
    assert summed(environment, "provider", "session", "model") == truth(source)


def test_two_processes_come_to_the_same(
    source: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shared scan books what one process would, and counts each file once in its progress."""
    monkeypatch.setattr("providers.ledger.scan.SHARED_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    environment = own_state(source, tmp_path)
    index = index_of(environment)
    last = Scan(index, ROOMS, environment).run(alone=True)
    assert (last.done, last.files) == (True, last.of_files)
    assert last.bytes == last.of_bytes
    assert summed(environment, "provider", "session", "model") == truth(source)


def test_a_helper_that_is_killed_is_made_up_for(
    source: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the second process had taken and not written is read by the first."""
    from providers.ledger import sharing

    monkeypatch.setattr("providers.ledger.scan.SHARED_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    began = sharing.Helped.__init__

    def killed(self: sharing.Helped[object], *args: object) -> None:
        began(self, *args)  # type: ignore[arg-type]
        time.sleep(0.02)
        os.kill(self._pid, signal.SIGKILL)

    monkeypatch.setattr(sharing.Helped, "__init__", killed)
    environment = own_state(source, tmp_path)
    assert Scan(index_of(environment), ROOMS, environment).run(alone=True).done
    assert summed(environment, "provider", "session", "model") == truth(source)


def test_killed_anywhere_and_run_again(source: Corpus, tmp_path: Path) -> None:
    """SIGKILL at any moment, again and again: then a whole pass comes to the truth."""
    environment = own_state(source, tmp_path)
    chance = random.Random(3)
    for _ in range(6):
        cold = ColdScan(environment, ROOMS, lambda progress: None)
        assert cold.start()
        time.sleep(chance.uniform(0.05, 0.6))
        if cold._process is not None:
            cold._process.kill()
        cold.wait()
    assert scan(environment).done
    assert summed(environment, "provider", "session", "model") == truth(source)


def test_a_cancelled_scan_says_so_and_goes_on_later(source: Corpus, tmp_path: Path) -> None:
    """Cancelling is no trouble, and no work that was written is lost."""
    environment = own_state(source, tmp_path)
    told: list[Progress] = []
    cold = ColdScan(environment, ROOMS, told.append)
    assert cold.start()
    cold.cancel()
    last = until(told)
    assert (last.stopped, last.trouble) == (True, "")
    assert scan(environment).done


def test_a_pane_looks_again_when_the_child_has_let_go(
    source: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when it says that it is done: for as long as it tidies up, its lock would be in the way."""
    monkeypatch.setattr("providers.ledger.ledger.COLD_BYTES", -1)
    environment = own_state(source, tmp_path)
    told: list[Progress] = []
    freed = threading.Event()

    def free() -> None:
        with locked(environment.state_dir / "ledger.lock", 0.0):
            freed.set()

    Ledger(environment, ROOMS, told.append, free).catch_up()
    assert freed.wait(60)
    assert told[-1].done


def test_a_child_that_cannot_be_started_is_no_failure(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an interpreter to start, the pane reads the logs itself."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr("providers.ledger.ledger.COLD_BYTES", -1)
    log = environment.home / ".claude/projects/x/one.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(line("A"))
    told: list[Progress] = []
    Ledger(environment, ROOMS, told.append).catch_up()
    assert told[-1].done
    assert summed(environment, "provider") == {("claude",): (10, 20, 0, 0, 0, 0, 1)}


def test_a_pane_follows_its_logs(environment: Environment) -> None:
    """An append is read on its own; a path that is no log of ours is none."""
    log = environment.home / ".claude/projects/x/one.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(line("A"))
    told: list[Progress] = []
    ledger = Ledger(environment, ROOMS, told.append)
    ledger.catch_up()
    with log.open("ab") as file:
        file.write(line("B"))
    assert environment.home / ".claude/projects" in ledger.folders()
    assert ledger.changed([log]) is True
    assert ledger.changed([log, log.with_name("notes.txt"), Path("/nowhere/x.jsonl")]) is False
    assert told[-1].bytes == len(line("B"))
    assert summed(environment, "provider") == {("claude",): (20, 40, 0, 0, 0, 0, 2)}


def test_today_comes_first(environment: Environment) -> None:
    """Everything written today is in the index before the first older file is opened."""
    folder = environment.home / ".claude/projects/x"
    folder.mkdir(parents=True)
    for number in range(6):
        log = folder / f"{number}.jsonl"
        log.write_bytes(line(f"N{number}"))
        if number % 2:
            os.utime(log, (1_790_000_000, 1_790_000_000))
    seen: list[tuple[bool, int]] = []

    def tell(progress: Progress) -> None:
        seen.append((progress.today, sum(row[-1] for row in summed(environment, "provider").values())))

    scan(environment, tell=tell)
    assert seen == [(True, 3), (True, 6)]
