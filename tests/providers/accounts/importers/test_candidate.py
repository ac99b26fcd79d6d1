"""How bytes are judged: by the store of the provider, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from providers.accounts.importers.candidate import Candidate, judged
from providers.accounts.login import Held, Live
from providers.base import Environment, Found
from providers.codex.store import CodexStore
from providers.record import replace
from tests.providers.accounts.importers.homes import codex_login


class Suspicious(CodexStore):
    """A store that hands out the newest tokens of mixed accounts too, as it may."""

    def parse(self, found: Mapping[Path, Found]) -> Live:
        return replace(super().parse(found), held=Held.MIXED, why="")


def test_mixed_tokens_are_refused_also_where_the_store_names_their_owner(environment: Environment) -> None:
    """They are somebody's newest, but whose account the rest is, nobody can tell."""
    blank = Candidate("caam", "x", "codex")
    data = codex_login("x").encode()
    assert judged(blank, CodexStore(environment), (data,)).login is not None
    mixed = judged(blank, Suspicious(environment), (data,))
    assert (mixed.login, mixed.why_not) == (None, "the copy there mixes the tokens of two accounts")
