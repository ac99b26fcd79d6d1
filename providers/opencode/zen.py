"""The balance of OpenCode Zen, which its console tells only who has a browser's cookie.

Pure; the asker sends, under our own name, once a person put the cookie into the keyring.  No API
of Zen tells a balance.  The console's functions are called by ids that change when it is
deployed, and their answers are JavaScript, so this may break at any time, and says so then.
Facts: steipete/CodexBar (OpenCodeUsageFetcher), slkiser/opencode-quota.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from providers.accounts.stored import found_key
from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import Found, ReadContext
from providers.model import Reading, Source, Status, Window

SERVICE = "opencode-zen"
SERVER = "/_server"
_WORKSPACES = "def39973159c7f0483d8793a822b8dbb10d067e12c65455fcb4608459ba0234f"
_BILLING = "c83b78a614689c38ebee981f9b39a8b377716db85c1fd7dbab604adc02d3313d"
_WORKSPACE = re.compile(r"wrk_[0-9A-Za-z]{8,40}")
_LISTED = re.compile(r'\bid:"(wrk_[0-9A-Za-z]{8,40})"')
_FIELD = r"\b{}:(-?\d{{1,18}})\b"
_NOTHING = re.compile(r"=\[\],null\)\s*$")
_SIGNED_OUT = re.compile(r'\btype:"public"')
_SCALE = 1e8
"""Balance and use are in hundred-millionths of a dollar, the limit in dollars."""


class ZenBalance(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "zen"
    title = "console of opencode.ai"
    sites = (Site("https://opencode.ai", "QUOTADECK_OPENCODE_ZEN_URL", (f"GET {SERVER}",)),)
    limits = Limits(per_hour=12, active=600, idle=600, floor=300, by_hand=120)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The cookie in the keyring."""
        stored = found_key(files, SERVICE)
        if stored is None:
            return NotAsked(f"the balance of Zen wants a cookie: quotadeck key set {SERVICE}")
        return Credential(f"zen-{stored.id}", stored.fingerprint, "", renewable=False, kept=stored.kept)

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The billing of the workspace; before it, once, which one that is."""
        chosen, cookie = parts_of(credential.token)
        known = memory.get("workspace", "") if memory.get("key") == credential.fingerprint else ""
        workspace = chosen or known
        billing = _question("billing", _BILLING, [workspace], cookie)
        return (billing,) if workspace else (_question("workspaces", _WORKSPACES, [], cookie), billing)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A balance, or what is wrong with the cookie."""
        text = answer.body.decode("utf-8", "replace")
        if answer.status in (401, 403) or (answer.status == 200 and _SIGNED_OUT.search(text)):
            message = f"opencode.ai no longer accepts the cookie: quotadeck key set {SERVICE}"
            return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)
        if answer.status == 200 and question.name == "workspaces":
            return _chosen(text, credential)
        windows = _windows(text) if answer.status == 200 else ()
        if windows:
            reading = Reading(
                "opencode", windows, Source.WEB, self.title, answer.at, account=credential.account,
                complete=True, plan="Zen", alias="Zen",
            )  # fmt: skip
            return Asked(AskOutcome.ANSWERED, reading)
        if answer.status == 200 and _NOTHING.search(text):
            message = "this workspace has no billing, so Zen has no balance"
            return Asked(AskOutcome.REFUSED, status=Status.UNSUBSCRIBED, message=message)
        message = f"the console of opencode.ai has changed: it answered something unknown ({answer.status})"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)


def parts_of(key: str) -> tuple[str, str]:
    """The workspace and the cookie in what a person gave: ``wrk_…:cookie`` or the cookie alone,
    which may be copied with its name; other cookies beside it are dropped."""
    workspace, colon, rest = key.partition(":")
    if not (colon and _WORKSPACE.fullmatch(workspace)):
        workspace, rest = "", key
    pairs = [piece.strip() for piece in rest.split(";")]
    named = next((p for p in pairs if p.startswith(("auth=", "__Host-auth="))), "")
    return workspace, named or (f"auth={pairs[0]}" if pairs[0] else "")


def _question(name: str, function: str, arguments: list[str], cookie: str) -> Question:
    query = urlencode({"id": function, "args": json.dumps(arguments)})
    headers = {
        "Cookie": cookie,
        "X-Server-Id": function,
        "X-Server-Instance": "server-fn:0",
        "Origin": "https://opencode.ai",
        "Accept": "text/javascript, application/json;q=0.9",
    }
    return Question(name, f"{SERVER}?{query}", headers)


def _chosen(text: str, credential: Credential) -> Asked:
    """The one workspace; of several a person has to choose."""
    found = list(dict.fromkeys(_LISTED.findall(text)))
    if len(found) == 1:
        return Asked(AskOutcome.ANSWERED, memory={"workspace": found[0], "key": credential.fingerprint})
    if not found:
        message = "the console of opencode.ai has changed: it named no workspace"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
    message = f"the cookie sees {len(found)} workspaces: put wrk_...: before it, quotadeck key set {SERVICE}"
    return Asked(AskOutcome.REFUSED, status=Status.DENIED, message=message)


def _windows(text: str) -> tuple[Window, ...]:
    """The balance, and this month's spending where the person set a limit.  A payload without a
    customer is no billing."""
    balance, used, limit = (_number(text, name) for name in ("balance", "monthlyUsage", "monthlyLimit"))
    if "customerID:" not in text or balance is None:
        return ()
    windows = [Window("credits", "balance", remaining=balance / _SCALE, unit="USD")]
    if used is not None and limit:
        spent = used / _SCALE
        windows.append(
            Window("spend", "month", max(0.0, spent / limit * 100), used=spent, limit=limit, unit="USD")
        )
    return tuple(windows)


def _number(text: str, name: str) -> float | None:
    found = re.search(_FIELD.format(name), text)
    return float(found[1]) if found else None


ENDPOINT = ZenBalance()
