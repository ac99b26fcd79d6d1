"""How tools spell the counts of a response, and what they mean by them.  Pure.

``input`` holds the cached part with one tool and not with the next, ``output`` the reasoning:
mixing the two is the commonest error of scanners.  A `Spelling` says it once for each tool.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from providers.ledger.readers.parsing import Path, dig, whole
from providers.record import Record


class Raw(NamedTuple):
    """Counts as written.  ``extra`` is prompt beside ``input`` (results of tools)."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    extra: int
    total: int


NOTHING = Raw(0, 0, 0, 0, 0, 0, 0)


def raw_of(values: Iterable[object]) -> Raw | None:
    """Counts from untrusted values in that order, those behind them 0; None if one cannot be a count."""
    counts = [whole(value) for value in values]
    if None in counts:
        return None
    return Raw._make([*counts, *NOTHING[len(counts) :]])


def summed(found: Iterable[Raw | None]) -> Raw | None:
    """All of them together, None if one is missing."""
    total = NOTHING
    for raw in found:
        if raw is None:
            return None
        total = Raw._make(map(int.__add__, total, raw))
    return total


class Counts(NamedTuple):
    """Counts as `providers.ledger.model.Usage` means them."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int


class Spelling(Record):
    """Where the counts stand below the usage object.

    ``cached_inside``: ``input`` holds cache reads and writes.  ``reasoning_beside``: ``output`` does
    not hold the reasoning; with ``by_total`` it is so only if the total says so (or there is none).
    """

    input: Path
    output: Path
    cache_read: Path = ()
    cache_write: Path = ()
    reasoning: Path = ()
    extra: Path = ()
    total: Path = ()
    cached_inside: bool = False
    reasoning_beside: bool = False
    by_total: bool = False

    @property
    def paths(self) -> tuple[Path, ...]:
        """In the order of `Raw`; an empty one is not written by this tool."""
        return (
            self.input, self.output, self.cache_read, self.cache_write, self.reasoning, self.extra, self.total
        )  # fmt: skip

    def raw(self, usage: object) -> Raw | None:
        """The counts of a usage object, None if it is none or one of them cannot be a count."""
        if not isinstance(usage, dict):
            return None
        return raw_of(dig(usage, path) if path else 0 for path in self.paths)

    def counts(self, raw: Raw) -> Counts:
        """The same as the ledger means it."""
        fresh, output, reasoning = raw.input, raw.output, raw.reasoning
        parts = fresh + output + raw.extra
        if self.cached_inside and not (raw.cache_read and raw.total == parts + reasoning + raw.cache_read):
            fresh = max(0, fresh - raw.cache_read - raw.cache_write)
        if self.reasoning_beside and not (self.by_total and 0 < raw.total < parts + reasoning):
            output += reasoning
        return Counts(fresh + raw.extra, output, raw.cache_read, raw.cache_write, min(reasoning, output))


PLAIN = Spelling(("input",), ("output",), ("cacheRead",), ("cacheWrite",))
"""Pi and its kin."""

GEMINI = Spelling(
    ("input",), ("output",), ("cached",), (), ("thoughts",), ("tool",), ("total",),
    cached_inside=True, reasoning_beside=True,
)  # fmt: skip
"""google-gemini/gemini-cli:packages/core/src/services/chatRecordingTypes.ts"""

GEMINI_METADATA = Spelling(
    ("promptTokenCount",), ("candidatesTokenCount",), ("cachedContentTokenCount",), (),
    ("thoughtsTokenCount",), ("toolUsePromptTokenCount",), ("totalTokenCount",),
    cached_inside=True, reasoning_beside=True, by_total=True,
)  # fmt: skip
"""Qwen Code writes Gemini's metadata for models whose output holds the reasoning already."""

OPENCODE = Spelling(
    ("input",), ("output",), ("cache", "read"), ("cache", "write"), ("reasoning",), reasoning_beside=True
)
"""anomalyco/opencode: output without reasoning, input without cache (measured on 1.18)."""
