"""The one adapter of all keyed services: a GET with the key, what the answer means.

Pure; the asker sends, under our own name.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.accounts.stored import StoredKey
from providers.asking import Answer, Asked, AskOutcome, Credential, Endpoint, Limits, NotAsked, Question, Site
from providers.base import Found, ReadContext
from providers.engine.answers import body_of
from providers.engine.tokens import fingerprint
from providers.engine.values import number
from providers.keyed import balances, plans
from providers.keyed.figures import BAD_KEY, Side, Usage, Wrong
from providers.keyed.login import account_of, held, login_state
from providers.keyed.services import Service
from providers.model import Reading, Source, Status

USAGES: Mapping[str, Usage] = {
    "zai": plans.zai,
    "openrouter": balances.openrouter,
    "kimi": plans.kimi,
    "minimax": plans.minimax,
    "deepseek": balances.deepseek,
    "synthetic": plans.synthetic,
    "moonshot": balances.moonshot,
}
SIDES: Mapping[str, Side] = {"zai": plans.zai_side, "openrouter": balances.openrouter_side}
_SIDE_AT = "side_at"


class KeyedUsage(Endpoint):
    """See `providers.asking.Endpoint`."""

    id = "usage"
    title = "usage endpoint"

    def __init__(self, service: Service) -> None:
        self._service = service
        self.sites = (Site(service.base, service.stand_in, service.calls),)
        self.limits = Limits(
            per_hour=20, active=service.interval, idle=max(600, service.interval), floor=180, by_hand=60
        )

    def credential(self, files: Mapping[str, Found], context: ReadContext) -> Credential | NotAsked:
        """The key that counts; one in the keyring is fetched when it is needed."""
        found = held(self._service, files, context)
        if found is None:
            return NotAsked(login_state(self._service, files, context).message)
        if isinstance(found, StoredKey):
            return Credential(account_of(found), found.fingerprint, "", renewable=False, kept=found.kept)
        return Credential(found.account, fingerprint(found.key), found.key, renewable=False)

    def questions(
        self, credential: Credential, memory: Mapping[str, str], now: float
    ) -> tuple[Question, ...]:
        """The usage; before it the side path, if that is due."""
        headers = {"Authorization": f"Bearer {credential.token}"}
        usage = Question("usage", self._service.usage, headers)
        asked_at = number(memory.get(_SIDE_AT)) or 0.0
        if not self._service.side or 0 <= now - asked_at < self._service.side_every:
            return (usage,)
        return Question("side", self._service.side, headers), usage

    def answer(
        self,
        question: Question,
        credential: Credential,
        answer: Answer,
        memory: Mapping[str, str],
        context: ReadContext,
    ) -> Asked:
        """A reading, or what is wrong.  A side path may fail without a word."""
        body = body_of(answer)
        if question.name == "side":
            found = body if answer.status == 200 and isinstance(body, Mapping) else {}
            kept = {_SIDE_AT: f"{answer.at:.0f}", **SIDES[self._service.id](found, answer.at)}
            return Asked(AskOutcome.ANSWERED, memory=kept)
        if answer.status != 200:
            return self._refused(answer.status)
        said = USAGES[self._service.id](body, memory, answer.at) if isinstance(body, Mapping) else None
        if said is None:
            message = f"unexpected answer from {self._service.name}"
            return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
        if isinstance(said, Wrong):
            fix = f": quotadeck key set {self._service.id}" if said.message == BAD_KEY else ""
            return Asked(said.outcome, status=said.status, message=said.message + fix)
        reading = Reading(
            self._service.id, said.windows, Source.ENDPOINT, self.title, answer.at,
            account=credential.account, complete=True, plan=said.plan, alias=said.alias,
        )  # fmt: skip
        return Asked(AskOutcome.ANSWERED, reading)

    def _refused(self, status: int) -> Asked:
        name, ident = self._service.name, self._service.id
        match status:
            case 401 | 403:
                message = f"{name}: {BAD_KEY} ({status}): quotadeck key set {ident}"
                return Asked(AskOutcome.REFUSED, status=Status.EXPIRED, message=message)
            case 402:
                message = f"{name} says that nothing is left to spend (402)"
                return Asked(AskOutcome.REFUSED, status=Status.UNSUBSCRIBED, message=message)
        message = f"unexpected answer from {name} ({status})"
        return Asked(AskOutcome.TROUBLE, status=Status.ERROR, message=message)
