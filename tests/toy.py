"""A small provider for tests of the rooms that must not care which provider it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from providers.asking import Endpoint
from providers.base import (
    Descriptor,
    Environment,
    FileBytes,
    FileSource,
    Found,
    LogReader,
    ReadContext,
    Unparseable,
)
from providers.model import Fact, Identity, LoginState, Reading, Source, Status, Window


class ToyLog:
    """One percent a line."""

    def feed(self, lines: Iterable[bytes], context: ReadContext) -> Iterable[Fact]:
        for line in list(lines)[-1:]:
            yield reading(float(line), Source.LOG, "log", context.now)


class Toy:
    """``login`` holds an account name; ``*.json`` under side/ a percent; logs/**/x-*.log lines."""

    def __init__(self, name: str = "toy", raises: type[Exception] | None = None) -> None:
        self.descriptor = Descriptor(name, name.title(), "T", name)
        self.raises = raises
        self.reads: list[str] = []

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        root = environment.home / f".{self.descriptor.id}"
        return (
            FileSource("login", "login", root, "login", Source.CACHE, login=True),
            FileSource("side", "sidecars", root / "side", "*.json", Source.SIDECAR, max_bytes=1 << 20),
            FileSource(
                "logs", "logs", root / "logs", "x-*.log", Source.LOG, log=True, recursive=True, newest=3
            ),
        )

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        self.reads.append(file.path.name)
        if self.raises is not None:
            raise self.raises("sk-ant-canary")
        try:
            percent = float(json.loads(file.data))
        except ValueError:
            raise Unparseable("is not a number") from None
        yield reading(percent, Source.SIDECAR, str(file.path), file.mtime, self.descriptor.id)

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        self.reads.append("login")
        found = files["login"]
        if not isinstance(found, FileBytes):
            yield LoginState(
                self.descriptor.id, Status.UNCONFIGURED, "no login here", observed_at=context.now
            )
            return
        who = found.data.decode().strip()
        yield LoginState(self.descriptor.id, Status.OK, identity=Identity(who), observed_at=found.mtime)

    def open_log(self, source: FileSource, path: Path, head: bytes) -> LogReader:
        return ToyLog()

    def endpoints(self) -> tuple[Endpoint, ...]:
        return ()


def reading(percent: float, source: Source, origin: str, at: float, provider: str = "toy") -> Reading:
    """Five hours at ``percent``, without a reset."""
    return Reading(provider, (Window("5h", "5 h", percent, None, 18_000),), source, origin, at)
