"""claude.ai by a session key: a browser's cookie that a person gave, for those without Claude Code.

Pure; the asker sends, under our own name.  The page in front of claude.ai turns many programs
away; that is said and not got round, so this is optional and off.  Facts:
hamed-elfayome/Claude-Usage-Tracker (ClaudeAPIService.swift), steipete/CodexBar:docs/claude.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.accounts.stored import found_key
from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import FileBytes, Found, ReadContext, Unreadable
from providers.claude.quota import SIGNS, parse_usage
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint, mark
from providers.engine.values import clean, number, part
from providers.model import DAY, Reading, Source, Status, Window

SERVICE = "claude-web"
ACCOUNT, ORGANISATIONS = "/api/account", "/api/organizations"
_KEY = re.compile(r"sk-ant-[A-Za-z0-9_-]{13,493}")
_PLANS = {"claude_max": "Max", "claude_pro": "Pro", "raven": "Team"}
_TIERS = {"default_claude_max_20x": "Max 20x", "default_claude_max_5x": "Max 5x"}


class ClaudeWeb(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "web"
    title = "claude.ai"
    sites = (
        Site(
            "https://claude.ai",
            "QUOTADECK_CLAUDE_WEB_URL",
            (
                f"GET {ORGANISATIONS}/*/usage",
                f"GET {ACCOUNT}",
                f"GET {ORGANISATIONS}",
                f"GET {ORGANISATIONS}/*/prepaid/credits",
            ),
        ),
    )
    limits = Limits(per_hour=12, active=300, idle=600, floor=300, by_hand=120)
    optional = True

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The key in the keyring, else the one in the file."""
        stored = found_key(files, SERVICE)
        if stored is not None:
            return Credential(f"web-{stored.id}", stored.fingerprint, "", renewable=False, kept=stored.kept)
        found = files.get("web")
        if isinstance(found, Unreadable):
            return NotAsked(f"~/.claude-session-key {found.reason}")
        key = found.data.decode("utf-8", "replace").strip() if isinstance(found, FileBytes) else ""
        if not key:
            return NotAsked(f"there is no session key: quotadeck key set {SERVICE}")
        if not _KEY.fullmatch(key):
            return NotAsked("~/.claude-session-key holds no session key (sk-ant-…, one line)")
        return Credential(f"web-{mark(key)}", fingerprint(key), key, renewable=False)

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """Whose key it is and of which organisation, once a day; the prepaid credit as often; then
        the usage."""
        headers = {"Cookie": f"sessionKey={credential.token}", "Origin": "https://claude.ai"}
        organisation = memory.get("organisation", "")
        usage = Question("usage", f"{ORGANISATIONS}/{organisation}/usage", headers)
        credits = Question("credits", f"{ORGANISATIONS}/{organisation}/prepaid/credits", headers)
        named = (Question("account", ACCOUNT, headers), Question("organisations", ORGANISATIONS, headers))
        known_at = number(memory.get("known_at")) or 0.0
        if organisation and memory.get("key") == credential.fingerprint and 0 <= now - known_at < DAY:
            return (usage,)
        return (*named, credits, usage)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or what is wrong with the key."""
        body = body_of(answer)
        if answer.status in (401, 403) and question.name != "credits":
            message = f"claude.ai no longer accepts the session key: quotadeck key set {SERVICE}"
            return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)
        good = body if answer.status == 200 else None
        match question.name:
            case "account":
                return _whose(good, memory)
            case "organisations":
                return _organisation(good, credential, memory, answer.at)
            case "credits":
                return _credits(good, memory)
        known = isinstance(good, Mapping) and any(sign in good for sign in SIGNS)
        if not known or not memory.get("organisation"):
            message = f"unexpected answer from claude.ai ({answer.status})"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        windows = parse_usage(good, observed_at=answer.at, now=answer.at) + _balance(memory)
        reading = Reading(
            "claude", windows, Source.WEB, self.title, answer.at, complete=True,
            account=f"{memory.get('person', '')}/{memory['organisation']}",
            plan=memory.get("plan", ""), email=memory.get("email", ""),
        )  # fmt: skip
        return Asked(AskOutcome.ANSWERED, reading)


def _whose(body: object, memory: Mapping[str, str]) -> Asked:
    person = clean(body.get("uuid"), 60) if isinstance(body, Mapping) else ""
    email = clean(body.get("email_address"), 100) if isinstance(body, Mapping) else ""
    if not person:
        message = "claude.ai did not say whose session key this is"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    return Asked(AskOutcome.ANSWERED, memory={**memory, "person": person, "email": email})


def _organisation(body: object, credential: Credential, memory: Mapping[str, str], at: float) -> Asked:
    """The first organisation that chats; one for the API alone has no windows."""
    rows = [row for row in body if isinstance(row, Mapping)] if isinstance(body, list) else []
    chosen = next((row for row in rows if "chat" in _listed(row)), None)
    ident = clean(chosen.get("uuid"), 60) if chosen is not None else ""
    if chosen is None or not re.fullmatch(r"[0-9A-Za-z-]{8,60}", ident):
        message = "this session key belongs to no organisation with Claude chat"
        return Asked(AskOutcome.REFUSED, status=Status.UNSUBSCRIBED, message=message)
    tier = _TIERS.get(clean(chosen.get("rate_limit_tier"), 60), "")
    plan = tier or next((name for key, name in _PLANS.items() if key in _listed(chosen)), "")
    known = {"organisation": ident, "plan": plan, "known_at": f"{at:.0f}", "key": credential.fingerprint}
    return Asked(AskOutcome.ANSWERED, memory={**memory, **known})


def _credits(body: object, memory: Mapping[str, str]) -> Asked:
    """What is left of prepaid credit; may fail without a word."""
    cents = number(body.get("amount")) if isinstance(body, Mapping) else None
    unit = clean(part({"x": body}, "x").get("currency"), 3)
    kept = {"credit": "" if cents is None else f"{cents / 100:.2f}", "currency": unit}
    return Asked(AskOutcome.ANSWERED, memory={**memory, **kept})


def _balance(memory: Mapping[str, str]) -> tuple[Window, ...]:
    amount = number(memory.get("credit"))
    if not amount:
        return ()
    return (Window("credits", "prepaid", remaining=amount, unit=memory.get("currency") or "USD"),)


def _listed(row: Mapping[str, Any]) -> list[Any]:
    capabilities = row.get("capabilities")
    return capabilities if isinstance(capabilities, list) else []


ENDPOINT = ClaudeWeb()
