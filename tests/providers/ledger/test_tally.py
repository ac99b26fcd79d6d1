"""The ledger in a pane: facts, answers, appends, and a scan that a person stops."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import providers.ledger.ledger
import providers.ledger.tally
from providers.base import Environment
from providers.engine.deck import account_id
from providers.engine.timeline import Stay, save_stays
from providers.ledger.model import LogFile, LogTree
from providers.ledger.progress import Progress
from providers.ledger.tally import Question, Tally, Told
from providers.model import Burn, Fact
from tests.conftest import FakeClock
from tests.providers.ledger.homes import ROOMS, at_home, summed
from tests.tui.shown import zone_of
from tui.demo_logs import DemoLogs

NOW = 1_795_330_000.0
"""2026-11-22 06:46:40 UTC."""
KEY = "person/organisation"


class Pane:
    """A reader thread and an owner's thread in one: jobs wait until `work` runs them."""

    def __init__(self, environment: Environment, **more: object) -> None:
        self.jobs: queue.Queue[Callable[[], object]] = queue.Queue()
        self.facts: dict[str, Fact] = {}
        self.told: list[Progress | None] = []
        self.clock = FakeClock(NOW)
        self.tally = Tally(
            environment, lambda: ROOMS, self.clock, do=self._do, post=self._post,
            told=lambda: self.told.append(self.tally.progress), zone=zone_of("UTC"), **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def _do(self, job: Callable[[], Sequence[Fact]]) -> None:
        self.jobs.put(lambda: self.facts.update({fact.provider: fact for fact in job()}))

    def _post(self, function: Callable[..., object], *arguments: object) -> None:
        self.jobs.put(lambda: function(*arguments))

    def work(self, until: Callable[[], bool] | None = None, seconds: float = 20.0) -> None:
        """Runs what waits; with ``until`` whatever comes until that is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.jobs.get(timeout=0.05 if until else 0.0)()
            except queue.Empty:
                if until is None:
                    return
            if until is not None and until():
                return
        pytest.fail("it never came")

    def burn(self, provider: str = "claude") -> Burn:
        fact = self.facts[provider]
        assert isinstance(fact, Burn)
        return fact

    def ask(self, question: Question) -> Told:
        answers: list[Told] = []
        self.tally.ask(question, answers.append)
        self.work(lambda: bool(answers))
        return answers[0]


@pytest.fixture
def home(tmp_path: Path) -> Environment:
    environment = at_home(tmp_path)
    DemoLogs(tmp_path, int(NOW)).write()
    return environment


def test_the_first_look_says_todays_tokens_and_the_last_hours(home: Environment) -> None:
    """Equal to what the index holds of today and of each quarter of an hour."""
    pane = Pane(home)
    pane.tally.start()
    pane.work()
    burn = pane.burn()
    day = {place: sum(counts[:4]) for place, counts in summed(home, "provider", "day").items()}
    quarters = summed(home, "provider", "quarter")
    assert burn.today == day["claude", "2026-11-22"] > 0
    assert burn.day_ends == NOW // 86_400 * 86_400 + 86_400
    assert len(burn.buckets) > 8
    for begin, tokens in burn.buckets:
        label = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(begin))
        assert tokens == sum(quarters["claude", label][:4])
        assert NOW - 4 * 3600 - 900 <= begin <= NOW
    assert pane.told == []


def test_what_is_appended_is_counted_at_once(home: Environment) -> None:
    """A line of a session is in the facts after one change; a burst of changes is one look."""
    pane = Pane(home)
    pane.tally.start()
    pane.work()
    before = pane.burn().today
    logs = DemoLogs(home.home, int(NOW))
    (path,) = home.home.rglob("00000000-0000-4000-8000-000000000000.jsonl")
    logs.step(1, int(NOW) - 5)
    for _ in range(20):
        pane.tally.changed(frozenset({path}))
    pane.work(lambda: pane.burn().today > before)
    assert pane.jobs.qsize() == 0


def test_only_logs_and_folders_on_the_way_to_them_matter(home: Environment) -> None:
    """Anything else in the home wakes nobody; all folders of logs are watched."""
    pane = Pane(home)
    logs = next(home.home.rglob("*.jsonl"))
    assert pane.tally.concerns(logs)
    assert pane.tally.concerns(home.home / ".claude")
    assert pane.tally.concerns(home.home / ".claude/projects/new-project")
    assert not pane.tally.concerns(home.home / "Downloads")
    assert not pane.tally.concerns(home.home / ".claude/projects/notes.txt")
    assert logs.parent in pane.tally.folders()
    assert Path("/") not in pane.tally.folders()


def test_nothing_is_read_before_it_is_started(home: Environment) -> None:
    """Changes and walks before the first frame do nothing; a question has a sentence for an answer."""
    pane = Pane(home)
    pane.tally.changed(frozenset({next(home.home.rglob("*.jsonl"))}))
    assert pane.tally.round() == ()
    assert pane.ask(Question((("model",),))).trouble == "the logs have not been looked at yet"
    assert not (home.state_dir / "ledger.sqlite3").exists()


def test_a_walk_finds_what_no_event_told_of(home: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes later, a minute where there are no events, and not before; a new day needs no walk."""
    pane = Pane(home)
    pane.tally.start()
    pane.work()
    before = pane.burn().today
    DemoLogs(home.home, int(NOW)).step(1, int(NOW) - 5)
    assert pane.tally.round() == ()
    pane.tally._counter._rest = 0.0
    found = {fact.provider: fact for fact in pane.tally.round()}
    assert found["claude"].today > before  # type: ignore[union-attr]
    assert pane.tally._counter._rest >= 300
    pane.tally.poll()
    pane.tally._counter._rest = 0.0
    pane.tally.round()
    assert 60 <= pane.tally._counter._rest < 300
    pane.clock.advance(86_400)
    tomorrow = {fact.provider: fact for fact in pane.tally.round()}
    assert "claude" not in tomorrow
    pane.clock.advance(-86_399 + 18 * 3600)
    assert pane.tally.round() == ()


def test_tables_answer_by_everything_at_once(home: Environment) -> None:
    """Projects, models and sessions of a provider have the same sum, which is that of the index."""
    pane = Pane(home)
    pane.tally.start()
    pane.work()
    told = pane.ask(Question((("project",), ("model",), ("session",)), provider="claude"))
    every = sum(sum(counts[:4]) for (p,), counts in summed(home, "provider").items() if p == "claude")
    assert [sum(row.tokens for row in table) for table in told.tables] == [every] * 3
    assert {row.names[0] for row in told.tables[1]} == {"claude-opus-5-5", "claude-sonnet-5-5"}
    assert [tool.id for tool in told.tools] == ["claude"]
    opus = pane.ask(Question((("model",),), model="opus"))
    assert [row.names for row in opus.tables[0]] == [("claude-opus-5-5",)]
    recent = pane.ask(Question((("day",),), since=NOW - 3600, provider="claude"))
    assert [row.names for row in recent.tables[0]] == [("2026-11-22",)]


def test_tokens_of_another_account_are_left_out_and_unknown_ones_told(home: Environment) -> None:
    """Of one account only what was used while it was live; what nobody's stay covers is counted apart."""
    save_stays(home.state_dir, [Stay("claude", "old", 0.0, NOW - 5 * 86_400),
                                Stay("claude", KEY, NOW - 3 * 86_400, NOW)])  # fmt: skip
    pane = Pane(home)
    pane.tally.start()
    pane.work()
    mine = pane.ask(Question((("day",),), provider="claude", account=account_id("claude", KEY)))
    days = {row.names[0] for row in mine.tables[0]}
    assert min(days) >= "2026-11-19"
    assert mine.others > 0
    theirs = pane.ask(Question((("day",),), provider="claude", account=account_id("claude", "old")))
    assert max(row.names[0] for row in theirs.tables[0]) <= "2026-11-17"
    every = pane.ask(Question((("day",),), provider="claude"))
    sums = [sum(row.tokens for row in told.tables[0]) for told in (mine, theirs, every)]
    assert sums[0] + sums[1] + mine.others == sums[2]


def test_wrong_prices_are_said_and_nothing_is_shown_without(home: Environment) -> None:
    """The sentence of the table, instead of figures with wrong prices."""
    home.config_dir.mkdir(parents=True)
    (home.config_dir / "prices.toml").write_text("[[model]]\n")
    pane = Pane(home)
    pane.tally.start()
    pane.work()
    assert pane.ask(Question((("day",),))).trouble == "prices.toml: a model lacks its names"


def test_much_is_read_by_the_child_and_told_of(home: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the bound a child counts; the facts are the same, the progress is None at the end."""
    monkeypatch.setattr(providers.ledger.ledger, "COLD_BYTES", 1000)
    pane = Pane(home)
    pane.tally.start()
    counter = pane.tally._counter
    pane.work(lambda: counter._ledger is not None and counter._ledger._busy)
    looks = counter._walked
    pane.work(lambda: "claude" in pane.facts)
    pane.work(lambda: counter._walked > looks and pane.tally.progress is None)
    pane.work()
    assert pane.tally.trouble == ""
    assert all(progress is None or progress.of_bytes > 1000 for progress in pane.told)
    day = {place: sum(counts[:4]) for place, counts in summed(home, "provider", "day").items()}
    assert pane.burn().today == day["claude", "2026-11-22"]


class Slow:
    """A tool with one log whose reader waits until it is let go."""

    id, name, version, why = "claude", "Slow", 1, ""

    def __init__(self, folder: Path) -> None:
        self.folder, self.approximate = folder, False
        self.reading, self.go = threading.Event(), threading.Event()

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        return (LogTree("slow", "logs", self.folder, "*.log"),)

    def open(self, file: LogFile, state: object) -> Slow:
        return self

    def feed(self, block: bytes, book: object) -> int:
        self.reading.set()
        self.go.wait(10)
        return 0

    def state(self) -> object:
        return None


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    room = Slow(tmp_path / "logs")
    room.folder.mkdir()
    for number in range(4):
        (room.folder / f"{number}.log").write_text("x\n" * 1000)
        os.utime(room.folder / f"{number}.log", (NOW, NOW))
    yield room
    room.go.set()


def test_a_stopped_scan_is_not_begun_again_by_itself(tmp_path: Path, slow: Slow) -> None:
    """After the key a walk reads nothing more, but what is appended is still read."""
    pane = Pane(at_home(tmp_path))
    pane.tally._counter._load = lambda: (slow,)  # type: ignore[assignment, return-value]
    pane.tally.start()
    reader = threading.Thread(target=pane.work, daemon=True)
    reader.start()
    assert slow.reading.wait(10)
    pane.tally.cancel()
    slow.go.set()
    reader.join(10)
    pane.work()
    ledger = pane.tally._counter._ledger
    assert ledger is not None
    left = ledger._scan.backlog()
    assert left > 0
    pane.tally._counter._rest = 0.0
    assert pane.tally.round() == ()
    assert ledger._scan.backlog() == left
    with (slow.folder / "0.log").open("a") as log:
        log.write("y\n")
    assert ledger.changed([slow.folder / "0.log"])
