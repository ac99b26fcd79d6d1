"""Responses are kept once, in runs as in the table, and runs come to the table whole."""

from __future__ import annotations

import math
import random
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment
from providers.ledger.index import Index, Known
from providers.ledger.owners import unknown_owner
from providers.ledger.progress import Progress
from providers.ledger.responses import RESPONSES, Held, Response, Responses, Runs, Table, has_runs, settle
from providers.ledger.scan import Scan, index_path
from tests.providers.ledger.homes import ROOMS, at_home, index_of, scan, small_corpus, summed
from tests.world.corpus import Corpus, day

BY = ("provider", "session", "model", "day")
BIG = 1 << 62
ROW = (1.8e9, "m", "p", "s", 1, 2, 0, 0, 0, 0, 1, "", "", False, "")

idents = st.sampled_from([-2 * BIG, -BIG, -2, -1, 0, 1, 2, BIG, 2 * BIG - 1])
steps = st.tuples(
    st.booleans(),
    st.booleans(),
    st.dictionaries(idents, st.tuples(st.integers(0, BIG), st.binary(max_size=90))),
)


def empty() -> sqlite3.Connection:
    """A database with the tables of responses alone."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in RESPONSES.split(";"):
        connection.execute(statement)
    return connection


def in_table(connection: sqlite3.Connection) -> list[Response]:
    return connection.execute("SELECT * FROM response ORDER BY id").fetchall()


@given(st.lists(steps, max_size=8))
def test_runs_keep_what_the_table_keeps(
    given_steps: list[tuple[bool, bool, dict[int, tuple[int, bytes]]]],
) -> None:
    """Whichever of two processes keeps what: the same are known, with the same rows, and the same are
    in the table at the end."""
    with closing(empty()) as apart, closing(empty()) as together:
        held = Held(), Held()
        for second, only_new, kept in given_steps:
            responses = [(ident, *rest) for ident, rest in kept.items()]
            both: tuple[Responses, ...] = (Runs(apart, held[second]), Table(together))
            if only_new:
                runs, table = (each.keep_new(list(responses)) for each in both)
                assert runs == table
            else:
                for each in both:
                    each.keep(list(responses))
        assert has_runs(apart) == any(kept for _, _, kept in given_steps)
        settle(apart)
        assert not has_runs(apart)
        assert in_table(apart) == in_table(together)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A home of some size, shared and never written to."""
    return small_corpus(tmp_path_factory.mktemp("source"), size=40)


@pytest.fixture
def home(source: Corpus, tmp_path: Path) -> Environment:
    """That home with a state folder of one's own."""
    there = at_home(source.home)
    return Environment(there.home, there.variables, there.config_dir, tmp_path / "state", there.data_dir)


@pytest.fixture
def small_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit for every few responses."""
    for name, value in {"HELD_ROWS": 40, "FEW_ROWS": 10, "MOST_ROWS": 80}.items():
        monkeypatch.setattr(f"providers.ledger.scan.{name}", value)


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small homes are shared too."""
    monkeypatch.setattr("providers.ledger.scan.SHARED_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def bulk(environment: Environment, blocks: float = math.inf) -> Progress:
    """A pass as the child makes it, stopped after so many blocks."""
    index, number = index_of(environment), count(1)
    try:
        return Scan(index, ROOMS, environment, stop=lambda: next(number) > blocks).run(alone=True)
    finally:
        index.close()


def counts(environment: Environment) -> tuple[int, int]:
    """How many responses are in the table, and how many runs there are."""
    with closing(sqlite3.connect(index_path(environment))) as database:
        select = "SELECT (SELECT count(*) FROM response), (SELECT count(*) FROM run)"
        responses, runs = database.execute(select).fetchone()
        return responses, runs


def truth(source: Corpus) -> dict[tuple[object, ...], tuple[int, ...]]:
    return dict(source.truth(lambda r: (r.provider, r.session, r.model, day(r))))


@pytest.mark.usefixtures("small_commits", "two_processes")
@pytest.mark.parametrize("most", [0, 1, 200, 10**6])
def test_a_first_scan_ends_with_all_in_the_table(
    source: Corpus, home: Environment, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Wherever the runs are full: the totals are the truth, every response is in the table, and a pass of
    one process comes to the same table."""
    monkeypatch.setattr("providers.ledger.responses.MOST_IN_RUNS", most)
    assert bulk(home).done
    assert summed(home, *BY) == truth(source)
    responses, runs = counts(home)
    assert runs == 0
    index_path(home).unlink()
    scan(home)
    assert counts(home) == (responses, 0)


@pytest.mark.usefixtures("small_commits")
def test_runs_that_were_left_are_known(source: Corpus, home: Environment) -> None:
    """A first scan that was stopped leaves runs.  Read again from their beginning, logs whose places are
    forgotten count once; so do logs that are read by a pass that does not write runs."""
    chance = random.Random(5)
    left = 0
    for _ in range(12):
        index_path(home).unlink(missing_ok=True)
        assert bulk(home, chance.randrange(3, 30)).stopped
        left += counts(home)[1]
        with closing(sqlite3.connect(index_path(home), isolation_level=None)) as database:
            database.execute("DELETE FROM file")
        assert (scan if chance.random() < 0.5 else bulk)(home).done
        assert counts(home)[1] == 0
        assert summed(home, *BY) == truth(source)
    assert left > 12


def test_full_runs_are_moved_at_once(home: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after them goes to the table."""
    monkeypatch.setattr("providers.ledger.responses.MOST_IN_RUNS", 2)
    index = Index(index_path(home))
    index.bulk = True
    index.prepare()
    kept = []
    for key in "abcd":
        index.commit({"claude": {key: (key, *ROW)}}, [], unknown_owner)
        kept.append(counts(home))
    index.close()
    assert kept == [(0, 1), (0, 2), (3, 0), (4, 0)]


def test_a_commit_that_fails_is_forgotten(home: Environment) -> None:
    """What it put into a run is not taken for known by the next one."""
    index = Index(index_path(home))
    index.bulk = True
    index.prepare()
    row = ("key", *ROW)
    nothing: list[Known] = [None]  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        index.commit({"claude": {"key": row}}, nothing, unknown_owner)
    index.commit({"claude": {"key": row}}, [], unknown_owner)
    index.commit({"claude": {"key": row}}, [], unknown_owner)
    index.settle()
    index.close()
    assert counts(home) == (1, 0)
    assert summed(home, "provider") == {("claude",): (1, 2, 0, 0, 0, 0, 1)}


@pytest.mark.usefixtures("small_commits")
@pytest.mark.parametrize("form", ["with runs", "before there were runs"])
def test_an_index_that_was_put_aside(home: Environment, form: str) -> None:
    """What no log is left of is taken over: from the runs of a scan that was killed too."""
    assert bulk(home, 20).stopped
    path = index_path(home)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert has_runs(database)
        if form != "with runs":
            settle(database)
            database.execute("DROP TABLE run")
    before = summed(home, *BY)
    path.rename(path.with_name(f"{path.name}.old"))
    nowhere = home.state_dir
    moved = Environment(nowhere, {}, home.config_dir, home.state_dir, home.data_dir)
    assert scan(moved).done
    assert summed(moved, *BY) == before
    assert counts(moved)[0] > 0
