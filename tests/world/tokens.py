"""The token endpoints over the stand-in's sockets: they rotate, and punish reuse, as the issuer does."""

from __future__ import annotations

import json
import socket
import threading

from tests.world.households import Household
from tests.world.issuer import HOUR
from tests.world.standin import Reply, StandIn

PATHS = {"claude": "/v1/oauth/token", "codex": "/oauth/token"}


class TokenServer:
    """Answers the POSTs that redeem a household's refresh tokens.

    ``rotates`` False returns no refresh token and keeps the old one good; ``loses`` rotates and
    then breaks the connection off.
    """

    def __init__(self, server: StandIn, house: Household) -> None:
        self.server, self.house, self.name = server, house, f"{house.provider}-auth"
        self.rotates, self.loses = True, False
        server.answer(self.name, PATHS[house.provider], self._reply)

    def say(self, *replies: Reply) -> None:
        """Other answers first, then again its own."""
        self.server.answer(self.name, PATHS[self.house.provider], *replies, self._reply)

    @property
    def redeemed(self) -> list[str]:
        """The refresh tokens that were posted, in order."""
        return [json.loads(r.body)["refresh_token"] for r in self.server.requests_of(self.name)]

    def _reply(self, connection: socket.socket, _: threading.Event) -> None:
        refresh = json.loads(self.server.requests_of(self.name)[-1].body)["refresh_token"]
        self.house.issuer.now = self.house.clock.now()
        fresh = self.house.issuer.renew(refresh) if self.rotates else None
        if self.rotates and fresh is None:
            refused: dict[str, object] = {"error": "invalid_grant", "error_description": "not found"}
            body, status = refused, 400
        elif self.loses:
            return
        else:
            body, status = self._body(fresh or self._same(refresh)), 200
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)

    def _same(self, refresh: str) -> dict[str, object]:
        name = refresh.rpartition("-")[0][-1]
        fresh = self.house.issuer.log_in(name)
        return {k: v for k, v in fresh.items() if k not in ("refreshToken", "refresh_token")}

    def _body(self, fresh: dict[str, object]) -> dict[str, object]:
        if self.house.provider == "codex":
            return {k: v for k, v in fresh.items() if k != "account_id"} | {"expires_in": 864_000}
        found = {
            "token_type": "Bearer", "access_token": fresh["accessToken"], "expires_in": int(8 * HOUR),
            "refresh_token": fresh.get("refreshToken"), "scope": "user:inference user:profile",
        }  # fmt: skip
        return {k: v for k, v in found.items() if v is not None}
