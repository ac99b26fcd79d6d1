"""The asker: when each endpoint is asked, and what the deck is told about it.

One daemon thread with a loop of its own (`Asker.start`), never joined: a hung name lookup
must not hold up a quit.  `Asker.turn` is one round of its work; ``status --refresh`` and the
simulated days of the tests call it directly.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from providers.asking import AskOutcome, Credential, Endpoint, NotAsked, Parked
from providers.base import Environment, Provider, ReadContext
from providers.engine.clock import Clock
from providers.engine.http import Http
from providers.engine.inquiry import Inquiry, ParkedLogin, Secret, Spacing, Went, no_vault
from providers.engine.schedule import Activity, Due, Slot, by_hand_at, due, refusal
from providers.model import Fact, Failure, Outcome, Polling, Source, SourceReport, Status
from providers.record import replace

TURN_AT_MOST = 60.0
"""Seconds between two looks at the logins while nothing is due."""

SHOWN_AFTER = 0.3
"""Seconds after which a question that is out is shown; most are answered before."""

WOKEN = 30.0
"""A turn this much later than planned follows a suspend: the network may not be up yet."""

WOKEN_REST = 10.0

BARRED = 300.0
"""Seconds until what stood in the way of a question (a vault, a full disk) is looked at again."""
BY_KEY = "asked only by key"
NOT_LIVE = "not the login in use"
USAGE = "usage"
"""The endpoint that a kept login can be asked with; others go by something else than a login."""

_IDLE = Activity()

Publish = Callable[[list[Fact]], None]


class _Unit:
    """One endpoint of one provider, for its live login or for one ``parked`` account.  Network
    thread, but for ``wished`` and ``activity``."""

    def __init__(self, provider: Provider, endpoint: Endpoint, inquiry: Inquiry, parked: str = "") -> None:
        self.id, self.provider, self.endpoint, self.inquiry = (
            provider.descriptor.id,
            provider,
            endpoint,
            inquiry,
        )
        self.origin = endpoint.title
        self.activity = Activity()
        self.account = self.parked = parked
        self.live = ""
        self.seen: object = None
        self.wished = self.busy = False
        self.first = True
        self.next_at: float | None = None
        self.silent = ""
        self.barred: Due | None = None
        self.told: dict[tuple[str, str], Fact] = {}


class Asker:
    """Asks the endpoints of the given providers.

    ``publish`` gets facts on the network thread.  ``off`` holds (provider, endpoint id) pairs
    that are never asked, ``on`` those optional ones that are; ``stand_ins`` are loopback
    addresses by variable, ``writer`` is the mark in the sidecars that are published,
    ``secret`` fetches a key from the vault, ``renews`` lets lapsed tokens be renewed, ``parked``
    are further accounts, each asked with its own token at the pace of an idle one.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        environment: Environment,
        clock: Clock,
        http: Http,
        publish: Publish,
        *,
        off: frozenset[tuple[str, str]] = frozenset(),
        on: frozenset[tuple[str, str]] = frozenset(),
        stand_ins: Mapping[str, str] | None = None,
        writer: str = "",
        secret: Secret = no_vault,
        renews: bool = True,
        parked: Parked | None = None,
    ) -> None:
        self._parked = parked
        self._environment, self._clock, self._http, self._publish = environment, clock, http, publish
        self._units: list[_Unit] = []
        self._off: list[Fact] = []
        self._by_itself = self._stopped = False
        self._planned = float("inf")
        self._woken_until = 0.0
        self._spacing = Spacing()
        self._inquiry = partial(
            Inquiry, environment=environment, clock=clock, http=http, stand_ins=stand_ins or {},
            writer=writer, secret=secret, renews=renews, off=off, on=on,
        )  # fmt: skip
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        for provider in providers:
            for endpoint in provider.endpoints():
                place = provider.descriptor.id, endpoint.id
                if place in off or (endpoint.optional and place not in on):
                    self._off.append(_switched_off(provider.descriptor.id, endpoint))
                    continue
                self._units.append(_Unit(provider, endpoint, self._inquiry(provider, endpoint)))
        for index, unit in enumerate(self._units):
            unit.first = all(other.id != unit.id for other in self._units[:index])

    @property
    def possible(self) -> bool:
        """Whether there is an endpoint that may ever be asked."""
        return bool(self._units)

    def start(self) -> None:
        """Starts the network thread.  Nothing is sent before it is allowed or wished for."""
        threading.Thread(target=self._run, name="quotadeck-network", daemon=True).start()

    def allow(self, by_itself: bool) -> None:
        """Whether endpoints are asked without a key.  Any thread."""
        self._by_itself = by_itself
        self.poke()

    def wish(self, provider: str | None) -> None:
        """A person pressed a key: one provider is to be asked, or all.  Any thread."""
        for unit in self._units:
            if provider in (None, unit.id):
                unit.wished = True
        self.poke()

    def know(self, activity: Mapping[str, Activity]) -> None:
        """What the deck knows of the live accounts, by provider.  Any thread."""
        for unit in self._units:
            unit.activity = activity.get(unit.id, unit.activity)

    def poke(self) -> None:
        """Something changed (a login, a figure): looks again when the next question is due.
        Any thread."""
        if self._loop is not None and self._wake is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake.set)

    def stop(self) -> None:
        """Lets the thread end; waits for nothing.  Any thread."""
        self._stopped = True
        self.poke()

    @property
    def silences(self) -> list[tuple[str, str]]:
        """Why the last wishes led to no question: provider id and one sentence each."""
        return [(unit.id, unit.silent) for unit in self._units if unit.silent and not unit.parked]

    async def turn(self) -> float:
        """Asks everything that is wished for or due and waits for the answers; returns the
        seconds until the next is due."""
        self._begin_turn()
        await asyncio.gather(*(self._serve(unit) for unit in self._units if self._concerned(unit)))
        return self._rest()

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        self._http.prepare()
        self._publish(self._off)
        running: set[asyncio.Task[None]] = set()
        while not self._stopped:
            self._wake.clear()
            self._begin_turn()
            for unit in self._units:
                if self._concerned(unit):
                    # Not awaited: an endpoint that hangs must not hold up the others.
                    task = asyncio.create_task(self._serve(unit))
                    running.add(task)
                    task.add_done_callback(running.discard)
            # Whoever has nothing to ask is through after this.
            await asyncio.sleep(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._rest())

    def _begin_turn(self) -> None:
        now = self._clock.now()
        if now > self._planned + WOKEN:
            self._woken_until = now + WOKEN_REST
        if self._parked is not None:
            self._units = self._enrolled(self._parked)

    def _enrolled(self, parked: Parked) -> list[_Unit]:
        """The units with one for each kept account that is not the live one now."""
        known = {(u.id, u.parked): u for u in self._units if u.parked}
        units = [u for u in self._units if not u.parked]
        for unit in tuple(units):
            if unit.endpoint.id != USAGE:
                continue
            # The deck may know of a switch before this room looked at the login again.
            live = unit.activity.account or unit.live
            for account in parked.accounts(unit.id):
                if account != live:
                    units.append(known.get((unit.id, account)) or self._parked_unit(unit, parked, account))
        return units

    def _parked_unit(self, unit: _Unit, parked: Parked, account: str) -> _Unit:
        login = ParkedLogin(parked, unit.provider, unit.endpoint, account)
        fresh = _Unit(
            unit.provider, unit.endpoint, self._inquiry(unit.provider, unit.endpoint, parked=login), account
        )
        # Whoever pressed a key before there was this unit meant it too.
        fresh.first, fresh.wished = unit.first, unit.wished
        return fresh

    def _concerned(self, unit: _Unit) -> bool:
        """Whether a turn has to look at a unit.  At a parked account's only if something is new or
        due: many of them must not cost many reads of the record."""
        if unit.busy or not unit.parked or unit.wished:
            return not unit.busy
        seen = self._by_itself, unit.inquiry.login.glance(ReadContext(self._clock.now(), self._environment))
        news, unit.seen = seen != unit.seen, seen
        return news or (unit.next_at is not None and unit.next_at <= self._clock.now())

    def _rest(self) -> float:
        now = self._clock.now()
        coming = [u.next_at - now for u in self._units if u.next_at is not None and not u.busy]
        rest = max(0.1, min([TURN_AT_MOST, *coming]))
        self._planned = now + rest
        return rest

    async def _serve(self, unit: _Unit) -> None:
        """One unit: asks if it is time, and tells how asking stands.  A bug of a provider harms
        its own panel only; its text is not shown, as it might quote an answer."""
        try:
            await self._serve_one(unit)
        except Exception as error:
            message = f"quotadeck could not ask ({type(error).__name__}); run: quotadeck doctor"
            unit.next_at = self._clock.now() + TURN_AT_MOST
            self._tell(unit, _failure(unit, unit.account, Status.ERROR, message, self._clock.now()))

    async def _serve_one(self, unit: _Unit) -> None:
        wished, unit.wished = unit.wished, False
        if wished:
            unit.inquiry.login.forget()
            unit.silent, unit.barred = "", None
        held, slot, plan = self._look(unit)
        if isinstance(held, NotAsked):
            unit.silent = held.reason if wished else ""
            return
        if not wished and (plan.at is None or plan.at > self._clock.now()):
            return
        unit.busy = True
        shown: asyncio.TimerHandle | None = None
        try:
            await self._spacing.wait()
            shown = asyncio.get_running_loop().call_later(SHOWN_AFTER, self._tell_asking, unit, held, slot)
            went = await unit.inquiry.go(partial(self._plan, unit), by_hand=wished)
        finally:
            unit.busy = False
            if shown is not None:
                shown.cancel()
            if self._wake is not None:
                self._wake.set()
        if isinstance(went, Went):
            self._hand_over(unit, went)
            denied = went.denied if went.asked is None else None
            if denied is not None:
                unit.silent = denied.waits if wished else ""
                if denied.at is None:
                    # As for a vault: nobody says when it will be otherwise.
                    unit.barred = Due(self._clock.now() + BARRED, denied.waits)
        else:
            # The vault did not hand over a key that is there: not tried at every turn.
            unit.barred = Due(self._clock.now() + BARRED, went.reason)
            unit.silent = went.reason if wished else ""
        self._look(unit)

    def _look(self, unit: _Unit) -> tuple[Credential | NotAsked, Slot, Due]:
        """The login, the record and the plan as they are now, told to the deck."""
        now = self._clock.now()
        held = unit.inquiry.login.glance(ReadContext(now, self._environment))
        if isinstance(held, NotAsked):
            unit.next_at, unit.live = None, ""
            self._tell(unit, Polling(unit.id, unit.account, (), 0, waits=held.reason))
            return held, Slot(), Due(None, held.reason)
        every, held = (held, *held.others), unit.inquiry.chosen(held)
        for other in {c.account for c in every} - {held.account}:
            self._tell_trouble(unit, other, unit.inquiry.slot(other), None)
        if unit.account and unit.account != held.account:
            self._tell(unit, Polling(unit.id, unit.account, (), 0, waits=NOT_LIVE))
        unit.account = unit.live = held.account
        slot = unit.inquiry.slot(held.account)
        plan = self._plan(unit, slot, held.fingerprint)
        unit.next_at = plan.at
        retry = plan.at or (slot.blocked_until if slot.blocked_until > now else None)
        self._tell_trouble(unit, held.account, slot, retry)
        self._tell(unit, _polling(unit, held, slot, plan))
        return held, slot, plan

    def _plan(self, unit: _Unit, slot: Slot, fingerprint: str) -> Due:
        limits, now = unit.endpoint.limits, self._clock.now()
        if unit.barred is not None and unit.barred.at is not None and unit.barred.at > now:
            return unit.barred if self._by_itself else Due(None, unit.barred.waits)
        if not self._by_itself or not limits.by_itself:
            denied = refusal(slot, limits, fingerprint, now, by_hand=True, first=False)
            return Due(None, denied.waits if denied else BY_KEY)
        activity = _IDLE if unit.parked else unit.activity
        plan = due(unit.inquiry.key(unit.account), slot, limits, activity, fingerprint, now)
        if plan.at is not None and plan.at < self._woken_until:
            return Due(self._woken_until, plan.waits)
        return plan

    def _hand_over(self, unit: _Unit, went: Went) -> None:
        asked, now = went.asked, self._clock.now()
        if asked is None:
            return
        answered = asked.outcome is AskOutcome.ANSWERED
        if asked.reading is not None:
            self._publish([asked.reading, *asked.others])
        elif not answered:
            unit.told.pop(("Failure", went.account), None)
        outcome = Outcome.READ if answered else Outcome.UNREADABLE
        self._tell(unit, _report(unit, outcome, "" if answered else asked.message, now))

    def _tell_trouble(self, unit: _Unit, account: str, slot: Slot, retry: float | None) -> None:
        if slot.status:
            status = Status(slot.status)
            self._tell(unit, _failure(unit, account, status, slot.message, slot.failed_at, retry))

    def _tell_asking(self, unit: _Unit, held: Credential, slot: Slot) -> None:
        plan = Due(unit.next_at)
        self._tell(unit, replace(_polling(unit, held, slot, plan), asking=self._clock.now()))

    def _tell(self, unit: _Unit, fact: Polling | Failure | SourceReport) -> None:
        """Publishes what is news."""
        account = "" if isinstance(fact, SourceReport) else fact.account or ""
        if isinstance(fact, Polling) and not unit.first:
            # The budget that a panel shows is that of its provider's first endpoint.
            return
        place = type(fact).__name__, account
        if unit.told.get(place) != fact:
            unit.told[place] = fact
            self._publish([fact])


def _polling(unit: _Unit, held: Credential, slot: Slot, plan: Due) -> Polling:
    limits = unit.endpoint.limits
    return Polling(
        unit.id,
        held.account,
        slot.asked,
        limits.per_hour,
        next_at=plan.at,
        waits=plan.waits,
        by_hand_at=by_hand_at(slot, limits, held.fingerprint),
    )


def _failure(
    unit: _Unit, account: str, status: Status, message: str, at: float, retry: float | None = None
) -> Failure:
    return Failure(unit.id, status, message, Source.ENDPOINT, unit.origin, at, account or None, retry)


def _report(unit: _Unit, outcome: Outcome, detail: str, at: float) -> SourceReport:
    return SourceReport(
        unit.id, unit.endpoint.id, unit.endpoint.title, _asked_where(unit.endpoint), outcome, detail, at
    )


def _switched_off(provider: str, endpoint: Endpoint) -> SourceReport:
    why = f"switched off: sources.{provider}.{endpoint.id} = false"
    if endpoint.optional:
        why = f"off until you say sources.{provider}.{endpoint.id} = true"
    return SourceReport(provider, endpoint.id, endpoint.title, _asked_where(endpoint), Outcome.OFF, why)


def _asked_where(endpoint: Endpoint) -> str:
    if not endpoint.sites:
        return endpoint.title
    site = endpoint.sites[0]
    method, _, path = site.calls[0].partition(" ")
    return f"{method} {site.host}{path}"
