"""A home with Claude Code and Codex, an issuer for each, and our accounts beside them.

For the tests of accounts/.  The CLIs here do what the sheets say of the real ones: Claude's
renews under its locks and renames; the old Codex writes in place without any, the new one
under its flocks, and refuses when the account was swapped.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.login import LoginStore
from providers.accounts.recovery import Recovery
from providers.accounts.switch import Switcher
from providers.accounts.vault import Vault
from providers.base import Environment
from providers.claude.store import ClaudeStore
from providers.codex.store import CodexStore
from tests.conftest import FakeClock
from tests.world.issuer import Issuer
from tests.world.logins import put

NOW = 1_795_330_000.0


class FileRing:
    """A keyring in a folder, for tests that kill and share: each secret a file, renamed in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, username: str) -> Path:
        return self.folder / username.replace(":", ".")

    def get_password(self, service: str, username: str) -> str | None:
        try:
            return self._path(username).read_text()
        except FileNotFoundError:
            return None

    def set_password(self, service: str, username: str, password: str) -> None:
        temp = self._path(f"{username}.{os.getpid()}.tmp")
        temp.write_text(password)
        os.replace(temp, self._path(username))

    def delete_password(self, service: str, username: str) -> None:
        self._path(username).unlink()


class Direct(Vault):
    """The vault without its threads: after a fork there is only one."""

    def _call(self, work: Any) -> Any:
        return work(self._open())


class Household:
    """Everything of one person in one folder."""

    def __init__(self, environment: Environment, provider: str = "claude") -> None:
        self.environment, self.provider = environment, provider
        self.home = environment.home
        self.clock = FakeClock(NOW)
        self.issuer = Issuer(self.home / "issuer", provider, NOW)
        self.ring = FileRing(self.home / "ring")
        self.vault = Direct(lambda: self.ring)
        self.store: LoginStore = ClaudeStore(environment) if provider == "claude" else CodexStore(environment)
        self.secret = self.store.files()[0].path
        self.secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keeper(self, step: Step = no_step) -> Keeper:
        return Keeper(self.environment, self.vault, self.clock, step=step)

    def switcher(self, step: Step = no_step, *, prove: bool = True) -> Switcher:
        asked = self.issuer.prove if prove else None
        return Switcher(self.environment, self.keeper(step), self.clock, prove=asked, step=step)

    def recovery(self, step: Step = no_step) -> Recovery:
        return Recovery(
            self.environment, self.keeper(step), self.clock, (self.store,), prove=self.issuer.prove, step=step
        )

    def log_in(self, name: str) -> None:
        """The person logs into an account with the CLI itself."""
        self.write_login(name, self.issuer.log_in(name))

    def write_login(self, name: str, tokens: dict[str, Any]) -> None:
        """Both files, as the CLI writes them at a login."""
        if self.provider == "codex":
            put(self.secret, codex_file(tokens))
            return
        document = self._document() | {"claudeAiOauth": tokens}
        document.setdefault("mcpOAuth", {"server": {"token": "CANARY-mcp"}})
        put(self.secret, document)
        config = self.home / ".claude.json"
        known = json.loads(config.read_text()) if config.exists() else {"projects": {"/src": {"n": 1.0}}}
        account = {
            "accountUuid": f"acc-{name}", "organizationUuid": f"org-{name}",
            "emailAddress": f"{name}@example.com",
        }  # fmt: skip
        config.write_text(json.dumps(known | {"oauthAccount": account}, indent=2))

    def live(self) -> dict[str, Any]:
        """The tokens in the live store."""
        document = self._document()
        found: dict[str, Any] = document.get("claudeAiOauth") or document.get("tokens") or {}
        return found

    @property
    def live_refresh(self) -> str:
        """The refresh token in the live store."""
        tokens = self.live()
        return str(tokens.get("refreshToken") or tokens.get("refresh_token") or "")

    def cli_renews(self, *, locked: bool = True) -> bool:
        """The CLI renews its login, all at once; under its locks unless it is an old one."""
        if self.provider == "codex":
            return self._codex_renews(locked)
        folder = self.secret.parent / ".oauth_refresh.lock"
        if locked:
            for _ in range(200):
                try:
                    folder.mkdir()
                    break
                except FileExistsError:
                    time.sleep(0.005)
            else:
                return False
        try:
            fresh = self.issuer.renew(self.live_refresh)
            if fresh is None:
                return False
            put_atomically(self.secret, self._document() | {"claudeAiOauth": fresh})
            return True
        finally:
            if locked:
                folder.rmdir()

    def _codex_renews(self, locked: bool) -> bool:
        account, fresh = self.live().get("account_id"), self.issuer.renew(self.live_refresh)
        if fresh is None:
            return False
        if not locked:
            self.secret.write_text(json.dumps(codex_file(fresh)))
            return True
        with open(self.secret.parent / "auth.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.live().get("account_id") != account:
                return False
            put_atomically(self.secret, codex_file(fresh))
            return True

    def all_secrets(self) -> str:
        """Everything that lies anywhere in the home but the issuer's own book."""
        texts = []
        for path in sorted(self.home.rglob("*")):
            if path.is_file() and "issuer" not in path.parts:
                texts.append(path.read_text(errors="replace"))
        return "\n".join(texts)

    def _document(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.secret.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found


def codex_file(tokens: dict[str, Any]) -> dict[str, Any]:
    """auth.json around these tokens."""
    return {
        "auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens,
        "last_refresh": "2026-11-22T07:00:00.123456789Z",
    }  # fmt: skip


def put_atomically(path: Path, document: object) -> None:
    """As the newer CLIs write: a file of its own, renamed."""
    temp = path.with_name(f"{path.name}.tmp.{os.getpid():08x}")
    put(temp, document)
    os.replace(temp, path)
