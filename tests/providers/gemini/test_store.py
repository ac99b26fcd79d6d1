"""Gemini CLI's login as an account: the tokens prove whose they are, the list of names does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.accounts.login import Held, Running
from providers.accounts.secret import Secret
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.engine.tokens import fingerprint
from providers.gemini.login import login_state
from providers.gemini.store import GeminiStore, stores
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

DEV = (SAMPLES / "gemini/oauth_creds.json").read_bytes()
HOME = (SAMPLES / "gemini/oauth_creds.consumer_expired.json").read_bytes()
NAMES = (SAMPLES / "gemini/google_accounts.json").read_bytes()
NAMELESS = "the tokens in oauth_creds.json do not say whose they are: run gemini once"


@pytest.fixture
def store(environment: Environment) -> GeminiStore:
    return stores(environment)[0]


def creds(**changes: Any) -> bytes:
    """DEV with changed keys."""
    return json.dumps(json.loads(DEV) | changes).encode()


def named(store: GeminiStore, data: bytes, names: bytes | None) -> bytes:
    """google_accounts.json after a switch to the login in ``data``."""
    return store.compose(login_of(store, data), found(store, DEV, names))[store.files()[1].path]


@pytest.mark.parametrize(
    ("sample", "key", "email", "ends"),
    [
        ("oauth_creds.json", "100000000000000000001", "dev@example.com", 1795343400.0),
        ("oauth_creds.consumer_expired.json", "home@example.com", "home@example.com", 1795170600.0),
    ],
)
def test_every_sample(
    store: GeminiStore, environment: Environment, sample: str, key: str, email: str, ends: float
) -> None:
    """Whose it is by its own id_token, as the deck names it; an access token that is over is still a
    login."""
    data = (SAMPLES / "gemini" / sample).read_bytes()
    login = login_of(store, data, NAMES)
    assert login.identity is not None
    assert (login.identity.key, login.identity.email) == (key, email)
    assert (login.provider, login.slot, login.issued, login.expires_at) == ("gemini", "", ends, ends)
    assert login.lineage == fingerprint(json.loads(data)["refresh_token"])
    files: dict[str, Found] = {"credentials": FileBytes(Path("x"), data, 0.0)}
    assert login_state(files, ReadContext(0.0, environment)).identity == login.identity


def test_the_later_end_is_the_later_issue(store: GeminiStore) -> None:
    """The id_token's own time stays behind when the access token is renewed in place."""
    ends: list[tuple[object, float]] = [
        (None, 0.0), ("soon", 0.0), (1795170600000, 1795170600.0), (1795343400000, 1795343400.0)
    ]  # fmt: skip
    issued = [login_of(store, creds(expiry_date=end)).issued for end, _ in ends]
    assert issued == [seconds for _, seconds in ends]
    assert issued == sorted(issued)


def test_the_list_of_names_proves_nothing(store: GeminiStore) -> None:
    """Without an id_token that names somebody there is no account, whoever is listed as active."""
    for token in (
        None,
        "",
        "x",
        1,
        "a.b.c",
        jwt({}),
        jwt({"hd": "example.com"}),
        jwt({"sub": 1, "email": []}),
    ):
        assert why(store.parse(found(store, creds(id_token=token), NAMES))) == (Held.OTHER, NAMELESS)
    by_subject = login_of(store, creds(id_token=jwt({"sub": "7"})), NAMES)
    assert by_subject.identity is not None
    assert (by_subject.identity.key, by_subject.identity.email) == ("7", "")


@pytest.mark.parametrize(
    ("data", "held"),
    [
        (b"{}", Held.HUSK),
        (creds(access_token="", refresh_token=""), Held.HUSK),
        (creds(access_token=None, refresh_token=["x"]), Held.HUSK),
        (creds(refresh_token="\ud800", access_token="a b"), Held.HUSK),
        (creds(refresh_token=None), Held.OTHER),
        (creds(type="external_account_authorized_user"), Held.OTHER),
        (b"[]", Held.OTHER),
    ],
)
def test_what_is_no_login(store: GeminiStore, data: bytes, held: Held) -> None:
    """Husks, tokens that end by themselves, credentials of another kind."""
    live = store.parse(found(store, data, NAMES))
    assert (live.held, live.login) == (held, None)


def test_no_file(store: GeminiStore) -> None:
    """A logout empties the name as well; where somebody is named, the login is in the keyring."""
    assert why(store.parse({})) == (Held.NOTHING, "")
    for names in (b'{"active": null, "old": ["a@example.com"]}', b"{", b"[]"):
        assert why(store.parse(found(store, None, names))) == (Held.NOTHING, "")
    assert why(store.parse(found(store, None, NAMES))) == (
        Held.OTHER,
        "the login is encrypted or in the keyring, not in oauth_creds.json",
    )


def test_torn_files(store: GeminiStore) -> None:
    """The CLI writes in place, so half a file is one that is being written."""
    no_login_when_torn(store, DEV, NAMES)
    nothing_raises(store, DEV, NAMES)
    nothing_raises(store, DEV, NAMES, at=1)
    assert store.parse(found(store, b"", NAMES)).held is Held.UNREADABLE
    unreadable = store.parse(found(store, Unreadable(Path("x"), "is a pipe"), NAMES))
    assert why(unreadable) == (Held.UNREADABLE, "oauth_creds.json is a pipe")


def test_a_round_trip(store: GeminiStore) -> None:
    """The tokens byte for byte, with keys that nobody knows; nothing of the account before stays."""
    for data in (DEV, HOME, creds(newer={"ü": 1})):
        login = login_of(store, data, NAMES)
        kept_as_it_was(store, login)
        for live in (DEV, HOME, b"", None):
            written = store.compose(login, found(store, live, NAMES))
            assert written[store.files()[0].path] == data
        assert login_of(store, data, written[store.files()[1].path]) == login


def test_the_name_moves_as_a_login_moves_it(store: GeminiStore) -> None:
    """The one before goes to the old ones, the new one leaves them; other keys keep every byte."""
    assert json.loads(named(store, HOME, NAMES)) == {"active": "home@example.com", "old": ["dev@example.com"]}
    assert named(store, DEV, NAMES) == NAMES
    assert json.loads(named(store, HOME, None)) == {"active": "home@example.com", "old": []}
    odd = b'{"x": 1.10, "old" : ["home@example.com","z@b.c"] ,\t"active":"dev@example.com","y":"\\u00fc"}'
    assert named(store, HOME, odd) == (
        b'{"x": 1.10, "old" : ["z@b.c","dev@example.com"] ,\t"active":"home@example.com","y":"\\u00fc"}'
    )
    for wrong in (b'{"active": 7, "old": "x"}', b"{}", b'{"active": null, "old": [1, null]}'):
        assert json.loads(named(store, HOME, wrong)) == {"active": "home@example.com", "old": []}


def test_a_login_without_an_e_mail_leaves_the_name_open(store: GeminiStore) -> None:
    """The CLI asks for it where there is none; another's would stay for ever."""
    data = creds(id_token=jwt({"sub": "7"}))
    assert json.loads(named(store, data, NAMES)) == {
        "active": None,
        "old": ["home@example.com", "dev@example.com"],
    }


def test_what_is_not_written(store: GeminiStore) -> None:
    """Over files that cannot be read, and what is no login."""
    login = login_of(store, DEV, NAMES)
    assert "symbolic link" in refuses(store, login, Unreadable(Path("x"), "is a symbolic link"), NAMES)
    assert "symbolic link" in refuses(store, login, DEV, Unreadable(Path("x"), "is a symbolic link"))
    for torn in (NAMES[:-2], b"", b"[]", b"null", b"{" * 9000):
        assert "half written" in refuses(store, login, DEV, torn)
    for text in ("", "{}", DEV.decode()[:-3], creds(id_token="").decode(), "\ud800"):
        assert "capture it again" in refuses(store, replace(login, payload=Secret(text)), DEV, NAMES)


def settings(environment: Environment, text: str) -> None:
    path = environment.home / ".gemini/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_where_the_cli_looks_elsewhere(
    environment: Environment, with_variables: Callable[..., Environment]
) -> None:
    """Encrypted or in the keyring, another kind of login, a token in a variable."""
    here = found(GeminiStore(environment), DEV, NAMES)
    assert GeminiStore(environment).refusal(here) == ""
    for variables, words in (
        ({"GEMINI_FORCE_ENCRYPTED_FILE_STORAGE": "true"}, "encrypted or in the keyring"),
        ({"GEMINI_API_KEY": CANARY}, "an API key is used"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "true"}, "Vertex AI is used"),
        ({"GOOGLE_GEMINI_BASE_URL": CANARY}, "a gateway is used"),
        ({"CLOUD_SHELL": "true"}, "the machine's own login is used"),
        (
            {"GOOGLE_GENAI_USE_GCA": "true", "GOOGLE_CLOUD_ACCESS_TOKEN": CANARY},
            "GOOGLE_CLOUD_ACCESS_TOKEN is set",
        ),
    ):
        sentence = GeminiStore(with_variables(**variables)).refusal(here)
        assert words in sentence
        assert CANARY not in sentence
    settings(environment, (SAMPLES / "gemini/settings.json").read_text())
    # The choice in the settings counts before a variable.
    assert GeminiStore(with_variables(GEMINI_API_KEY="x", CLOUD_SHELL="true")).refusal(here) == ""
    assert "keyring" in GeminiStore(environment).refusal(found(GeminiStore(environment), None, NAMES))
    assert GeminiStore(environment).refusal(found(GeminiStore(environment), None, b'{"active": null}')) == ""
    for kind, words in (
        ("gemini-api-key", "an API key"),
        ("vertex-ai", "Vertex AI"),
        ("newer", "another login"),
    ):
        settings(environment, json.dumps({"security": {"auth": {"selectedType": kind}}}))
        assert words in GeminiStore(environment).refusal(here)


def test_where_everything_lies(environment: Environment, with_variables: Callable[..., Environment]) -> None:
    """In .gemini of the home or of the folder that a variable names; the tokens are private."""
    store = GeminiStore(environment)
    home = environment.home / ".gemini"
    assert [(file.path, file.secret) for file in store.files()] == [
        (home / "oauth_creds.json", True),
        (home / "google_accounts.json", False),
    ]
    assert store.locks() == ()
    moved = GeminiStore(with_variables(GEMINI_CLI_HOME="/x"))
    assert moved.files()[0].path == Path("/x/.gemini/oauth_creds.json")


def test_no_switch_under_a_running_gemini(environment: Environment, tmp_path: Path) -> None:
    """It would put the old account back with its next renewal; it starts itself again with more
    memory, and is one session all the same."""
    assert GeminiStore(environment).alone
    assert GeminiStore(environment, tmp_path / "absent").running() == Running(known=False)
    proc = tmp_path / "proc"
    proc.mkdir()
    process(proc, 2, "less", "gemini")
    store = GeminiStore(environment, proc)
    assert store.running() == Running(0)
    process(proc, 10, "/usr/bin/node", "/usr/bin/gemini", ticks=40_000)
    process(proc, 11, "node", "--max-old-space-size=8192", "/usr/bin/gemini", parent=10, ticks=40_050)
    assert store.running() == Running(1, 1400.0)


def test_no_secret_shows(store: GeminiStore) -> None:
    """In no answer and no error."""
    no_canary(store, creds(refresh_token=CANARY, access_token=CANARY), NAMES)
    no_canary(store, creds(refresh_token=CANARY, id_token=""), NAMES)
    no_canary(store, creds(refresh_token=None, access_token=CANARY), NAMES)
