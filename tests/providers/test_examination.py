"""The whole check-up: everything in one, the worst first, nothing changed, no secret in it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from providers.accounts.vault import State, VaultTrouble
from providers.accounts.vaults import Rung, Vaults
from providers.base import Environment
from providers.engine.checkup import Severity
from providers.engine.settings import Settings
from providers.examination import ORDER, Examination, examine
from providers.live import open_live
from tests.conftest import FakeClock
from tests.providers.accounts.importers.homes import HOMES, as_it_lies, codex_login, person, tokens
from tests.providers.accounts.test_importing import Person
from tests.world.logins import put


def no_keyring() -> object:
    raise VaultTrouble(State.ABSENT)


def look(environment: Environment, **settings: object) -> Examination:
    chosen = Settings(**settings)  # type: ignore[arg-type]
    vaults = Vaults(environment, chosen, keyring=no_keyring)  # type: ignore[arg-type]
    live = open_live(environment, chosen, FakeClock(time.time()))
    return examine(environment, chosen, live.sources(), vaults, time.time())


@pytest.fixture
def messy(environment: Environment) -> Environment:
    """Something of everything."""
    ada = Person(environment)
    ada.log_in(tokens("one"), person())
    ada.desk.capture("claude", "nickname")
    for home in HOMES.values():
        home(environment)
    put(environment.home / ".codex/auth.json", codex_login("dev"))
    (environment.home / ".codex/auth.json").chmod(0o644)
    put(environment.home / ".claude-session-key", "sk-ant-sid01-CANARYCANARYCANARY\n")
    put(environment.home / ".claude/.tokenmaxxer-opencode-go.json", '{"cookie": "CANARY"}')
    (environment.home / ".claude.lock").mkdir()
    os.utime(environment.home / ".claude.lock", (time.time() + 9_000,) * 2)
    (environment.home / ".claude/.credentials.json.qd-ffffffff").write_text("CANARY")
    return environment


def test_something_of_everything(messy: Environment) -> None:
    """Each with its command, the worst first."""
    found = look(messy, vault="keyring")
    by_path = {finding.path: finding for finding in found.findings}
    assert by_path["~/.codex/auth.json"].fix == "chmod 600 ~/.codex/auth.json"
    assert by_path["~/.claude.lock"].fix == "rmdir ~/.claude.lock"
    assert by_path["~/.claude/.credentials.json.qd-ffffffff"].fix == "quotadeck recover"
    assert by_path["vault"].severity is Severity.SEVERE
    assert "quotadeck import claude-swap" in {finding.fix for finding in found.findings}
    assert by_path["~/.claude-session-key"].fix == (
        "quotadeck key set claude-web < ~/.claude-session-key && rm ~/.claude-session-key"
    )
    assert "cookie" in by_path["~/.claude/.tokenmaxxer-opencode-go.json"].sentence
    assert all(finding.fix for finding in found.findings)
    ranks = [ORDER.index(finding.severity) for finding in found.findings]
    assert ranks == sorted(ranks)
    assert [offer.rung for offer in found.vaults if offer.chosen] == [Rung.KEYRING]


def test_no_secret_and_no_name(messy: Environment) -> None:
    """It can be shown to anybody who may know which tools there are."""
    told = repr(look(messy))
    for word in ("CANARY", "example.com", "sk-ant-o", "nickname"):
        assert word not in told


def test_nothing_is_changed(messy: Environment) -> None:
    """Not a byte, not a mode; nothing is made."""
    before = as_it_lies(messy.home)
    look(messy)
    assert as_it_lies(messy.home) == before


def test_an_empty_home(environment: Environment) -> None:
    """No finding, no login; what could keep secrets is listed."""
    found = look(environment)
    assert (found.findings, found.tokens, len(found.vaults)) == ((), (), len(Rung))
    assert list(environment.home.iterdir()) == []


def test_what_is_switched_off_is_left_alone(messy: Environment) -> None:
    """Its logins and those that others keep of it are not opened, nor its locks looked at."""
    found = look(messy, disabled=frozenset({"claude", "codex"}))
    assert {(token.live, token.tools) for token in found.tokens} == {((), ())}
    assert "~/.claude.lock" not in {finding.path for finding in found.findings}


def test_the_session_key_goes_into_the_vault(environment: Environment) -> None:
    """The command that is named, typed: the key is kept encrypted, and the file is gone."""
    from tests.terminals import QUOTADECK, base_variables

    home = environment.home
    put(home / ".claude-session-key", "sk-ant-sid01-CANARYCANARYCANARY\n")
    put(home / ".config/quotadeck/config.toml", 'vault = "plaintext"\n')
    (finding,) = [f for f in look(environment).findings if f.path == "~/.claude-session-key"]
    variables = base_variables(home)
    variables["PATH"] = f"{Path(QUOTADECK[0]).parent}:{variables['PATH']}"
    done = subprocess.run(
        ["sh", "-c", finding.fix], env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (home / ".claude-session-key").exists()
    assert "CANARY" not in done.stdout
