"""The one HTTP client: requests to pinned hosts, bounded in time and size, without a secret in
any message.

Used by the asker on the network thread and its loop.  httpx does the talking; this room
decides where a credential may go and how much of an answer is taken.  httpx is imported when
the client is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, Any

from providers.asking import Answer, NoAnswer, Question
from providers.engine.clock import Clock
from providers.engine.values import clean
from providers.model import Status

if TYPE_CHECKING:
    import httpx

DEADLINE = 20.0
"""Seconds for everything: name lookup, connection, every byte of the answer.  A drip cannot
stretch it."""

RAW_BYTES = 1024 * 1024
UNPACKED_BYTES = 2 * 1024 * 1024
"""An honest answer has a few KB.  The raw limit keeps the price of a gzip bomb down, whose
chunks are unpacked only up to the second one."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HostRefused(Exception):
    """The address is not one that this endpoint's credential may be sent to: a bug of ours,
    found before any socket was opened."""


class Http:
    """A client for the life of the network thread.

    ``version`` goes into the User-Agent; ``transport`` replaces the network in tests.
    """

    def __init__(
        self,
        clock: Clock,
        version: str,
        *,
        deadline: float = DEADLINE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._clock = clock
        self._agent = f"quotadeck/{version}"
        self._deadline = deadline
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    def prepare(self) -> None:
        """Imports httpx and makes the client: 50 ms that no question should wait for, and
        early enough that an upgrade of the package under a running pane does no harm."""
        if self._client is None:
            # A proxy variable of a kind that is not supported, or that is no address.
            with contextlib.suppress(ImportError, ValueError):
                self._client = _client(self._agent, self._transport)

    async def send(self, base: str, question: Question, host: str) -> Answer | NoAnswer:
        """One request to ``base`` plus the question's path; ``host`` is the only name that its
        credential may be sent to, over https.  Loopback may be http.

        Never follows a redirect.  Raises `HostRefused` before anything is sent.
        """
        self.prepare()
        import httpx

        if self._client is None:
            return self._nothing(Status.OFFLINE, "the proxy that the environment names cannot be used")
        url = httpx.URL(base + question.path)
        _refuse_strangers(url, host)
        try:
            async with asyncio.timeout(self._deadline):
                return await self._fetch(url, question)
        except TimeoutError:
            return self._nothing(Status.OFFLINE, f"{url.host} did not answer within {self._deadline:.0f} s")
        except httpx.HTTPError as error:
            status, sentence = _in_words(error, url.host)
        except (OSError, ValueError, zlib.error) as error:
            status, sentence = Status.ERROR, f"{url.host}: the answer broke off ({type(error).__name__})"
        return self._nothing(status, sentence)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _fetch(self, url: httpx.URL, question: Question) -> Answer | NoAnswer:
        assert self._client is not None
        async with self._client.stream(
            question.method, url, headers=dict(question.headers), content=question.body
        ) as response:
            if response.is_redirect:
                return self._nothing(
                    Status.ERROR, f"{url.host} answered with a redirect, which is not followed"
                )
            body = await _body(response)
            if body is None:
                return self._nothing(Status.ERROR, f"{url.host} sent far more than an answer has")
            held = {name.lower(): clean(value, 200) for name, value in response.headers.items()}
            return Answer(response.status_code, held, body, self._clock.now())

    def _nothing(self, status: Status, sentence: str) -> NoAnswer:
        return NoAnswer(status, clean(sentence, 200), self._clock.now())


def _client(agent: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    import logging

    import httpx

    # Their debug lines hold request headers; nobody may switch them on by accident.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # A proxy of the environment is the person's own wish; never for a stand-in on loopback.
    direct: dict[str, Any] = {f"all://{host}": transport for host in ("127.0.0.1", "[::1]", "localhost")}
    return httpx.AsyncClient(
        headers={"User-Agent": agent, "Accept-Encoding": "identity", "Accept": "application/json"},
        follow_redirects=False,
        timeout=None,
        # Far more than there are endpoints, each of which has one question out at most: those that
        # hang must not take the places of the others.
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=4, keepalive_expiry=30),
        transport=transport,
        mounts=None if transport is not None else direct,
    )


def _refuse_strangers(url: httpx.URL, host: str) -> None:
    if url.userinfo or not url.host:
        raise HostRefused("an address with a user name, or without a host")
    if url.host in _LOOPBACK and url.scheme in ("http", "https"):
        return
    if url.scheme != "https" or url.host != host or url.port not in (None, 443):
        raise HostRefused(f"{clean(url.host)} is not the host of this endpoint")


async def _body(response: httpx.Response) -> bytes | None:
    """The unpacked body, or None if it is larger than any answer."""
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > RAW_BYTES:
        return None
    unpack = _unpacker(response.headers.get("content-encoding", ""))
    raw, body = 0, bytearray()
    async for chunk in response.aiter_raw(chunk_size=16 * 1024):
        raw += len(chunk)
        if raw > RAW_BYTES:
            return None
        body += unpack.decompress(chunk, UNPACKED_BYTES + 1 - len(body)) if unpack else chunk
        if len(body) > UNPACKED_BYTES:
            return None
    return bytes(body)


def _unpacker(encoding: str) -> Any:
    """What unpacks the body, bounded; None for a plain one.  We ask for a plain one, but an
    edge may pack it all the same.  Raises ValueError for another encoding."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(zlib.MAX_WBITS | 32)
    raise ValueError("an encoding that was not asked for")


def _in_words(error: httpx.HTTPError, host: str) -> tuple[Status, str]:
    """A network error as status and sentence; its own text might quote the request."""
    import httpx

    if isinstance(error, httpx.ConnectError) and host in _LOOPBACK:
        return Status.OFFLINE, f"nothing listens at {host}: it does not run now"
    if isinstance(error, httpx.ConnectError):
        text = str(error).lower()
        if "certificate" in text or "ssl" in text:
            return Status.ERROR, f"the certificate of {host} could not be verified"
        if any(sign in text for sign in ("name", "nodename", "resolution", "getaddrinfo")):
            return Status.OFFLINE, f"no network: the name {host} was not found"
        return Status.OFFLINE, f"no network: {host} was not reached"
    if isinstance(error, httpx.ProxyError):
        return Status.OFFLINE, f"the proxy of the environment did not reach {host}"
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
        return Status.ERROR, f"{host}: the answer broke off"
    return Status.OFFLINE, f"the connection to {host} broke off"
