"""One go of questions about one account: claimed, sent, understood, written down, published.

Used by the asker on the network thread.  A credential lives in here from reading the login
file to the end of the go, and nowhere else; a token that a service gave in exchange for one
lives until its end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from providers.asking import (
    Answer,
    Asked,
    AskOutcome,
    Credential,
    Endpoint,
    Kept,
    NotAsked,
    Parked,
    Question,
)
from providers.base import Environment, FileSource, Found, Provider, ReadContext
from providers.engine import budget
from providers.engine.answers import shared_meaning
from providers.engine.clock import Clock
from providers.engine.commands import run
from providers.engine.deck import account_id
from providers.engine.files import WriteFailed, WriteRefused, write_atomic
from providers.engine.http import Http
from providers.engine.logins import Signature, login_signature, read_login_file, switched_on
from providers.engine.schedule import Due, Slot, refusal, settled
from providers.engine.sidecar_write import render_sidecar
from providers.engine.tokens import fingerprint, usable
from providers.engine.values import clean, looks_secret
from providers.model import Reading, Status
from providers.record import Record, replace

APART = 0.25
"""Seconds between two requests, whoever they go to."""


Plan = Callable[[Slot, str], Due]
"""When a slot is asked by itself next, with a token of this fingerprint."""

Secret = Callable[[Kept], "str | NotAsked"]
"""Fetches a secret from the keyring; may take seconds, never raises."""

MOST_TRIES = 4
"""Logins that are tried in one go at most."""


def no_vault(kept: Kept) -> NotAsked:
    """Where there is no vault."""
    return NotAsked("the key is in the keyring, which is not read here")


class Login:
    """What an endpoint can make of its provider's login files."""

    def __init__(self, endpoint: Endpoint, sources: Sequence[FileSource]) -> None:
        self._endpoint, self._sources = endpoint, tuple(sources)
        self._seen: tuple[Signature | None, ...] | None = None
        self._held: Credential | NotAsked = NotAsked("")

    def read(self, context: ReadContext) -> Credential | NotAsked:
        """The credential as the files have it now, token included."""
        files: dict[str, Found] = {s.id: read_login_file(s) for s in self._sources}
        return self._endpoint.credential(files, context)

    def glance(self, context: ReadContext) -> Credential | NotAsked:
        """As `read`, without the token, and from memory while no file changed."""
        now_are = tuple(login_signature(s) for s in self._sources)
        if now_are != self._seen:
            self._seen = now_are
            found = self.read(context)
            self._held = found if isinstance(found, NotAsked) else _bare(found)
        return self._held

    def forget(self) -> None:
        """The next glance reads the files anew."""
        self._seen = None


class ParkedLogin:
    """The login of an account that is kept and live nowhere, in the place of login files."""

    def __init__(self, parked: Parked, provider: Provider, endpoint: Endpoint, account: str) -> None:
        self._parked, self._provider, self._endpoint, self._account = parked, provider, endpoint, account

    def read(self, context: ReadContext) -> Credential | NotAsked:
        """As `glance`: the token is fetched by `opened`."""
        return self._parked.glance(self._provider.descriptor.id, self._account, context)

    glance = read

    def forget(self) -> None:
        """Nothing is remembered here."""

    def opened(self, held: Credential, context: ReadContext, *, by_hand: bool) -> Credential | NotAsked:
        """With its token out of the vault; may take seconds."""
        return self._parked.opened(held, self._provider, self._endpoint, context, by_hand=by_hand)


_PARKED_WORDS = {
    Status.IDLE: "the kept access token is no longer accepted; its figures come back once it is used",
    Status.ERROR: "the kept login is not this account's, so nothing is filed: capture it again",
}
"""For a refusal of a parked account, instead of what a person could do about a live login."""


def _bare(credential: Credential) -> Credential:
    """The same without what may be sent alone."""
    return replace(credential, token="", extra={}, others=tuple(map(_bare, credential.others)))


class Went(Record):
    """How a go went: what the last answer meant (None if nothing was sent), the slot after
    it, whose it was, and why the go stopped early if the budget said so."""

    account: str
    slot: Slot
    asked: Asked | None = None
    denied: Due | None = None


class Inquiry:
    """Puts the questions of one endpoint; ``stand_ins`` are loopback addresses by variable that
    replace its sites.  With ``parked`` it asks about that account instead of the live one."""

    def __init__(
        self,
        provider: Provider,
        endpoint: Endpoint,
        environment: Environment,
        clock: Clock,
        http: Http,
        *,
        stand_ins: Mapping[str, str],
        writer: str,
        secret: Secret = no_vault,
        renews: bool = True,
        off: frozenset[tuple[str, str]] = frozenset(),
        on: frozenset[tuple[str, str]] = frozenset(),
        parked: ParkedLogin | None = None,
    ) -> None:
        self._provider, self._endpoint, self._parked = provider, endpoint, parked
        self._environment, self._clock, self._http = environment, clock, http
        self._stand_ins = tuple(stand_ins.get(site.variable, "") for site in endpoint.sites)
        self._writer, self._secret, self._renews = writer, secret, renews
        self._exchanged: tuple[Credential, float] | None = None
        every, name = provider.sources(environment), provider.descriptor.id
        files = [s for s in every if s.login and switched_on(s, name, off, on)]
        self.login: Login | ParkedLogin = parked or Login(endpoint, files)

    def key(self, account: str) -> str:
        """The name of an account's slot in the record: nothing of it says who it is.  What
        stands beside a provider's usage endpoint has a budget of its own."""
        provider, endpoint = self._provider.descriptor.id, self._endpoint.id
        slot = f"{provider}/{account_id(provider, account)}"
        return slot if endpoint == "usage" else f"{slot}/{endpoint}"

    def slot(self, account: str) -> Slot:
        """The slot of an account as every copy sees it now."""
        return budget.load(self._environment.state_dir, self._clock.now()).of(self.key(account))

    def chosen(self, held: Credential) -> Credential:
        """Of a person's logins the first that is not known to be refused."""
        if not held.others:
            return held
        every = (held, *held.others)
        return next((c for c in every if not self.slot(c.account).refuses(c.fingerprint)), held)

    async def go(self, plan: Plan, *, by_hand: bool) -> Went | NotAsked:
        """Asks once; once more if the login was renewed: by us, or by the CLI after a refusal;
        and with the person's next login after a refusal.

        ``plan`` says when a slot is asked by itself next, for those who only read the record."""
        went: Went | None = None
        tried: set[str] = set()
        while len(tried) < MOST_TRIES:
            credential = await self._next(tried, by_hand=by_hand)
            if isinstance(credential, NotAsked):
                return went or credential
            if credential.lapsed and not self._renews:
                return NotAsked("the token is over and nothing may be written: it renews when its tool runs")
            went = await self._all(credential, plan, by_hand=by_hand, first=not tried)
            tried.add(credential.fingerprint)
            if went.asked is None or went.asked.outcome not in (AskOutcome.REFUSED, AskOutcome.RENEWED):
                break
            self.login.forget()
        return went or NotAsked("")

    async def _next(self, tried: set[str], *, by_hand: bool) -> Credential | NotAsked:
        """The first login with a token that was neither refused nor tried, as the files have
        them now; else one that was refused, or why there is none."""
        held = self.login.read(self._context())
        if isinstance(held, NotAsked):
            return held
        otherwise: list[Credential | NotAsked] = []
        for one in (held, *held.others):
            found = await self._with_token(one, by_hand=by_hand)
            if isinstance(found, NotAsked):
                otherwise.append(found)
            elif found.fingerprint not in tried:
                if not self.slot(found.account).refuses(found.fingerprint):
                    return found
                otherwise.append(found)
        return otherwise[0] if otherwise else NotAsked("")

    async def _with_token(self, held: Credential, *, by_hand: bool) -> Credential | NotAsked:
        """The same with its token, which may have to be fetched from the keyring."""
        if self._parked is not None:
            return await asyncio.to_thread(self._parked.opened, held, self._context(), by_hand=by_hand)
        kept = held.kept
        if kept is None:
            return held
        if kept.foreign and self._environment.platform == "darwin" and not by_hand:
            return NotAsked("the login is in the keychain, which may ask you first: press r")
        secret = await asyncio.to_thread(self._secret, kept)
        if isinstance(secret, NotAsked):
            return secret
        if not kept.foreign:
            if not usable(secret):
                return NotAsked("the keyring no longer has the key: run quotadeck key list")
            return replace(held, token=secret)
        if not secret:
            return NotAsked(f"the keyring holds no login for {clean(kept.service, 40)}")
        token = self._endpoint.token_in(secret, self._context())
        if isinstance(token, NotAsked):
            return token
        if not usable(token):
            return NotAsked("what the keyring holds for it is no token")
        return replace(held, token=token, fingerprint=fingerprint(token))

    async def _all(self, credential: Credential, plan: Plan, *, by_hand: bool, first: bool) -> Went:
        slot, credential = self.slot(credential.account), self._as_exchanged(credential)
        went = Went(credential.account, slot)
        for planned in self._endpoint.questions(credential, slot.memory, self._clock.now()):
            question = self._as_of_now(planned, credential, slot)
            slot, denied = self._claim(credential, by_hand=by_hand, first=first and went.asked is None)
            if denied is not None:
                return replace(went, slot=slot, denied=denied)
            asked = await self._put(credential, question, slot.memory)
            slot = self._settle(credential, asked, plan)
            if asked.reading is not None:
                whose = asked.reading.account or credential.account
                self._publish(replace(asked.reading, next_refresh_at=slot.next_at or None), whose)
                for other in asked.others:
                    self._publish(other, other.account or credential.account)
            went = replace(went, slot=slot, asked=asked)
            if asked.token:
                credential = replace(credential, token=asked.token, exchanged=True)
                self._exchanged = credential, asked.token_until
            elif credential.exchanged and asked.status is Status.ERROR:
                # It may be the token: the next go asks for a new one.
                self._exchanged = None
            if asked.outcome is not AskOutcome.ANSWERED or asked.reading is not None:
                break
        return went

    def _as_exchanged(self, credential: Credential) -> Credential:
        """The same with the token that the service gave for it, while that is good."""
        if self._exchanged is None:
            return credential
        held, until = self._exchanged
        good = held.fingerprint == credential.fingerprint and self._clock.now() < until
        return held if good else credential

    def _as_of_now(self, planned: Question, credential: Credential, slot: Slot) -> Question:
        """The same question with what the answers before it left in memory."""
        now_are = self._endpoint.questions(credential, slot.memory, self._clock.now())
        return next((q for q in now_are if q.name == planned.name), planned)

    def _claim(self, credential: Credential, *, by_hand: bool, first: bool) -> tuple[Slot, Due | None]:
        """Writes one request down before it is sent; or says why it may not be sent."""
        now, limits = self._clock.now(), self._endpoint.limits
        denied: list[Due] = []

        def step(slot: Slot) -> Slot | None:
            reason = refusal(slot, limits, credential.fingerprint, now, by_hand=by_hand, first=first)
            if reason is not None:
                denied.append(reason)
                return None
            return replace(slot, asked=(*slot.asked, now), limit=limits.per_hour)

        try:
            slot = budget.change(self._environment.state_dir, self.key(credential.account), now, step)
        except budget.NotRecorded as reason:
            return Slot(), Due(None, str(reason))
        return slot, denied[0] if denied else None

    async def _put(self, credential: Credential, question: Question, memory: Mapping[str, str]) -> Asked:
        if question.command:
            reply = await run(question.command, self._environment.variables, self._clock)
            meaning = shared_meaning(reply, question.command[0])
        else:
            site = self._endpoint.sites[question.site].of(question.tenant)
            base = self._stand_ins[question.site] or site.base
            if question.port and base == site.base and site.host.startswith("127.0.0.1:"):
                base = f"http://127.0.0.1:{question.port}"
            reply = await self._http.send(base, question, site.host)
            meaning = shared_meaning(reply, base.partition("://")[2])
        if meaning is not None or not isinstance(reply, Answer):
            assert meaning is not None
            return meaning
        asked = harmless(self._endpoint.answer(question, credential, reply, memory, self._context()))
        if self._parked is not None and asked.outcome is AskOutcome.REFUSED:
            asked = replace(asked, message=_PARKED_WORDS.get(asked.status, asked.message))
        return self._kept(asked, credential) if asked.outcome is AskOutcome.RENEWED else asked

    def _kept(self, asked: Asked, credential: Credential) -> Asked:
        """The renewed token written to its tool's file, or the trouble that this met."""
        why = self._endpoint.keep(asked.renewal, credential, self._context())
        self.login.forget()
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=why) if why else asked

    def _settle(self, credential: Credential, asked: Asked, plan: Plan) -> Slot:
        now = self._clock.now()

        def step(slot: Slot) -> Slot:
            after = settled(slot, asked, credential.fingerprint, now)
            return replace(after, next_at=plan(after, credential.fingerprint).at or 0.0)

        with contextlib.suppress(budget.NotRecorded):
            return budget.change(self._environment.state_dir, self.key(credential.account), now, step)
        # The claim stands in the record all the same, so nothing is asked too often.
        return step(self.slot(credential.account))

    def _publish(self, reading: Reading, account: str) -> None:
        """A sidecar of ours: other copies and one-shot commands read it instead of asking."""
        provider = self._provider.descriptor.id
        ident = account_id(provider, account)
        path: Path = self._environment.quota_dir / f"{provider}.{ident}.json"
        # Without a disk the figures are on this screen alone; a text that looks like a
        # credential is not written anywhere.
        with contextlib.suppress(WriteFailed, WriteRefused, ValueError):
            data = render_sidecar(
                reading, account_id=ident, status=Status.OK, message="", now=self._clock.now(),
                writer=self._writer,
            )  # fmt: skip
            write_atomic(path, data)

    def _context(self) -> ReadContext:
        return ReadContext(self._clock.now(), self._environment)


def harmless(asked: Asked) -> Asked:
    """The same without any text that looks like a credential: a server may send anything, and
    these texts reach the screen, files of ours and reports."""
    reading, memory = asked.reading, asked.memory
    if memory is not None:
        memory = {name: text for name, text in memory.items() if not looks_secret(text)}
    cleaned = None if reading is None else _harmless_reading(reading)
    return replace(asked, reading=cleaned, memory=memory, others=tuple(map(_harmless_reading, asked.others)))


def _harmless_reading(reading: Reading) -> Reading:
    labels = {name: "" for name in ("plan", "email", "alias") if looks_secret(getattr(reading, name))}
    kept = tuple(w for w in reading.windows if not any(map(looks_secret, (w.id, w.label, w.note, w.unit))))
    return replace(reading, windows=kept, **labels)


class Spacing:
    """Keeps requests apart: several accounts are asked one after another."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def wait(self) -> None:
        """Returns when the next request may go out."""
        loop = asyncio.get_running_loop()
        at = max(loop.time(), self._free_at)
        self._free_at = at + APART
        if at > loop.time():
            await asyncio.sleep(at - loop.time())
