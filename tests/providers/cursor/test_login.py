"""Cursor's sessions: which one counts, and its database, which is neither woken nor written."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Credential, Kept, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.cursor.endpoint import ENDPOINT
from providers.cursor.login import held, login_state
from providers.cursor.provider import PROVIDER
from providers.engine.logins import read_login_file
from providers.model import Identity, LoginState, Status
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
FOLDER = SAMPLES / "cursor"


def token(subject: str, expires: float) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'exp': expires})}.CANARY"


def file(name: str, document: object) -> FileBytes:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return FileBytes(Path("/h") / name, data, NOW)


def ide(subject: str, *, plan: str = "pro", expires: float = NOW + 3600, refresh: str = "r") -> Found:
    return file("state.vscdb", {
        "cursorAuth/accessToken": token(subject, expires), "cursorAuth/refreshToken": refresh,
        "cursorAuth/cachedEmail": "dev@example.com", "cursorAuth/stripeMembershipType": plan,
    })  # fmt: skip


def agent(subject: str, expires: float = NOW + 3600) -> Found:
    return file("auth.json", {"accessToken": token(subject, expires), "refreshToken": "r"})


def state(files: dict[str, Found], environment: Environment) -> LoginState:
    return login_state(files, ReadContext(NOW, environment))


def database(environment: Environment) -> Path:
    source = PROVIDER.sources(environment)[0]
    source.folder.mkdir(parents=True)
    path = source.folder / source.pattern
    with sqlite3.connect(path) as made:
        made.executescript((FOLDER / "state_vscdb.sql").read_text())
    made.close()
    return path


def test_the_sample_database(environment: Environment) -> None:
    """Four rows of many; nothing is left beside the file, and nothing of it changes."""
    path = database(environment)
    before = path.read_bytes()
    found = read_login_file(PROVIDER.sources(environment)[0])
    session = held({"ide": found}, ReadContext(NOW, environment))
    assert session is not None
    assert (session.subject, session.email, session.plan) == (
        "auth0|user_EXAMPLE01", "dev@example.com", "pro",
    )  # fmt: skip
    assert session.expires == 1_795_392_000
    assert [p.name for p in path.parent.iterdir()] == ["state.vscdb"]
    assert path.read_bytes() == before


def test_a_running_ide_is_read_live(environment: Environment) -> None:
    """With the IDE open, what lies only in its write-ahead log counts, and the log stays."""
    path = database(environment)
    running = sqlite3.connect(path)
    running.execute("PRAGMA wal_autocheckpoint=0")
    fresh = token("auth0|user_OTHER", NOW + 7200)
    running.execute("UPDATE ItemTable SET value = ? WHERE key = 'cursorAuth/accessToken'", (fresh,))
    running.commit()
    session = held({"ide": read_login_file(PROVIDER.sources(environment)[0])}, ReadContext(NOW, environment))
    assert session is not None
    assert session.subject == "auth0|user_OTHER"
    assert path.with_name("state.vscdb-wal").stat().st_size > 0
    running.execute("UPDATE ItemTable SET value = 'x' WHERE key = 'cursorAuth/cachedEmail'")
    running.commit()
    running.close()


@pytest.mark.parametrize(
    "value",
    [
        b'"dev@example.com"', "dev@example.com".encode("utf-16-le"), "dev@example.com",
    ],
)  # fmt: skip
def test_values_in_every_form(environment: Environment, value: bytes | str) -> None:
    """Texts and blobs, in UTF-8 or UTF-16, bare or quoted."""
    path = database(environment)
    with sqlite3.connect(path) as made:
        made.execute("UPDATE ItemTable SET value = ? WHERE key = 'cursorAuth/cachedEmail'", (value,))
    made.close()
    session = held({"ide": read_login_file(PROVIDER.sources(environment)[0])}, ReadContext(NOW, environment))
    assert session is not None
    assert session.email == "dev@example.com"


@pytest.mark.parametrize("data", [b"", b"not a database", b"SQLite format 3\0" + b"x" * 200])
def test_no_database(environment: Environment, data: bytes) -> None:
    """One sentence, no exception; an empty file is a database without the table."""
    source = PROVIDER.sources(environment)[0]
    source.folder.mkdir(parents=True)
    (source.folder / source.pattern).write_bytes(data)
    found = read_login_file(source)
    assert isinstance(found, Unreadable)
    assert state({"ide": found}, environment).status is Status.DENIED
    assert [p.name for p in source.folder.iterdir()] == [source.pattern]


def test_which_session_counts(environment: Environment) -> None:
    """The IDE's; cursor-agent's where the IDE's lapsed, or is free and somebody else's."""
    context = ReadContext(NOW, environment)

    def place(files: dict[str, Found]) -> str:
        session = held(files, context)
        return session.place if session else ""

    assert place({"ide": ide("a|1"), "agent": agent("a|1")}) == "ide"
    assert place({"ide": ide("a|1", expires=NOW), "agent": agent("a|1")}) == "agent"
    assert place({"ide": ide("a|1", plan="free"), "agent": agent("b|2")}) == "agent"
    assert place({"ide": ide("a|1"), "agent": agent("b|2")}) == "ide"
    assert place({"agent": agent("b|2")}) == "agent"
    assert place({"ide": file("x", b"{")}) == ""
    two = state({"ide": ide("a|1"), "agent": agent("b|2")}, environment)
    assert two.warnings == ("cursor-agent is logged in as somebody else",)


CONFIG = file("cli-config.json", (FOLDER / "cli-config.json").read_bytes())


def test_a_session_in_the_keyring(environment: Environment) -> None:
    """cli-config.json says who; the token is fetched when it is asked with, if it is still good."""
    context = ReadContext(NOW, environment)
    logged_in = state({"agent_config": CONFIG}, environment)
    assert (logged_in.status, logged_in.identity) == (
        Status.OK, Identity("auth0|user_EXAMPLE01", "dev@example.com"),
    )  # fmt: skip
    credential = ENDPOINT.credential({"agent_config": CONFIG}, context)
    assert isinstance(credential, Credential)
    assert credential.kept == Kept("cursor-access-token", "cursor-user")
    assert (credential.token, credential.account) == ("", "auth0|user_EXAMPLE01")
    good = token("auth0|user_EXAMPLE01", NOW + 3600)
    assert ENDPOINT.token_in(good, context) == good
    over = ENDPOINT.token_in(token("auth0|user_EXAMPLE01", NOW), context)
    assert isinstance(over, NotAsked)
    assert "cursor-agent login" in over.reason


def test_a_file_is_looked_at_before_the_keyring(environment: Environment) -> None:
    """One without a token means logged out, whatever the config still says."""
    session = held({"agent": agent("a|1"), "agent_config": CONFIG}, ReadContext(NOW, environment))
    assert session is not None
    assert session.token
    emptied: dict[str, Found] = {"agent": file("auth.json", {}), "agent_config": CONFIG}
    assert state(emptied, environment).status is Status.UNCONFIGURED
    lapsed: dict[str, Found] = {"ide": ide("auth0|user_EXAMPLE01", expires=NOW), "agent_config": CONFIG}
    assert state(lapsed, environment).status is Status.OK


def test_a_key_counts_where_there_is_no_session(
    environment: Environment, with_variables: Callable[..., Environment]
) -> None:
    """It does not say whose it is; beside a session it is only spoken of."""
    home = with_variables(CURSOR_API_KEY="crsr_CANARY")
    (alone,) = PROVIDER.read_login({}, ReadContext(NOW, home))
    assert isinstance(alone, LoginState)
    assert alone.status is Status.OK
    assert alone.identity is not None
    assert alone.identity.key.startswith("key-")
    beside = state({"ide": ide("a|1")}, home)
    assert beside.identity == Identity("a|1", "dev@example.com")
    assert beside.warnings == ("cursor-agent uses CURSOR_API_KEY of the environment instead of this session",)
    assert "CANARY" not in repr(alone) + repr(held({}, ReadContext(NOW, home)))
    (nothing,) = PROVIDER.read_login({}, ReadContext(NOW, environment))
    assert isinstance(nothing, LoginState)
    assert nothing.status is Status.UNCONFIGURED


def test_a_lapsed_session_is_never_asked_with(environment: Environment) -> None:
    """Idle where Cursor can renew it, expired where it cannot; one that is nearly over counts."""
    for refresh, status in (("r", Status.IDLE), ("", Status.EXPIRED)):
        files = {"ide": ide("a|1", expires=NOW + 30, refresh=refresh)}
        assert state(files, environment).status is status
        assert isinstance(ENDPOINT.credential(files, ReadContext(NOW, environment)), NotAsked)


def test_the_cookie_of_the_sample(environment: Environment) -> None:
    """Built from the token alone; no repr holds it."""
    files: dict[str, Found] = {"agent": file("auth.json", (FOLDER / "agent_auth.json").read_bytes())}
    credential = ENDPOINT.credential(files, ReadContext(NOW, environment))
    assert isinstance(credential, Credential)
    summary = next(q for q in ENDPOINT.questions(credential, {}, NOW) if q.name == "summary")
    assert summary.headers["Cookie"] == (FOLDER / "cookie_header.txt").read_text().strip()
    assert "eyJ" not in repr(credential) + repr(summary) + repr(held(files, ReadContext(NOW, environment)))
    assert "EXAMPLE-REFRESH" not in str(summary.headers)


@given(st.dictionaries(st.sampled_from(["ide", "agent", "agent_config"]), st.binary(max_size=200)))
def test_any_bytes_are_a_state(files: dict[str, bytes]) -> None:
    """Never an exception, never logged in by accident."""
    environment = Environment(Path("/h"), {}, Path("/h/c"), Path("/h/s"), Path("/h/d"))
    found: dict[str, Found] = {name: file(name, data) for name, data in files.items()}
    assert login_state(found, ReadContext(NOW, environment)).status is Status.UNCONFIGURED
