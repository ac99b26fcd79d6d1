"""Who holds which login, and what is said where two do."""

from __future__ import annotations

import json

import pytest

from providers.accounts.checkup import check_accounts
from providers.accounts.holders import Token, login_command, tokens
from providers.accounts.registry import load_registry, save_registry
from providers.accounts.roster import load_roster
from providers.base import Environment
from providers.claude.store import ClaudeStore
from providers.codex.store import CodexStore
from providers.engine.checkup import Finding, Severity
from providers.engine.tokens import fingerprint
from providers.gemini.store import GeminiStore
from providers.opencode.store import OpenCodeStore
from providers.record import replace
from tests.providers.accounts.importers.homes import (
    NOW,
    aged,
    codex_accounts,
    codex_login,
    person,
    with_cc_router,
    with_claude_swap,
    with_codex_auth,
)
from tests.providers.accounts.importers.homes import (
    tokens as credentials,
)
from tests.providers.accounts.test_importing import Person
from tests.world.logins import put


@pytest.fixture
def ada(environment: Environment) -> Person:
    return Person(environment)


def stores(environment: Environment) -> tuple[object, ...]:
    return ClaudeStore(environment), CodexStore(environment), OpenCodeStore(environment, "openai")


def held(ada: Person) -> dict[str, Token]:
    """Every token that is seen, by its fingerprint."""
    env = ada.environment
    members = {m.id: m for m in load_roster(env.config_dir)}
    found = tokens(env, stores(env), load_registry(env.state_dir), members, NOW)  # type: ignore[arg-type]
    return {token.lineage: token for token in found}


def findings(ada: Person) -> list[Finding]:
    return list(check_accounts(ada.environment, stores(ada.environment), NOW).findings)  # type: ignore[arg-type]


def codex_is_in_opencode_too(ada: Person) -> str:
    """The same refresh token in both; returns its fingerprint."""
    text = codex_login("dev")
    put(ada.environment.home / ".codex/auth.json", text)
    inner = json.loads(text)["tokens"]
    entry = {
        "type": "oauth", "access": inner["access_token"], "refresh": inner["refresh_token"],
        "expires": (NOW + 3600) * 1000, "accountId": inner["account_id"],
    }  # fmt: skip
    put(ada.environment.home / ".local/share/opencode/auth.json", {"openai": entry})
    return fingerprint(inner["refresh_token"])


def test_a_login_that_one_cli_has(ada: Person) -> None:
    """It is that CLI's to renew, also once it is kept here; nothing is wrong with that."""
    ada.log_in(credentials("one"), person())
    lineage = fingerprint("sk-ant-ort01-CANARYonerefresh")
    assert held(ada) == {lineage: Token(lineage, ("claude",), owner="claude")}
    (member,) = ada.desk.capture("claude")
    assert held(ada) == {lineage: Token(lineage, ("claude",), (member.id,), owner="claude")}
    assert held(ada)[lineage].holders == f"live in claude, kept as {member.id}"
    assert findings(ada) == []


def test_a_parked_login(ada: Person) -> None:
    """Nobody renews it, or we do where the person said so."""
    ada.log_in(credentials("one"), person())
    (member,) = ada.desk.capture("claude")
    ada.log_in(credentials("two"), person("two"))
    lineage = fingerprint("sk-ant-ort01-CANARYonerefresh")
    assert held(ada)[lineage].owner == "nobody"
    ada.desk.mark(member.id, fresh=True)
    assert held(ada)[lineage].owner == "quotadeck"


def test_codex_and_opencode_with_one_login(ada: Person) -> None:
    """Whoever renews first logs the other out: said once, with the command that parts them."""
    lineage = codex_is_in_opencode_too(ada)
    assert held(ada)[lineage].live == ("codex", "opencode:openai")
    (finding,) = findings(ada)
    assert (finding.path, finding.fix) == ("codex and opencode:openai", "opencode auth login")
    assert lineage[:8] in finding.sentence
    assert lineage not in finding.sentence


def test_two_kept_accounts_with_one_login(ada: Person) -> None:
    """Severe: both end together."""
    ada.log_in(credentials("one"), person())
    (member,) = ada.desk.capture("claude")
    registry = load_registry(ada.environment.state_dir)
    account = registry.account(member.id)
    assert account is not None
    twin = replace(account, id="beefbeef", key="other/team")
    save_registry(ada.environment.state_dir, registry.with_account(twin))
    (finding,) = findings(ada)
    assert (finding.path, finding.severity) == (f"{member.id} and beefbeef", Severity.SEVERE)


def test_another_switcher_has_it_too(ada: Person) -> None:
    """Until the import has marked it; then the table names that tool."""
    ada.log_in(credentials("one"), person())
    with_claude_swap(ada.environment)
    (finding,) = findings(ada)
    assert finding.fix == "quotadeck capture claude && quotadeck import claude-swap"
    (member,) = ada.desk.capture("claude")
    (finding,) = findings(ada)
    assert (finding.path, finding.fix) == (f"{member.id} and claude", "quotadeck import claude-swap")
    step = ada.steps("claude-swap")["slot 1 (ada@example.com)"]
    assert ada.importing.mark(step) is not None
    assert findings(ada) == []
    ada.log_in(credentials("two"), person("two"))
    assert held(ada)[fingerprint("sk-ant-ort01-CANARYonerefresh")].owner == "claude-swap"


def test_logins_that_only_others_have(ada: Person) -> None:
    """They are theirs, and in the table; nothing is wrong."""
    with_cc_router(ada.environment)
    lineage = fingerprint("sk-ant-ort01-CANARYpoolrefresh")
    assert held(ada) == {lineage: Token(lineage, tools=("cc-router",), owner="cc-router")}
    assert findings(ada) == []


def test_a_switcher_that_is_gone_renews_nothing(ada: Person) -> None:
    """Its old copies do not count."""
    put(ada.environment.home / ".codex/auth.json", codex_login("dev"))
    with_codex_auth(ada.environment)
    assert len(findings(ada)) == 1
    aged(codex_accounts(ada.environment))
    assert findings(ada) == []


def test_the_command_that_logs_in_anew(environment: Environment) -> None:
    """In the CLI's own place, not in a folder of its own."""
    own = [ClaudeStore(environment), CodexStore(environment), GeminiStore(environment),
           OpenCodeStore(environment, "openai")]  # fmt: skip
    assert [login_command(store) for store in own] == [
        "claude auth login", "codex login", "gemini", "opencode auth login",
    ]  # fmt: skip


def test_no_name_and_no_secret_is_in_it(ada: Person) -> None:
    """Accounts by their ids, tokens by their fingerprints: it can be shown while names are hidden."""
    ada.log_in(credentials("one"), person())
    ada.desk.capture("claude", "work")
    with_claude_swap(ada.environment)
    with_codex_auth(ada.environment)
    codex_is_in_opencode_too(ada)
    told = repr((tuple(held(ada).values()), findings(ada)))
    assert len(held(ada)) > 4
    for word in ("CANARY", "example.com", "work", "sk-ant"):
        assert word not in told
