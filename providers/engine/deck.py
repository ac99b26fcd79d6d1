"""The deck: per account and window the newest trustworthy figure, and nothing derived.

Owned by the event loop's thread (or by a one-shot command).  `Deck.apply` takes facts,
`Deck.facts` hands out a frozen copy; what a figure means at a time of day is decided in
view.py alone.  All merging happens here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from providers.base import Descriptor
from providers.engine.timeline import Timeline
from providers.model import (
    Burn,
    Enrolled,
    Fact,
    Failure,
    Identity,
    LoginState,
    Polling,
    Reading,
    Roster,
    Source,
    SourceReport,
    Trend,
    Window,
    sound_percent,
)
from providers.record import Record

SAME_RESET = 60.0
"""Two resets closer than this are the same one; sub-second parts differ from call to call."""

NEAR_SWITCH = 900.0
"""A reading of unknown session start is taken to come from a session this old at least."""

SESSION_LAG = 900.0
"""Among statuslines of several sessions a lower figure of the same window is an older
answer repainted, unless it was measured this much later: then it is an early reset."""

UNKNOWN = ""
"""The key of figures whose account is not known."""

_RANK = {source: rank for rank, source in enumerate(Source)}


class Figure(Record):
    """One window as the best source described it."""

    window: Window
    source: Source
    origin: str
    observed_at: float


class AccountFacts(Record):
    """Everything known about one account; ``key`` is `UNKNOWN` for unattributed figures,
    ``kept`` is None unless its login is kept."""

    key: str
    identity: Identity
    alias: str
    plan: str
    figures: tuple[Figure, ...]
    failures: tuple[Failure, ...]
    next_refresh_at: float | None
    kept: Enrolled | None = None


class ProviderFacts(Record):
    """Everything known about one provider."""

    descriptor: Descriptor
    login: LoginState | None
    accounts: tuple[AccountFacts, ...]
    reports: tuple[SourceReport, ...]
    trends: tuple[Trend, ...]
    polling: tuple[Polling, ...] = ()
    burn: Burn | None = None


class Facts(Record):
    """The frozen state of the deck, in panel order."""

    providers: tuple[ProviderFacts, ...]


def account_id(provider: str, key: str) -> str:
    """The opaque id of an account, stable over time: eight hex digits, or the id that a
    sidecar of ours carried.  Says nothing about the key."""
    if key.startswith("id:"):
        return key[3:]
    if key == UNKNOWN:
        return "unknown"
    # Not a cryptographic hash: hashlib costs 2.6 ms to import, and the id hides nothing
    # from anybody who may read the file that the key stands in.
    return f"{zlib.crc32(f'{provider}/{key}'.encode()):08x}"


class _Account:
    """What is known of one account, as it grows."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.alias = ""
        self.plan = ""
        self.named_at = float("-inf")
        self.figures: dict[str, Figure] = {}
        self.failures: dict[str, Failure] = {}
        self.next_refresh_at: float | None = None
        self.listed: frozenset[str] = frozenset()
        """The windows of the newest complete reading, measured at ``listed_at``."""
        self.listed_at = float("-inf")

    def freeze(self, key: str, kept: Enrolled | None) -> AccountFacts:
        return AccountFacts(
            key=key,
            identity=self.identity,
            alias=self.alias,
            plan=self.plan,
            figures=tuple(self.figures.values()),
            failures=tuple(self.failures.values()),
            next_refresh_at=self.next_refresh_at,
            kept=kept,
        )


class _Provider:
    """What is known of one provider, as it grows."""

    def __init__(self, descriptor: Descriptor) -> None:
        self.descriptor = descriptor
        self.login: LoginState | None = None
        self.accounts: dict[str, _Account] = {}
        self.reports: dict[str, SourceReport] = {}
        self.trends: dict[tuple[str, str], Trend] = {}
        self.polling: dict[str, Polling] = {}
        self.kept: dict[str, Enrolled] = {}
        self.burn: Burn | None = None

    def account(self, key: str) -> _Account:
        if key not in self.accounts:
            self.accounts[key] = _Account(Identity(key))
        return self.accounts[key]

    def fold(self, key: str, into: _Account) -> None:
        """What was filed under an id alone (from our sidecars or history) joins its account."""
        known = self.accounts.pop(key, None)
        if known is not None:
            into.alias, into.plan = into.alias or known.alias, into.plan or known.plan
            into.figures = known.figures | into.figures

    def freeze(self) -> ProviderFacts:
        return ProviderFacts(
            descriptor=self.descriptor,
            login=self.login,
            accounts=tuple(account.freeze(key, self.kept.get(key)) for key, account in self.accounts.items()),
            reports=tuple(self.reports.values()),
            trends=tuple(self.trends.values()),
            polling=tuple(self.polling.values()),
            burn=self.burn,
        )


class Deck:
    """Merges facts.  Not thread-safe: one thread owns it."""

    def __init__(self, descriptors: Sequence[Descriptor], timeline: Timeline | None = None) -> None:
        self.timeline = timeline or Timeline()
        self._providers = {d.id: _Provider(d) for d in descriptors}
        self._frozen: dict[str, ProviderFacts] = {}

    def apply(self, facts: Iterable[Fact], now: float) -> frozenset[str]:
        """Takes facts in; returns the ids of the providers that are different now.

        Logins go first: the readings beside them may be attributed by them.  Facts of
        a provider that is not in the deck are ignored.
        """
        touched: set[str] = set()
        for fact in sorted(facts, key=_precedence):
            provider = self._providers.get(fact.provider)
            if provider is None:
                continue
            touched.add(fact.provider)
            match fact:
                case Roster():
                    _take_roster(provider, fact)
                case LoginState():
                    self._take_login(provider, fact, now)
                case Reading():
                    self._take_reading(provider, fact, now)
                case Failure():
                    self._take_failure(provider, fact, now)
                case SourceReport():
                    provider.reports[fact.source_id] = fact
                case Trend():
                    provider.trends[fact.account, fact.window] = fact
                case Burn():
                    provider.burn = fact
                case Polling():
                    provider.polling[self._known_key(provider, fact.account)] = fact
        return frozenset(i for i in touched if self._refreeze(i))

    def facts(self) -> Facts:
        """The state now, frozen; unchanged providers are the same objects as before."""
        return Facts(tuple(self._frozen.get(i) or self._freeze(i) for i in self._providers))

    def _freeze(self, provider_id: str) -> ProviderFacts:
        frozen = self._providers[provider_id].freeze()
        self._frozen[provider_id] = frozen
        return frozen

    def _refreeze(self, provider_id: str) -> bool:
        before = self._frozen.get(provider_id)
        return self._freeze(provider_id) != before

    def _take_login(self, provider: _Provider, login: LoginState, now: float) -> None:
        if login.torn and provider.login is not None:
            return
        provider.login = login
        if login.identity is None:
            return
        account = provider.account(login.identity.key)
        account.identity = login.identity
        provider.fold(f"id:{account_id(login.provider, login.identity.key)}", account)
        if login.plan:
            account.plan = login.plan
        self.timeline.note(login.provider, login.identity.key, login.observed_at, now)

    def _take_failure(self, provider: _Provider, failure: Failure, now: float) -> None:
        account = provider.account(self._owner(provider, failure.account, failure.observed_at, None))
        account.failures[failure.origin] = failure

    def _take_reading(self, provider: _Provider, reading: Reading, now: float) -> None:
        key = self._attribute(provider, reading, now)
        account = provider.account(key)
        at = min(reading.observed_at, now)
        unknown = provider.accounts.get(UNKNOWN)
        if key != UNKNOWN and unknown is not None:
            unknown.figures = {i: f for i, f in unknown.figures.items() if f.origin != reading.origin}
        for window in reading.windows:
            self._challenge(account, Figure(window, reading.source, reading.origin, at), now)
        if reading.complete and at >= min(account.listed_at, now):
            account.listed = kept = frozenset(w.id for w in reading.windows)
            account.listed_at = at
            for gone in [i for i, f in account.figures.items() if i not in kept and f.observed_at <= at]:
                del account.figures[gone]
        if at >= account.named_at:
            self._name(account, reading, at)
        failure = account.failures.get(reading.origin)
        if failure is not None and min(failure.observed_at, now) <= at and reading.windows:
            del account.failures[reading.origin]

    def _name(self, account: _Account, reading: Reading, at: float) -> None:
        account.named_at = at
        account.alias = reading.alias or account.alias
        account.plan = reading.plan or account.plan
        account.next_refresh_at = reading.next_refresh_at or account.next_refresh_at
        if reading.email and not account.identity.email:
            account.identity = Identity(account.identity.key, reading.email, account.identity.organisation)

    def _challenge(self, account: _Account, figure: Figure, now: float) -> None:
        window = figure.window
        if window.used_percent is not None and sound_percent(window.used_percent) is None:
            return
        if window.id not in account.listed and figure.observed_at <= min(account.listed_at, now):
            # Older than a reading that lists everything and does not list this one.
            return
        incumbent = account.figures.get(window.id)
        if incumbent is None or _beats(figure, incumbent, now):
            account.figures[window.id] = figure

    def _attribute(self, provider: _Provider, reading: Reading, now: float) -> str:
        if reading.account is not None:
            return self._known_key(provider, reading.account)
        matches = [k for k, a in provider.accounts.items() if k != UNKNOWN and _same_resets(reading, a)]
        if len(matches) == 1:
            return matches[0]
        return self._owner(provider, None, min(reading.observed_at, now), reading.since)

    def _owner(self, provider: _Provider, named: str | None, until: float, since: float | None) -> str:
        if named is not None:
            return self._known_key(provider, named)
        begins = until - NEAR_SWITCH if since is None else min(since, until)
        return self.timeline.owner(provider.descriptor.id, begins, until) or UNKNOWN

    def _known_key(self, provider: _Provider, key: str) -> str:
        """The identity key behind an id of ours (``id:…``), or the key itself; a bare
        first half ("accountUuid" of "accountUuid/organisationUuid") finds its only owner."""
        if key in provider.accounts:
            return key
        if key.startswith("id:"):
            owners = [k for k in provider.accounts if account_id(provider.descriptor.id, k) == key[3:]]
        else:
            owners = [k for k in provider.accounts if k.partition("/")[0] == key]
        return owners[0] if len(owners) == 1 else key


def _take_roster(provider: _Provider, roster: Roster) -> None:
    """Who is kept has a place before any figure comes; who is no more leaves with its figures."""
    ident, login = provider.descriptor.id, provider.login
    live = login.identity.key if login is not None and login.identity is not None else None
    gone = set(provider.kept) - {member.key for member in roster.accounts} - {live}
    provider.kept = {member.key: member for member in roster.accounts}
    for member in roster.accounts:
        account = provider.account(member.key)
        if not account.identity.email:
            account.identity = Identity(member.key, member.email, member.organisation)
        for name in (f"id:{member.id}", f"id:{account_id(ident, member.key)}"):
            provider.fold(name, account)
    provider.accounts = {**{key: provider.accounts[key] for key in provider.kept}, **provider.accounts}
    for key in gone:
        provider.accounts.pop(key, None)


def _precedence(fact: Fact) -> tuple[int, float]:
    """Logins before the readings they own, named readings before those attributed by them."""
    if isinstance(fact, LoginState | Roster):
        return 0, 0.0
    if isinstance(fact, Reading):
        return (1 if fact.account is not None else 2), fact.observed_at
    return 3, 0.0


def _beats(new: Figure, old: Figure, now: float) -> bool:
    """Whether ``new`` replaces ``old``: the newer one does, a tie goes to the better source.

    A figure from the future (the clock was set back since) counts as of now, so that
    it cannot keep out everything that comes after.
    """
    old_at = min(old.observed_at, now)
    if new.source == old.source == Source.STATUSLINE and new.origin != old.origin:
        verdict = _newer_session(new, old, old_at)
        if verdict is not None:
            return verdict
    if new.observed_at != old_at:
        return new.observed_at > old_at
    return _RANK[new.source] >= _RANK[old.source]


def _newer_session(new: Figure, old: Figure, old_at: float) -> bool | None:
    """Between two sessions' statuslines: the later window, then the higher figure.

    Each session repaints its own last answer, so the newest file need not be the newest
    figure (tw93/Waza#47, Nanako0129/coralline#62).  None: time decides.
    """
    ours, theirs = new.window, old.window
    if ours.resets_at is None or theirs.resets_at is None:
        return None
    length = theirs.window_seconds
    if length and theirs.resets_at > old_at + length + SAME_RESET:
        return None
    if abs(ours.resets_at - theirs.resets_at) > SAME_RESET:
        return ours.resets_at > theirs.resets_at
    if abs(new.observed_at - old_at) > SESSION_LAG:
        return None
    if ours.used_percent is None or theirs.used_percent is None or ours.used_percent == theirs.used_percent:
        return None
    return ours.used_percent > theirs.used_percent


def _same_resets(reading: Reading, account: _Account) -> bool:
    """Whether a reading's resets are this account's: the week decides, five hours alone
    only where no week is known; a running five-hour window must not contradict."""
    verdicts: dict[str, bool] = {}
    for window in reading.windows:
        figure = account.figures.get(window.id)
        if window.id not in ("5h", "7d") or figure is None:
            continue
        ours, theirs = window.resets_at, figure.window.resets_at
        if ours is None or theirs is None or min(ours, theirs) <= reading.observed_at:
            continue
        verdicts[window.id] = abs(ours - theirs) <= SAME_RESET
    return bool(verdicts) and all(verdicts.values())
