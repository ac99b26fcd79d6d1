"""OpenCode's keys: which one counts, and what is said where there is none."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from providers.asking import Credential, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.engine.logins import read_login_file
from providers.model import Reading, Status
from providers.opencode.endpoint import ENDPOINT, USAGE
from providers.opencode.login import held, login_state
from providers.opencode.provider import PROVIDER
from providers.record import replace
from tests.conftest import SAMPLES

NOW = 1_800_000_000.0
FOLDER = SAMPLES / "opencode"


def auth(data: bytes) -> dict[str, Found]:
    return {"auth": FileBytes(Path("/h/auth.json"), data, NOW)}


def test_the_key_of_go_alone(environment: Environment) -> None:
    """Of a file full of logins one key is taken, for one path."""
    files, context = auth((FOLDER / "auth.v1.json").read_bytes()), ReadContext(NOW, environment)
    credential = ENDPOINT.credential(files, context)
    assert isinstance(credential, Credential)
    (question,) = ENDPOINT.questions(credential, {}, NOW)
    assert (question.path, dict(question.headers)) == (USAGE, {"Authorization": "Bearer sk-EXAMPLE-GO"})
    assert "EXAMPLE" not in repr(credential) + repr(question) + repr(login_state(files, context))
    assert login_state(files, context).status is Status.OK


def test_variables_count_first(environment: Environment) -> None:
    """OpenCode's own order; said where it hides the file."""
    files = auth((FOLDER / "auth.v1.json").read_bytes())
    other = replace(environment, variables={"OPENCODE_API_KEY": "sk-other"})
    assert [k.key for k in held(files, ReadContext(NOW, other))] == ["sk-other"]
    assert "OPENCODE_API_KEY" in login_state(files, ReadContext(NOW, other)).warnings[0]
    content = replace(environment, variables={"OPENCODE_AUTH_CONTENT": "{}"})
    assert held(files, ReadContext(NOW, content)) == []


@pytest.fixture
def database(environment: Environment) -> Path:
    """OpenCode 2's database in its place."""
    folder = environment.home / ".local/share/opencode"
    folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / "opencode.db")) as made:
        made.executescript((FOLDER / "db.v2.sql").read_text())
    return folder / "opencode.db"


def stored(environment: Environment) -> dict[str, Found]:
    source = next(s for s in PROVIDER.sources(environment) if s.id == "store")
    return {"store": read_login_file(source)}


@pytest.mark.usefixtures("database")
def test_the_key_of_opencode_2(environment: Environment) -> None:
    """Out of its database; where auth.json has the same one, there is one login."""
    context = ReadContext(NOW, environment)
    files = stored(environment)
    assert [(k.place, k.key) for k in held(files, context)] == [("opencode.db", "sk-EXAMPLE-GO")]
    assert login_state(files, context).status is Status.OK
    both = files | auth((FOLDER / "auth.v1.json").read_bytes())
    assert [k.key for k in held(both, context)] == ["sk-EXAMPLE-GO"]


@pytest.mark.parametrize(("written", "first"), [(NOW - 9, "sk-EXAMPLE-GO"), (NOW + 9, "sk-older")])
@pytest.mark.usefixtures("database")
def test_of_two_stores_the_newer_counts_first(environment: Environment, written: float, first: str) -> None:
    """The other is tried once that is refused."""
    data = b'{"opencode-go": {"type": "api", "key": "sk-older"}}'
    files = stored(environment) | {"auth": FileBytes(Path("/h/auth.json"), data, written)}
    credential = ENDPOINT.credential(files, ReadContext(NOW, environment))
    assert isinstance(credential, Credential)
    assert credential.token == first
    assert {credential.token, *(o.token for o in credential.others)} == {"sk-EXAMPLE-GO", "sk-older"}


def test_a_database_without_the_key(environment: Environment, database: Path) -> None:
    """A login that is off, damaged, or of another service is none; nothing is left beside it."""
    context = ReadContext(NOW, environment)
    for change in (
        "UPDATE credential SET value = '{torn'",
        "UPDATE credential SET active = 0",
        "UPDATE credential SET integration_id = 'anthropic'",
    ):
        with contextlib.closing(sqlite3.connect(database)) as made:
            made.execute(change)
            made.commit()
        assert held(stored(environment), context) == []
        assert login_state(stored(environment), context).status is Status.UNCONFIGURED
    assert [p.name for p in database.parent.iterdir()] == ["opencode.db"]


def test_the_database_may_lie_elsewhere(environment: Environment) -> None:
    """OPENCODE_DB, absolute or beside the rest; one in memory cannot be read."""
    for said, where in (("/d/x.db", "/d/x.db"), ("y.db", ".local/share/opencode/y.db"),
                        (":memory:", ".local/share/opencode/opencode.db")):  # fmt: skip
        other = replace(environment, variables={"OPENCODE_DB": said})
        source = next(s for s in PROVIDER.sources(other) if s.id == "store")
        assert source.folder / source.pattern == environment.home / where


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"auth": None}, Status.UNCONFIGURED),
        (auth(b'{"opencode-go": {"type": "oauth", "access": "x"}}'), Status.UNCONFIGURED),
        (auth(b"{"), Status.UNCONFIGURED),
        ({"auth": Unreadable(Path("/h/x"), "is not readable")}, Status.DENIED),
    ],
)
def test_nothing_to_ask_with(environment: Environment, files: dict[str, Found], status: Status) -> None:
    """Absent, of another kind, torn, forbidden: never asked."""
    context = ReadContext(NOW, environment)
    assert login_state(files, context).status is status
    assert isinstance(ENDPOINT.credential(files, context), NotAsked)


def test_an_export_about_several_says_what_concerns_opencode(environment: Environment) -> None:
    """Of a sidecar that lists many providers one reading is ours."""
    source = next(s for s in PROVIDER.sources(environment) if s.id == "tokenmaxxer")
    data = (SAMPLES / "interop/caches/opencode_quota_export_v2.json").read_bytes()
    file = FileBytes(Path("/h/.claude/.tokenmaxxer-opencode-quota.json"), data, NOW)
    (found,) = PROVIDER.read(source, file, ReadContext(NOW, environment))
    assert isinstance(found, Reading)
    assert (found.provider, [w.id for w in found.windows]) == ("opencode", ["5h"])
