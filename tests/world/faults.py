"""What a server can do to a client, as bytes on the wire."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import zlib
from functools import cache

from tests.conftest import SAMPLES
from tests.world.standin import Reply

MIB = 1024 * 1024


def ok(body: object, **headers: str) -> Reply:
    """200 with this JSON (or these bytes)."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status(200, data, **headers)


def status(code: int, body: bytes = b"{}", **headers: str) -> Reply:
    """An answer with this status; underscores in header names are dashes."""

    def send(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(_head(code, {"content-length": str(len(body)), **headers}) + body)

    return send


def sample(provider: str, name: str) -> Reply:
    """A payload of the samples, or a whole answer if it holds status, headers and body."""
    data = (SAMPLES / provider / name).read_bytes()
    document = json.loads(data)
    if isinstance(document, dict) and set(document) >= {"status", "headers", "body"}:
        return status(document["status"], json.dumps(document["body"]).encode(), **document["headers"])
    return ok(data)


def limited(after: str | None) -> Reply:
    """429, with or without a Retry-After."""
    return status(429, **({} if after is None else {"retry_after": after}))


def html(code: int = 403) -> Reply:
    """A page of an edge in between."""
    return status(code, b"<!DOCTYPE html><html><title>Just a moment</title>", content_type="text/html")


def redirect(to: str) -> Reply:
    """302 to another address."""
    return status(302, b"", location=to)


def hang() -> Reply:
    """Takes the request and says nothing."""

    def send(_: socket.socket, ended: threading.Event) -> None:
        ended.wait()

    return send


def drip() -> Reply:
    """An answer that never ends, a byte now and then."""

    def send(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(_head(200, {"content-length": "100000"}))
        while not ended.wait(0.05):
            connection.sendall(b" ")

    return send


def slow_head() -> Reply:
    """Headers that never end."""

    def send(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        count = 0
        while not ended.wait(0.05):
            count += 1
            connection.sendall(f"X-{count}: 1\r\n".encode())

    return send


def reset() -> Reply:
    """The connection is reset instead of answered."""

    def send(connection: socket.socket, _: threading.Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return send


def truncated() -> Reply:
    """Less than was announced."""

    def send(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(_head(200, {"content-length": "1000"}) + b'{"five_hour": ')

    return send


def huge(*, announced: bool) -> Reply:
    """10 MB, with or without saying so before."""

    def send(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(_head(200, {"content-length": str(10 * MIB)} if announced else {}))
        with contextlib.suppress(OSError):
            for _ in range(160):
                connection.sendall(b" " * 65_536)

    return send


def gzip_bomb() -> Reply:
    """1 GB of blanks in 1 MB of gzip."""
    data = _bomb()

    def send(connection: socket.socket, _: threading.Event) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(_head(200, {"content-encoding": "gzip", "content-length": str(len(data))}))
            connection.sendall(data)

    return send


def garbage() -> Reply:
    """No HTTP at all."""

    def send(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")

    return send


@cache
def _bomb() -> bytes:
    # A hair under the limit on raw bytes, so that it is the unpacking that must stop.
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * MIB
    parts = [packer.compress(block) for _ in range(900)]
    return b"".join([*parts, packer.flush()])


def _head(code: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {code} X", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
