"""Google's Code Assist endpoints: what to ask with, what to ask, what the answers mean.

Pure but for `credential` of a lapsed login, which looks for the installed CLI's client values and
for running geminis, and `keep`.  The asker sends, under our own name.  Facts:
google-gemini/gemini-cli 0.61.0, steipete/CodexBar#3139 (how the shutdown of 2026-06 looks).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

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
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint, usable
from providers.engine.values import clean, number
from providers.gemini import quota, renewal
from providers.gemini.login import (
    google_login,
    in_keyring,
    kind_of,
    lapsed,
    login_state,
    project_of,
    token_in,
)
from providers.model import HOUR, Reading, Source, Status

LOAD, QUOTA, TOKEN = "/v1internal:loadCodeAssist", "/v1internal:retrieveUserQuota", "/token"
LOADED_FOR = 6 * HOUR
MOVED = "Google no longer serves Gemini CLI for individuals; its successor is Antigravity (agy)"
_UNEXPECTED = "unexpected answer from Code Assist"
_KEPT = Kept("gemini-cli-oauth", "main-account")
"""Where the CLI keeps the tokens with GEMINI_FORCE_ENCRYPTED_FILE_STORAGE."""
_RENEWAL = ("refresh_token", "client_id", "client_secret")


class GeminiQuota(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "usage"
    title = "quota endpoint"
    sites = (
        Site(
            "https://cloudcode-pa.googleapis.com", "QUOTADECK_GEMINI_URL", (f"POST {QUOTA}", f"POST {LOAD}")
        ),
        Site("https://oauth2.googleapis.com", "QUOTADECK_GEMINI_AUTH_URL", (f"POST {TOKEN}",)),
    )
    limits = Limits(per_hour=20, active=300, idle=600, floor=180, by_hand=60)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The access token of a Google login; a lapsed one with what renews it, if that may be
        done now."""
        login, email = google_login(files), in_keyring(files)
        if login is None and email:
            return Credential(email.lower(), "", "", {"project": project_of(context)}, kept=_KEPT)
        if login is None or kind_of(files, context) != "oauth-personal":
            return NotAsked(login_state(files, context).message)
        extra = {"project": project_of(context), "workspace": "1" if login.workspace else ""}
        if not lapsed(login, context):
            return Credential(login.account, fingerprint(login.token), login.token, extra)
        if not login.refresh_token:
            return NotAsked(login_state(files, context).message)
        if not renewal.may_renew():
            return NotAsked("the access token is over; gemini runs, and renews it itself")
        client = renewal.client_values(login, context.environment)
        if client is None:
            return NotAsked("the access token is over: run gemini once")
        extra |= dict(zip(_RENEWAL, (login.refresh_token, *client), strict=True))
        known_by = fingerprint(login.token or login.refresh_token)
        return Credential(login.account, known_by, login.token, extra, lapsed=True)

    def token_in(self, secret: str, context: ReadContext) -> str | NotAsked:
        """The access token; it is not renewed there, as gemini owns it."""
        return token_in(secret, context) or NotAsked("the access token is over: renews when gemini runs")

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """A lapsed token is renewed first.  Else the quota; before it, a few times a day, who the
        account is."""
        if credential.lapsed:
            form = {"grant_type": "refresh_token", **{k: credential.extra.get(k, "") for k in _RENEWAL}}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return (Question("renew", TOKEN, headers, urlencode(form).encode(), site=1),)
        headers = {"Authorization": f"Bearer {credential.token}", "Content-Type": "application/json"}
        chosen = credential.extra.get("project", "")
        project = chosen or memory.get("project", "")
        body = json.dumps({"project": project} if project else {}).encode()
        asked = Question("quota", QUOTA, headers, body)
        loaded_at = number(memory.get("loaded_at")) or 0.0
        if 0 <= now - loaded_at < LOADED_FOR:
            return (asked,)
        about: dict[str, Any] = {
            "metadata": {
                "ideType": "IDE_UNSPECIFIED",
                "platform": "PLATFORM_UNSPECIFIED",
                "pluginType": "GEMINI",
            }
        }
        if chosen:
            about |= {"cloudaicompanionProject": chosen}
            about["metadata"]["duetProject"] = chosen
        return Question("load", LOAD, headers, json.dumps(about).encode()), asked

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, a renewed token, or which of the broken logins it is."""
        body = body_of(answer)
        if question.name == "renew":
            return _renewed(answer, body)
        if answer.status == 401:
            return _say(Status.IDLE, "Google no longer accepts the access token; renews when gemini runs")
        if answer.status == 403 or answer.status == 400:
            return _refused(body, memory)
        if answer.status != 200 or not isinstance(body, Mapping):
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=f"{_UNEXPECTED} ({answer.status})")
        if question.name == "load":
            return _loaded(body, credential, answer.at)
        windows = quota.windows_of(body, answer.at) + quota.credit_window(number(memory.get("credits")))
        reading = Reading(
            "gemini", windows, Source.ENDPOINT, self.title, answer.at, account=credential.account,
            complete=True, plan=memory.get("plan", ""),
        )  # fmt: skip
        return Asked(AskOutcome.ANSWERED, reading)

    def keep(self, renewed: Mapping[str, str], credential: Credential, context: ReadContext) -> str:
        """Writes the renewed token into oauth_creds.json."""
        environment = context.environment
        path = environment.folder("GEMINI_CLI_HOME", ".") / ".gemini/oauth_creds.json"
        refresh = credential.extra.get("refresh_token", "")
        return renewal.write_back(path, environment.state_dir / "gemini.lock", renewed, refresh)


def _renewed(answer: Answer, body: object) -> Asked:
    document = body if isinstance(body, Mapping) else {}
    token, seconds = usable(document.get("access_token")), number(document.get("expires_in"))
    if answer.status == 200 and token and seconds is not None and 0 < seconds < 86_400:
        fresh = {"access_token": token, "expiry_date": f"{(answer.at + seconds) * 1000:.0f}"}
        return Asked(AskOutcome.RENEWED, renewal=fresh)
    if quota.refusal(body)[0] == "moved":
        return _say(Status.UNSUBSCRIBED, MOVED)
    match clean(document.get("error"), 60):
        case "invalid_grant":
            return _say(Status.EXPIRED, "Google no longer accepts this login: run gemini and log in again")
        case "invalid_client" | "unauthorized_client":
            return _say(Status.IDLE, "the access token could not be renewed from here: run gemini once")
    return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=f"{_UNEXPECTED} ({answer.status})")


def _loaded(body: Mapping[str, Any], credential: Credential, at: float) -> Asked:
    """What is remembered of who the account is for Google."""
    found = quota.standing(body, bool(credential.extra.get("workspace")))
    if found.validate:
        return _say(Status.DENIED, f"Google wants this account to be verified: {found.validate}")
    kept = {
        "loaded_at": f"{at:.0f}",
        "plan": found.plan,
        "project": found.project,
        "credits": "" if found.credits is None else f"{found.credits:g}",
        "ended": "1" if found.ended else "",
    }
    return Asked(AskOutcome.ANSWERED, memory=kept)


def _refused(body: object, memory: Mapping[str, str]) -> Asked:
    """Of four refusals with the same status which it is."""
    reason, link = quota.refusal(body)
    if reason == "moved" or (not reason and memory.get("ended")):
        return _say(Status.UNSUBSCRIBED, MOVED)
    if reason == "validate":
        return _say(Status.DENIED, f"Google wants this account to be verified{f': {link}' if link else ''}")
    if reason == "licence":
        return _say(
            Status.UNSUBSCRIBED, "no licence for this account: ask the administrator of the organisation"
        )
    project = memory.get("project", "")
    about = f" for the project {project}" if project else ""
    return _say(Status.DENIED, f"Google does not let this account read quota{about} (403)")


def _say(status: Status, message: str) -> Asked:
    return Asked(AskOutcome.REFUSED, status=status, message=message)


ENDPOINT = GeminiQuota()
