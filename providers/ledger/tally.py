"""The ledger in the pane: who counts when, and what becomes of it.

`Tally` is owned by the event loop's thread, which starts it after the first frame, asks it questions and
may stop a scan.  The counting is done on the reader thread (`_Counter`, through the jobs it is given) and,
when there is much to read, by the child process of `providers.ledger.child`, so that neither the screen nor
the quotas ever wait for logs.  What comes out are frozen facts (`providers.model.Burn`) and frozen answers.

Imports nothing heavy: the pane makes one before its first frame.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from providers.base import MIB, Environment
from providers.engine.clock import Clock
from providers.ledger.days import LocalZone, Zone, day_around
from providers.model import Burn, Fact
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.engine.timeline import Stay, Timeline
    from providers.ledger.child import ColdScan
    from providers.ledger.index import Index
    from providers.ledger.model import LogTree, SessionLogs
    from providers.ledger.query import Total
    from providers.ledger.scan import Progress, Scan
    from providers.ledger.statement import Row

COLD_BYTES = 8 * MIB
"""What is more than this is read by the child; this much takes the reader thread 20 ms."""

LOOK_SECONDS = 0.25
"""Logs are written in bursts; they are looked at four times a second at most."""

WALK_SECONDS = 60.0
WALK_SHARE = 1000.0
"""A walk of the trees rests a thousand times as long as it took, so that it costs 0.1 % of a core."""

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
    because the logs do not say whose they are; ``troubled`` are (tool, path, why) of logs that cannot be
    read, ``broken`` counts lines that could not be understood, ``approximate`` says that some figures are
    estimates of the reader.  ``facts_of`` is the date of the prices, ``trouble`` why there is no answer."""

    tables: tuple[tuple[Row, ...], ...] = ()
    others: int = 0
    troubled: tuple[tuple[str, str, str], ...] = ()
    broken: int = 0
    approximate: bool = False
    facts_of: str = ""
    trouble: str = ""


Answer = Callable[[Told], object]


class Tally:
    """``rooms`` loads the readers; ``do`` runs a job on the reader thread; ``post`` runs a function on
    the owner's; ``publish`` takes facts in (any thread); ``told`` is called on the owner's thread when
    `progress` is another."""

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
        self._do, self._post, self._told = do, post, told
        self._stays: tuple[Stay, ...] = ()
        self._counter = _Counter(environment, rooms, clock, zone, do, self._note, lambda: self._stays)
        self._started = False

    def start(self, stays: tuple[Stay, ...]) -> None:
        """Counts from now on.  ``stays`` say who was live when."""
        self._stays, self._started = stays, True
        self._do(self._counter.first)

    def know(self, stays: tuple[Stay, ...]) -> None:
        """Who was live when has changed."""
        self._stays = stays

    def cancel(self) -> None:
        """Stops a scan; what was read stays counted.  The rest is read at the next start."""
        self._counter.cancel()

    def stop(self) -> None:
        """Ends everything; waits for nothing."""
        self._counter.cancel()

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
                said = f"nothing was written: {error.strerror or error}"
            with contextlib.suppress(RuntimeError):
                self._post(answer, said)
            return ()

        self._do(job)

    def round(self) -> Sequence[Fact]:
        """Reader thread, every now and then: what no event told of."""
        return self._counter.round() if self._started else ()

    def changed(self, paths: frozenset[Path] | None) -> None:
        """Watcher thread: these files may have grown."""
        if self._started and paths:
            self._counter.changed(paths)

    def folders(self) -> frozenset[Path]:
        """Watcher thread: every folder in which logs lie."""
        return self._counter.folders()

    def concerns(self, path: Path) -> bool:
        """Watcher thread: whether a change there can matter."""
        return self._counter.concerns(path)

    def _note(self, progress: Progress | None) -> None:
        """Any thread: how far a scan is."""

        def take() -> None:
            self.progress = progress
            self._told()

        with contextlib.suppress(RuntimeError):
            self._post(take)


class _Counter:
    """The reader thread's part; a scan by the child has a thread that listens to it."""

    def __init__(
        self,
        environment: Environment,
        rooms: Callable[[], tuple[SessionLogs, ...]],
        clock: Clock,
        zone: Zone,
        do: Callable[[Job], object],
        note: Callable[[Progress | None], object],
        stays: Callable[[], tuple[Stay, ...]],
    ) -> None:
        self._environment, self._load, self._clock, self._zone = environment, rooms, clock, zone
        self._do, self._note, self._stays = do, note, stays
        self._lock = threading.Lock()
        self._rooms_held: tuple[SessionLogs, ...] | None = None
        self._index: Index | None = None
        self._scan: Scan | None = None
        self._waiting: set[str] = set()
        self._timer = False
        self._looked = self._walked = float("-inf")
        self._rest = WALK_SECONDS
        self._cancelled = threading.Event()
        self._cold = False
        self._child: ColdScan | None = None
        self._timeline: tuple[tuple[Stay, ...], Timeline] | None = None

    @property
    def _rooms(self) -> tuple[SessionLogs, ...]:
        """Loaded once, on whichever thread needs them first."""
        with self._lock:
            if self._rooms_held is None:
                self._rooms_held = self._load()
            return self._rooms_held

    def first(self) -> Sequence[Fact]:
        """What the index knows at once, then what is new."""
        from providers.ledger.scan import Scan, open_index

        self._index = open_index(self._environment, self._rooms)
        self._scan = Scan(
            self._index, self._rooms, self._environment,
            owner=self._owner, now=self._clock.now,
        )  # fmt: skip
        self._do(self._catch_up)
        return self._facts()

    def round(self) -> Sequence[Fact]:
        """A walk of the trees, as often as it is worth."""
        if self._scan is None or self._cold or time.monotonic() - self._walked < self._rest:
            return ()
        return self._catch_up()

    def _catch_up(self) -> Sequence[Fact]:
        """Reads what is new, here or, if it is much, in the child."""
        if self._scan is None or self._cancelled.is_set():
            return ()
        began = time.monotonic()
        backlog = self._scan.backlog()
        if backlog > COLD_BYTES:
            self._read_in_child()
        else:
            self._scan.run()
        self._walked = time.monotonic()
        self._rest = max(WALK_SECONDS, WALK_SHARE * (self._walked - began))
        return self._facts()

    def _read_in_child(self) -> None:
        from providers.ledger.child import ColdScan

        self._cold = True
        self._child = cold = ColdScan(self._environment, [room.id for room in self._rooms])
        threading.Thread(target=self._listen, args=(cold,), name="quotadeck-scan", daemon=True).start()

    def _listen(self, cold: ColdScan) -> None:
        """Thread of its own: hears the child to its end."""
        today = False
        try:
            for progress in cold.run():
                self._note(progress)
                if progress.today and not today:
                    today = True
                    self._do(self._facts)
        finally:
            self._cold, self._child = False, None
            self._note(None)
            self._do(self._facts if self._cancelled.is_set() else self._after_child)

    def _after_child(self) -> Sequence[Fact]:
        """What was written meanwhile.  Not through the child again: if it could not do its work, trying
        at once would not end."""
        assert self._scan is not None
        if self._scan.backlog() <= COLD_BYTES:
            self._scan.run()
        self._walked = time.monotonic()
        return self._facts()

    def cancel(self) -> None:
        """Any thread: no more is read but what is appended."""
        self._cancelled.set()
        child = self._child
        if child is not None:
            child.stop()

    def changed(self, paths: Iterable[Path]) -> None:
        """Watcher thread: gathers paths for a look that is due at once or in a moment."""
        with self._lock:
            self._waiting |= {str(path).removesuffix("-wal") for path in paths}
            if self._timer:
                return
            self._timer = True
            wait = max(0.0, self._looked + LOOK_SECONDS - time.monotonic())
        if wait:
            later = threading.Timer(wait, self._do, (self._look,))
            later.daemon = True
            later.start()
        else:
            self._do(self._look)

    def _look(self) -> Sequence[Fact]:
        with self._lock:
            paths, self._waiting, self._timer = self._waiting, set(), False
            self._looked = time.monotonic()
        if self._scan is None or self._cold:
            # Whoever reads everything comes by these files too.
            return ()
        return self._facts() if self._scan.look(paths).files else ()

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

    def _owner(self, provider: str, at: float) -> str:
        """Whose login was live then; the stays are copied when they are others."""
        from providers.engine.timeline import Timeline

        stays = self._stays()
        if self._timeline is None or self._timeline[0] is not stays:
            self._timeline = (stays, Timeline(stays))
        return self._timeline[1].owner(provider, at, at) or ""

    def _facts(self) -> Sequence[Fact]:
        """Tokens of the last hours and of today, for each tool with any in the index."""
        from providers.ledger.query import totals

        if self._index is None:
            return ()
        now = self._clock.now()
        begin, end = day_around(now, self._zone)
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

        names = [name for grouping in question.groupings for name in grouping]
        by = tuple(dict.fromkeys((*names, *PRICED_BY, "account")))
        where = {"provider": question.provider} if question.provider else None
        found = totals(index, by=by, since=question.since, where=where, zone=LocalZone(self._zone))
        kept = [total for total in found if question.model in total.model.lower()]
        mine = [total for total in kept if _is_of(total, question)]
        prices = load_prices(self._environment)
        known = [k for k in index.known().values() if question.provider in ("", k.tool)]
        return Told(
            tables=tuple(rows_of(mine, grouping, prices) for grouping in question.groupings),
            others=sum(total.tokens for total in kept if not total.account) if question.account else 0,
            troubled=tuple((k.tool, k.path, k.trouble) for k in known if k.trouble),
            broken=sum(k.broken for k in known),
            approximate=any(k.approximate for k in known),
            facts_of=prices.facts_of,
        )


def _is_of(total: Total, question: Question) -> bool:
    from providers.engine.deck import account_id

    return not question.account or (
        bool(total.account) and account_id(total.provider, total.account) == question.account
    )
