"""Copilot's logins: every place where a token lies, in the order in which it counts.

Bytes in, a `LoginState` without secrets out; `held` alone returns a token, for the endpoint.
Each login says at which host it is, and its token goes there alone: to github.com, or to a tenant
of ghe.com; other hosts have no quota to ask for.  A token of gh, and one meant for anything at
GitHub (``GH_TOKEN``, ``GITHUB_TOKEN``), counts only where Copilot itself left a trace.  Facts:
@github/copilot 1.0.58, robinebers/openusage:docs/providers/copilot.md.
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

HOST, TENANTS = "github.com", ".ghe.com"
_LOG_IN = "copilot login"
_SERVICE, _GH_SERVICE = "copilot-cli", "gh:"
"""As what the two file their tokens in the keyring: under host and login, and, with the host
behind it, under the login."""
_HOST_VARIABLES = ("COPILOT_GH_HOST", "GH_HOST")
"""The host that the tokens of variables are for, in the CLI's order."""
_OWN_VARIABLE = "COPILOT_GITHUB_TOKEN"
_SHARED_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
_PLACES = {
    "cli": "config.json of the CLI",
    "apps": "apps.json of an editor",
    "hosts": "hosts.json of an editor",
    "gh": "hosts.yml of gh",
}


class Held(Record):
    """One login at ``host``: ``place`` says where it lies, ``login`` is empty where that does
    not say whose it is.  Where the token is in the keyring, ``token`` is empty and ``service`` and
    ``user`` are the names that it has there."""

    place: str
    login: str
    token: str
    host: str = HOST
    service: str = ""
    user: str = ""

    _hidden = ("token",)

    @property
    def key(self) -> str:
        """The identity: host and login; a nameless token is known by its mark."""
        return f"{self.host}:{self.login.lower() or f'token-{mark(self.token)}'}"


def held(files: Mapping[str, Found], context: ReadContext) -> list[Held]:
    """The login that Copilot would use (the first, and of the person who is logged in to the CLI
    if that is known), and further ones of the same person in the order in which they count."""
    found = list(_all(files, context))
    cli = next((h.key for h in found if h.place == _PLACES["cli"]), "")
    mine = [h for h in found if not cli or not h.login or h.key == cli]
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
    elsewhere = next((h for h in _hosts(files, context) if h and not _served(h)), "")
    if elsewhere:
        message = f"Copilot is set to {elsewhere}; only github.com and tenants of ghe.com say their quota"
        return LoginState("copilot", Status.UNCONFIGURED, message, observed_at=written)
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
    of_variables, of_cli = _hosts(files, context)
    if _served(of_variables or HOST):
        for name in (_OWN_VARIABLE, *(_SHARED_VARIABLES if present else ())):
            token = usable(variables.get(name))
            if token:
                yield Held(name, "", token, of_variables or HOST)
    yield from _of_cli(_document(files.get("cli"), comments=True))
    host = next((h for h in (of_cli, of_variables) if _served(h)), HOST)
    for name in ("apps", "hosts"):
        yield from _of_editors(_PLACES[name], host, _document(files.get(name)))
    if present:
        yield from _of_gh(host, files.get("gh"))


def _served(host: str) -> bool:
    """Whether a host says a quota; classic servers of companies do not."""
    tenant = host.removesuffix(TENANTS)
    return host == HOST or (tenant != host and tenant.isascii() and tenant.replace("-", "").isalnum())


def _hosts(files: Mapping[str, Found], context: ReadContext) -> tuple[str, str]:
    """The host of the tokens in variables, and the one that the CLI was logged in to last; empty
    where nothing says so."""
    variables = context.environment.variables
    chosen = next((h for name in _HOST_VARIABLES if (h := _host(variables.get(name)))), "")
    return chosen, _host(_last(_document(files.get("cli"), comments=True)).get("host"))


def _last(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The person whom the CLI was logged in as last.  Old files are in snake_case."""
    return part(document, "lastLoggedInUser") or part(document, "last_logged_in_user")


def _of_cli(document: Mapping[str, Any]) -> Iterator[Held]:
    """The CLI's own: the person logged in last, with the token if no keyring has it."""
    last = _last(document)
    tokens = part(document, "copilotTokens") or part(document, "copilot_tokens")
    login, host = clean(last.get("login"), 60), _host(last.get("host"))
    if login and _served(host):
        token = next((t for k, t in tokens.items() if _host(k.rpartition(":")[0]) == host
                      and k.rpartition(":")[2].lower() == login.lower()), None)  # fmt: skip
        if usable(token):
            yield Held(_PLACES["cli"], login, usable(token), host)
        else:
            yield Held(_PLACES["cli"], login, "", host, _SERVICE, f"https://{host}:{login}")


def _of_editors(place: str, host: str, document: Mapping[str, Any]) -> Iterator[Held]:
    """Keys are ``github.com`` or ``github.com:<app id>``; entries of other hosts are passed over."""
    for key, entry in document.items():
        if key.partition(":")[0].lower() == host and isinstance(entry, Mapping):
            token = usable(entry.get("oauth_token"))
            if token:
                yield Held(place, clean(entry.get("user"), 60), token, host)


def _of_gh(host: str, found: Found) -> Iterator[Held]:
    """gh's accounts at that host, the active one first; those without a token have it in the
    keyring."""
    if not isinstance(found, FileBytes):
        return
    import yaml

    try:
        document = yaml.safe_load(found.data)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    entry = part(document, host)
    users = {clean(name, 60): usable(part(part(entry, "users"), name).get("oauth_token"))
             for name in part(entry, "users")}  # fmt: skip
    active = clean(entry.get("user"), 60)
    if active:
        users = {active: users.get(active, "") or usable(entry.get("oauth_token")), **users}
    for name, token in users.items():
        kept = () if token else (f"{_GH_SERVICE}{host}", name)
        yield Held(_PLACES["gh"], name, token, host, *kept)


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
