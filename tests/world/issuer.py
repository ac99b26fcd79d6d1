"""A provider that truly rotates refresh tokens and punishes reuse, and the CLIs that renew with it.

In a file, so that processes share it and a killed one leaves it whole: what it issued, which
refresh token of each account is good, and who reused a spent one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.accounts.login import Login
from providers.model import Identity
from tests.world.logins import jwt

HOUR = 3600.0


class Issuer:
    """Issues logins for accounts by their name (``a``, ``b`` …) and renews them once each."""

    def __init__(self, folder: Path, provider: str, now: float) -> None:
        self._file, self.provider, self.now = folder / f"issuer-{provider}.json", provider, now
        if not self._file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"serial": 0, "good": {}, "reused": [], "owner": {}}))

    def log_in(self, name: str) -> dict[str, Any]:
        """A new login of an account; the one before goes on living."""
        with self._book() as book:
            return self._issue(book, name, family=f"{name}{book['serial']}")

    def renew(self, refresh_token: str) -> dict[str, Any] | None:
        """The successor of a refresh token, which is spent by it; None for a spent one, whose
        whole family then ends."""
        with self._book() as book:
            owner = book["owner"].get(refresh_token)
            if owner is None:
                return None
            name, family = owner
            if book["good"].get(family) != refresh_token:
                book["reused"].append(refresh_token)
                book["good"][family] = ""
                return None
            return self._issue(book, name, family)

    def works(self, refresh_token: str) -> bool:
        """Whether it could be redeemed now."""
        book = json.loads(self._file.read_text())
        owner = book["owner"].get(refresh_token)
        return owner is not None and book["good"].get(owner[1]) == refresh_token

    def newest(self, name: str) -> str:
        """The refresh token of an account that was issued last."""
        book = json.loads(self._file.read_text())
        return [token for token, owner in book["owner"].items() if owner[0] == name][-1]

    @property
    def reused(self) -> list[str]:
        """Every spent refresh token that was redeemed again."""
        reused: list[str] = json.loads(self._file.read_text())["reused"]
        return reused

    def prove(self, login: Login) -> Identity | None:
        """Whose an access token is, as the profile endpoint says."""
        text = login.payload.reveal()
        for token, (name, _) in json.loads(self._file.read_text())["owner"].items():
            if token in text:
                return Identity(self.key(name), f"{name}@example.com")
        return None

    def key(self, name: str) -> str:
        """The identity key of an account."""
        return f"acc-{name}/org-{name}" if self.provider == "claude" else f"ws-{name}/user-{name}"

    def _issue(self, book: dict[str, Any], name: str, family: str) -> dict[str, Any]:
        book["serial"] += 1
        serial = book["serial"]
        refresh = f"{'sk-ant-ort01' if self.provider == 'claude' else 'rt'}-CANARY-{name}-{serial}"
        book["good"][family] = refresh
        book["owner"][refresh] = [name, family]
        make = _claude if self.provider == "claude" else _codex
        return make(name, serial, refresh, self.now + serial)

    @contextmanager
    def _book(self) -> Iterator[dict[str, Any]]:
        with open(f"{self._file}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            book = json.loads(self._file.read_text())
            yield book
            temp = self._file.with_suffix(f".{os.getpid()}")
            temp.write_text(json.dumps(book))
            os.replace(temp, self._file)


def _claude(name: str, serial: int, refresh: str, at: float) -> dict[str, Any]:
    return {
        "accessToken": f"sk-ant-oat01-CANARY-{name}-{serial}",
        "refreshToken": refresh,
        "expiresAt": int((at + 8 * HOUR) * 1000),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }


def _codex(name: str, serial: int, refresh: str, at: float) -> dict[str, Any]:
    inner = {
        "chatgpt_account_id": f"ws-{name}",
        "chatgpt_user_id": f"user-{name}",
        "chatgpt_plan_type": "plus",
    }
    claims = {
        "email": f"{name}@example.com", "iat": int(at), "exp": int(at + 240 * HOUR),
        "https://api.openai.com/auth": inner,
    }  # fmt: skip
    return {
        "id_token": jwt(claims, f"CANARYid{serial}"),
        "access_token": jwt(claims, f"CANARYaccess{serial}"),
        "refresh_token": refresh,
        "account_id": f"ws-{name}",
    }
