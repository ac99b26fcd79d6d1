"""Copilot's logins: which of them counts, and that no token leaves its host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.copilot.login import held, login_state
from providers.model import Status
from providers.record import replace
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
FOLDER = SAMPLES / "copilot"


def files(**samples: str | bytes) -> Mapping[str, Found]:
    def data(value: str | bytes) -> bytes:
        return value if isinstance(value, bytes) else (FOLDER / value).read_bytes()

    return {name: FileBytes(Path(f"/h/{name}"), data(value), NOW - 60) for name, value in samples.items()}


def with_variables(environment: Environment, **variables: str) -> ReadContext:
    return ReadContext(NOW, replace(environment, variables=variables))


@pytest.mark.parametrize(
    ("samples", "login", "token"),
    [
        ({"cli": "copilot_cli_config.json"}, "octo-dev", "gho_EXAMPLE7"),
        ({"cli": "copilot_cli_config_legacy.json"}, "octo-dev", "gho_EXAMPLE8"),
        ({"apps": "apps.json"}, "octo-dev", "ghu_EXAMPLE1"),
        ({"hosts": "hosts.json"}, "octo-dev", "gho_EXAMPLE4"),
        ({"hosts": "hosts.json", "apps": "apps.json"}, "octo-dev", "ghu_EXAMPLE1"),
    ],
)
def test_each_place(environment: Environment, samples: dict[str, str], login: str, token: str) -> None:
    """Comments at the top, old spellings, and the order of the places."""
    found = held(files(**samples), ReadContext(NOW, environment))[0]
    assert (found.login, found.token) == (login, token)
    assert token not in repr(found)
    assert login_state(files(**samples), ReadContext(NOW, environment)).status is Status.OK


def test_the_token_of_ghs_is_of_the_same_person(environment: Environment) -> None:
    """The CLI keeps its token in the keyring, under host and login; gh's comes after it if it is
    the same login's."""
    cli = b'{"lastLoggedInUser": {"host": "https://github.com", "login": "octo-biz"}}'
    found = held(files(cli=cli, gh="gh_hosts.yml"), ReadContext(NOW, environment))
    own = ("octo-biz", "", "copilot-cli", "https://github.com:octo-biz")
    assert [(f.login, f.token, f.service, f.user) for f in found] == [
        own,
        ("octo-biz", "gho_EXAMPLE6", "", ""),
    ]
    other = cli.replace(b"octo-biz", b"octo-else")
    found = held(files(cli=other, gh="gh_hosts.yml"), ReadContext(NOW, environment))
    assert [(f.login, f.user) for f in found] == [("octo-else", "https://github.com:octo-else")]


def test_ghs_token_may_be_in_the_keyring(environment: Environment) -> None:
    """hosts.yml then names who, and no token."""
    gh = b"github.com:\n  user: octo-dev\n  users:\n    octo-dev:\n    octo-biz:\n"
    apps = b'{"github.com:Iv1": {"user": "octo-dev", "oauth_token": "ghu_A"}}'
    found = held(files(apps=apps, gh=gh), ReadContext(NOW, environment))
    assert [(f.token, f.service, f.user) for f in found] == [
        ("ghu_A", "", ""),
        ("", "gh:github.com", "octo-dev"),
    ]


def test_gh_alone_is_no_copilot(environment: Environment) -> None:
    """Nor is a variable meant for anything at GitHub; Copilot's own variable is."""
    assert held(files(gh="gh_hosts.yml"), with_variables(environment, GITHUB_TOKEN="ghp_x")) == []
    state = login_state(files(gh="gh_hosts.yml"), with_variables(environment, GH_TOKEN="ghp_x"))
    assert state.status is Status.UNCONFIGURED
    (found,) = held({}, with_variables(environment, COPILOT_GITHUB_TOKEN="gho_canary"))
    assert found.key.startswith("github.com:token-")
    state = login_state({}, with_variables(environment, COPILOT_GITHUB_TOKEN="gho_canary"))
    assert "COPILOT_GITHUB_TOKEN" in state.warnings[0]
    assert "canary" not in repr(state)


def test_a_token_of_another_host_is_never_taken(environment: Environment) -> None:
    """A tenant's token stays where it is."""
    cli = (
        b'{"lastLoggedInUser": {"host": "https://octocorp.ghe.com", "login": "octo-dev"},'
        b'"copilotTokens": {"https://octocorp.ghe.com:octo-dev": "gho_TENANT"}}'
    )
    apps = b'{"octocorp.ghe.com:Iv1": {"user": "octo-dev", "oauth_token": "ghu_TENANT"}}'
    evil = b'{"github.com.evil.example:x": {"user": "octo-dev", "oauth_token": "ghu_TENANT"}}'
    gh = b"octocorp.ghe.com:\n  user: octo-dev\n  oauth_token: gho_TENANT\n"
    assert held(files(cli=cli, apps=apps, hosts=evil, gh=gh), ReadContext(NOW, environment)) == []


def test_an_unreadable_file_says_so(environment: Environment) -> None:
    """Neither logged out nor zero."""
    found = {"cli": Unreadable(Path("/h/x"), "is not readable: chmod u+r it")}
    state = login_state(found, ReadContext(NOW, environment))
    assert (state.status, "chmod" in state.message) == (Status.DENIED, True)


@given(st.binary(max_size=300), st.sampled_from(["cli", "apps", "hosts", "gh"]))
def test_bad_bytes_never_raise(data: bytes, name: str) -> None:
    """Whatever lies there."""
    environment = Environment(Path("/h"), {}, Path("/h"), Path("/h"), Path("/h"))
    login_state(files(**{"hosts": b"{}", name: data}), ReadContext(NOW, environment))


@pytest.mark.parametrize("text", [b"a: *b", b"github.com: [1, 2]", b"!!python/object:os.system x", b"- \x00"])
def test_odd_yaml_is_no_login(environment: Environment, text: bytes) -> None:
    """No alias, tag or control character does more than being passed over."""
    assert held(files(hosts=b"{}", gh=text), ReadContext(NOW, environment)) == []
