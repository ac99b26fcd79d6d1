"""Whose a login of Claude Code is, by the word of the profile endpoint.

For accounts/proof.py.  Facts: realiti4/claude-swap (the profile is asked before the locks).
"""

from __future__ import annotations

from providers.accounts.login import Login
from providers.asking import Answer, Limits, Question, Site
from providers.claude.endpoint import PROFILE, ClaudeUsage, bearer
from providers.engine.answers import body_of
from providers.engine.tokens import usable
from providers.engine.values import clean, load_json, part
from providers.model import Identity


class ClaudeProfile:
    """See `providers.accounts.proof.Proof`."""

    site: Site = ClaudeUsage.sites[0]
    limits: Limits = ClaudeUsage.limits

    def token(self, login: Login) -> str:
        """The access token of the login."""
        held = part(load_json(login.payload.reveal().encode("utf-8", "replace")), "credentials")
        return usable(part(held, "claudeAiOauth").get("accessToken"))

    def question(self, token: str) -> Question:
        """The profile."""
        return Question("profile", PROFILE, bearer(token))

    def identity(self, login: Login, answer: Answer) -> Identity | None:
        """Account and organisation; an answer without an organisation proves the claimed one of
        the same account."""
        body = body_of(answer) if answer.status == 200 else None
        account, organisation = part(body, "account"), part(body, "organization")
        owner, group = clean(account.get("uuid")), clean(organisation.get("uuid"))
        if not owner:
            return None
        claimed = login.claimed
        known, _, known_group = claimed.key.partition("/") if claimed is not None else ("", "", "")
        if known == owner and group in ("", known_group):
            return claimed
        email = clean(account.get("email") or account.get("email_address"))
        return Identity(f"{owner}/{group}", email, clean(organisation.get("name")))


PROOF = ClaudeProfile()
