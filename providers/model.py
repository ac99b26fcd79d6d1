"""The words: frozen, slotted types that every room shares.  No I/O, no clock.

Anybody may import this module; it imports nothing of ours.  Times are epoch
seconds UTC (floats inside, integers at the edges), percentages are 0-100 and
may exceed 100; ``None`` always means *unknown*, never zero.
"""

from __future__ import annotations

from enum import StrEnum

from providers.record import Record

HOUR = 3600
DAY = 86_400
FIVE_HOURS = 5 * HOUR
WEEK = 7 * DAY
MONTH = 30 * DAY

ABSURD_PERCENT = 10_000.0
"""Figures above this are a unit mistake (an epoch in the percent field was seen
in anthropics/claude-code#52326), so they are unknown."""


class Source(StrEnum):
    """Where a figure comes from; a later member wins a tie in time."""

    SIDECAR = "sidecar"
    CACHE = "cache"
    LOG = "log"
    STATUSLINE = "statusline"
    PROXY = "proxy"
    CLI = "cli"
    WEB = "web"
    ENDPOINT = "endpoint"


class Status(StrEnum):
    """What an account is, in the words of ``status --json``."""

    OK = "ok"
    IDLE = "idle"
    STALE = "stale"
    LIMITED = "limited"
    EXPIRED = "expired"
    UNSUBSCRIBED = "unsubscribed"
    UNCONFIGURED = "unconfigured"
    OFFLINE = "offline"
    DENIED = "denied"
    ERROR = "error"
    DISABLED = "disabled"


PROBLEMS = frozenset({Status.EXPIRED, Status.DENIED, Status.ERROR, Status.OFFLINE, Status.LIMITED})
"""Statuses that a person may have to do something about; ``n`` walks over them."""


class Window(Record):
    """One quota that refills, as one source described it.

    ``id`` is canonical: ``5h``, ``7d``, ``7d:<model>``, ``day``, ``day:<model>``,
    ``month``, ``month:<name>``, ``credits``, ``spend``; anything else is shown under
    its own ``label``.  ``used``, ``limit`` and ``remaining`` are in ``unit`` (money
    in major units, the unit then being the ISO currency).  ``note`` replaces the
    forecast ("off: out of credits"); a window with a note never colours its account.
    A quota that comes back bit by bit has no reset: ``refills_at`` is when the next
    ``refill_percent`` of it do.
    """

    id: str
    label: str
    used_percent: float | None = None
    resets_at: float | None = None
    window_seconds: int | None = None
    used: float | None = None
    limit: float | None = None
    remaining: float | None = None
    unit: str | None = None
    note: str = ""
    refills_at: float | None = None
    refill_percent: float | None = None


class Identity(Record):
    """Who an account is.  ``key`` is the provider's own stable identity (never an
    e-mail: one e-mail can own several organisations); the rest are labels."""

    key: str
    email: str = ""
    organisation: str = ""


class Reading(Record):
    """What one source said about one account at one moment.

    ``account`` is an identity key, or None where the source names none; the deck
    then attributes it.  ``since`` is when the writing session began, if known:
    near a switch it decides whose figures these are.  ``complete`` says that the
    reading lists every window, so that one it omits is gone.  ``alias`` and
    ``email`` are labels that the source offered.
    """

    provider: str
    windows: tuple[Window, ...]
    source: Source
    origin: str
    observed_at: float
    account: str | None = None
    since: float | None = None
    complete: bool = False
    plan: str = ""
    email: str = ""
    alias: str = ""
    next_refresh_at: float | None = None


class Failure(Record):
    """A source's word that an account is not well; it never touches figures.

    A later reading of the same ``origin`` takes it back.
    """

    provider: str
    status: Status
    message: str
    source: Source
    origin: str
    observed_at: float
    account: str | None = None
    retry_at: float | None = None


class LoginState(Record):
    """What the login that a CLI holds right now says of itself, secrets left out.

    ``fix`` is the command that mends it.  ``warnings`` are sentences about what
    makes the shown account not the one in use (an override in the environment).
    ``torn`` says that a file was caught half written, so that what is known already
    counts for more.  ``observed_at`` is the login file's own time.
    """

    provider: str
    status: Status
    message: str = ""
    fix: str = ""
    identity: Identity | None = None
    plan: str = ""
    login_expires_at: float | None = None
    warnings: tuple[str, ...] = ()
    observed_at: float = 0.0
    torn: bool = False


class Outcome(StrEnum):
    """How looking at one file went."""

    READ = "read"
    EMPTY = "no figures"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    OFF = "off"


class SourceReport(Record):
    """One file or folder that was looked at, and what came of it.

    ``detail`` is one clean sentence without secrets, empty when all is well.
    """

    provider: str
    source_id: str
    title: str
    path: str
    outcome: Outcome
    detail: str = ""
    observed_at: float = 0.0


class Trend(Record):
    """How one window's use moved lately, from our own bounded history.

    ``buckets`` are points of used percent gained per quarter of an hour, oldest first;
    ``per_hour`` points an hour over that span, None with too few samples.
    """

    provider: str
    account: str
    window: str
    buckets: tuple[float, ...]
    per_hour: float | None


class Burn(Record):
    """What a provider's tokens went by the session logs on this machine, whoever was logged in.

    ``buckets`` are (begin in epoch seconds, tokens) of the quarters of an hour that had any, oldest
    first; ``today`` is the sum since the local day began, which ends at ``day_ends``.
    """

    provider: str
    buckets: tuple[tuple[int, int], ...]
    today: int
    day_ends: float


class Polling(Record):
    """How asking the provider about one account stands.

    ``account`` is its identity key, "" where the login names none.  ``asked`` are the
    requests of the last hour by all running copies, epoch seconds, oldest first; ``limit``
    how many ``per_seconds`` may hold.  ``next_at`` is when it is asked by itself, None for
    never; ``waits`` one clean sentence why it is not asked now ("" while it is merely not
    due); ``by_hand_at`` from when a key may ask; ``asking`` since when a question is out.
    """

    provider: str
    account: str
    asked: tuple[float, ...]
    limit: int
    per_seconds: int = HOUR
    next_at: float | None = None
    waits: str = ""
    by_hand_at: float = 0.0
    asking: float | None = None


class Enrolled(Record):
    """An account whose login is kept, whether or not anything else is known of it.

    ``id`` is its id in accounts.toml, ``key`` its identity key; ``ends_at`` when the kept login
    runs out by what it says itself, None if it does not say.
    """

    id: str
    key: str
    alias: str = ""
    email: str = ""
    organisation: str = ""
    plan: str = ""
    ends_at: float | None = None


class Roster(Record):
    """Everybody who is kept of one provider, in the person's order; empty if nobody is."""

    provider: str
    accounts: tuple[Enrolled, ...]


Fact = Reading | Failure | LoginState | SourceReport | Trend | Polling | Roster | Burn
"""What travels from a provider to the deck."""


def sound_percent(value: float | None) -> float | None:
    """``value`` if it can be a used percentage, else None (NaN, infinite, negative, absurd)."""
    if value is None or not 0 <= value <= ABSURD_PERCENT:
        return None
    return float(value)


def window_id_for(seconds: float | None) -> str | None:
    """The canonical id for a window of this length, or None for an odd length.

    Classified by length because Codex has moved a weekly window into its primary
    slot (robinebers/openusage:docs/providers/codex.md).  Month lengths of 2592000
    and 2628000 seconds are both served (slkiser/opencode-quota:tests/fixtures/openai).
    """
    if seconds is None or seconds <= 0:
        return None
    if 4.5 * HOUR <= seconds <= 5.5 * HOUR:
        return "5h"
    if 6.5 * DAY <= seconds <= 7.5 * DAY:
        return "7d"
    if 23 * HOUR <= seconds <= 25 * HOUR:
        return "day"
    if 27 * DAY <= seconds <= 32 * DAY:
        return "month"
    return None
