"""Idle logins are kept fresh: for whoever asked for it, from nobody's hands, never lost by us."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from providers.accounts import freshen
from providers.accounts.audit import trail
from providers.accounts.capture import capture
from providers.accounts.following import FOLLOWED
from providers.accounts.freshen import AHEAD, REST, Tended, account_lock
from providers.accounts.idle import FRESHENED, NEEDS_LOGIN
from providers.accounts.keeping import Step, no_step
from providers.accounts.login import CannotSwitch, Running
from providers.accounts.proof import PROVED
from providers.accounts.registry import Kept, load_registry, save_registry
from providers.accounts.renewal import TokenEndpoints
from providers.accounts.roster import Member, load_roster
from providers.accounts.safety import copies
from providers.accounts.vault import State, VaultTrouble
from providers.base import Environment
from providers.claude.renewing import RENEWING as CLAUDE
from providers.codex.renewing import RENEWING as CODEX
from providers.desk import Desk
from providers.engine import budget
from providers.engine.deck import account_id
from providers.engine.http import Http
from providers.engine.timeline import Stay, save_stays
from providers.model import Identity
from providers.record import replace
from tests.world import faults
from tests.world.households import NOW, Household
from tests.world.standin import StandIn
from tests.world.tokens import TokenServer

BOTH = pytest.mark.parametrize("provider", ["claude", "codex"])
LIFE = {"claude": 8 * 3600.0, "codex": 240 * 3600.0}


class World:
    """Accounts ``a`` … captured, the last one live; ``a`` is to be kept fresh, and due."""

    def __init__(self, environment: Environment, server: StandIn, provider: str, names: str = "ab") -> None:
        self.house = Household(environment, provider)
        self.environment, self.clock, self.server = environment, self.house.clock, server
        self.tokens = TokenServer(server, self.house)
        self.ids: dict[str, str] = {}
        for name in names:
            self.house.log_in(name)
            keeper, prove = self.house.keeper(), self.house.issuer.prove
            self.ids[name] = capture(environment, keeper, self.house.store, prove).id
        self.house.store.running = lambda: Running()  # type: ignore[method-assign]
        self.desk().mark(self.ids["a"], fresh=True)
        self.clock.advance(LIFE[provider] - AHEAD + 100)

    def desk(self, step: Step = no_step, *, deadline: float = 5.0) -> Desk:
        client = partial(Http, self.clock, "1", deadline=deadline)
        endpoints = TokenEndpoints({"claude": CLAUDE, "codex": CODEX}, client, self.server.variables)
        house = self.house
        return Desk(
            self.environment, (house.store,), house.vault, self.clock, prove=house.issuer.prove,
            endpoints=endpoints, step=step,
        )  # fmt: skip

    def kept(self, name: str = "a") -> Kept:
        found = load_registry(self.environment.state_dir).account(self.ids[name])
        assert found is not None
        return found

    def vault_refresh(self, name: str = "a") -> str:
        """The refresh token of the newest login in the vault."""
        newest = self.kept(name).newest
        assert newest is not None
        document = json.loads(self.house.ring.get_password("quotadeck", newest.name) or "")
        tokens = document.get("tokens") or document["credentials"]["claudeAiOauth"]
        return str(tokens.get("refreshToken") or tokens["refresh_token"])

    def refused(self, tended: Tended) -> str:
        """Why nothing was posted, which the stand-in bears out."""
        assert self.server.requests == []
        assert self.house.issuer.works(self.vault_refresh())
        assert tended.said == ()
        return tended.waits[self.ids["a"]]

    def lost(self) -> list[str]:
        """Accounts whose newest refresh token is nowhere any more, or was spent twice."""
        secrets = self.house.all_secrets()
        gone = [n for n in self.ids if self.house.issuer.newest(n) not in secrets]
        return gone + self.house.issuer.reused


Made = Callable[..., World]


@pytest.fixture
def made(environment: Environment) -> Iterator[Made]:
    with StandIn() as server:
        yield partial(World, environment, server)


@BOTH
def test_a_due_login_is_renewed_and_kept(made: Made, provider: str) -> None:
    """One POST to the token endpoint's own host; the successor is the newest in the vault, opens,
    works, and is used by the next switch; nothing is left lying."""
    world = made(provider)
    before = world.vault_refresh()
    tended = world.desk().tend()
    assert world.tokens.redeemed == [before]
    assert [r.provider for r in world.server.requests] == [f"{provider}-auth"]
    assert world.vault_refresh() == world.house.issuer.newest("a") != before
    assert [(s.renewed, s.news) for s in tended.said] == [(True, False)]
    assert tended.at == pytest.approx(world.clock.now() + LIFE[provider] - AHEAD, abs=60)
    newest = world.kept().newest
    assert newest is not None
    assert newest.source == FRESHENED
    login = world.house.keeper().take(world.kept(), world.house.store)
    assert login.expires_at is not None
    assert login.expires_at > world.clock.now() + LIFE[provider] - 60
    assert list(copies(world.environment.state_dir)) == []
    assert not list(world.environment.state_dir.glob("*.room"))
    desk = world.desk()
    if provider == "codex":
        world.house.issuer.now = world.clock.now()
        assert world.house.cli_renews()
    desk.carry_out(desk.plan(desk.find(provider, world.ids["a"])))
    assert world.house.live_refresh == world.house.issuer.newest("a")
    assert world.lost() == []


@BOTH
def test_what_is_posted(made: Made, provider: str) -> None:
    """JSON with the client's public id, under our own name; every other field of the login stays."""
    world = made(provider)
    old = world.house.keeper().take(world.kept(), world.house.store)
    world.desk().tend()
    (request,) = world.server.requests
    body = json.loads(request.body)
    assert body["grant_type"] == "refresh_token"
    assert set(body) == {"grant_type", "refresh_token", "client_id"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("quotadeck/")
    assert "authorization" not in request.headers
    new = world.house.keeper().take(world.kept(), world.house.store)

    def rest(payload: str) -> Any:
        document = json.loads(payload)
        document.pop("last_refresh", None)
        tokens = document.get("tokens") or document["credentials"]["claudeAiOauth"]
        for name in ("accessToken", "refreshToken", "expiresAt", "access_token", "refresh_token", "id_token"):
            tokens.pop(name, None)
        return document

    assert rest(new.payload.reveal()) == rest(old.payload.reveal())


def test_not_before_it_is_due_and_then_again(made: Made) -> None:
    """Nothing is sent or opened in between; the next time comes by itself."""
    world = made("claude")
    world.clock.advance(-3600)
    desk = world.desk()
    tended = desk.tend()
    assert (tended.said, world.server.requests) == ((), [])
    assert tended.at is not None
    for _ in range(3):
        world.clock.time = tended.at
        tended = desk.tend()
        assert tended.at is not None
        assert tended.at > world.clock.now() + REST
    assert len(world.tokens.redeemed) == 3
    assert world.lost() == []


def test_off_by_default(made: Made) -> None:
    """Nobody is kept fresh who was not asked for, nor with reading only."""
    world = made("claude")
    desk = world.desk()
    desk.mark(world.ids["a"], fresh=False)
    assert desk.tend() == Tended()
    assert world.server.requests == []
    desk.mark(world.ids["a"], fresh=True)
    house = world.house
    alone = Desk(world.environment, (house.store,), house.vault, world.clock)
    assert alone.tend() == Tended()
    assert all(not m.fresh for m in load_roster(world.environment.config_dir) if m.id != world.ids["a"])


# What anybody else may hold is never redeemed: the stand-in's record is the witness.


@BOTH
def test_the_live_login_is_never_redeemed(made: Made, provider: str) -> None:
    """By its lineage; and a login of the same account that was made anew beside the kept one."""
    world = made(provider)
    desk = world.desk()
    world.house.issuer.now = world.clock.now()
    desk.mark(world.ids["b"], fresh=True)
    desk.mark(world.ids["a"], fresh=False)
    tended = desk.tend()
    assert world.server.requests == []
    assert "live login" in tended.waits[world.ids["b"]]
    world.house.log_in("b")
    world.clock.advance(600)
    tended = desk.tend()
    assert world.server.requests == []
    assert "live login" in tended.waits[world.ids["b"]]


def test_a_shared_lineage_is_never_redeemed(made: Made) -> None:
    """Two accounts with one refresh token, one of them an older generation."""
    world = made("claude")
    registry = load_registry(world.environment.state_dir)
    a, b = world.kept("a"), world.kept("b")
    save_registry(
        world.environment.state_dir,
        registry.with_account(replace(b, generations=(*a.generations, *b.generations))),
    )
    assert "share" in world.refused(world.desk().tend())


def test_another_tools_login_is_never_redeemed(made: Made) -> None:
    """It was imported from a tool that renews it itself."""
    world = made("claude")
    desk = world.desk()
    desk._change(world.ids["a"], owner="claude-swap")
    assert "claude-swap renews it" in world.refused(desk.tend())


@pytest.mark.parametrize("since", [NOW - 100, 0.0])
def test_a_session_from_before_may_still_hold_it(made: Made, since: float) -> None:
    """It runs since the account was in use, or since nobody knows when; a younger one does not."""
    world = made("claude")
    world.house.store.running = lambda: Running(1, since)  # type: ignore[method-assign]
    desk = world.desk()
    assert "may still hold it" in world.refused(desk.tend())
    world.house.store.running = lambda: Running(known=False)  # type: ignore[method-assign]
    world.clock.advance(301)
    assert "cannot be seen" in world.refused(desk.tend())
    world.house.store.running = lambda: Running(1, world.clock.now() - 50)  # type: ignore[method-assign]
    world.clock.advance(301)
    assert [s.renewed for s in desk.tend().said] == [True]


def test_a_session_from_before_the_switch_away(made: Made) -> None:
    """The audit trail and the line of who was live say until when it was in use."""
    world = made("claude")
    key = world.house.issuer.key
    left = NOW + 9000
    line = [Stay("claude", key("a"), NOW, NOW + 5000), Stay("claude", key("b"), left, left + 60)]
    save_stays(world.environment.state_dir, line)
    world.house.store.running = lambda: Running(1, left - 1)  # type: ignore[method-assign]
    desk = world.desk()
    assert "may still hold it" in world.refused(desk.tend())
    world.house.store.running = lambda: Running(1, left + 1)  # type: ignore[method-assign]
    world.clock.advance(301)
    assert [s.renewed for s in desk.tend().said] == [True]


@pytest.mark.parametrize("held", ["torn", "nobody", "key", "copy"])
def test_what_cannot_be_told_counts_as_held(made: Made, held: str) -> None:
    """A torn live file, a live login without a name, a store elsewhere, a copy that nobody claims."""
    world = made("claude")
    config = world.house.home / ".claude.json"
    if held == "torn":
        world.house.secret.write_text(world.house.secret.read_text()[:50])
    elif held == "nobody":
        config.write_text("{}")
        world.house.secret.write_text(
            world.house.secret.read_text().replace("sk-ant-ort01-CANARY-b", "sk-ant-ort01-CANARY-x")
        )
    elif held == "key":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"primaryApiKey": "sk-ant-api-x"}))
    else:
        from providers.accounts.safety import save_copy

        world.house.log_in("a")
        login = world.house.store.parse(_read(world)).login
        assert login is not None
        save_copy(world.environment.state_dir, "x", login, "", NOW)
        world.house.log_in("b")
    why = world.refused(world.desk().tend())
    assert why.isprintable()


def _read(world: World) -> Any:
    from providers.accounts.living import look

    return look(world.house.store).found


# Faults of the network: nothing is lost, nothing is called dead that need not be.

TRANSIENT: dict[str, Callable[[StandIn], Any]] = {
    "401": lambda _: faults.status(401),
    "403": lambda _: faults.status(403, b'{"error": {"type": "forbidden"}}'),
    "404": lambda _: faults.status(404),
    "429": lambda _: faults.limited("900"),
    "429 with none": lambda _: faults.limited(None),
    "500": lambda _: faults.status(500),
    "HTML": lambda _: faults.html(403),
    "HTML as 200": lambda _: faults.html(200),
    "redirect": lambda s: faults.redirect(s.url("elsewhere") + "/x"),
    "hang": lambda _: faults.hang(),
    "drip": lambda _: faults.drip(),
    "reset": lambda _: faults.reset(),
    "no HTTP": lambda _: faults.garbage(),
    "gzip bomb": lambda _: faults.gzip_bomb(),
    "not JSON": lambda _: faults.ok(b"hello"),
    "no token": lambda _: faults.ok({"access_token": "two words"}),
    "another client": lambda _: faults.status(401, b'{"error": "invalid_client"}'),
    "said in a text": lambda _: faults.status(400, b'{"error": "x", "error_description": "invalid_grant"}'),
    "on another status": lambda _: faults.status(402, b'{"error": "invalid_grant"}'),
}


@pytest.mark.parametrize("name", TRANSIENT)
@BOTH
def test_trouble_is_not_death(made: Made, provider: str, name: str) -> None:
    """One request; the login stays as it was, waits longer and longer, and is renewed in the end.
    A token for one host goes to no other."""
    world = made(provider)
    world.tokens.say(TRANSIENT[name](world.server))
    desk, before = world.desk(deadline=0.3), world.vault_refresh()
    tended = desk.tend()
    assert len(world.server.requests) == 1
    assert [s.renewed for s in tended.said] == [False]
    assert [s.news for s in tended.said] == [False]
    assert tended.waits[world.ids["a"]].isprintable()
    assert (world.vault_refresh(), world.kept().spent) == (before, "")
    assert tended.at is not None
    assert tended.at >= world.clock.now() + 25
    # Another process sees the same record, and does not ask in its place.
    assert world.desk().tend().said == ()
    assert len(world.server.requests) == 1
    world.clock.time = tended.at + 1
    assert [s.renewed for s in desk.tend().said] == [True]
    assert world.server.requests_of("elsewhere") == []
    assert world.lost() == []


@BOTH
def test_without_a_new_refresh_token_the_old_one_stays(made: Made, provider: str) -> None:
    """N2: the access token is new, the lineage the same."""
    world = made(provider)
    before = world.vault_refresh()
    world.tokens.rotates = False
    assert [s.renewed for s in world.desk().tend().said] == [True]
    assert world.vault_refresh() == before
    login = world.house.keeper().take(world.kept(), world.house.store)
    assert login.expires_at is not None
    assert login.expires_at > world.clock.now() + LIFE[provider] - 60


@BOTH
def test_a_lost_answer_needs_a_login(made: Made, provider: str) -> None:
    """N3, K20: the provider rotated, nobody got the answer. No success; the next try tells, once."""
    world = made(provider)
    world.tokens.loses = True
    desk = world.desk(deadline=1)
    tended = desk.tend()
    assert [s.renewed for s in tended.said] == [False]
    world.tokens.loses = False
    assert tended.at is not None
    world.clock.time = tended.at + 1
    tended = desk.tend()
    assert [(s.sentence, s.renewed, s.news) for s in tended.said] == [(NEEDS_LOGIN, False, True)]
    (row,) = [r for r in desk.rows() if r.member.id == world.ids["a"]]
    assert row.spent
    posted = len(world.tokens.redeemed)
    for _ in range(30):
        world.clock.advance(1200)
        assert desk.tend().said == ()
    assert len(world.tokens.redeemed) == posted
    assert "log in to it again" in desk.tend().waits[world.ids["a"]]


@pytest.mark.parametrize(
    ("provider", "status", "body"),
    [
        ("claude", 400, {"error": "invalid_grant"}),
        ("claude", 401, {"error": "invalid_grant"}),
        ("codex", 400, {"error": "invalid_grant"}),
        ("codex", 401, {"error": {"code": "refresh_token_reused"}}),
        ("codex", 401, {"code": "refresh_token_expired"}),
    ],
)
def test_a_dead_token_is_marked_and_a_new_login_lifts_it(
    made: Made, provider: str, status: int, body: dict[str, object]
) -> None:
    """It is said, the switch refuses, and it is bound to that lineage."""
    world = made(provider)
    world.tokens.say(faults.status(status, json.dumps(body).encode()))
    desk = world.desk()
    assert [s.sentence for s in desk.tend().said] == [NEEDS_LOGIN]
    with pytest.raises(CannotSwitch, match="refused the kept login"):
        desk.plan(desk.find(provider, world.ids["a"]))
    world.house.issuer.now = world.clock.now()
    world.house.log_in("a")
    assert world.kept().spent != ""
    desk.capture(provider)
    assert world.kept().spent == ""


def test_a_dead_token_that_could_not_be_noted(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's word is remembered by the record of requests: it is not posted again, and is
    noted as soon as that can be."""
    world = made("claude")
    world.tokens.say(faults.status(400, b'{"error": "invalid_grant"}'))
    desk = world.desk()
    with monkeypatch.context() as patch:

        def refuse(*words: object) -> None:
            raise CannotSwitch("no space left on device")

        patch.setattr(freshen, "save_registry", refuse)
        assert desk.tend().said == ()
    assert world.kept().spent == ""
    world.clock.advance(700)
    assert [s.sentence for s in world.desk().tend().said] == [NEEDS_LOGIN]
    assert world.kept().spent != ""
    assert len(world.server.requests) == 1


def test_a_dead_token_that_was_replaced_meanwhile(made: Made) -> None:
    """The posted bytes were not the freshest any more: the account is not called dead."""
    world = made("claude")
    world.tokens.say(faults.status(400, b'{"error": "invalid_grant"}'))

    def step(name: str) -> None:
        if name == "answered":
            world.house.issuer.now = world.clock.now()
            live = world.house.secret.read_text(), (world.house.home / ".claude.json").read_text()
            world.house.log_in("a")
            capture(world.environment, world.house.keeper(), world.house.store, world.house.issuer.prove)
            world.house.secret.write_text(live[0])
            (world.house.home / ".claude.json").write_text(live[1])

    tended = world.desk(step).tend()
    assert tended.said == ()
    assert "replaced meanwhile" in tended.waits[world.ids["a"]]
    assert world.kept().spent == ""


def test_the_answer_is_another_accounts(made: Made) -> None:
    """It is filed under nobody's name: a copy that nobody claims, and a sentence."""
    world = made("claude")
    stranger = {
        "access_token": "sk-ant-oat01-CANARY-z", "refresh_token": "sk-ant-ort01-CANARY-z",
        "expires_in": 28800, "account": {"uuid": "acc-z"},
    }  # fmt: skip
    world.tokens.say(faults.ok(stranger))
    before = world.kept()
    (said,) = world.desk().tend().said
    assert "another account" in said.sentence
    assert not said.renewed
    assert world.kept() == before
    (copy,) = copies(world.environment.state_dir)
    assert copy.owner == ""
    assert "CANARY-z" in copy.payload.reveal()


# The successor is stored before anything else, or kept where it can be.


class Closed:
    """The vault closes while the answer is on its way; the disk too, if it is to."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, disk: bool) -> None:
        self.world, self.patch, self.disk = world, monkeypatch, disk
        self.write = os.write

    def step(self, name: str) -> None:
        if name == "answered":
            self.patch.setattr(self.world.house.ring, "set_password", self._locked)
            if self.disk:
                self.patch.setattr(os, "write", self._full)

    def open_again(self) -> None:
        self.patch.undo()

    def _locked(self, *words: str) -> None:
        raise VaultTrouble(State.LOCKED)

    def _full(self, descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")


def test_a_vault_that_closes_meanwhile(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The successor waits in a safety copy, the dead one is never used, and it is filed as soon as
    the vault opens."""
    world = made("claude")
    closed = Closed(world, monkeypatch, disk=False)
    desk = world.desk(closed.step)
    (said,) = desk.tend().said
    assert "safety copy" in said.sentence
    assert said.news
    assert world.lost() == []
    with pytest.raises(CannotSwitch):
        desk.plan(desk.find("claude", world.ids["a"]))
    world.clock.advance(REST + 8 * 3600)
    assert desk.tend().said == ()
    assert len(world.tokens.redeemed) == 1
    closed.open_again()
    world.clock.advance(301)
    said, *_ = desk.tend().said
    assert said.sentence == "its renewed login is stored now"
    assert world.house.issuer.reused == []
    assert world.lost() == []


def test_neither_vault_nor_disk(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in memory: the switch refuses, it is not renewed again, and both are tried once more;
    at the end of the process it is written, and the next one files it."""
    world = made("claude")
    closed = Closed(world, monkeypatch, disk=True)
    desk = world.desk(closed.step)
    (said,) = desk.tend().said
    assert "in memory alone" in said.sentence
    begin = time.monotonic()
    desk.put_away()
    assert time.monotonic() - begin < 0.5
    with pytest.raises(CannotSwitch, match="could not be stored yet"):
        desk.plan(desk.find("claude", world.ids["a"]))
    monkeypatch.setattr(os, "write", closed.write)
    desk.put_away()
    assert world.lost() == []
    closed.open_again()
    again = world.desk()
    assert [s.sentence for s in again.tend().said][:1] == ["its renewed login is stored now"]
    assert world.vault_refresh() == world.house.issuer.newest("a")
    assert world.house.issuer.reused == []


def test_a_full_disk_is_found_out_before(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent where the answer could not be stored."""
    world = made("claude")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    desk = world.desk()
    monkeypatch.setattr(os, "write", full)
    assert "could not be stored" in world.refused(desk.tend())


def test_a_locked_vault_sends_nothing(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again some minutes later, not at every look."""
    world = made("claude")
    tries: list[str] = []

    def locked(service: str, name: str) -> str:
        tries.append(name)
        raise VaultTrouble(State.LOCKED)

    monkeypatch.setattr(world.house.ring, "get_password", locked)
    desk = world.desk()
    tended = desk.tend()
    for _ in range(100):
        world.clock.advance(1)
        desk.tend()
    assert len(tries) == 1
    assert "locked" in tended.waits[world.ids["a"]]
    assert world.server.requests == []


@pytest.mark.parametrize("point", ["renewing", "answered", "copied", "stored", "named"])
@BOTH
def test_killed_at_every_step(made: Made, provider: str, point: str) -> None:
    """After recovery the newest login works; but for the one gap, where it needs a login and says so."""
    world = made(provider)

    def step(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        world.desk(step).tend()
        os._exit(7)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    desk = world.desk()
    if desk.unfinished:
        desk.recover()
    world.clock.advance(700)
    said = desk.tend().said
    if point == "answered":
        assert [s.sentence for s in said] == [NEEDS_LOGIN]
        return
    assert world.lost() == []
    assert world.vault_refresh() == world.house.issuer.newest("a")
    assert list(copies(world.environment.state_dir)) == []


# Two processes.


@BOTH
def test_two_processes_one_post(made: Made, provider: str) -> None:
    """C9: both find the account due at once; the provider hears of it once."""
    world = made(provider)
    pids = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            world.desk().tend()
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
    assert len(world.server.requests) == 1
    assert world.vault_refresh() == world.house.issuer.newest("a")
    assert world.lost() == []


def test_a_switch_waits_for_a_renewal_and_takes_its_successor(made: Made) -> None:
    """A plan that was made before must not write the login that is spent by now."""
    world = made("claude")
    other = world.desk()
    plan = other.plan(other.find("claude", world.ids["a"]))
    under_way, go_on = threading.Event(), threading.Event()

    def step(name: str) -> None:
        if name == "answered":
            under_way.set()
            assert go_on.wait(5)

    renewing = threading.Thread(target=world.desk(step).tend)
    renewing.start()
    assert under_way.wait(5)
    threading.Timer(0.2, go_on.set).start()
    other.carry_out(plan)
    renewing.join(5)
    assert world.house.live_refresh == world.house.issuer.newest("a")
    assert world.lost() == []


def test_a_renewal_does_not_begin_during_a_switch(made: Made) -> None:
    """The lock of the account is held by whoever switches to it."""
    world = made("claude")
    with account_lock(world.environment.state_dir, world.ids["a"], 1):
        assert "being renewed" in world.refused(world.desk().tend())
    tried = world.desk()
    with (
        pytest.raises(CannotSwitch, match="nothing was changed"),
        account_lock(world.environment.state_dir, world.ids["a"], 1),
        account_lock(world.environment.state_dir, world.ids["a"], 0.05),
    ):
        pass
    assert [s.renewed for s in tried.tend().said] == [True]


# What it costs and what it leaves.


def test_it_counts_in_the_accounts_budget(made: Made) -> None:
    """The request stands in the record that usage questions stand in; a spent hour waits."""
    world = made("claude")
    state, key = world.environment.state_dir, world.house.issuer.key("a")
    name = f"claude/{account_id('claude', key)}"
    now = world.clock.now()
    spent = tuple(now - 60 - i for i in range(18, 0, -1))
    budget.change(state, name, now, lambda slot: replace(slot, asked=spent, limit=20))
    desk = world.desk()
    assert "spent" in world.refused(desk.tend())
    world.clock.advance(3600)
    assert [s.renewed for s in desk.tend().said] == [True]
    assert budget.load(state, world.clock.now()).of(name).asked == (world.clock.now(),)


def test_a_day_with_twelve_accounts(made: Made) -> None:
    """All but the live one are kept fresh around the clock with four requests each, none twice."""
    world = made("claude", "abcdefghijkl")
    desk = world.desk()
    for name in "bcdefghijkl":
        desk.mark(world.ids[name], fresh=True)
    end = world.clock.now() + 86_400
    while world.clock.now() < end:
        tended = desk.tend()
        assert tended.at is not None
        world.clock.time = max(world.clock.now() + 30, tended.at)
    posted = world.tokens.redeemed
    assert len(posted) == len(set(posted)) <= 11 * 4
    for name in "abcdefghijk":
        login = world.house.keeper().take(world.kept(name), world.house.store)
        assert login.expires_at is not None
        assert login.expires_at > end
    assert world.lost() == []


def test_what_is_left_of_it(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """A line in the audit trail with a fingerprint; no secret in any file of the state folder, in
    what is said, or in a repr."""
    world = made("codex")
    desk = world.desk()
    tended = desk.tend()
    (line,) = [t for t in trail(world.environment.state_dir) if t.what == "renew"]
    newest = world.kept().newest
    assert newest is not None
    assert (line.to, line.lineage, line.ended) == (world.ids["a"], newest.lineage, "its login was renewed")
    state, config = world.environment.state_dir, world.environment.config_dir
    texts = [p.read_text(errors="replace") for f in (state, config) for p in f.rglob("*") if p.is_file()]
    assert len(texts) >= 4
    said = [*texts, repr(tended), *capfd.readouterr(), repr(vars(desk)), repr(vars(desk._freshener))]
    assert not [t for t in said if "CANARY" in t]


# The live login is followed.


def _proved(world: World) -> Callable[[Any], Identity | None]:
    """As the usage endpoint notes it: the token that it proved."""
    from providers.accounts.proof import Prover
    from providers.claude.profile import PROOF
    from providers.engine.tokens import fingerprint

    token = world.house.live()["accessToken"]
    slot = f"claude/{account_id('claude', world.house.issuer.key('b'))}"
    budget.change(
        world.environment.state_dir, slot, world.clock.now(),
        lambda s: replace(s, memory={PROVED: fingerprint(token)}),
    )  # fmt: skip

    def nobody() -> Http:
        raise AssertionError("following asks nobody")

    return Prover(world.environment, world.clock, {"claude": PROOF}, nobody, {}).noted


@BOTH
def test_a_renewed_live_login_is_filed(made: Made, provider: str) -> None:
    """Silently, once, under its proven owner; the vault then has the newest."""
    world = made(provider)
    world.house.issuer.now = world.clock.now()
    noted = _proved(world) if provider == "claude" else None
    desk = Desk(world.environment, (world.house.store,), world.house.vault, world.clock, noted=noted)
    assert not desk.follow(provider)
    assert world.house.cli_renews()
    if provider == "claude":
        # Not proven yet: it could be anybody's.
        assert not desk.follow(provider)
        assert world.vault_refresh("b") != world.house.live_refresh
        _proved(world)
    assert desk.follow(provider)
    assert world.vault_refresh("b") == world.house.live_refresh == world.house.issuer.newest("b")
    newest = world.kept("b").newest
    assert newest is not None
    assert newest.source == FOLLOWED
    assert not desk.follow(provider)
    assert world.server.requests == []


def test_who_is_not_kept_is_not_followed(made: Made) -> None:
    """A login of an account that nobody captured stays where it is."""
    world = made("codex")
    world.house.log_in("z")
    before = world.house.ring.folder.stat().st_mtime_ns
    desk = world.desk()
    assert not desk.follow("codex")
    assert world.house.ring.folder.stat().st_mtime_ns == before
    assert len(load_registry(world.environment.state_dir).accounts) == 2


def test_a_closed_vault_is_tried_again(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said, nothing is lost, and the next look files it."""
    world = made("codex")
    assert world.house.cli_renews()
    desk = world.desk()
    with monkeypatch.context() as patch:
        patch.setattr(world.house.ring, "set_password", _locked)
        assert not desk.follow("codex")
    assert desk.follow("codex")
    assert world.vault_refresh("b") == world.house.live_refresh


def _locked(*words: str) -> None:
    raise VaultTrouble(State.LOCKED)


def test_members_and_paths_are_ours(made: Made) -> None:
    """The lock lies in the state folder, private, and names an account by its id alone."""
    world = made("claude")
    world.desk().tend()
    lock: Path = world.environment.state_dir / f"acct-{world.ids['a']}.lock"
    assert lock.stat().st_mode & 0o077 == 0
    member: Member = next(m for m in load_roster(world.environment.config_dir) if m.id == world.ids["a"])
    assert member.fresh
