"""OpenCode's logins as accounts: each entry of auth.json is one, and all others stay."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.accounts.login import Held, Login, Running
from providers.accounts.secret import Secret
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.engine.tokens import fingerprint
from providers.opencode.login import login_state
from providers.opencode.store import OpenCodeStore, stores
from providers.record import replace
from tests.conftest import SAMPLES
from tests.stores import (
    CANARY,
    found,
    jwt,
    kept_as_it_was,
    login_of,
    no_canary,
    no_login_when_torn,
    nothing_raises,
    process,
    refuses,
    why,
)

AUTH = (SAMPLES / "opencode/auth.v1.json").read_bytes()
ENTRIES = json.loads(AUTH)
A, B = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
OPENAI = "https://api.openai.com/auth"


@pytest.fixture
def openai(environment: Environment) -> OpenCodeStore:
    return OpenCodeStore(environment, "openai")


@pytest.fixture
def folder(environment: Environment) -> Path:
    path = environment.home / ".local/share/opencode"
    path.mkdir(parents=True)
    return path


def with_entry(slot: str, **changes: Any) -> bytes:
    """AUTH with changed keys of one entry."""
    return json.dumps(ENTRIES | {slot: ENTRIES.get(slot, {}) | changes}).encode()


def access(account: str = A, **claims: object) -> str:
    """An access token of OpenAI."""
    return jwt({OPENAI: {"chatgpt_account_id": account, "chatgpt_user_id": "user-EXAMPLE-A"}} | claims)


@pytest.mark.parametrize(
    ("slot", "held", "key"),
    [
        ("opencode-go", Held.LOGIN, "key-"),
        ("opencode", Held.LOGIN, "key-"),
        ("openrouter", Held.LOGIN, "key-"),
        ("openai", Held.LOGIN, f"{A}/user-EXAMPLE-A"),
        ("github-copilot", Held.OTHER, "the tokens of github-copilot do not say whose they are"),
        ("anthropic", Held.OTHER, "the tokens of anthropic do not say whose they are"),
        ("gitlab", Held.OTHER, "the tokens of gitlab do not say whose they are"),
        (
            "https://corp.example.com",
            Held.OTHER,
            "the entry https://corp.example.com is of another kind than a login or a key",
        ),
        ("absent", Held.NOTHING, ""),
        ("", Held.NOTHING, ""),
    ],
)
def test_every_entry_of_the_sample(environment: Environment, slot: str, held: Held, key: str) -> None:
    """A login that names its account, a key, or bytes that cannot prove whose they are."""
    store = OpenCodeStore(environment, slot)
    live = store.parse(found(store, AUTH))
    assert live.held is held
    if live.login is None:
        assert live.why == key
        return
    assert live.login.identity is not None
    assert live.login.identity.key.startswith(key)
    assert (live.login.provider, live.login.slot) == ("opencode", slot)


def test_there_is_a_store_for_each_entry_that_may_be_a_login(environment: Environment, folder: Path) -> None:
    """As auth.json has them now; the rest of it is left alone."""
    assert stores(environment) == ()
    odd = {"a b": {"type": "api", "key": "x"}, "../x": {"type": "api"}, "\x1b[1m": {"type": "api"}, "n": None}
    (folder / "auth.json").write_text(json.dumps(ENTRIES | odd))
    assert [store.slot for store in stores(environment)] == [
        "opencode-go", "opencode", "openai", "github-copilot", "anthropic", "gitlab", "openrouter"
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_not_an_empty_one(environment: Environment, folder: Path) -> None:
    """One store without an entry says so."""
    for data in (AUTH[:-5], b"", b"[]", b"\xff{}"):
        (folder / "auth.json").write_bytes(data)
        (store,) = stores(environment)
        assert store.slot == ""
        held, clause = why(store.parse(found(store, data)))
        assert (held, clause[:10]) == (Held.UNREADABLE, "auth.json ")


def test_what_a_login_says(openai: OpenCodeStore) -> None:
    """Of OpenAI's the workspace and the member, as in Codex's own login; times are epoch seconds."""
    login = login_of(openai, AUTH)
    assert login.identity is not None
    assert login.identity.email == "dev@example.com"
    assert (login.issued, login.expires_at) == (1799999400.0, 1800003600.0)
    assert login.lineage == fingerprint("rt_EXAMPLE")


def test_a_key_is_the_account_of_the_deck(environment: Environment) -> None:
    """Nothing but the key says whose it is; another key is another account."""
    store = OpenCodeStore(environment, "opencode-go")
    login, other = login_of(store, AUTH), login_of(store, with_entry("opencode-go", key="sk-EXAMPLE-OTHER"))
    files: dict[str, Found] = {"auth": FileBytes(Path("x"), AUTH, 0.0)}
    assert login_state(files, ReadContext(0.0, environment)).identity == login.identity
    assert login.lineage == fingerprint("sk-EXAMPLE-GO")
    assert other.identity != login.identity
    assert (login.issued, login.expires_at, login.ends_at) == (0.0, None, None)


def test_another_issuers_token_names_its_subject(environment: Environment) -> None:
    """With who named it: a subject alone is a number of one service."""
    store = OpenCodeStore(environment, "newer")
    entry = {"type": "oauth", "refresh": "r", "expires": 0}
    for told, key in (
        ({"iss": "https://x", "sub": "7"}, "https://x/7"),
        ({"sub": "7"}, "/7"),
        ({"iss": "https://x"}, None),
        ({"sub": 7}, None),
    ):
        live = store.parse(found(store, with_entry("newer", **entry, access=jwt(told))))
        assert (live.login.identity.key if live.login and live.login.identity else None) == key


def test_the_order_of_generations(openai: OpenCodeStore) -> None:
    """By the issue of the access token, else by its end; no clock of ours is asked."""
    cases: list[tuple[dict[str, Any], float]] = [
        ({"access": access(), "expires": 0}, 0.0),
        ({"access": access(), "expires": 1800003600000}, 1800003600.0),
        ({"access": access(iat=1800000000), "expires": 1800003600000}, 1800000000.0),
        ({"access": access(iat=1800000001), "expires": 5}, 1800000001.0),
    ]
    for changes, issued in cases:
        assert login_of(openai, with_entry("openai", **changes)).issued == issued


@pytest.mark.parametrize(
    ("slot", "changes", "held"),
    [
        ("openai", {"access": "", "refresh": ""}, Held.HUSK),
        ("openai", {"access": None, "refresh": ["x"]}, Held.HUSK),
        ("openai", {"access": "a b", "refresh": "\ud800"}, Held.HUSK),
        ("openai", {"refresh": ""}, Held.OTHER),
        ("openai", {"access": ""}, Held.OTHER),
        ("openai", {"type": "wellknown"}, Held.OTHER),
        ("openai", {"type": ["oauth"]}, Held.OTHER),
        ("opencode-go", {"key": ""}, Held.HUSK),
        ("opencode-go", {"key": None}, Held.HUSK),
        ("opencode-go", {"key": "a b"}, Held.HUSK),
        ("opencode-go", {"type": "oauth"}, Held.HUSK),
    ],
)
def test_what_is_no_login(environment: Environment, slot: str, changes: dict[str, Any], held: Held) -> None:
    """Husks, and entries that cannot be renewed or name nobody."""
    store = OpenCodeStore(environment, slot)
    live = store.parse(found(store, with_entry(slot, **changes)))
    assert (live.held, live.login) == (held, None)


def test_an_entry_that_names_two(openai: OpenCodeStore) -> None:
    """Kept under no name, and never put back; any account that the token names is as good."""
    live = openai.parse(found(openai, with_entry("openai", accountId=B)))
    assert live.held is Held.MIXED
    assert live.login is not None
    assert (live.login.identity, live.login.claimed) == (None, None)
    assert openai.opened(live.login.payload) == live.login
    assert "capture it again" in refuses(openai, live.login, AUTH)
    for changes in (
        {"accountId": None},
        {"accountId": "org", "access": access(organizations=[{"id": "org"}])},
    ):
        assert login_of(openai, with_entry("openai", **changes)).identity is not None


def test_torn_files(openai: OpenCodeStore) -> None:
    """OpenCode writes in place, so half a file is one that is being written."""
    no_login_when_torn(openai, AUTH)
    nothing_raises(openai, AUTH)
    assert openai.parse(found(openai, b"")).held is Held.UNREADABLE
    assert why(openai.parse({})) == (Held.NOTHING, "")
    number = with_entry("openai", newer=0).replace(b'"newer": 0', b'"newer": 1e999')
    assert openai.parse(found(openai, number)).held is Held.UNREADABLE


def put(store: OpenCodeStore, login: Login, live: bytes | None) -> bytes:
    """auth.json with the login in it."""
    return store.compose(login, found(store, live))[store.files()[0].path]


def test_a_round_trip(openai: OpenCodeStore) -> None:
    """One entry changes, with keys that nobody knows; every other byte of the file stays."""
    login = login_of(openai, with_entry("openai", refresh="rt_NEW", newer={"ü\ud800": [1.5]}))
    kept_as_it_was(openai, login)
    after = put(openai, login, AUTH)
    assert json.loads(after) == ENTRIES | {
        "openai": ENTRIES["openai"] | {"refresh": "rt_NEW", "newer": {"ü\ud800": [1.5]}}
    }
    start, end = AUTH.index(b'"openai": ') + 10, AUTH.index(b'"github-copilot"')
    assert after[:start] == AUTH[:start]
    assert after.endswith(AUTH[AUTH.rindex(b"}", 0, end) + 1 :])
    assert login_of(openai, after) == login
    assert put(openai, login_of(openai, AUTH), after) == AUTH
    assert json.loads(put(openai, login, None)) == {"openai": json.loads(after)["openai"]}


def test_entries_of_others_keep_their_spelling(environment: Environment) -> None:
    """Also what OpenCode itself would drop, and what a parser would round."""
    store = OpenCodeStore(environment, "openrouter")
    live = (
        b'{"x": 1.10,\t"y":{"type":"api","key":"\\u00fc"} , "openrouter":{"type":"api","key":"k"}, "z":null}'
    )
    after = put(store, login_of(store, AUTH), live)
    entry = json.dumps(ENTRIES["openrouter"], separators=(",", ":")).encode()
    assert after == live.replace(b'{"type":"api","key":"k"}', entry)


def test_what_is_not_written(openai: OpenCodeStore, environment: Environment) -> None:
    """Over a file that cannot be read, what is no login, and where there is no entry."""
    login = login_of(openai, AUTH)
    assert "symbolic link" in refuses(openai, login, Unreadable(Path("x"), "is a symbolic link"))
    for torn in (AUTH[:-2], b"", b"[]", b"\xff" + AUTH, b"{" * 9000):
        assert "half written" in refuses(openai, login, torn)
    for text in ("", "{}", '{"type": "oauth", "access": "x", "refresh": "y"}', "\ud800"):
        assert "capture it again" in refuses(openai, replace(login, payload=Secret(text)), AUTH)
    assert "capture it again" in refuses(OpenCodeStore(environment, ""), login, AUTH)


def test_variables_that_count_more(
    environment: Environment, with_variables: Callable[..., Environment]
) -> None:
    """One stands in for the whole file, one for the key of OpenCode's own services."""
    for slot in ("openai", "opencode-go", "opencode", ""):
        assert OpenCodeStore(environment, slot).refusal({}) == ""
        whole = OpenCodeStore(with_variables(OPENCODE_AUTH_CONTENT=CANARY), slot).refusal({})
        assert (
            whole == "OPENCODE_AUTH_CONTENT is set, and OpenCode uses it instead of auth.json: unset it first"
        )
        key = OpenCodeStore(with_variables(OPENCODE_API_KEY=CANARY), slot).refusal({})
        assert key.startswith("OPENCODE_API_KEY is set") == (slot in ("opencode", "opencode-go"))
        assert CANARY not in key


def build(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.executescript(statement)


def test_logins_in_the_database_are_not_touched(environment: Environment, folder: Path) -> None:
    """OpenCode 2 keeps them there; 1.x has the same table, empty, or none."""
    store = OpenCodeStore(environment, "openai")
    path = folder / "opencode.db"
    build(path, "CREATE TABLE session(id TEXT)")
    assert store.refusal({}) == ""
    schema = (SAMPLES / "opencode/db.v2.sql").read_text()
    path.unlink()
    build(path, schema, "DELETE FROM credential")
    assert store.refusal({}) == ""
    assert stores(environment) == ()
    path.unlink()
    build(path, schema)
    before = path.read_bytes()
    sentence = "OpenCode 2 keeps its logins in its database, which is not written: opencode auth login"
    assert store.refusal({}) == sentence
    (whole,) = stores(environment)
    assert (whole.slot, whole.refusal({})) == ("", sentence)
    assert path.read_bytes() == before
    assert [p.name for p in folder.iterdir()] == ["opencode.db"]
    path.write_bytes(b"no database" * 100)
    assert store.refusal({}) == "whether OpenCode 2 keeps its logins in opencode.db cannot be seen: try again"


def test_where_everything_lies(environment: Environment, with_variables: Callable[..., Environment]) -> None:
    """In the data folder, which one variable moves."""
    store = OpenCodeStore(environment, "openai")
    assert [file.path for file in store.files()] == [environment.home / ".local/share/opencode/auth.json"]
    assert (store.locks(), store.margin, store.alone) == ((), 60.0, False)
    moved = OpenCodeStore(with_variables(XDG_DATA_HOME="/x"), "openai")
    assert moved.files()[0].path == Path("/x/opencode/auth.json")


def test_running_opencodes(environment: Environment, tmp_path: Path) -> None:
    """The program, or the script that starts it, once."""
    assert OpenCodeStore(environment, "openai", tmp_path / "absent").running() == Running(known=False)
    proc = tmp_path / "proc"
    proc.mkdir()
    process(proc, 10, "node", "/usr/bin/opencode", ticks=30_000)
    process(proc, 11, "/x/bin/.opencode", parent=10, ticks=30_010)
    process(proc, 12, "cat", "opencode")
    assert OpenCodeStore(environment, "openai", proc).running() == Running(1, 1300.0)


def test_no_secret_shows(environment: Environment, openai: OpenCodeStore) -> None:
    """In no answer and no error, also of another entry."""
    no_canary(openai, with_entry("openai", refresh=CANARY))
    no_canary(openai, with_entry("openai", refresh=CANARY, accountId=B))
    no_canary(openai, with_entry("openai", refresh=CANARY, access=f"opaque-{CANARY}"))
    no_canary(openai, with_entry("gitlab", refresh=CANARY))
    no_canary(OpenCodeStore(environment, "opencode-go"), with_entry("opencode-go", key=CANARY))
