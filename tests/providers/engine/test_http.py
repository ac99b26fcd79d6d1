"""The HTTP client against a server that does its worst."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from providers.asking import Answer, NoAnswer, Question
from providers.engine.http import RAW_BYTES, UNPACKED_BYTES, HostRefused, Http
from providers.model import Status
from tests.conftest import FakeClock
from tests.world import faults
from tests.world.standin import Reply, StandIn

SECRET = "sk-ant-oat01-CANARY"
ASKED = Question("usage", "/api/oauth/usage", {"Authorization": f"Bearer {SECRET}"})


@pytest.fixture
def world() -> Iterator[StandIn]:
    with StandIn() as world:
        yield world


def ask(
    world: StandIn, clock: FakeClock, reply: Reply, *, deadline: float = 5.0, base: str = ""
) -> Answer | NoAnswer:
    world.answer("claude", ASKED.path, reply)

    async def go() -> Answer | NoAnswer:
        http = Http(clock, "9.9", deadline=deadline)
        try:
            return await http.send(base or world.url("claude"), ASKED, "api.example")
        finally:
            await http.close()

    return asyncio.run(go())


def test_a_good_answer(world: StandIn, clock: FakeClock) -> None:
    """Status, headers in lower case, body, our clock; asked once, under our own name."""
    found = ask(world, clock, faults.ok({"a": 1}, X_Thing="7"))
    assert isinstance(found, Answer)
    assert (found.status, found.body, found.at) == (200, b'{"a": 1}', clock.now())
    assert found.headers["x-thing"] == "7"
    (request,) = world.requests
    assert (request.method, request.path) == ("GET", ASKED.path)
    assert request.headers["user-agent"] == "quotadeck/9.9"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers


@pytest.mark.parametrize("code", [401, 403, 429, 500, 503])
def test_a_status_is_an_answer(world: StandIn, clock: FakeClock, code: int) -> None:
    """What it means is decided elsewhere; Retry-After is handed on."""
    found = ask(world, clock, faults.status(code, retry_after="77"))
    assert isinstance(found, Answer)
    assert (found.status, found.headers["retry-after"]) == (code, "77")


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        (faults.hang, Status.OFFLINE, "did not answer"),
        (faults.drip, Status.OFFLINE, "did not answer"),
        (faults.slow_head, Status.OFFLINE, "did not answer"),
        (faults.reset, Status.OFFLINE, "broke off"),
        (faults.truncated, Status.ERROR, "broke off"),
        (faults.garbage, Status.ERROR, "broke off"),
        (faults.gzip_bomb, Status.ERROR, "far more than an answer"),
        (lambda: faults.huge(announced=True), Status.ERROR, "far more than an answer"),
        (lambda: faults.huge(announced=False), Status.ERROR, "far more than an answer"),
        (lambda: faults.redirect("http://127.0.0.1:1/"), Status.ERROR, "redirect"),
        (lambda: faults.ok(b"x", content_encoding="br"), Status.ERROR, "broke off"),
        (lambda: faults.ok(b"no gzip", content_encoding="gzip"), Status.ERROR, "broke off"),
    ],
)
def test_a_fault_is_one_sentence(
    world: StandIn, clock: FakeClock, fault: Callable[[], Reply], status: Status, says: str
) -> None:
    """No exception, no second try, no secret: whether a server was reached, and what it did."""
    found = ask(world, clock, fault(), deadline=0.6)
    assert isinstance(found, NoAnswer)
    assert (found.status, found.at) == (status, clock.now())
    assert says in found.sentence
    assert found.sentence.isprintable()
    assert SECRET not in repr(found)
    assert len(world.requests) == 1


def test_a_redirect_is_not_followed(world: StandIn, clock: FakeClock) -> None:
    """Nobody else sees the bearer."""
    ask(world, clock, faults.redirect(world.url("elsewhere") + "/x"))
    assert world.requests_of("elsewhere") == []


def test_packed_answers_are_unpacked_within_bounds(world: StandIn, clock: FakeClock) -> None:
    """An edge that packs although it was not asked to is understood."""
    import gzip

    found = ask(world, clock, faults.ok(gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
    assert isinstance(found, Answer)
    assert found.body == b'{"a": 1}'


class Counting(httpx.AsyncByteStream):
    """A body without end that counts what is taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        while True:
            self.taken += 65_536
            yield b" " * 65_536


def test_no_more_is_taken_than_the_bound(clock: FakeClock) -> None:
    """Of an endless answer about a megabyte is read; of a bomb two are unpacked."""
    body = Counting()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    http = Http(clock, "1", transport=transport)
    found = asyncio.run(http.send("https://api.example", ASKED, "api.example"))
    assert isinstance(found, NoAnswer)
    assert body.taken <= RAW_BYTES + 2 * 65_536
    assert UNPACKED_BYTES <= 8 * 1024 * 1024


@pytest.mark.parametrize(
    "base",
    [
        "https://evil.example", "http://api.example", "https://api.example.evil", "https://api.example:444",
        "https://api.example@evil.example", "http://10.0.0.1", "ftp://127.0.0.1", "https://",
    ],
)  # fmt: skip
def test_a_stranger_is_refused_before_any_socket(
    clock: FakeClock, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host, plain http, another port, a user name in the address."""

    def no_socket(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "getaddrinfo", no_socket)
    http = Http(clock, "1")
    with pytest.raises((HostRefused, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        asyncio.run(http.send(base, ASKED, "api.example"))


def test_nobody_listening_is_offline(clock: FakeClock) -> None:
    """A refused connection means that no server was reached."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = asyncio.run(Http(clock, "1").send(f"http://127.0.0.1:{port}", ASKED, "api.example"))
    assert isinstance(found, NoAnswer)
    assert found.status is Status.OFFLINE
    assert "nothing listens" in found.sentence


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), socket.gaierror(-3, "x")]
)
def test_a_name_that_is_not_found_is_offline(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """The sentence names the host and no more."""

    def lookup(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    found = asyncio.run(Http(clock, "1").send("http://localhost:9", ASKED, "api.example"))
    assert isinstance(found, NoAnswer)
    assert found.status is Status.OFFLINE


def test_a_name_lookup_that_hangs_ends_with_the_deadline(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is there in time, whatever the resolver's thread does."""
    freed = threading.Event()

    def lookup(*_: object, **__: object) -> list[object]:
        freed.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    async def go() -> Answer | NoAnswer:
        found = await Http(clock, "1", deadline=0.3).send("http://localhost:9", ASKED, "api.example")
        # Only so that this test's loop can be closed.
        freed.set()
        return found

    found = asyncio.run(go())
    assert isinstance(found, NoAnswer)
    assert "did not answer" in found.sentence


@pytest.mark.parametrize("fault", [faults.reset, faults.truncated, lambda: faults.status(401), faults.drip])
def test_no_log_line_holds_the_bearer(
    world: StandIn, clock: FakeClock, caplog: pytest.LogCaptureFixture, fault: Callable[[], Reply]
) -> None:
    """Not even with every logger of the process turned up."""
    with caplog.at_level(logging.DEBUG):
        ask(world, clock, fault(), deadline=0.4)
    assert SECRET not in caplog.text


def test_a_proxy_that_cannot_be_used_is_said(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of proxy that is not supported: nothing is sent past it."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    found = asyncio.run(Http(clock, "1").send("https://api.example", ASKED, "api.example"))
    assert isinstance(found, NoAnswer)
    assert "proxy" in found.sentence
