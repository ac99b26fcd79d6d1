"""The pool of CC-Router: one file with the tokens of each account.

It names no person, so whose a login is must be asked; and while it runs it renews every one.
Facts: VictorMinemu/CC-Router 0.6.2:src/config/manager.ts, src/config/paths.ts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from providers.accounts.importers.candidate import (
    Candidate,
    SecretReader,
    alias_of,
    judged,
    label_of,
    refused,
)
from providers.accounts.importers.sources import MOST, register, unknown_form
from providers.accounts.login import LoginStore
from providers.base import Environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOOL = "cc-router"
_KEPT = ("accessToken", "refreshToken", "expiresAt", "scopes")
_OTHERS = {
    "openai_subscription": (
        "codex", "it lacks the id_token that codex needs: log in with codex login and capture that"
    ),
    "openai_api_key": ("codex", "an API key, which is no account to keep"),
}  # fmt: skip


def read(
    environment: Environment, stores: Mapping[str, LoginStore], secret: SecretReader | None, now: float
) -> Iterator[Candidate]:
    """Each account of the pool."""
    path = environment.folder("ACCOUNTS_PATH", ".cc-router/accounts.json")
    rows, _ = register(path, TOOL)
    if not isinstance(rows, list):
        raise unknown_form(path, TOOL)
    for count, row in enumerate(rows[:MOST], 1):
        yield _candidate(row if isinstance(row, Mapping) else {}, count, stores["claude"])


def _candidate(row: Mapping[str, Any], count: int, store: LoginStore) -> Candidate:
    label = label_of(row.get("id"), fallback=f"account {count}")
    kind = row.get("provider", "anthropic_subscription")
    blank = Candidate(TOOL, label, "claude", alias=alias_of(row.get("id")))
    if kind != "anthropic_subscription":
        known = _OTHERS.get(kind) if isinstance(kind, str) else None
        provider, why = known or ("", "an account of a kind that this version does not know")
        return refused(Candidate(TOOL, label, provider), why)
    tokens = {"claudeAiOauth": {key: row[key] for key in _KEPT if key in row}}
    return judged(blank, store, (json.dumps(tokens).encode("utf-8", "replace"),))
