"""Cursor's usage endpoints: what to ask with, what to ask, what the answers mean.

Pure; the asker sends, under our own name.  cursor.com wants the session as a cookie;
api2.cursor.sh takes it as a bearer and is asked where cursor.com does not let it in.  The user id
is in the token itself, so the two can never be about different people.  An API key is good for
one thing: api2.cursor.sh gives a token of an hour for it, which is asked with there.  Facts:
robinebers/openusage:docs/providers/cursor.md, steipete/CodexBar.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

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
from providers.cursor import quota
from providers.cursor.login import KEY_VARIABLE, NEARLY, held, lapsed, login_state, plan_of
from providers.engine.answers import body_of
from providers.engine.tokens import claims, fingerprint, usable
from providers.engine.values import clean, epoch, number
from providers.model import HOUR, MONTH, WEEK, Reading, Source, Status, Window

SUMMARY, LEGACY, ME, STRIPE = "/api/usage-summary", "/api/usage", "/api/auth/me", "/api/auth/stripe"
GROK, EXCHANGE = "/api/dashboard/get-sand-usage-status", "/auth/exchange_user_api_key"
_RPC = "/aiserver.v1.DashboardService/"
PERIOD, GRANTS, PLAN = f"{_RPC}GetCurrentPeriodUsage", f"{_RPC}GetCreditGrantsBalance", f"{_RPC}GetPlanInfo"
SEVERAL_HOURS = 6 * HOUR
_KEPT = Kept("cursor-access-token", "cursor-user")
"""Where cursor-agent keeps its token in a keychain, and onWatch finds it on Linux."""
_SPARE = 300.0
"""Seconds that a token given for a key is let go of before its end."""

_SIDES: Mapping[str, int] = {
    "me": 7 * 24 * HOUR,
    "legacy": SEVERAL_HOURS,
    "grok": HOUR,
    "stripe": SEVERAL_HOURS,
    "grants": SEVERAL_HOURS,
    "plan": SEVERAL_HOURS,
}
"""How often what stands beside the figures is asked for, seconds; each may fail without a word."""
_OF_A_KEY = ("grants", "plan")
"""Those of them that the token of a key is good for."""


class CursorUsage(Endpoint):
    """See `providers.asking.Endpoint`.  Cursor's own figures lag by minutes."""

    id = "usage"
    title = "usage endpoint"
    sites = (
        Site("https://cursor.com", "QUOTADECK_CURSOR_URL",
             (f"GET {SUMMARY}", f"GET {LEGACY}", f"GET {ME}", f"GET {STRIPE}", f"POST {GROK}")),
        Site("https://api2.cursor.sh", "QUOTADECK_CURSOR_URL",
             (f"POST {PERIOD}", f"POST {GRANTS}", f"POST {PLAN}", f"POST {EXCHANGE}")),
    )  # fmt: skip
    limits = Limits(per_hour=20, active=300, idle=900, floor=180, by_hand=60)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The token of the session that is shown, if it has not lapsed."""
        session = held(files, context)
        if session is None or lapsed(session, context):
            return NotAsked(login_state(files, context).message)
        if not session.token:
            return Credential(session.subject, "", "", kept=_KEPT)
        return Credential(
            session.subject, fingerprint(session.token), session.token, renewable=session.renewable
        )

    def token_in(self, secret: str, context: ReadContext) -> str | NotAsked:
        """The token as it is filed, while it is good."""
        expires = epoch(claims(secret).get("exp"))
        if expires is not None and expires < context.now + NEARLY:
            return NotAsked("the session in the keyring ran out: run cursor-agent login")
        return secret

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """What is due beside the figures, two of them a time; then the figures, at the second
        family if the first does not answer.  A key is exchanged first, and good for the second
        family alone."""
        by_key = _is_key(credential)
        due = [name for name, every in _SIDES.items() if _due(memory, name, every, now)]
        due = [name for name in due if not by_key or name in _OF_A_KEY]
        names = [*due[:2], *(() if by_key else ("summary",)), "period"]
        if by_key and not credential.exchanged:
            names.insert(0, "exchange")
        return tuple(_question(name, credential) for name in names)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or which of the broken sessions it is."""
        body = body_of(answer)
        good = body if answer.status == 200 and isinstance(body, Mapping) else {}
        if question.name == "exchange":
            return _exchanged(good, answer)
        if question.name in _SIDES:
            return _side(question.name, good, credential, memory, answer.at)
        if question.name == "summary":
            if answer.status in (401, 403, 404):
                return Asked(AskOutcome.ANSWERED)
            windows = quota.summary(good, answer.at)
            if windows is None and answer.status == 200 and "membershipType" in good:
                return Asked(AskOutcome.ANSWERED, memory={**memory, "plan": plan_of(good["membershipType"])})
            plan = plan_of(good.get("membershipType"))
        else:
            if answer.status in (401, 403):
                return _refused(credential)
            windows = quota.period(good, answer.at, number(memory.get("included")))
            plan = memory.get("plan", "")
            if windows is None and "billingCycleEnd" in good and not _counted(memory, answer.at):
                message = "Cursor reports no meter for this plan"
                return Asked(AskOutcome.TROUBLE, status=Status.UNSUBSCRIBED, message=message)
        if windows is None and not _counted(memory, answer.at):
            message = f"unexpected answer from Cursor ({answer.status})"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        return _reading(windows or (), plan, credential, memory, answer.at)


def _due(memory: Mapping[str, str], name: str, every: int, now: float) -> bool:
    asked_at = number(memory.get(f"{name}_at")) or 0.0
    return not 0 <= now - asked_at < every


def _question(name: str, credential: Credential) -> Question:
    user = quote(credential.account.rpartition("|")[2])
    cookie = {"Cookie": f"WorkosCursorSessionToken={user}%3A%3A{credential.token}"}
    posted = {**cookie, "Content-Type": "application/json", "Origin": "https://cursor.com"}
    called = {"Authorization": f"Bearer {credential.token}", "Content-Type": "application/json",
              "Connect-Protocol-Version": "1"}  # fmt: skip
    match name:
        case "summary":
            return Question(name, SUMMARY, cookie)
        case "me":
            return Question(name, ME, cookie)
        case "stripe":
            return Question(name, STRIPE, cookie)
        case "legacy":
            return Question(name, f"{LEGACY}?user={user}", cookie)
        case "grok":
            return Question(name, GROK, posted, b"{}")
    paths = {"period": PERIOD, "grants": GRANTS, "plan": PLAN, "exchange": EXCHANGE}
    return Question(name, paths[name], called, b"{}", site=1)


def _is_key(credential: Credential) -> bool:
    return credential.account.startswith("key-")


def _exchanged(good: Mapping[str, Any], answer: Answer) -> Asked:
    """The token that a key is worth; the one that came with it would renew nothing."""
    if answer.status in (401, 403):
        message = f"Cursor no longer accepts the key in {KEY_VARIABLE} ({answer.status})"
        return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)
    token = usable(good.get("accessToken"))
    if not token:
        message = f"unexpected answer from Cursor to its key ({answer.status})"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    until = min(epoch(claims(token).get("exp")) or 0.0, answer.at + HOUR) - _SPARE
    return Asked(AskOutcome.ANSWERED, token=token, token_until=until)


def _side(
    name: str, body: Mapping[str, Any], credential: Credential, memory: Mapping[str, str], at: float
) -> Asked:
    """What an answer beside the figures leaves in memory."""
    kept = {**memory, f"{name}_at": f"{at:.0f}"}
    if name == "me" and clean(body.get("sub"), 100) not in ("", credential.account):
        message = "Cursor says that this session is another account's, so nothing was filed"
        return Asked(AskOutcome.REFUSED, status=Status.ERROR, message=message)
    if name == "plan":
        about = body.get("planInfo")
        included = number(about.get("includedAmountCents")) if isinstance(about, Mapping) else None
        kept["included"] = "" if included is None else f"{included:.0f}"
        if isinstance(about, Mapping) and not kept.get("plan"):
            kept["plan"] = plan_of(about.get("planName"))
    elif name == "stripe":
        owed = quota.customer_credit(body)
        kept["owed"] = "" if owed is None else f"{owed:.2f}"
    elif name in _ROWS:
        window = {"legacy": quota.requests, "grok": quota.grok}.get(name)
        row = window(body, at) if window else quota.balance(body)
        kept[name] = "" if row is None else json.dumps(
            [row.used_percent, row.resets_at, row.used, row.limit, row.remaining]
        )  # fmt: skip
    return Asked(AskOutcome.ANSWERED, memory=kept)


_ROWS: Mapping[str, tuple[str, str, int | None, str | None]] = {
    "legacy": ("month", "requests", MONTH, "requests"),
    "grok": ("7d:grok", "Grok bot", WEEK, None),
    "grants": ("credits", "credit", None, "USD"),
}


def _remembered(name: str, memory: Mapping[str, str], at: float) -> Window | None:
    """A row that was asked for beside the figures; one whose reset has passed says nothing."""
    try:
        share, resets_at, used, limit, remaining = json.loads(memory.get(name) or "[]")
    except (ValueError, TypeError):
        return None
    if resets_at is not None and resets_at <= at:
        return None
    ident, label, seconds, unit = _ROWS[name]
    return Window(ident, label, share, resets_at, seconds, used, limit, remaining, unit)


def _counted(memory: Mapping[str, str], at: float) -> Window | None:
    """The row of a request plan, if it is one."""
    return _remembered("legacy", memory, at)


def _reading(
    windows: tuple[Window, ...], plan: str, credential: Credential, memory: Mapping[str, str], at: float
) -> Asked:
    counted = _counted(memory, at)
    if counted is not None:
        # A request plan: what the newer meters say of it means nothing.
        windows = (counted, *(w for w in windows if not w.id.startswith("month")))
    rows = [_remembered(name, memory, at) for name in ("grok", "grants")]
    owed = number(memory.get("owed"))
    if owed:
        rows.append(Window("credits:account", "account credit", remaining=owed, unit="USD"))
    reading = Reading(
        "cursor", (*windows, *(row for row in rows if row is not None)), Source.ENDPOINT, CursorUsage.title,
        at, account=credential.account, complete=True, plan=plan or memory.get("plan", ""),
    )  # fmt: skip
    return Asked(AskOutcome.ANSWERED, reading)


def _refused(credential: Credential) -> Asked:
    if credential.exchanged:
        message = "Cursor did not accept the token that it gave for the key: another is asked for"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    status = Status.IDLE if credential.renewable else Status.EXPIRED
    message = "Cursor no longer accepts this session: open Cursor, or run cursor-agent login"
    return Asked(AskOutcome.REFUSED, status=status, message=message)


ENDPOINT = CursorUsage()
