"""From a file on disk to pixels, in a real tmux."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers.engine.settings import Settings
from providers.ledger.query import totals
from providers.ledger.rooms import open_rooms
from providers.ledger.scan import open_index
from tests.terminals import QUOTADECK, Tmux, base_variables
from tui.demo import DemoWorld

Within = Callable[[str, Callable[[], float], float], None]
TIMES = 20


class Stream:
    """What tmux shows, byte by byte, as it is painted."""

    def __init__(self, tmux: Tmux, folder: Path) -> None:
        self._fifo = folder / "painted"
        os.mkfifo(self._fifo)
        self._held = bytearray()
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        tmux.run("pipe-pane", "-O", "-t", "t", f"exec cat > {self._fifo}")

    def _read(self) -> None:
        with self._fifo.open("rb", buffering=0) as painted:
            while chunk := painted.read(65536):
                with self._news:
                    self._held += chunk
                    self._news.notify_all()

    def seconds_until(self, text: bytes, act: Callable[[], None], timeout: float = 10.0) -> float:
        """Seconds from the end of ``act`` until ``text`` was painted."""
        with self._news:
            self._held.clear()
        act()
        begin = time.monotonic()
        with self._news:
            if not self._news.wait_for(lambda: text in self._held, timeout):
                pytest.fail(f"{text!r} was not painted; painted was {bytes(self._held[-300:])!r}")
        return time.monotonic() - begin


@pytest.fixture
def stream(world: DemoWorld, variables: dict[str, str], tmp_path: Path) -> Iterator[Stream]:
    """The pane in tmux, settled, and what it paints."""
    tmux = Tmux(variables, 120, 40)
    tmux.start(QUOTADECK)
    tmux.wait_for("62%")
    time.sleep(2)
    yield Stream(tmux, tmp_path)
    tmux.kill()


def p95(taken: list[float]) -> float:
    """The 95th percentile in milliseconds."""
    return statistics.quantiles(taken, n=20, method="inclusive")[-1] * 1000


def test_sidecar_rewritten(within: Within, stream: Stream, world: DemoWorld) -> None:
    """A sidecar replaced by rename is on the screen within 150 ms, p95 of 20."""
    path = world.environment.statusline_dir / "claude.demo.json"

    def measure() -> float:
        taken: list[float] = []
        for turn in range(TIMES):
            percent = 63 + turn % 20

            def rewrite(percent: int = percent) -> None:
                document = json.loads(path.read_bytes())
                document["windows"][0]["used_percent"] = percent
                document["observed_at"] = document["written_at"] = time.time()
                temporary = path.with_suffix(".new")
                temporary.write_text(json.dumps(document))
                temporary.rename(path)

            taken.append(stream.seconds_until(b"%d%%" % percent, rewrite))
            time.sleep(0.3)
        world.step(time.time())
        time.sleep(0.5)
        return p95(taken)

    within("sidecar to pixels, ms p95", measure, 150)


def test_rollout_appended(within: Within, stream: Stream, world: DemoWorld) -> None:
    """A line appended to a session log is on the screen within 150 ms, p95 of 20."""
    log = next(world.home.glob(".codex/sessions/*/*/*/rollout-*d0.jsonl"))
    last = json.loads(log.read_text().splitlines()[-1])

    def measure() -> float:
        taken: list[float] = []
        for turn in range(TIMES):
            percent = 24 + turn

            def append(percent: int = percent) -> None:
                now = time.time()
                last["timestamp"] = (
                    time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"
                )
                last["payload"]["rate_limits"]["primary"]["used_percent"] = percent
                last["payload"]["info"]["total_token_usage"]["total_tokens"] += 10
                with log.open("a") as file:
                    file.write(json.dumps(last) + "\n")

            taken.append(stream.seconds_until(b"%d%%" % percent, append))
            time.sleep(0.3)
        return p95(taken)

    within("rollout line to pixels, ms p95", measure, 150)


def test_session_log_appended(within: Within, stream: Stream, world: DemoWorld) -> None:
    """The tokens of a response are in today's sum on the screen within 200 ms, p95 of 20."""
    log = next(world.home.glob(".claude/projects/*/00000000-0000-4000-8000-000000000000.jsonl"))
    last = json.loads(log.read_text().splitlines()[-1])
    usage = last["message"]["usage"]
    usage |= dict.fromkeys(usage.keys() - {"cache_creation", "service_tier"}, 0) | {"cache_creation": {}}
    day = time.time() // 86_400 * 86_400
    index = open_index(world.environment, open_rooms(Settings()))
    time.sleep(3)

    def total() -> int:
        return sum(t.tokens for t in totals(index, where={"provider": "claude"}, since=day))

    def measure() -> float:
        taken: list[float] = []
        for _ in range(TIMES):
            count = (total() // 10**6 + 1) * 10**6 + 500_000

            def append(count: int = count) -> None:
                usage["cache_read_input_tokens"] = count - total()
                last["timestamp"] = DemoWorld.iso(time.time())
                last["message"]["id"] = f"msg_{time.monotonic_ns()}"
                with log.open("a") as file:
                    file.write(json.dumps(last, separators=(",", ":")) + "\n")

            said = f"{count / 1e6:.1f}M" if count < 99_950_000 else f"{count / 1e6:.0f}M"
            taken.append(stream.seconds_until(said.encode(), append))
            time.sleep(0.4)
        return p95(taken)

    within("response to today's tokens, ms p95", measure, 200)


def test_folder_created(within: Within, tmp_path: Path) -> None:
    """A tool's folder that is made while the pane is open is on the screen within 150 ms."""

    def measure() -> float:
        return p95([installed_while_open(tmp_path / f"{time.monotonic_ns()}") for _ in range(TIMES)])

    within("folder created to pixels, ms p95", measure, 150)


def move(made: Path, home: Path) -> None:
    """Installs the tool's whole folder in one step."""
    (made / ".codex").rename(home / ".codex")


def installed_while_open(folder: Path) -> float:
    """Seconds from the moment ~/.codex appears until its figure is painted."""
    home = folder / "home"
    home.mkdir(parents=True, mode=0o700)
    made = DemoWorld(folder / "made", time.time())
    made.write()
    tmux = Tmux(base_variables(home), 120, 40)
    try:
        tmux.start(QUOTADECK)
        tmux.wait_for("Codex")
        time.sleep(1.2)
        stream = Stream(tmux, folder)
        return stream.seconds_until(b"23%", lambda: move(made.home, home))
    finally:
        tmux.kill()
