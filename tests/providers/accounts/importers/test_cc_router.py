"""CC-Router's pool: Claude's logins without a name; the others are no logins of a CLI."""

from __future__ import annotations

import pytest

from providers.accounts.importers import CannotImport
from providers.base import Environment
from providers.record import replace
from tests.conftest import SAMPLES
from tests.providers.accounts.importers.homes import aged, by_label, found, stores, tokens, with_cc_router
from tests.world.logins import put


def test_the_pool(environment: Environment) -> None:
    """Only Claude's can be imported; nobody says whose they are; it renews them while it runs,
    so they count as used however old the file is."""
    with_cc_router(environment)
    aged(environment.home)
    every = by_label("cc-router", environment)
    pool = every["max-1"]
    opened = stores(environment)["claude"].opened(pool.payload)
    assert opened is not None
    assert (opened.claimed, pool.alias, pool.still_used) == (None, "max-1", True)
    assert "sessionLimit" not in pool.payload.reveal()
    assert {label: one.why_not for label, one in every.items() if one.why_not} == {
        "gpt_2": "it lacks the id_token that codex needs: log in with codex login and capture that",
        "key-3": "an API key, which is no account to keep",
        "new-4": "an account of a kind that this version does not know",
    }


def test_the_sample(environment: Environment) -> None:
    """As VictorMinemu/CC-Router 0.6.2 writes it."""
    text = (SAMPLES / "interop/ccrouter/accounts.json").read_text()
    put(environment.home / "elsewhere.json", text)
    moved = replace(environment, variables={"ACCOUNTS_PATH": "elsewhere.json"})
    first, second = found("cc-router", moved)
    assert first.login is not None
    assert (first.label, first.login.issued) == ("max-account-1", 1_795_351_600)
    assert (second.provider, second.login) == ("codex", None)


@pytest.mark.parametrize("row", [None, 7, {}, [], {"id": 3}, {"id": "x", "provider": []},
                                 {"id": "x", "refreshToken": 5, "accessToken": {}}])  # fmt: skip
def test_odd_rows(environment: Environment, row: object) -> None:
    """One line each, no login, no exception."""
    put(environment.home / ".cc-router/accounts.json", [row])
    (one,) = found("cc-router", environment)
    assert one.login is None
    assert one.why_not
    assert one.label


def test_a_label_that_is_a_token_is_not_shown(environment: Environment) -> None:
    """Somebody may have pasted one into the wrong field."""
    row = {**tokens("x")["claudeAiOauth"], "id": "sk-ant-oat01-CANARYpasted"}
    put(environment.home / ".cc-router/accounts.json", [row])
    (one,) = found("cc-router", environment)
    assert (one.label, one.alias) == ("account 1", "")


@pytest.mark.parametrize("text", ["{}", "null", "[", '"x"', ""])
def test_another_form(environment: Environment, text: str) -> None:
    """Refused as a whole."""
    put(environment.home / ".cc-router/accounts.json", text)
    with pytest.raises(CannotImport, match=r"^accounts\.json of cc-router is "):
        found("cc-router", environment)
