"""The file of the index: private, shared, replaced when it is no use, and never an error."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.engine.lock import locked
from providers.engine.timeline import Stay, save_stays
from providers.ledger.index import Index, Unusable
from providers.ledger.owners import account_owner
from providers.ledger.query import totals
from providers.ledger.scan import Scan, index_path, open_index
from tests.providers.ledger.homes import ROOMS, at_home, index_of, scan, small_corpus, summed
from tests.providers.ledger.test_incremental import line

BY = ("provider", "session", "model", "day")


class Newer:
    """Claude's logs under other counting rules."""

    def __init__(self, room: Any) -> None:
        self._room = room
        self.version = room.version + 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._room, name)


NEWER: Any = (Newer(ROOMS[0]), ROOMS[1])


@pytest.fixture
def home(tmp_path: Path) -> Environment:
    """A small home that was scanned."""
    home = tmp_path / "home"
    home.mkdir()
    small_corpus(home, size=8)
    environment = at_home(home)
    scan(environment)
    return environment


def test_it_is_readable_by_us_alone(home: Environment) -> None:
    """The file and what SQLite puts beside it, whatever the umask; its folder too."""
    index = index_of(home)
    reading = index.reading()
    assert reading is not None
    reading.execute("SELECT count(*) FROM cell").fetchone()
    path = index_path(home)
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    assert len(files) >= 1
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["header", "middle", "empty", "other"])
def test_a_damaged_index_is_made_anew(home: Environment, damage: str) -> None:
    """Overwritten, emptied, or another program's database: the next scan counts everything again."""
    before = summed(home, *BY)
    path = index_path(home)
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[:100] = os.urandom(100)
    elif damage == "middle":
        data[4096 : len(data) // 2] = os.urandom(len(data) // 2 - 4096)
    elif damage == "empty":
        data.clear()
    path.write_bytes(data)
    if damage == "other":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE something (x)")
    for _ in range(3):
        try:
            scan(home)
            break
        except Unusable:
            continue
    assert summed(home, *BY) == before


def test_what_is_not_an_index_of_ours_answers_nothing(home: Environment) -> None:
    """Asking never makes, renames or breaks anything."""
    path = index_path(home)
    path.unlink()
    assert totals(index_of(home), by=("day",)) == ()
    assert not path.exists()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE something (x)")
    assert totals(index_of(home), by=("day",)) == ()


def test_newer_rules_count_anew_and_keep_what_has_no_log(home: Environment) -> None:
    """With other rules every log is read again; sessions whose logs are gone keep their totals."""
    before = summed(home, *BY)
    logs = sorted((home.home / ".claude/projects").rglob("*.jsonl"))
    gone = [log for log in logs if log.parent.name.startswith("-home-dev-project-")][:3]
    for log in gone:
        log.unlink()
    progress = scan(home, NEWER)
    assert progress.bytes > 0
    assert summed(home, *BY, rooms=NEWER) == before
    assert not index_path(home).with_name("ledger.sqlite3.old").exists()


def test_a_session_that_lost_all_it_had_stays_empty(tmp_path: Path) -> None:
    """Its only response turned up whole in another one.  Both logs are gone when the rules change: the
    sums come over once, and a copy that comes back adds nothing."""
    environment = at_home(tmp_path)
    folder = tmp_path / ".claude/projects/p"
    folder.mkdir(parents=True)
    whole = line("M").replace(b'"sessionId":"s"', b'"sessionId":"whole"')
    torn = line("M").replace(b'"sessionId":"s"', b'"sessionId":"torn"').replace(b":20,", b":1,")
    for name, text in (("torn", torn), ("whole", whole)):
        (folder / f"{name}.jsonl").write_bytes(text)
        scan(environment)
    expected = {("whole",): (10, 20, 0, 0, 0, 0, 1)}
    assert summed(environment, "session") == expected
    for log in folder.iterdir():
        log.unlink()
    scan(environment, NEWER)
    assert summed(environment, "session", rooms=NEWER) == expected
    (folder / "torn.jsonl").write_bytes(torn)
    scan(environment, NEWER)
    assert summed(environment, "session", rooms=NEWER) == expected


def test_an_index_of_a_newer_version_is_left_alone(home: Environment) -> None:
    """The older of two running copies neither reads nor rebuilds it, and says what to do."""
    scan(home, NEWER)
    before = index_path(home).stat().st_mtime_ns
    for _ in range(2):
        with pytest.raises(Unusable, match="newer quotadeck"):
            scan(home)
    assert index_path(home).stat().st_mtime_ns == before
    with sqlite3.connect(index_path(home)) as future:
        future.execute("PRAGMA user_version = 99")
    with pytest.raises(Unusable, match="newer quotadeck"):
        scan(home, NEWER)
    assert totals(index_of(home), by=("day",)) == ()


def test_a_rebuild_that_is_stopped_goes_on(home: Environment) -> None:
    """The old totals are kept aside until every log has been read."""
    before = summed(home, *BY)
    for log in sorted((home.home / ".codex").rglob("*.jsonl"))[:4]:
        log.unlink()
    assert scan(home, NEWER, stop=lambda: True).stopped
    assert scan(home, NEWER).done
    assert summed(home, *BY, rooms=NEWER) == before


def test_one_scan_at_a_time(home: Environment) -> None:
    """While another copy scans, a pass says so and leaves the work to it."""
    with locked(home.state_dir / "ledger.lock", 0.0):
        progress = scan(home)
    assert progress.stopped
    assert "another quotadeck" in progress.trouble


def test_several_copies_count_once(tmp_path: Path) -> None:
    """Three copies look again and again while logs grow; asking never fails meanwhile."""
    corpus = small_corpus(tmp_path / "source", size=8)
    there = at_home(tmp_path / "there")
    failures: list[BaseException] = []
    ready = threading.Event()

    def copy() -> None:
        try:
            index = open_index(there, ROOMS)
            pane = Scan(index, ROOMS, there)
            while not ready.is_set():
                pane.run()
                totals(index, by=("day",))
            index.close()
        except BaseException as error:
            failures.append(error)

    panes = [threading.Thread(target=copy) for _ in range(3)]
    for pane in panes:
        pane.start()
    for file in corpus.files:
        target = there.home / file.relative_to(corpus.home)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes()
        for part in (data[: len(data) // 3], data[len(data) // 3 :]) if file.suffix == ".jsonl" else (data,):
            with target.open("ab") as log:
                log.write(part)
    ready.set()
    for pane in panes:
        pane.join()
    scan(there)
    assert not failures
    by = ("provider", "session", "model")
    assert summed(there, *by) == corpus.truth(lambda r: (r.provider, r.session, r.model))


def test_accounts_by_who_was_live(environment: Environment) -> None:
    """A response belongs to the login of its time; around a switch, to nobody."""
    log = environment.home / ".claude/projects/x/one.jsonl"
    log.parent.mkdir(parents=True)
    moments = ("2026-11-20T10:00:00.000Z", "2026-11-21T10:07:00.000Z", "2026-11-22T10:00:00.000Z")
    log.write_bytes(b"".join(line(name, at) for name, at in zip("ABC", moments, strict=True)))
    switch = 1_795_255_500.0  # 2026-11-21T10:05
    save_stays(
        environment.state_dir,
        [Stay("claude", "first", 0.0, switch - 60), Stay("claude", "second", switch, switch + 86_400)],
    )
    scan(environment, owners=lambda: account_owner(environment.state_dir))
    assert summed(environment, "account", "day") == {
        ("first", "2026-11-20"): (10, 20, 0, 0, 0, 0, 1),
        ("", "2026-11-21"): (10, 20, 0, 0, 0, 0, 1),
        ("second", "2026-11-22"): (10, 20, 0, 0, 0, 0, 1),
    }


def test_old_keys_go_and_their_totals_stay(home: Environment) -> None:
    """Pruning forgets responses, not what they cost."""
    before = summed(home, *BY)
    index = index_of(home)
    index.prune(4e9)
    connection = index.reading()
    assert connection is not None
    assert connection.execute("SELECT count(*) FROM response").fetchone() == (0,)
    assert summed(home, *BY) == before


@pytest.mark.parametrize("by", [("nonsense",), ("day", "week")])
def test_a_question_that_makes_no_sense_is_refused(home: Environment, by: tuple[str, ...]) -> None:
    """Names come from command lines: only known ones reach a query."""
    with pytest.raises(ValueError, match="cannot group by"):
        totals(index_of(home), by=by)


def test_questions_are_narrowed(home: Environment) -> None:
    """By time and by value: the parts add up to the whole."""
    whole = summed(home, "provider")
    middle = 1_792_500_300.0
    for provider in ("claude", "codex"):
        parts = [
            summed(home, "provider", where={"provider": provider}, since=since, until=until)
            for since, until in ((None, middle), (middle, None))
        ]
        both = [part[(provider,)] for part in parts]
        assert tuple(map(sum, zip(*both, strict=True))) == whole[(provider,)]


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """A file where our folder should be."""
    (tmp_path / "state").write_text("")
    index = Index(tmp_path / "state/ledger.sqlite3")
    with pytest.raises(Unusable, match="the ledger's index cannot be used"):
        index.prepare()
