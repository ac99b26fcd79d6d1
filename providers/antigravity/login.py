"""Antigravity's login: whether there is one, or at least its command.

The token usually lies in the keyring, which is read only for the endpoint; agy itself is asked
instead.
Facts: robinebers/openusage, slkiser/opencode-quota#125.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.antigravity.provider import ACCOUNT, command_of
from providers.base import FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.engine.tokens import usable
from providers.engine.values import epoch, load_json, part
from providers.model import Identity, LoginState, Status
from providers.record import Record

NEARLY = 60


class Held(Record):
    """The access token of the file, good until ``expires`` (epoch seconds, None if unknown)."""

    token: str
    expires: float | None

    _hidden = ("token",)


def held(files: Mapping[str, Found]) -> Held | None:
    """The token of a login that is kept in a file."""
    found = files.get("token")
    return parsed(found.data) if isinstance(found, FileBytes) else None


def parsed(data: bytes) -> Held | None:
    """The token in a file, or in what the keyring holds."""
    try:
        token = part(load_json(data), "token")
    except Unparseable:
        return None
    text = usable(token.get("access_token"))
    return Held(text, epoch(token.get("expiry"))) if text else None


def lapsed(login: Held, context: ReadContext) -> bool:
    """Whether the token can no longer be used."""
    return login.expires is not None and login.expires < context.now + NEARLY


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """A login in a file, or the command that knows of one."""
    found = files.get("token")
    if isinstance(found, Unreadable):
        return LoginState("antigravity", Status.DENIED, f"antigravity-oauth-token {found.reason}")
    written = found.mtime if isinstance(found, FileBytes) else 0.0
    if held(files) is not None or command_of(context.environment):
        return LoginState("antigravity", Status.OK, identity=Identity(ACCOUNT), observed_at=written)
    return LoginState("antigravity", Status.UNCONFIGURED, "Antigravity is not installed here")
