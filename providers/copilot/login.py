"""Copilot's logins: every place where a token lies, in the order in which it counts.

Bytes in, a `LoginState` without secrets out; `held` alone returns a token, for the endpoint.
Only logins of github.com are used: a token of another host must never reach it.  A token of
gh, and one meant for anything at GitHub (``GH_TOKEN``, ``GITHUB_TOKEN``), counts only where
Copilot itself left a trace.  Facts: @github/copilot 1.0.58,
robinebers/openusage:docs/providers/copilot.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from providers.base import FileBytes, Found, ReadContext, Unparseable, Unreadable
from providers.engine.tokens import mark, usable
from providers.engine.values import clean, load_json, part
from providers.model import Identity, LoginState, Status
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOST = "github.com"
_LOG_IN = "copilot login"
_SERVICE, _GH_SERVICE = "copilot-cli", f"gh:{HOST}"
"""As what the two file their tokens in the keyring: under host and login, and under the login."""
_OWN_VARIABLE = "COPILOT_GITHUB_TOKEN"
_SHARED_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
_PLACES = {
    "cli": "config.json of the CLI",
    "apps": "apps.json of an editor",
    "hosts": "hosts.json of an editor",
    "gh": "hosts.yml of gh",
}


class Held(Record):
    """One login at github.com: ``place`` says where it lies, ``login`` is empty where that does
    not say whose it is.  Where the token is in the keyring, ``token`` is empty and ``service`` and
    ``user`` are the names that it has there."""

    place: str
    login: str
    token: str
    service: str = ""
    user: str = ""

    _hidden = ("token",)

    @property
    def key(self) -> str:
        """The identity: host and login; a nameless token is known by its mark."""
        return f"{HOST}:{self.login.lower()}" if self.login else f"{HOST}:token-{mark(self.token)}"


def held(files: Mapping[str, Found], context: ReadContext) -> list[Held]:
    """The login that Copilot would use (the first, and of the person who is logged in to the CLI
    if that is known), and further ones of the same person in the order in which they count."""
    found = list(_all(files, context))
    wanted = next((h.login.lower() for h in found if h.place == _PLACES["cli"]), "")
    mine = [h for h in found if not wanted or h.login.lower() in ("", wanted)]
    return [h for h in mine if h.key == mine[0].key]


def login_state(files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """Who is logged in, or what stands in the way."""
    written = max((f.mtime for f in files.values() if isinstance(f, FileBytes)), default=0.0)
    logins = held(files, context)
    if logins:
        return LoginState(
            "copilot", Status.OK, identity=Identity(logins[0].key), warnings=_shadow(logins[0]),
            observed_at=written,
        )  # fmt: skip
    for name, found in files.items():
        if isinstance(found, Unreadable):
            message = f"{_PLACES[name]} {found.reason}"
            return LoginState("copilot", Status.DENIED, message, observed_at=written)
    if not _present(files):
        return LoginState("copilot", Status.UNCONFIGURED, "GitHub Copilot is not installed here")
    return LoginState("copilot", Status.UNCONFIGURED, "Copilot is logged out", _LOG_IN, observed_at=written)


def _shadow(login: Held) -> tuple[str, ...]:
    if login.place not in _PLACES.values():
        return (f"{login.place} in the environment counts before every stored login",)
    return ()


def _present(files: Mapping[str, Found]) -> bool:
    """Whether Copilot itself was ever used here."""
    return any(files.get(name) is not None for name in ("cli", "apps", "hosts"))


def _all(files: Mapping[str, Found], context: ReadContext) -> Iterator[Held]:
    variables = context.environment.variables
    present = _present(files)
    for name in (_OWN_VARIABLE, *(_SHARED_VARIABLES if present else ())):
        token = usable(variables.get(name))
        if token:
            yield Held(name, "", token)
    yield from _of_cli(_document(files.get("cli"), comments=True))
    for name in ("apps", "hosts"):
        yield from _of_editors(_PLACES[name], _document(files.get(name)))
    if present:
        yield from _of_gh(files.get("gh"))


def _of_cli(document: Mapping[str, Any]) -> Iterator[Held]:
    """The CLI's own: the person logged in last, with the token if no keyring has it.  Old files
    are in snake_case."""
    last = part(document, "lastLoggedInUser") or part(document, "last_logged_in_user")
    tokens = part(document, "copilotTokens") or part(document, "copilot_tokens")
    login = clean(last.get("login"), 60)
    if login and _host(last.get("host")) == HOST:
        token = next((t for k, t in tokens.items() if _host(k.rpartition(":")[0]) == HOST
                      and k.rpartition(":")[2].lower() == login.lower()), None)  # fmt: skip
        if usable(token):
            yield Held(_PLACES["cli"], login, usable(token))
        else:
            yield Held(_PLACES["cli"], login, "", _SERVICE, f"https://{HOST}:{login}")


def _of_editors(place: str, document: Mapping[str, Any]) -> Iterator[Held]:
    """Keys are ``github.com`` or ``github.com:<app id>``; entries of other hosts are passed over."""
    for key, entry in document.items():
        if key.partition(":")[0].lower() == HOST and isinstance(entry, Mapping):
            token = usable(entry.get("oauth_token"))
            if token:
                yield Held(place, clean(entry.get("user"), 60), token)


def _of_gh(found: Found) -> Iterator[Held]:
    """gh's accounts at github.com, the active one first; those without a token have it in the
    keyring."""
    if not isinstance(found, FileBytes):
        return
    import yaml

    try:
        document = yaml.safe_load(found.data)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    entry = part(document, HOST)
    users = {clean(name, 60): usable(part(part(entry, "users"), name).get("oauth_token"))
             for name in part(entry, "users")}  # fmt: skip
    active = clean(entry.get("user"), 60)
    if active:
        users = {active: users.get(active, "") or usable(entry.get("oauth_token")), **users}
    for name, token in users.items():
        kept = () if token else (_GH_SERVICE, name)
        yield Held(_PLACES["gh"], name, token, *kept)


def _document(found: Found, *, comments: bool = False) -> Mapping[str, Any]:
    """The JSON of a file; the CLI's begins with lines of comment."""
    if not isinstance(found, FileBytes):
        return {}
    data = found.data
    if comments:
        data = b"\n".join(line for line in data.splitlines() if not line.lstrip().startswith(b"//"))
    try:
        document = load_json(data)
    except Unparseable:
        return {}
    return document if isinstance(document, Mapping) else {}


def _host(value: object) -> str:
    """``https://github.com`` and ``github.com`` are the same host."""
    return clean(value, 100).lower().removeprefix("https://").rstrip("/")
