"""How Claude Code keeps its login: a credential file, and whose it is in the global config.

Pure, for accounts/; see `providers.accounts.login.LoginStore`.  Facts:
realiti4/claude-swap:src/claude_swap/credentials.py and claude_locks.py (against 2.1.218),
anthropics/claude-code#76561.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from providers.accounts.login import (
    CannotSwitch,
    CliLock,
    FolderLock,
    Held,
    Live,
    Login,
    Running,
    StoreFile,
)
from providers.accounts.secret import Secret
from providers.accounts.splice import spliced
from providers.base import MIB, Environment, Found, Unparseable, Unreadable
from providers.claude.login import claude_home, config_file, login_warnings, plan_of, secrets_home
from providers.claude.quota import identity_key
from providers.claude.sessions import sessions
from providers.engine.tokens import fingerprint
from providers.engine.values import clean, epoch, load_json, part
from providers.model import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MACHINE = ("mcpOAuth", "mcpOAuthClientConfig", "mcpXaaIdp", "mcpXaaIdpConfig", "pluginSecrets")
"""What the machine's accounts share: always taken from the live file, never from the vault.
Any other key beside the tokens counts as the account's: a stale one only asks anew, a leaked
one would show one account's secret under another."""

_WRAPPED = "claudeAiOauth"


class ClaudeStore:
    """The login of one Claude Code home."""

    provider, slot = "claude", ""
    effect = "with the next message of each session, or after a restart of it"
    command = "CLAUDE_CONFIG_DIR=$(mktemp -d) claude auth login"
    margin = 0.0
    alone = False

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._credentials = secrets_home(environment) / ".credentials.json"
        self._config = config_file(environment)

    def files(self) -> tuple[StoreFile, ...]:
        """The tokens, then the global config."""
        return StoreFile(self._credentials, MIB), StoreFile(self._config, 16 * MIB, secret=False)

    def locks(self) -> tuple[CliLock, ...]:
        """Two of the refresh, old and new, and the config's."""
        home = secrets_home(self._environment)
        return (
            FolderLock(home / ".oauth_refresh.lock"),
            FolderLock(home.with_name(f"{home.name}.lock")),
            FolderLock(self._config.with_name(f"{self._config.name}.lock"), 10.0),
        )

    def parse(self, found: Mapping[Path, Found]) -> Live:
        """What is logged in; the config's word on whose it is, is only a claim."""
        credentials = found.get(self._credentials)
        if credentials is None:
            return Live(Held.NOTHING)
        document = _object(credentials)
        if isinstance(document, str):
            return Live(Held.UNREADABLE, why=f".credentials.json {document}")
        blob = _blob(document)
        if not blob:
            return Live(Held.HUSK, why="the credential file holds no login, only data of MCP servers")
        if not _text(blob, "accessToken") and not _text(blob, "refreshToken"):
            return Live(Held.HUSK, why="Claude Code emptied its login, or is writing it just now")
        if not _text(blob, "refreshToken"):
            return Live(Held.OTHER, why="a setup-token login, which cannot be renewed, is no account to keep")
        config = _object(found.get(self._config))
        account = part(config, "oauthAccount") if not isinstance(config, str) else {}
        return Live(Held.LOGIN, _login(_own(document, blob), account))

    def opened(self, payload: Secret) -> Login | None:
        """The login that the vault kept."""
        try:
            document = load_json(payload.reveal().encode("utf-8", "replace"))
        except Unparseable:
            return None
        credentials = part(document, "credentials")
        blob = part(credentials, _WRAPPED)
        return _login(credentials, part(document, "oauthAccount")) if _text(blob, "refreshToken") else None

    def compose(self, login: Login, found: Mapping[Path, Found]) -> Mapping[Path, bytes]:
        """The account's part with the machine's part of now, and the one key of the config."""
        kept = load_json(login.payload.reveal().encode())
        live = _object(found.get(self._credentials))
        if isinstance(live, str):
            raise CannotSwitch(f".credentials.json {live}, so it is not written over: run quotadeck doctor")
        fresh = {k: v for k, v in part(kept, "credentials").items() if k not in MACHINE}
        fresh |= {key: live[key] for key in MACHINE if key in live}
        tokens = json.dumps(fresh, ensure_ascii=False, separators=(",", ":"))
        return {
            self._credentials: tokens.encode("utf-8", "surrogatepass"),
            self._config: self._named(part(kept, "oauthAccount"), found.get(self._config)),
        }

    def _named(self, account: Mapping[str, Any], config: Found) -> bytes:
        if isinstance(config, Unreadable):
            raise CannotSwitch(f"{self._config.name} {config.reason}: run quotadeck doctor")
        if config is None:
            return (json.dumps({"oauthAccount": account}, ensure_ascii=False, indent=2) + "\n").encode()
        try:
            text = config.data.decode("utf-8")
            return spliced(text, "oauthAccount", account).encode("utf-8")
        except (ValueError, RecursionError):
            raise CannotSwitch(
                f"{self._config.name} is not valid JSON, perhaps half written: try again"
            ) from None

    def owned(self, login: Login, owner: Identity, known: Login | None) -> Login:
        """With the ``oauthAccount`` of its owner, or the least that names it."""
        credentials = part(load_json(login.payload.reveal().encode()), "credentials")
        if known is not None:
            return _login(credentials, part(load_json(known.payload.reveal().encode()), "oauthAccount"))
        account, _, organisation = owner.key.partition("/")
        named = {"accountUuid": account, "emailAddress": owner.email, "organizationUuid": organisation}
        return _login(credentials, {key: value for key, value in named.items() if value})

    def refusal(self, found: Mapping[Path, Found]) -> str:
        """A key or another service that Claude Code would use instead of any login."""
        config = _object(found.get(self._config))
        if not isinstance(config, str) and config.get("primaryApiKey"):
            return "an API key is stored, which Claude Code uses instead of any login: take it out first"
        for warning in login_warnings(self._environment):
            return f"{warning}: unset it first"
        return ""

    def running(self) -> Running:
        """From the notes that its sessions leave."""
        return sessions(claude_home(self._environment))


def stores(environment: Environment) -> tuple[ClaudeStore, ...]:
    """The one store; on a Mac the login lies in the keychain, which is read elsewhere."""
    return (ClaudeStore(environment),)


def _login(credentials: Mapping[str, Any], account: Mapping[str, Any]) -> Login:
    blob = part(credentials, _WRAPPED)
    claimed = None
    if clean(account.get("accountUuid")):
        email = clean(account.get("emailAddress"))
        claimed = Identity(identity_key(account), email, clean(account.get("organizationName")))
    payload = {"credentials": credentials, "oauthAccount": account}
    return Login(
        "claude",
        fingerprint(_text(blob, "refreshToken")),
        Secret(json.dumps(payload, ensure_ascii=False, separators=(",", ":"))),
        claimed=claimed,
        issued=epoch(blob.get("expiresAt")) or 0.0,
        expires_at=epoch(blob.get("expiresAt")),
        ends_at=epoch(blob.get("refreshTokenExpiresAt")),
        plan=plan_of(account, blob),
    )


def _own(document: Mapping[str, Any], blob: Mapping[str, Any]) -> Mapping[str, Any]:
    """The account's part of a credential file, the tokens under the name that Claude Code uses."""
    others = ("claude.ai_oauth", *MACHINE, *(blob if blob is document else ()))
    return {k: v for k, v in document.items() if k not in others} | {_WRAPPED: dict(blob)}


def _blob(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in (_WRAPPED, "claude.ai_oauth"):
        if isinstance(document.get(key), Mapping):
            blob: Mapping[str, Any] = document[key]
            return blob
    return document if "accessToken" in document else {}


def _object(found: Found) -> Mapping[str, Any] | str:
    """The object in a file ({} if there is none), or why it cannot be read."""
    if found is None:
        return {}
    if isinstance(found, Unreadable):
        return found.reason
    try:
        document = load_json(found.data)
    except Unparseable as broken:
        return str(broken)
    return document if isinstance(document, Mapping) else "is not what Claude Code writes"


def _text(blob: Mapping[str, Any], key: str) -> str:
    value = blob.get(key)
    return value if isinstance(value, str) else ""
