"""A small endpoint for tests of the rooms that must not care whose it is, and its server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import httpx

from providers.asking import (
    Answer,
    Asked,
    AskOutcome,
    Credential,
    Endpoint,
    Kept,
    Limits,
    NotAsked,
    Question,
    Site,
)
from providers.base import Environment, FileBytes, FileSource, Found, ReadContext
from providers.engine.http import Http
from providers.engine.sidecar import parse_sidecar
from providers.model import Fact, Identity, LoginState, Reading, Source, Status, Window
from providers.record import replace
from tests.conftest import FakeClock
from tests.toy import Toy

HOST = "toy.example"


class ToyEndpoint(Endpoint):
    """Each line of the login file holds "account token", the first counts most; a token
    "@service" is in the keyring, filed there under the account.  An answer is
    ``{"used": percent}``."""

    id = "usage"
    title = "usage endpoint"
    sites = (Site(f"https://{HOST}", "QUOTADECK_TOY_URL", ("GET /usage", "GET /side")),)

    def __init__(self, limits: Limits, side: bool = False) -> None:
        self.limits, self.side = limits, side

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        found = files.get("login")
        if not isinstance(found, FileBytes):
            return NotAsked("no login here")
        lines = [line.partition(" ") for line in found.data.decode().splitlines()]
        logins = [_credential(account, token) for account, _, token in lines if token]
        if not logins:
            return NotAsked("renews when toy runs")
        return replace(logins[0], others=tuple(logins[1:]))

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        headers = {"Authorization": f"Bearer {credential.token}"}
        usage = Question("usage", "/usage", headers)
        if self.side and memory.get("side") != credential.fingerprint:
            return (Question("side", "/side", headers), usage)
        return (usage,)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        if answer.status == 401:
            return Asked(AskOutcome.REFUSED, status=Status.IDLE, message="renews when toy runs")
        if question.name == "side":
            return Asked(AskOutcome.ANSWERED, memory={"side": credential.fingerprint})
        try:
            used = float(json.loads(answer.body)["used"])
        except (ValueError, KeyError, TypeError):
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message="unexpected answer")
        window = Window("5h", "5 h", used, None, 18_000)
        reading = Reading(
            "toy",
            (window,),
            Source.ENDPOINT,
            self.title,
            answer.at,
            account=credential.account,
            complete=True,
        )
        return Asked(AskOutcome.ANSWERED, reading)


def _credential(account: str, token: str) -> Credential:
    if token.startswith("@"):
        return Credential(account, "", "", kept=Kept(token[1:], account))
    return Credential(account, fingerprint(token), token)


def fingerprint(token: str) -> str:
    """As a credential has it."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


class AskedToy(Toy):
    """The toy provider, with the endpoint; its login file names account and token."""

    def __init__(self, endpoint: ToyEndpoint | None = None) -> None:
        super().__init__()
        self.endpoint = endpoint or ToyEndpoint(Limits(per_hour=20))
        self.descriptor = type(self.descriptor)("toy", "Toy", "T", "toy")

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        ours = FileSource("ours", "our sidecars", environment.quota_dir, "toy.*.json", Source.ENDPOINT)
        return (*super().sources(environment), ours)

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        if source.id == "ours":
            return parse_sidecar(
                file, provider="toy", source=source.kind, origin=str(file.path), now=context.now
            )
        return super().read(source, file, context)

    def endpoints(self) -> tuple[ToyEndpoint, ...]:  # type: ignore[override]
        return (self.endpoint,)

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterator[Fact]:
        found = files.get("login")
        if not isinstance(found, FileBytes):
            yield LoginState("toy", Status.UNCONFIGURED, "no login here", observed_at=context.now)
            return
        account = found.data.decode().split()[0]
        yield LoginState("toy", Status.OK, identity=Identity(account), observed_at=found.mtime)


def log_in(environment: Environment, account: str = "me", token: str = "token-1") -> Path:
    """Writes the login file."""
    path = environment.home / ".toy/login"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{account} {token}\n")
    path.chmod(0o600)
    return path


class Server:
    """Answers with ``reply`` and keeps the times and paths of the requests."""

    def __init__(self, clock: FakeClock) -> None:
        self.times: list[float] = []
        self.requests: list[httpx.Request] = []
        self.reply: Callable[[httpx.Request], httpx.Response] = lambda _: used(12)
        self._clock = clock

    def http(self) -> Http:
        """A client whose network is this server."""
        return Http(self._clock, "1.2", transport=self.transport(), deadline=2)

    def transport(self) -> httpx.AsyncBaseTransport:
        """The network that leads to this server."""
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.times.append(self._clock.now())
        self.requests.append(request)
        return self.reply(request)


def answer(status: int, body: bytes = b"{}", **headers: str) -> httpx.Response:
    """An answer; underscores in header names are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=httpx.ByteStream(body))


def used(percent: float) -> httpx.Response:
    """The endpoint's good answer."""
    return answer(200, json.dumps({"used": percent}).encode(), content_type="application/json")
