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


def cli_at(host: str) -> bytes:
    return (
        f'{{"lastLoggedInUser": {{"host": "https://{host}", "login": "octo-corp"}},'
        f'"copilotTokens": {{"https://{host}:octo-corp": "gho_CLI", '
        '"https://github.com:octo-corp": "gho_PUBLIC"}}'
    ).encode()


def test_every_login_is_at_its_own_host(environment: Environment) -> None:
    """Whoever is logged in at a tenant is asked for there, with what was given there; a login of
    the same name at github.com is another."""
    found = held(
        files(cli=cli_at("octocorp.ghe.com"), apps="apps.json", hosts="hosts.json", gh="gh_hosts.yml"),
        ReadContext(NOW, environment),
    )
    assert {f.key for f in found} == {"octocorp.ghe.com:octo-corp"}
    assert [(f.token, f.service, f.user) for f in found] == [
        ("gho_CLI", "", ""), ("ghu_EXAMPLE3", "", ""), ("", "gh:octocorp.ghe.com", "octo-corp"),
    ]  # fmt: skip
    bare = b'{"lastLoggedInUser": {"host": "https://octocorp.ghe.com", "login": "octo-corp"}}'
    kept = held(files(cli=bare), ReadContext(NOW, environment))
    assert [(f.service, f.user) for f in kept] == [("copilot-cli", "https://octocorp.ghe.com:octo-corp")]


@pytest.mark.parametrize(
    "host",
    ["ghes.example", "octocorp.ghe.com.evil.example", "github.com.evil.example", "a.b.ghe.com", ".ghe.com",
     "x/y.ghe.com", "evil.example#.ghe.com", "user@x.ghe.com", "octocorp.ghe.com:8443"],
)  # fmt: skip
def test_a_token_of_any_other_host_is_never_taken(environment: Environment, host: str) -> None:
    """It stays where it is, and the panel says why."""
    apps = f'{{"{host}:Iv1": {{"user": "octo-corp", "oauth_token": "ghu_OTHER"}}}}'.encode()
    gh = f'"{host}":\n  user: octo-corp\n  oauth_token: gho_OTHER\n'.encode()
    given = files(cli=cli_at(host), apps=apps, gh=gh)
    assert held(given, ReadContext(NOW, environment)) == []
    assert "only github.com and tenants" in login_state(given, ReadContext(NOW, environment)).message
    context = with_variables(environment, GH_HOST=host, COPILOT_GITHUB_TOKEN="gho_VARIABLE")
    assert held(given, context) == []


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({}, "github.com"),
        ({"GH_HOST": "octocorp.ghe.com"}, "octocorp.ghe.com"),
        ({"GH_HOST": "ghes.example", "COPILOT_GH_HOST": "https://Octocorp.ghe.com/"}, "octocorp.ghe.com"),
    ],
)
def test_a_variables_token_is_for_the_host_that_variables_name(
    environment: Environment, variables: dict[str, str], host: str
) -> None:
    """In the CLI's order; it is no login of another host's."""
    context = with_variables(environment, COPILOT_GITHUB_TOKEN="gho_VARIABLE", **variables)
    found = held(files(cli=cli_at("github.com")), context)
    assert [(f.host, f.token) for f in found if not f.login] == [(host, "gho_VARIABLE")]
    assert {f.host for f in found} == {host}
    stored = held(files(apps="apps.json"), with_variables(environment, **variables))
    assert {f.host for f in stored} == {host}


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
