"""Copilot's quota endpoint: what to ask with, what the answers mean.

Pure; the asker sends, under our own name (the service answers any client that has one).
Facts: @github/copilot 1.0.58, robinebers/openusage:docs/providers/copilot.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.asking import (
    Answer,
    Asked,
    AskOutcome,
    Credential,
    Endpoint,
    Kept,
    Limits,
    NotAsked,
    Question,
    Site,
)
from providers.base import Found, ReadContext
from providers.copilot.login import HOST, TENANTS, Held, held, login_state
from providers.copilot.quota import plan_of, windows_of
from providers.engine.answers import body_of, retry_after
from providers.engine.tokens import fingerprint
from providers.engine.values import clean, number
from providers.model import HOUR, Reading, Source, Status
from providers.record import replace

QUOTA = "/copilot_internal/user"


class CopilotQuota(Endpoint):
    """See `providers.asking.Endpoint`.  GitHub allows 5000 requests an hour, shared with
    everything else that the person runs; we take a fraction of a percent.  A company's tenant of
    ghe.com has a host of its own."""

    id = "usage"
    title = "quota endpoint"
    sites = (
        Site(f"https://api.{HOST}", "QUOTADECK_COPILOT_URL", (f"GET {QUOTA}",)),
        Site(f"https://api.*{TENANTS}", "QUOTADECK_COPILOT_URL", (f"GET {QUOTA}",)),
    )
    limits = Limits(per_hour=20, active=300, idle=600, floor=180, by_hand=60)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The tokens of the person's logins at one host, in the order in which they count."""
        logins = [_credential(login) for login in held(files, context)]
        if not logins:
            return NotAsked(login_state(files, context).message)
        return replace(logins[0], others=tuple(logins[1:]))

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The quota alone, at the login's own host."""
        headers, host = {"Authorization": f"Bearer {credential.token}"}, _host_of(credential)
        if host == HOST:
            return (Question("quota", QUOTA, headers),)
        return (Question("quota", QUOTA, headers, site=1, tenant=host.removesuffix(TENANTS)),)

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
        if answer.status != 200:
            return _wrong(answer, body)
        if not isinstance(body, Mapping) or not {"copilot_plan", "quota_snapshots", "login"} & set(body):
            message = "unexpected answer from the quota endpoint"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        login = clean(body.get("login"), 60)
        if (
            login
            and not credential.account.startswith(f"{_host_of(credential)}:token-")
            and _other(login, credential)
        ):
            message = "the login is another account's than its file says, so nothing was filed"
            return Asked(AskOutcome.REFUSED, status=Status.ERROR, message=message)
        reading = Reading(
            "copilot",
            windows_of(body, answer.at),
            Source.ENDPOINT,
            self.title,
            answer.at,
            account=credential.account,
            complete=True,
            plan=plan_of(body),
            alias=login,
        )
        return Asked(AskOutcome.ANSWERED, reading)


def _credential(login: Held) -> Credential:
    if login.token:
        return Credential(login.key, fingerprint(login.token), login.token, renewable=False)
    return Credential(login.key, "", "", renewable=False, kept=Kept(login.service, login.user))


def _host_of(credential: Credential) -> str:
    return credential.account.partition(":")[0]


def _other(login: str, credential: Credential) -> bool:
    return credential.account != f"{_host_of(credential)}:{login.lower()}"


def _wrong(answer: Answer, body: object) -> Asked:
    said = clean(body.get("message"), 200).lower() if isinstance(body, Mapping) else ""
    match answer.status:
        case 401:
            message = "GitHub no longer accepts this login (401): run copilot and type /login"
            return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)
        case 403 if _is_limit(answer, said):
            return _limited(answer)
        case 403 if "x-github-sso" in answer.headers:
            message = "the organisation wants single sign-on for this login: authorise it at github.com"
            return Asked(AskOutcome.REFUSED, status=Status.DENIED, message=message)
        case 403:
            message = "GitHub does not let this login read Copilot's quota (403)"
            return Asked(AskOutcome.REFUSED, status=Status.DENIED, message=message)
        case 404:
            message = "no Copilot seat for this login, or a kind of token that may not read it (404)"
            return Asked(AskOutcome.REFUSED, status=Status.UNSUBSCRIBED, message=message)
    message = f"unexpected answer from the quota endpoint ({answer.status})"
    return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)


def _is_limit(answer: Answer, said: str) -> bool:
    headers = answer.headers
    spent = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return spent or "rate limit" in said


def _limited(answer: Answer) -> Asked:
    """GitHub limits with 403 too; the deadline stands in one of two headers."""
    wait = retry_after(answer.headers.get("retry-after", ""), answer.at)
    reset = number(answer.headers.get("x-ratelimit-reset"))
    if wait is None and reset is not None and 0 < reset - answer.at <= HOUR:
        wait = reset - answer.at
    message = "GitHub asks to wait (rate limit)"
    return Asked(AskOutcome.LIMITED, status=Status.LIMITED, message=message, wait=wait or 900.0)


ENDPOINT = CopilotQuota()
