"""The size of a prompt decides its price at some vendors: it is that of one call."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.ledger.index import Index
from providers.ledger.model import Usage
from providers.ledger.query import totals
from providers.ledger.scan import unknown_owner


@pytest.mark.parametrize(
    ("tokens", "requests", "context"),
    [
        (300_000, 1, 272_000),
        (250_000, 1, 200_000),
        (100_000, 1, 0),
        (300_000, 2, 100_000),
        (180_000, 2, 0),
        (3_000_000, 10, 272_000),
        (10**9, 0, 0),
    ],
)
def test_the_size_is_that_of_one_call(tokens: int, requests: int, context: int, tmp_path: Path) -> None:
    """The average of several calls; a session's total says nothing of its calls.  So it is for a key
    that is new and for one that is known."""
    index = Index(tmp_path / "ledger.sqlite3")
    index.prepare()
    for more in (0, 1):
        row = tuple(Usage("k", 1.8e9, "m", "", "s", 1, more, tokens - 1, requests=requests))
        index.commit({"t": {"k": row}}, (), unknown_owner)
        (found,) = totals(index, by=("context",))
        assert (found.context, found.requests, found.output) == (context, requests, more)
    index.close()
