"""How Claude Code keeps its login: a credential file, and whose it is in the global config.

Pure, for accounts/; see `providers.accounts.login.LoginStore`.  Facts:
realiti4/claude-swap:src/claude_swap/credentials.py and claude_locks.py (against 2.1.218 and, for the
lock of writes, 2.1.278), anthropics/claude-code#76561.
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
from providers.accounts.splice import printed, spliced
from providers.base import MIB, Environment, FileBytes, Found, Unparseable, Unreadable
from providers.claude.login import (
    claude_home,
    config_file,
    login_warnings,
    plan_of,
    scopes_of,
    secrets_home,
)
from providers.claude.quota import identity_key
from providers.claude.sessions import sessions
from providers.engine.tokens import fingerprint, usable
from providers.engine.values import clean, epoch, load_json, part
from providers.model import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MACHINE = ("mcpOAuth", "mcpOAuthClientConfig", "mcpXaaIdp", "mcpXaaIdpConfig", "pluginSecrets")
"""What the machine's accounts share: always taken from the live file, never from the vault.
Any other key beside the tokens counts as the account's: a stale one only asks anew, a leaked
one would show one account's secret under another."""

_WRAPPED, _SPELLED = "claudeAiOauth", "claude.ai_oauth"
_BARE = (
    "accessToken", "refreshToken", "expiresAt", "refreshTokenExpiresAt", "scopes", "subscriptionType",
    "rateLimitTier", "clientId",
)  # fmt: skip
"""What belongs inside the wrapper, where a file has none."""


class ClaudeStore:
    """The login of one Claude Code home."""

    provider, slot = "claude", ""
    effect = "with the next message of each session, or after a restart of it"
    command = "CLAUDE_CONFIG_DIR=$(mktemp -d) claude auth login"
    margin, alone = 0.0, False

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._credentials = secrets_home(environment) / ".credentials.json"
        self._config = config_file(environment)

    def files(self) -> tuple[StoreFile, ...]:
        """The tokens, then the global config."""
        return StoreFile(self._credentials, MIB), StoreFile(self._config, 16 * MIB, secret=False)

    def locks(self) -> tuple[CliLock, ...]:
        """Two of the refresh, old and new, that of a write, which a refresh takes inside them, and
        the config's."""
        home = secrets_home(self._environment)
        return (
            FolderLock(home / ".oauth_refresh.lock"),
            FolderLock(home.with_name(f"{home.name}.lock")),
            FolderLock(home / ".storage-write.lock", 15.0),
            FolderLock(self._config.with_name(f"{self._config.name}.lock"), 10.0),
        )

    def parse(self, found: Mapping[Path, Found]) -> Live:
        """What is logged in; the config's word on whose it is, is only a claim.  A config that
        cannot be read is not one that names nobody: half of the login is then not known."""
        credentials = found.get(self._credentials)
        if credentials is None:
            return Live(Held.NOTHING)
        if not isinstance(credentials, Unreadable) and not credentials.data.strip():
            return Live(Held.HUSK, why=".credentials.json is empty")
        document, config = _object(credentials), _object(found.get(self._config))
        if isinstance(document, str):
            return Live(Held.UNREADABLE, why=f".credentials.json {document}")
        blob = _blob(document)
        if not blob:
            return Live(Held.HUSK, why="the credential file holds no login, only data of MCP servers")
        if not _token(blob, "accessToken") and not _token(blob, "refreshToken"):
            return Live(Held.HUSK, why="Claude Code emptied its login, or is writing it just now")
        if not _token(blob, "refreshToken"):
            return Live(Held.OTHER, why="a setup-token login, which cannot be renewed, is no account to keep")
        if isinstance(config, str):
            return Live(Held.UNREADABLE, why=f"{self._config.name} {config}")
        try:
            return Live(Held.LOGIN, _login(_own(document, blob), part(config, "oauthAccount")))
        except ValueError:
            return Live(Held.UNREADABLE, why=".credentials.json holds a number without an end")

    def opened(self, payload: Secret) -> Login | None:
        """The login that the vault kept."""
        credentials, account = _kept(payload)
        if not _token(part(credentials, _WRAPPED), "refreshToken"):
            return None
        try:
            return _login({k: v for k, v in credentials.items() if k not in MACHINE}, account)
        except ValueError:
            return None

    def compose(self, login: Login, found: Mapping[Path, Found]) -> Mapping[Path, bytes]:
        """The account's part with the machine's part of now, and the one key of the config."""
        credentials, account = _kept(login.payload)
        if not _token(part(credentials, _WRAPPED), "refreshToken"):
            raise CannotSwitch("what the vault keeps is no login of Claude Code: capture it again")
        live = found.get(self._credentials)
        shared = {} if live is None else self._shared(live)
        fresh = {**{k: v for k, v in credentials.items() if k not in MACHINE}, **shared}
        try:
            tokens = printed(fresh).encode()
        except ValueError:
            raise CannotSwitch(".credentials.json holds a number without an end: quotadeck doctor") from None
        return {self._credentials: tokens, self._config: self._named(account, found.get(self._config))}

    def _shared(self, live: FileBytes | Unreadable) -> Mapping[str, Any]:
        """The machine's part of the live file."""
        if not isinstance(live, Unreadable) and not live.data.strip():
            return {}
        document = _object(live)
        if isinstance(document, str):
            raise CannotSwitch(f".credentials.json {document}, so it is not written over: quotadeck doctor")
        return {key: document[key] for key in MACHINE if key in document}

    def _named(self, account: Mapping[str, Any], config: Found) -> bytes:
        """The config with the account's name; null, which Claude Code fills in itself, for a login
        that came without one: another's name beside it would be worse than none."""
        if isinstance(config, Unreadable):
            raise CannotSwitch(f"{self._config.name} {config.reason}: run quotadeck doctor")
        name = dict(account) or None
        if config is None:
            return (json.dumps({"oauthAccount": name}, ensure_ascii=False, indent=2) + "\n").encode()
        try:
            return spliced(config.data.decode("utf-8"), "oauthAccount", name).encode()
        except ValueError:
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
        if self._environment.platform == "darwin":
            return "on a Mac Claude Code reads its login from the keychain, not from a file"
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
    """Raises ValueError for what JSON cannot hold."""
    blob = part(credentials, _WRAPPED)
    claimed = None
    if clean(account.get("accountUuid")):
        email = clean(account.get("emailAddress"))
        claimed = Identity(identity_key(account), email, clean(account.get("organizationName")))
    payload = {"credentials": credentials, "oauthAccount": account}
    return Login(
        "claude",
        fingerprint(_token(blob, "refreshToken")),
        # ASCII alone: no vault and no encoder can stumble over it.
        Secret(json.dumps(payload, allow_nan=False, separators=(",", ":"))),
        claimed=claimed,
        issued=epoch(blob.get("expiresAt")) or 0.0,
        expires_at=epoch(blob.get("expiresAt")),
        ends_at=epoch(blob.get("refreshTokenExpiresAt")),
        plan=plan_of(account, blob),
    )


def _kept(payload: Secret) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The credentials and the account in a payload; empty if it is none of ours."""
    try:
        document = load_json(payload.reveal().encode("utf-8", "replace"))
    except Unparseable:
        return {}, {}
    return part(document, "credentials"), part(document, "oauthAccount")


def _own(document: Mapping[str, Any], blob: Mapping[str, Any]) -> Mapping[str, Any]:
    """The account's part of a credential file, in the spelling that Claude Code writes."""
    bare = _BARE if blob is document else ()
    others = (_SPELLED, *MACHINE, *bare)
    tokens = {k: v for k, v in blob.items() if k in bare} if bare else dict(blob)
    for key in ("expiresAt", "refreshTokenExpiresAt"):
        moment = epoch(tokens.get(key)) if isinstance(tokens.get(key), str) else None
        if moment is not None:
            tokens[key] = round(moment * 1000)
    if isinstance(tokens.get("scopes"), str):
        tokens["scopes"] = scopes_of(tokens)
    return {k: v for k, v in document.items() if k not in others} | {_WRAPPED: tokens}


def _blob(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in (_WRAPPED, _SPELLED):
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


def _token(blob: Mapping[str, Any], key: str) -> str:
    return usable(blob.get(key))
