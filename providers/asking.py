"""What a provider says about asking its own usage endpoint: questions out, answers in.

Pure types; the provider folders implement `Endpoint`, the asker (engine/asker.py) calls it on
the network thread.  Nothing here opens a file or a socket.  A credential lives in `Credential`
and `Question` alone; both hide it from every repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from providers.base import Found, Provider, ReadContext
from providers.model import Reading, Status
from providers.record import Record, replace


class Limits(Record):
    """How often one account may be asked, by all running copies together.

    ``per_hour`` requests in any 3600 s; seconds between two automatic questions: never under
    ``floor``, ``active`` while its figures move, ``idle`` while nothing moves or a window is
    full; ``by_hand`` seconds from the last question until a key may ask.  Without ``by_itself``
    only a key asks.
    """

    per_hour: int
    active: int = 300
    idle: int = 600
    floor: int = 180
    by_hand: int = 60
    by_itself: bool = True


class Site(Record):
    """One host: ``base`` is scheme and host; ``variable`` the environment variable that points
    it at a loopback stand-in; ``calls`` all that is ever asked there, like ``GET /usage``.  A
    star in ``base`` is one label of the host, which each question names (`Question.tenant`)."""

    base: str
    variable: str
    calls: tuple[str, ...]

    @property
    def host(self) -> str:
        """The host's name, for people and for the pin."""
        return self.base.partition("://")[2]

    def of(self, tenant: str) -> Site:
        """The site of one tenant.  Raises ValueError for what is no single label of a host."""
        if not tenant and "*" not in self.base:
            return self
        if not tenant.replace("-", "").isalnum() or not tenant.isascii():
            raise ValueError("not the name of a tenant")
        return replace(self, base=self.base.replace("*", tenant))


OWN_SERVICE = "quotadeck"


class Kept(Record):
    """An item of the keyring, by the two names under which keyrings file: ours, or one that a
    tool put there for itself."""

    service: str
    user: str

    @property
    def foreign(self) -> bool:
        """Whether a tool put it there, so that it is only read, and a keychain may ask first."""
        return self.service != OWN_SERVICE


class Credential(Record):
    """An access token as it lies there, good for this account at this moment.

    ``account`` is the identity key of the login; ``fingerprint`` 16 hex digits of the token's
    SHA-256, which may be stored; ``token`` and ``extra`` (further values to send) may not.
    ``renewable`` says that the CLI holds a refresh token, so that a refused access token is
    idle and not expired.  ``kept`` is where in the keyring the token has to be fetched from;
    ``token`` is empty until then, and ``fingerprint`` too if a tool put it there.  ``lapsed``: the
    token is over, and the first question renews it, which is done only for a service whose
    refresh tokens do not rotate.  ``exchanged``: the token is one that the service gave for it, see
    `Asked`.  ``others`` are further logins of the same person, tried in
    this order once this one is refused.
    """

    account: str
    fingerprint: str
    token: str
    extra: Mapping[str, str] = MappingProxyType({})
    renewable: bool = True
    kept: Kept | None = None
    lapsed: bool = False
    exchanged: bool = False
    others: tuple[Credential, ...] = ()

    _hidden = ("token", "extra")


class NotAsked(Record):
    """Why there is nothing to ask with: one clean sentence."""

    reason: str


class Question(Record):
    """One request.  ``path`` begins with a slash and is appended to the base of the endpoint's
    site of that number; with a ``body`` it is a POST, else a GET.  ``port`` is where a service on
    this machine listens, if not where the site says.  ``tenant`` is whose host it is, where a
    service has one for each.  A question with a ``command`` runs that instead, and what it prints
    is the answer."""

    name: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    site: int = 0
    port: int = 0
    tenant: str = ""
    command: tuple[str, ...] = ()

    _hidden = ("headers", "body")

    @property
    def method(self) -> str:
        """GET or POST."""
        return "GET" if self.body is None else "POST"


class Answer(Record):
    """What came back: status, headers in lower case, unpacked body, epoch seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at: float

    _hidden = ("headers", "body")


class NoAnswer(Record):
    """Nothing usable came back: ``status`` OFFLINE (no server was reached) or ERROR, and one
    clean sentence."""

    status: Status
    sentence: str
    at: float


class AskOutcome(StrEnum):
    """How a question went, as far as the next one depends on it."""

    ANSWERED = "answered"
    RENEWED = "renewed"
    """A fresh token came; it is put where its tool keeps it, and the login is read anew."""
    LIMITED = "limited"
    """The endpoint asks us to wait."""
    REFUSED = "refused"
    """This credential will not do: not asked again with it."""
    TROUBLE = "trouble"
    """Network, server or an unexpected answer: asked again later and later."""


class Asked(Record):
    """What one answer means.

    ``reading`` has the figures, ``others`` those of further accounts in the same answer;
    ``status`` and ``message`` (one clean sentence) say what is wrong if anything is.  ``wait``
    is what the server asked for, in seconds, None if it said
    nothing usable; ``token_only`` that the limit is this token's and a new login lifts it.
    ``memory`` replaces what the endpoint remembers of the account between questions: small
    texts without secrets, stored in the state folder.  ``token`` is what the service gave in
    exchange for the credential's own, which nothing else is asked with: what follows is, until
    ``token_until`` (epoch seconds), and it is kept in memory alone.
    """

    outcome: AskOutcome
    reading: Reading | None = None
    status: Status = Status.OK
    message: str = ""
    wait: float | None = None
    token_only: bool = False
    memory: Mapping[str, str] | None = None
    renewal: Mapping[str, str] = MappingProxyType({})
    others: tuple[Reading, ...] = ()
    token: str = ""
    token_until: float = 0.0

    _hidden = ("renewal", "token")


class Endpoint(Protocol):
    """One provider's usage endpoint.  Stateless.

    ``id`` switches it off (``sources.<provider>.<id> = false``), or on where it is ``optional``:
    a service that is meant for another client is asked by nobody's default.  Its credential
    goes to ``sites`` alone.  One that runs a command has no sites.
    """

    id: str
    title: str
    sites: tuple[Site, ...]
    limits: Limits
    optional: bool = False

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The credential in the provider's login files (by source id), if it can be used now."""

    def token_in(self, secret: str, context: ReadContext) -> str | NotAsked:
        """The token in what a tool put into the keyring, if it can be used now."""
        return secret

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """What to ask now, in order; each costs one request of the budget.  The asker stops at
        the first that brings a reading or is not `AskOutcome.ANSWERED`."""

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """What an answer means; only answers with status 200, 400, 401, 402, 403 or 404 come here,
        the others mean the same everywhere (engine/answers.py).  Never raises for bad bytes."""

    def keep(self, renewal: Mapping[str, str], credential: Credential, context: ReadContext) -> str:
        """Puts a renewed token where its tool keeps it; returns why not, in one clean sentence,
        or nothing."""
        return "there is nothing to renew"


class Parked(Protocol):
    """Further accounts of providers: kept here, and live in no CLI.

    The first two are asked at every turn, so they cost a stat and touch no keyring.
    """

    def accounts(self, provider: str) -> tuple[str, ...]:
        """The identity keys of a provider's kept accounts, live ones among them."""

    def glance(self, provider: str, account: str, context: ReadContext) -> Credential | NotAsked:
        """What there is to ask with about one of them, without its token; the fingerprint is
        empty until the token was fetched once."""

    def opened(
        self, held: Credential, provider: Provider, endpoint: Endpoint, context: ReadContext, *, by_hand: bool
    ) -> Credential | NotAsked:
        """The same with its token.  May take seconds; never raises."""
