"""The asker: what it asks, what it tells, what it never does."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import pairwise

import httpx
import pytest

from providers.asking import Limits
from providers.base import Environment
from providers.engine import inquiry
from providers.engine.asker import BY_KEY, Asker
from providers.engine.deck import account_id
from providers.engine.schedule import Activity
from providers.model import Fact, Failure, Outcome, Polling, Reading, SourceReport, Status
from tests.asked import AskedToy, Server, ToyEndpoint, answer, log_in, used
from tests.conftest import FakeClock


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests need not be kept apart here: nobody is bothered."""
    monkeypatch.setattr(inquiry, "APART", 0.0)


class World:
    """A copy of quotadeck with its server."""

    def __init__(self, environment: Environment, clock: FakeClock, *, side: bool = False) -> None:
        self.environment, self.clock = environment, clock
        self.server = Server(clock)
        self.facts: list[Fact] = []
        self.toy = AskedToy(ToyEndpoint(Limits(per_hour=20), side))
        self.asker = self.copy()

    def copy(self, **options: object) -> Asker:
        """One more running copy on the same folders."""
        return Asker(
            [self.toy], self.environment, self.clock, self.server.http(), self.facts.extend,
            writer="w", **options,
        )  # type: ignore[arg-type]  # fmt: skip

    def turn(self, asker: Asker | None = None) -> float:
        return asyncio.run((asker or self.asker).turn())

    def pass_time(self, seconds: float, asker: Asker | None = None) -> None:
        """Time goes by with the copy awake: a turn every 20 seconds."""
        until = self.clock.now() + seconds
        while self.clock.now() < until:
            self.clock.advance(min(20, until - self.clock.now()))
            self.turn(asker)

    def of(self, kind: type) -> list[Fact]:
        return [f for f in self.facts if isinstance(f, kind)]

    @property
    def paths(self) -> list[str]:
        return [r.url.path for r in self.server.requests]


@pytest.fixture
def world(environment: Environment, clock: FakeClock) -> World:
    log_in(environment)
    return World(environment, clock)


def test_nothing_is_sent_before_anybody_asks(world: World) -> None:
    """Not allowed and not wished: no request, and the deck hears why."""
    for _ in range(20):
        world.turn()
        world.clock.advance(600)
    assert world.server.requests == []
    (told,) = world.of(Polling)
    assert (told.waits, told.next_at, told.limit) == (BY_KEY, None, 20)


def test_a_key_asks_once_and_publishes(world: World) -> None:
    """The bearer of the login, our own name, one reading, one sidecar without a secret."""
    world.asker.wish("toy")
    world.turn()
    (request,) = world.server.requests
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["user-agent"] == "quotadeck/1.2"
    (reading,) = world.of(Reading)
    assert (reading.windows[0].used_percent, reading.account, reading.complete) == (12, "me", True)
    ident = account_id("toy", "me")
    written = (world.environment.quota_dir / f"toy.{ident}.json").read_text()
    assert json.loads(written)["writer"] == "w"
    assert "token-1" not in written + (world.environment.state_dir / "schedule.json").read_text()
    (report,) = world.of(SourceReport)
    assert (report.outcome, report.path) == (Outcome.READ, "GET toy.example/usage")


def test_a_wish_for_another_provider_is_none(world: World) -> None:
    """``r`` asks one provider."""
    world.asker.wish("other")
    world.turn()
    assert world.server.requests == []


def test_an_endpoint_that_is_switched_off_is_never_asked(world: World) -> None:
    """``sources.toy.usage = false``: neither by itself nor by hand."""
    off = world.copy(off=frozenset({("toy", "usage")}))
    off.allow(True)
    off.wish(None)
    world.turn(off)
    assert world.server.requests == []
    assert not off.possible


def test_a_failure_keeps_its_hands_off_the_figures(world: World) -> None:
    """Trouble is a failure with a sentence, and no reading at all."""
    world.server.reply = lambda _: answer(500)
    world.asker.wish(None)
    world.turn()
    assert world.of(Reading) == []
    failure = world.of(Failure)[-1]
    assert (failure.status, failure.account) == (Status.ERROR, "me")
    assert "toy.example has trouble (500)" in failure.message


def test_a_limit_says_when_it_ends(world: World) -> None:
    """After a 429 the deck knows the time of the next try, and a key is refused until then."""
    world.server.reply = lambda _: answer(429, retry_after="1000")
    world.asker.allow(True)
    world.turn()
    failure = world.of(Failure)[-1]
    assert (failure.status, failure.retry_at) == (Status.LIMITED, world.clock.now() + 1900)
    world.pass_time(1899)
    world.asker.wish(None)
    world.turn()
    assert len(world.server.requests) == 1
    assert world.asker.silences == [("toy", "the endpoint asked to wait")]
    world.clock.advance(2)
    world.turn()
    assert len(world.server.requests) == 2


def test_a_refused_token_is_asked_with_once(world: World) -> None:
    """A 401 means idle; nothing more is sent until the CLI has renewed its login."""
    world.server.reply = lambda _: answer(401)
    world.asker.allow(True)
    for _ in range(50):
        world.turn()
        world.asker.wish(None)
        world.clock.advance(300)
    assert len(world.server.requests) == 1
    assert world.of(Failure)[-1].status is Status.IDLE
    log_in(world.environment, token="token-2")
    world.server.reply = lambda _: used(30)
    world.turn()
    assert world.server.requests[-1].headers["authorization"] == "Bearer token-2"
    assert world.of(Reading)[-1].windows[0].used_percent == 30


def test_a_login_renewed_meanwhile_is_tried_at_once(world: World) -> None:
    """401 with the old token while the CLI writes a new one: the login is read again, once."""

    def renewing(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"].endswith("token-1"):
            log_in(world.environment, token="token-2")
            return answer(401)
        return used(40)

    world.server.reply = renewing
    world.asker.wish(None)
    world.turn()
    assert len(world.server.requests) == 2
    assert world.of(Reading)[-1].windows[0].used_percent == 40


def test_a_side_question_costs_its_own_request(environment: Environment, clock: FakeClock) -> None:
    """Asked before the usage, once per token, each counted."""
    log_in(environment)
    world = World(environment, clock, side=True)
    world.asker.allow(True)
    world.turn()
    world.pass_time(700)
    assert world.paths == ["/side", "/usage", "/usage"]
    assert len(world.of(Polling)[-1].asked) == 3


def test_a_bug_harms_one_panel_without_its_text(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that raises is an error of its own; the text, which may quote a secret, is
    not shown."""

    def bug(*_: object) -> None:
        raise ValueError("token-1")

    monkeypatch.setattr(world.toy.endpoint, "answer", bug)
    world.asker.wish(None)
    world.turn()
    failure = world.of(Failure)[-1]
    assert "ValueError" in failure.message
    assert "token-1" not in repr(world.facts)


def test_without_a_login_nothing_is_asked(environment: Environment, clock: FakeClock) -> None:
    """The deck hears why, and an account that was asked about before is told so too."""
    world = World(environment, clock)
    world.asker.allow(True)
    world.turn()
    assert world.server.requests == []
    assert world.of(Polling)[-1].waits == "no login here"


def test_after_a_suspend_one_question_and_no_burst(world: World) -> None:
    """Twelve hours later one request goes out, some seconds after waking."""
    world.asker.allow(True)
    world.turn()
    world.clock.advance(12 * 3600)
    world.turn()
    assert len(world.server.requests) == 1
    world.clock.advance(11)
    for _ in range(5):
        world.turn()
    assert len(world.server.requests) == 2


def test_another_copys_answer_is_not_asked_for_again(world: World) -> None:
    """Five copies allowed at once: one request."""
    copies = [world.asker, *(world.copy() for _ in range(4))]
    for copy in copies:
        copy.allow(True)
    for copy in copies:
        world.turn(copy)
    assert len(world.server.requests) == 1


@pytest.mark.parametrize(("seed", "fault"), [(1, "none"), (2, "some"), (3, "limited"), (4, "down")])
def test_a_day_with_five_copies_restarts_and_r_held_down(world: World, seed: int, fault: str) -> None:
    """Never more than the budget in any hour, never two within a minute, whatever comes back;
    and in quiet weather the figures stay fresh."""
    chance = random.Random(seed)
    replies = {
        "none": [lambda: used(5)],
        "some": [lambda: used(5), lambda: answer(500), lambda: answer(429), lambda: answer(200, b"<html>")],
        "limited": [lambda: answer(429, retry_after=str(chance.choice([0, 60, 700, 3600])))],
        "down": [lambda: answer(503)],
    }[fault]
    world.server.reply = lambda _: chance.choice(replies)()
    copies = [world.copy() for _ in range(5)]
    for copy in copies:
        copy.allow(True)
    asyncio.run(_live_a_day(world, copies, chance))
    times = world.server.times
    assert max(sum(1 for at in times if then - 3600 < at <= then) for then in times) <= 20
    assert all(b - a >= 60 for a, b in pairwise(times))
    if fault == "none":
        assert len(times) > 24 * 10


async def _live_a_day(world: World, copies: list[Asker], chance: random.Random) -> None:
    end = world.clock.now() + 86_400
    while world.clock.now() < end:
        for number, copy in enumerate(copies):
            if chance.random() < 0.02:
                copies[number] = copy = world.copy()
                copy.allow(True)
            if chance.random() < 0.5:
                copy.wish(None)
            copy.know({"toy": Activity(moved_at=world.clock.now())})
            await copy.turn()
        world.clock.advance(chance.choice([7, 31, 60]))
        if chance.random() < 0.003:
            world.clock.advance(chance.choice([-50, 1800, 7200]))
