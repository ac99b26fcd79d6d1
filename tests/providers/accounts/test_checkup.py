"""What stands against keeping and switching accounts, and what mends it."""

from __future__ import annotations

import pytest

from providers.accounts.checkup import check_accounts, check_vault
from providers.accounts.login import LoginStore
from providers.accounts.registry import load_registry, save_registry
from providers.accounts.vault import State
from providers.accounts.vaults import Offer, Rung
from providers.base import Environment
from providers.claude.store import ClaudeStore
from providers.codex.store import CodexStore
from providers.engine.checkup import Finding, Severity
from providers.record import replace
from tests.providers.accounts.importers.homes import NOW, codex_login, person, tokens
from tests.providers.accounts.test_importing import Person
from tests.world.logins import put


@pytest.fixture
def ada(environment: Environment) -> Person:
    return Person(environment)


def found(environment: Environment) -> list[Finding]:
    stores: tuple[LoginStore, ...] = (ClaudeStore(environment), CodexStore(environment))
    return list(check_accounts(environment, stores, NOW).findings)


def only(environment: Environment) -> Finding:
    (finding,) = found(environment)
    return finding


def test_where_codex_keeps_its_login(ada: Person) -> None:
    """Not in a file: accounts are not switched, and how they could be."""
    put(ada.environment.home / ".codex/auth.json", codex_login("dev"))
    put(ada.environment.home / ".codex/config.toml", 'cli_auth_credentials_store = "keyring"\n')
    finding = only(ada.environment)
    assert (finding.path, finding.severity) == ("codex", Severity.WARNING)
    assert finding.sentence.startswith("accounts are not switched: codex keeps its login in its keyring")
    assert finding.fix.startswith('set cli_auth_credentials_store = "file"')


def test_a_key_in_the_environment(environment: Environment) -> None:
    """It wins over every login."""
    held = replace(environment, variables={"CODEX_API_KEY": "sk-CANARY"})
    finding = only(held)
    assert ("CODEX_API_KEY is set" in finding.sentence, finding.fix) == (True, "unset it first")
    assert "CANARY" not in repr(finding)


def test_a_login_of_two(ada: Person) -> None:
    """Severe, with the command that ends it."""
    text = codex_login("dev").replace('"account_id": "acct-1"', '"account_id": "acct-2"')
    put(ada.environment.home / ".codex/auth.json", text)
    finding = only(ada.environment)
    assert (finding.severity, finding.fix) == (Severity.SEVERE, "codex login")


def test_an_emptied_login(ada: Person) -> None:
    """What claude leaves after it was refused."""
    put(ada.environment.home / ".claude/.credentials.json", {"claudeAiOauth": {"accessToken": ""}})
    assert only(ada.environment).fix == "claude auth login"


def test_a_link_is_said_by_the_files_and_a_folder_for_all_here(ada: Person) -> None:
    """Everybody may write beside the login: no switch, and the command that ends that."""
    home = ada.environment.home
    put(home / "elsewhere/auth.json", codex_login("dev"))
    (home / ".codex").mkdir()
    (home / ".codex/auth.json").symlink_to(home / "elsewhere/auth.json")
    assert found(ada.environment) == []
    (home / ".codex/auth.json").unlink()
    (home / ".codex").chmod(0o777)
    finding = only(ada.environment)
    assert (finding.path, finding.fix) == ("~/.codex/auth.json", f"chmod o-w {home}/.codex")


def test_a_login_that_the_provider_refused(ada: Person) -> None:
    """Until another one of the account is kept."""
    ada.log_in(tokens("one"), person())
    (member,) = ada.desk.capture("claude")
    registry = load_registry(ada.environment.state_dir)
    account = registry.account(member.id)
    assert account is not None
    assert account.newest is not None
    save_registry(
        ada.environment.state_dir, registry.with_account(replace(account, spent=account.newest.lineage))
    )
    finding = only(ada.environment)
    assert finding.path == f"claude {member.id}"
    assert finding.fix == "claude auth login && quotadeck capture claude"


def test_our_own_lists_that_cannot_be_read(ada: Person) -> None:
    """Severe, each with its command; the rest of the check-up goes on."""
    ada.log_in(tokens("one"), person())
    ada.desk.capture("claude")
    (ada.environment.state_dir / "registry.json").write_text("{")
    (ada.environment.config_dir / "accounts.toml").write_text("[[")
    registry, roster = found(ada.environment)
    assert {registry.severity, roster.severity} == {Severity.SEVERE}
    assert registry.fix.startswith("cp ~/.local/state/quotadeck/registry.json.bak ")
    assert roster.fix == "$EDITOR ~/.config/quotadeck/accounts.toml"


def offer(rung: Rung, state: State | None = None, *, recipe: tuple[str, ...] = ()) -> Offer:
    return Offer(rung, state is None, True, state, "it is so", recipe)


def test_the_vault() -> None:
    """Nothing is wrong with one that is there, or sealed until its passphrase, or not chosen."""
    assert list(check_vault((offer(Rung.KEYRING),), True)) == []
    assert list(check_vault((offer(Rung.ENCRYPTED, State.SEALED),), True)) == []
    assert list(check_vault((offer(Rung.NONE),), False)) == []
    assert list(check_vault((replace(offer(Rung.KEYRING, State.ABSENT), chosen=False),), False)) == []
    (plain,) = check_vault((offer(Rung.PLAINTEXT),), True)
    assert "not encrypted" in plain.sentence
    (locked,) = check_vault((offer(Rung.KEYRING, State.LOCKED, recipe=("export X", "unlock")),), True)
    assert (locked.sentence, locked.severity) == ("the keyring cannot be used: it is so", Severity.SEVERE)
    assert locked.fix == "export X; unlock"
    (absent,) = check_vault((offer(Rung.KEYRING, State.ABSENT),), False)
    assert absent.severity is Severity.WARNING


def test_the_desk_is_not_needed(environment: Environment) -> None:
    """An empty home has no finding, and nothing is made in it."""
    assert found(environment) == []
    assert list(environment.home.iterdir()) == []
