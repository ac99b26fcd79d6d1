"""Homes with logged-in tools whose every secret is a canary."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from providers.engine.files import write_atomic
from providers.record import Record

ACCOUNT = "11111111-1111-4111-8111-111111111111"
ORGANISATION = "22222222-2222-4222-8222-222222222222"
USER = "user-EXAMPLE-A"


class Canaries(Record):
    """Secrets that must turn up nowhere but in the one request that they are for."""

    claude_access: str
    claude_refresh: str
    codex_access: str
    codex_refresh: str
    codex_id: str

    @property
    def all(self) -> tuple[str, ...]:
        """Each of them; of the tokens with three parts the last, which nobody decodes."""
        return tuple(str(getattr(self, name)).rpartition(".")[2] for name in self._fields)


def logged_in_home(home: Path, now: float) -> Canaries:
    """Writes the logins of Claude Code and Codex, good for hours to come."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    claims = {
        "email": "dev@example.com",
        "exp": int(now) + 86_400,
        "https://api.openai.com/auth": {
            "chatgpt_account_id": ACCOUNT, "chatgpt_user_id": USER, "chatgpt_plan_type": "plus",
        },
    }  # fmt: skip
    canaries = Canaries(
        "sk-ant-oat01-CANARYclaudeaccess",
        "sk-ant-ort01-CANARYclauderefresh",
        _token(claims, "CANARYcodexaccess"),
        "rt_CANARYcodexrefresh",
        _token(claims, "CANARYcodexid"),
    )
    oauth = {
        "accessToken": canaries.claude_access,
        "refreshToken": canaries.claude_refresh,
        "expiresAt": int(now + 6 * 3600) * 1000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    _write(home / ".claude/.credentials.json", {"claudeAiOauth": oauth})
    account = {
        "accountUuid": ACCOUNT, "organizationUuid": ORGANISATION, "emailAddress": "dev@example.com",
        "organizationType": "claude_max",
    }  # fmt: skip
    _write(home / ".claude.json", {"oauthAccount": account})
    tokens = {
        "access_token": canaries.codex_access,
        "refresh_token": canaries.codex_refresh,
        "id_token": canaries.codex_id,
        "account_id": ACCOUNT,
    }
    _write(home / ".codex/auth.json", {"auth_mode": "chatgpt", "tokens": tokens})
    return canaries


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomic(path, json.dumps(document).encode())


def _token(claims: dict[str, Any], signature: str) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.{signature}"
