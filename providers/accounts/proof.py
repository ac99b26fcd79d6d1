"""Asking a provider whose a login is, with the login's own access token.

Called on worker threads that may wait; counted in the account's budget before it is sent, like
every request.  No refresh token is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from providers.accounts.login import Login
from providers.asking import Answer, Limits, Question, Site
from providers.base import Environment
from providers.engine import budget
from providers.engine.clock import Clock
from providers.engine.deck import account_id
from providers.engine.http import Http
from providers.engine.schedule import Slot, refusal
from providers.engine.tokens import fingerprint
from providers.model import Identity
from providers.record import replace

PROVED = "proved"
"""Where a usage endpoint notes in its memory the token that it has proven."""


class Proof(Protocol):
    """How one provider says whose an access token is."""

    site: Site
    limits: Limits

    def token(self, login: Login) -> str:
        """The access token, "" if there is none."""

    def question(self, token: str) -> Question:
        """What to ask."""

    def identity(self, login: Login, answer: Answer) -> Identity | None:
        """Whose it is; None if the answer does not say."""


class Prover:
    """Asks; remembers for its own life what was proven.  ``client`` makes the HTTP client."""

    def __init__(
        self,
        environment: Environment,
        clock: Clock,
        proofs: Mapping[str, Proof],
        client: Callable[[], Http],
        stand_ins: Mapping[str, str],
    ) -> None:
        self._state, self._clock, self._proofs = environment.state_dir, clock, proofs
        self._client, self._stand_ins = client, stand_ins
        self._known: dict[str, Identity] = {}

    def __call__(self, login: Login) -> Identity | None:
        """Whose the login is; None if that cannot be found out now.  Never raises."""
        proof = self._proofs.get(login.provider)
        token = proof.token(login) if proof is not None else ""
        if proof is None or not token:
            return None
        mark = fingerprint(token)
        if mark not in self._known:
            found = self._noted(login, mark) or self._asked(proof, login, token, mark)
            if found is None:
                return None
            self._known[mark] = found
        return self._known[mark]

    def noted(self, login: Login) -> Identity | None:
        """Whose the login is as far as that was proven already; asks nobody.  Never raises."""
        proof = self._proofs.get(login.provider)
        token = proof.token(login) if proof is not None else ""
        mark = fingerprint(token) if token else ""
        return (self._known.get(mark) or self._noted(login, mark)) if mark else None

    def _noted(self, login: Login, mark: str) -> Identity | None:
        """What the usage endpoint proved of this very token already."""
        if login.claimed is None:
            return None
        slot = budget.load(self._state, self._clock.now()).of(self._key(login))
        return login.claimed if slot.memory.get(PROVED) == mark else None

    def _asked(self, proof: Proof, login: Login, token: str, mark: str) -> Identity | None:
        if login.expires_at is not None and login.expires_at <= self._clock.now():
            return None
        if not self._claimed(proof, login, mark):
            return None
        base = self._stand_ins.get(proof.site.variable, proof.site.base)
        answer = asyncio.run(self._sent(base, proof, token))
        return proof.identity(login, answer) if isinstance(answer, Answer) else None

    async def _sent(self, base: str, proof: Proof, token: str) -> object:
        client = self._client()
        try:
            return await client.send(base, proof.question(token), proof.site.host)
        finally:
            await client.close()

    def _claimed(self, proof: Proof, login: Login, mark: str) -> bool:
        """Whether the budget lets the request out; it is then written down."""
        now = self._clock.now()

        def step(slot: Slot) -> Slot | None:
            if refusal(slot, proof.limits, mark, now, by_hand=True, first=False) is not None:
                return None
            return replace(slot, asked=(*slot.asked, now), limit=proof.limits.per_hour)

        try:
            return now in budget.change(self._state, self._key(login), now, step).asked
        except budget.NotRecorded:
            return False

    def _key(self, login: Login) -> str:
        key = login.claimed.key if login.claimed is not None else ""
        return f"{login.provider}/{account_id(login.provider, key)}"
