"""Renewing a kept login of Claude Code: what is posted, and what an answer means.

Pure, for accounts/freshen.py, which does it only for logins that no Claude Code holds: the
refresh token is spent by it, and the access token before is revoked at once.  Facts:
realiti4/claude-swap (JSON to platform.claude.com; #196, a dead token is told by the top-level
``error`` alone; #381), steipete/CodexBar:docs/claude.md.
"""

from __future__ import annotations

import json
from typing import Any

from providers.accounts.login import Login
from providers.accounts.renewal import Renewed, Spent, Unclear
from providers.accounts.secret import Secret
from providers.asking import Answer, Question, Site
from providers.engine.answers import body_of
from providers.engine.tokens import usable
from providers.engine.values import clean, epoch, load_json, number, part
from providers.model import DAY

TOKEN = "/v1/oauth/token"
CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
"""The public id of Claude Code's client, for a login that names none of its own."""

LIFE = 28_800.0
"""Seconds of an access token where the answer does not say."""

_WRAPPED = "claudeAiOauth"


class ClaudeRenewing:
    """See `providers.accounts.renewal.Renewing`."""

    site = Site("https://platform.claude.com", "QUOTADECK_CLAUDE_AUTH_URL", (f"POST {TOKEN}",))

    def question(self, login: Login) -> Question:
        """The refresh token, for its successor."""
        blob = part(part(_document(login), "credentials"), _WRAPPED)
        body = {
            "grant_type": "refresh_token",
            "refresh_token": usable(blob.get("refreshToken")),
            "client_id": usable(blob.get("clientId")) or CLIENT,
        }
        return Question("renew", TOKEN, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def answer(self, login: Login, answer: Answer) -> Renewed | Spent | Unclear:
        """A successor needs an access token; the refresh token stays where none is returned."""
        body = body_of(answer)
        error = body.get("error") if isinstance(body, dict) else None
        if answer.status in (400, 401, 403) and error == "invalid_grant":
            return Spent()
        if answer.status != 200:
            return Unclear(f"unexpected answer from the token endpoint ({answer.status})")
        if not isinstance(body, dict) or not usable(body.get("access_token")):
            return Unclear("the answer of the token endpoint holds no token")
        return Renewed(_successor(login, body, answer.at), _stranger(login, body))


def _successor(login: Login, body: dict[str, Any], at: float) -> Secret:
    """The login with what is new; every other field stays."""
    document = _document(login)
    credentials = dict(part(document, "credentials"))
    blob = dict(part(credentials, _WRAPPED))
    blob["accessToken"] = usable(body.get("access_token"))
    blob["refreshToken"] = usable(body.get("refresh_token")) or blob["refreshToken"]
    life = _span(body.get("expires_in")) or LIFE
    # Generations are ordered by this: a successor must never seem older, whatever a clock says.
    before = epoch(blob.get("expiresAt")) or 0.0
    blob["expiresAt"] = round(max(at + life, before + 1) * 1000)
    ends = _span(body.get("refresh_token_expires_in"))
    if ends:
        blob["refreshTokenExpiresAt"] = round((at + ends) * 1000)
    credentials[_WRAPPED] = blob
    return Secret(json.dumps(document | {"credentials": credentials}, separators=(",", ":")))


def _span(value: object) -> float:
    """Seconds ahead, 0 for what cannot be one."""
    seconds = number(value) or 0.0
    return seconds if 0 < seconds <= 3660 * DAY else 0.0


def _stranger(login: Login, body: dict[str, Any]) -> bool:
    """Whether the answer names another account than the login does."""
    theirs = clean(part(body, "account").get("uuid")), clean(part(body, "organization").get("uuid"))
    ours = login.claimed.key.partition("/")[::2] if login.claimed is not None else ("", "")
    return any(a and b and a != b for a, b in zip(theirs, ours, strict=True))


def _document(login: Login) -> dict[str, Any]:
    document: dict[str, Any] = load_json(login.payload.reveal().encode("utf-8", "replace"))
    return document


RENEWING = ClaudeRenewing()
