"""A plan in sentences: everything that will happen, and no secret."""

from __future__ import annotations

import re

import pytest

from providers.accounts.importers import IMPORTERS, Candidate
from providers.accounts.importers.planned import KnownAccount, plan
from providers.accounts.importers.preview import LAST, NOTHING, SHARED, preview_lines
from providers.accounts.login import Login
from providers.accounts.secret import Secret
from providers.base import Environment
from providers.model import Identity
from tests.providers.accounts.importers.homes import HOMES, aimonitor_items, found

WHO = Identity("ada", "ada@example.com")


def one(lineage: str, issued: float = 10.0, *, used: bool = False, who: Identity | None = WHO) -> Candidate:
    login = Login("claude", lineage, Secret("CANARY"), claimed=who, issued=issued)
    return Candidate("caam", f"{lineage}@example.com", "claude", login=login, still_used=used)


def test_a_sentence_for_each_and_what_holds_for_all() -> None:
    """New, newer, beside, kept, the same, skipped."""
    here = KnownAccount("a1b2c3", "claude", "", "ada", ("l0",), 5.0)
    bad = Candidate("caam", "bad", "claude", why_not="an API key, which is no account to keep")
    every = [one("l0"), one("l1", 9, used=True), one("l2", 3), one("l3", who=None), one("l3", 2), bad]
    shared = "; not renewed here, as caam holds it too."
    assert preview_lines(plan(every, [here])) == [
        f"caam, l0@example.com: nothing to do, this login is kept here already{shared}",
        "caam, l3@example.com: a newer login of a1b2c3 (says caam), which takes the place of the one kept "
        f"here{shared}",
        "caam, l3@example.com: nothing to do, it is the login of caam, l3@example.com.",
        f"caam, l1@example.com: a login of a1b2c3 (says caam) that is older, filed beside the newest{shared}",
        "caam, l2@example.com: a login of a1b2c3 (says caam) that is older, filed beside the newest.",
        "caam, bad: not imported, an API key, which is no account to keep.",
        SHARED,
        LAST,
    ]


def test_new_accounts() -> None:
    """Named by the login, or not."""
    lines = preview_lines(plan([one("l1"), one("l2", who=None)], []))
    assert lines == [
        "caam, l1@example.com: becomes a new account.",
        "caam, l2@example.com: becomes a new account of nobody known yet.",
        LAST,
    ]


def test_nothing_to_do() -> None:
    """Said, and nothing promised."""
    assert preview_lines(plan([], [])) == [NOTHING]


@pytest.mark.parametrize("tool", IMPORTERS)
def test_hidden_identities_stay_hidden(environment: Environment, tool: str) -> None:
    """Neither a label nor a reason names anybody while identities are hidden."""
    HOMES[tool](environment)
    for path in environment.home.rglob("*.enc"):
        path.unlink()
        path.mkdir()
    every = found(tool, environment, aimonitor_items(environment))
    text = "\n".join(preview_lines(plan((*every, *every), []), private=True))
    assert text
    assert not [c.label for c in every if re.search(rf"(?<!\w){re.escape(c.label)}(?!\w)", text)]
    assert "@" not in text
