"""Codex's login: who is logged in and whether it can still be used.  Secrets never leave here.

Reads auth.json and config.toml as bytes handed over; returns a `LoginState` that holds no
token.  The refresh token is single use and rotates, so nothing here ever redeems it.
Facts: openai/codex 0.169, steipete/CodexBar:docs/codex.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from providers.base import MIB, Environment, FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.codex.quota import plan_label
from providers.engine.files import read_file
from providers.engine.tokens import claims as claims_of
from providers.engine.tokens import usable
from providers.engine.values import clean, load_json, number
from providers.model import Identity, LoginState, Status
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AUTH = "https://api.openai.com/auth"
_PROFILE = "https://api.openai.com/profile"
_LOG_IN = "codex login"
_STORES = ("keyring", "auto", "keychain")
_KEY_MODES = {
    "apikey": "an API key",
    "personalaccesstoken": "a personal access token",
    "bedrockapikey": "Amazon Bedrock",
    "bedrockaccesskeys": "Amazon Bedrock",
    "agentidentity": "an agent identity",
}


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """The state of the login from ``auth`` (auth.json) and ``config`` (config.toml)."""
    auth = files.get("auth")
    config, trouble = _config(files.get("config"))
    written = max((f.mtime for f in files.values() if isinstance(f, FileBytes)), default=0.0)
    if auth is not None and _store(config) == "keyring":
        auth = None
        trouble += ("auth.json lies here, but codex keeps its login in the keyring and ignores the file",)
    elif auth is not None and _store(config) == "auto":
        trouble += ("auth.json counts only while the keyring holds no login of codex",)
    state = _state(auth, config, context)
    warnings = (*trouble, *_overrides(config, context.environment.variables), *state.warnings)
    mtime = auth.mtime if isinstance(auth, FileBytes) else written
    return replace(state, warnings=warnings, observed_at=mtime)


def _plain(status: Status, message: str, fix: str = "") -> LoginState:
    return LoginState("codex", status, message, fix)


def _state(auth: Found, config: Mapping[str, Any], context: ReadContext) -> LoginState:
    provider = clean(config.get("model_provider"))
    if provider and provider != "openai":
        return _plain(Status.UNSUBSCRIBED, f"codex uses the provider {provider}, which has no ChatGPT limits")
    if auth is None:
        return _absent(config, context)
    if isinstance(auth, Unreadable):
        return _plain(Status.DENIED, f"auth.json {auth.reason}")
    try:
        document = load_json(auth.data)
    except Unparseable as broken:
        # Before its atomic writes codex truncated the file and then filled it.
        return replace(_plain(Status.ERROR, f"auth.json {broken}"), torn=True)
    if not isinstance(document, dict):
        return _plain(Status.ERROR, "auth.json is not what codex writes")
    return _logged_in(document, context.now)


def _absent(config: Mapping[str, Any], context: ReadContext) -> LoginState:
    if _store(config) == "ephemeral":
        why = "codex keeps its login in memory only; its figures are shown without a name"
        return LoginState("codex", Status.OK, warnings=(why,))
    if _store(config) in _STORES:
        why = "the login is in the keyring, which is not read; its figures are shown without a name"
        return LoginState("codex", Status.OK, warnings=(why,))
    if not codex_home(context.environment).is_dir():
        return _plain(Status.UNCONFIGURED, "codex is not installed here")
    return _plain(Status.UNCONFIGURED, "codex is logged out", _LOG_IN)


def _store(config: Mapping[str, Any]) -> str:
    """Where codex keeps its login: file, keyring, auto or ephemeral."""
    return clean(config.get("cli_auth_credentials_store"))


def codex_home(environment: Environment) -> Path:
    """``$CODEX_HOME``, else ~/.codex."""
    return environment.folder("CODEX_HOME", ".codex")


def _logged_in(document: Mapping[str, Any], now: float) -> LoginState:
    mode = _mode(document)
    if mode in _KEY_MODES:
        return _plain(Status.UNSUBSCRIBED, f"codex is logged in with {_KEY_MODES[mode]}: no plan limits")
    tokens = document.get("tokens")
    tokens = tokens if isinstance(tokens, Mapping) else {}
    access, named = _token(tokens, "access_token"), claims_of(_token(tokens, "id_token"))
    if not access and not named:
        return _plain(Status.UNCONFIGURED, "codex is logged out", _LOG_IN)
    claims = claims_of(access)
    account, mixed = _account(tokens, claims, named)
    if mixed:
        return _plain(Status.ERROR, "auth.json mixes two accounts, so its figures are not filed", _LOG_IN)
    state = LoginState(
        "codex",
        Status.OK,
        identity=_identity(account, claims, named),
        plan=plan_label(_inner(named, "chatgpt_plan_type") or _inner(claims, "chatgpt_plan_type")),
    )
    expires = number(claims.get("exp"))
    if expires is not None and expires <= now:
        if not _token(tokens, "refresh_token"):
            return replace(state, status=Status.EXPIRED, message="the login has run out", fix=_LOG_IN)
        return replace(state, status=Status.IDLE, message="renews when codex runs", fix="codex")
    return state


def _identity(account: str, claims: Mapping[str, Any], named: Mapping[str, Any]) -> Identity | None:
    """The account id alone is a workspace that colleagues share, so the member counts too."""
    if not account:
        organisations = (
            named.get(_AUTH, {}).get("organizations") if isinstance(named.get(_AUTH), Mapping) else None
        )
        first = organisations[0] if isinstance(organisations, list) and organisations else {}
        account = clean(first.get("id")) if isinstance(first, Mapping) else ""
    member = next(
        (v for c in (claims, named) for k in ("chatgpt_user_id", "user_id") if (v := _inner(c, k))), ""
    )
    profile = claims.get(_PROFILE)
    email = clean(named.get("email")) or (clean(profile.get("email")) if isinstance(profile, Mapping) else "")
    if not account and not member:
        return None
    return Identity(f"{account}/{member}", email)


class Access(Record):
    """The access token of a ChatGPT login, and whether Codex can renew it.  For the endpoint
    alone."""

    token: str
    renewable: bool
    fedramp: bool

    _hidden = ("token",)


def access_of(auth: bytes) -> Access | None:
    """The access token in the bytes of auth.json; None if there is none that a header may
    carry."""
    try:
        document = load_json(auth)
    except Unparseable:
        return None
    tokens = document.get("tokens") if isinstance(document, Mapping) else None
    tokens = tokens if isinstance(tokens, Mapping) else {}
    token = usable(_token(tokens, "access_token"))
    if not token:
        return None
    held = claims_of(token).get(_AUTH)
    fedramp = isinstance(held, Mapping) and held.get("chatgpt_account_is_fedramp") is True
    return Access(token, bool(_token(tokens, "refresh_token")), fedramp)


class LoginWords(Record):
    """What a ChatGPT login says of itself.  ``mixed``: its fields name two accounts.  Times in
    epoch seconds.  For the store alone."""

    refresh_token: str
    identity: Identity | None
    mixed: bool
    issued: float | None
    expires: float | None
    last_refresh: object
    plan: str

    _hidden = ("refresh_token",)


def login_words(document: object) -> LoginWords | str:
    """The words of the login in auth.json, or which other kind of login it is."""
    if not isinstance(document, Mapping):
        return "auth.json is not what codex writes"
    mode = _mode(document)
    if mode in _KEY_MODES:
        return f"codex is logged in with {_KEY_MODES[mode]}, which is no account to keep"
    if mode not in ("", "chatgpt"):
        return "codex gets its tokens from another program, so there is no account to keep"
    tokens = document.get("tokens")
    tokens = tokens if isinstance(tokens, Mapping) else {}
    access, named = claims_of(_token(tokens, "access_token")), claims_of(_token(tokens, "id_token"))
    account, mixed = _account(tokens, access, named)
    return LoginWords(
        usable(_token(tokens, "refresh_token")),
        _identity(account, access, named),
        mixed,
        number(access.get("iat")),
        number(access.get("exp")),
        document.get("last_refresh"),
        plan_label(_inner(named, "chatgpt_plan_type") or _inner(access, "chatgpt_plan_type")),
    )


def healed(document: object) -> Mapping[str, Any] | None:
    """auth.json with the account that its access token names; None if that names none."""
    tokens = document.get("tokens") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(tokens, Mapping):
        return None
    account = _inner(claims_of(_token(tokens, "access_token")), "chatgpt_account_id")
    rest = {key: value for key, value in tokens.items() if key != "accountId"}
    return {**document, "tokens": {**rest, "account_id": account}} if account else None


def workspace_refusal(environment: Environment, identity: Identity) -> str:
    """Why an account may not be put into auth.json: at its next start codex deletes that of whoever
    is not of the workspaces that config.toml allows (0.169, run against).  Reads config.toml."""
    allowed = _configured(environment)[0].get("forced_chatgpt_workspace_id")
    allowed = [allowed] if isinstance(allowed, str) else allowed
    names = {clean(name) for name in allowed} if isinstance(allowed, list) else set()
    if not names or identity.key.partition("/")[0] in names:
        return ""
    return (
        "config.toml of codex allows other workspaces only (forced_chatgpt_workspace_id), "
        "and codex would log this account out"
    )


def _configured(environment: Environment) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    return _config(read_file(codex_home(environment) / "config.toml", MIB, follow=True))


def store_refusal(environment: Environment) -> str:
    """Why auth.json may not be swapped: codex keeps its login elsewhere, or uses something else.
    Reads config.toml."""
    config, trouble = _configured(environment)
    if trouble:
        return f"{trouble[0]}: mend it first"
    store = _store(config)
    if store not in ("", "file"):
        return (
            f"codex keeps its login in its {store} store, not in auth.json: "
            'set cli_auth_credentials_store = "file" in its config.toml and log in again'
        )
    if clean(config.get("forced_login_method")) == "api":
        return (
            "config.toml of codex allows API keys only (forced_login_method), "
            "and codex would log any account out"
        )
    for name in ("CODEX_API_KEY", "CODEX_ACCESS_TOKEN"):
        if environment.variables.get(name):
            return f"{name} is set, and codex uses it instead of any login: unset it first"
    return ""


def _mode(document: Mapping[str, Any]) -> str:
    mode = clean(document.get("auth_mode")).lower().replace("_", "")
    return "apikey" if not mode and document.get("OPENAI_API_KEY") is not None else mode


def _account(
    tokens: Mapping[str, Any], access: Mapping[str, Any], named: Mapping[str, Any]
) -> tuple[str, bool]:
    """The workspace's id, and whether the fields name more than one."""
    field = clean(tokens.get("account_id") or tokens.get("accountId"))
    claimed = [c for c in (_inner(t, "chatgpt_account_id") for t in (access, named)) if c]
    mixed = len({*claimed, *([field] if field else [])}) > 1
    return field or next(iter(claimed), ""), mixed


def _token(tokens: Mapping[str, Any], name: str) -> str:
    first, *rest = name.split("_")
    camel = first + "".join(word.title() for word in rest)
    value = tokens.get(name) or tokens.get(camel)
    return value if isinstance(value, str) else ""


def _inner(claims: Mapping[str, Any], name: str) -> str:
    held = claims.get(_AUTH)
    return clean(held.get(name)) if isinstance(held, Mapping) else ""


def _config(found: Found) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    if found is None:
        return {}, ()
    if isinstance(found, Unreadable):
        return {}, (f"config.toml {found.reason}",)
    import tomllib

    try:
        return tomllib.loads(found.data.decode("utf-8-sig")), ()
    except (ValueError, RecursionError):
        return {}, ("config.toml of codex is not valid TOML, so its settings are not known",)


def _overrides(config: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[str, ...]:
    """What makes the shown account not the one in use; names only, never a value."""
    found = [
        f"{name} is set: codex started from here uses it instead of this login"
        for name in ("CODEX_API_KEY", "CODEX_ACCESS_TOKEN")
        if variables.get(name)
    ]
    base = clean(config.get("chatgpt_base_url"), 200)
    host = base.partition("://")[2].partition("/")[0]
    if base and host not in ("chatgpt.com", "chat.openai.com"):
        found.append("chatgpt_base_url in config.toml sends codex to another host")
    return tuple(found)
