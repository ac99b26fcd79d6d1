"""The words of renewing an idle login, and the way to the token endpoints.

A provider folder's ``renewing.py`` says what to ask and what an answer means (`Renewing`, pure);
freshen.py decides whether and when.  Called on worker threads that may wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from providers.accounts.login import Login
from providers.accounts.secret import Secret
from providers.asking import Answer, Limits, NoAnswer, Question, Site
from providers.engine.http import Http
from providers.record import Record

LIMITS = Limits(per_hour=6, active=60, idle=60, floor=60)
"""Of renewing one account.  Two of the six are kept for the keys, and no key asks here."""


class Renewed(Record):
    """The successor of a login, as the vault keeps it.  ``stranger``: the provider says that it is
    another account's than the login was kept under."""

    payload: Secret
    stranger: bool = False

    _hidden = ("payload",)


class Spent(Record):
    """The provider says that the refresh token is dead.  That is a word about the posted bytes."""


class Unclear(Record):
    """Anything else, in one clean sentence: it is tried again later, and the next try will tell."""

    sentence: str


class Renewing(Protocol):
    """How one provider renews a login.  Stateless."""

    site: Site

    def question(self, login: Login) -> Question:
        """What to send; it redeems the login's refresh token."""

    def answer(self, login: Login, answer: Answer) -> Renewed | Spent | Unclear:
        """What an answer means; only answers with status 200, 400, 401, 402, 403 or 404 come here.
        Never raises for bad bytes."""


class TokenEndpoints:
    """The token endpoints of those providers that have one; ``client`` makes the HTTP client,
    ``stand_ins`` are loopback addresses by variable."""

    def __init__(
        self, renewing: Mapping[str, Renewing], client: Callable[[], Http], stand_ins: Mapping[str, str]
    ) -> None:
        self._renewing, self._client, self._stand_ins = renewing, client, stand_ins

    def of(self, provider: str) -> Renewing | None:
        """That of a provider, None if its logins are not renewed here."""
        return self._renewing.get(provider)

    def redeem(self, renewing: Renewing, login: Login) -> Answer | NoAnswer:
        """Sends the question and waits for the answer, 20 seconds at most."""
        return asyncio.run(self._sent(renewing, renewing.question(login)))

    async def _sent(self, renewing: Renewing, question: Question) -> Answer | NoAnswer:
        site, client = renewing.site, self._client()
        try:
            base = self._stand_ins.get(site.variable, site.base)
            return await client.send(base, question, site.host)
        finally:
            await client.close()
