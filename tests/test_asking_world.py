"""Claude and Codex asked through the real client, against a server that does its worst."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest

import providers
from providers.base import Environment
from providers.engine import inquiry
from providers.engine.asker import Asker
from providers.engine.deck import Deck
from providers.engine.http import Http
from providers.engine.settings import Settings
from providers.engine.shown import AccountView, DeckView, WindowState
from providers.engine.view import ViewRules, view
from providers.examination import Examination
from providers.live import Live, open_live
from providers.model import Fact, Status
from tests.conftest import FakeClock
from tests.world import faults
from tests.world.homes import Canaries, logged_in_home
from tests.world.standin import Reply, StandIn
from tui import document
from tui.doctor import Checkup, as_json, as_text

CLAUDE, PROFILE = "/api/oauth/usage", "/api/oauth/profile"
CODEX, RESETS, NAMES = (
    "/backend-api/wham/usage", "/backend-api/wham/rate-limit-reset-credits", "/backend-api/accounts",
)  # fmt: skip
NOW = 1_795_327_200.0


class World:
    """A logged-in home, a deck, an asker that reaches only the stand-in."""

    def __init__(self, environment: Environment, server: StandIn) -> None:
        self.clock, self.server, self.environment = FakeClock(NOW), server, environment
        self.canaries: Canaries = logged_in_home(environment.home, NOW)
        self.facts: list[Fact] = []
        loaded = [providers.load(name) for name in ("claude", "codex")]
        self.deck = Deck([p.descriptor for p in loaded])
        self.asker = Asker(
            loaded, environment, self.clock, Http(self.clock, "1", deadline=0.5), self._take,
            stand_ins=server.variables, writer="w",
        )  # fmt: skip
        live = self.live()
        live.load()
        self.deck = live._deck
        server.answer("claude", PROFILE, faults.sample("claude", "profile.max.json"))
        server.answer("claude", CLAUDE, faults.sample("claude", "usage.max_full_2026.json"))
        server.answer("codex", CODEX, faults.ok(CODEX_BODY))
        server.answer("codex", NAMES, faults.sample("codex", "accounts.json"))

    def live(self) -> Live:
        return open_live(self.environment, Settings(endpoints=self.server.variables), self.clock)

    def _take(self, facts: list[Fact]) -> None:
        self.facts += facts
        self.deck.apply(facts, self.clock.now())

    def ask(self) -> None:
        """Presses R."""
        self.asker.wish(None)
        asyncio.run(self._turn())

    async def _turn(self) -> None:
        await self.asker.turn()
        for unit in self.asker._units:
            await unit.inquiry._http.close()

    def view(self) -> DeckView:
        return view(self.deck.facts(), self.clock.now(), ViewRules())

    def front(self, provider: str) -> AccountView:
        found = next(p.front for p in self.view().providers if p.id == provider)
        assert found is not None
        return found

    def used(self, provider: str) -> dict[str, float | None]:
        return {w.id: w.used_percent for w in self.front(provider).windows}


CODEX_BODY = {
    "account_id": "11111111-1111-4111-8111-111111111111",
    "user_id": "user-EXAMPLE-A",
    "plan_type": "plus",
    "rate_limit": {
        "allowed": True,
        "limit_reached": False,
        "primary_window": {"used_percent": 37, "limit_window_seconds": 18_000, "reset_at": NOW + 7_200},
        "secondary_window": {"used_percent": 61, "limit_window_seconds": 604_800, "reset_at": NOW + 300_000},
    },
}


@pytest.fixture
def world(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(inquiry, "APART", 0.0)
    with StandIn() as server:
        yield World(environment, server)


def test_both_are_asked_with_their_own_login(world: World) -> None:
    """Figures of both; each bearer at its own host only, and no refresh token anywhere."""
    world.ask()
    assert world.used("claude") == {"5h": 41, "7d": 63, "7d:fable": 88, "spend": pytest.approx(24.68)}
    assert world.used("codex") == {"5h": 37, "7d": 61}
    assert (world.front("claude").plan, world.front("codex").plan) == ("Max 20x", "Plus")
    for name, bearer in (
        ("claude", world.canaries.claude_access),
        ("codex", world.canaries.codex_access),
    ):
        sent = world.server.requests_of(name)
        assert {r.headers["authorization"] for r in sent} == {f"Bearer {bearer}"}
        others = [c for c in world.canaries.all if not bearer.endswith(c)]
        assert not any(c in str(r.headers) + r.path for r in sent for c in others)
    assert [r.path for r in world.server.requests_of("claude")] == [PROFILE, CLAUDE]
    (usage,) = [r for r in world.server.requests_of("codex") if r.path == CODEX]
    assert usage.headers["chatgpt-account-id"] == "11111111-1111-4111-8111-111111111111"


FAULTS: dict[str, tuple[Callable[[StandIn], Reply], Status, str]] = {
    "401": (lambda _: faults.status(401), Status.IDLE, "renews when"),
    "403": (lambda _: faults.status(403), Status.DENIED, "403"),
    "429 with a deadline": (lambda _: faults.limited("1200"), Status.LIMITED, "asks to wait"),
    "429 with none": (lambda _: faults.limited(None), Status.LIMITED, "asks to wait"),
    "429 with zero": (lambda _: faults.limited("0"), Status.LIMITED, "asks to wait"),
    "500": (lambda _: faults.status(500), Status.ERROR, "trouble (500)"),
    "hang": (lambda _: faults.hang(), Status.OFFLINE, "did not answer"),
    "drip": (lambda _: faults.drip(), Status.OFFLINE, "did not answer"),
    "slow headers": (lambda _: faults.slow_head(), Status.OFFLINE, "did not answer"),
    "reset": (lambda _: faults.reset(), Status.OFFLINE, "broke off"),
    "truncated": (lambda _: faults.truncated(), Status.ERROR, "broke off"),
    "no HTTP": (lambda _: faults.garbage(), Status.ERROR, "broke off"),
    "HTML": (lambda _: faults.html(403), Status.ERROR, "web page"),
    "HTML as 200": (lambda _: faults.html(200), Status.ERROR, "web page"),
    "redirect": (lambda s: faults.redirect(s.url("elsewhere") + "/x"), Status.ERROR, "redirect"),
    "10 MB": (lambda _: faults.huge(announced=True), Status.ERROR, "far more"),
    "gzip bomb": (lambda _: faults.gzip_bomb(), Status.ERROR, "far more"),
    "not JSON": (lambda _: faults.ok(b"hello"), Status.ERROR, "unexpected answer"),
    "another shape": (lambda _: faults.ok({"a": [1]}), Status.ERROR, "unexpected answer"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("provider", ["claude", "codex"])
def test_whatever_comes_back(world: World, provider: str, name: str) -> None:
    """Old figures stay with their age, one sentence says what is wrong, nothing becomes 0 %,
    nothing is asked twice, and nobody else hears of it."""
    make, status, says = FAULTS[name]
    world.ask()
    before = world.used(provider)
    world.clock.advance(900)
    asked = len(world.server.requests)
    path = CLAUDE if provider == "claude" else CODEX
    world.server.answer(provider, path, make(world.server))
    world.ask()
    assert world.used(provider) == before
    front = world.front(provider)
    assert {w.state for w in front.windows if w.id in ("5h", "7d")} == {WindowState.STALE}
    assert {w.observed_at for w in front.windows} == {NOW}
    assert front.status is status
    assert says in front.message
    assert front.message.isprintable()
    assert front.message.count("\n") == 0
    assert len(world.server.requests) == asked + 2
    assert world.server.requests_of("elsewhere") == []
    # Pressed again and again at once: nothing more goes out.
    for _ in range(5):
        world.ask()
    assert len(world.server.requests) == asked + 2
    other = "codex" if provider == "claude" else "claude"
    assert world.front(other).status is Status.OK


def test_a_second_login_is_not_held_back_by_the_firsts_limit(world: World) -> None:
    """A spent budget of one token ends with it; a deadline binds the account."""
    world.server.answer("claude", CLAUDE, faults.limited("0"))
    world.ask()
    assert world.front("claude").status is Status.LIMITED
    renewed = world.canaries.claude_access.replace("CANARY", "CANARY2")
    path = world.environment.home / ".claude/.credentials.json"
    path.write_text(path.read_text().replace(world.canaries.claude_access, renewed))
    world.server.answer("claude", CLAUDE, faults.sample("claude", "usage.pro_basic.json"))
    world.clock.advance(61)
    world.ask()
    assert world.used("claude")["5h"] == 12


def test_the_login_of_another_is_not_asked_about(world: World) -> None:
    """The profile names somebody else: no usage question at all, and a sentence."""
    world.server.answer("claude", PROFILE, faults.sample("claude", "profile.team.json"))
    world.ask()
    assert [r.path for r in world.server.requests_of("claude")] == [PROFILE]
    front = world.front("claude")
    assert (front.status, front.windows) == (Status.ERROR, ())
    assert "another account" in front.message


def test_canaries_are_in_no_file_log_or_output(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Secrets of the logins, and a secret that a server sends back in every text it can: in no
    log, file of ours, fact, report, check-up or traceback."""
    sent = "sk-ant-oat01-CANARYfromserver"
    evil = {
        "plan_type": sent, "email": sent, "account_id": "11111111-1111-4111-8111-111111111111",
        "additional_rate_limits": [
            {"limit_name": sent, "rate_limit": CODEX_BODY["rate_limit"]},
        ],
        "rate_limit": CODEX_BODY["rate_limit"],
        "rate_limit_reached_type": {"type": sent},
    }  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        world.ask()
        for reply in (faults.ok(evil), faults.status(403, b'{"error": {"message": "%s"}}' % sent.encode())):
            world.clock.advance(700)
            world.server.answer("codex", CODEX, reply)
            world.server.answer("claude", CLAUDE, reply)
            world.ask()
    live = world.live()
    live.load()
    shown = live.view()
    checkup = Checkup(shown, Examination(), ())
    said = [
        caplog.text, *capfd.readouterr(), repr(world.facts), repr(vars(world.asker)),
        document.as_json(shown), document.as_json(world.view()), as_text(checkup), as_json(checkup),
    ]  # fmt: skip
    folder = world.environment.state_dir
    said += [p.read_bytes().decode(errors="replace") for p in folder.rglob("*") if p.is_file()]
    assert len([p for p in folder.rglob("*") if p.is_file()]) >= 3
    for text in said:
        for canary in (*world.canaries.all, sent, sent.lower()):
            assert canary not in text
