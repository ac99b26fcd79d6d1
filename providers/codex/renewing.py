"""Renewing a kept login of Codex: what is posted, and what an answer means.

Pure, for accounts/freshen.py, which does it only for logins that no Codex holds: the refresh
token is spent by it.  Facts: openai/codex 0.169, Lampese/codex-switcher#127 (``invalid_grant``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from providers.accounts.login import Login
from providers.accounts.renewal import Renewed, Spent, Unclear
from providers.accounts.secret import Secret
from providers.asking import Answer, Question, Site
from providers.codex.login import login_words
from providers.engine.answers import body_of
from providers.engine.tokens import usable
from providers.engine.values import load_json, part

TOKEN = "/oauth/token"
CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The public id of Codex' client."""

DEAD = frozenset(
    {"refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated", "invalid_grant"}
)
_TOKENS = ("id_token", "access_token", "refresh_token")


class CodexRenewing:
    """See `providers.accounts.renewal.Renewing`."""

    site = Site("https://auth.openai.com", "QUOTADECK_CODEX_AUTH_URL", (f"POST {TOKEN}",))

    def question(self, login: Login) -> Question:
        """The refresh token, for its successor."""
        words = login_words(_document(login))
        held = "" if isinstance(words, str) else words.refresh_token
        body = {"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": held}
        return Question("renew", TOKEN, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def answer(self, login: Login, answer: Answer) -> Renewed | Spent | Unclear:
        """Each token stays where none is returned, but one of the two that count must be."""
        body = body_of(answer)
        if answer.status in (400, 401, 403) and _code(body) in DEAD:
            return Spent()
        if answer.status != 200:
            return Unclear(f"unexpected answer from the token endpoint ({answer.status})")
        found = {n: usable(body.get(n)) for n in _TOKENS} if isinstance(body, Mapping) else {}
        fresh = {name: token for name, token in found.items() if token}
        if not {"access_token", "refresh_token"} & set(fresh):
            return Unclear("the answer of the token endpoint holds no token")
        document = _document(login)
        held = {k: v for k, v in part(document, "tokens").items() if _snake(k) not in fresh}
        moment = datetime.fromtimestamp(answer.at, UTC).isoformat(timespec="microseconds")
        renewed = {"tokens": {**held, **fresh}, "last_refresh": moment.replace("+00:00", "Z")}
        return Renewed(Secret(json.dumps(document | renewed, indent=2)))


def _code(body: object) -> str:
    """The error of an answer: a string, an object with a code, or a code beside it."""
    if not isinstance(body, Mapping):
        return ""
    error = body.get("error")
    told = error if isinstance(error, str) else part(body, "error").get("code") or body.get("code")
    return told if isinstance(told, str) else ""


def _snake(name: str) -> str:
    """The name as Codex writes it, whatever an older tool wrote."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _document(login: Login) -> dict[str, Any]:
    document: dict[str, Any] = load_json(login.payload.reveal().encode("utf-8", "replace"))
    return document


RENEWING = CodexRenewing()
