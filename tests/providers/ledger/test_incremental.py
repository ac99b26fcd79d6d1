"""Growing, cut, replaced, vanished: whatever happens to logs, totals come out as if read once."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.base import Environment
from providers.ledger.scan import Scan
from tests.providers.ledger.homes import ROOMS, at_home, index_of, scan, small_corpus, summed
from tests.world.corpus import Corpus

BY = ("provider", "session", "model", "tier", "hour")
Home = tuple[Environment, Corpus]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A small home, not yet scanned."""
    (tmp_path / "home").mkdir()
    return at_home(tmp_path / "home"), small_corpus(tmp_path / "home", size=10)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose logs are copied piece by piece, and never changed."""
    home = tmp_path_factory.mktemp("source")
    corpus = small_corpus(home, size=9, seed=7)
    environment = at_home(home)
    scan(environment)
    return environment, corpus


def all_of(environment: Environment) -> dict[Any, Any]:
    return summed(environment, *BY)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_split_into_appends_in_any_order(
    source: Home, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Files appear in any order and grow by any pieces, cut inside lines, seen by one copy or by
    new ones: totals are those of one read."""
    environment, corpus = source
    chance = random.Random(seed)
    there = at_home(tmp_path_factory.mktemp("appended"))
    plain = [file for file in corpus.files if file.suffix == ".jsonl"]
    rest = {file: file.read_bytes() for file in plain}
    pane = Scan(index_of(there), ROOMS, there)
    while rest:
        for file in chance.sample(sorted(rest), k=min(len(rest), chance.randint(1, 20))):
            data = rest.pop(file)
            size = chance.choice((len(data), chance.randint(0, len(data)), min(len(data), 700)))
            target = there.home / file.relative_to(environment.home)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("ab") as log:
                log.write(data[:size])
            if size < len(data):
                rest[file] = data[size:]
        if chance.random() < 0.5:
            pane.run()
        else:
            scan(there)
    for file in corpus.files:
        if file.suffix == ".zst":
            target = there.home / file.relative_to(environment.home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    pane.run()
    assert all_of(there) == all_of(environment)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(after=st.integers(0, 60), rows=st.sampled_from([1, 40, 10_000]))
def test_stopped_anywhere_and_run_again(
    source: Home, tmp_path_factory: pytest.TempPathFactory, after: int, rows: int
) -> None:
    """A scan that is stopped between any two blocks, and breaks off at any commit, loses and repeats
    nothing."""
    environment, _ = source
    there = at_home(environment.home)
    state = tmp_path_factory.mktemp("state")
    there = type(there)(there.home, there.variables, there.config_dir, state, there.data_dir)
    steps = iter(range(10**9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("providers.ledger.scan.HELD_ROWS", rows)
        assert scan(there, stop=lambda: next(steps) >= after).stopped or after > 15
    assert scan(there).done
    assert all_of(there) == all_of(environment)


def change(home: Home, act: Callable[[Path], object]) -> None:
    """Does something to every second plain log."""
    for file in [f for f in home[1].files if f.suffix == ".jsonl"][::2]:
        act(file)


def test_deleted_logs_keep_their_totals(home: Home) -> None:
    """Claude Code deletes logs after 30 days; what was booked stays."""
    environment, _ = home
    scan(environment)
    before = all_of(environment)
    change(home, lambda file: file.unlink())
    scan(environment)
    assert all_of(environment) == before


def test_logs_that_come_back_count_once(home: Home) -> None:
    """Deleted, forgotten, and restored from a backup."""
    environment, _ = home
    scan(environment)
    before = all_of(environment)
    kept = {file: file.read_bytes() for file in home[1].files}
    change(home, lambda file: file.unlink())
    scan(environment)
    change(home, lambda file: file.write_bytes(kept[file]))
    scan(environment)
    assert all_of(environment) == before


def test_a_log_that_was_cut_grows_again(home: Home) -> None:
    """Cut to a half and written anew with other lines: old totals stay, new ones come in."""
    environment, corpus = home
    scan(environment)
    before = all_of(environment)
    kept = {file: file.read_bytes() for file in corpus.files}
    change(home, lambda file: os.truncate(file, file.stat().st_size // 2))
    scan(environment)
    assert all_of(environment) == before
    change(home, lambda file: file.write_bytes(kept[file]))
    scan(environment)
    assert all_of(environment) == before


def test_a_log_is_replaced_by_another(home: Home, tmp_path: Path) -> None:
    """A new file under an old name, of the same size even: both count."""
    environment, _ = home
    other = at_home(tmp_path / "other")
    log = environment.home / ".claude/projects/x/one.jsonl"
    there = other.home / ".claude/projects/x/one.jsonl"
    for path, ident in ((log, "A"), (there, "B")):
        path.parent.mkdir(parents=True)
        path.write_bytes(line(ident))
    scan(environment)
    scan(other)
    both = {**all_of(environment)}
    for key, counts in all_of(other).items():
        both[key] = tuple(a + b for a, b in zip(both.get(key, (0,) * 7), counts, strict=True))
    os.replace(there, log)
    scan(environment)
    assert all_of(environment) == both


def test_a_log_is_rewritten_in_place_and_longer(environment: Environment) -> None:
    """Same inode, other beginning: read from the start, though it only seems to have grown."""
    log = environment.home / ".claude/projects/x/one.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(line("A"))
    scan(environment)
    with log.open("r+b") as file:
        file.write(line("B") + line("C"))
    scan(environment)
    assert summed(environment, "session") == {("s",): (30, 60, 0, 0, 0, 0, 3)}


def test_a_half_written_line_is_counted_once_it_is_whole(environment: Environment) -> None:
    """Nothing is booked of a line without its end, and it is not lost either."""
    log = environment.home / ".claude/projects/x/one.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(line("A") + line("B")[:200])
    scan(environment)
    assert summed(environment, "session") == {("s",): (10, 20, 0, 0, 0, 0, 1)}
    with log.open("ab") as file:
        file.write(line("B")[200:])
    scan(environment)
    assert summed(environment, "session") == {("s",): (20, 40, 0, 0, 0, 0, 2)}


def test_a_plain_log_becomes_a_packed_one(home: Home) -> None:
    """Codex packs cold rollouts: nothing is counted again."""
    from backports import zstd

    environment, _ = home
    scan(environment)
    before = all_of(environment)

    def pack(file: Path) -> None:
        if file.name.startswith("rollout"):
            file.with_name(file.name + ".zst").write_bytes(zstd.compress(file.read_bytes()))
            file.unlink()

    change(home, pack)
    assert scan(environment).bytes > 0
    assert all_of(environment) == before


def line(ident: str, at: str = "2026-11-22T05:01:00.120Z") -> bytes:
    """One response of Claude Code: 10 tokens in, 20 out."""
    said = f'{{"type":"text","text":"{"x" * 300}"}}'
    return (
        '{"parentUuid":null,"isSidechain":false,"cwd":"/w","sessionId":"s","message":{"model":"m",'
        f'"id":"msg_{ident}","type":"message","role":"assistant","content":[{said}],'
        '"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,'
        f'"output_tokens":20,"service_tier":"standard"}}}},"requestId":"req_{ident}","type":"assistant",'
        f'"uuid":"u","timestamp":"{at}"}}\n'
    ).encode()
