"""The two lines of a rollout that count, in their usual form.  For `providers.codex.logs` alone.

Of a line only what is declared here is decoded.  One of another form raises ValueError, or
RecursionError where it is nested too deep; it is for `providers.codex.logs` to look at the whole.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import Decoder

from providers.ledger.fields import MOST

Vector = tuple[int, ...]
"""Input, of that cached, of that written to a cache, output, of that reasoning."""

Count = Annotated[int, Meta(ge=0, lt=MOST)]


class Counted(Struct, gc=False):
    """Tokens of a call, or of all until now."""

    input_tokens: Count = 0
    cached_input_tokens: Count = 0
    cache_write_input_tokens: Count = 0
    output_tokens: Count = 0
    reasoning_output_tokens: Count = 0


class Info(Struct, gc=False):
    """What a ``token_count`` says; nothing before the first call."""

    total_token_usage: Counted
    last_token_usage: Counted


class CountEvent(Struct, gc=False):
    """The payload of a ``token_count``."""

    info: Info | None


class CountLine(Struct, gc=False):
    """A ``token_count``."""

    timestamp: str
    payload: CountEvent


class Response(Struct, gc=False):
    """The payload of a ``token_usage_record``."""

    thread_id: str
    response_id: str
    usage: Counted


class RecordLine(Struct, kw_only=True, gc=False):
    """A ``token_usage_record``; the ordinal counts the lines of a thread."""

    timestamp: str
    ordinal: int | None = None
    payload: Response


decode_count, decode_record = Decoder(CountLine).decode, Decoder(RecordLine).decode


def vector_of(counted: Counted) -> tuple[int, int, int, int, int]:
    """The counts in the order of a `Vector`."""
    return (
        counted.input_tokens,
        counted.cached_input_tokens,
        counted.cache_write_input_tokens,
        counted.output_tokens,
        counted.reasoning_output_tokens,
    )
