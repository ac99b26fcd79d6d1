"""Claude Code's login as an account: whose bytes move, and whose stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.accounts.login import FolderLock, Held, Running
from providers.accounts.secret import Secret
from providers.base import Environment, Unreadable
from providers.claude.sessions import sessions
from providers.claude.store import MACHINE, ClaudeStore, stores
from providers.record import replace
from tests.conftest import SAMPLES
from tests.stores import (
    CANARY,
    found,
    kept_as_it_was,
    login_of,
    no_canary,
    no_login_when_torn,
    nothing_raises,
    process,
    refuses,
    why,
)

FULL = (SAMPLES / "claude/credentials.full.json").read_bytes()
EXPIRED = (SAMPLES / "claude/credentials.expired.json").read_bytes()
CONFIG = (SAMPLES / "claude/claude_json.max20x.json").read_bytes()
OTHER = (SAMPLES / "claude/claude_json.cache_of_other_account.json").read_bytes()
WHO = "11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222"
OTHER_WHO = "33333333-3333-4333-8333-333333333333/44444444-4444-4444-8444-444444444444"
EMPTIED = "Claude Code emptied its login, or is writing it just now"


@pytest.fixture
def store(environment: Environment) -> ClaudeStore:
    return stores(environment)[0]


def blob(**changes: object) -> dict[str, Any]:
    """The tokens of a login."""
    tokens = json.loads(EXPIRED)["claudeAiOauth"] | {
        "accessToken": f"at-{CANARY}",
        "refreshToken": f"rt-{CANARY}",
    }
    return {**tokens, **changes}


def wrapped(**siblings: object) -> bytes:
    """A credential file with these keys beside the tokens."""
    return json.dumps({"claudeAiOauth": blob()} | siblings).encode()


@pytest.mark.parametrize(
    ("sample", "held", "clause"),
    [
        ("credentials.full.json", Held.LOGIN, ""),
        ("credentials.expired.json", Held.LOGIN, ""),
        ("credentials.corrupt_scopes.json", Held.LOGIN, ""),
        ("credentials.wiped.json", Held.HUSK, EMPTIED),
        (
            "credentials.mcp_only.json",
            Held.HUSK,
            "the credential file holds no login, only data of MCP servers",
        ),
        (
            "credentials.setup_token.json",
            Held.OTHER,
            "a setup-token login, which cannot be renewed, is no account to keep",
        ),
    ],
)
def test_every_sample(store: ClaudeStore, sample: str, held: Held, clause: str) -> None:
    """A login, a husk, or another kind of login."""
    data = (SAMPLES / "claude" / sample).read_bytes()
    assert why(store.parse(found(store, data, CONFIG))) == (held, clause)


def test_what_a_login_says(store: ClaudeStore) -> None:
    """The name beside the tokens is a claim, never a proof; times are epoch seconds."""
    login = login_of(store, FULL, CONFIG)
    assert login.identity is None
    assert login.claimed is not None
    assert (login.claimed.key, login.claimed.email) == (WHO, "dev@example.com")
    assert (login.provider, login.slot, login.plan) == ("claude", "", "Max 20x")
    assert (login.issued, login.expires_at, login.ends_at) == (1795348800.0, 1795348800.0, 1797746400.0)
    assert login_of(store, FULL, None).claimed is None


def test_the_later_end_is_the_later_issue(store: ClaudeStore) -> None:
    """Of two generations; without an end nothing is known, and no clock of ours is asked."""
    ends: list[tuple[object, float]] = [
        (None, 0.0), (0, 0.0), ("soon", 0.0), (1795326480000, 1795326480.0), (1795348800000, 1795348800.0)
    ]  # fmt: skip
    issued = [
        login_of(store, json.dumps({"claudeAiOauth": blob(expiresAt=end)}).encode(), CONFIG).issued
        for end, _ in ends
    ]
    assert issued == [seconds for _, seconds in ends]
    assert issued == sorted(issued)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"{}", b'{"claudeAiOauth": {}}', b'{"claudeAiOauth": null, "trustedDeviceToken": "x"}',
        b'{"claudeAiOauth": {"accessToken": "", "refreshToken": ""}}',
        b'{"accessToken": "", "refreshToken": ""}',
        b'{"claudeAiOauth": {"accessToken": null, "refreshToken": null}}', b'{"mcpOAuth": {"x": 1}}',
        b'{"claudeAiOauth": {"accessToken": " ", "refreshToken": "\\ud800"}}',
        b'{"claudeAiOauth": {"accessToken": ["x"], "refreshToken": {"y": 1}}}',
    ],
)  # fmt: skip
def test_husks(store: ClaudeStore, data: bytes) -> None:
    """What is left of a login is never taken for one."""
    assert store.parse(found(store, data, CONFIG)).held is Held.HUSK


def test_no_file_is_no_login(store: ClaudeStore) -> None:
    """And that is all there is to say; one that cannot be read is another thing."""
    assert why(store.parse({})) == (Held.NOTHING, "")
    for contents in (
        (Unreadable(Path("x"), "is a pipe"), CONFIG),
        (FULL, Unreadable(Path("x"), "is a pipe")),
    ):
        held, clause = why(store.parse(found(store, *contents)))
        assert held is Held.UNREADABLE
        assert clause.endswith("is a pipe")


def test_torn_files(store: ClaudeStore) -> None:
    """Neither half of the login alone is one: a config that is half written names nobody yet."""
    no_login_when_torn(store, FULL, CONFIG)
    no_login_when_torn(store, FULL, b'{"oauthAccount": {"accountUuid": "1"}, "projects": {"/a": []}}', torn=1)
    nothing_raises(store, FULL, CONFIG)
    nothing_raises(store, FULL, CONFIG, at=1)


def test_the_vault_gives_back_what_it_got(store: ClaudeStore) -> None:
    """Also a login that came without a name, and one with odd texts."""
    odd = wrapped(trustedDeviceToken="ü\ud800", later={"deep": [1.5, None, 10**30]})
    for contents in ((FULL, CONFIG), (EXPIRED, None), (odd, OTHER)):
        login = login_of(store, *contents)
        kept_as_it_was(store, login)
        login.payload.reveal().encode("ascii")


def test_a_round_trip(store: ClaudeStore) -> None:
    """The account's part comes from the vault, the machine's from the live file of now, and of the
    config one key alone changes."""
    then = wrapped(
        mcpOAuth={"old": 1},
        pluginSecrets={"old": 1},
        trustedDeviceToken="device",
        organizationUuid="o",
        newer=[7],
    )
    now = json.dumps(json.loads(FULL) | {"mcpXaaIdp": {"now": 1}, "designOauth": "A's"}).encode()
    login = login_of(store, then, OTHER)
    assert "old" not in login.payload.reveal()
    credentials, config = store.compose(login, found(store, now, CONFIG)).values()
    assert json.loads(credentials) == {
        "claudeAiOauth": blob(),
        "trustedDeviceToken": "device",
        "organizationUuid": "o",
        "newer": [7],
        "mcpOAuth": json.loads(FULL)["mcpOAuth"],
        "mcpXaaIdp": {"now": 1},
    }
    account = json.loads(OTHER)["oauthAccount"]
    assert json.loads(config) == json.loads(CONFIG) | {"oauthAccount": account}
    before, after = CONFIG.decode(), config.decode()
    start = before.index('"oauthAccount": {')
    assert after[:start] == before[:start]
    assert after.endswith(before[before.index("}", start) :])
    again = login_of(store, credentials, config)
    assert (again, again.claimed and again.claimed.key) == (login, OTHER_WHO)


@pytest.mark.parametrize("key", MACHINE)
def test_no_key_of_the_machine_is_ever_kept(store: ClaudeStore, key: str) -> None:
    """Neither captured nor restored, not even out of a payload that has one; one that is gone now
    stays gone."""
    for data in (wrapped(**{key: "then"}), json.dumps(blob(**{key: "then"})).encode()):
        login = login_of(store, data, CONFIG)
        assert "then" not in login.payload.reveal()
        credentials = store.compose(login, found(store, EXPIRED, CONFIG))[store.files()[0].path]
        assert key.encode() not in credentials
    smuggled = json.loads(login.payload.reveal())
    smuggled["credentials"][key] = "then"
    foreign = replace(login, payload=Secret(json.dumps(smuggled)))
    for live in (b"", None, EXPIRED):
        assert b"then" not in store.compose(foreign, found(store, live, CONFIG))[store.files()[0].path]
    opened = store.opened(foreign.payload)
    assert opened is not None
    assert "then" not in opened.payload.reveal()


def test_other_spellings_are_kept_as_claude_code_writes_them(store: ClaudeStore) -> None:
    """Tokens without a wrapper or under its old name, an ISO date, scopes in one string."""
    tokens = blob(expiresAt="2026-11-22T12:00:00Z", scopes="user:inference user:profile")
    plain = blob(expiresAt=1795348800000, scopes=["user:inference", "user:profile"])
    bare = json.dumps(tokens | {"trustedDeviceToken": "d"}).encode()
    old = json.dumps({"claude.ai_oauth": tokens, "trustedDeviceToken": "d"}).encode()
    for data in (bare, old):
        login = login_of(store, data, CONFIG)
        assert login.issued == 1795348800.0
        credentials = store.compose(login, found(store, None, None))[store.files()[0].path]
        assert json.loads(credentials) == {"claudeAiOauth": plain, "trustedDeviceToken": "d"}


def test_a_login_without_a_name_takes_none_along(store: ClaudeStore) -> None:
    """Another's name beside its tokens would be worse: Claude Code fills in null by itself."""
    login = login_of(store, EXPIRED, None)
    _, config = store.compose(login, found(store, FULL, CONFIG)).values()
    assert json.loads(config) == json.loads(CONFIG) | {"oauthAccount": None}
    assert login_of(store, EXPIRED, config).claimed is None
    _, fresh = store.compose(login_of(store, FULL, CONFIG), found(store, None, None)).values()
    assert json.loads(fresh) == {"oauthAccount": json.loads(CONFIG)["oauthAccount"]}


def test_nothing_is_written_over_what_cannot_be_read(store: ClaudeStore) -> None:
    """It may hold the machine's MCP logins, or the person's projects."""
    login = login_of(store, FULL, CONFIG)
    assert "symbolic link" in refuses(store, login, Unreadable(Path("x"), "is a symbolic link"), CONFIG)
    assert "symbolic link" in refuses(store, login, FULL, Unreadable(Path("x"), "is a symbolic link"))
    for torn in (FULL[:-2], b"[]", b'{"mcpOAuth": NaN}', b'{"mcpOAuth": 1e999}'):
        assert ".credentials.json" in refuses(store, login, torn, CONFIG)
    for torn in (CONFIG[:-2], b"", b"[]", b"\xff" + CONFIG):
        assert "half written" in refuses(store, login, FULL, torn)
    assert "capture it again" in refuses(store, replace(login, payload=Secret("{}")), FULL, CONFIG)


def test_what_counts_more_than_a_login_is_refused(
    environment: Environment, with_variables: Callable[..., Environment]
) -> None:
    """A stored key, a variable, a line in settings.json; never with its value."""
    key = (SAMPLES / "claude/claude_json.api_key_only.json").read_bytes()
    store = ClaudeStore(environment)
    assert store.refusal(found(store, FULL, CONFIG)) == ""
    assert "API key is stored" in store.refusal(found(store, FULL, key))
    for name in (
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
    ):
        sentence = ClaudeStore(with_variables(**{name: CANARY})).refusal({})
        assert name in sentence
        assert CANARY not in sentence
    settings = environment.home / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"apiKeyHelper": CANARY}))
    assert store.refusal({}) == "apiKeyHelper in settings.json is used instead of this login: unset it first"
    assert "keychain" in ClaudeStore(replace(environment, platform="darwin")).refusal({})


def test_where_everything_lies(environment: Environment, with_variables: Callable[..., Environment]) -> None:
    """The files and locks follow the variables that Claude Code follows; locks in its own order."""
    home = environment.home
    plain = ClaudeStore(environment)
    assert [file.path for file in plain.files()] == [
        home / ".claude/.credentials.json",
        home / ".claude.json",
    ]
    assert [file.secret for file in plain.files()] == [True, False]
    assert plain.locks() == (
        FolderLock(home / ".claude/.oauth_refresh.lock", 60.0),
        FolderLock(home / ".claude.lock", 60.0),
        FolderLock(home / ".claude/.storage-write.lock", 15.0),
        FolderLock(home / ".claude.json.lock", 10.0),
    )
    moved = ClaudeStore(with_variables(CLAUDE_CONFIG_DIR="/x/work"))
    assert [file.path for file in moved.files()] == [
        Path("/x/work/.credentials.json"),
        Path("/x/work/.claude.json"),
    ]
    assert moved.locks()[1] == FolderLock(Path("/x/work.lock"), 60.0)
    assert not plain.alone


def test_no_secret_shows(store: ClaudeStore) -> None:
    """In no answer and no error."""
    no_canary(
        store, wrapped(trustedDeviceToken=CANARY), json.dumps({"oauthAccount": {}, "k": CANARY}).encode()
    )


def note(home: Path, name: str, started: float | None = None) -> None:
    (home / "sessions").mkdir(exist_ok=True)
    text = "torn {" if started is None else json.dumps({"pid": 1, "startedAt": started * 1000})
    (home / "sessions" / name).write_text(text)


def test_sessions_are_counted_by_living_processes(tmp_path: Path) -> None:
    """Not by the notes alone, which a crash leaves behind."""
    assert sessions(tmp_path) == Running()
    begin = time.time()
    note(tmp_path, f"{os.getpid()}.json", begin)
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
    note(tmp_path, f"{ended.pid}.json", begin)
    for name in (
        "0.json",
        "-1.json",
        "x.json",
        "²³.json",
        "1.txt",
        f"{2**70}.json",
        ".json",
        f"{'9' * 200}.json",
    ):
        note(tmp_path, name, begin)
    assert sessions(tmp_path) == Running(1, pytest.approx(begin))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process_:
        note(tmp_path, f"{process_.pid}.json")
        assert sessions(tmp_path) == Running(2, pytest.approx(begin))
        process_.kill()


def test_a_process_younger_than_its_note_is_another_one(tmp_path: Path) -> None:
    """Numbers of processes come round again, after a restart of the machine at the latest."""
    home, proc = tmp_path / "home", tmp_path / "proc"
    home.mkdir()
    proc.mkdir()
    ticks = os.sysconf("SC_CLK_TCK")
    process(proc, os.getpid(), "vim", ticks=9000 * ticks)
    (proc / "stat").write_text("btime 1795000000\n")
    note(home, f"{os.getpid()}.json", 1_795_000_000.0)
    assert sessions(home, proc) == Running()
    note(home, f"{os.getpid()}.json", 1_795_008_990.0)
    assert sessions(home, proc) == Running(1, 1_795_008_990.0)
