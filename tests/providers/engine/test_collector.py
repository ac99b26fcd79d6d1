"""What is looked at, when it is read again, and what a broken provider costs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from providers.base import Environment
from providers.engine.collector import Collector
from providers.model import Fact, Failure, LoginState, Outcome, Reading, SourceReport, Status
from tests.conftest import FakeClock
from tests.toy import Toy


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def root(environment: Environment) -> Path:
    folder = environment.home / ".toy"
    (folder / "side").mkdir(parents=True)
    (folder / "logs/2026/11").mkdir(parents=True)
    return folder


@pytest.fixture
def collector(toy: Toy, environment: Environment, clock: FakeClock) -> Collector:
    return Collector([toy], environment, clock)


def percents(facts: list[Fact]) -> list[float | None]:
    return [f.windows[0].used_percent for f in facts if isinstance(f, Reading)]


def test_only_what_changed_is_read(collector: Collector, toy: Toy, root: Path) -> None:
    """The second sweep opens nothing; a rewritten file is read again."""
    (root / "side/a.json").write_text("41")
    assert percents(collector.sweep()) == [41]
    before = len(toy.reads)
    assert collector.sweep() == []
    assert len(toy.reads) == before
    (root / "side/a.json").write_text("42.5")
    assert percents(collector.changed([root / "side/a.json"])) == [42.5]


def test_reading_again_reads_everything(collector: Collector, toy: Toy, root: Path) -> None:
    """The key r reads files whose stat did not change as well."""
    (root / "side/a.json").write_text("41")
    collector.sweep()
    assert percents(collector.sweep("toy", again=True)) == [41]
    assert collector.sweep("another", again=True) == []


def test_appended_lines_are_new_facts(collector: Collector, root: Path) -> None:
    """A log yields what was appended, and nothing twice."""
    log = root / "logs/2026/11/x-1.log"
    log.write_text("10\n20\n")
    assert percents(collector.sweep()) == [20]
    with log.open("a") as file:
        file.write("30\n4")
    assert percents(collector.changed([log])) == [30]
    assert percents(collector.sweep()) == []


def test_only_the_newest_logs_are_opened(collector: Collector, root: Path) -> None:
    """Of many logs the newest few by mtime are read, wherever they lie."""
    for number in range(8):
        log = root / f"logs/2026/x-{number}.log"
        log.write_text(f"{number}\n")
        os.utime(log, (1_000_000 + number, 1_000_000 + number))
    assert sorted(p for p in percents(collector.sweep()) if p is not None) == [5, 6, 7]


def test_a_login_that_vanishes_is_noticed(collector: Collector, root: Path) -> None:
    """Removing the login file is a change like any other."""
    (root / "login").write_text("me")
    assert [f.status for f in collector.sweep() if isinstance(f, LoginState)] == [Status.OK]
    (root / "login").unlink()
    gone = collector.changed([root / "login"])
    assert [f.status for f in gone if isinstance(f, LoginState)] == [Status.UNCONFIGURED]


def test_a_big_file_rests_between_two_reads(
    collector: Collector, toy: Toy, root: Path, clock: FakeClock
) -> None:
    """A big file that changes in bursts is read at most every five seconds, and not forgotten."""
    big = root / "side/big.json"
    big.write_text("1" + " " * 300_000)
    assert percents(collector.sweep()) == [1]
    big.write_text("2" + " " * 300_001)
    clock.advance(1)
    assert collector.changed([big]) == []
    assert collector.resting() == {big}
    clock.advance(5)
    assert percents(collector.sweep()) == [2]
    assert collector.resting() == frozenset()


def test_bad_files_are_reported_and_harm_nothing(collector: Collector, root: Path) -> None:
    """One unreadable sidecar is named in the report; its neighbour is read."""
    (root / "side/a.json").write_text("41")
    (root / "side/b.json").write_text("garbage")
    (root / "side/c.json").symlink_to(root / "side/a.json")
    facts = collector.sweep()
    assert percents(facts) == [41]
    report = next(f for f in facts if isinstance(f, SourceReport) and f.source_id == "side")
    assert report.outcome is Outcome.READ
    assert "+1 more" in report.detail


def test_absent_sources_are_reported_with_where_they_would_be(collector: Collector) -> None:
    """A person sees what was looked for, with ~ for home."""
    reports = {f.source_id: f for f in collector.sweep() if isinstance(f, SourceReport)}
    assert {r.outcome for r in reports.values()} == {Outcome.ABSENT}
    assert reports["side"].path == "~/.toy/side/*.json"


def test_a_source_that_is_switched_off_is_not_opened(
    toy: Toy, environment: Environment, clock: FakeClock, root: Path
) -> None:
    """Off means neither read nor watched, and said so."""
    (root / "side/a.json").write_text("41")
    collector = Collector([toy], environment, clock, off=frozenset({("toy", "side")}))
    facts = collector.sweep()
    assert toy.reads == ["login"]
    assert root / "side" not in collector.folders()
    off = [f for f in facts if isinstance(f, SourceReport) and f.outcome is Outcome.OFF]
    assert [f.source_id for f in off] == ["side"]


def test_our_own_writes_are_not_taken_back(
    toy: Toy, environment: Environment, clock: FakeClock, root: Path
) -> None:
    """A sidecar that carries this process's mark is recognised by it, not by its path."""
    collector = Collector([toy], environment, clock, writer="4242:abcdef012345")
    (root / "side/a.json").write_text('"4242:abcdef012345"')
    (root / "side/b.json").write_text("7")
    assert percents(collector.sweep()) == [7]
    assert "a.json" not in toy.reads


def test_a_provider_that_raises_harms_its_own_panel_only(
    environment: Environment, clock: FakeClock, root: Path
) -> None:
    """A bug in one provider is an error of its own, without the text of the exception."""
    broken, sound = Toy("broken", raises=ZeroDivisionError), Toy()
    (environment.home / ".broken/side").mkdir(parents=True)
    (environment.home / ".broken/side/a.json").write_text("1")
    (root / "side/a.json").write_text("41")
    facts = Collector([broken, sound], environment, clock).sweep()
    assert percents(facts) == [41]
    failures = [f for f in facts if isinstance(f, Failure)]
    assert [(f.provider, f.status) for f in failures] == [("broken", Status.ERROR)]
    assert "canary" not in repr(facts)


def test_missing_folders_are_awaited_at_their_nearest_ancestor(
    collector: Collector, environment: Environment
) -> None:
    """Before the tool is installed its home is watched, then each folder that appears."""
    home = environment.home
    assert collector.folders() == {home}
    (home / ".toy/logs/2026").mkdir(parents=True)
    assert collector.folders() == {home / ".toy", home / ".toy/logs", home / ".toy/logs/2026"}
    assert collector.concerns(home / ".toy")
    assert not collector.concerns(home / ".bash_history")


def test_origins_carry_no_user_name(collector: Collector, root: Path) -> None:
    """Paths are shown and copied, so home is a tilde."""
    (root / "side/a.json").write_text("41")
    origins = [f.origin for f in collector.sweep() if isinstance(f, Reading)]
    assert origins == ["~/.toy/side/a.json"]
