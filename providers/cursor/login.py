"""Cursor's sessions: the IDE's and cursor-agent's, which may be in the keyring, and its API key.
Bytes in, no token out but through `held`.

No session is ever renewed here: the IDE keeps its own in memory and both would lose it.  Facts:
robinebers/openusage:docs/providers/cursor.md, onllm-dev/onWatch, steipete/CodexBar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from providers.base import FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.engine.tokens import claims, mark, usable
from providers.engine.values import clean, epoch, load_json, part
from providers.model import Identity, LoginState, Status
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEARLY = 60
"""Seconds that a token must still be good for."""

KEY_VARIABLE = "CURSOR_API_KEY"

_FREE = ("free", "free_trial", "hobby")
_NAMES = {"ide": "the IDE", "agent": "cursor-agent"}
_PLANS = {"express": "Start", "pro_plus": "Pro+", "free_trial": "Trial", "pro_student": "Pro (student)"}
_AGAIN = "open Cursor, or run cursor-agent login"


class Held(Record):
    """One session.  ``subject`` is the identity; ``expires`` epoch seconds, None if unknown.
    Without a ``token`` it is in the keyring; with ``place`` "key" the token is an API key, which
    says of nobody whose it is."""

    place: str
    token: str
    subject: str
    expires: float | None
    email: str
    plan: str
    renewable: bool

    _hidden = ("token",)


def plan_of(word: object) -> str:
    """The plan's name as it is sold."""
    text = clean(word, 40)
    return _PLANS.get(text, text.replace("_", " ").title())


def held(files: Mapping[str, Found], context: ReadContext) -> Held | None:
    """The session that is shown: the IDE's, unless it lapsed, or is free while cursor-agent is
    logged in as somebody else; without any, the API key of the environment."""
    found = {h.place: h for h in _all(files)}
    ide, agent = found.get("ide"), found.get("agent")
    if ide is None or agent is None:
        return ide or agent or _key(context)
    if agent.subject != ide.subject and ide.plan.lower() in _FREE:
        return agent
    return agent if lapsed(ide, context) and not lapsed(agent, context) else ide


def lapsed(session: Held, context: ReadContext) -> bool:
    """Whether the token can no longer be used."""
    return session.expires is not None and session.expires < context.now + NEARLY


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """Who is logged in, or what stands in the way."""
    written = max((f.mtime for f in files.values() if isinstance(f, FileBytes)), default=0.0)
    session = held(files, context)
    if session is None:
        for name, found in files.items():
            if isinstance(found, Unreadable) and name in _NAMES:
                message = f"the login of {_NAMES[name]} {found.reason}"
                return LoginState("cursor", Status.DENIED, message, observed_at=written)
        return LoginState("cursor", Status.UNCONFIGURED, "Cursor is logged out", "cursor-agent login")
    status, message = Status.OK, ""
    if lapsed(session, context):
        status = Status.IDLE if session.renewable else Status.EXPIRED
        message = f"the session ran out: {_AGAIN}"
    return LoginState(
        "cursor", status, message, identity=Identity(session.subject, session.email),
        plan=plan_of(session.plan), warnings=tuple(_warnings(session, files, context)), observed_at=written,
    )  # fmt: skip


def _warnings(session: Held, files: Mapping[str, Found], context: ReadContext) -> Iterator[str]:
    if {h.subject for h in _all(files)} - {session.subject} and session.place in _NAMES:
        yield f"{_NAMES['ide' if session.place == 'agent' else 'agent']} is logged in as somebody else"
    if session.place != "key" and _key(context) is not None:
        yield f"cursor-agent uses {KEY_VARIABLE} of the environment instead of this session"


def _key(context: ReadContext) -> Held | None:
    key = usable(context.environment.variables.get(KEY_VARIABLE))
    return Held("key", key, f"key-{mark(key)}", None, "", "", renewable=False) if key else None


def _all(files: Mapping[str, Found]) -> Iterator[Held]:
    ide = _document(files.get("ide"))
    yield from _session(
        "ide", ide.get("cursorAuth/accessToken"), bool(ide.get("cursorAuth/refreshToken")),
        ide.get("cursorAuth/cachedEmail"), ide.get("cursorAuth/stripeMembershipType"),
    )  # fmt: skip
    agent = _document(files.get("agent"))
    about = part(_document(files.get("agent_config")), "authInfo")
    yield from _session(
        "agent", agent.get("accessToken"), bool(agent.get("refreshToken")), about.get("email"), ""
    )
    subject = usable(clean(about.get("authId"), 100))
    if files.get("agent") is None and subject:
        # It says who is logged in, and no file has the token.
        yield Held("agent", "", subject, None, clean(about.get("email"), 100), "", renewable=True)


def _session(place: str, token: object, renewable: bool, email: object, plan: object) -> Iterator[Held]:
    text = usable(token)
    found = claims(text)
    subject = clean(found.get("sub"), 100)
    if text and subject and usable(subject):
        expires = epoch(found.get("exp"))
        yield Held(place, text, subject, expires, clean(email, 100), clean(plan, 40), renewable)


def _document(found: Found) -> Mapping[str, Any]:
    if not isinstance(found, FileBytes):
        return {}
    try:
        document = load_json(found.data)
    except Unparseable:
        return {}
    return document if isinstance(document, Mapping) else {}
