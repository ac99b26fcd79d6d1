"""Where the login lies, and what makes the shown account not the one in use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.base import Environment, FileBytes, Found, ReadContext, Unreadable
from providers.claude.login import claude_home, config_file, login_facts, secrets_home
from providers.model import LoginState, Status
from providers.record import replace

NOW = 1_795_327_200.0
PROXY = {"ANTHROPIC_BASE_URL": "http://localhost:3456", "ANTHROPIC_AUTH_TOKEN": "proxy-managed"}
LOGIN = {"claudeAiOauth": {"accessToken": "a", "refreshToken": "b", "expiresAt": (NOW + 3600) * 1000}}


def state(environment: Environment, **files: object) -> LoginState:
    held: dict[str, Found] = {}
    for key, document in files.items():
        if isinstance(document, Unreadable):
            held[key] = document
            continue
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        held[key] = FileBytes(Path("x"), data, NOW)
    return next(f for f in login_facts(held, ReadContext(NOW, environment)) if isinstance(f, LoginState))


@pytest.mark.parametrize(
    ("settings", "variables", "said"),
    [
        ({"env": PROXY}, {}, "local proxy"),
        ({"env": {"ANTHROPIC_BASE_URL": "https://gateway.example"}}, {}, "another service"),
        ({"env": {"ANTHROPIC_API_KEY": "sk-canary"}}, {}, "ANTHROPIC_API_KEY in settings.json"),
        ({}, {"CLAUDE_CODE_OAUTH_TOKEN": "sk-canary"}, "CLAUDE_CODE_OAUTH_TOKEN in the environment"),
        ({}, {"CLAUDE_CODE_USE_BEDROCK": "1"}, "does not use the subscription"),
        ({"apiKeyHelper": "/bin/helper"}, {}, "apiKeyHelper"),
        ({"env": {"ANTHROPIC_BASE_URL": "http://[::1]:3456/v1"}}, {}, "local proxy"),
        ({"env": {"ANTHROPIC_BASE_URL": "http://localhost.gateway.example"}}, {}, "another service"),
        ({}, {"ANTHROPIC_BASE_URL": "https://api.anthropic.com", "ANTHROPIC_AUTH_TOKEN": "t"}, "AUTH_TOKEN"),
    ],
)  # fmt: skip
def test_overrides_are_said_by_name_only(
    with_variables: Callable[..., Environment], settings: object, variables: dict[str, str], said: str
) -> None:
    """Each override has one sentence that names it and never its value."""
    found = state(with_variables(**variables), credentials=LOGIN, settings=settings)
    assert [said in w for w in found.warnings] == [True]
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    "variables",
    [{"CLAUDE_CODE_USE_BEDROCK": "0"}, {"CLAUDE_CODE_USE_VERTEX": "false"}, {"ANTHROPIC_API_KEY": ""}],
)
def test_a_switch_that_is_off_is_no_override(
    with_variables: Callable[..., Environment], variables: dict[str, str]
) -> None:
    """Empty, "0" and "false" are as good as unset."""
    assert state(with_variables(**variables), credentials=LOGIN).warnings == ()


@pytest.mark.parametrize(
    ("files", "variables", "said"),
    [
        ({"config": {}}, {"ANTHROPIC_API_KEY": "sk-canary"}, "API key"),
        ({"settings": {"env": {"ANTHROPIC_API_KEY": "sk-canary"}}}, {}, "API key"),
        ({"settings": {"apiKeyHelper": "/bin/canary"}}, {}, "API key"),
        ({"credentials": {"mcpOAuth": {}}}, {"CLAUDE_CODE_USE_VERTEX": "1"}, "cloud provider"),
    ],
)
def test_a_key_without_a_login_has_no_subscription(
    with_variables: Callable[..., Environment], files: dict[str, object], variables: dict[str, str], said: str
) -> None:
    """Claude Code works with a key or a cloud, so nobody is told to log in."""
    found = state(with_variables(**variables), **files)
    assert (found.status, said in found.message, found.fix) == (Status.UNSUBSCRIBED, True, "")
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("account", "blob", "plan"),
    [
        ({"organizationType": "claude_max", "userRateLimitTier": "default_claude_max_5x"}, {}, "Max 5x"),
        ({"organizationType": "claude_team", "organizationRateLimitTier": "x_max_5x"}, {}, "Team"),
        ({"organizationType": "claude_enterprise"}, {"subscriptionType": "API Usage Billing"}, "Enterprise"),
        ({}, {"rateLimitTier": "default_claude_max_20x"}, "Max 20x"),
        ({}, {"rateLimitTier": "default_claude_team_5x"}, "Team"),
        ({}, {"rateLimitTier": "default_claude_ai"}, ""),
        ({}, {"subscriptionType": "Something New"}, "Something New"),
    ],
)
def test_plans(environment: Environment, account: object, blob: dict[str, object], plan: str) -> None:
    """The organisation's type first, then the login's snapshot, then the tier; no invented multiplier."""
    login = {"claudeAiOauth": {**LOGIN["claudeAiOauth"], **blob}}
    assert state(environment, credentials=login, config={"oauthAccount": account}).plan == plan


@pytest.mark.parametrize(
    ("blob", "status"),
    [
        ({"claude.ai_oauth": LOGIN["claudeAiOauth"]}, Status.OK),
        (LOGIN["claudeAiOauth"], Status.OK),
        ({"claudeAiOauth": {**LOGIN["claudeAiOauth"], "expiresAt": "2026-11-22T05:00:00Z"}}, Status.IDLE),
        ({"claudeAiOauth": {**LOGIN["claudeAiOauth"], "refreshToken": None, "expiresAt": 1}}, Status.EXPIRED),
        ({"claudeAiOauth": [1]}, Status.UNCONFIGURED),
        ([1, 2], Status.UNCONFIGURED),
    ],
)
def test_spellings_of_the_credential_file(environment: Environment, blob: object, status: Status) -> None:
    """Both keys, tokens at the top, an ISO expiry; odd shapes are no login and no error."""
    assert state(environment, credentials=blob).status is status


def test_a_half_written_config_is_not_a_logout(environment: Environment) -> None:
    """Claude Code does not always write atomically: torn is torn, not absent."""
    assert state(environment, credentials=LOGIN, config=b'{"oauthAcc').status is Status.OK
    assert state(environment, config=b'{"oauthAcc').status is Status.ERROR


def test_an_unreadable_login_says_why(environment: Environment) -> None:
    """A mode or owner problem is access denied with the reason, not "log in"."""
    found = state(environment, credentials=Unreadable(Path("x"), "belongs to another user", refused=True))
    assert (found.status, "another user" in found.message) == (Status.DENIED, True)


def test_on_a_mac_the_keychain_holds_the_login(environment: Environment) -> None:
    """An identity without a file is a login there, a logout elsewhere; the identity stays."""
    config = {"oauthAccount": {"accountUuid": "a", "organizationUuid": "o", "emailAddress": "e@x"}}
    assert state(replace(environment, platform="darwin"), config=config).status is Status.OK
    elsewhere = state(environment, config=config)
    assert (elsewhere.status, elsewhere.fix) == (Status.UNCONFIGURED, "claude auth login")
    assert elsewhere.identity is not None


def test_nothing_at_all_is_not_installed(environment: Environment) -> None:
    """A machine without the tool is told apart from one that is logged out."""
    assert "not installed" in state(environment).message
    claude_home(environment).mkdir()
    assert "logged out" in state(environment).message


def test_a_login_past_its_deadline_is_expired(environment: Environment) -> None:
    """When the refresh token's own time is over a person must log in."""
    over = {"claudeAiOauth": {**LOGIN["claudeAiOauth"], "refreshTokenExpiresAt": (NOW - 1) * 1000}}
    assert state(environment, credentials=over).status is Status.EXPIRED


def test_where_the_files_are(with_variables: Callable[..., Environment]) -> None:
    """CLAUDE_CONFIG_DIR moves home and config, the secure storage variable the login only."""
    plain = with_variables()
    assert config_file(plain) == plain.home / ".claude.json"
    moved = with_variables(CLAUDE_CONFIG_DIR="/elsewhere", CLAUDE_SECURESTORAGE_CONFIG_DIR="/safe")
    assert (claude_home(moved), secrets_home(moved)) == (Path("/elsewhere"), Path("/safe"))
    assert config_file(moved) == Path("/elsewhere/.claude.json")
    claude_home(plain).mkdir()
    (claude_home(plain) / ".config.json").touch()
    assert config_file(plain).name == ".config.json"
