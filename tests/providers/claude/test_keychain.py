"""Claude Code on a Mac: whose item of the keychain it is, and what is taken of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.asking import Credential, Kept, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext
from providers.claude.endpoint import ENDPOINT
from providers.claude.keychain import item, login_in
from providers.record import replace

NOW = 1_795_330_000.0
OAUTH = {
    "accessToken": "sk-ant-oat01-CANARY", "refreshToken": "sk-ant-ort01-CANARY",
    "expiresAt": int(NOW + 3600) * 1000, "scopes": ["user:inference", "user:profile"],
}  # fmt: skip
SECRET = json.dumps({"claudeAiOauth": OAUTH})


@pytest.mark.parametrize(
    ("variables", "service", "user"),
    [
        ({"USER": "ada"}, "Claude Code-credentials", "ada"),
        ({}, "Claude Code-credentials", "claude-code-user"),
        # The first eight digits of SHA-256 over the text as it stands.
        ({"CLAUDE_CONFIG_DIR": "/w"}, "Claude Code-credentials-d1bb8ca3", "claude-code-user"),
        ({"CLAUDE_CONFIG_DIR": "/w/"}, "Claude Code-credentials-7a141d65", "claude-code-user"),
        (
            {"CLAUDE_CONFIG_DIR": "/x", "CLAUDE_SECURESTORAGE_CONFIG_DIR": "/w"},
            "Claude Code-credentials-d1bb8ca3",
            "claude-code-user",
        ),
        (
            {"CLAUDE_CONFIG_DIR": "/x", "CLAUDE_SECURESTORAGE_CONFIG_DIR": ""},
            "Claude Code-credentials",
            "claude-code-user",
        ),
    ],
)
def test_which_item(
    with_variables: Callable[..., Environment], variables: dict[str, str], service: str, user: str
) -> None:
    """A folder that a variable names has one of its own; a slash at its end makes it another."""
    assert item(with_variables(**variables)) == Kept(service, user)


@pytest.mark.parametrize("secret", [SECRET, f" {SECRET}\n", SECRET.encode().hex()])
def test_a_login(secret: str, environment: Environment) -> None:
    """Plain, or as hex where the keychain's program took it for binary."""
    assert login_in(secret)["accessToken"] == "sk-ant-oat01-CANARY"
    assert ENDPOINT.token_in(secret, ReadContext(NOW, environment)) == "sk-ant-oat01-CANARY"


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "holds no login"),
        ("zz", "holds no login"),
        ("[]", "holds no login"),
        (SECRET[:50], "holds no login"),
        (json.dumps({"claudeAiOauth": OAUTH | {"accessToken": ""}}), "is empty"),
        (json.dumps({"claudeAiOauth": OAUTH | {"expiresAt": 1}}), "renews when claude runs"),
        (json.dumps({"claudeAiOauth": OAUTH | {"scopes": ["user:inference"]}}), "setup-token"),
    ],
)
def test_no_token(secret: str, why: str, environment: Environment) -> None:
    """Each with its reason, without what was found."""
    found = ENDPOINT.token_in(secret, ReadContext(NOW, environment))
    assert isinstance(found, NotAsked)
    assert why in found.reason
    assert "CANARY" not in found.reason


def test_it_is_asked_with_only_where_there_is_no_file(environment: Environment) -> None:
    """On a Mac whose config names an account; the item belongs to the tool, so only a key reads it."""
    account = {"oauthAccount": {"accountUuid": "u", "organizationUuid": "o"}}
    config = FileBytes(Path("/c"), json.dumps(account).encode(), NOW)
    files: dict[str, Found] = {"credentials": None, "config": config}
    mac = replace(environment, platform="darwin")
    found = ENDPOINT.credential(files, ReadContext(NOW, mac))
    assert isinstance(found, Credential)
    assert found.kept is not None
    assert (found.account, found.token, found.kept.foreign) == ("u/o", "", True)
    for elsewhere, held in ((environment, files), (mac, files | {"config": None})):
        assert isinstance(ENDPOINT.credential(held, ReadContext(NOW, elsewhere)), NotAsked)
