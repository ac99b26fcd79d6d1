"""CC-Router's accounts.json: ids and what is enabled.  The tokens beside them are never taken.

While it runs it renews these logins itself, so they are its own.  Facts: VictorMinemu/CC-Router
0.6.2.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.base import FileBytes, Found, Unparseable, Unreadable
from providers.engine.values import clean, load_json, number, part
from providers.model import Identity, LoginState, Status

PORT = 3456
_MOST = 64


def account_key(provider: object, ident: object) -> str:
    """An account's identity: its kind and the name that the person gave it."""
    kind = clean(provider, 40) or "anthropic_subscription"
    return f"{kind}/{clean(ident, 60)}"


def accounts(found: Found) -> tuple[str, ...]:
    """The identities in accounts.json, enabled ones first."""
    if not isinstance(found, FileBytes):
        return ()
    try:
        rows = load_json(found.data)
    except Unparseable:
        return ()
    named = [row for row in rows[:_MOST] if isinstance(row, Mapping) and clean(row.get("id"), 60)
             ] if isinstance(rows, list) else []  # fmt: skip
    named.sort(key=lambda row: row.get("enabled") is False)
    return tuple(account_key(row.get("provider"), row.get("id")) for row in named)


def port_of(found: Found) -> int:
    """Where it listens."""
    if not isinstance(found, FileBytes):
        return PORT
    try:
        port = number(part(load_json(found.data), "runPreferences").get("port"))
    except Unparseable:
        return PORT
    return int(port) if port is not None and 0 < port < 65_536 else PORT


def login_state(files: Mapping[str, Found]) -> LoginState:
    """Whose the logins are."""
    found = files.get("accounts")
    if isinstance(found, Unreadable):
        return LoginState("router", Status.DENIED, f"accounts.json {found.reason}")
    known = accounts(found)
    if not known:
        return LoginState("router", Status.UNCONFIGURED, "CC-Router has no accounts")
    owned = "CC-Router owns these logins and renews them itself"
    written = found.mtime if isinstance(found, FileBytes) else 0.0
    return LoginState(
        "router", Status.OK, identity=Identity(known[0]), warnings=(owned,), observed_at=written
    )
