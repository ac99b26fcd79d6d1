"""codex-auth's snapshots: found by the registry's keys, named by their own claims."""

from __future__ import annotations

import base64

import pytest

from providers.accounts.importers import CannotImport
from providers.base import Environment
from tests.providers.accounts.importers.homes import (
    by_label,
    codex_accounts,
    codex_login,
    found,
    stores,
    with_codex_auth,
)
from tests.world.logins import put


def test_the_accounts_of_the_registry(environment: Environment) -> None:
    """Keys that could be no file name are coded; who it is, the tokens say."""
    with_codex_auth(environment)
    every = by_label("codex-auth", environment)
    dev = every["dev@example.com"]
    opened = stores(environment)["codex"].opened(dev.payload)
    assert opened is not None
    assert opened.identity is not None
    assert (opened.identity.key, dev.alias, dev.still_used) == ("acct-1/user-1", "home", True)
    assert every["two@example.com"].login is not None
    assert every["gone@example.com"].why_not == "there is no copy of its login"
    assert every["api@example.com"].why_not.endswith("an API key, which is no account to keep")
    assert [every[f"{n}@example.com"].alias for n in ("two", "gone", "api")] == ["", "", ""]


@pytest.mark.parametrize("key", ["../../../evil", "..", ".", "", "a/b", None, 7, "x" * 200])
def test_a_key_leads_nowhere_else(environment: Environment, key: object) -> None:
    """Coded or refused: the file beside the folder stays closed."""
    folder = codex_accounts(environment)
    put(folder / "registry.json", {"schema_version": 3, "accounts": [{"account_key": key}]})
    for path in (environment.home / "evil.auth.json", folder / "...auth.json", folder / "..auth.json"):
        put(path, codex_login("evil"))
    (one,) = found("codex-auth", environment)
    assert (one.login, one.label) == (None, "account 1")


def test_the_two_older_forms(environment: Environment) -> None:
    """``version`` 3 is the same; 2 names the files by e-mail, always coded."""
    folder = codex_accounts(environment)
    put(folder / "registry.json", {"version": 3, "accounts": [{"account_key": "k", "email": "a@b.c"}]})
    put(folder / "k.auth.json", codex_login("three"))
    assert found("codex-auth", environment)[0].login is not None
    put(folder / "registry.json", {"version": 2, "accounts": [{"email": "a@b.c"}]})
    coded = base64.urlsafe_b64encode(b"a@b.c").decode().rstrip("=")
    put(folder / f"{coded}.auth.json", codex_login("two"))
    assert found("codex-auth", environment)[0].login is not None


@pytest.mark.parametrize("version", [4, 1, None, "3", True, [3]])
def test_another_version_is_refused(environment: Environment, version: object) -> None:
    """As codex-auth itself does."""
    put(codex_accounts(environment) / "registry.json", {"schema_version": version, "accounts": []})
    with pytest.raises(CannotImport, match=r"registry\.json of codex-auth is in a form that this version"):
        found("codex-auth", environment)
