"""OpenCode's key for its Go plan: where it lies.  Bytes in, no key out but through `held`.

``OPENCODE_API_KEY`` counts before auth.json, and ``OPENCODE_AUTH_CONTENT`` stands in for the
file, as in opencode-ai 1.18.33.  2.x keeps its keys in the database instead; where both have one,
the newer counts first.  Keys and logins of other services are not looked at.  Facts:
robinebers/openusage#1243 (the table ``credential`` of 2.x).
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.base import Environment, FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.engine.tokens import mark, usable
from providers.engine.values import clean, epoch, load_json, part
from providers.model import Identity, LoginState, Status
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VARIABLE, _CONTENT = "OPENCODE_API_KEY", "OPENCODE_AUTH_CONTENT"
_ENTRY = "opencode-go"
_HOSTED = (_ENTRY, "opencode")
"""The entries of OpenCode's own services."""


class Held(Record):
    """A key; ``place`` says where it lies."""

    place: str
    key: str

    _hidden = ("key",)

    @property
    def account(self) -> str:
        """The identity: nothing but the key says whose it is."""
        return f"key-{mark(self.key)}"


def held(files: Mapping[str, Found], context: ReadContext) -> list[Held]:
    """The keys for Go: the one that OpenCode would use, and a differing one in its other store."""
    variables = context.environment.variables
    key = usable(variables.get(_VARIABLE))
    if key:
        return [Held(_VARIABLE, key)]
    content, auth, store = variables.get(_CONTENT, ""), files.get("auth"), files.get("store")
    if content:
        return _of_auth(_CONTENT, content.encode())
    found: list[tuple[float, Held]] = []
    if isinstance(auth, FileBytes):
        found += [(auth.mtime, key) for key in _of_auth("auth.json", auth.data)]
    if isinstance(store, FileBytes):
        entry = part({_ENTRY: _parsed(clean(_parsed(store.data).get(_ENTRY), 4000).encode())}, _ENTRY)
        if usable(entry.get("key")):
            found.append((epoch(entry.get("at")) or 0.0, Held("opencode.db", usable(entry.get("key")))))
    keys = [key for _, key in sorted(found, key=lambda each: -each[0])]
    return [key for i, key in enumerate(keys) if all(key.key != other.key for other in keys[:i])]


def override(environment: Environment, entry: str) -> str:
    """The variable that counts before an entry of auth.json; empty if none does."""
    if environment.variables.get(_CONTENT):
        return _CONTENT
    return _VARIABLE if entry in _HOSTED and environment.variables.get(_VARIABLE) else ""


def _of_auth(place: str, data: bytes) -> list[Held]:
    entry = part(_parsed(data), _ENTRY)
    key = usable(entry.get("key")) if entry.get("type") == "api" else ""
    return [Held(place, key)] if key else []


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        document = load_json(data) if data else None
    except Unparseable:
        return {}
    return document if isinstance(document, Mapping) else {}


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """Whether there is a key of a Go plan."""
    auth = files.get("auth")
    written = auth.mtime if isinstance(auth, FileBytes) else 0.0
    keys = held(files, context)
    if keys:
        outer = keys[0].place if keys[0].place in (_VARIABLE, _CONTENT) else ""
        warnings = (f"{outer} counts before auth.json",) if outer and auth is not None else ()
        identity = Identity(keys[0].account)
        return LoginState("opencode", Status.OK, identity=identity, warnings=warnings, observed_at=written)
    if isinstance(auth, Unreadable):
        return LoginState("opencode", Status.DENIED, f"auth.json {auth.reason}")
    if auth is None and files.get("store") is None:
        return LoginState("opencode", Status.UNCONFIGURED, "OpenCode is not logged in here")
    message = "OpenCode holds no key of its Go plan"
    return LoginState("opencode", Status.UNCONFIGURED, message, "opencode auth login", observed_at=written)
