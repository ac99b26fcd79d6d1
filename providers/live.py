"""The composition root: wires files, deck and view together for every front end.

`open_live` is what the pane, the one-shot commands, the demo and the tests call.  The
event loop's thread owns a `Live` (the deck is in it); its reader and watcher threads hand
over frozen facts and are never joined.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import providers
from providers.accounts.enrolled import RosterFile
from providers.base import Environment, FileSource, Provider
from providers.engine.clock import Clock
from providers.engine.collector import Collector
from providers.engine.deck import Deck
from providers.engine.pace import PaceRule
from providers.engine.polled import activity_of, logins_of, polled
from providers.engine.recorder import Recorder
from providers.engine.settings import Settings
from providers.engine.shown import DeckView
from providers.engine.timeline import Stay, Timeline, load_stays, save_stays
from providers.engine.view import ViewRules, view
from providers.model import Fact, LoginState, Roster

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading

    import httpx

    from providers.accounts.vaults import Vaults
    from providers.engine.asker import Asker
    from providers.engine.history import Sample
    from providers.engine.http import Http
    from providers.engine.inquiry import Secret
    from providers.engine.reader import Reader
    from providers.engine.watch import Watch
    from providers.ledger.tally import Tally

Post = Callable[..., object]
Changed = Callable[[frozenset[str]], None]
Network = Callable[[], "httpx.AsyncBaseTransport"]
Samples = Callable[["tuple[Sample, ...]"], None]


def open_live(
    environment: Environment,
    settings: Settings,
    clock: Clock,
    *,
    chosen: Sequence[Provider] | None = None,
    network: Network | None = None,
    secret: Secret | None = None,
) -> Live:
    """A `Live` over the registry's providers, in the order of the settings.

    ``chosen`` replaces the registry, what ``network`` makes replaces the network, and ``secret``
    what `Vaults.fetch` gives (tests, the demo).  Reads nothing yet.
    """
    loaded = tuple(chosen) if chosen is not None else tuple(map(providers.load, providers.PROVIDERS))
    place = {name: i for i, name in enumerate(settings.panels)}
    ordered = sorted(loaded, key=lambda p: place.get(p.descriptor.id, len(place)))
    return Live(environment, settings, clock, ordered, network, secret)


class Live:
    """The deck with everything around it.

    One-shot: `load`, perhaps `refresh`, then `view`.  Pane: `start`, then `view` at every tick
    and whenever ``changed`` is called; `connect` once the first frame is out.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        clock: Clock,
        ordered: Sequence[Provider],
        network: Network | None,
        secret: Secret | None,
    ) -> None:
        enabled = [p for p in ordered if p.descriptor.id not in settings.disabled]
        self.environment = environment
        self._clock, self._settings, self._network = clock, settings, network
        self._secret = secret or (lambda kept: self.vaults.fetch(kept))
        self._vaults: dict[str, Vaults] = {}
        self._enabled = enabled
        self._by_itself = settings.polling == "on"
        self._asker: Asker | None = None
        # In every sidecar that this process publishes, so that it knows them again.
        self._writer = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._rules = rules_from(settings)
        self._deck = Deck([p.descriptor for p in ordered], Timeline(load_stays(environment.state_dir)))
        self._collector = Collector(
            enabled, environment, clock, off=settings.sources_off, on=settings.sources_on,
            writer=self._writer, own=[RosterFile(environment, [p.descriptor.id for p in enabled])],
        )  # fmt: skip
        self._reader: Reader | None = None
        self._watch: Watch | None = None
        self._recorder = Recorder(environment.state_dir, clock)
        self._tally: Tally | None = None
        self._paused = self._keeping = False
        self._inbox: deque[list[Fact]] = deque()
        self._first: threading.Event | None = None
        self._post: Post | None = None
        self._changed: Changed | None = None
        self._on_login: Callable[[str], None] | None = None

    def load(self) -> None:
        """Reads every source now, in the calling thread, and writes nothing."""
        now = self._clock.now()
        self._deck.apply([*self._recorder.remembered(), *self._collector.sweep()], now)
        # One that is open when the process ends leaves its -wal and -shm.
        self._recorder.close()
        self._deck.apply(polled(self._deck.facts(), self.environment.state_dir, now), now)

    def refresh(self, chosen: Sequence[str]) -> list[tuple[str, str]]:
        """Asks the endpoints of these providers (all, if none is named) once, as the key does,
        and waits for the answers.  For one-shot commands, after `load`.

        Returns which providers were not asked, and why."""
        import asyncio

        found: list[Fact] = []
        asker = self._new_asker(found.extend)
        asker.know(activity_of(self._deck.facts()))
        for provider in chosen:
            asker.wish(provider)
        if not chosen:
            asker.wish(None)
            # What is due of itself is asked too, and the record then knows when it is due next.
            asker.allow(self._by_itself)
        asyncio.run(asker.turn())
        self._deck.apply(found, self._clock.now())
        return asker.silences

    def view(self, *, every: bool = False) -> DeckView:
        """What is shown now, with ``every`` also what there is nothing of.  Owner thread; well
        under a millisecond."""
        return view(self._deck.facts(), self._clock.now(), self._rules, every=every)

    @property
    def vaults(self) -> Vaults:
        """Where secrets are kept, one for the run, so that a passphrase is given once.  Any
        thread; no keyring and no vault is touched before it is asked for something."""
        from providers.accounts.vaults import Vaults

        # One step, as the network's threads and the screen's may come first at once.
        return self._vaults.setdefault("", Vaults(self.environment, self._settings))

    def sources(self) -> tuple[FileSource, ...]:
        """Every source that is read."""
        return self._collector.sources

    def folders(self) -> frozenset[Path]:
        """Every folder that is (or would be) watched."""
        return self._collector.folders()

    def begin(self) -> None:
        """Starts the reader thread, so that files are read while the screen is imported."""
        # Here and not above: one-shot commands have one thread, and pay 2 ms for the import.
        import threading

        from providers.engine.reader import Reader

        self._first = threading.Event()
        self._reader = Reader(self._collector, self._publish)
        self._reader.start([self._recorder.remembered, self._collector.sweep, self._first_done])

    def wait_first(self, seconds: float) -> None:
        """Waits until everything was read once, at most this long, and takes it in."""
        if self._first is not None:
            self._first.wait(seconds)
        self._drain()

    def start(self, post: Post, changed: Changed) -> None:
        """Starts watching.  ``post(fn, *args)`` must run ``fn`` on the owner's thread;
        ``changed(ids)`` is called there with the providers whose facts moved."""
        from providers.engine.watch import Watch

        if self._reader is None:
            self.begin()
        assert self._reader is not None
        self._changed = changed
        self._post = post
        post(self._drain)
        tally = self._new_tally(self._reader, post, changed)
        self._watch = Watch(
            lambda: self._collector.folders() | tally.folders(),
            lambda path: self._collector.concerns(path) or tally.concerns(path),
            partial(_tell_both, self._reader, tally),
        )
        self._watch.start()
        self._reader.do(self._tune)

    def when_login(self, told: Callable[[str], None]) -> None:
        """``told`` is called on the owner's thread with the provider whose live login may have
        been renewed, or proven to be somebody's."""
        self._on_login = told

    def reread(self, provider: str | None) -> None:
        """Reads the files (of one provider) anew: the keys ``r`` and ``R``."""
        if self._reader is not None:
            self._reader.reread(provider)

    def keep(self) -> None:
        """Keeps figures in the history from now on, and says how they moved.  Once, when the
        first frame is out: until then the reader thread would hold it up by 15 ms."""
        self._keeping = True
        self._keep()

    def connect(self) -> None:
        """Starts the network thread, which imports what it needs and sends nothing by itself
        unless the settings say so.  Once, after the first frame."""
        asker = self._new_asker(self._publish)
        if asker.possible:
            self._asker = asker
            asker.allow(self._by_itself)
            asker.know(activity_of(self._deck.facts()))
            asker.start()

    def count(self) -> None:
        """Counts the tokens in session logs from now on.  Once, after the first frame."""
        if self._tally is not None:
            self._tally.start()

    @property
    def tally(self) -> Tally | None:
        """The ledger, for questions; None before `start`."""
        return self._tally

    def _new_tally(self, reader: Reader, post: Post, changed: Changed) -> Tally:
        from providers.ledger.tally import Tally, rooms_of

        rooms = partial(rooms_of, self._settings)
        self._tally = tally = Tally(
            self.environment, rooms, self._clock, do=reader.do, post=post, told=partial(changed, frozenset())
        )
        reader.also = tally.round
        return tally

    def judge(self, settings: Settings) -> None:
        """Other thresholds from now on."""
        self._rules = rules_from(settings)

    def ask(self, provider: str | None) -> None:
        """The keys ``r`` and ``R``: asks one provider, or all, as far as the budget allows."""
        if self._asker is not None and not self._paused:
            self._asker.wish(provider)

    def allow(self, by_itself: bool) -> None:
        """Whether endpoints are asked without a key from now on."""
        self._by_itself = by_itself
        if self._asker is not None:
            self._asker.allow(by_itself and not self._paused)

    def history(self, provider: str, account: str, window: str, since: float, answer: Samples) -> None:
        """The kept samples of a window: read on the reader thread, ``answer`` is called on the
        owner's."""

        def job() -> Sequence[Fact]:
            samples = self._recorder.history.samples(provider, account, window, since)
            if self._post is not None:
                with contextlib.suppress(RuntimeError):
                    self._post(answer, samples)
            return ()

        if self._reader is not None:
            self._reader.do(job)

    def pause(self, paused: bool) -> None:
        """Holds the figures as they are and asks nobody; resuming reads everything anew."""
        self._paused = paused
        self.allow(self._by_itself)
        if not paused:
            self.reread(None)

    def remember(self, **changes: object) -> None:
        """Writes view settings to settings.toml on the reader thread."""
        from providers.engine import settings

        def job() -> Sequence[Fact]:
            settings.save(self.environment, **changes)
            return ()

        if self._reader is not None:
            self._reader.do(job)

    def stop(self) -> None:
        """Lets the threads end; waits for nothing."""
        for thread in (self._asker, self._watch, self._tally, self._reader):
            if thread is not None:
                thread.stop()

    def _publish(self, facts: list[Fact]) -> None:
        """Reader thread: hands facts over; they wait here until there is a loop to post to."""
        self._inbox.append(facts)
        if self._post is not None:
            with contextlib.suppress(RuntimeError):
                # The loop was closed: nobody is left to tell.
                self._post(self._drain)

    def _first_done(self) -> Sequence[Fact]:
        if self._first is not None:
            self._first.set()
        return ()

    def _drain(self) -> None:
        """Owner thread: takes in what was handed over.  While paused it is dropped;
        resuming reads everything anew."""
        facts: list[Fact] = []
        while self._inbox:
            facts += self._inbox.popleft()
        if not facts or self._paused:
            return
        ids = self._deck.apply(facts, self._clock.now())
        if self._on_login is not None:
            for provider in logins_of(facts) & set(providers.SWITCHABLE):
                self._on_login(provider)
        if self._keeping and self._reader is not None and any(isinstance(f, Roster) for f in facts):
            # So that the next command need not parse it.
            self._reader.do(self._keep_parsed)
        if ids:
            self._keep()
            self._inform(facts)
            if self._changed is not None:
                self._changed(ids)

    def _inform(self, facts: Sequence[Fact]) -> None:
        """Tells the asker what its pace depends on; wakes it only for a changed login."""
        if self._asker is not None:
            self._asker.know(activity_of(self._deck.facts()))
            if any(isinstance(fact, LoginState) for fact in facts):
                self._asker.poke()

    def _new_asker(self, publish: Callable[[list[Fact]], None]) -> Asker:
        from importlib.metadata import PackageNotFoundError, version

        from providers.accounts.parked import ParkedAccounts
        from providers.engine.asker import Asker
        from providers.engine.http import Http

        try:
            ours = version("quotadeck")
        except PackageNotFoundError:
            ours = "0"
        transport = self._network() if self._network is not None else None
        http: Http = Http(self._clock, ours, transport=transport)
        return Asker(
            self._enabled, self.environment, self._clock, http, publish,
            off=self._settings.sources_off, on=self._settings.sources_on,
            stand_ins=self._settings.endpoints, writer=self._writer, secret=self._secret,
            renews=not self._settings.read_only,
            parked=ParkedAccounts(self.environment, providers.stores, self._secret),
        )  # fmt: skip

    def _keep(self) -> None:
        """Sends new figures to the history and a changed timeline to its file."""
        if self._reader is None or not self._keeping:
            return
        timeline = self._deck.timeline
        if timeline.dirty:
            timeline.dirty = False
            stays = timeline.stays
            self._reader.do(lambda: self._save(stays))
        fresh = self._recorder.fresh(self._deck.facts())
        if fresh:
            self._reader.do(lambda: self._recorder.record(fresh))

    def _save(self, stays: Sequence[Stay]) -> Sequence[Fact]:
        save_stays(self.environment.state_dir, stays)
        return ()

    def _tune(self) -> Sequence[Fact]:
        """What need not be done before the first frame."""
        from providers.engine.reader import SWEEP_SECONDS, sweep_seconds_for

        self._keep_parsed()
        if self._reader is not None and self._watch is not None:
            self._reader.sweep_seconds = sweep_seconds_for(self._watch, self._collector.folders())
            if self._tally is not None and self._reader.sweep_seconds < SWEEP_SECONDS:
                self._tally.poll()
        return ()

    def _keep_parsed(self) -> Sequence[Fact]:
        from providers.engine.settings_file import keep_parsed

        keep_parsed(self.environment)
        return ()


def _tell_both(reader: Reader, tally: Tally, paths: frozenset[Path] | None) -> None:
    """Watcher thread: what changed concerns the quotas, the ledger, or both."""
    reader.changed(paths)
    tally.changed(paths)


def rules_from(settings: Settings) -> ViewRules:
    """The part of the settings that changes what is shown."""
    return ViewRules(
        watch_percent=settings.watch_percent,
        high_percent=settings.high_percent,
        pace=PaceRule(settings.pace_points, settings.pace_minutes * 60),
        aliases=settings.aliases,
        disabled=settings.disabled,
    )
