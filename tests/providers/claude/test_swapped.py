"""claude-swap's figures: a reading for each slot whose account is named, as old as it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import FileBytes, Found
from providers.claude.swapped import swapped_readings
from providers.model import Reading, Source
from tests.conftest import SAMPLES

NOW = 1_795_330_000.0
FOLDER = SAMPLES / "interop/claude-swap"


def file(data: bytes) -> Found:
    return FileBytes(Path("/h/x"), data, NOW)


def read(cache: bytes, sequence: bytes) -> list[Reading]:
    return list(swapped_readings(file(cache), file(sequence), NOW))


def sample(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_both_slots() -> None:
    """Filed under person and organisation, as Claude Code's own login is."""
    found = read(sample("cache_usage.json"), sample("sequence.json"))
    assert [[w.used_percent for w in r.windows] for r in found] == [[24, 4], [26, 7]]
    first = found[0]
    assert first.account == "c0ae1b9f-6a95-4548-aeb5-e8fafa5c6bbd/31b49b29-d568-4e93-a5c0-aacb7780e421"
    assert (first.email, first.observed_at, first.source) == (
        "hedy1@example.com", 1_795_329_599.5, Source.SIDECAR,
    )  # fmt: skip


def test_a_slot_that_was_given_to_another_is_left_out() -> None:
    """The cache is of one organisation, the slot of another by now; or nobody knows the slot."""
    slots = json.loads(sample("sequence.json"))
    slots["accounts"]["1"]["organizationUuid"] = "another"
    del slots["accounts"]["2"]
    assert read(sample("cache_usage.json"), json.dumps(slots).encode()) == []
    assert list(swapped_readings(file(sample("cache_usage.json")), None, NOW)) == []


def test_models_and_money() -> None:
    """A model's week and extra usage, where they are kept."""
    cache = json.loads(sample("cache_usage.json"))
    cache["accounts"]["1"]["lastGood"] |= {
        "scoped": [{"name": "Fable", "pct": 5, "resets_at": "2026-11-25T17:51:50Z"}],
        "spend": {"used": 12.5, "limit": 50, "pct": 25, "currency": "EUR"},
    }
    first = read(json.dumps(cache).encode(), sample("sequence.json"))[0]
    assert {w.id: w.used_percent for w in first.windows} == {"5h": 24, "7d": 4, "7d:fable": 5, "spend": 25}


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_KEYS = st.sampled_from(
    ["accounts", "1", "uuid", "organizationUuid", "fetchedAt", "lastGood", "five_hour", "pct"]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=12
)


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"accounts": []}'])
def test_torn_files(torn: bytes) -> None:
    """Nothing is said."""
    assert read(torn, sample("sequence.json")) == []
    assert read(sample("cache_usage.json"), torn) == []


@given(_TREES, _TREES)
def test_odd_documents_never_raise(cache: object, sequence: object) -> None:
    """Any shape."""
    read(json.dumps(cache).encode(), json.dumps(sequence).encode())
