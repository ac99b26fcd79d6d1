"""The reader thread: all file I/O of the pane, so that the screen never waits for a disk.

One daemon thread with a queue; everything it hands over is frozen.  It owns the collector
and the history.  Never joined.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from providers.engine.collector import Collector
from providers.engine.intake import BIG_REST
from providers.model import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.engine.watch import Watch

SWEEP_SECONDS = 30.0
POLL_SECONDS = 2.0
"""How often everything is looked at by stat: as a safety net, and where there are no events."""

Job = Callable[[], Sequence[Fact]]


class Reader:
    """Runs jobs one after the other and publishes the facts they return.

    ``publish`` is called on this thread.  A job that raises is dropped: it has been
    turned into facts already where a person can do something about it.
    """

    def __init__(self, collector: Collector, publish: Callable[[list[Fact]], None]) -> None:
        self._collector = collector
        self._publish = publish
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.sweep_seconds = SWEEP_SECONDS
        self.also: Job | None = None
        """What is looked at besides, after each sweep that nobody asked for."""

    def start(self, first: Sequence[Job] = ()) -> None:
        """Starts the thread with these jobs before all others."""
        for job in first:
            self._jobs.put(job)
        threading.Thread(target=self._run, name="quotadeck-reader", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread after the jobs that are waiting."""
        self._jobs.put(None)

    def do(self, job: Job) -> None:
        """Runs a job on the reader thread."""
        self._jobs.put(job)

    def changed(self, paths: frozenset[Path] | None) -> None:
        """Reads the files at these paths; None asks for a sweep."""
        if paths is None:
            self._jobs.put(self._collector.sweep)
        else:
            self._jobs.put(lambda: self._collector.changed(paths))

    def reread(self, provider: str | None) -> None:
        """Reads everything (of one provider) anew."""
        self._jobs.put(lambda: self._collector.sweep(provider, again=True))

    def _run(self) -> None:
        swept = time.monotonic()
        while True:
            resting = self._collector.resting()
            wait = swept + self.sweep_seconds - time.monotonic()
            try:
                job = self._jobs.get(timeout=max(0.0, min(wait, BIG_REST) if resting else wait))
            except queue.Empty:
                job = self._sweep
                swept = time.monotonic()
            if job is None:
                return
            facts = _safely(job)
            if facts:
                self._publish(facts)

    def _sweep(self) -> list[Fact]:
        return [*_safely(self._collector.sweep), *(_safely(self.also) if self.also is not None else ())]


def _safely(job: Job) -> list[Fact]:
    try:
        return list(job())
    except Exception:
        return []


def sweep_seconds_for(watch: Watch, folders: frozenset[Path]) -> float:
    """How often to sweep: often where no events can be expected."""
    import platform

    from providers.engine.watch import needs_polling

    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        mounts = ""
    polled = bool(watch.trouble) or needs_polling(folders, mounts, platform.release())
    return POLL_SECONDS if polled else SWEEP_SECONDS
