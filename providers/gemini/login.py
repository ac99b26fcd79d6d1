"""Gemini CLI's login: of which kind it is, and whose.  Bytes in, a `LoginState` without secrets
out; `google_login` alone returns tokens, for the endpoint.

Facts: google-gemini/gemini-cli 0.61.0 (packages/core/src/code_assist/oauth2.ts, core/contentGenerator.ts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.base import Environment, FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.engine.tokens import claims, usable
from providers.engine.values import clean, epoch, load_json, part
from providers.model import Identity, LoginState, Status
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEARLY = 60
"""Seconds that a token must still be good for."""

_GOOGLE = "oauth-personal"
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*+")|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""Strings, which are kept, and comments.  Possessive, so that a broken file costs no more."""

_KINDS = {
    "gemini-api-key": "an API key is used, for which Google reports no quota",
    "api-key": "an API key is used, for which Google reports no quota",
    "vertex-ai": "Vertex AI is used, for which Google reports no quota",
    "cloud-shell": "Cloud Shell's own login is used",
    "compute-default-credentials": "the machine's own login is used",
    "gateway": "a gateway is used",
}


class Held(Record):
    """The Google login in oauth_creds.json.  ``workspace``: the account is an organisation's;
    ``expires`` epoch seconds."""

    account: str
    email: str
    workspace: bool
    token: str
    refresh_token: str
    expires: float | None
    client_id: str
    client_secret: str

    _hidden = ("token", "refresh_token", "client_id", "client_secret")


def google_login(files: Mapping[str, Found]) -> Held | None:
    """The login, if oauth_creds.json holds one."""
    document = _document(files.get("credentials"))
    token, refresh = usable(document.get("access_token")), usable(document.get("refresh_token"))
    if not token and not refresh:
        return None
    named = claims(document.get("id_token"))
    proven = identity_in(document)
    email = (proven.email if proven else "") or clean(_document(files.get("accounts")).get("active"), 100)
    account = proven.key if proven else email.lower() or "google"
    return Held(
        account, email, bool(named.get("hd")), token, refresh, epoch(document.get("expiry_date")),
        usable(document.get("client_id")), usable(document.get("client_secret")),
    )  # fmt: skip


def identity_in(document: Mapping[str, Any]) -> Identity | None:
    """Whose the tokens of oauth_creds.json are, by their own id_token; None if that names nobody.
    What google_accounts.json says is a label, which selects nothing."""
    named = claims(document.get("id_token"))
    email = clean(named.get("email"), 100)
    key = clean(named.get("sub"), 100) or email.lower()
    return Identity(key, email) if key else None


def in_keyring(files: Mapping[str, Found]) -> str:
    """The e-mail of a Google login that has no oauth_creds.json although one was chosen and
    somebody is logged in: the CLI then keeps the tokens in the keyring."""
    settings = _document(files.get("settings"))
    chosen = clean(part(part(settings, "security"), "auth").get("selectedType"))
    if files.get("credentials") is not None or chosen != _GOOGLE:
        return ""
    return clean(_document(files.get("accounts")).get("active"), 100)


def token_in(secret: str, context: ReadContext) -> str:
    """The access token in what the CLI put into the keyring, empty if it can no longer be used."""
    try:
        token = part(load_json(secret.encode("utf-8", "replace")), "token")
    except Unparseable:
        return ""
    expires = epoch(token.get("expiresAt"))
    over = expires is not None and expires < context.now + NEARLY
    return "" if over else usable(token.get("accessToken"))


def lapsed(login: Held, context: ReadContext) -> bool:
    """Whether the access token can no longer be used."""
    return not login.token or (login.expires is not None and login.expires < context.now + NEARLY)


def kind_of(files: Mapping[str, Found], context: ReadContext) -> str:
    """How the CLI logs in: the setting, else the first variable that counts."""
    variables = context.environment.variables
    chosen = clean(part(part(_document(files.get("settings")), "security"), "auth").get("selectedType"))
    if chosen:
        return chosen
    for name, kind in (
        ("GOOGLE_GENAI_USE_GCA", _GOOGLE),
        ("GOOGLE_GENAI_USE_VERTEXAI", "vertex-ai"),
    ):
        if variables.get(name, "").lower() == "true":
            return kind
    for name, kind in (("GOOGLE_GEMINI_BASE_URL", "gateway"), ("GEMINI_API_KEY", "gemini-api-key")):
        if variables.get(name):
            return kind
    if "true" in (variables.get("CLOUD_SHELL"), variables.get("GEMINI_CLI_USE_COMPUTE_ADC")):
        return "compute-default-credentials"
    return _GOOGLE


def store_refusal(files: Mapping[str, Found], environment: Environment) -> str:
    """Why oauth_creds.json may not be swapped: the CLI keeps its login elsewhere, or uses something
    else.  Of ``files`` the settings, the credentials and the names count."""
    variables = environment.variables
    if variables.get("GEMINI_FORCE_ENCRYPTED_FILE_STORAGE") == "true" or in_keyring(files):
        return "Gemini CLI keeps its login encrypted or in the keyring, not in oauth_creds.json"
    kind = kind_of(files, ReadContext(0.0, environment))
    if kind != _GOOGLE:
        return f"Gemini CLI does not use a Google login: {_KINDS.get(kind, 'another login is used')}"
    if variables.get("GOOGLE_GENAI_USE_GCA") and variables.get("GOOGLE_CLOUD_ACCESS_TOKEN"):
        return "GOOGLE_CLOUD_ACCESS_TOKEN is set, and gemini uses it instead of any login: unset it first"
    return ""


def project_of(context: ReadContext) -> str:
    """The project that the environment names; a number alone is none."""
    variables = context.environment.variables
    found = variables.get("GOOGLE_CLOUD_PROJECT") or variables.get("GOOGLE_CLOUD_PROJECT_ID") or ""
    return "" if found.isdigit() else clean(found, 80)


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """Who is logged in and how, or what stands in the way."""
    written = max((f.mtime for f in files.values() if isinstance(f, FileBytes)), default=0.0)
    kind, credentials = kind_of(files, context), files.get("credentials")
    if kind != _GOOGLE:
        return LoginState(
            "gemini", Status.UNCONFIGURED, _KINDS.get(kind, "another login is used"), observed_at=written
        )
    if isinstance(credentials, Unreadable):
        return LoginState("gemini", Status.DENIED, f"oauth_creds.json {credentials.reason}")
    login = google_login(files)
    if login is None:
        email = in_keyring(files)
        if email:
            identity = Identity(email.lower(), email)
            return LoginState("gemini", Status.OK, identity=identity, observed_at=written)
        return LoginState("gemini", Status.UNCONFIGURED, "Gemini CLI is logged out", "gemini")
    status, message = Status.OK, ""
    if lapsed(login, context):
        status, message = (
            (Status.IDLE, "the access token is over: renews when gemini runs")
            if login.refresh_token
            else (Status.EXPIRED, "the login ran out: run gemini")
        )
    identity = Identity(login.account, login.email)
    return LoginState("gemini", status, message, identity=identity, observed_at=written)


def _document(found: Found) -> Mapping[str, Any]:
    """The JSON of a file; settings.json may have comments."""
    if not isinstance(found, FileBytes):
        return {}
    data = found.data
    if b"//" in data or b"/*" in data:
        text = data.decode("utf-8", "replace")
        data = _COMMENT.sub(lambda match: match[1] or "", text).encode()
    try:
        document = load_json(data)
    except Unparseable:
        return {}
    return document if isinstance(document, Mapping) else {}
