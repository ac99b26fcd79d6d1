"""Gemini CLI's login: of which kind, whose, and what is never looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Credential, Kept, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.gemini.endpoint import ENDPOINT
from providers.gemini.login import google_login, in_keyring, kind_of, lapsed, login_state, project_of
from providers.model import Status
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
FOLDER = SAMPLES / "gemini"


def files(credentials: str = "", **others: str) -> dict[str, Found]:
    names = {"credentials": credentials, **others}
    return {
        key: FileBytes(Path("/h") / name, (FOLDER / name).read_bytes(), NOW)
        for key, name in names.items()
        if name
    }


def test_the_samples(environment: Environment) -> None:
    """Whose login it is stands in the id token; its expiry is in milliseconds."""
    context = ReadContext(NOW, environment)
    login = google_login(files("oauth_creds.json"))
    assert login is not None
    assert (login.email, login.workspace, login.expires) == ("dev@example.com", True, 1_795_343_400)
    assert not lapsed(login, context)
    home = google_login(files("oauth_creds.consumer_expired.json"))
    assert home is not None
    assert (home.account, home.workspace) == ("home@example.com", False)
    assert lapsed(home, context)
    assert "EXAMPLE" not in repr(login) + repr(home)


def test_the_setting_says_how(environment: Environment, with_variables: Callable[..., Environment]) -> None:
    """Its comments are allowed; without it the variables count in the CLI's order."""
    assert kind_of(files(settings="settings.json"), ReadContext(NOW, environment)) == "oauth-personal"
    for variables, kind in (
        ({"GOOGLE_GENAI_USE_GCA": "true", "GEMINI_API_KEY": "x"}, "oauth-personal"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "true"}, "vertex-ai"),
        ({"GOOGLE_GEMINI_BASE_URL": "http://x", "GEMINI_API_KEY": "x"}, "gateway"),
        ({"GEMINI_API_KEY": "x"}, "gemini-api-key"),
    ):
        assert kind_of({}, ReadContext(NOW, with_variables(**variables))) == kind


@pytest.mark.parametrize(
    ("found", "variables", "status", "says"),
    [
        (files("oauth_creds.json"), {}, Status.OK, ""),
        (files("oauth_creds.consumer_expired.json"), {}, Status.IDLE, "renews when gemini runs"),
        (files("oauth_creds.json"), {"GEMINI_API_KEY": "x"}, Status.UNCONFIGURED, "API key"),
        (files(settings="settings.json"), {}, Status.UNCONFIGURED, "logged out"),
        (files(settings="settings.json", accounts="google_accounts.json"), {}, Status.OK, ""),
        ({"credentials": Unreadable(Path("/x"), "is no file")}, {}, Status.DENIED, "is no file"),
    ],
)
def test_states(
    with_variables: Callable[..., Environment],
    found: dict[str, Found],
    variables: dict[str, str],
    status: Status,
    says: str,
) -> None:
    """Each told apart in one sentence."""
    state = login_state(found, ReadContext(NOW, with_variables(**variables)))
    assert state.status is status
    assert says in state.message


def test_tokens_in_the_keyring(environment: Environment) -> None:
    """Google chosen, somebody active, no file: the CLI's item has the token, until it is over."""
    context = ReadContext(NOW, environment)
    found = files(settings="settings.json", accounts="google_accounts.json")
    credential = ENDPOINT.credential(found, context)
    assert isinstance(credential, Credential)
    assert credential.kept == Kept("gemini-cli-oauth", "main-account")
    assert credential.account == in_keyring(found).lower()
    token = {"accessToken": "ya29.canary", "refreshToken": "1//canary", "expiresAt": (NOW + 900) * 1000}
    assert ENDPOINT.token_in(json.dumps({"serverName": "x", "token": token}), context) == "ya29.canary"
    for over in (json.dumps({"token": token | {"expiresAt": NOW * 1000}}), "{}", "", "no json"):
        refused = ENDPOINT.token_in(over, context)
        assert isinstance(refused, NotAsked)
        assert "gemini runs" in refused.reason


def test_a_number_is_no_project(with_variables: Callable[..., Environment]) -> None:
    """As for the CLI."""
    for value, project in (("team-001", "team-001"), ("12345", "")):
        assert project_of(ReadContext(NOW, with_variables(GOOGLE_CLOUD_PROJECT=value))) == project


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_are_a_state(credentials: bytes, settings: bytes) -> None:
    """Never an exception, never logged in by accident."""
    environment = Environment(Path("/h"), {}, Path("/h/c"), Path("/h/s"), Path("/h/d"))
    found: dict[str, Found] = {
        "credentials": FileBytes(Path("/h/a"), credentials, NOW),
        "settings": FileBytes(Path("/h/b"), b"// x\n" + settings, NOW),
    }
    assert login_state(found, ReadContext(NOW, environment)).status is Status.UNCONFIGURED
