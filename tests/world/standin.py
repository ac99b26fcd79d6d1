"""A loopback stand-in for the providers' endpoints, one port each, and one for "elsewhere".

Raw sockets, so that a test decides every byte on the wire: what a reply is stands in
faults.py.  Every request is recorded with its headers.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import providers
from providers.record import Record, replace

Reply = Callable[[socket.socket, threading.Event], None]
"""Writes what it wants to a connection; the event is set when the world ends."""

ELSEWHERE = "elsewhere"
VARIABLES = {
    site.variable: name
    for name in providers.PROVIDERS
    for endpoint in providers.load(name).endpoints()
    for site in endpoint.sites
} | {renewing.site.variable: f"{name}-auth" for name, renewing in providers.renewals().items()}
"""Which variable points at whose stand-in: every endpoint has one, so that no test asks a provider;
the token endpoints are hosts of their own."""
REQUEST_BYTES = 64 * 1024


class Request(Record):
    """One request as it came: headers in lower case, ``at`` in monotonic seconds.  A path is
    answered whatever its query is."""

    provider: str
    method: str
    path: str
    headers: dict[str, str]
    at: float
    body: bytes = b""


class StandIn:
    """Listens while it is entered.  A path without an answer gets 404."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[tuple[str, str], list[Reply]] = {}
        self._ended = threading.Event()
        self._listeners: dict[str, socket.socket] = {}
        self._open: set[socket.socket] = set()

    def __enter__(self) -> StandIn:
        for name in {*VARIABLES.values(), ELSEWHERE}:
            listener = socket.create_server(("127.0.0.1", 0))
            self._listeners[name] = listener
            threading.Thread(target=self._listen, args=(name, listener), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for held in (*self._listeners.values(), *tuple(self._open)):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def url(self, name: str) -> str:
        """The address of a provider's stand-in."""
        return f"http://127.0.0.1:{self._listeners[name].getsockname()[1]}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment that points quotadeck here."""
        return {variable: self.url(name) for variable, name in VARIABLES.items()}

    def answer(self, name: str, path: str, *replies: Reply) -> None:
        """What a path answers: one reply after the other, the last one for ever."""
        self._answers[name, path] = list(replies)

    def requests_of(self, name: str) -> Sequence[Request]:
        """The requests that one provider got."""
        return [r for r in tuple(self.requests) if r.provider == name]

    def _listen(self, name: str, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(name, connection), daemon=True).start()

    def _serve(self, name: str, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            data = b""
            while b"\r\n\r\n" not in data:
                more = connection.recv(4096)
                if not more or len(data) > REQUEST_BYTES:
                    return
                data += more
            request = _parsed(name, data)
            wanted = int(request.headers.get("content-length", "0"))
            while len(request.body) < wanted <= REQUEST_BYTES:
                request = replace(request, body=request.body + connection.recv(4096))
            self.requests.append(request)
            self._next(name, request.path.partition("?")[0])(connection, self._ended)
        self._open.discard(connection)

    def _next(self, name: str, path: str) -> Reply:
        from tests.world.faults import status

        replies = self._answers.get((name, path), [status(404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]


def _parsed(name: str, data: bytes) -> Request:
    head = data.partition(b"\r\n\r\n")[0].decode("latin-1")
    first, *rest = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in rest)}
    return Request(name, method, path, headers, time.monotonic(), data.partition(b"\r\n\r\n")[2])
