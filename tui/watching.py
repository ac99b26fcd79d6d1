"""``quotadeck watch --plain``: the figures, then one sentence per change, never redrawn.

For screen readers and logs.  Runs the same data side as the pane, with a queue in place of an
event loop; no terminal code is ever written.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable

from providers.engine.clock import Clock
from providers.engine.shown import AccountView, DeckView, ProviderView, WindowState, WindowView
from providers.live import Live
from providers.model import Status
from tui.report import as_plain
from tui.sentences import sentence, verdict
from tui.text import Zone, clock_time, hide

TICK = 1.0
"""Seconds between two looks for what time alone changes."""

REST = 10.0
"""Seconds between two sentences about one window."""

WIDE = 200

Out = Callable[[str], None]


def run(
    live: Live,
    out: Out,
    clock: Clock,
    zone: Zone,
    hours: int,
    private: bool,
    stop: threading.Event,
    gone: Callable[[], bool] = bool,
) -> int:
    """Watches until ``stop`` is set, a signal comes, or ``gone`` says that nobody reads any
    more; returns 0."""
    jobs: queue.SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = queue.SimpleQueue()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stop.set())
    live.begin()
    live.wait_first(5.0)
    try:
        first = live.view()
        out(as_plain(first, zone, hours=hours))
        teller = Teller(first, zone, hours, private)
        live.start(lambda fn, *args: jobs.put((fn, args)), lambda ids: None)
        live.keep()
        live.connect()
        while not stop.is_set() and not gone():
            _run_jobs(jobs)
            for line in teller.tell(live.view()):
                out(line + "\n")
    except BrokenPipeError:
        pass
    finally:
        live.stop()
    return 0


def _run_jobs(jobs: queue.SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]]) -> None:
    """What the threads posted: waits for the first a moment, takes all there is."""
    try:
        call, values = jobs.get(timeout=TICK)
        call(*values)
        while True:
            call, values = jobs.get_nowait()
            call(*values)
    except queue.Empty:
        return


class Teller:
    """Says what is different from what it said last."""

    def __init__(self, view: DeckView, zone: Zone, hours: int, private: bool) -> None:
        self._zone, self._hours, self._private = zone, hours, private
        self._windows: dict[tuple[str, str, str], tuple[tuple[object, ...], float]] = {}
        self._states: dict[str, Status] = {}
        self._verdict = view.verdict.kind
        for provider, account, window in _rows(view):
            place = (provider.id, account.id, window.id)
            self._windows[place] = (_figure(window), float("-inf"))
        self._states = {p.id: p.status for p in view.providers}

    def tell(self, view: DeckView) -> list[str]:
        """One line for each change since the last call, each with the time in front."""
        now = view.generated_at
        said = [*self._changed_states(view), *self._changed_windows(view)]
        if view.verdict.kind is not self._verdict:
            self._verdict = view.verdict.kind
            said.append(verdict(view, self._zone, self._hours, self._private, WIDE))
        time = clock_time(now, now, self._zone, self._hours)
        hidden = (hide(text, view.providers, self._private) for text in said)
        return [f"{time} {text}" for text in dict.fromkeys(hidden)]

    def _changed_states(self, view: DeckView) -> list[str]:
        said: list[str] = []
        for provider in view.providers:
            if self._states.get(provider.id) is not provider.status:
                self._states[provider.id] = provider.status
                said.append(
                    ": ".join(
                        t for t in (f"{provider.name} is {provider.status.value}", provider.message) if t
                    )
                )
        return said

    def _changed_windows(self, view: DeckView) -> list[str]:
        said: list[str] = []
        for provider, account, window in _rows(view):
            place, figure = (provider.id, account.id, window.id), _figure(window)
            before, told_at = self._windows.get(place, ((), float("-inf")))
            if figure == before or 0 <= view.generated_at - told_at < REST:
                continue
            self._windows[place] = (figure, view.generated_at)
            text = sentence(
                provider, account, window, view.generated_at, self._zone, self._hours, self._private
            )
            said.append(text)
        return said


def _rows(view: DeckView) -> list[tuple[ProviderView, AccountView, WindowView]]:
    return [(p, a, w) for p in view.providers for a in p.accounts for w in a.windows]


def _figure(window: WindowView) -> tuple[object, ...]:
    """What of a window is worth a sentence: whole percents, its state, an amount."""
    used = None if window.used_percent is None else int(window.used_percent)
    started = WindowState.FRESH if window.state is WindowState.NOT_STARTED else window.state
    return used, started, window.note, window.used, window.remaining
