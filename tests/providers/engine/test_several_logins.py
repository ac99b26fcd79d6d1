"""A person with several logins of one service, some of them in the keyring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from providers.asking import Kept, NotAsked
from providers.base import Environment
from providers.engine import inquiry
from providers.engine.asker import BARRED, Asker
from providers.model import Fact, Failure, Polling, Reading, Status
from providers.record import replace
from tests.asked import AskedToy, Server, answer, log_in, used
from tests.conftest import FakeClock

GOOD = "token-good"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests need not be kept apart here: nobody is bothered."""
    monkeypatch.setattr(inquiry, "APART", 0.0)


class World:
    """A copy of quotadeck, a server that likes one token, and a keyring."""

    def __init__(self, environment: Environment, clock: FakeClock) -> None:
        self.environment, self.clock = environment, clock
        self.server, self.facts = Server(clock), list[Fact]()
        self.fetched: list[Kept] = []
        self.keyring: Callable[[Kept], str | NotAsked] = lambda kept: ""
        self.server.reply = self.only_good

    def only_good(self, request: httpx.Request) -> httpx.Response:
        return used(12) if request.headers["authorization"] == f"Bearer {GOOD}" else answer(401)

    def logins(self, *lines: str) -> None:
        path = log_in(self.environment)
        path.write_text("".join(f"{line}\n" for line in lines))

    def asker(self, platform: str = "linux") -> Asker:
        def secret(kept: Kept) -> str | NotAsked:
            self.fetched.append(kept)
            return self.keyring(kept)

        return Asker(
            [AskedToy()], replace(self.environment, platform=platform), self.clock, self.server.http(),
            self.facts.extend, writer="w", secret=secret,
        )  # fmt: skip

    def a_day(self, asker: Asker) -> None:
        asker.allow(True)
        end = self.clock.now() + 86_400
        while self.clock.now() < end:
            self.clock.advance(max(1.0, asyncio.run(asker.turn())))

    @property
    def sent(self) -> list[str]:
        return [r.headers["authorization"].removeprefix("Bearer ") for r in self.server.requests]

    def readings(self) -> list[str | None]:
        return [f.account for f in self.facts if isinstance(f, Reading)]


@pytest.fixture
def world(environment: Environment, clock: FakeClock) -> World:
    return World(environment, clock)


def once(asker: Asker) -> None:
    asker.wish(None)
    asyncio.run(asker.turn())


def test_a_refused_login_is_followed_by_the_next(world: World) -> None:
    """In their order, in one go; the refused ones are not asked with again."""
    world.logins("me old", "me older", f"me {GOOD}")
    asker = world.asker()
    once(asker)
    assert world.sent == ["old", "older", GOOD]
    assert world.readings() == ["me"]
    world.clock.advance(400)
    once(asker)
    assert world.sent[3:] == [GOOD]


def test_each_try_costs_its_own_request(world: World) -> None:
    """Nothing of it is free of the budget."""
    world.logins("me old", f"me {GOOD}")
    once(world.asker())
    told = [f for f in world.facts if isinstance(f, Polling)][-1]
    assert len(told.asked) == 2


def test_when_all_are_refused_none_is_asked_again(world: World) -> None:
    """A day of it costs one request for each, and the first one's trouble is shown."""
    world.logins("me old", "me older")
    world.a_day(world.asker())
    assert world.sent == ["old", "older"]
    failure = [f for f in world.facts if isinstance(f, Failure)][-1]
    assert (failure.status, failure.message) == (Status.IDLE, "renews when toy runs")


def test_the_next_login_may_be_another_account(world: World) -> None:
    """Its figures are its own; the refused one keeps saying what is wrong, after a restart too."""
    world.logins("me old", f"you {GOOD}")
    once(world.asker())
    assert world.readings() == ["you"]
    world.facts.clear()
    world.clock.advance(400)
    once(world.asker())
    assert world.sent == ["old", GOOD, GOOD]
    assert [f.account for f in world.facts if isinstance(f, Failure)] == ["me"]


def test_a_token_that_its_tool_keeps_in_the_keyring(world: World) -> None:
    """Fetched when it is asked, not to look at it; what was refused is known again by its mark,
    and a new one there is tried."""
    world.logins("me @toy-tool")
    world.keyring = lambda kept: "old"
    asker = world.asker()
    asyncio.run(asker.turn())
    assert world.fetched == []
    once(asker)
    world.clock.advance(400)
    once(asker)
    assert world.fetched == [Kept("toy-tool", "me")] * len(world.fetched)
    assert world.sent == ["old"]
    world.keyring = lambda kept: GOOD
    world.clock.advance(400)
    once(asker)
    assert world.sent == ["old", GOOD]


def test_a_refused_token_in_the_keyring_is_looked_at_now_and_then(world: World) -> None:
    """A day with it: one request, and the keyring is not opened at every turn."""
    world.logins("me @toy-tool")
    world.keyring = lambda kept: "old"
    world.a_day(world.asker())
    assert world.sent == ["old"]
    assert len(world.fetched) <= 86_400 / BARRED + 3


@pytest.mark.parametrize("held", ["", "two words", NotAsked("the keyring is locked")])
def test_a_keyring_without_it(world: World, held: str | NotAsked) -> None:
    """The next login is taken; without one nothing is sent."""
    world.logins("me @toy-tool", f"me {GOOD}")
    world.keyring = lambda kept: held
    once(world.asker())
    assert world.sent == [GOOD]
    world.logins("me @toy-tool")
    world.clock.advance(400)
    asker = world.asker()
    once(asker)
    assert world.sent == [GOOD]
    assert "keyring" in asker.silences[0][1]


def test_a_keychain_is_asked_on_a_key_only(world: World) -> None:
    """On macOS reading what another program put there may bring a dialog to the screen."""
    world.logins("me @toy-tool")
    world.keyring = lambda kept: GOOD
    asker = world.asker("darwin")
    world.a_day(asker)
    assert (world.fetched, world.sent) == ([], [])
    once(asker)
    assert world.sent == [GOOD]


def test_a_record_that_cannot_be_written_is_no_busy_loop(world: World) -> None:
    """Without a record nothing is asked, and that is not tried ten times a second."""
    world.logins(f"me {GOOD}")
    world.environment.state_dir.mkdir(parents=True, exist_ok=True)
    (world.environment.state_dir / "schedule.json").mkdir()
    asker = world.asker()
    asker.allow(True)
    turns, end = 0, world.clock.now() + 3600
    while world.clock.now() < end:
        world.clock.advance(asyncio.run(asker.turn()))
        turns += 1
    assert world.sent == []
    assert turns <= 3600 / 60 + 3
