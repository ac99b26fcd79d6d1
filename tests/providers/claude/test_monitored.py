"""aimonitor's database: a reading for each account it knows, under the login that is the same."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.claude.monitored import monitored_facts
from providers.claude.provider import PROVIDER
from providers.engine.logins import read_login_file
from providers.model import Fact, Failure, Reading, Status
from tests.conftest import SAMPLES

NOW = 1_795_330_000.0
WORK, HOME = "00000000-0000-4000-a000-000000000001", "00000000-0000-4000-a000-000000000002"


@pytest.fixture
def database(environment: Environment) -> Path:
    """The sample database in its place."""
    folder = environment.home / ".local/share/aimonitor"
    folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / "aimonitor.db")) as made:
        made.executescript((SAMPLES / "interop/aimonitor/aimonitor.sql").read_text())
    return folder / "aimonitor.db"


def rows(environment: Environment) -> Found:
    """What the source of aimonitor finds in this home."""
    source = next(s for s in PROVIDER.sources(environment) if s.id == "aimonitor")
    return read_login_file(source)


def shares(facts: list[Fact]) -> dict[str | None, list[float | None]]:
    """The figures by account; of two readings the later counts."""
    return {f.account: [w.used_percent for w in f.windows] for f in facts if isinstance(f, Reading)}


@pytest.mark.usefixtures("database")
def test_each_account_is_filed_under_the_login_that_is_the_same(environment: Environment) -> None:
    """One e-mail in two organisations is two accounts; the one that is logged in here is known
    by its own key, the other under one that shows no e-mail; figures are as old as they are."""
    facts = list(monitored_facts(rows(environment), {("ada@example.com", WORK): f"person/{WORK}"}, NOW))
    found = [f for f in facts if isinstance(f, Reading)]
    home = next(f for f in found if f.alias == "home")
    assert shares(facts)[f"person/{WORK}"] == [23.5, 41.2]
    assert [w.used_percent for w in home.windows] == [100, 88]
    assert [w.resets_at for w in home.windows] == [None, 1_795_630_000]
    assert home.observed_at == 1_795_320_000
    assert home.account is not None
    assert "ada" not in home.account
    assert home.account.endswith(f"/{HOME}")


@pytest.mark.usefixtures("database")
def test_a_login_that_ended(environment: Environment) -> None:
    """An account that wants a new login says so, and has no figure, not 0 %."""
    facts = list(monitored_facts(rows(environment), {}, NOW))
    ended = next(f for f in facts if isinstance(f, Failure))
    old = next(f for f in facts if isinstance(f, Reading) and f.alias == "old")
    assert (ended.status, ended.account) == (Status.EXPIRED, old.account)
    assert old.windows == ()


def test_what_the_daemon_says_of_the_live_account() -> None:
    """It is newer than the row; 0 % is real; whom it does not know it does not name."""
    status = (SAMPLES / "interop/aimonitor/daemon_status.json").read_text()
    (reading,) = read({"daemon_status": status})
    assert reading.account is None
    assert [w.used_percent for w in reading.windows] == [0, 31.5]
    assert reading.observed_at == NOW - 120
    known = json.loads(status) | {"unknown_active_email": "", "active_label": "work"}
    row = json.dumps({"label": "work", "email": "a@example.com", "organisation": "o"})
    found = read({"account 1": row, "daemon_status": json.dumps(known)})
    assert found[1].account == found[0].account is not None
    unset = known | {"limits_fetched_at": "0001-01-01T00:00:00Z"}
    assert read({"daemon_status": json.dumps(unset)}) == []


def test_it_is_read_without_being_touched(environment: Environment, database: Path) -> None:
    """Nothing is left beside it, and its bytes stay."""
    before = database.read_bytes()
    assert isinstance(rows(environment), FileBytes)
    assert database.read_bytes() == before
    assert [p.name for p in database.parent.iterdir()] == ["aimonitor.db"]


def test_an_older_form_is_named(environment: Environment, database: Path) -> None:
    """A column that is not there yet is no damage."""
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.execute("ALTER TABLE accounts DROP COLUMN needs_relogin")
    found = rows(environment)
    assert isinstance(found, Unreadable)
    assert "another form" in found.reason


@pytest.mark.usefixtures("database")
def test_the_live_login_and_aimonitor_are_one_account(environment: Environment) -> None:
    """Claude Code's own config names person and organisation."""
    account = {"accountUuid": "person", "organizationUuid": WORK, "emailAddress": "Ada@example.com"}
    config = FileBytes(Path("/h/c"), json.dumps({"oauthAccount": account}).encode(), NOW)
    files: dict[str, Found] = {"config": config, "aimonitor": rows(environment)}
    facts = list(PROVIDER.read_login(files, ReadContext(NOW, environment)))
    assert shares(facts)[f"person/{WORK}"] == [23.5, 41.2]


def read(held: dict[str, Any]) -> list[Reading]:
    found = monitored_facts(FileBytes(Path("/h/x"), json.dumps(held).encode(), NOW), {}, NOW)
    return [f for f in found if isinstance(f, Reading)]


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_ROWS = st.dictionaries(
    st.sampled_from(["label", "email", "organisation", "relogin", "five_hour_pct", "fetched_at",
                     "limits_fetched_at", "active_label", "seven_day_reset_at"]), _LEAVES,
).map(json.dumps)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["account 1", "account 2", "daemon_status", "x"]), _ROWS | _LEAVES))
def test_whatever_the_rows_hold(held: dict[str, Any]) -> None:
    """No value of any kind raises, and no figure is unbounded."""
    for reading in read(held):
        assert all(0 <= (w.used_percent or 0) <= 10_000 for w in reading.windows)
