"""Our own sidecar format: what is in it, and the way back through the tolerant reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import SecretFound
from providers.engine.sidecar_write import render_sidecar
from providers.model import Failure, Reading, Source, Status, Window
from providers.record import replace
from tests.providers.engine.test_sidecar import NOW, parse

TEXT = st.text("abcXYZ 0-9.äß", max_size=20).map(lambda t: " ".join(t.split()))
MOMENT = st.integers(int(NOW) - 86_400, int(NOW) + 7 * 86_400).map(float)
AMOUNT = st.none() | st.integers(0, 10_000).map(float) | st.sampled_from([0.5, 12.34])
WINDOWS = st.lists(
    st.builds(
        Window,
        id=st.sampled_from(["5h", "7d", "7d:fable", "month", "credits", "spend", "3d"]),
        label=TEXT.filter(bool),
        used_percent=st.none() | st.integers(0, 2_000).map(lambda n: n / 10),
        resets_at=st.none() | MOMENT,
        window_seconds=st.none() | st.integers(60, 86_400 * 31),
        used=AMOUNT,
        limit=AMOUNT,
        remaining=AMOUNT,
        unit=st.none() | st.sampled_from(["USD", "credits"]),
        note=TEXT,
    ),
    max_size=5,
    unique_by=lambda w: w.id,
).map(tuple)
REFILLS = st.tuples(MOMENT, st.none() | st.integers(1, 1_000).map(lambda n: n / 10))


def _refilling(windows: tuple[Window, ...], refill: tuple[float, float | None]) -> tuple[Window, ...]:
    """The first window comes back bit by bit."""
    first = tuple(replace(w, refills_at=refill[0], refill_percent=refill[1]) for w in windows[:1])
    return first + windows[1:]


READINGS = st.builds(
    Reading,
    provider=st.just("claude"),
    windows=WINDOWS | st.builds(_refilling, WINDOWS, REFILLS),
    source=st.sampled_from(Source),
    origin=st.just("a file"),
    observed_at=MOMENT.map(lambda t: min(t, NOW)),
    since=st.none() | MOMENT,
    complete=st.booleans(),
    plan=TEXT,
    alias=TEXT,
    next_refresh_at=st.none() | MOMENT,
)


@settings(max_examples=100, deadline=None)
@given(found=READINGS, status=st.sampled_from(Status), message=TEXT)
def test_what_we_write_we_read_back(found: Reading, status: Status, message: str) -> None:
    """Every reading and status survives the way through a file of ours."""
    data = render_sidecar(found, account_id="a1b2c3", status=status, message=message, now=NOW, writer="1:x")
    facts = parse(data)
    assert facts[0] == replace(found, account="id:a1b2c3")
    failures = [(f.status, f.observed_at) for f in facts[1:] if isinstance(f, Failure)]
    assert failures == ([] if status in (Status.OK, Status.IDLE) else [(status, NOW)])


def test_what_we_write_is_the_documented_format() -> None:
    """Whole seconds, one decimal, the writer's mark; an integer amount stays one."""
    one = Window("5h", "5 h", 37.5432, 1_795_341_600.4, 18_000, used=2870.0, limit=7000.0, unit="credits")
    found = Reading("claude", (one,), Source.ENDPOINT, "x", NOW + 0.9, plan="Max 20x", alias="work")
    data = render_sidecar(found, account_id="a1b2c3", status=Status.OK, message="", now=NOW, writer="7:ab")
    document = json.loads(data)
    assert (document["schema"], document["version"], document["writer"]) == ("quotadeck.quota", 1, "7:ab")
    assert document["windows"] == [
        {
            "id": "5h",
            "label": "5 h",
            "used_percent": 37.5,
            "resets_at": 1_795_341_600,
            "window_seconds": 18_000,
            "used": 2870,
            "limit": 7000,
            "unit": "credits",
        }
    ]
    assert isinstance(document["windows"][0]["used"], int)
    assert document["account"] == {"id": "a1b2c3", "alias": "work", "plan": "Max 20x"}


@pytest.mark.parametrize("ident", ["", "dev@example.com", "A1", "x" * 41, "../x"])
def test_an_id_that_is_none_is_not_written(ident: str) -> None:
    """An e-mail, a path or an endless id never becomes part of a sidecar."""
    found = Reading("claude", (), Source.ENDPOINT, "x", NOW)
    with pytest.raises(ValueError, match="account id"):
        render_sidecar(found, account_id=ident, status=Status.OK, message="", now=NOW, writer="")


def test_a_secret_is_not_written() -> None:
    """A message that quotes a token stops the writing."""
    found = Reading("claude", (), Source.ENDPOINT, "x", NOW)
    with pytest.raises(SecretFound):
        render_sidecar(
            found, account_id="a", status=Status.ERROR, message="sk-ant-oat01-x", now=NOW, writer=""
        )
