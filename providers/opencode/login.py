"""OpenCode's key for its Go plan: where it lies.  Bytes in, no key out but through `held`.

``OPENCODE_API_KEY`` counts before auth.json, and ``OPENCODE_AUTH_CONTENT`` stands in for the
file, as in opencode-ai 1.18.33.  Keys and logins of other services in auth.json are not looked
at.  2.x keeps its keys in a database, which is not opened.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.base import FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.engine.tokens import mark, usable
from providers.engine.values import load_json
from providers.model import Identity, LoginState, Status
from providers.record import Record

_VARIABLE, _CONTENT = "OPENCODE_API_KEY", "OPENCODE_AUTH_CONTENT"
_ENTRY = "opencode-go"


class Held(Record):
    """A key; ``place`` says where it lies."""

    place: str
    key: str

    _hidden = ("key",)

    @property
    def account(self) -> str:
        """The identity: nothing but the key says whose it is."""
        return f"key-{mark(self.key)}"


def held(files: Mapping[str, Found], context: ReadContext) -> Held | None:
    """The key that OpenCode would use for Go."""
    variables = context.environment.variables
    key = usable(variables.get(_VARIABLE))
    if key:
        return Held(_VARIABLE, key)
    content, auth = variables.get(_CONTENT, ""), files.get("auth")
    data = content.encode() if content else auth.data if isinstance(auth, FileBytes) else b""
    try:
        document = load_json(data) if data else None
    except Unparseable:
        return None
    entry = document.get(_ENTRY) if isinstance(document, Mapping) else None
    key = usable(entry.get("key")) if isinstance(entry, Mapping) and entry.get("type") == "api" else ""
    return Held(_CONTENT if content else "auth.json", key) if key else None


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """Whether there is a key of a Go plan."""
    auth = files.get("auth")
    written = auth.mtime if isinstance(auth, FileBytes) else 0.0
    found = held(files, context)
    if found is not None:
        outer = "" if found.place == "auth.json" else f"{found.place} counts before auth.json"
        warnings = (outer,) if outer and auth is not None else ()
        identity = Identity(found.account)
        return LoginState("opencode", Status.OK, identity=identity, warnings=warnings, observed_at=written)
    if isinstance(auth, Unreadable):
        return LoginState("opencode", Status.DENIED, f"auth.json {auth.reason}")
    if auth is None:
        return LoginState("opencode", Status.UNCONFIGURED, "OpenCode is not logged in here")
    message = "auth.json holds no key of OpenCode Go"
    return LoginState("opencode", Status.UNCONFIGURED, message, "opencode auth login", observed_at=written)
