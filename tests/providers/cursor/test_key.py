"""Cursor by API key: what it is exchanged for, how often, and where each of the two goes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from providers.base import Environment
from providers.cursor.endpoint import EXCHANGE, GRANTS, PERIOD, PLAN
from providers.cursor.provider import PROVIDER
from providers.engine import inquiry
from providers.engine.asker import Asker
from providers.engine.http import Http
from providers.model import Fact, Failure, Reading, Status
from providers.record import replace
from tests.conftest import SAMPLES, FakeClock
from tests.world.logins import jwt

NOW = 1_795_338_000.0
KEY = "crsr_CANARYkey"
FOLDER = SAMPLES / "cursor"


def sample(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_bytes())


class World:
    """A person with a key and no session, and Cursor's second host."""

    def __init__(self, environment: Environment) -> None:
        self.environment = replace(environment, variables={"CURSOR_API_KEY": KEY})
        self.clock, self.facts = FakeClock(NOW), list[Fact]()
        self.sent: list[tuple[str, str]] = []
        self.given = 0
        self.answers: dict[str, tuple[int, Any]] = {
            PERIOD: (200, sample("get_current_period_usage")), GRANTS: (200, sample("credit_grants")),
            PLAN: (200, sample("plan_info")),
        }  # fmt: skip
        http = Http(self.clock, "1", transport=httpx.MockTransport(self._handle))
        self.asker = Asker([PROVIDER], self.environment, self.clock, http, self.facts.extend, writer="w")

    def _handle(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "api2.cursor.sh"
        assert "cookie" not in request.headers
        self.sent.append((request.url.path, request.headers["authorization"].removeprefix("Bearer ")))
        if request.url.path == EXCHANGE and EXCHANGE not in self.answers:
            self.given += 1
            claims = sample("jwt_claims_api_key") | {"exp": self.clock.now() + 3600}
            fresh = jwt(claims, f"CANARYtoken{self.given}")
            body = sample("exchange_api_key") | {"accessToken": fresh, "refreshToken": fresh}
            return httpx.Response(200, stream=httpx.ByteStream(json.dumps(body).encode()))
        status, answer = self.answers[request.url.path]
        return httpx.Response(status, stream=httpx.ByteStream(json.dumps(answer).encode()))

    def ask(self, after: float = 0.0) -> list[str]:
        """Presses r; the paths that were asked."""
        self.clock.advance(after)
        begin = len(self.sent)
        self.asker.wish(None)
        asyncio.run(self._turn())
        return [path for path, _ in self.sent[begin:]]

    async def _turn(self) -> None:
        await self.asker.turn()
        for unit in self.asker._units:
            await unit.inquiry._http.close()

    def failures(self) -> list[Failure]:
        return [fact for fact in self.facts if isinstance(fact, Failure)]


@pytest.fixture
def world(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(inquiry, "APART", 0.0)
    return World(environment)


def test_the_figures(world: World) -> None:
    """Of the second family, with plan and credit; the first is not asked, as it wants a session."""
    assert world.ask() == [EXCHANGE, GRANTS, PLAN, PERIOD]
    (reading,) = [fact for fact in world.facts if isinstance(fact, Reading)]
    assert {w.id: w.used_percent for w in reading.windows} == {
        "month": 61.25, "month:cursor": 20, "month:third-party": 100, "spend": 6.5, "credits": None,
    }  # fmt: skip
    assert (reading.plan, (reading.account or "")[:4]) == ("Pro", "key-")


def test_the_key_is_exchanged_once_an_hour(world: World) -> None:
    """And goes nowhere else; each token is let go of before it ends."""
    world.ask()
    for _ in range(9):
        assert world.ask(300) == [PERIOD]
    assert world.ask(700) == [EXCHANGE, PERIOD]
    assert {path for path, bearer in world.sent if bearer == KEY} == {EXCHANGE}
    assert all(bearer != KEY or path == EXCHANGE for path, bearer in world.sent)
    assert len({bearer for path, bearer in world.sent if path == PERIOD}) == 2


def test_a_token_that_is_refused_is_not_the_key(world: World) -> None:
    """Another one is asked for the next time; the old figures stay."""
    world.ask()
    good = world.answers[PERIOD]
    world.answers[PERIOD] = 401, sample("error_connect_unauthenticated")
    assert world.ask(300) == [PERIOD]
    assert world.failures()[-1].status is Status.ERROR
    world.answers[PERIOD] = good
    assert world.ask(900) == [EXCHANGE, PERIOD]
    world.answers[PERIOD] = 429, {}
    assert world.ask(300) == [PERIOD]
    world.answers[PERIOD] = good
    assert world.ask(1000) == [PERIOD]


@pytest.mark.parametrize(
    ("answer", "status", "again"),
    [
        ((401, {}), Status.EXPIRED, []),
        ((403, {}), Status.EXPIRED, []),
        ((200, {}), Status.ERROR, [EXCHANGE]),
        ((200, {"accessToken": "two words"}), Status.ERROR, [EXCHANGE]),
        ((500, {}), Status.ERROR, [EXCHANGE]),
    ],
)
def test_a_key_that_is_worth_nothing(
    world: World, answer: tuple[int, Any], status: Status, again: list[str]
) -> None:
    """Refused: not tried again until there is another one.  Trouble: tried later."""
    world.answers[EXCHANGE] = answer
    assert world.ask() == [EXCHANGE]
    assert world.failures()[-1].status is status
    assert world.ask(3600) == again


def test_neither_is_in_anything_that_stays(world: World) -> None:
    """No fact, no repr, no file of ours."""
    world.ask()
    held = world.asker._units[0].inquiry._exchanged
    said = [repr(world.facts), repr(held), repr(vars(world.asker))]
    files = [p for p in world.environment.state_dir.rglob("*") if p.is_file()]
    assert held is not None
    assert len(files) >= 2
    assert not any("CANARY" in text for text in (*said, *(p.read_text() for p in files)))


def test_several_copies_share_the_figures_not_the_token(world: World) -> None:
    """A copy that starts later asks for a token of its own."""
    world.ask()
    other = Asker(
        [PROVIDER], world.environment, world.clock,
        Http(world.clock, "1", transport=httpx.MockTransport(world._handle)), world.facts.extend,
    )  # fmt: skip
    world.asker = other
    assert world.ask(300) == [EXCHANGE, PERIOD]
