"""An import carried out: what is filed, under whom, who renews it, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from providers.accounts.importers import CannotImport
from providers.accounts.importers.planned import Action, Step
from providers.accounts.importing import Importing, Taken
from providers.accounts.login import Login
from providers.accounts.registry import load_registry
from providers.accounts.roster import Member, load_roster
from providers.accounts.safety import save_copy
from providers.accounts.vault import State, VaultTrouble
from providers.base import Environment
from providers.claude.store import ClaudeStore
from providers.codex.store import CodexStore
from providers.desk import Desk
from providers.model import Identity
from tests.conftest import FakeClock
from tests.providers.accounts.importers.homes import (
    HOMES,
    NOW,
    PERSON,
    TEAM,
    aged,
    as_it_lies,
    codex_login,
    person,
    swap_slot,
    tokens,
    with_cc_router,
    with_claude_swap,
    with_codex_auth,
)
from tests.world.households import Direct, FileRing
from tests.world.logins import put

KEY = f"{PERSON}/{TEAM}"
Prove = Callable[[Login], Identity | None]


class Person:
    """Somebody with a vault and a desk; ``proofs`` is what the provider says, by a part of a token."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.ring = FileRing(environment.home / "ring")
        self.proofs: dict[str, Identity] = {}
        self.asked = 0
        self.vault = Direct(lambda: self.ring)

    @property
    def desk(self) -> Desk:
        stores = (ClaudeStore(self.environment), CodexStore(self.environment))
        return Desk(self.environment, stores, self.vault, FakeClock(NOW), prove=self._prove)

    @property
    def importing(self) -> Importing:
        return self.desk.importing()

    def steps(self, tool: str) -> dict[str, Step]:
        return {step.candidate.label: step for step in self.importing.look(tool).steps}

    def take(self, tool: str, label: str) -> Taken:
        return self.importing.take(self.steps(tool)[label])

    def log_in(self, document: Mapping[str, object], account: Mapping[str, str]) -> None:
        put(self.environment.home / ".claude/.credentials.json", document)
        put(self.environment.home / ".claude.json", {"oauthAccount": account})

    def members(self) -> tuple[Member, ...]:
        return load_roster(self.environment.config_dir)

    def newest(self, ident: str) -> str:
        """The bytes that a switch to this account would write."""
        account = load_registry(self.environment.state_dir).account(ident)
        assert account is not None
        assert account.newest is not None
        return self.vault.get(account.newest.name)

    def _prove(self, login: Login) -> Identity | None:
        self.asked += 1
        text = login.payload.reveal()
        return next((who for part, who in self.proofs.items() if part in text), None)


@pytest.fixture
def ada(environment: Environment) -> Person:
    return Person(environment)


@pytest.mark.parametrize("tool", HOMES)
def test_nothing_of_the_other_tool_and_nothing_live_changes(ada: Person, tool: str) -> None:
    """Whatever is taken, every file that was there is as it was; no login is live that was not."""
    HOMES[tool](ada.environment)
    ada.proofs = {"CANARY": Identity(KEY, "ada@example.com")}
    before = as_it_lies(ada.environment.home)
    for step in ada.importing.look(tool).steps:
        ada.importing.take(step)
    after = as_it_lies(ada.environment.home)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name.startswith((".claude/", ".codex/auth"))} == set()
    assert load_registry(ada.environment.state_dir).active == {}


def test_a_new_account_with_its_alias_and_its_owner(ada: Person) -> None:
    """claude-swap still renews it, so we must not; it is in the vault, in the roster, in the trail."""
    with_claude_swap(ada.environment)
    taken = ada.take("claude-swap", "slot 1 (ada@example.com)")
    assert (taken.said, ada.asked) == ("kept", 0)
    (member,) = ada.members()
    assert (member.alias, member.email, member.owner, member.key) == (
        "work", "ada@example.com", "claude-swap", KEY,
    )  # fmt: skip
    assert "sk-ant-ort01-CANARYonerefresh" in ada.newest(member.id)
    assert "CANARYmcp" not in ada.newest(member.id)
    (trace,) = ada.desk.trail()
    assert (trace.what, trace.to, trace.ended) == ("import", member.id, "taken from claude-swap")
    assert "CANARY" not in repr(trace)


def test_a_tool_that_is_gone_leaves_its_logins_to_us(ada: Person) -> None:
    """Not installed and not used for three months: nobody else renews them."""
    with_codex_auth(ada.environment)
    aged(ada.environment.home / ".codex/accounts")
    ada.take("codex-auth", "dev@example.com")
    assert [(m.alias, m.owner) for m in ada.members()] == [("home", "cli")]


def test_an_older_copy_is_filed_beside(ada: Person) -> None:
    """A switch goes on writing the newest; of the same account, whatever the other tool calls it."""
    with_claude_swap(ada.environment)
    ada.take("claude-swap", "slot 1 (ada@example.com)")
    step = ada.steps("claude-swap")["slot 1 (ada@example.com), the copy before"]
    assert step.action is Action.BESIDE
    assert ada.importing.take(step).said == "kept beside its newest login"
    (member,) = ada.members()
    assert "CANARYonerefresh" in ada.newest(member.id)
    account = load_registry(ada.environment.state_dir).account(member.id)
    assert account is not None
    assert len(account.generations) == 2


def test_a_copy_of_unknown_age_displaces_nothing(ada: Person) -> None:
    """Without a stamp it comes before the newest, not after it."""
    ada.log_in(tokens("live"), person())
    ada.desk.capture("claude")
    undated = tokens("undated")
    del undated["claudeAiOauth"]["expiresAt"]
    swap_slot(ada.environment, 1, "ada@example.com", undated, account=person())
    assert ada.take("claude-swap", "slot 1 (ada@example.com)").said == "kept beside its newest login"
    (member,) = ada.members()
    assert "CANARYliverefresh" in ada.newest(member.id)
    assert ada.asked == 1  # by capture


def test_a_newer_claim_is_asked_for(ada: Person) -> None:
    """What lies beside a newer copy says that it is ada's: only the provider's word lets it take
    the place of hers; if that names somebody else, it is theirs."""
    ada.log_in(tokens("live"), person())
    ada.desk.capture("claude")
    (member,) = ada.members()
    swap_slot(ada.environment, 1, "ada@example.com", tokens("newer", hours=7), account=person())
    left = ada.take("claude-swap", "slot 1 (ada@example.com)")
    assert (left.member, "must be asked first, but the provider" in left.said) == (None, True)
    assert "CANARYliverefresh" in ada.newest(member.id)
    ada.proofs = {"CANARYnewer": Identity("other/team", "bob@example.com")}
    taken = ada.take("claude-swap", "slot 1 (ada@example.com)")
    assert taken.member is not None
    assert (taken.member.key, taken.member.email) == ("other/team", "bob@example.com")
    assert "ada@example.com" not in ada.newest(taken.member.id)
    assert "CANARYliverefresh" in ada.newest(member.id)


def test_a_newer_login_that_is_proven_takes_the_place(ada: Person) -> None:
    """The provider says that it is hers."""
    ada.log_in(tokens("live"), person())
    ada.desk.capture("claude")
    swap_slot(ada.environment, 1, "ada@example.com", tokens("newer", hours=7), account=person())
    ada.proofs = {"CANARYnewer": Identity(KEY, "ada@example.com")}
    assert ada.take("claude-swap", "slot 1 (ada@example.com)").said == "kept"
    (member,) = ada.members()
    assert "CANARYnewerrefresh" in ada.newest(member.id)
    assert member.owner == "claude-swap"


def test_codex_says_itself_whose_it_is(ada: Person) -> None:
    """Its tokens prove it: nobody is asked."""
    put(ada.environment.home / ".codex/auth.json", codex_login("old", issued=NOW - 9000))
    ada.desk.capture("codex")
    with_codex_auth(ada.environment)
    asked = ada.asked
    assert ada.take("codex-auth", "dev@example.com").said == "kept"
    assert ada.asked == asked
    (member,) = ada.members()
    assert "rt_CANARYdevrefresh" in ada.newest(member.id)


def test_a_pool_that_names_nobody_is_asked_for(ada: Person) -> None:
    """CC-Router's rows: filed under the account that the provider names, with that name; else left."""
    with_cc_router(ada.environment)
    left = ada.take("cc-router", "max-1")
    assert (left.member, ada.members()) == (None, ())
    ada.proofs = {"CANARYpool": Identity(KEY, "ada@example.com")}
    taken = ada.take("cc-router", "max-1")
    assert taken.member is not None
    assert (taken.member.email, taken.member.owner, taken.member.alias) == (
        "ada@example.com", "cc-router", "max-1",
    )  # fmt: skip
    assert PERSON in ada.newest(taken.member.id)


def test_a_lapsed_token_cannot_be_asked_with(ada: Person) -> None:
    """And the sentence says so."""
    row = {"id": "max-1", **tokens("pool", hours=-1)["claudeAiOauth"]}
    put(ada.environment.home / ".cc-router/accounts.json", [row])
    assert ada.take("cc-router", "max-1").said.endswith("but its access token has lapsed")


def test_the_same_login_in_both_is_marked(ada: Person) -> None:
    """It is kept here already: nothing is filed, and from now on it is the other tool's to renew."""
    ada.log_in(tokens("one"), person())
    ada.desk.capture("claude")
    with_claude_swap(ada.environment)
    step = ada.steps("claude-swap")["slot 1 (ada@example.com)"]
    assert (step.action, ada.importing.take(step).member) == (Action.KEPT, None)
    marked = ada.importing.mark(step)
    assert marked is not None
    assert [m.owner for m in ada.members()] == ["claude-swap"]
    assert ada.importing.mark(step) is None


def test_a_live_login_that_nobody_captured_is_known(ada: Person) -> None:
    """It is no new account; the sentence names the command that keeps it."""
    ada.log_in(tokens("one"), person())
    with_claude_swap(ada.environment)
    step = ada.steps("claude-swap")["slot 1 (ada@example.com)"]
    assert (step.action, "quotadeck capture claude" in step.why) == (Action.KEPT, True)
    assert ada.importing.mark(step) is None


def test_a_login_in_a_safety_copy_is_known(ada: Person) -> None:
    """It is hers and waits to be filed: the other tool's copy of it is no newer one."""
    ada.log_in(tokens("live"), person())
    (member,) = ada.desk.capture("claude")
    swap_slot(ada.environment, 1, "ada@example.com", tokens("newer", hours=7), account=person())
    step = ada.steps("claude-swap")["slot 1 (ada@example.com)"]
    assert step.action is Action.NEWER
    assert step.candidate.login is not None
    save_copy(ada.environment.state_dir, "one", step.candidate.login, KEY, NOW)
    step = ada.steps("claude-swap")["slot 1 (ada@example.com)"]
    assert (step.action, step.account) == (Action.KEPT, member.id)


def test_aliases_are_given_once(ada: Person) -> None:
    """One that somebody has already stays theirs; a person's own stays too."""
    ada.log_in(tokens("live"), person("someone-else"))
    ada.desk.capture("claude", "work")
    with_claude_swap(ada.environment)
    taken = ada.take("claude-swap", "slot 1 (ada@example.com)")
    assert taken.member is not None
    assert [m.alias for m in ada.members()] == ["work", ""]


def test_a_vault_that_does_not_answer(ada: Person) -> None:
    """Nothing is filed and nobody is enrolled."""
    with_claude_swap(ada.environment)

    def locked() -> object:
        raise VaultTrouble(State.LOCKED)

    ada.vault._open = locked  # type: ignore[assignment]
    with pytest.raises(VaultTrouble):
        ada.take("claude-swap", "slot 1 (ada@example.com)")
    assert ada.members() == ()
    assert load_registry(ada.environment.state_dir).accounts == ()


def test_what_cannot_be_looked_at(ada: Person, environment: Environment) -> None:
    """A tool that is not known, one that is not here, and a provider that is switched off."""
    for tool in ("keepass", "caam"):
        with pytest.raises(CannotImport):
            ada.importing.look(tool)
    with_cc_router(environment)
    off = Desk(environment, (CodexStore(environment),), ada.vault, FakeClock(NOW))
    with pytest.raises(CannotImport, match="claude is switched off"):
        off.importing().look("cc-router")


def test_no_secret_is_left_in_the_state_folder(ada: Person) -> None:
    """Registry, roster and trail hold none."""
    with_claude_swap(ada.environment)
    ada.take("claude-swap", "slot 1 (ada@example.com)")
    for folder in (ada.environment.state_dir, ada.environment.config_dir):
        for path in (p for p in Path(folder).rglob("*") if p.is_file()):
            assert b"CANARY" not in path.read_bytes()
            assert path.stat().st_mode & 0o77 == 0
