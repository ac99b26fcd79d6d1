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
from providers.accounts.freshen import Tended
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
        self._tend_at: float | None = None
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
        """Waits for a switch that has begun to replace files, or for the answer of a renewal that
        is under way, at most this long."""
        self._free.wait(seconds)

    def _run(self) -> None:
        desk = self._attempt(lambda: self._open(self._step))
        if isinstance(desk, Desk):
            self._recover(desk)
            self._tend(desk)
        while True:
            try:
                wanted = self._jobs.get(timeout=self._rest(desk))
            except queue.Empty:
                self._look_after(desk)
                continue
            if wanted is None:
                if isinstance(desk, Desk):
                    self._attempt(desk.put_away)
                return
            job, answer = wanted
            result = self._attempt(_job_on(job, desk)) if isinstance(desk, Desk) else desk
            self._free.set()
            self._send(answer, result)
            if isinstance(desk, Desk) and (self._tend_at is None or desk.now() >= self._tend_at):
                self._tend(desk)

    def _rest(self, desk: object) -> float | None:
        """Seconds to sleep without a job: None while nothing settles and nobody is kept fresh."""
        if not isinstance(desk, Desk):
            return None
        until = [self._every] if desk.settling else []
        if self._tend_at is not None:
            until.append(max(self._every, self._tend_at - desk.now()))
        return min(until, default=None)

    def _look_after(self, desk: object) -> None:
        if isinstance(desk, Desk):
            if desk.settling:
                self._watch(desk)
            if self._tend_at is not None and desk.now() >= self._tend_at:
                self._tend(desk)

    def _tend(self, desk: Desk) -> None:
        """Keeps idle logins fresh, where a person asked for that."""
        tended = self._attempt(desk.tend)
        self._free.set()
        if isinstance(tended, Tended):
            self._tend_at = tended.at
            for said in tended.said:
                if said.news:
                    self._send(self._tell, said.sentence)

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
        if name in ("journalled", "renewing"):
            self._free.clear()
        elif name == "copied":
            self._free.set()
        self._send(self._on_step, name)

    def _send(self, call: Callable[..., None], *values: object) -> None:
        with contextlib.suppress(RuntimeError):
            # The loop was closed: nobody is left to tell.
            self._post(call, *values)


def _job_on(job: Job, desk: Desk) -> Callable[[], object]:
    return lambda: job(desk)
