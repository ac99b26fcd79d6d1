"""The history as the pane keeps it: which figures are new, what was known at the last end, how the
short windows moved lately.

Made by live.py.  `fresh` is called on the thread that owns the deck, all else on the reader thread;
the two share nothing but frozen values.  The history is imported and opened when it is first needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from providers.engine.clock import Clock
from providers.engine.deck import Facts, Figure, account_id
from providers.model import DAY, Fact, Reading, Trend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.engine.history import History

REMEMBERED = 8 * DAY
"""Figures from history older than this say nothing about any window that still runs."""

TREND_SPAN = 4 * 3600.0
_SHORT = ("5h", "day")

Fresh = Sequence[tuple[str, str, Figure]]
"""(provider, account id, figure)."""


class Recorder:
    """Keeps figures, once each."""

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self._path, self._clock = state_dir / "history.sqlite3", clock
        self._recorded: dict[tuple[str, str, str], Figure] = {}
        self._history: History | None = None

    def fresh(self, facts: Facts) -> Fresh:
        """The figures that were not recorded yet; they count as recorded from now on."""
        found: list[tuple[str, str, Figure]] = []
        for provider in facts.providers:
            for account in provider.accounts:
                ident = account_id(provider.descriptor.id, account.key)
                for figure in account.figures:
                    place = (provider.descriptor.id, ident, figure.window.id)
                    if account.key and figure.origin != "history" and self._recorded.get(place) != figure:
                        self._recorded[place] = figure
                        found.append((*place[:2], figure))
        return found

    def record(self, figures: Fresh) -> list[Fact]:
        """Keeps samples; how the short windows among them moved lately."""
        from providers.engine.history import buckets, rate_per_hour

        now = self._clock.now()
        trends: list[Fact] = []
        for provider, account, figure in figures:
            window = figure.window.id
            self.history.record(provider, account, figure.window, figure.observed_at, figure.source)
            if window in _SHORT:
                samples = self.history.samples(provider, account, window, now - TREND_SPAN - 900)
                rate = rate_per_hour(samples, now)
                if rate is not None:
                    trends.append(Trend(provider, account, window, buckets(samples, now), rate))
        return trends

    def remembered(self) -> list[Reading]:
        """The last known figures of every account, if there is a history."""
        if not self._path.is_file():
            return []
        now = self._clock.now()
        return [r for r in self.history.last_readings() if now - REMEMBERED <= r.observed_at <= now]

    def close(self) -> None:
        """Closes the history; a later call opens it again."""
        if self._history is not None:
            self._history.close()

    @property
    def history(self) -> History:
        """The history, opened."""
        if self._history is None:
            from providers.engine.history import History

            self._history = History(self._path)
        return self._history
