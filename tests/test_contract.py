"""What holds for every provider of the registry, asked through the real client on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

import providers
from providers.asking import Kept
from providers.base import Environment
from providers.engine import inquiry
from providers.engine.asker import Asker
from providers.engine.deck import Deck
from providers.engine.http import Http
from providers.engine.settings import Settings, load
from providers.engine.shown import AccountView, ProviderView
from providers.engine.sidecar_names import SWITCHES
from providers.engine.view import ViewRules, view
from providers.live import open_live
from providers.model import Fact, Status
from providers.record import replace
from tests import touched
from tests.conftest import FakeClock
from tests.world import faults
from tests.world.homes import ORGANISATION
from tests.world.logins import CASES, NOW, put
from tests.world.standin import Reply, StandIn
from tui import document

ASKED = [name for name in providers.PROVIDERS if name != "sidecars"]
ON = frozenset(
    (name, endpoint.id)
    for name in ASKED
    for endpoint in providers.load(name).endpoints()
    if endpoint.optional
)


def from_keyring(kept: Kept) -> str:
    """What the cases keep in the keyring."""
    return next((case.keyring[kept.user] for case in CASES.values() if kept.user in case.keyring), "")


class World:
    """A home with the logins of some providers, and an asker that reaches only the stand-in."""

    def __init__(
        self, environment: Environment, server: StandIn, names: list[str], deadline: float = 0.5
    ) -> None:
        self.names, self.server, self.clock = names, server, FakeClock(NOW)
        variables = {k: v for name in names for k, v in CASES[name].variables.items()}
        self.environment = replace(environment, variables=variables)
        for name in names:
            CASES[name].write(environment.home)
            self.answers(name, lambda body: faults.ok(body))
        loaded = [providers.load(name) for name in names]
        self.facts: list[Fact] = []
        self.asker = Asker(
            loaded, self.environment, self.clock, Http(self.clock, "1", deadline=deadline), self._take,
            on=ON, stand_ins=server.variables, writer="w", secret=from_keyring,
        )  # fmt: skip
        live = open_live(self.environment, Settings(), self.clock, chosen=loaded)
        live.load()
        self.deck: Deck = live._deck

    def _take(self, facts: list[Fact]) -> None:
        self.facts += facts
        self.deck.apply(facts, self.clock.now())

    def answers(self, name: str, reply: Callable[[Any], Reply]) -> None:
        """Lets every path of a provider answer with ``reply`` of its usual body."""
        for endpoint in providers.load(name).endpoints():
            for site in endpoint.sites:
                for call in site.calls:
                    path = call.partition(" ")[2].replace("*", ORGANISATION)
                    body = CASES[name].answers.get(path)
                    self.server.answer(name, path, faults.status(404) if body is None else reply(body))

    def break_all(self, name: str, reply: Reply) -> None:
        """Lets every path of a provider fail alike."""
        for endpoint in providers.load(name).endpoints():
            for site in endpoint.sites:
                for call in site.calls:
                    self.server.answer(name, call.partition(" ")[2].replace("*", ORGANISATION), reply)

    def ask(self) -> None:
        """Presses R."""

        async def turn() -> None:
            await self.asker.turn()
            for unit in self.asker._units:
                await unit.inquiry._http.close()

        self.asker.wish(None)
        asyncio.run(turn())

    def panel(self, name: str) -> ProviderView:
        shown = view(self.deck.facts(), self.clock.now(), ViewRules())
        return next(p for p in shown.providers if p.id == name)

    def front(self, name: str) -> AccountView:
        front = self.panel(name).front
        assert front is not None
        return front

    def used(self, name: str) -> dict[str, float | None]:
        return {w.id: w.used_percent for w in self.front(name).windows}


Made = Callable[..., World]


@pytest.fixture
def made(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.setattr(inquiry, "APART", 0.0)
    with StandIn() as server:
        yield lambda *names, **more: World(environment, server, list(names), **more)


def test_every_provider_is_in_the_contract() -> None:
    """Number twenty gets all of this for free, and cannot forget it."""
    assert set(CASES) == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_the_registry_says_what_is(name: str) -> None:
    """The descriptor is complete; hosts are https; each has a stand-in variable of its provider."""
    provider = providers.load(name)
    d = provider.descriptor
    assert (d.id, len(d.mark), d.name.isprintable()) == (name, 1, True)
    assert provider.endpoints()
    for endpoint in provider.endpoints():
        outside = [site for site in endpoint.sites if site.base.startswith("https://")]
        assert 0 < endpoint.limits.per_hour <= (20 if outside else 30)
        assert endpoint.limits.floor >= 120
        for site in endpoint.sites:
            assert site.base.startswith(("https://", "http://127.0.0.1:"))
            assert site.variable.startswith(f"QUOTADECK_{name.upper()}_")
            assert all(call.split(" ")[0] in ("GET", "POST") for call in site.calls)


@pytest.mark.parametrize("name", ASKED)
def test_good_answers_are_the_figures_expected(made: Made, name: str) -> None:
    """Of one login and its answers; fields that nobody knows change nothing."""
    world = made(name)
    world.ask()
    expected = CASES[name].used
    assert world.used(name) == {k: v if v is None else pytest.approx(v) for k, v in expected.items()}
    assert world.front(name).windows
    assert world.front(name).status is Status.OK
    before = world.used(name)
    world.answers(
        name, lambda body: faults.ok(body | {"x_future": {"y": [1]}} if isinstance(body, dict) else body)
    )
    world.clock.advance(700)
    world.ask()
    assert world.used(name) == before


def test_each_credential_goes_to_its_own_host_alone(made: Made) -> None:
    """All of them in one home: every request carries what is its provider's, and nothing else of
    any; what renews a login goes nowhere."""
    world = made(*ASKED)
    world.ask()
    seen = {name: world.server.requests_of(name) for name in ASKED}
    secrets = [(owner, s) for owner, case in CASES.items() for s in (*case.secrets, *case.kept)]
    for name, requests in seen.items():
        assert requests, name
        for request in requests:
            said = f"{request.path} {request.headers} {request.body.decode()}"
            own = CASES[name].secrets
            assert not own or any(secret in said for secret in own), (name, request.path)
            found = {s for owner, s in secrets if s in said}
            assert found <= set(CASES[name].secrets), (name, request.path)
            assert "quotadeck" in request.headers["user-agent"]
    assert world.server.requests_of("elsewhere") == []


FAULTS: dict[str, tuple[Callable[[], Reply], set[Status]]] = {
    "401": (lambda: faults.status(401), {Status.IDLE, Status.EXPIRED}),
    "403": (lambda: faults.status(403), {Status.DENIED, Status.EXPIRED, Status.IDLE}),
    "429": (lambda: faults.limited("900"), {Status.LIMITED}),
    "500": (lambda: faults.status(500), {Status.ERROR}),
    "HTML": (lambda: faults.html(200), {Status.ERROR}),
    "hang": (faults.hang, {Status.OFFLINE}),
    "another shape": (lambda: faults.ok({"a": [1]}), {Status.ERROR, Status.OK}),
    "no object": (lambda: faults.ok([1, 2]), {Status.ERROR}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ASKED)
def test_a_broken_answer_changes_no_figure(made: Made, name: str, fault: str) -> None:
    """The figures keep what they were, one sentence says what is wrong, nothing becomes 0 %."""
    world = made(name)
    world.ask()
    before = world.used(name)
    world.clock.advance(700)
    reply, states = FAULTS[fault]
    if not CASES[name].secrets:
        # Nothing is sent along, so nothing of it can be refused.
        states = states | {Status.ERROR}
    world.break_all(name, reply())
    world.ask()
    assert world.front(name).status in states
    if world.front(name).status is not Status.OK:
        assert world.used(name) == before
        message = world.front(name).message
        assert message.isprintable()
        assert len(message) > 10
    count = len(world.server.requests)
    for _ in range(3):
        world.ask()
    assert len(world.server.requests) == count


def test_no_secret_is_in_anything_that_stays(
    made: Made, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """No repr, log, report or file of ours holds one."""
    with caplog.at_level(logging.DEBUG):
        world = made(*ASKED)
        world.ask()
        for name in ASKED:
            world.break_all(name, faults.status(401, b'{"error": {"message": "CANARYback"}}'))
        world.clock.advance(700)
        world.ask()
    shown = view(world.deck.facts(), world.clock.now(), ViewRules())
    said = [
        caplog.text,
        *capfd.readouterr(),
        repr(world.facts),
        repr(vars(world.asker)),
        document.as_json(shown),
    ]
    files = [p for p in world.environment.state_dir.rglob("*") if p.is_file()]
    assert len(files) > len(ASKED)
    said += [p.read_bytes().decode(errors="replace") for p in files]
    for text in said:
        assert "CANARY" not in text.replace("CANARYback", "")


@pytest.mark.parametrize("name", ASKED)
def test_a_switched_off_provider_is_not_touched(made: Made, name: str) -> None:
    """Neither a file nor a socket of it, by our variable, by tokenmaxxer's where it has one, and
    by the setting; and it says so."""
    world = made(name)
    world.ask()
    sidecar = world.environment.home / f".claude/.tokenmaxxer-{name}.json"
    put(sidecar, {"five_hour": {"used_percentage": 1}})
    on = world.environment.variables
    theirs = {SWITCHES[name]: "1"} if name in SWITCHES else {}
    opened, said = opened_and_said(world, name, on)
    assert opened
    assert said is not Status.DISABLED
    for off in ({f"QUOTADECK_{name.upper()}_DISABLED": "1"}, theirs):
        if off:
            assert opened_and_said(world, name, {**on, **off}) == (set(), Status.DISABLED)
    world.environment.config_dir.mkdir(parents=True, exist_ok=True)
    (world.environment.config_dir / "config.toml").write_text(f"[providers.{name}]\nenabled = false\n")
    assert opened_and_said(world, name, on) == (set(), Status.DISABLED)


def opened_and_said(world: World, name: str, variables: Mapping[str, str]) -> tuple[set[str], Status]:
    """What a one-shot command with these variables opens and asks of a provider alone, and how it
    calls it."""
    home = replace(world.environment, variables=variables)
    before, asked = set(touched.opened), len(world.server.requests_of(name))
    touched.opened.clear()
    try:
        settings = replace(load(home, providers.PROVIDERS), endpoints=world.server.variables, polling="on")
        live = open_live(home, settings, world.clock)
        live.load()
        live.refresh([])
        own = patterns(name, home)
        # keys.json is every keyed provider's, and says nothing of one that is off.
        shared = {
            p for other in providers.PROVIDERS if other != name for p in patterns(other, home) if "*" not in p
        }
        opened = {p for p in touched.opened - shared if any(fnmatchcase(p, one) for one in own)}
        opened |= {r.path for r in world.server.requests_of(name)[asked:]}
        return opened, next(p.status for p in live.view(every=True).providers if p.id == name)
    finally:
        touched.opened |= before


def patterns(name: str, home: Environment) -> set[str]:
    """The paths that a provider reads, as its sources name them."""
    return {
        str(s.folder / ("**/" if s.recursive else "") / s.pattern) for s in providers.load(name).sources(home)
    }


class Raises:
    """An endpoint with a bug in it."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self._endpoint, name)

    def answer(self, *_: object) -> None:
        """Quotes what it should not."""
        raise RuntimeError("CANARY")


def _raise(world: World, name: str) -> None:
    for unit in world.asker._units:
        if unit.id == name:
            unit.inquiry._endpoint = Raises(unit.inquiry._endpoint)  # type: ignore[assignment]


WORST: dict[str, Callable[[World, str], None]] = {
    "hangs": lambda world, name: world.break_all(name, faults.hang()),
    "floods": lambda world, name: world.break_all(name, faults.huge(announced=False)),
    "bombs": lambda world, name: world.break_all(name, faults.gzip_bomb()),
    "raises": _raise,
}


@pytest.mark.parametrize(
    ("worst", "odd"), [("hangs", 0), ("hangs", 1), ("floods", 0), ("bombs", 1), ("raises", 0), ("raises", 1)]
)
def test_one_panel_is_harmed_alone(made: Made, worst: str, odd: int) -> None:
    """Every second provider does its worst while all are asked: each of them keeps its figures and
    says one sentence, the others have new figures and nothing to say."""
    # Time enough for those who answer, however busy the machine is; who hangs takes all of it.
    world = made(*ASKED, deadline=3.0 if worst == "hangs" else 20.0)
    world.ask()
    before = {name: world.used(name) for name in ASKED}
    world.clock.advance(700)
    bad = ASKED[odd::2]
    for name in bad:
        WORST[worst](world, name)
    world.ask()
    assert {name: world.used(name) for name in ASKED} == before
    for name in ASKED:
        front = world.front(name)
        assert (front.status in (Status.ERROR, Status.OFFLINE)) is (name in bad), name
        assert bool(front.message) is (name in bad), name
        assert "CANARY" not in front.message
        newest = max(w.observed_at for w in front.windows)
        assert name in bad or name == "router" or newest == world.clock.now()


@pytest.mark.endurance
async def test_a_day_of_all_of_them_stays_in_budget(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polling by itself, with a key held down now and then: never more in any hour than the
    provider's limit, and nobody is forgotten."""
    import httpx

    monkeypatch.setattr(inquiry, "APART", 0.0)
    clock = FakeClock(NOW)
    variables = {k: v for case in CASES.values() for k, v in case.variables.items()}
    home = replace(environment, variables=variables)
    times: dict[tuple[str, str], list[float]] = {}
    paths = {
        (site.host, call.partition(" ")[2].replace("*", ORGANISATION)): (name, endpoint.id)
        for name in ASKED
        for endpoint in providers.load(name).endpoints()
        for site in endpoint.sites
        for call in site.calls
    }

    def handle(request: httpx.Request) -> httpx.Response:
        place = name, _ = paths[request.url.netloc.decode(), request.url.path]
        times.setdefault(place, []).append(clock.now())
        body = CASES[name].answers.get(request.url.path)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(404 if body is None else 200, stream=httpx.ByteStream(data))

    for case in CASES.values():
        case.write(environment.home)
    asker = Asker(
        [providers.load(name) for name in ASKED], home, clock,
        Http(clock, "1", transport=httpx.MockTransport(handle)), lambda facts: None, on=ON,
        secret=from_keyring,
    )  # fmt: skip
    asker.allow(True)
    end = clock.now() + 24 * 3600
    turn = 0
    while clock.now() < end:
        turn += 1
        if turn % 7 == 0:
            asker.wish(None)
        clock.advance(max(5.0, await asker.turn()))
    for name in ASKED:
        for endpoint in providers.load(name).endpoints():
            asked = times.get((name, endpoint.id), [])
            assert len(asked) >= 24 or not endpoint.sites
            busiest = max((sum(1 for at in asked if 0 <= at - begin < 3600) for begin in asked), default=0)
            assert busiest <= endpoint.limits.per_hour, (name, endpoint.id)
