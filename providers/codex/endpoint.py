"""Codex' usage endpoint: what to ask with, what to ask, what the answers mean.

Pure; the asker sends.  Asked with Codex' own access token under our own name; no refresh token
is ever looked at but for being there, and a banked reset is never redeemed.  Facts:
openai/codex 0.169, getagentseal/codeburn:docs/providers/codex.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import FileBytes, Found, ReadContext, Unparseable
from providers.codex.login import access_of, login_state
from providers.codex.usage import parse_usage
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint
from providers.engine.values import clean, epoch, number
from providers.model import DAY, Status, Window
from providers.record import replace

USAGE = "/backend-api/wham/usage"
RESETS = "/backend-api/wham/rate-limit-reset-credits"
WORKSPACES = "/backend-api/accounts"
_BANKED, _BANKED_AT, _UNTIL = "banked", "banked_at", "banked_until"
_NAME, _NAMED_AT = "workspace", "workspace_at"
_UNEXPECTED = "unexpected answer from the usage endpoint"


class CodexUsage(Endpoint):
    """See `providers.asking.Endpoint`.  Once a day it also asks what the workspace is called,
    and when banked resets expire if there are any; both may fail without a word."""

    id = "usage"
    title = "usage endpoint"
    sites = (
        Site(
            "https://chatgpt.com",
            "QUOTADECK_CODEX_URL",
            (f"GET {USAGE}", f"GET {RESETS}", f"GET {WORKSPACES}"),
        ),
    )
    limits = Limits(per_hour=12, active=300, idle=900, floor=180, by_hand=60)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The access token of auth.json, if it is a ChatGPT login that has not lapsed."""
        state, auth = login_state(files, context), files.get("auth")
        if state.status is not Status.OK:
            return NotAsked(state.message or "there is no ChatGPT login to ask with")
        if state.identity is None or not isinstance(auth, FileBytes):
            return NotAsked("the login is not in auth.json, so there is nothing to ask with")
        access = access_of(auth.data)
        if access is None:
            return NotAsked("auth.json holds no access token")
        account = state.identity.key.partition("/")[0]
        extra = {"ChatGPT-Account-Id": account} if account else {}
        if access.fedramp:
            extra["X-OpenAI-Fedramp"] = "true"
        return Credential(
            state.identity.key, fingerprint(access.token), access.token, extra, access.renewable
        )

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The usage; before it what is due once a day."""
        headers = {"Authorization": f"Bearer {credential.token}", **credential.extra}
        asked: list[Question] = []
        if not _recent(memory.get(_NAMED_AT), now):
            asked.append(Question("workspaces", WORKSPACES, headers))
        if (number(memory.get(_BANKED)) or 0) > 0 and not _recent(memory.get(_BANKED_AT), now):
            asked.append(Question("resets", RESETS, headers))
        return (*asked, Question("usage", USAGE, headers))

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
        if answer.status == 401:
            return _refused(credential)
        if question.name == "workspaces":
            return _workspaces(body, credential, memory, answer)
        if question.name == "resets":
            return _resets(body, memory, answer)
        if answer.status == 403:
            message = "ChatGPT does not let this login read usage (403): check which workspace codex uses"
            return Asked(AskOutcome.REFUSED, status=Status.DENIED, message=message)
        if answer.status != 200:
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=f"{_UNEXPECTED} ({answer.status})")
        return _usage(body, credential, memory, answer.at)


def _usage(body: object, credential: Credential, memory: Mapping[str, str], at: float) -> Asked:
    try:
        reading = parse_usage(body, observed_at=at, now=at)
    except Unparseable:
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=_UNEXPECTED)
    if not _same(reading.account, credential.account):
        message = "the answer was another account's, so nothing was filed; asked again later"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    count = next((w.remaining for w in reading.windows if w.id == "resets"), None) or 0
    kept = {**memory, _BANKED: f"{count:.0f}"}
    windows = tuple(_dated(window, kept.get(_UNTIL, "")) for window in reading.windows)
    known = replace(reading, windows=windows, account=credential.account, alias=kept.get(_NAME, ""))
    return Asked(AskOutcome.ANSWERED, known, memory=kept)


def _same(named: str | None, asked: str) -> bool:
    """Whether an answer is about the account that was asked for; one that names only half of
    it is compared by that half."""
    ours = asked.partition("/")
    theirs = (named or "").partition("/")
    return all(not b or not a or a == b for a, b in ((ours[0], theirs[0]), (ours[2], theirs[2])))


def _dated(window: Window, until: str) -> Window:
    """The row of banked resets with the day on which the first one goes."""
    if window.id != "resets" or not until or window.remaining is None:
        return window
    return replace(window, note=f"{window.remaining:.0f} banked, the first until {until}")


def _workspaces(body: object, credential: Credential, memory: Mapping[str, str], answer: Answer) -> Asked:
    """The workspace's name; a personal account has none."""
    items = body.get("items") if isinstance(body, Mapping) and answer.status == 200 else None
    account = credential.account.partition("/")[0]
    name = ""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("id") == account:
            name = clean(item.get("name"), 40)
    kept = {**memory, _NAMED_AT: f"{answer.at:.0f}"}
    if isinstance(items, list):
        kept[_NAME] = name
    return Asked(AskOutcome.ANSWERED, memory=kept)


def _resets(body: object, memory: Mapping[str, str], answer: Answer) -> Asked:
    """When the first of the available banked resets expires."""
    listed = body.get("credits") if isinstance(body, Mapping) and answer.status == 200 else None
    ends: list[float] = []
    for credit in listed if isinstance(listed, list) else ():
        if isinstance(credit, Mapping) and credit.get("status") == "available":
            end = epoch(credit.get("expires_at"))
            if end is not None and end > answer.at:
                ends.append(end)
    until = _day(min(ends)) if ends else ""
    return Asked(AskOutcome.ANSWERED, memory={**memory, _BANKED_AT: f"{answer.at:.0f}", _UNTIL: until})


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%b}"


def _recent(asked_at: Any, now: float) -> bool:
    at = number(asked_at)
    return at is not None and now - DAY < at <= now + DAY


def _refused(credential: Credential) -> Asked:
    """The token is not accepted, whatever its own date says: Codex renews it at its next run."""
    if credential.renewable:
        message = "the access token is no longer accepted; renews when codex runs"
        return Asked(AskOutcome.REFUSED, status=Status.IDLE, message=message)
    message = "the login has run out: run codex login"
    return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)


ENDPOINT = CodexUsage()
