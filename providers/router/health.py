"""CC-Router's health page on this machine: a reading for each account of its pool.

Pure; the asker sends, to loopback alone and without any credential.  Utilisations are 0 to 1; an
account that was never used has no data, not 0 %.  Facts: VictorMinemu/CC-Router 0.6.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import Found, ReadContext
from providers.engine.answers import body_of
from providers.engine.values import clean, number, part, percent, reset_time
from providers.model import FIVE_HOURS, WEEK, Reading, Source, Status, Window
from providers.router.pool import PORT, account_key, accounts, login_state, port_of

HEALTH = "/cc-router/health"
_MOST = 64


class RouterHealth(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "usage"
    title = "health page"
    sites = (Site(f"http://127.0.0.1:{PORT}", "QUOTADECK_ROUTER_URL", (f"GET {HEALTH}",)),)
    limits = Limits(per_hour=30, active=150, idle=300, floor=120, by_hand=10)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """None is needed; there must be accounts to ask about."""
        known = accounts(files.get("accounts"))
        if not known:
            return NotAsked(login_state(files).message)
        port = str(port_of(files.get("config")))
        return Credential(known[0], f"port-{port}", "", {"port": port}, renewable=False)

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The health page."""
        return (Question("health", HEALTH, {}, port=int(credential.extra.get("port", PORT))),)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading for each account, the one that is shown first."""
        body = body_of(answer)
        rows = body.get("accounts") if isinstance(body, Mapping) and answer.status == 200 else None
        if not isinstance(rows, list):
            message = f"unexpected answer from CC-Router ({answer.status})"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        found = [_reading(row, answer.at) for row in rows[:_MOST] if isinstance(row, Mapping)]
        found.sort(key=lambda reading: reading.account != credential.account)
        if not found:
            message = "CC-Router runs without accounts"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        return Asked(AskOutcome.ANSWERED, found[0], others=tuple(found[1:]))


def _reading(row: Mapping[str, Any], at: float) -> Reading:
    limits = part(row, "rateLimits")
    updated = (number(limits.get("lastUpdated")) or 0.0) / 1000
    state = "" if row.get("enabled") is not False else " (off)"
    state = state or ("" if row.get("healthy") is not False else " (unhealthy)")
    windows = _windows(limits, at) if updated > 0 else ()
    return Reading(
        "router", windows or (Window("5h", "5 h", note="no data yet"),), Source.PROXY, RouterHealth.title,
        min(updated, at) if windows else at, account=account_key(row.get("provider"), row.get("id")),
        complete=True, plan=clean(limits.get("plan"), 40), alias=f"{clean(row.get('id'), 30)}{state}",
    )  # fmt: skip


def _windows(limits: Mapping[str, Any], at: float) -> tuple[Window, ...]:
    found: list[Window] = []
    for key, ident, label, seconds in (
        ("fiveHour", "5h", "5 h", FIVE_HOURS),
        ("sevenDay", "7d", "7 d", WEEK),
    ):
        share = number(limits.get(f"{key}Util"))
        used = None if share is None else percent(share * 100)
        if used is not None:
            found.append(Window(ident, label, used, reset_time(limits.get(f"{key}Reset"), at, at), seconds))
    return tuple(found)


ENDPOINT = RouterHealth()
