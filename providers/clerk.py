"""The pane's worker for accounts: a daemon thread with the desk, one job at a time.

Made and stopped by the event loop's thread, where every answer is posted to.  Recovery comes
before any other work.  Awake only for a job, and every few seconds while a switch settles.
Never joined: what hangs in it must not hold up an exit.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable

from providers.accounts.filing import Waiting
from providers.accounts.keeping import Step
from providers.accounts.login import CannotSwitch
from providers.accounts.vault import State, VaultTrouble
from providers.desk import Desk
from providers.record import Record

WATCH_EVERY = 3.0
"""Seconds between two looks at a switch that settles."""

Job = Callable[[Desk], object]
Answer = Callable[[object], None]
Post = Callable[..., object]


class Refused(Record):
    """It was not done and nothing was changed: one clean sentence.  ``state`` is the vault's, if
    that is the reason."""

    sentence: str
    state: State | None = None


class Clerk:
    """Runs jobs on the desk.  ``open_desk`` is called in the thread, with what wants to hear of
    the steps; ``post(fn, *args)`` runs ``fn`` on the owner's thread; ``step`` and ``tell`` (a
    sentence for a person) are called there.  ``every`` is seconds between two looks at a switch
    that settles."""

    def __init__(
        self,
        open_desk: Callable[[Step], Desk],
        post: Post,
        *,
        step: Step,
        tell: Callable[[str], None],
        every: float = WATCH_EVERY,
    ) -> None:
        self._every = every
        self._open, self._post, self._on_step, self._tell = open_desk, post, step, tell
        self._jobs: queue.SimpleQueue[tuple[Job, Answer] | None] = queue.SimpleQueue()
        self._free = threading.Event()
        self._free.set()

    def start(self) -> None:
        """Starts the thread; what was asked for before waits for it."""
        threading.Thread(target=self._run, name="quotadeck-accounts", daemon=True).start()

    def do(self, job: Job, answer: Answer) -> None:
        """Runs a job on the thread; ``answer`` gets what it returns, or a `Refused`."""
        self._jobs.put((job, answer))

    def stop(self) -> None:
        """Ends the thread after the jobs that are waiting."""
        self._jobs.put(None)

    def finish(self, seconds: float) -> None:
        """Waits for a switch that has begun to replace files, at most this long."""
        self._free.wait(seconds)

    def _run(self) -> None:
        desk = self._attempt(lambda: self._open(self._step))
        if isinstance(desk, Desk):
            self._recover(desk)
        while True:
            settling = isinstance(desk, Desk) and desk.settling
            try:
                wanted = self._jobs.get(timeout=self._every if settling else None)
            except queue.Empty:
                self._watch(desk)
                continue
            if wanted is None:
                return
            job, answer = wanted
            result = self._attempt(_job_on(job, desk)) if isinstance(desk, Desk) else desk
            self._free.set()
            self._send(answer, result)

    def _recover(self, desk: Desk) -> None:
        left = self._attempt(lambda: desk.recover() if desk.unfinished else None)
        if isinstance(left, Refused):
            self._send(self._tell, left.sentence)
        elif isinstance(left, Waiting) and left.kept_back:
            self._send(self._tell, f"a login waits in a safety copy, as {left.why}")

    def _watch(self, desk: object) -> None:
        said = self._attempt(desk.watch) if isinstance(desk, Desk) else ()
        for sentence in said if isinstance(said, tuple) else ():
            self._send(self._tell, sentence)

    def _attempt(self, work: Callable[[], object]) -> object:
        """What it returns, or a `Refused`; a bug here ends a job, not the pane."""
        try:
            return work()
        except VaultTrouble as trouble:
            return Refused(str(trouble), trouble.state)
        except CannotSwitch as why:
            return Refused(str(why))
        except Exception as error:
            # Not its text: that might quote a file.
            kind = type(error).__name__
            return Refused(f"that failed by a bug ({kind}); quotadeck doctor helps to report it")

    def _step(self, name: str) -> None:
        if name == "journalled":
            self._free.clear()
        self._send(self._on_step, name)

    def _send(self, call: Callable[..., None], *values: object) -> None:
        with contextlib.suppress(RuntimeError):
            # The loop was closed: nobody is left to tell.
            self._post(call, *values)


def _job_on(job: Job, desk: Desk) -> Callable[[], object]:
    return lambda: job(desk)
