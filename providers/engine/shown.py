"""What a person is shown: the frozen types that `view` makes and every front end draws.

Made by view.py alone; read by the pane, ``status``, ``watch`` and the notices, which
is why they cannot disagree.  Everything that depends on the time of day is already
decided here; only wording and local time are left to the edge (tui/text.py).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from providers.model import Failure, SourceReport, Status, Trend
from providers.record import Record


class WindowState(StrEnum):
    """How far a window's figure can be trusted now."""

    FRESH = "fresh"
    STALE = "stale"
    RESET_DUE = "reset_due"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"


class Severity(IntEnum):
    """How much a window asks for attention; the order is the severity."""

    NONE = 0
    OK = 1
    WATCH = 2
    HIGH = 3


class Pace(Record):
    """Use against time, evaluated when the figure was measured.

    ``expected_percent`` is the elapsed share of the window; ``projected_percent``
    what an even pace leads to at the reset (may exceed 100); ``runs_out_at`` is set
    only if that is before the reset; ``delta`` is used minus expected, in points.
    """

    expected_percent: float
    projected_percent: float
    delta: float
    runs_out_at: float | None = None


class WindowView(Record):
    """One row.  ``used_percent`` is None in the states reset_due and unknown."""

    id: str
    label: str
    state: WindowState
    used_percent: float | None
    resets_at: float | None
    window_seconds: int | None
    source: str
    origin: str
    observed_at: float
    severity: Severity
    pace: Pace | None = None
    used: float | None = None
    limit: float | None = None
    remaining: float | None = None
    unit: str | None = None
    note: str = ""
    refills_at: float | None = None
    refill_percent: float | None = None

    @property
    def full(self) -> bool:
        """Whether nothing is left until the reset."""
        return self.used_percent is not None and self.used_percent >= 100 and not self.note


class Budget(Record):
    """Requests of the last ``per_seconds`` by all running copies, and how many it may be."""

    used: int
    limit: int
    per_seconds: int


class AccountView(Record):
    """One account.  ``observed_at`` is that of its newest figure, None without any;
    ``message`` one sentence, ``fix`` the command that mends it (may be empty).

    ``budget`` is None where nothing can be asked; ``waits`` says why nothing is asked now
    ("" while it is merely not due at ``next_refresh_at``); ``by_hand_at`` is from when a key
    may ask, ``asking`` whether a question is out, ``retry_at`` when a failure is tried again."""

    id: str
    alias: str
    email: str
    organisation: str
    plan: str
    live: bool
    known: bool
    status: Status
    message: str
    fix: str
    login_expires_at: float | None
    next_refresh_at: float | None
    observed_at: float | None
    windows: tuple[WindowView, ...]
    warnings: tuple[str, ...] = ()
    budget: Budget | None = None
    waits: str = ""
    by_hand_at: float = 0.0
    asking: bool = False
    retry_at: float | None = None
    kept: bool = False
    """Whether a login of it is kept here, so that it can be switched to."""


class BurnView(Record):
    """Tokens by the session logs on this machine: ``bars`` of the last four hours, one a quarter of
    an hour, oldest first; ``today`` is None once the day that was counted is over."""

    bars: tuple[int, ...]
    today: int | None


class ProviderView(Record):
    """One panel.  ``accounts`` has the live one first; ``status`` and ``message`` are its.
    ``trend`` is that of the front account's shortest window, if there is history.
    ``failures`` are what sources say is wrong, the newest last, for the detail."""

    id: str
    name: str
    mark: str
    cli: str
    status: Status
    message: str
    accounts: tuple[AccountView, ...]
    reports: tuple[SourceReport, ...] = ()
    trend: Trend | None = None
    failures: tuple[Failure, ...] = ()
    burn: BurnView | None = None

    @property
    def front(self) -> AccountView | None:
        """The account whose windows fill the panel: the live one, else the first."""
        return self.accounts[0] if self.accounts else None

    @property
    def severity(self) -> Severity:
        """The worst of the front account's windows."""
        front = self.front
        return max((w.severity for w in front.windows), default=Severity.NONE) if front else Severity.NONE


class VerdictKind(StrEnum):
    """What the first line says, most urgent first."""

    RUNS_OUT = "runs_out"
    FULL = "full"
    LOGIN = "login"
    TIGHT = "tight"
    OLD = "old"
    CALM = "calm"
    EMPTY = "empty"


class Verdict(Record):
    """The one thing to know now.  ``at`` is when it happens (run-out, or reset of a
    full window), ``early_seconds`` how long before the reset; ``others`` counts
    further windows of the same kind.  ``room_*`` name where most is left now."""

    kind: VerdictKind
    provider: str = ""
    account: str = ""
    window: str = ""
    percent: float | None = None
    at: float | None = None
    early_seconds: float | None = None
    others: int = 0
    room_provider: str = ""
    room_account: str = ""
    room_percent: float | None = None


class MomentKind(StrEnum):
    """What happens on the 24 h lane."""

    RESET = "reset"
    RUNS_OUT = "runs_out"


class Moment(Record):
    """One point of the lane "next 24 h".  ``percent`` is the used share now."""

    at: float
    kind: MomentKind
    provider: str
    account: str
    window: str
    percent: float | None


class DeckView(Record):
    """Everything a front end draws, as of ``generated_at``."""

    generated_at: float
    providers: tuple[ProviderView, ...]
    verdict: Verdict
    moments: tuple[Moment, ...] = ()
