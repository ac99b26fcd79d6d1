"""OpenCode's sessions: every sample, forks, upgrades, rows that grow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.ledger.model import DATABASE, DOCUMENT, LogFile, LogTree, UnreadableLog, Usage
from providers.opencode.logs import LOGS
from tests.conftest import SAMPLES
from tests.providers.ledger.readings import Booked, total

FOLDER = SAMPLES / "opencode"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
TREE = LogTree("databases", "", Path("/x"), "opencode*.db", DATABASE)
FILES = LogTree("messages", "", Path("/x"), "msg_*.json", DOCUMENT)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def read(database: sqlite3.Connection, state: Any = None) -> tuple[list[Usage], Any]:
    booked = Booked()
    reader: Any = LOGS.open(LogFile(TREE, Path("/x/opencode.db"), 1_800_000_000.0), state)
    assert reader.read(database, booked.append) == 0
    return booked, reader.state()


def fill(database: sqlite3.Connection, *names: str) -> None:
    for name in names:
        database.executescript((FOLDER / name).read_text())


def test_the_first_generation(database: sqlite3.Connection) -> None:
    """Steps are summed, the fork's copy counts once, reasoning is in the output."""
    fill(database, "db.v1.sql")
    booked, _ = read(database)
    assert total(booked) == (1000 + 800 + 800, 55 + 50 + 70, 400, 0, 25, 4)
    assert total(booked)[5] == EXPECTED["v1"]["assistant_requests_after_fork_dedupe"]
    steps = next(usage for usage in booked if usage.model == "opencode-go/glm-5.3")
    assert steps.input + steps.output + steps.cache_read == EXPECTED["v1"]["correct_step_tokens_msg_B"]
    copies = [usage for usage in booked if usage.weak]
    assert [(usage.session, usage.part) for usage in copies] == [("ses_EX2", "copy")]
    assert {usage.project for usage in booked} == {"/home/dev/project"}


def test_the_second_generation(database: sqlite3.Connection) -> None:
    """Assistant rows alone; the credential beside them is not touched."""
    fill(database, "db.v2.sql")
    booked, _ = read(database)
    assert total(booked) == (1000, 55, 200, 0, 15, 1)
    assert sum(total(booked)[:4]) == EXPECTED["v2"]["tokens"]
    assert booked[0].at == 1799996400.0
    assert "sk-EXAMPLE" not in repr(booked)


def test_an_upgraded_session_counts_once(database: sqlite3.Connection) -> None:
    """Messages that were taken over with the session are not taken from the frozen tables too; those
    that were not still count."""
    fill(database, "db.v1.sql", "db.v2.sql")
    database.execute("UPDATE session_message SET session_id = 'ses_EX1'")
    database.execute(
        "INSERT INTO session_v2(id,project_id,directory,version,time_created,time_updated)"
        " VALUES('ses_EX1','global','/home/dev/project','2.0.10',1799996300000,1800000000000)"
    )
    database.execute("UPDATE session_message SET data = replace(data, '1799996400000', '1799996400001')")
    booked, _ = read(database)
    strong = [usage for usage in booked if not usage.weak]
    assert sorted(usage.session for usage in strong) == ["ses_EX1", "ses_EX2", "ses_EX3"]
    database.execute("UPDATE session_message SET time_created = 1799999999999")
    assert len([usage for usage in read(database)[0] if not usage.weak]) == 4


def test_the_copies_of_a_fork_count_if_the_original_is_gone(database: sqlite3.Connection) -> None:
    """Two forks of a session that was deleted count its messages once."""
    fill(database, "db.v1.sql")
    before = total(read(database)[0])
    database.executescript(
        "INSERT INTO message SELECT 'msg_2', 'ses_EX4', time_created, time_updated, data FROM message"
        " WHERE id = 'msg_A';"
        "INSERT INTO session SELECT 'ses_EX4', project_id, NULL, directory, title, version, 0,0,0,0,0,0,"
        " NULL, 1799999000000, time_updated FROM session WHERE id = 'ses_EX2';"
        "DELETE FROM message WHERE id = 'msg_A'"
    )
    assert total(read(database)[0]) == before


def test_rows_that_grow(database: sqlite3.Connection) -> None:
    """A running message waits; once done it is read although its number was seen before."""
    fill(database, "db.v1.sql")
    done = "SELECT data FROM message WHERE id = 'msg_C'"
    whole = database.execute(done).fetchone()[0]
    running = whole.replace(',"completed":1799998310000', "")
    assert running != whole
    database.execute("UPDATE message SET data = ? WHERE id = 'msg_C'", (running,))
    first, state = read(database)
    assert total(first)[5] == 3
    database.execute("UPDATE message SET data = ?, time_updated = 1799998310001 WHERE id = 'msg_C'", (whole,))
    second, _ = read(database, json.loads(json.dumps(state)))
    assert total([*first, *second]) == (2600, 175, 400, 0, 25, 4)


def test_nothing_new_is_read_twice(database: sqlite3.Connection) -> None:
    """Rows older than the overlap are not looked at again."""
    fill(database, "db.v1.sql")
    _, state = read(database)
    again, _ = read(database, state)
    assert {usage.session for usage in again} == {"ses_EX2", "ses_EX3"}


def test_another_database_in_its_place(database: sqlite3.Connection) -> None:
    """A store that was made anew is read from its beginning."""
    fill(database, "db.v1.sql")
    _, state = read(database)
    database.execute("DELETE FROM message WHERE id <> 'msg_A'")
    assert len(read(database, state)[0]) == 1


def test_tokens_that_only_the_session_knows(database: sqlite3.Connection) -> None:
    """Turns billed by Copilot leave no tokens in their messages."""
    fill(database, "db.v1.sql")
    database.execute("DELETE FROM part")
    database.execute("DELETE FROM message")
    database.execute(
        "UPDATE session SET tokens_input=10, tokens_output=5, tokens_reasoning=1 WHERE id='ses_EX1'"
    )
    assert total(read(database)[0]) == (10, 6, 0, 0, 1, 0)


def test_a_database_of_another_kind(database: sqlite3.Connection) -> None:
    """It is said to be unreadable, not to be empty."""
    database.execute("CREATE TABLE conversations(id)")
    with pytest.raises(UnreadableLog, match="another form"):
        read(database)


@pytest.mark.parametrize("name", ["storage.message.legacy", "message.assistant.v1"])
def test_a_message_in_a_file(name: str, database: sqlite3.Connection) -> None:
    """1255 tokens, under the key that the row in the database has."""
    booked = Booked()
    reader: Any = LOGS.open(LogFile(FILES, Path("/x/ses_1/msg_A.json"), 1_800_000_000.0), None)
    assert reader.read((FOLDER / f"{name}.json").read_bytes(), booked.append) == 0
    assert total(booked) == (1000, 55, 200, 0, 15, 1)
    fill(database, "db.v1.sql")
    assert total([*booked, *read(database)[0]])[5] == 4


def test_where_it_looks(tmp_path: Path) -> None:
    """``OPENCODE_DB`` and ``XDG_DATA_HOME`` are honoured."""
    variables = {"OPENCODE_DB": "/elsewhere/own.db", "XDG_DATA_HOME": "/data"}
    trees = LOGS.trees(Environment(tmp_path, variables, tmp_path, tmp_path, tmp_path))
    assert [(str(tree.folder), tree.pattern) for tree in trees] == [
        ("/data/opencode", "opencode*.db"),
        ("/elsewhere", "own.db"),
        ("/data/opencode/storage/message", "msg_*.json"),
    ]
