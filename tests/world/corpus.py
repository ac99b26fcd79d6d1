"""A home full of session logs, and what they truly cost.

The truth is what the generator meant each response to be, written down as it writes the logs: it
knows nothing of how they are read.  Same seed, same bytes.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

START = 1_790_000_000
"""When the story begins: 2026-09-21, in epoch seconds."""

Counts = tuple[int, int, int, int, int, int, int]
"""Input, output, cache read, cache written, of that for an hour, reasoning, requests."""


@dataclass
class Response:
    """One response as it was meant: counted once, in the first of its sessions."""

    provider: str
    at: float
    model: str
    project: str
    session: str
    counts: Counts
    tier: str = ""

    def also_in(self, session: str) -> None:
        """A full copy lies in another session too: it belongs to the smaller of the two names."""
        self.session = min(self.session, session)


@dataclass
class Corpus:
    """Where the logs go, what they hold, and how large they get.

    ``bulk`` is about how many bytes of prompts and tool output stand between two responses;
    ``canary`` is planted in every text of a person or a model.
    """

    home: Path
    seed: int = 1
    bulk: int = 2_000
    days: int = 60
    canary: str = "canary-4f1c"
    responses: list[Response] = field(default_factory=list)
    planted: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        words = ("deck", "window", "reset", "left", "account", "prompt", "answer", "file", "line")
        # Text as JSON has it inside a string: keys in it are escaped, which no needle may match.
        tricky = r"\"usage\":{\"input_tokens\":999999,\"output_tokens\":9} \"type\":\"user\" \n\t \u00e9 é "
        self._texts = [
            (f"{self.canary} {tricky if i % 4 == 0 else ''}" + " ".join(self.random.choices(words, k=3000)))
            for i in range(24)
        ]

    def text(self, size: int) -> str:
        """About ``size`` characters of somebody's words, fit for the inside of a JSON string."""
        whole = self.random.choice(self._texts)
        times = size // len(whole)
        rest = whole[: size - times * len(whole)]
        return whole * times + rest[: rest.rfind(" ")] if size > 200 else self.canary

    def some_bulk(self) -> str:
        """The prompts and outputs between two responses, of very different lengths."""
        return self.text(int(self.bulk * self.random.choice((0.2, 0.5, 0.8, 1, 2.5))))

    def ident(self) -> str:
        """A new uuid."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def code(self, length: int = 22) -> str:
        """A new identifier as APIs hand them out."""
        return "".join(
            self.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=length)
        )

    def begin(self) -> float:
        """When a session begins."""
        return START + self.random.random() * self.days * 86_400

    def answered(self, response: Response) -> Response:
        """Writes a response into the truth."""
        self.responses.append(response)
        return response

    def write(self, path: Path, lines: Sequence[bytes], at: float, torn: bytes = b"") -> Path:
        """Writes a log, last written ``at``; ``torn`` is the beginning of an unfinished last line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
        os.utime(path, (at, at))
        self.files.append(path)
        return path

    def truth(self, key: Callable[[Response], object]) -> dict[object, Counts]:
        """What was used, by ``key``."""
        return summed((key(response), response.counts) for response in self.responses)


def summed(rows: Iterable[tuple[object, Sequence[int]]]) -> dict[object, Counts]:
    """Counts added up by key."""
    sums: dict[object, list[int]] = {}
    for key, counts in rows:
        held = sums.setdefault(key, [0] * 7)
        for i, count in enumerate(counts):
            held[i] += count
    return {key: tuple(counts) for key, counts in sums.items()}  # type: ignore[misc]


def day(response: Response, zone: tzinfo = UTC) -> str:
    """The day of a response in a zone."""
    return datetime.fromtimestamp(response.at, zone).strftime("%Y-%m-%d")


def stamp(at: float) -> str:
    """A moment as the tools write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03d}Z"
