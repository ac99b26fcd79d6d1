"""Which files of Codex are read, and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from providers.base import Environment
from providers.codex.provider import PROVIDER
from providers.model import Source

PLACES = {
    "auth": ".codex/auth.json",
    "config": ".codex/config.toml",
    "rollouts": ".codex/sessions/rollout-2027-01-15T08-00-00-x.jsonl",
    "archived": ".codex/archived_sessions/rollout-2027-01-15T08-00-00-x.jsonl",
    "endpoint_sidecar": ".local/state/quotadeck/quota/codex.a1b2c3.json",
    "tokenmaxxer": ".claude/.tokenmaxxer-codex.json",
}


def test_where_each_source_lies(environment: Environment) -> None:
    """One path per source; only sessions are looked through downwards."""
    sources = PROVIDER.sources(environment)
    assert [s.id for s in sources] == list(PLACES)
    for source in sources:
        path = environment.home / PLACES[source.id]
        assert path.parent == source.folder
        assert fnmatchcase(path.name, source.pattern)
    assert [s.id for s in sources if s.login] == ["auth", "config"]
    assert [(s.id, s.recursive, s.newest) for s in sources if s.log] == [
        ("rollouts", True, 8),
        ("archived", False, 2),
    ]
    assert {s.kind for s in sources if s.log} == {Source.LOG}


def test_the_homes_may_be_moved(with_variables: Callable[..., Environment]) -> None:
    """CODEX_HOME moves the login and the logs, CLAUDE_CONFIG_DIR tokenmaxxer's file."""
    moved = {
        s.id: str(s.folder) for s in PROVIDER.sources(with_variables(CODEX_HOME="/x", CLAUDE_CONFIG_DIR="/y"))
    }
    assert (moved["auth"], moved["rollouts"], moved["tokenmaxxer"]) == ("/x", "/x/sessions", "/y")
