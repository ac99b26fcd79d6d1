"""The ledger against ccusage 20.0.24 (Rust, two threads) on 1.5 GB of logs in the page cache.

Both run on the same home in turn, both niced alike, since a shared machine would else give a niced
process what others leave.  ccusage comes from npm; where it cannot be had the comparison is skipped.
QUOTADECK_BENCH_MB makes a smaller home.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from providers.base import Environment
from providers.engine.clock import SystemClock
from providers.engine.settings import Settings
from providers.ledger.cold import ColdScan
from providers.ledger.ledger import Ledger
from providers.ledger.progress import Progress
from providers.ledger.query import totals
from providers.ledger.scan import Scan, index_path
from providers.live import Live, open_live
from tests.providers.ledger.homes import ROOMS, at_home, index_of, scan, summed
from tests.providers.ledger.test_incremental import line
from tests.world.corpus import Corpus, day
from tests.world.corpus_claude import write_claude
from tests.world.corpus_codex import write_codex
from tui.app import QuotadeckApp

Within = Callable[[str, Callable[[], float], float], None]
PEER = "ccusage@20.0.24"
MEGABYTES = int(os.environ.get("QUOTADECK_BENCH_MB", "1500"))


@pytest.fixture(scope="module", autouse=True)
def kept_bytecode() -> Iterator[None]:
    """Bytecode is kept as after an install: compiling our modules takes 20 ms of each child."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    """About 900 MB of Claude Code and 600 of Codex with 106 000 responses; deleted afterwards."""
    home = tmp_path_factory.mktemp("corpus")
    sessions = max(4, MEGABYTES * 430 // 1500)
    made = Corpus(home, seed=5, bulk=14_000)
    write_claude(made, sessions, turns=110)
    made.bulk = 7_000
    write_codex(made, sessions * 3 // 4, calls=170)
    size = sum(file.stat().st_size for file in made.files) / 1e6
    print(f"\n  corpus: {size:.0f} MB, {len(made.files)} files, {len(made.responses)} responses")
    yield made
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of ccusage's native package."""
    folder = tmp_path_factory.mktemp("peer")
    command = ["npm", "install", "--silent", "--no-save", "--prefix", str(folder), PEER]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        program = next((folder / "node_modules/@ccusage").glob("*/bin/ccusage"))
    except (OSError, subprocess.SubprocessError, StopIteration):
        pytest.skip(f"{PEER} cannot be installed with npm here")
    program.chmod(0o755)
    return program


def fresh(corpus: Corpus) -> Environment:
    """The home without an index."""
    environment = at_home(corpus.home)
    shutil.rmtree(environment.state_dir, ignore_errors=True)
    return environment


class Cold(NamedTuple):
    """Seconds from starting the child to totals by day read from the index, and to the child's end."""

    shown: float
    saved: float


def cold(environment: Environment, tell: Callable[[Progress], object] = lambda progress: None) -> Cold:
    """A scan without an index."""
    ended = threading.Event()

    def told(progress: Progress) -> None:
        tell(progress)
        if progress.done or progress.stopped:
            ended.set()

    begin = time.perf_counter()
    child = ColdScan(environment, ROOMS, told)
    assert child.start()
    assert ended.wait(120)
    assert totals(index_of(environment), by=("provider", "model", "day"))
    shown = time.perf_counter() - begin
    assert child.wait() == 0
    return Cold(shown, time.perf_counter() - begin)


def peer_seconds(peer: Path, corpus: Corpus) -> float:
    """Seconds of ``ccusage daily`` over the same logs."""
    variables = {"HOME": str(corpus.home), "TZ": "UTC", "PATH": os.environ["PATH"]}
    command = ["nice", "-n", "10", str(peer), "daily", "--offline", "--json"]
    begin = time.perf_counter()
    done = subprocess.run(command, env=variables, capture_output=True, timeout=120)
    assert done.returncode == 0
    assert len(done.stdout) > 1000
    return time.perf_counter() - begin


def test_a_cold_scan_is_exact(corpus: Corpus) -> None:
    """Every row by model, session and day."""
    environment = fresh(corpus)
    cold(environment)
    truth = corpus.truth(lambda r: (r.provider, r.model, r.session, r.tier, day(r)))
    assert summed(environment, "provider", "model", "session", "tier", "day") == truth


@pytest.mark.parametrize(("until", "bound"), [("shown", 0.8), ("saved", 1.0)])
def test_a_cold_scan_against_ccusage(
    within: Within, corpus: Corpus, peer: Path, until: str, bound: float
) -> None:
    """Median of three rounds in turn: until totals are shown, and until the child has ended."""

    def measure() -> float:
        pairs = [(cold(fresh(corpus)), peer_seconds(peer, corpus)) for _ in range(3)]
        ours = statistics.median(getattr(scan, until) for scan, _ in pairs)
        theirs = statistics.median(seconds for _, seconds in pairs)
        print(f"\n    {until} {ours:.2f} s, ccusage {theirs:.2f} s, {ours / theirs:.2f} x")
        return ours / theirs

    within(f"cold scan until all is {until} / ccusage", measure, bound)


def test_the_child_stays_small(within: Within, corpus: Corpus) -> None:
    """Peak of both processes together, pages that they share counted once."""

    def measure() -> float:
        peak, ended = [0], threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                peak[0] = max(peak[0], sum(map(_memory, _descendants(os.getpid()))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        cold(fresh(corpus))
        ended.set()
        watcher.join()
        assert peak[0] > 0
        return peak[0] / 1e6

    within("MB of the scanning processes", measure, 110)


def test_today_comes_first(within: Within, corpus: Corpus) -> None:
    """The first figure of today: with an empty index, and with one that is there."""
    log = corpus.home / ".claude/projects/today/one.jsonl"
    log.parent.mkdir(parents=True)
    now = time.time()
    log.write_bytes(line("TODAY", time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now))))
    midnight = now - now % 86_400

    def empty() -> float:
        environment, shown = fresh(corpus), []
        begin = time.perf_counter()

        def tell(progress: Progress) -> None:
            if (
                not shown
                and progress.today
                and totals(index_of(environment), by=("provider",), since=midnight)
            ):
                shown.append(time.perf_counter() - begin)

        cold(environment, tell)
        return shown[0]

    def there() -> float:
        begin = time.perf_counter()
        assert totals(index_of(at_home(corpus.home)), by=("provider",), since=midnight)
        return time.perf_counter() - begin

    try:
        within("s to today's first figure, no index", empty, 0.3)
        within("s to today's first figure, with an index", there, 0.1)
    finally:
        log.unlink()


@pytest.mark.parametrize(("files", "bound"), [(700, 15), (10_000, 150)])
def test_a_pass_with_nothing_new(within: Within, tmp_path: Path, files: int, bound: float) -> None:
    """One stat a file."""
    for number in range(files):
        log = tmp_path / f".claude/projects/p{number % 50}/{number}.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(line(f"N{number}"))
    environment = at_home(tmp_path)
    pane = Scan(index_of(environment), ROOMS, environment)
    pane.run()

    def measure() -> float:
        begin = time.perf_counter()
        assert pane.run().of_files == 0
        return (time.perf_counter() - begin) * 1000

    within(f"ms for a pass over {files} files", measure, bound)


def test_an_append(within: Within, corpus: Corpus) -> None:
    """From the event to totals that hold it, in a pane whose index knows 106 000 responses."""
    environment = at_home(corpus.home)
    if not index_path(environment).exists():
        scan(environment)
    log = corpus.home / ".claude/projects/append/one.jsonl"
    log.parent.mkdir(parents=True)
    log.touch()
    ledger, index = Ledger(environment, ROOMS, lambda progress: None), index_of(environment)
    ledger.catch_up()
    numbers = iter(range(10**6))

    def measure() -> float:
        with log.open("ab") as file:
            file.write(line(f"APPEND{next(numbers)}"))
        begin = time.perf_counter()
        assert ledger.changed([log])
        assert totals(index, by=("provider",), where={"session": "s"})
        return (time.perf_counter() - begin) * 1000

    try:
        within("ms for an append", measure, 40)
    finally:
        log.unlink()


def test_questions(within: Within, corpus: Corpus) -> None:
    """What the usage screen asks, over everything."""
    environment = at_home(corpus.home)
    if not index_path(environment).exists():
        scan(environment)
    index = index_of(environment)

    def measure() -> float:
        begin = time.perf_counter()
        assert totals(index, by=("day", "provider", "model", "tier", "context"))
        assert totals(index, by=("provider", "project", "session"))
        return (time.perf_counter() - begin) * 1000

    within("ms for both tables of the usage screen", measure, 250)


def test_the_event_loop_keeps_its_time(within: Within, corpus: Corpus) -> None:
    """Delay of a 5 ms timer (p99) in the pane, drawn at 120x40, while a cold scan runs and its progress
    is shown."""

    async def delays() -> list[float]:
        live = open_live(fresh(corpus), Settings(), SystemClock())
        live.begin()
        live.wait_first(5)
        app = QuotadeckApp(live, Settings(), SystemClock())
        found: list[float] = []
        async with app.run_test(size=(120, 40)):
            end = time.monotonic() + 60
            while not scanning(live) and time.monotonic() < end:
                await asyncio.sleep(0.01)
            while scanning(live) and time.monotonic() < end:
                begin = time.perf_counter()
                await asyncio.sleep(0.005)
                found.append((time.perf_counter() - begin - 0.005) * 1000)
        live.stop()
        return found

    def measure() -> float:
        found = asyncio.run(delays())
        assert len(found) > 100
        return statistics.quantiles(found, n=100)[98]

    within("ms of delay in the pane (p99) while a scan runs", measure, 16)


def scanning(live: Live) -> bool:
    """Whether the pane shows the progress of a scan."""
    return live.tally is not None and live.tally.progress is not None


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError, ValueError):
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _memory(pid: int) -> int:
    """Bytes, shared pages divided among those who share them."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(text.partition("\nPss:")[2].split()[0]) * 1024
    return 0
