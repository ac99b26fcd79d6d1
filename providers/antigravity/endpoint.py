"""How Antigravity is asked: through its own command, on a key; or, once a person switched that on,
at its endpoint.

Pure; the asker runs and sends.  The endpoint answers nobody whose User-Agent does not begin with
``antigravity``, so it is optional and off.  Facts: slkiser/opencode-quota#125,
lbjlaq/Antigravity-Manager#3426 and #3501, robinebers/openusage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from providers.antigravity import quota
from providers.antigravity.login import held, lapsed, parsed
from providers.antigravity.provider import ACCOUNT, command_of
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
from providers.base import Found, ReadContext, Unparseable
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint
from providers.engine.values import clean, load_json, number, part
from providers.model import HOUR, Reading, Source, Status

LOAD, SUMMARY = "/v1internal:loadCodeAssist", "/v1internal:retrieveUserQuotaSummary"
PROJECT_FOR = 6 * HOUR
_KEPT = Kept("gemini", "antigravity")
_OVER = "the access token is over: renews when agy runs"
_AGENT = "antigravity (a client of quotadeck)"


class AntigravityCommand(Endpoint):
    """See `providers.asking.Endpoint`.  ``agy -p /usage`` spends no quota and takes three seconds;
    it is a program of the person's that may do more, so only a key starts it."""

    id = "command"
    title = "agy -p /usage"
    sites = ()
    limits = Limits(per_hour=12, active=3600, idle=3600, floor=180, by_hand=60, by_itself=False)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """agy holds its login itself."""
        path = command_of(context.environment)
        if not path:
            return NotAsked("agy is not installed")
        return Credential(ACCOUNT, fingerprint(path), "", {"command": path}, renewable=False)

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The usage alone."""
        path = credential.extra.get("command", "")
        return (Question("usage", "", {}, command=(path, "-p", "/usage", "--output-format", "json")),)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or what is wrong."""
        return _read(answer, Source.CLI, self.title, "agy printed something that this version does not know")


class AntigravityUsage(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "usage"
    title = "usage endpoint"
    sites = (
        Site("https://daily-cloudcode-pa.googleapis.com", "QUOTADECK_ANTIGRAVITY_URL",
             (f"POST {SUMMARY}", f"POST {LOAD}")),
    )  # fmt: skip
    limits = Limits(per_hour=20, active=300, idle=600, floor=180, by_hand=60)
    optional = True

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The token of the file, or of the keyring where agy is installed; none is renewed."""
        login = held(files)
        if login is None:
            if not command_of(context.environment):
                return NotAsked("Antigravity is not installed here")
            return Credential(ACCOUNT, "", "", kept=_KEPT)
        if lapsed(login, context):
            return NotAsked(_OVER)
        return Credential(ACCOUNT, fingerprint(login.token), login.token)

    def token_in(self, secret: str, context: ReadContext) -> str | NotAsked:
        """The access token; agy renews it."""
        login = parsed(secret.encode("utf-8", "replace"))
        return NotAsked(_OVER) if login is None or lapsed(login, context) else login.token

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The quota; before it, a few times a day, of which project."""
        headers = {
            "Authorization": f"Bearer {credential.token}",
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
        }
        body = json.dumps({"project": memory.get("project", "")}).encode()
        summary = Question("summary", SUMMARY, headers, body)
        loaded_at = number(memory.get("loaded_at")) or 0.0
        if 0 <= now - loaded_at < PROJECT_FOR:
            return (summary,)
        metadata = {"ideType": "ANTIGRAVITY", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
        return Question("load", LOAD, headers, json.dumps({"metadata": metadata}).encode()), summary

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or which of the broken logins it is."""
        if answer.status == 401:
            message = "Google no longer accepts the access token; renews when agy runs"
            return Asked(AskOutcome.REFUSED, status=Status.IDLE, message=message)
        if answer.status in (400, 403):
            message = f"Google does not let this account read Antigravity's quota ({answer.status})"
            return Asked(AskOutcome.REFUSED, status=Status.DENIED, message=message)
        if question.name == "load" and answer.status == 200:
            return Asked(AskOutcome.ANSWERED, memory=_project(answer))
        return _read(
            answer, Source.ENDPOINT, self.title, f"unexpected answer from Antigravity ({answer.status})"
        )


def _project(answer: Answer) -> Mapping[str, str]:
    body = body_of(answer)
    project = body.get("cloudaicompanionProject") if isinstance(body, Mapping) else None
    named = clean(project, 80) or clean(part(body, "cloudaicompanionProject").get("id"), 80)
    return {"project": named, "loaded_at": f"{answer.at:.0f}"}


def _read(answer: Answer, source: Source, origin: str, otherwise: str) -> Asked:
    try:
        windows = quota.windows_of(load_json(answer.body), answer.at) if answer.status == 200 else None
    except Unparseable:
        windows = None
    if windows is None:
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=otherwise)
    reading = Reading("antigravity", windows, source, origin, answer.at, account=ACCOUNT, complete=True)
    return Asked(AskOutcome.ANSWERED, reading)


COMMAND, ENDPOINT = AntigravityCommand(), AntigravityUsage()
