"""The ledger in the pane: when logs are looked at, and what becomes of it.

`Tally` is owned by the event loop's thread, which starts it after the first frame, asks it questions and
may stop a scan.  The counting is done by `providers.ledger.ledger` on the reader thread, through the jobs
it is given, or in the ledger's child process, so that neither the screen nor the quotas ever wait for
logs.  What comes out are frozen facts (`providers.model.Burn`) and frozen answers.

Imports nothing heavy: the pane makes one before its first frame.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from providers.base import Environment
from providers.engine.clock import Clock
from providers.ledger.days import LocalZone, Zone, day_around
from providers.model import Burn, Fact
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.engine.settings import Settings
    from providers.ledger.index import Index
    from providers.ledger.ledger import Ledger
    from providers.ledger.model import LogTree, SessionLogs
    from providers.ledger.progress import Progress
    from providers.ledger.query import Total
    from providers.ledger.statement import Row
    from providers.ledger.tools import Tool

LOOK_SECONDS = 0.25
"""Logs are written in bursts; they are looked at four times a second at most."""

WALK_SECONDS, POLLED_SECONDS = 300.0, 60.0
"""Between two walks of the trees, as a safety net, and where no events can be expected.  In an idle pane
a walk of 340 files costs 10 ms: at 60 s it was a tenth of what the whole pane uses."""

WALK_SHARE = 1000.0
"""A walk rests a thousand times as long as it took, so that it costs 0.1 % of a core."""

MISSED_SECONDS = 1.0

SPARK_SECONDS = 4 * 3600
QUARTER = 900

Job = Callable[[], Sequence[Fact]]


class Question(Record):
    """What a screen wants to know.  Each of ``groupings`` (names of `providers.ledger.query`) makes a
    table; ``since`` in epoch seconds; ``provider`` and ``account`` (its opaque id) limit it, ``model``
    to models with that word in their name; "" = all."""

    groupings: tuple[tuple[str, ...], ...]
    since: float | None = None
    provider: str = ""
    account: str = ""
    model: str = ""


class Told(Record):
    """The answer.  ``tables`` hold rows for each grouping; ``others`` counts tokens that were left out
    because nobody knows whose they are; ``tools`` says what was found and what could not be read;
    ``facts_of`` is the date of the prices, ``trouble`` why there is no answer."""

    tables: tuple[tuple[Row, ...], ...] = ()
    others: int = 0
    tools: tuple[Tool, ...] = ()
    facts_of: str = ""
    trouble: str = ""


Answer = Callable[[Told], object]


def rooms_of(settings: Settings) -> tuple[SessionLogs, ...]:
    """The rooms that the settings leave on, imported only now."""
    from providers.ledger.rooms import open_rooms

    return open_rooms(settings)


class Tally:
    """``rooms`` loads the readers; ``do`` runs a job on the reader thread, whose facts are taken in;
    ``post`` runs a function on the owner's thread; ``told`` is called there when `progress` is another."""

    def __init__(
        self,
        environment: Environment,
        rooms: Callable[[], tuple[SessionLogs, ...]],
        clock: Clock,
        *,
        do: Callable[[Job], object],
        post: Callable[..., object],
        told: Callable[[], object],
        zone: Zone = time.localtime,
    ) -> None:
        self.progress: Progress | None = None
        """How far a scan is that a person would notice; None while there is none."""
        self.trouble = ""
        """What is wrong with the counting, as a sentence."""
        self._do, self._post, self._told = do, post, told
        self._counter = _Counter(environment, rooms, clock, zone, do, self._note)
        self._started = False

    def start(self) -> None:
        """Counts from now on."""
        self._started = True
        self._do(self._counter.first)

    def poll(self) -> None:
        """Reader thread: no events can be expected here, so the trees are walked more often."""
        self._counter.least = POLLED_SECONDS

    def cancel(self) -> None:
        """Stops a scan; what was read stays counted, and what is appended is.  The rest is read at
        the next start."""
        self._do(self._counter.cancel)
        self._counter.stop()

    def stop(self) -> None:
        """Ends everything; waits for nothing."""
        self._counter.stop()

    def ask(self, question: Question, answer: Answer) -> None:
        """Answers on the owner's thread."""

        def job() -> Sequence[Fact]:
            told = self._counter.answer(question)
            # If the loop was closed, nobody is left to tell.
            with contextlib.suppress(RuntimeError):
                self._post(answer, told)
            return ()

        self._do(job)

    def write(self, path: Path, text: str, answer: Callable[[str], object]) -> None:
        """Writes an export on the reader thread; ``answer`` gets a sentence on the owner's."""

        def job() -> Sequence[Fact]:
            from providers.engine.files import write_atomic

            try:
                write_atomic(path, text.encode())
                said = f"written to {path}"
            except OSError as error:
                said = f"nothing was written: {error}"
            with contextlib.suppress(RuntimeError):
                self._post(answer, said)
            return ()

        self._do(job)

    def round(self) -> Sequence[Fact]:
        """Reader thread, every now and then: what no event told of."""
        return self._counter.round() if self._started else ()

    def changed(self, paths: frozenset[Path] | None) -> None:
        """Watcher thread: these files may have grown; None: any may have, unseen."""
        if self._started and paths is None:
            self._counter.missed()
        elif self._started and paths:
            self._counter.changed(paths)

    def folders(self) -> frozenset[Path]:
        """Watcher thread: every folder in which logs lie."""
        return self._counter.folders()

    def concerns(self, path: Path) -> bool:
        """Watcher thread: whether a change there can matter."""
        return self._counter.concerns(path)

    def _note(self, progress: Progress | None, trouble: str) -> None:
        """Any thread: how far a scan is."""

        def take() -> None:
            self.progress, self.trouble = progress, trouble
            self._told()

        with contextlib.suppress(RuntimeError):
            self._post(take)


class _Counter:
    """The reader thread's part."""

    def __init__(
        self,
        environment: Environment,
        rooms: Callable[[], tuple[SessionLogs, ...]],
        clock: Clock,
        zone: Zone,
        do: Callable[[Job], object],
        note: Callable[[Progress | None, str], object],
    ) -> None:
        self._environment, self._load, self._clock, self._zone = environment, rooms, clock, zone
        self._do, self._note = do, note
        self._lock = threading.Lock()
        self._rooms_held: tuple[SessionLogs, ...] | None = None
        self._index: Index | None = None
        self._ledger: Ledger | None = None
        self._waiting: set[Path] = set()
        self._timer = self._walking = self._cancelled = self._today = self._scanning = False
        self._noted: tuple[Progress | None, str] = (None, "")
        self._looked = self._walked = float("-inf")
        self._rest = self.least = WALK_SECONDS
        self._day_ends = float("inf")

    @property
    def _rooms(self) -> tuple[SessionLogs, ...]:
        """Loaded once, on whichever thread needs them first."""
        with self._lock:
            if self._rooms_held is None:
                self._rooms_held = self._load()
            return self._rooms_held

    def first(self) -> Sequence[Fact]:
        """What the index knows at once, then what is new.  Imports all that is needed later."""
        import providers.ledger.prices
        import providers.ledger.statement
        import providers.ledger.tools  # noqa: F401
        from providers.ledger.ledger import Ledger
        from providers.ledger.scan import open_index

        self._index = open_index(self._environment, self._rooms)
        self._ledger = Ledger(self._environment, self._rooms, self._tell, self.missed)
        self._do(self._catch_up)
        return self._facts()

    def round(self) -> Sequence[Fact]:
        """A walk of the trees, as often as it is worth."""
        if not self._cancelled and time.monotonic() - self._walked >= self._rest:
            return self._catch_up()
        return self._facts() if self._clock.now() >= self._day_ends else ()

    def missed(self) -> None:
        """Any thread: a walk soon, as the watch has only just begun or a child has let go.  Several wishes
        are one."""
        with self._lock:
            if self._walking:
                return
            self._walking = True
        wait = self._walked + MISSED_SECONDS - time.monotonic()
        self._later(min(max(0.0, wait), self._rest), self._walk_missed)

    def _walk_missed(self) -> Sequence[Fact]:
        self._walking = False
        return () if self._cancelled else self._catch_up()

    def cancel(self) -> Sequence[Fact]:
        """No more walks: they would begin the scan again."""
        self._cancelled = True
        return ()

    def stop(self) -> None:
        """Any thread: ends a scan."""
        if self._ledger is not None:
            self._ledger.cancel()

    def _catch_up(self) -> Sequence[Fact]:
        if self._ledger is None:
            return ()
        began = time.monotonic()
        self._ledger.catch_up()
        self._walked = time.monotonic()
        self._rest = max(self.least, WALK_SHARE * (self._walked - began))
        return self._facts()

    def _tell(self, progress: Progress) -> None:
        """Reader thread, or that of a scan by the child."""
        from providers.ledger.ledger import COLD_BYTES

        ended = progress.done or progress.stopped
        large = progress.of_bytes > COLD_BYTES
        if large and progress.today and not self._today and not ended:
            self._do(self._facts)
        self._today = progress.today and not ended
        noted = (None if ended or not large else progress, progress.trouble)
        if noted != self._noted:
            self._noted = noted
            self._note(*noted)
        if ended and self._scanning:
            self._do(self._facts)
        self._scanning = large and not ended

    def _later(self, seconds: float, job: Job) -> None:
        timer = threading.Timer(seconds, self._do, (job,))
        timer.daemon = True
        timer.start()

    def changed(self, paths: Iterable[Path]) -> None:
        """Watcher thread: gathers paths for a look that is due at once or in a moment."""
        with self._lock:
            self._waiting.update(paths)
            if self._timer:
                return
            self._timer = True
            wait = max(0.0, self._looked + LOOK_SECONDS - time.monotonic())
        if wait:
            self._later(wait, self._look)
        else:
            self._do(self._look)

    def _look(self) -> Sequence[Fact]:
        with self._lock:
            paths, self._waiting, self._timer = self._waiting, set(), False
            self._looked = time.monotonic()
        return self._facts() if self._ledger is not None and self._ledger.changed(paths) else ()

    def folders(self) -> frozenset[Path]:
        """The folders of all trees, and for a tree that is not there its nearest ancestor that is."""
        from providers.engine.trees import folders_under
        from providers.ledger.model import PRESENCE

        found: set[Path] = set()
        for tree in self._trees():
            if tree.kind == PRESENCE:
                continue
            if not tree.folder.is_dir():
                found.update([p for p in tree.folder.parents if p.is_dir()][:1])
            elif tree.recursive:
                found.update(folders_under(tree.folder))
            else:
                found.add(tree.folder)
        return frozenset(found - {Path("/")})

    def concerns(self, path: Path) -> bool:
        """Whether it is a log, or a folder on the way to logs."""
        from providers.ledger.walk import file_of

        name = str(path).removesuffix("-wal")
        if file_of(self._rooms, self._environment, name) is not None:
            return True
        return not path.suffix and any(
            tree.folder.is_relative_to(path) or (tree.recursive and path.is_relative_to(tree.folder))
            for tree in self._trees()
        )

    def _trees(self) -> list[LogTree]:
        return [tree for room in self._rooms for tree in room.trees(self._environment)]

    def _facts(self) -> Sequence[Fact]:
        """Tokens of the last hours and of today, for each tool with any in the index."""
        from providers.ledger.query import totals

        if self._index is None:
            return ()
        now = self._clock.now()
        begin, end = day_around(now, self._zone)
        self._day_ends = end
        since = now // QUARTER * QUARTER - SPARK_SECONDS
        quarters = totals(self._index, by=("provider", "quarter"), since=since)
        today = {t.provider: t.tokens for t in totals(self._index, by=("provider",), since=begin)}
        facts = []
        for provider in dict.fromkeys((*today, *(q.provider for q in quarters))):
            mine = tuple((q.first, q.tokens) for q in quarters if q.provider == provider)
            facts.append(Burn(provider, mine, today.get(provider, 0), end))
        return facts

    def answer(self, question: Question) -> Told:
        """Everything that a question asks; a trouble is a sentence in it."""
        from providers.ledger.index import Unusable
        from providers.ledger.prices import BadPrices

        if self._index is None:
            return Told(trouble="the logs have not been looked at yet")
        try:
            return self._tables(self._index, question)
        except (Unusable, BadPrices) as error:
            return Told(trouble=str(error))

    def _tables(self, index: Index, question: Question) -> Told:
        from providers.ledger.prices import load_prices
        from providers.ledger.query import totals
        from providers.ledger.statement import PRICED_BY, rows_of
        from providers.ledger.tools import found_tools

        names = [name for grouping in question.groupings for name in grouping]
        by = tuple(dict.fromkeys((*names, *PRICED_BY, "account")))
        where = {"provider": question.provider} if question.provider else None
        found = totals(index, by=by, since=question.since, where=where, zone=LocalZone(self._zone))
        kept = [total for total in found if question.model in total.model.lower()]
        mine = [total for total in kept if _is_of(total, question)]
        prices = load_prices(self._environment)
        rooms = [room for room in self._rooms if question.provider in ("", room.id)]
        return Told(
            tables=tuple(rows_of(mine, grouping, prices) for grouping in question.groupings),
            others=sum(total.tokens for total in kept if not total.account) if question.account else 0,
            tools=found_tools(index, rooms, self._environment),
            facts_of=prices.facts_of,
        )


def _is_of(total: Total, question: Question) -> bool:
    from providers.engine.deck import account_id

    return not question.account or (
        bool(total.account) and account_id(total.provider, total.account) == question.account
    )
