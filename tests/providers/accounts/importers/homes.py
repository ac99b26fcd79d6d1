"""Homes in which other switchers keep logins; every secret in them is a canary."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from providers.accounts.importers import Candidate, candidates
from providers.accounts.importers.candidate import SecretReader
from providers.accounts.login import LoginStore
from providers.base import Environment
from providers.claude.store import ClaudeStore
from providers.codex.store import CodexStore
from tests.conftest import SAMPLES
from tests.world.logins import jwt, put

NOW = 1_795_330_000.0
LONG_AGO = NOW - 90 * 86_400
PERSON, TEAM = "c0ae1b9f-6a95-4548-aeb5-e8fafa5c6bbd", "31b49b29-d568-4e93-a5c0-aacb7780e421"


def stores(environment: Environment) -> Mapping[str, LoginStore]:
    return {"claude": ClaudeStore(environment), "codex": CodexStore(environment)}


def found(tool: str, environment: Environment, secret: SecretReader | None = None) -> tuple[Candidate, ...]:
    return candidates(tool, environment, stores(environment), secret, now=NOW)


def by_label(tool: str, environment: Environment, secret: SecretReader | None = None) -> dict[str, Candidate]:
    return {one.label: one for one in found(tool, environment, secret)}


def tokens(name: str, *, hours: float = 6.0, **others: Any) -> dict[str, Any]:
    """A credential file of Claude Code; the machine's part of it too."""
    oauth = {
        "accessToken": f"sk-ant-oat01-CANARY{name}access",
        "refreshToken": f"sk-ant-ort01-CANARY{name}refresh",
        "expiresAt": (NOW + hours * 3600) * 1000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    return {"claudeAiOauth": oauth, "mcpOAuth": {"server": {"accessToken": "CANARYmcp"}}, **others}


def person(uuid: str = PERSON, team: str = TEAM, email: str = "ada@example.com") -> dict[str, str]:
    return {"accountUuid": uuid, "organizationUuid": team, "emailAddress": email}


def codex_login(name: str, *, account: str = "acct-1", user: str = "user-1", issued: float = NOW) -> str:
    """An auth.json of Codex, as text."""
    auth = {"chatgpt_account_id": account, "chatgpt_user_id": user, "chatgpt_plan_type": "plus"}
    claims = {"iat": issued, "exp": issued + 864_000, "https://api.openai.com/auth": auth}
    named = {**claims, "email": f"{name}@example.com"}
    held = {
        "id_token": jwt(named, f"CANARY{name}id"),
        "access_token": jwt(claims, f"CANARY{name}access"),
        "refresh_token": f"rt_CANARY{name}refresh",
        "account_id": account,
    }
    return json.dumps({"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": held})


def encoded(document: object) -> str:
    text = document if isinstance(document, str) else json.dumps(document)
    return base64.b64encode(text.encode()).decode()


def swap_home(environment: Environment) -> Path:
    if environment.platform == "darwin":
        return environment.home / ".claude-swap-backup"
    return environment.home / ".local/share/claude-swap"


def swap_slot(
    environment: Environment,
    number: int,
    email: str,
    document: object,
    *,
    account: Mapping[str, Any] | None = None,
    **others: Any,
) -> None:
    """A slot of claude-swap; ``document`` None leaves its credential file out."""
    home = swap_home(environment)
    path = home / "sequence.json"
    fresh: dict[str, Any] = {"activeAccountNumber": 1, "accounts": {}}
    sequence = json.loads(path.read_text()) if path.exists() else fresh
    sequence["accounts"][str(number)] = {"email": email, "uuid": "", "organizationUuid": "", **others}
    put(path, sequence)
    if document is not None:
        put(home / f"credentials/.creds-{number}-{email}.enc", encoded(document))
    if account is not None:
        put(home / f"configs/.claude-config-{number}-{email}.json", {"oauthAccount": account, "projects": {}})


def with_claude_swap(environment: Environment) -> None:
    swap_slot(environment, 1, "ada@example.com", tokens("one"), account=person(), alias="work")
    swap_slot(environment, 2, "bob@example.com", "sk-ant-api03-CANARYkey")
    home = swap_home(environment)
    put(home / "credentials/.creds-1-ada@example.com.enc.prev", encoded(tokens("before", hours=-2)))
    put(home / "credentials/.unclaimed-u1.enc", encoded(tokens("stray")))
    put(home / "credentials/.unclaimed-manifest.json", {"schemaVersion": 1, "entries": {"u1": {}}})


def with_aimonitor(environment: Environment, *, more: str = "") -> Path:
    """The sample database, left as its tool leaves it: with a write-ahead log to be."""
    folder = environment.home / ".local/share/aimonitor"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "aimonitor.db"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.executescript((SAMPLES / "interop/aimonitor/aimonitor.sql").read_text() + more)
    put(environment.home / ".aimonitor-lock", "")
    return path


def aimonitor_items(environment: Environment) -> Callable[[str, str], str]:
    """The keyring of that person: the login of work, wrapped as Go wraps it, and of home."""
    user = environment.home.name
    kept = {
        ("aimonitor-11111111-1111-4111-a111-111111111111", user): "go-keyring-base64:"
        + encoded(tokens("work")),
        ("aimonitor-22222222-2222-4222-a222-222222222222", user): json.dumps(tokens("home")),
    }
    return lambda service, name: kept.get((service, name), "")


def with_cc_router(environment: Environment) -> None:
    gpt = {"provider": "openai_subscription", "accessToken": "CANARYgpt", "refreshToken": "rt_CANARYgpt"}
    rows = [
        {"id": "max-1", **tokens("pool")["claudeAiOauth"], "enabled": False},
        {"id": "gpt_2", **gpt},
        {"id": "key-3", "provider": "openai_api_key", "accessToken": "sk-proj-CANARYkey"},
        {"id": "new-4", "provider": "something_else", "refreshToken": "CANARYelse"},
    ]
    put(environment.home / ".cc-router/accounts.json", rows)


def caam_profile(environment: Environment, kind: str, profile: str, files: Mapping[str, object]) -> Path:
    folder = environment.home / ".local/share/caam/vault" / kind / profile
    for name, document in files.items():
        put(folder / name, document)
    return folder


def with_caam(environment: Environment) -> None:
    config = {"oauthAccount": person(), "projects": {"/x": {}}}
    caam_profile(environment, "claude", "ada", {".credentials.json": tokens("caam"), ".claude.json": config})
    newer = {".credentials.json": tokens("safety", hours=9), ".claude.json": config}
    caam_profile(environment, "claude", "_backup_20261101_120000", newer)
    caam_profile(environment, "codex", "Work!", {"auth.json": codex_login("caamcodex"), "meta.json": {}})
    caam_profile(environment, "gemini", "g", {"oauth_credentials.json": {"refresh_token": "1//CANARYg"}})


def codex_accounts(environment: Environment) -> Path:
    return environment.home / ".codex/accounts"


def with_codex_auth(environment: Environment) -> None:
    rows = [
        {"account_key": "user-1::acct-1", "email": "dev@example.com", "alias": "home"},
        {"account_key": "plain-key.1", "email": "two@example.com", "alias": ""},
        {"account_key": "gone", "email": "gone@example.com", "alias": "123"},
        {"account_key": "api", "email": "api@example.com", "alias": "-x", "auth_mode": "apikey"},
    ]
    folder = codex_accounts(environment)
    put(
        folder / "registry.json", {"schema_version": 3, "active_account_key": "plain-key.1", "accounts": rows}
    )
    coded = base64.urlsafe_b64encode(b"user-1::acct-1").decode().rstrip("=")
    put(folder / f"{coded}.auth.json", codex_login("dev"))
    put(folder / "plain-key.1.auth.json", codex_login("two", account="acct-2", user="user-2"))
    put(folder / "api.auth.json", {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-CANARYapi"})


HOMES: Mapping[str, Callable[[Environment], object]] = {
    "claude-swap": with_claude_swap,
    "aimonitor": with_aimonitor,
    "cc-router": with_cc_router,
    "caam": with_caam,
    "codex-auth": with_codex_auth,
}


def as_it_lies(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and link below: its mode and bytes."""
    held = {}
    for root, _, names in os.walk(folder):
        for path in (Path(root) / name for name in names):
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            held[str(path.relative_to(folder))] = path.lstat().st_mode, data
    return held


def aged(folder: Path) -> None:
    """Nothing below was written for three months."""
    for path in (p for p in folder.rglob("*") if p.is_file()):
        os.utime(path, (LONG_AGO, LONG_AGO))
