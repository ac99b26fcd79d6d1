"""The catch-all panel: which sidecars it takes, and under what name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from providers import load
from providers.base import Environment, FileBytes, ReadContext, Unparseable
from providers.engine.intake import FileIntake
from providers.model import Fact, Failure, LoginState, Reading, Source, Status
from tests.conftest import SAMPLES

NOW = 1_795_330_000.0
PROVIDER = load("sidecars")


def read(environment: Environment, name: str, data: bytes) -> Iterable[Fact]:
    (source,) = PROVIDER.sources(environment)
    file = FileBytes(source.folder / name, data, NOW)
    return list(PROVIDER.read(source, file, ReadContext(NOW, environment)))


def sample(name: str) -> bytes:
    return (SAMPLES / "interop" / name).read_bytes()


def test_it_hides_while_it_has_nothing(environment: Environment) -> None:
    """A catch-all without figures is no panel, and it has no command of its own."""
    descriptor = PROVIDER.descriptor
    assert (descriptor.id, descriptor.hidden_when_empty, descriptor.cli) == ("sidecars", True, "")


@pytest.mark.parametrize(("variables", "folder"), [({}, ".claude"), ({"CLAUDE_CONFIG_DIR": "/c"}, "/c")])
def test_it_looks_into_claude_codes_folder(with_variables, variables: dict[str, str], folder: str) -> None:
    """The folder that Claude Code uses, also if a variable moved it."""
    environment = with_variables(**variables)
    (source,) = PROVIDER.sources(environment)
    assert (source.folder, source.pattern) == (environment.home / folder, ".tokenmaxxer-*.json")
    assert source.kind is Source.SIDECAR


def test_what_another_panel_reads_is_not_opened(environment: Environment) -> None:
    """Neither where that panel is shown nor where it is switched off."""
    (source,) = PROVIDER.sources(environment)
    intake = FileIntake(PROVIDER, source, b"")
    for name in ("claude", "Codex-2", "gemini", "opencode-quota", "cursor", "copilot"):
        assert not intake.concerns(source.folder / f".tokenmaxxer-{name}.json")
    assert intake.concerns(source.folder / ".tokenmaxxer-kiro.json")


@pytest.mark.parametrize(
    ("name", "data", "account", "ids"),
    [
        (".tokenmaxxer-kiro.json", "tokenmaxxer/copilot.guess.json", "kiro", ["month"]),
        (".tokenmaxxer-amp.json", "tokenmaxxer/opencode.guess.json", "amp", ["5h", "7d", "month"]),
    ],
)
def test_each_sidecar_is_an_account_named_by_its_stem(
    environment: Environment, name: str, data: str, account: str, ids: list[str]
) -> None:
    """Its stem is key and alias."""
    (found,) = read(environment, name, sample(data))
    assert isinstance(found, Reading)
    assert (found.provider, found.account, found.alias) == ("sidecars", account, account)
    assert [w.id for w in found.windows] == ids
    assert Path(found.origin).name == name


def test_a_status_is_filed_there_too(environment: Environment) -> None:
    """A sidecar that reports a refused login is a failure of that account."""
    (found,) = read(environment, ".tokenmaxxer-amp.json", sample("tokenmaxxer/auth_failed.guess.json"))
    assert isinstance(found, Failure)
    assert (found.provider, found.account, found.status) == ("sidecars", "amp", Status.EXPIRED)


@pytest.mark.parametrize(
    "name",
    [".tokenmaxxer-claude.json", ".tokenmaxxer-claude-2.json", ".tokenmaxxer-codex.json",
     ".tokenmaxxer-opencode-go.json", ".tokenmaxxer-.json"],
)  # fmt: skip
def test_panels_of_their_own_and_secrets_are_passed_over(environment: Environment, name: str) -> None:
    """What Claude and Codex read themselves, the cookie file, and a file without a stem."""
    assert read(environment, name, sample("tokenmaxxer/claude.guess.json")) == []


def test_a_broken_sidecar_is_unparseable(environment: Environment) -> None:
    """The collector turns that into a report; it is never an empty quota."""
    with pytest.raises(Unparseable):
        read(environment, ".tokenmaxxer-amp.json", sample("hostile/cut.json"))


def test_it_has_no_login_and_no_logs(environment: Environment) -> None:
    """Its login can never be wrong, and none of its sources is a log."""
    (login,) = PROVIDER.read_login({}, ReadContext(NOW, environment))
    assert isinstance(login, LoginState)
    assert (login.provider, login.status, login.identity) == ("sidecars", Status.OK, None)
    (source,) = PROVIDER.sources(environment)
    with pytest.raises(KeyError):
        PROVIDER.open_log(source, source.folder / "x", b"")
