"""What the tests of the ledger share: scanning a home, and its totals as plain tuples."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import providers
from providers.base import Environment
from providers.engine.settings import environment_from
from providers.ledger.index import Index
from providers.ledger.model import SessionLogs
from providers.ledger.progress import Progress
from providers.ledger.query import PERIODS, Total, totals
from providers.ledger.scan import Scan, open_index
from tests.world.corpus import Corpus
from tests.world.corpus_claude import write_claude
from tests.world.corpus_codex import write_codex

ROOMS: tuple[SessionLogs, ...] = tuple(map(providers.load_logs, ("claude", "codex")))
COUNTS = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "requests")


def at_home(home: Path, **variables: str) -> Environment:
    """An environment with this home."""
    return environment_from(variables, home, "linux")


def scan(environment: Environment, rooms: Sequence[SessionLogs] = ROOMS, **more: Any) -> Progress:
    """One pass of a copy that has just been started."""
    index = open_index(environment, rooms)
    try:
        return Scan(index, rooms, environment, **more).run()
    finally:
        index.close()


def index_of(environment: Environment, rooms: Sequence[SessionLogs] = ROOMS) -> Index:
    """An index to ask."""
    return open_index(environment, rooms)


def summed(
    environment: Environment, *by: str, rooms: Sequence[SessionLogs] = ROOMS, zone: tzinfo = UTC, **more: Any
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Totals by these names, as `tests.world.corpus.Corpus.truth` has them."""
    index = index_of(environment, rooms)
    try:
        return {_key(row, by): _counts(row) for row in totals(index, by=by, zone=zone, **more)}
    finally:
        index.close()


def _key(row: Total, by: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.period if name in PERIODS else getattr(row, name) for name in by)


def _counts(row: Total) -> tuple[int, ...]:
    return tuple(getattr(row, name) for name in COUNTS)


def small_corpus(home: Path, seed: int = 1, size: int = 24, **more: Any) -> Corpus:
    """A home with a few dozen sessions of each tool and every trap in them."""
    corpus = Corpus(home, seed=seed, bulk=more.pop("bulk", 300), **more)
    write_claude(corpus, size, turns=12)
    write_codex(corpus, size, calls=16, packed=True)
    return corpus
