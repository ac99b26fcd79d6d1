"""Kept accounts that are live nowhere are asked with their own access tokens, while those last."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import httpx
import pytest

import providers
from providers.accounts import parked
from providers.accounts.capture import capture
from providers.accounts.living import look
from providers.accounts.parked import ENDED, ParkedAccounts
from providers.accounts.registry import load_registry
from providers.accounts.roster import load_roster, save_roster
from providers.asking import Credential, Kept, NotAsked
from providers.base import Environment, ReadContext
from providers.engine import inquiry
from providers.engine.asker import Asker
from providers.engine.deck import Deck
from providers.engine.http import Http
from providers.engine.schedule import Activity
from providers.engine.settings import Settings
from providers.engine.view import ViewRules, view
from providers.live import Live, open_live
from providers.model import Fact, Failure, Polling, Reading, Status
from providers.record import replace
from tests.world.households import NOW, Household
from tests.world.logins import jwt, put

BOTH = pytest.mark.parametrize("provider", ["claude", "codex"])
HOUR = 3600.0
LOCKED = NotAsked("the keyring is locked: unlock it and try again")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests need not be kept apart here: nobody is bothered."""
    monkeypatch.setattr(inquiry, "APART", 0.0)


class World:
    """Captured accounts, the last of them live; a server that knows whose each token is."""

    def __init__(self, environment: Environment, provider: str, names: str) -> None:
        self.house = Household(environment, provider)
        self.clock, self.environment = self.house.clock, environment
        self.ids: dict[str, str] = {}
        for name in names:
            self.house.log_in(name)
            self.ids[name] = capture(
                environment, self.house.keeper(), self.house.store, self.house.issuer.prove
            ).id
        self.live = names[-1]
        self.facts: list[Fact] = []
        self.asked: list[tuple[float, str]] = []
        self.bearers: set[str] = set()
        self.fetched: list[str] = []
        self.open = True
        self.revoked: set[str] = set()
        self.loaded = providers.load(provider)
        self.deck = Deck([self.loaded.descriptor])
        self.asker = self.new_asker()

    def new_asker(self) -> Asker:
        environment = self.environment
        asker = Asker(
            [self.loaded], environment, self.clock,
            Http(self.clock, "1", transport=httpx.MockTransport(self._answer)), self._take, writer="w",
            parked=ParkedAccounts(environment, lambda _: (self.house.store,), self._fetch),
        )  # fmt: skip
        live = Activity(account=self.house.issuer.key(self.live))
        asker.know({self.house.provider: live})
        return asker

    def _take(self, facts: list[Fact]) -> None:
        self.facts += facts
        self.deck.apply(facts, self.clock.now())

    def _fetch(self, kept: Kept) -> str | NotAsked:
        self.fetched.append(kept.user)
        return (self.house.ring.get_password(kept.service, kept.user) or "") if self.open else LOCKED

    def _answer(self, request: httpx.Request) -> httpx.Response:
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        self.bearers.add(bearer)
        name = self._owner(bearer)
        self.asked.append((self.clock.now(), name))
        if name in self.revoked:
            return _json({}, 401)
        if request.url.path.endswith("/profile"):
            return _json({"account": {"uuid": f"acc-{name}"}, "organization": {"uuid": f"org-{name}"}})
        if request.url.path.endswith("/accounts"):
            return _json({"items": []})
        percent = 10 * (ord(name) - ord("a") + 1)
        if self.house.provider == "claude":
            return _json({"five_hour": {"utilization": percent, "resets_at": None}})
        return _json({
            "account_id": f"ws-{name}", "user_id": f"user-{name}", "plan_type": "plus",
            "rate_limit": {"primary_window": {
                "used_percent": percent, "limit_window_seconds": 18_000, "reset_at": self.clock.now() + 9000,
            }},
        })  # fmt: skip

    def _owner(self, bearer: str) -> str:
        """Whose access token it is, by the name of the account in it."""
        if self.house.provider == "claude":
            return bearer.rpartition("CANARY-")[2][0]
        from providers.engine.tokens import claims

        return str(claims(bearer)["email"])[0]

    def turn(self) -> float:
        return asyncio.run(self.asker.turn())

    def press(self) -> None:
        self.asker.wish(None)
        self.turn()

    def run(self, seconds: float) -> None:
        """Time goes by with the asker at work."""

        async def day() -> None:
            end = self.clock.now() + seconds
            while self.clock.now() < end:
                self.clock.advance(max(1.0, await self.asker.turn()))

        asyncio.run(day())

    def used(self) -> dict[str, float | None]:
        """The percentage of each account by its name."""
        keys = {self.house.issuer.key(name): name for name in self.ids}
        found = {}
        for facts in self.deck.facts().providers[0].accounts:
            for figure in facts.figures:
                if figure.window.id == "5h" and facts.key in keys:
                    found[keys[facts.key]] = figure.window.used_percent
        return found

    def of(self, kind: type, name: str) -> list:  # type: ignore[type-arg]
        key = self.house.issuer.key(name)
        return [f for f in self.facts if isinstance(f, kind) and getattr(f, "account", None) == key]


def _json(body: object, status: int = 200) -> httpx.Response:
    data = json.dumps(body).encode()
    return httpx.Response(status, headers={"content-type": "application/json"}, stream=httpx.ByteStream(data))


@pytest.fixture
def world(environment: Environment) -> Callable[..., World]:
    return partial(World, environment)


@BOTH
def test_each_account_is_asked_with_its_own_token(world: Callable[..., World], provider: str) -> None:
    """Live and parked alike, each figure under its own account; no refresh token goes anywhere."""
    here = world(provider, "abc")
    here.press()
    assert here.used() == {"a": 10, "b": 20, "c": 30}
    assert {name for _, name in here.asked} == {"a", "b", "c"}
    assert len(here.bearers) == 3
    for name in "abc":
        assert here.house.issuer.newest(name) not in str(here.bearers)
    shown = view(here.deck.facts(), here.clock.now(), ViewRules()).providers[0]
    assert [a.budget is not None for a in shown.accounts] == [True, True, True]


@BOTH
def test_nothing_before_consent_or_a_key(world: Callable[..., World], provider: str) -> None:
    """Neither a request nor a look into the vault."""
    here = world(provider, "ab")
    for _ in range(5):
        here.turn()
        here.clock.advance(4000)
    assert (here.asked, here.fetched) == ([], [])


@pytest.mark.parametrize(("provider", "hours"), [("claude", 8), ("codex", 240)])
def test_until_the_access_token_ends(world: Callable[..., World], provider: str, hours: int) -> None:
    """Asked again and again until then; afterwards the last figure stays with its age, one sentence
    says why, and the vault is left alone, after a restart but for one look."""
    here = world(provider, "ab")
    here.asker.allow(True)
    here.run(2 * HOUR)
    assert [name for _, name in here.asked].count("a") > 6
    here.clock.advance((hours - 2) * HOUR + 60)
    here.run(HOUR)
    assert here.of(Polling, "a")[-1].waits == ENDED
    assert here.of(Polling, "a")[-1].next_at is None
    last = max(at for at, name in here.asked if name == "a")
    fetched = len(here.fetched)
    here.run(3 * HOUR)
    assert max(at for at, name in here.asked if name == "a") == last
    assert len(here.fetched) == fetched
    assert here.used()["a"] == 10
    assert here.of(Reading, "a")[-1].observed_at == last
    here.asker = here.new_asker()
    here.asker.allow(True)
    here.run(3 * HOUR)
    assert len(here.fetched) == fetched + 1
    assert max(at for at, name in here.asked if name == "a") == last


def test_the_vault_is_opened_for_a_due_question_only(world: Callable[..., World]) -> None:
    """One look for one question, however many turns there are."""
    here = world("claude", "ab")
    here.asker.allow(True)
    here.turn()
    assert len(here.fetched) == 1
    for _ in range(200):
        here.clock.advance(1)
        here.turn()
    assert len(here.fetched) == 1
    here.run(HOUR)
    questions = len({at for at, name in here.asked if name == "a"})
    assert len(here.fetched) == questions


def test_a_turn_without_news_does_not_read_the_record_for_them(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve accounts cost an idle turn as many reads of the record as one."""
    from providers.engine import budget

    here = world("claude", "abcdefghijkl")
    here.asker.allow(True)
    here.turn()
    here.turn()
    reads: list[object] = []
    load = budget.load
    monkeypatch.setattr(budget, "load", lambda *words: reads.append(words) or load(*words))  # type: ignore[func-returns-value]
    here.clock.advance(1)
    here.turn()
    assert len(reads) <= 3


def test_a_closed_vault_is_said_and_tried_seldom(world: Callable[..., World]) -> None:
    """One look in five minutes for all of them together, no request, the live account goes on; a key
    looks at once."""
    here = world("claude", "abcdef")
    here.open = False
    here.asker.allow(True)
    here.run(2 * HOUR)
    assert {name for _, name in here.asked} == {"f"}
    assert len(here.fetched) <= 2 * HOUR / parked.CLOSED + 2
    assert "locked" in here.of(Polling, "a")[-1].waits
    here.open = True
    here.press()
    assert {name for _, name in here.asked} == set("abcdef")


def test_a_day_with_twelve_accounts(world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each within its own budget of any hour, the keys' share untouched; nobody goes short."""
    # A day is two thousand small files, each of which would wait for the disk.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    here = world("claude", "abcdefghijkl")
    here.asker.allow(True)
    here.run(24 * HOUR)
    assert {name for _, name in here.asked} == set("abcdefghijkl")
    for name in here.ids:
        times = [at for at, who in here.asked if who == name]
        busiest = max(sum(1 for t in times if at <= t < at + HOUR) for at in times)
        assert busiest <= 18, name
        first_hours = [t for t in times if t < times[0] + 7 * HOUR]
        assert max(b - a for a, b in pairwise(first_hours)) <= 660, name
    # Eight hours of tokens, every ten minutes or so, and the profile once.
    assert max(Counter(name for _, name in here.asked).values()) <= 8 * 7 + 8


def test_a_refused_token_is_asked_with_once(world: Callable[..., World]) -> None:
    """It was revoked: one request, a sentence that fits a parked account, and the vault is not
    opened for it again; a new login lifts it."""
    here = world("claude", "ab")
    here.revoked = {"a"}
    here.asker.allow(True)
    here.run(4 * HOUR)
    assert [name for _, name in here.asked].count("a") == 1
    assert len(here.fetched) <= 2
    failure = here.of(Failure, "a")[-1]
    assert failure.status is Status.IDLE
    assert "kept access token" in failure.message
    here.revoked = set()
    here.house.log_in("a")
    capture(here.environment, here.house.keeper(), here.house.store, here.house.issuer.prove)
    here.house.log_in("b")
    here.run(HOUR)
    assert here.used()["a"] == 10


def test_who_becomes_live_is_not_asked_twice(world: Callable[..., World]) -> None:
    """After a switch the other one is parked; nobody has two units."""
    here = world("claude", "ab")
    here.press()
    here.house.switcher().carry_out(here.house.switcher().plan(here.house.store, here.ids["a"]))
    here.clock.advance(400)
    here.asked.clear()
    here.asker.know({"claude": Activity(account=here.house.issuer.key("a"))})
    here.press()
    assert sorted(name for _, name in here.asked) == ["a", "b"]
    assert here.of(Polling, "b")[-1].waits != "not the login in use"


def test_who_is_switched_off_or_gone_is_not_asked(world: Callable[..., World]) -> None:
    """``enabled = false`` in accounts.toml, and a forgotten account."""
    here = world("claude", "abc")
    members = load_roster(here.environment.config_dir)
    save_roster(
        here.environment.config_dir,
        tuple(replace(m, enabled=m.id != here.ids["a"]) for m in members),
    )
    here.house.keeper().bin(here.ids["b"])
    here.press()
    assert {name for _, name in here.asked} == {"c"}


def test_a_login_under_another_name_is_not_asked(world: Callable[..., World]) -> None:
    """What the vault holds names somebody else: no request, whatever is on top of it."""
    here = world("claude", "abc")
    registry = load_registry(here.environment.state_dir)
    a, b = (registry.account(here.ids[name]) for name in "ab")
    assert a is not None
    assert b is not None
    assert a.newest is not None
    assert b.newest is not None
    here.house.ring.set_password(
        "quotadeck", a.newest.name, str(here.house.ring.get_password("quotadeck", b.newest.name))
    )
    here.press()
    assert {name for _, name in here.asked} == {"b", "c"}


def _wired(here: World) -> Live:
    """As the composition root puts it together."""
    network = partial(httpx.MockTransport, here._answer)
    return open_live(
        here.environment, Settings(), here.clock, chosen=[here.loaded], network=network, secret=here._fetch
    )


@BOTH
def test_a_one_shot_asks_for_all(world: Callable[..., World], provider: str) -> None:
    """``status --refresh``: parked and live accounts, each figure published for those who only read."""
    here = world(provider, "ab")
    live = _wired(here)
    live.load()
    assert live.refresh([]) == []
    shown = {a.id: a.windows[0].used_percent for a in live.view().providers[0].accounts}
    assert shown == {here.ids["a"]: 10, here.ids["b"]: 20}
    again = _wired(here)
    again.load()
    assert {a.id: a.windows[0].used_percent for a in again.view().providers[0].accounts} == shown


def test_a_lapsed_live_login_is_not_asked_as_a_parked_one(world: Callable[..., World]) -> None:
    """Its access token is over in its own file; what the vault has of it is left alone, as it is the
    live account by its name."""
    here = world("claude", "ab")
    document = json.loads(here.house.secret.read_text())
    document["claudeAiOauth"]["expiresAt"] = (here.clock.now() - 60) * 1000
    here.house.secret.write_text(json.dumps(document))
    live = _wired(here)
    live.load()
    live.refresh([])
    assert {name for _, name in here.asked} == {"a"}


def test_the_pane_hears_of_logins(world: Callable[..., World]) -> None:
    """A changed login file and an answer both call, on the owner's thread, once for each batch."""
    here = world("claude", "ab")
    live = _wired(here)
    told: list[tuple[str, threading.Thread]] = []
    live.when_login(lambda provider: told.append((provider, threading.current_thread())))
    jobs: queue.SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = queue.SimpleQueue()

    def until(count: int) -> None:
        end = time.monotonic() + 10
        while len(told) < count:
            assert time.monotonic() < end
            try:
                fn, words = jobs.get(timeout=0.02)
            except queue.Empty:
                continue
            fn(*words)

    live.start(lambda fn, *words: jobs.put((fn, words)), lambda ids: None)
    until(1)
    live.connect()
    live.ask("claude")
    until(2)
    live.stop()
    assert {provider for provider, _ in told} == {"claude"}
    assert {thread for _, thread in told} == {threading.main_thread()}


OTHERS = {
    "gemini": (".gemini/oauth_creds.json", {
        "access_token": "ya29.CANARYa", "refresh_token": "1//CANARYr", "expiry_date": (NOW + HOUR) * 1000,
        "id_token": jwt({"email": "g@example.com", "sub": "g-1"}, "CANARYi"),
    }),
    "opencode": (".local/share/opencode/auth.json", {
        "openai": {
            "type": "oauth", "refresh": "rt-CANARY", "expires": (NOW + HOUR) * 1000, "accountId": "ws-1",
            "access": jwt({"https://api.openai.com/auth": {
                "chatgpt_account_id": "ws-1", "chatgpt_user_id": "user-1",
            }}, "CANARYo"),
        },
    }),
}  # fmt: skip


@pytest.mark.parametrize("provider", OTHERS)
def test_every_switchable_provider_can_be_laid_out(environment: Environment, provider: str) -> None:
    """Gemini's access token is found as Claude's is; a lapsed one is not renewed in somebody's file;
    what has no usage to ask for says so; no file is written."""
    path, document = OTHERS[provider]
    put(environment.home / path, document)
    house = Household(environment, "claude")
    store = next(s for s in providers.stores(environment) if s.provider == provider and look(s).live.login)
    kept = capture(environment, house.keeper(), store, None)

    def fetch(item: Kept) -> str | NotAsked:
        return house.ring.get_password(item.service, item.user) or ""

    source = ParkedAccounts(environment, providers.stores, fetch)
    assert source.accounts(provider) == (kept.key,)
    before = {p: p.stat().st_mtime_ns for p in environment.home.rglob("*")}
    loaded = providers.load(provider)
    endpoint = next(e for e in loaded.endpoints() if e.id == "usage")
    context = ReadContext(NOW, environment)
    held = source.glance(provider, kept.key, context)
    assert isinstance(held, Credential)
    opened = source.opened(held, loaded, endpoint, context, by_hand=False)
    if provider == "gemini":
        assert isinstance(opened, Credential)
        assert (opened.account, opened.token, opened.lapsed) == (kept.key, "ya29.CANARYa", False)
    else:
        assert isinstance(opened, NotAsked)
        assert isinstance(source.glance(provider, kept.key, context), NotAsked)
    late = source.opened(held, loaded, endpoint, ReadContext(NOW + 2 * HOUR, environment), by_hand=False)
    assert late == NotAsked(ENDED)
    assert {p: p.stat().st_mtime_ns for p in environment.home.rglob("*")} == before


@BOTH
def test_no_secret_is_left_anywhere(world: Callable[..., World], provider: str) -> None:
    """Not in the record, the published figures, a fact or a repr."""
    here = world(provider, "ab")
    here.press()
    state = here.environment.state_dir
    texts = [p.read_text(errors="replace") for p in state.rglob("*") if p.is_file()]
    said = [*texts, repr(here.facts), repr(vars(here.asker)), repr([vars(u) for u in here.asker._units])]
    assert len(texts) >= 3
    assert not [text for text in said if "CANARY" in text]
