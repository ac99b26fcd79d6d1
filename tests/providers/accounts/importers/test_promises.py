"""What holds for every tool: sources stay as they are, nothing is followed, nothing is shown."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.accounts.importers import IMPORTERS, CannotImport
from providers.accounts.importers.planned import plan
from providers.accounts.importers.preview import preview_lines
from providers.accounts.importers.sources import NotRead, copied
from providers.base import MIB, Environment
from tests.providers.accounts.importers.homes import (
    HOMES,
    aimonitor_items,
    as_it_lies,
    caam_profile,
    codex_login,
    found,
    swap_slot,
    with_aimonitor,
)
from tests.world.logins import put

TOOLS = list(IMPORTERS)
REGISTER = {
    "claude-swap": ".local/share/claude-swap/sequence.json",
    "aimonitor": ".local/share/aimonitor/aimonitor.db",
    "cc-router": ".cc-router/accounts.json",
    "codex-auth": ".codex/accounts/registry.json",
}
COPIES = {
    "claude-swap": ".local/share/claude-swap/credentials/.creds-1-ada@example.com.enc",
    "caam": ".local/share/caam/vault/codex/Work!/auth.json",
    "codex-auth": ".codex/accounts/plain-key.1.auth.json",
}


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest, environment: Environment) -> str:
    """A tool, in whose home the rest takes place."""
    HOMES[request.param](environment)
    return str(request.param)


def test_every_tool_has_a_home_here() -> None:
    """A new reader needs an entry, and is then asked all of this."""
    assert set(HOMES) == set(IMPORTERS)


def test_no_source_changes(environment: Environment, tool: str) -> None:
    """Bytes, modes, links and the list of files are the same; no log of a database is left."""
    before = as_it_lies(environment.home)
    every = found(tool, environment, aimonitor_items(environment))
    assert any(one.login for one in every)
    preview_lines(plan(every, []))
    assert as_it_lies(environment.home) == before
    assert not list(environment.home.rglob("*-wal"))


def test_a_read_only_home_is_enough(environment: Environment, tool: str) -> None:
    """The folders cannot be written (which root could all the same)."""
    folders = [p for p in environment.home.rglob("*") if p.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    try:
        assert any(one.login for one in found(tool, environment, aimonitor_items(environment)))
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_no_secret_shows(environment: Environment, tool: str) -> None:
    """Neither in a repr nor in a sentence; but in the payload, which has to hold it."""
    every = found(tool, environment, aimonitor_items(environment))
    planned = plan(every, [])
    shown = [repr(every), repr(planned), f"{every} {planned}", *preview_lines(planned)]
    assert not [text for text in shown if "CANARY" in text or "sk-ant" in text or "eyJ" in text]
    assert all("CANARY" in one.payload.reveal() for one in every if one.login)


def test_what_is_not_imported_says_why(environment: Environment, tool: str) -> None:
    """Each candidate has a login or a reason, never both, and never an empty name."""
    for one in found(tool, environment, aimonitor_items(environment)):
        assert bool(one.login) != bool(one.why_not)
        assert one.label.isprintable()
        assert one.label


def _huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(9 * 1024 * 1024)


def _link(path: Path) -> None:
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 16)


def _deep(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


HURTS = [_huge, _link, _pipe, _torn, _noise, _deep]


@pytest.mark.parametrize("hurt", HURTS)
@pytest.mark.parametrize("tool", [t for t in REGISTER if t != "aimonitor"])
def test_a_broken_register_is_one_sentence(environment: Environment, tool: str, hurt) -> None:  # type: ignore[no-untyped-def]
    """Nothing of the tool is read then."""
    HOMES[tool](environment)
    hurt(environment.home / REGISTER[tool])
    with pytest.raises(CannotImport) as refused:
        found(tool, environment)
    assert str(refused.value).isprintable()
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize("hurt", [_link, _pipe, _noise, _deep])
def test_a_broken_database_is_one_sentence(environment: Environment, hurt) -> None:  # type: ignore[no-untyped-def]
    """A huge one is not: it is not read as a whole."""
    hurt(with_aimonitor(environment))
    with pytest.raises(CannotImport, match=r"^aimonitor\.db of aimonitor is "):
        found("aimonitor", environment)


@pytest.mark.parametrize("hurt", HURTS)
@pytest.mark.parametrize("tool", COPIES)
def test_a_broken_copy_costs_itself_alone(environment: Environment, tool: str, hurt) -> None:  # type: ignore[no-untyped-def]
    """Its line says why, without the name of its file; the others stay."""
    HOMES[tool](environment)
    whole = len(found(tool, environment))
    path = environment.home / COPIES[tool]
    hurt(path)
    every = found(tool, environment)
    assert len(every) == whole
    assert any(one.login for one in every)
    bad = [one for one in every if "the copy there" in one.why_not]
    assert len(bad) == 1
    assert path.name not in bad[0].why_not


def test_half_a_character_in_a_token(environment: Environment) -> None:
    """JSON can hold what UTF-8 cannot: no header could carry such a token, so it is no login."""
    broken = "\ud800CANARY"
    swap_slot(environment, 1, "a@b.c", {"claudeAiOauth": {"refreshToken": broken, "accessToken": broken}})
    put(
        environment.home / REGISTER["cc-router"],
        [{"id": "\ud800", "refreshToken": broken, "accessToken": "x"}],
    )
    caam_profile(environment, "codex", "x", {"auth.json": codex_login("x").replace("rt_", "\\ud800")})
    for tool in ("claude-swap", "cc-router", "caam"):
        every = found(tool, environment)
        assert [one.login for one in every] == [None]
        assert "CANARY" not in repr(plan(every, []))
        "\n".join(preview_lines(plan(every, []))).encode()


def test_the_bound(environment: Environment) -> None:
    """Eight MiB are read, one byte more is not, though it is what it should be."""
    path = environment.home / "x.json"
    path.write_bytes(b" " * (8 * MIB))
    assert copied(path) is not None
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(NotRead, match=r"^the copy there is larger than 8 MiB$"):
        copied(path)


def test_a_copy_that_may_not_be_read(environment: Environment) -> None:
    """The reason is a file's mode; the file's name, which is an e-mail here, is not in it."""
    HOMES["claude-swap"](environment)
    path = environment.home / COPIES["claude-swap"]
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        with pytest.raises(
            NotRead, match=r"^the copy there cannot be read, permission denied: chmod u\+r it$"
        ):
            copied(path)
    finally:
        os.seteuid(user)


def test_a_tool_that_is_not_here(environment: Environment) -> None:
    """One sentence that names what was looked for."""
    for tool in TOOLS:
        with pytest.raises(CannotImport, match=f"^{tool} keeps no (accounts|profiles) here: "):
            found(tool, environment)


@pytest.fixture
def writer(environment: Environment) -> Iterator[sqlite3.Connection]:
    """aimonitor itself, with its database open and a row in its log."""
    path = with_aimonitor(environment)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE accounts SET label = 'renamed' WHERE id = 1")
        connection.commit()
        yield connection


@pytest.mark.usefixtures("writer")
def test_a_database_in_use_is_read_with_its_log(environment: Environment) -> None:
    """The newest names, and the log as it was."""
    before = as_it_lies(environment.home)
    assert found("aimonitor", environment)[0].label == "renamed"
    after = as_it_lies(environment.home)
    # Readers mark themselves in the shared index, as SQLite's own do; nothing else moves.
    assert {k: v for k, v in after.items() if not k.endswith("-shm")} == {
        k: v for k, v in before.items() if not k.endswith("-shm")
    }


def test_a_whole_home_that_belongs_to_a_hostile_tree(environment: Environment, tool: str) -> None:
    """Every file of a tool replaced by a folder: no exception but the refusal."""
    for path in [p for p in environment.home.rglob("*") if p.is_file()]:
        path.unlink()
        path.mkdir()
    with contextlib.suppress(CannotImport):
        assert not any(one.login for one in found(tool, environment))
    shutil.rmtree(environment.home)


_LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
_KEYS = st.sampled_from(
    ["accounts", "1", "email", "uuid", "alias", "kind", "id", "provider", "refreshToken", "accessToken",
     "expiresAt", "scopes", "schema_version", "version", "account_key", "schemaVersion", "entries"]
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES, lambda inner: st.dictionaries(_KEYS, inner) | st.lists(inner, max_size=3), max_leaves=14
)
_ROWS = st.lists(st.dictionaries(_KEYS, _TREES), max_size=3)
_REGISTERS = (
    _TREES
    | _ROWS
    | st.builds(lambda rows: {"schema_version": 3, "accounts": rows}, _ROWS)
    | st.builds(lambda slots: {"accounts": slots}, st.dictionaries(st.sampled_from(["1", "2", "x"]), _TREES))
)


@pytest.mark.parametrize("tool", [t for t in REGISTER if t != "aimonitor"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(document=_REGISTERS)
def test_odd_registers_never_raise_but_refuse(environment: Environment, tool: str, document: object) -> None:
    """Any shape: a refusal, or candidates without a login."""
    put(environment.home / REGISTER[tool], json.dumps(document))
    with contextlib.suppress(CannotImport):
        for one in found(tool, environment):
            assert one.label
            assert bool(one.login) != bool(one.why_not)
