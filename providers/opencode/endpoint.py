"""The usage endpoint of OpenCode Go: what to ask with, what the answers mean.

Pure; the asker sends, under our own name.  Percentages are 0-100, 1 is one percent.  Several
shapes of the same address have been served.  Facts:
anomalyco/opencode:packages/console/app/src/routes/zen/go/v1/usage.ts, slkiser/opencode-quota.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import Found, ReadContext
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint
from providers.engine.values import clean, number, percent, reset_time
from providers.model import FIVE_HOURS, MONTH, WEEK, Reading, Source, Status, Window
from providers.opencode.login import held, login_state
from providers.record import replace

USAGE = "/zen/go/v1/usage"
_WINDOWS = {
    "rolling": ("5h", "5 h", FIVE_HOURS),
    "weekly": ("7d", "7 d", WEEK),
    "monthly": ("month", "month", MONTH),
}
_NAMES = {"5-hour": "rolling", "5h rolling": "rolling"}
_UNEXPECTED = "unexpected answer from the usage endpoint"
UNSTARTED = FIVE_HOURS - 60
"""An unused window of 5 h slides with the clock: nothing used and all of it left."""


class OpenCodeGoUsage(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "usage"
    title = "usage endpoint"
    sites = (Site("https://opencode.ai", "QUOTADECK_OPENCODE_URL", (f"GET {USAGE}",)),)
    limits = Limits(per_hour=20, active=300, idle=600, floor=180, by_hand=60)

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The key of the Go plan, and the one in OpenCode's other store."""
        keys = [
            Credential(k.account, fingerprint(k.key), k.key, renewable=False) for k in held(files, context)
        ]
        if not keys:
            return NotAsked(login_state(files, context).message)
        return replace(keys[0], others=tuple(keys[1:]))

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The usage alone."""
        return (Question("usage", USAGE, {"Authorization": f"Bearer {credential.token}"}),)

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or which of the broken keys it is."""
        body = body_of(answer)
        if answer.status == 401:
            message = "the key is not accepted: run opencode auth login"
            return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)
        if answer.status == 403 and "entitlement" in _error(body).lower():
            return _unsubscribed()
        if answer.status == 403:
            message = "opencode.ai does not let this key read usage (403)"
            return Asked(AskOutcome.REFUSED, status=Status.DENIED, message=message)
        if answer.status != 200:
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=f"{_UNEXPECTED} ({answer.status})")
        return _usage(body, credential, answer.at)


def _usage(body: object, credential: Credential, at: float) -> Asked:
    listed = list(_listed(body))
    windows = tuple(w for w in (_window(*entry, at) for entry in listed) if w is not None)
    if not windows:
        if isinstance(body, Mapping) and body.get("windows") == []:
            return _unsubscribed()
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=_UNEXPECTED)
    reading = Reading(
        "opencode",
        windows,
        Source.ENDPOINT,
        OpenCodeGoUsage.title,
        at,
        account=credential.account,
        complete=True,
        plan="Go",
    )
    return Asked(AskOutcome.ANSWERED, reading)


def _listed(body: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each known window by its name, whatever the shape around it."""
    if not isinstance(body, Mapping):
        return
    rows = body.get("windows")
    if isinstance(rows, list):
        for row in rows:
            if isinstance(row, Mapping):
                name = clean(row.get("name"), 20).lower()
                yield _NAMES.get(name, name), row
        return
    inside = body.get("usage")
    for name, row in (inside if isinstance(inside, Mapping) else body).items():
        if isinstance(row, Mapping):
            yield name, row


def _window(name: str, row: Mapping[str, Any], at: float) -> Window | None:
    if name not in _WINDOWS:
        return None
    used = percent(row.get("percent"))
    used = percent(row.get("usagePercent")) if used is None else used
    if used is None:
        return None
    resets_at = reset_time(row.get("resetsAt"), at, at)
    left = number(row.get("resetInSec"))
    if resets_at is None and left is not None:
        resets_at = reset_time(at + left, at, at)
    key, label, seconds = _WINDOWS[name]
    if key == "5h" and used == 0 and resets_at is not None and resets_at - at >= UNSTARTED:
        resets_at = None
    # The server rounds up and adds to its clock: the same reset differs by a second or so.
    return Window(key, label, used, None if resets_at is None else float(round(resets_at)), seconds)


def _unsubscribed() -> Asked:
    message = "this key has no OpenCode Go plan"
    return Asked(AskOutcome.REFUSED, status=Status.UNSUBSCRIBED, message=message)


def _error(body: object) -> str:
    """The error's type, code, or text."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, Mapping):
        error = error.get("type") or error.get("code")
    return clean(error, 100)


ENDPOINT = OpenCodeGoUsage()
