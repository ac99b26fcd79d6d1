"""Codex's login as an account: the whole of auth.json, and what in it proves whose it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.accounts.login import FileLock, Held, Running
from providers.accounts.secret import Secret
from providers.base import Environment, FileBytes, ReadContext, Unreadable
from providers.codex.login import login_state
from providers.codex.store import CodexStore, stores
from providers.engine.tokens import fingerprint
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

MINE = (SAMPLES / "codex/auth.chatgpt.json").read_bytes()
THEIRS = (SAMPLES / "codex/auth.chatgpt-workspace.json").read_bytes()
A, B = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
WHO, THEIR_WHO = f"{A}/user-EXAMPLE-A", f"{B}/user-EXAMPLE-B"


@pytest.fixture
def store(environment: Environment) -> CodexStore:
    return stores(environment)[0]


def auth(tokens: dict[str, Any] | None = None, **siblings: Any) -> bytes:
    """MINE with changed tokens and other keys."""
    document = json.loads(MINE)
    return json.dumps(document | {"tokens": document["tokens"] | (tokens or {})} | siblings).encode()


def access(**claims: object) -> str:
    """An access token of WHO with these claims."""
    mine = {"chatgpt_account_id": A, "chatgpt_user_id": "user-EXAMPLE-A"}
    return jwt({"https://api.openai.com/auth": mine} | claims)


@pytest.mark.parametrize(
    ("sample", "held", "clause"),
    [
        ("auth.chatgpt.json", Held.LOGIN, ""),
        ("auth.chatgpt-workspace.json", Held.LOGIN, ""),
        ("auth.chatgpt-near-expiry.json", Held.LOGIN, ""),
        ("auth.chatgpt-expired.json", Held.LOGIN, ""),
        ("auth.legacy-no-mode.json", Held.LOGIN, ""),
        (
            "auth.legacy-key-and-tokens.json",
            Held.OTHER,
            "codex is logged in with an API key, which is no account to keep",
        ),
        ("auth.apikey.json", Held.OTHER, "codex is logged in with an API key, which is no account to keep"),
        (
            "auth.pat.json",
            Held.OTHER,
            "codex is logged in with a personal access token, which is no account to keep",
        ),
    ],
)
def test_every_sample(store: CodexStore, sample: str, held: Held, clause: str) -> None:
    """A login, or another kind of login."""
    data = (SAMPLES / "codex" / sample).read_bytes()
    assert why(store.parse(found(store, data))) == (held, clause)


def test_what_a_login_says(store: CodexStore, environment: Environment) -> None:
    """The tokens name the account, as the deck names it; times are epoch seconds."""
    login = login_of(store, MINE)
    assert login.identity is not None
    assert (login.identity.key, login.identity.email, login.plan) == (WHO, "dev@example.com", "Plus")
    assert (login.issued, login.expires_at) == (1799999400.0, 1800777600.0)
    assert login.lineage == fingerprint(json.loads(MINE)["tokens"]["refresh_token"])
    for data in (MINE, THEIRS):
        state = login_state({"auth": FileBytes(Path("x"), data, 0.0)}, ReadContext(0.0, environment))
        assert login_of(store, data).identity == state.identity


def test_the_order_of_generations(store: CodexStore) -> None:
    """By the issue of the access token, else by what codex noted; no clock of ours is asked."""
    assert login_of(store, auth({"access_token": access(iat=1800000000)})).issued == 1800000000.0
    noted = auth({"access_token": access()}, last_refresh="2027-01-15T07:00:00.123456789Z")
    assert login_of(store, noted).issued == pytest.approx(1799996400.123456)
    assert login_of(store, auth({"access_token": access()}, last_refresh=None)).issued == 0.0
    later = auth({"access_token": access(iat=1800000001)}, last_refresh="2020-01-01T00:00:00Z")
    assert login_of(store, later).issued == 1800000001.0


@pytest.mark.parametrize(
    "data",
    [
        b"{}", b'{"auth_mode": "chatgpt", "OPENAI_API_KEY": null}', b'{"tokens": null}', b'{"tokens": {}}',
        b'{"tokens": ["x"]}', auth({"refresh_token": ""}), auth({"refresh_token": None}),
        auth({"refresh_token": ["x"]}), auth({"refresh_token": "\ud800"}), auth({"refresh_token": "a b"}),
        auth({"refresh_token": "", "account_id": B}),
    ],
)  # fmt: skip
def test_husks(store: CodexStore, data: bytes) -> None:
    """What is left of a login is never taken for one."""
    live = store.parse(found(store, data))
    assert (live.held, live.login) == (Held.HUSK, None)


def test_logins_that_are_not_ours_to_keep(store: CodexStore) -> None:
    """Tokens that another program hands over, or that name nobody: they are something, so nothing
    may be written over them."""
    for mode in ("chatgptAuthTokens", "headers", "newer"):
        held, clause = why(store.parse(found(store, auth(auth_mode=mode))))
        assert (held, clause.startswith("codex gets its tokens from another program")) == (Held.OTHER, True)
    nameless = auth({"access_token": "opaque", "id_token": "opaque", "account_id": None})
    assert why(store.parse(found(store, nameless))) == (
        Held.OTHER,
        "the tokens in auth.json do not say whose they are",
    )


def test_tokens_of_one_in_the_file_of_another(store: CodexStore) -> None:
    """An older codex saves so when the account was switched under it: they are the newest of whom
    they name, and go back to that account."""
    mixed = auth({"account_id": B}, newer={"keep": [1]})
    live = store.parse(found(store, mixed))
    assert (live.held, live.why) == (
        Held.MIXED,
        "auth.json mixes the tokens of two accounts: run codex login",
    )
    assert live.login is not None
    whole = auth(newer={"keep": [1]})
    assert json.loads(live.login.payload.reveal()) == json.loads(whole)
    assert replace(live.login, payload=Secret("")) == replace(login_of(store, whole), payload=Secret(""))
    kept_as_it_was(store, live.login)
    assert login_of(store, store.compose(live.login, {})[store.files()[0].path]) == live.login


def test_tokens_that_name_two_are_nobodys(store: CodexStore) -> None:
    """Kept as they are, under no name, and never put back."""
    theirs = json.loads(THEIRS)["tokens"]
    for tokens in ({"id_token": theirs["id_token"]}, {"access_token": "opaque", "account_id": B}):
        live = store.parse(found(store, auth(tokens)))
        assert live.held is Held.MIXED
        assert live.login is not None
        assert (live.login.identity, live.login.claimed) == (None, None)
        assert live.login.payload.reveal().encode() == auth(tokens)
        assert store.opened(live.login.payload) == live.login
        assert "capture it again" in refuses(store, live.login, MINE)


def test_torn_files(store: CodexStore) -> None:
    """Older versions truncate the file before they fill it, so an empty one is half written too."""
    no_login_when_torn(store, MINE)
    nothing_raises(store, MINE)
    assert store.parse(found(store, b"")).held is Held.UNREADABLE
    assert why(store.parse({})) == (Held.NOTHING, "")
    unreadable = store.parse(found(store, Unreadable(Path("x"), "is a pipe")))
    assert why(unreadable) == (Held.UNREADABLE, "auth.json is a pipe")


def test_a_round_trip(store: CodexStore) -> None:
    """Byte for byte, with keys that nobody knows; nothing of the account before is left."""
    for data in (MINE, THEIRS, auth(agent_identity="x", newer={"ü": 1e3}), MINE.replace(b"\n", b"\r\n")):
        login = login_of(store, data)
        kept_as_it_was(store, login)
        for live in (MINE, THEIRS, b"", b"{", None):
            assert store.compose(login, found(store, live)) == {store.files()[0].path: data}


def test_what_is_not_written(store: CodexStore) -> None:
    """Over a file that cannot be read, and what is no login."""
    login = login_of(store, MINE)
    assert "symbolic link" in refuses(store, login, Unreadable(Path("x"), "is a symbolic link"))
    for text in ("", "{}", MINE.decode()[:-3], auth({"refresh_token": ""}).decode(), "\ud800"):
        assert "capture it again" in refuses(store, replace(login, payload=Secret(text)), MINE)


def test_an_account_that_codex_would_log_out(store: CodexStore, environment: Environment) -> None:
    """Its config may allow some workspaces only; it deletes the login of whoever is of another."""
    login = login_of(store, MINE)
    config = environment.home / ".codex/config.toml"
    config.parent.mkdir()
    for allowed, may in (
        (f'"{A}"', True),
        (f'["{B}", "{A}"]', True),
        ("[]", True),
        (f'["{B}"]', False),
        (f'"{B}"', False),
    ):
        config.write_text(f"forced_chatgpt_workspace_id = {allowed}\n")
        if may:
            assert store.compose(login, found(store, THEIRS))
        else:
            assert "would log this account out" in refuses(store, login, THEIRS)
    config.write_text('forced_login_method = "api"\n')
    assert "allows API keys only" in store.refusal({})
    config.write_text('forced_login_method = "chatgpt"\n')
    assert store.refusal({}) == ""


def test_where_codex_looks_elsewhere(
    environment: Environment, with_variables: Callable[..., Environment]
) -> None:
    """Another store, a key in a variable, a config that cannot be read."""
    config = environment.home / ".codex/config.toml"
    config.parent.mkdir()
    store = CodexStore(environment)
    assert store.refusal({}) == ""
    for name in ("keyring", "auto", "ephemeral", "newer"):
        config.write_text(f'cli_auth_credentials_store = "{name}"\n')
        assert f"in its {name} store" in store.refusal({})
    config.write_text('cli_auth_credentials_store = "file"\n')
    assert store.refusal({}) == ""
    config.write_text("cli_auth_credentials_store =\n")
    assert "not valid TOML" in store.refusal({})
    config.unlink()
    for name in ("CODEX_API_KEY", "CODEX_ACCESS_TOKEN"):
        sentence = CodexStore(with_variables(**{name: CANARY})).refusal({})
        assert name in sentence
        assert CANARY not in sentence


def test_where_everything_lies(
    environment: Environment, with_variables: Callable[..., Environment], tmp_path: Path
) -> None:
    """In the resolved home, as codex has it; both of its locks, in its own order."""
    home = environment.home / ".codex"
    store = CodexStore(environment)
    assert [file.path for file in store.files()] == [home / "auth.json"]
    assert store.locks() == (FileLock(home / "auth.lock"), FileLock(home / "auth.json.lock"))
    assert (store.margin, store.alone) == (360.0, False)
    target, link, loop = tmp_path / "target", tmp_path / "link", tmp_path / "loop"
    link.symlink_to(target)
    loop.symlink_to(loop)
    moved = CodexStore(with_variables(CODEX_HOME=str(link)))
    assert moved.locks()[0] == FileLock(target / "auth.lock")
    assert CodexStore(with_variables(CODEX_HOME=str(loop))).parse({}).held is Held.NOTHING


def test_running_codexes(environment: Environment, tmp_path: Path) -> None:
    """By name: the program itself or a script of an interpreter; what it starts is not counted
    again, and a file of that name in an editor is none."""
    store = CodexStore(environment, tmp_path / "absent")
    assert store.running() == Running(known=False)
    proc = tmp_path / "proc"
    proc.mkdir()
    process(proc, 2, "vim", "codex")
    store = CodexStore(environment, proc)
    assert store.running() == Running(0)
    process(proc, 10, "node", "--no-warnings", "/usr/bin/codex.js", "resume", ticks=70_000)
    process(proc, 11, "/x/vendor/codex", "resume", parent=10, ticks=70_100, name="codex ) x")
    process(proc, 12, "/usr/bin/codex", ticks=50_000)
    process(proc, 13, "grep", "codex")
    process(proc, 14, "node", "/srv/server.js", "codex")
    process(proc, 15)
    (proc / "16").mkdir()
    assert store.running() == Running(2, 1500.0)
    (proc / "stat").unlink()
    assert store.running() == Running(2, 0.0)


def test_no_secret_shows(store: CodexStore) -> None:
    """In no answer and no error."""
    no_canary(store, auth({"refresh_token": CANARY}))
    no_canary(store, auth({"refresh_token": CANARY, "account_id": B}))
    no_canary(
        store, auth({"refresh_token": CANARY, "access_token": "opaque", "id_token": "", "account_id": ""})
    )
    no_canary(store, json.dumps({"auth_mode": "apikey", "OPENAI_API_KEY": CANARY}).encode())
