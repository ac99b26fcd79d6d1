"""caam's vault: profiles are folders with copies by base name."""

from __future__ import annotations

import os

import pytest

from providers.accounts.importers import CannotImport
from providers.base import Environment
from providers.record import replace
from tests.providers.accounts.importers.homes import (
    PERSON,
    TEAM,
    aged,
    by_label,
    caam_profile,
    codex_login,
    found,
    tokens,
    with_caam,
)


def test_the_profiles_of_each_cli(environment: Environment) -> None:
    """Claude's with the name beside it, Codex' by its own claims, safety copies too; what is not
    switched here only by name."""
    with_caam(environment)
    every = by_label("caam", environment)
    ada, safety = every["claude ada"].login, every["claude _backup_20261101_120000"].login
    codex, gemini = every["codex Work!"], every["gemini g"]
    assert ada is not None
    assert ada.claimed is not None
    assert ada.claimed.key == f"{PERSON}/{TEAM}"
    assert safety is not None
    assert safety.issued > ada.issued
    assert codex.login is not None
    assert codex.login.identity is not None
    assert codex.login.identity.key == "acct-1/user-1"
    assert [every[n].alias for n in ("claude ada", "claude _backup_20261101_120000", "codex Work!")] == [
        "ada", "", "",
    ]  # fmt: skip
    assert (gemini.login, gemini.why_not) == (None, "accounts of gemini are not imported from caam")


def test_a_profile_without_a_login(environment: Environment) -> None:
    """One that was made of settings alone, as caam allows."""
    caam_profile(environment, "claude", "key", {"settings.json": {"apiKeyHelper": "CANARY"}})
    (one,) = found("caam", environment)
    assert one.why_not == "its profile holds no .credentials.json"


def test_a_name_that_cannot_be_read_costs_the_name_alone(environment: Environment) -> None:
    """The config is huge or a link: the login is kept, nobody claims whose it is."""
    folder = caam_profile(environment, "claude", "ada", {".credentials.json": tokens("x")})
    (folder / ".claude.json").symlink_to("/etc/hostname")
    (one,) = found("caam", environment)
    assert one.login is not None
    assert one.login.claimed is None


def test_links_to_folders_are_not_followed(environment: Environment) -> None:
    """Neither a profile nor a CLI's folder may be one."""
    real = environment.home / "real"
    caam_profile(environment, "claude", "ada", {".credentials.json": tokens("x")})
    (environment.home / ".local/share/caam/vault/claude").rename(real)
    os.symlink(real, environment.home / ".local/share/caam/vault/claude")
    with pytest.raises(CannotImport, match="caam keeps no profiles here"):
        found("caam", environment)


def test_mixed_accounts_are_refused(environment: Environment) -> None:
    """Tokens of one account under the id of another, as a swap in mid-refresh leaves them."""
    text = codex_login("mixed").replace('"account_id": "acct-1"', '"account_id": "acct-9"')
    caam_profile(environment, "codex", "m", {"auth.json": text})
    (one,) = found("caam", environment)
    assert one.why_not == "the copy there mixes the tokens of two accounts"


@pytest.mark.parametrize(
    ("variables", "folder"),
    [({"CAAM_HOME": "own"}, "own/data/vault"), ({"XDG_DATA_HOME": "data"}, "data/caam/vault")],
)
def test_where_the_vault_is(environment: Environment, variables: dict[str, str], folder: str) -> None:
    """CAAM_HOME, then XDG_DATA_HOME."""
    caam_profile(environment, "claude", "ada", {".credentials.json": tokens("x")})
    target = environment.home / folder
    target.parent.mkdir(parents=True)
    (environment.home / ".local/share/caam/vault").rename(target)
    assert len(found("caam", replace(environment, variables=variables))) == 1


def test_used_until_it_is_forgotten(environment: Environment) -> None:
    """By the time of the copies."""
    with_caam(environment)
    assert by_label("caam", environment)["claude ada"].still_used
    aged(environment.home)
    assert not by_label("caam", environment)["claude ada"].still_used
