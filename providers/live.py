"""The composition root: wires files, deck and view together for every front end.

`open_live` is what the pane, the one-shot commands, the demo and the tests call.  The
event loop's thread owns a `Live` (the deck is in it); its reader and watcher threads hand
over frozen facts and are never joined.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import providers
from providers.base import Environment, FileBytes, FileSource, Provider
from providers.engine.clock import Clock
from providers.engine.collector import Collector
from providers.engine.deck import Deck, Figure, account_id
from providers.engine.files import read_file, write_atomic
from providers.engine.pace import PaceRule
from providers.engine.settings import Settings
from providers.engine.shown import DeckView
from providers.engine.timeline import Stay, Timeline
from providers.engine.view import ViewRules, view
from providers.model import DAY, Fact, Reading, Trend

if TYPE_CHECKING:
    from providers.engine.history import History
    from providers.engine.reader import Reader
    from providers.engine.watch import Watch

REMEMBERED = 8 * DAY
"""Figures from history older than this say nothing about any window that still runs."""

TREND_SPAN = 4 * 3600.0

Post = Callable[..., object]
Changed = Callable[[frozenset[str]], None]


def open_live(
    environment: Environment,
    settings: Settings,
    clock: Clock,
    *,
    chosen: Sequence[Provider] | None = None,
) -> Live:
    """A `Live` over the registry's providers, in the order of the settings.

    ``chosen`` replaces the registry (tests).  Reads nothing yet.
    """
    loaded = tuple(chosen) if chosen is not None else tuple(map(providers.load, providers.PROVIDERS))
    place = {name: i for i, name in enumerate(settings.panels)}
    ordered = sorted(loaded, key=lambda p: place.get(p.descriptor.id, len(place)))
    return Live(environment, settings, clock, ordered)


class Live:
    """The deck with everything around it.

    One-shot: `load`, then `view`.  Pane: `start`, then `view` at every tick and whenever
    ``changed`` is called.
    """

    def __init__(
        self, environment: Environment, settings: Settings, clock: Clock, ordered: Sequence[Provider]
    ) -> None:
        enabled = [p for p in ordered if p.descriptor.id not in settings.disabled]
        self.environment = environment
        self._clock = clock
        self._rules = rules_from(settings)
        self._deck = Deck([p.descriptor for p in ordered], Timeline(_load_stays(environment)))
        self._collector = Collector(enabled, environment, clock, off=settings.sources_off)
        self._reader: Reader | None = None
        self._watch: Watch | None = None
        self._history: History | None = None
        self._recorded: dict[tuple[str, str, str], Figure] = {}
        self._paused = False
        self._inbox: queue.SimpleQueue[list[Fact]] = queue.SimpleQueue()
        self._first = threading.Event()
        self._post: Post | None = None
        self._changed: Changed | None = None

    def load(self) -> None:
        """Reads every source now, in the calling thread, and writes nothing."""
        facts = [*self._remembered(), *self._collector.sweep()]
        self._deck.apply(facts, self._clock.now())

    def view(self) -> DeckView:
        """What is shown now.  Owner thread; well under a millisecond."""
        return view(self._deck.facts(), self._clock.now(), self._rules)

    def sources(self) -> tuple[FileSource, ...]:
        """Every source that is read."""
        return self._collector.sources

    def folders(self) -> frozenset[Path]:
        """Every folder that is (or would be) watched."""
        return self._collector.folders()

    def begin(self) -> None:
        """Starts the reader thread, so that files are read while the screen is imported."""
        from providers.engine.reader import Reader

        self._reader = Reader(self._collector, self._publish)
        self._reader.start([self._remembered, self._collector.sweep, self._first_done])

    def wait_first(self, seconds: float) -> None:
        """Waits until everything was read once, at most this long, and takes it in."""
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
        self._watch = Watch(self._collector.folders, self._collector.concerns, self._reader.changed)
        self._watch.start()
        self._reader.do(self._tune)

    def reread(self, provider: str | None) -> None:
        """Reads the files (of one provider) anew: the keys ``r`` and ``R``."""
        if self._reader is not None:
            self._reader.reread(provider)

    def pause(self, paused: bool) -> None:
        """Holds the figures as they are; resuming reads everything anew."""
        self._paused = paused
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
        for thread in (self._watch, self._reader):
            if thread is not None:
                thread.stop()

    def _publish(self, facts: list[Fact]) -> None:
        """Reader thread: hands facts over; they wait here until there is a loop to post to."""
        self._inbox.put(facts)
        if self._post is not None:
            with contextlib.suppress(RuntimeError):
                # The loop was closed: nobody is left to tell.
                self._post(self._drain)

    def _first_done(self) -> Sequence[Fact]:
        self._first.set()
        return ()

    def _drain(self) -> None:
        """Owner thread: takes in what was handed over.  While paused it is dropped;
        resuming reads everything anew."""
        facts: list[Fact] = []
        while not self._inbox.empty():
            facts += self._inbox.get()
        if not facts or self._paused:
            return
        ids = self._deck.apply(facts, self._clock.now())
        if ids:
            self._keep()
            if self._changed is not None:
                self._changed(ids)

    def _keep(self) -> None:
        """Sends new figures to the history and a changed timeline to its file."""
        if self._reader is None:
            return
        timeline = self._deck.timeline
        if timeline.dirty:
            timeline.dirty = False
            stays = timeline.stays
            self._reader.do(lambda: _save_stays(self.environment, stays))
        fresh = self._new_figures()
        if fresh:
            self._reader.do(lambda: self._record(fresh))

    def _new_figures(self) -> list[tuple[str, str, Figure]]:
        found: list[tuple[str, str, Figure]] = []
        for provider in self._deck.facts().providers:
            for account in provider.accounts:
                ident = account_id(provider.descriptor.id, account.key)
                for figure in account.figures:
                    place = (provider.descriptor.id, ident, figure.window.id)
                    if account.key and figure.origin != "history" and self._recorded.get(place) != figure:
                        self._recorded[place] = figure
                        found.append((*place[:2], figure))
        return found

    def _record(self, figures: list[tuple[str, str, Figure]]) -> list[Fact]:
        """Reader thread: keeps samples and says how the short windows moved lately."""
        from providers.engine.history import buckets, rate_per_hour

        history = self._open_history()
        now = self._clock.now()
        trends: list[Fact] = []
        for provider, account, figure in figures:
            history.record(provider, account, figure.window, figure.observed_at, figure.source)
            if figure.window.id in ("5h", "day"):
                samples = history.samples(provider, account, figure.window.id, now - TREND_SPAN - 900)
                rate = rate_per_hour(samples, now)
                if rate is not None:
                    trends.append(Trend(provider, account, figure.window.id, buckets(samples, now), rate))
        return trends

    def _remembered(self) -> list[Reading]:
        """The last known figures of every account, if there is a history."""
        path = self.environment.state_dir / "history.sqlite3"
        if not path.is_file():
            return []
        now = self._clock.now()
        known = self._open_history().last_readings()
        return [r for r in known if now - REMEMBERED <= r.observed_at <= now]

    def _open_history(self) -> History:
        if self._history is None:
            from providers.engine.history import History

            self._history = History(self.environment.state_dir / "history.sqlite3")
        return self._history

    def _tune(self) -> Sequence[Fact]:
        from providers.engine.reader import sweep_seconds_for

        if self._reader is not None and self._watch is not None:
            self._reader.sweep_seconds = sweep_seconds_for(self._watch, self._collector.folders())
        return ()


def rules_from(settings: Settings) -> ViewRules:
    """The part of the settings that changes what is shown."""
    return ViewRules(
        watch_percent=settings.watch_percent,
        high_percent=settings.high_percent,
        pace=PaceRule(settings.pace_points, settings.pace_minutes * 60),
        aliases=settings.aliases,
        disabled=settings.disabled,
    )


def _timeline_file(environment: Environment) -> Path:
    return environment.state_dir / "timeline.json"


def _load_stays(environment: Environment) -> list[Stay]:
    """The persisted timeline; a broken file is an empty one (attribution then says
    "account unknown" where it is not sure)."""
    found = read_file(_timeline_file(environment), 1024 * 1024)
    if not isinstance(found, FileBytes):
        return []
    try:
        return [
            Stay(str(s["provider"]), str(s["account"]), float(s["since"]), float(s["seen"]))
            for s in json.loads(found.data)["stays"]
        ]
    except (ValueError, TypeError, KeyError):
        return []


def _save_stays(environment: Environment, stays: Sequence[Stay]) -> Sequence[Fact]:
    document = {
        "version": 1,
        "stays": [
            {"provider": s.provider, "account": s.account, "since": int(s.since), "seen": int(s.seen)}
            for s in stays
        ],
    }
    write_atomic(_timeline_file(environment), json.dumps(document, indent=1).encode())
    return ()
