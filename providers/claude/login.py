"""Claude Code's login: who it is and whether it can still be used.  Secrets never leave here.

Reads the credential file, the global config and settings.json as bytes handed over, and
returns a `LoginState` that holds no token.  Nothing here ever redeems a refresh token:
Claude Code owns the live login.  Facts: realiti4/claude-swap:src/claude_swap/credentials.py,
steipete/CodexBar:docs/claude.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.base import MIB, Environment, FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.claude.quota import cached_reading, identity_key
from providers.engine.files import read_file
from providers.engine.values import clean, epoch, load_json
from providers.model import Fact, Identity, LoginState, Status
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOG_IN = "claude auth login"
SCOPE = "user:profile"
"""The scope that reading usage needs."""

_KEYS = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
)  # fmt: skip
_OWN_HOST = "api.anthropic.com"
_CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")


def claude_home(environment: Environment) -> Path:
    """``$CLAUDE_CONFIG_DIR`` as one literal folder, else ~/.claude."""
    return environment.folder("CLAUDE_CONFIG_DIR", ".claude")


def secrets_home(environment: Environment) -> Path:
    """Where the credential file lies: since 2.1.220 a variable of its own may move it."""
    moved = environment.variables.get("CLAUDE_SECURESTORAGE_CONFIG_DIR")
    return environment.home / moved if moved else claude_home(environment)


def config_file(environment: Environment) -> Path:
    """The global config: a legacy one inside the home, else beside it."""
    legacy = claude_home(environment) / ".config.json"
    if legacy.exists():
        return legacy
    if environment.variables.get("CLAUDE_CONFIG_DIR"):
        return claude_home(environment) / ".claude.json"
    return environment.home / ".claude.json"


class _Parsed(Record):
    """A JSON file: its document ({} if there is none), and what is wrong with it."""

    document: Mapping[str, Any]
    present: bool
    trouble: str = ""
    mtime: float = 0.0


def login_facts(files: Mapping[str, Found], context: ReadContext) -> Iterator[Fact]:
    """One `LoginState`, and the cached figures of the config if they are this account's."""
    credentials, config = _parse(files.get("credentials")), _parse(files.get("config"))
    settings = _parse(files.get("settings"))
    account = config.document.get("oauthAccount")
    account = account if isinstance(account, Mapping) else {}
    identity = _identity(account)
    state = _state(credentials, config, settings, identity, context)
    warnings = tuple(_overrides(settings.document, context.environment.variables))
    if config.document.get("primaryApiKey") and state.status is not Status.UNSUBSCRIBED:
        warnings += ("an API key is stored beside the login, and Claude Code may use it instead",)
    yield replace(
        state,
        identity=identity,
        plan=plan_of(account, _blob(credentials.document)),
        warnings=warnings,
        observed_at=credentials.mtime or config.mtime,
        # Claude Code does not always write its config as a whole (steipete/CodexBar).
        torn=bool(config.trouble and config.mtime),
    )
    found = files.get("config")
    if isinstance(found, FileBytes):
        reading = cached_reading(config.document, str(found.path), found.mtime, context.now)
        if reading is not None:
            yield reading


def _parse(found: Found) -> _Parsed:
    if found is None:
        return _Parsed({}, False)
    if isinstance(found, Unreadable):
        return _Parsed({}, True, found.reason)
    try:
        document = load_json(found.data)
    except Unparseable as broken:
        return _Parsed({}, True, str(broken), found.mtime)
    return _Parsed(document if isinstance(document, Mapping) else {}, True, "", found.mtime)


def _identity(account: Mapping[str, Any]) -> Identity | None:
    if not clean(account.get("accountUuid")):
        return None
    organisation = clean(account.get("organizationName"))
    return Identity(identity_key(account), clean(account.get("emailAddress")), organisation)


def _say(status: Status, message: str, fix: str = "") -> LoginState:
    return LoginState("claude", status, message, fix)


def _state(
    credentials: _Parsed,
    config: _Parsed,
    settings: _Parsed,
    identity: Identity | None,
    context: ReadContext,
) -> LoginState:
    if credentials.trouble:
        return _say(Status.DENIED, f".credentials.json {credentials.trouble}", "quotadeck doctor")
    blob = _blob(credentials.document)
    if not blob:
        return _without_login(credentials, config, settings, identity, context)
    access, refresh = _text(blob, "accessToken"), _text(blob, "refreshToken")
    if not access and not refresh:
        return _say(Status.EXPIRED, "Claude Code emptied its login: log in again", _LOG_IN)
    deadline = epoch(blob.get("refreshTokenExpiresAt"))
    held = LoginState("claude", Status.OK, login_expires_at=deadline)
    scopes = scopes_of(blob)
    if scopes and SCOPE not in scopes:
        message = "a setup-token login cannot read usage"
        return replace(held, status=Status.DENIED, message=message, fix=_LOG_IN)
    if deadline is not None and deadline <= context.now:
        return replace(held, status=Status.EXPIRED, message="the login ran out: log in again", fix=_LOG_IN)
    expires = epoch(blob.get("expiresAt"))
    if expires is not None and expires <= context.now:
        if not refresh:
            return replace(
                held, status=Status.EXPIRED, message="the login ran out: log in again", fix=_LOG_IN
            )
        return replace(held, status=Status.IDLE, message="renews when claude runs", fix="claude")
    return held


def _without_login(
    credentials: _Parsed,
    config: _Parsed,
    settings: _Parsed,
    identity: Identity | None,
    context: ReadContext,
) -> LoginState:
    """No OAuth login in the file: which of the reasons it is."""
    environment = context.environment
    if config.trouble:
        return _say(Status.ERROR, f"{config_file(environment).name} {config.trouble}", "quotadeck doctor")
    if identity is not None and environment.platform == "darwin":
        # It lies in the keychain, which is read on a key press only (steipete/CodexBar#2585).
        return _say(Status.OK, "")
    key, cloud = _instead(settings.document, environment.variables)
    if key or config.document.get("primaryApiKey"):
        return _say(Status.UNSUBSCRIBED, "an API key is in use: there is no subscription quota")
    if cloud:
        return _say(Status.UNSUBSCRIBED, "a cloud provider is in use: there is no subscription quota")
    if credentials.present:
        return _say(Status.UNCONFIGURED, "Claude Code is not logged in", _LOG_IN)
    if identity is not None or config.present or claude_home(environment).is_dir():
        return _say(Status.UNCONFIGURED, "Claude Code is logged out", _LOG_IN)
    return _say(Status.UNCONFIGURED, "Claude Code is not installed here")


def _blob(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The OAuth part of a credential file, in the spellings that were seen."""
    for key in ("claudeAiOauth", "claude.ai_oauth"):
        blob = document.get(key)
        if isinstance(blob, Mapping):
            return blob
    return document if "accessToken" in document else {}


def oauth_blob(found: Found) -> Mapping[str, Any] | None:
    """The OAuth part of a credential file, secrets included: for the endpoint alone.  None if
    there is none or the file cannot be read."""
    return _blob(_parse(found).document) or None


def oauth_account(found: Found) -> Mapping[str, Any]:
    """``oauthAccount`` of the global config; {} if it is not there."""
    account = _parse(found).document.get("oauthAccount")
    return account if isinstance(account, Mapping) else {}


def scopes_of(blob: Mapping[str, Any]) -> list[Any]:
    """The scopes of a login; a list that was stored as one string is split."""
    scopes = blob.get("scopes")
    scopes = scopes.split() if isinstance(scopes, str) else scopes
    return scopes if isinstance(scopes, list) else []


def _text(blob: Mapping[str, Any], key: str) -> str:
    value = blob.get(key)
    return value if isinstance(value, str) else ""


def plan_of(account: Mapping[str, Any], blob: Mapping[str, Any]) -> str:
    """The plan: organisation type, else the login's snapshot, else the tier's own words."""
    raw = clean(account.get("organizationType") or blob.get("subscriptionType"))
    kind = raw.lower().removeprefix("claude_")
    tier = clean(
        account.get("userRateLimitTier")
        or account.get("organizationRateLimitTier")
        or blob.get("rateLimitTier")
    ).lower()
    seat = clean(account.get("seatTier")).lower()
    multiple = " 20x" if "max_20x" in tier else " 5x" if "max_5x" in tier else ""
    match kind:
        case "max":
            return f"Max{multiple}"
        case "pro" | "enterprise" | "ultra":
            return kind.title()
        case "team":
            return "Team (premium)" if seat == "team_tier_1" else "Team"
        case "":
            return f"Max{multiple}" if multiple else "Team" if "claude_team" in tier else ""
    return raw


def _overrides(settings: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[str]:
    """What makes the shown account not the one in use.  Names only, never a value; we see
    our own environment, which need not be Claude Code's."""
    for where, held in (("settings.json", _block(settings)), ("the environment", variables)):
        base = _host(clean(held.get("ANTHROPIC_BASE_URL"), 200))
        base = "" if base == _OWN_HOST else base
        if base:
            via = "a local proxy, which may use other accounts" if _local(base) else "another service"
            yield f"ANTHROPIC_BASE_URL in {where} sends Claude Code to {via}"
        for name in _KEYS:
            if held.get(name) and not (base and name == "ANTHROPIC_AUTH_TOKEN"):
                yield f"{name} in {where} is used instead of this login"
        for name in _CLOUDS:
            if _on(held.get(name)):
                yield f"{name} in {where}: Claude Code does not use the subscription"
    if settings.get("apiKeyHelper"):
        yield "apiKeyHelper in settings.json is used instead of this login"


def login_warnings(environment: Environment) -> tuple[str, ...]:
    """What in the environment or in settings.json makes Claude Code use something else than its
    stored login; reads settings.json."""
    settings = _parse(read_file(claude_home(environment) / "settings.json", MIB, follow=True))
    return tuple(_overrides(settings.document, environment.variables))


def _instead(settings: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether an API key, and whether a cloud's switch, is set for a Claude Code without a login."""
    held = (_block(settings), variables)
    key = bool(settings.get("apiKeyHelper")) or any(h.get("ANTHROPIC_API_KEY") for h in held)
    return key, any(_on(h.get(name)) for h in held for name in _CLOUDS)


def _block(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    block = settings.get("env")
    return block if isinstance(block, Mapping) else {}


def _on(value: object) -> bool:
    """Whether a switch of the environment is on: "0" and "false" are as good as unset."""
    return value is not None and str(value).strip().lower() not in ("", "0", "false", "no", "off")


def _host(url: str) -> str:
    """The host of an address, without importing a parser for it."""
    place = (url.partition("://")[2] or url).partition("/")[0].rpartition("@")[2].lower()
    return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]


def _local(host: str) -> bool:
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())
