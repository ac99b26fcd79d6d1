"""OpenCode's keys: which one counts, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.asking import Credential, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
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
    found = held(files, ReadContext(NOW, other))
    assert found is not None
    assert found.key == "sk-other"
    assert "OPENCODE_API_KEY" in login_state(files, ReadContext(NOW, other)).warnings[0]
    content = replace(environment, variables={"OPENCODE_AUTH_CONTENT": "{}"})
    assert held(files, ReadContext(NOW, content)) is None


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
