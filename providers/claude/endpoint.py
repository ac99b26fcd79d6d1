"""Claude's usage endpoint: what to ask with, what to ask, what the answers mean.

Pure; the asker sends.  Asked with Claude Code's own access token under our own name; no
refresh token is ever looked at but for being there.  Facts: steipete/CodexBar:docs/claude.md,
realiti4/claude-swap:src/claude_swap/poll_policy.py, sirmalloc/ccstatusline:src/utils/usage-fetch.ts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import Found, ReadContext, Unreadable
from providers.claude.keychain import item, login_in
from providers.claude.login import SCOPE, oauth_account, oauth_blob, plan_of, scopes_of
from providers.claude.quota import SIGNS, identity_key, parse_usage
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint, usable
from providers.engine.values import clean, epoch, part
from providers.model import Reading, Source, Status

USAGE, PROFILE = "/api/oauth/usage", "/api/oauth/profile"
_BETA = "oauth-2025-04-20"

_PROVED, _PLAN = "proved", "plan"


class ClaudeUsage(Endpoint):
    """See `providers.asking.Endpoint`.  The profile is asked once for each token: it proves
    whose the token is before anything is filed, and knows the plan."""

    id = "usage"
    title = "usage endpoint"
    sites = (Site("https://api.anthropic.com", "QUOTADECK_CLAUDE_URL", (f"GET {USAGE}", f"GET {PROFILE}")),)
    limits = Limits(per_hour=20, active=300, idle=600, floor=180, by_hand=60)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The access token of the stored login, if it may read usage and has not lapsed."""
        found = files.get("credentials")
        if isinstance(found, Unreadable):
            return NotAsked(f".credentials.json {found.reason}")
        blob, account = oauth_blob(found), oauth_account(files.get("config"))
        named = bool(clean(account.get("accountUuid")))
        if blob is None:
            if found is None and named and context.environment.platform == "darwin":
                return Credential(identity_key(account), "", "", kept=item(context.environment))
            return NotAsked("there is no subscription login to ask with")
        token = _token(blob, context.now)
        if isinstance(token, NotAsked):
            return token
        if not named:
            return NotAsked("Claude Code has not noted yet whose login this is")
        renewable = bool(blob.get("refreshToken"))
        return Credential(identity_key(account), fingerprint(token), token, renewable=renewable)

    def token_in(self, secret: str, context: ReadContext) -> str | NotAsked:
        """The access token in the keychain's item, if it can be used now."""
        blob = login_in(secret)
        return _token(blob, context.now) if blob else NotAsked("the keychain holds no login of Claude Code")

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The usage; before it, once for each token, the profile."""
        headers = bearer(credential.token)
        usage = Question("usage", USAGE, headers)
        if memory.get(_PROVED) == credential.fingerprint:
            return (usage,)
        return Question("profile", PROFILE, headers), usage

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or which of the broken logins it is."""
        body = body_of(answer)
        if answer.status in (401, 403):
            return _refused(answer.status, body, credential)
        if question.name == "profile":
            return _profile(body if answer.status == 200 else None, credential)
        if answer.status != 200:
            message = f"unexpected answer from the usage endpoint ({answer.status})"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        return _usage(body, credential, answer.at, memory)


def _token(blob: Mapping[str, Any], now: float) -> str | NotAsked:
    """The access token of a login, or why usage cannot be asked for with it."""
    token = usable(blob.get("accessToken"))
    if not token:
        return NotAsked("the login is empty: log in again with claude auth login")
    scopes = scopes_of(blob)
    if scopes and SCOPE not in scopes:
        return NotAsked("a setup-token login cannot read usage")
    expires = epoch(blob.get("expiresAt"))
    if expires is not None and expires <= now:
        return NotAsked("renews when claude runs" if blob.get("refreshToken") else "the login ran out")
    return token


def bearer(token: str) -> Mapping[str, str]:
    """The headers of every question here."""
    return {
        "Authorization": f"Bearer {token}",
        "anthropic-beta": _BETA,
        "Content-Type": "application/json",
    }


def _usage(body: object, credential: Credential, at: float, memory: Mapping[str, str]) -> Asked:
    if not isinstance(body, Mapping) or not any(sign in body for sign in SIGNS):
        message = "unexpected answer from the usage endpoint"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    reading = Reading(
        "claude",
        parse_usage(body, observed_at=at, now=at),
        Source.ENDPOINT,
        ClaudeUsage.title,
        at,
        account=credential.account,
        complete=True,
        plan=memory.get(_PLAN, ""),
    )
    return Asked(AskOutcome.ANSWERED, reading)


def _profile(body: object, credential: Credential) -> Asked:
    """Whose token it is.  An answer that names nobody proves nothing and is not asked for
    again with this token: the figures matter more."""
    memory = {_PROVED: credential.fingerprint}
    account, organisation = part(body, "account"), part(body, "organization")
    owner = clean(account.get("uuid"))
    if not owner:
        return Asked(AskOutcome.ANSWERED, memory=memory)
    ours, _, group = credential.account.partition("/")
    theirs = clean(organisation.get("uuid"))
    if owner != ours or (theirs and group and theirs != group):
        message = "the login is another account's than Claude Code notes, so nothing is filed; run: claude"
        return Asked(AskOutcome.REFUSED, status=Status.ERROR, message=message)
    named = {
        "organizationType": organisation.get("organization_type"),
        "organizationRateLimitTier": organisation.get("rate_limit_tier"),
        "seatTier": organisation.get("seat_tier"),
    }
    plan = plan_of(named, {})
    return Asked(AskOutcome.ANSWERED, memory=memory | ({_PLAN: plan} if plan else {}))


def _refused(status: int, body: object, credential: Credential) -> Asked:
    """401: the access token is over.  403: revoked, without the scope, or forbidden; the
    service tells which in English only (steipete/CodexBar)."""
    error = part(body, "error")
    said = clean(error.get("message"), 200).lower()
    if status == 401:
        if credential.renewable:
            return _say(Status.IDLE, "the access token is no longer accepted; renews when claude runs")
        return _say(Status.EXPIRED, "the login ran out: run claude auth login")
    if "revoked" in said:
        return _say(Status.EXPIRED, "the login was revoked: run claude auth login")
    if "scope" in said:
        return _say(Status.DENIED, "this login may not read usage (a setup token): run claude auth login")
    return _say(Status.DENIED, "the usage endpoint does not let this account in (403)")


def _say(status: Status, message: str) -> Asked:
    return Asked(AskOutcome.REFUSED, status=status, message=message)


ENDPOINT = ClaudeUsage()
