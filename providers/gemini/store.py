"""How Gemini CLI keeps its login: oauth_creds.json, whose id_token names its account, and beside it
google_accounts.json, which is a label and selects nothing.

Pure, for accounts/; see `providers.accounts.login.LoginStore`.  Facts: google-gemini/gemini-cli:
packages/core/src/code_assist/oauth2.ts (a running one writes the tokens it remembers, without
looking at whose file it is) and utils/userAccountManager.ts (how the label moves).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from providers.accounts.login import CannotSwitch, CliLock, Held, Live, Login, Running, StoreFile
from providers.accounts.secret import Secret
from providers.accounts.sessions import named
from providers.accounts.splice import spliced
from providers.base import KIB, MIB, Environment, FileBytes, Found, Unparseable, Unreadable
from providers.engine.files import read_file
from providers.engine.processes import PROC
from providers.engine.tokens import fingerprint, usable
from providers.engine.values import epoch, load_json
from providers.gemini.login import identity_in, store_refusal
from providers.gemini.provider import gemini_home
from providers.gemini.renewal import NAMES
from providers.model import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE, _NAMES_FILE = "oauth_creds.json", "google_accounts.json"


class GeminiStore:
    """The Google login of one Gemini home, where it is kept in a file."""

    provider, slot = "gemini", ""
    effect = "when gemini is started next"
    command = "GEMINI_CLI_HOME=$(mktemp -d) gemini"
    margin, alone = 0.0, True

    def __init__(self, environment: Environment, proc: Path = PROC) -> None:
        self._environment, self._proc = environment, proc
        self._home = gemini_home(environment)
        self._credentials, self._names = self._home / _FILE, self._home / _NAMES_FILE

    def files(self) -> tuple[StoreFile, ...]:
        """The tokens, then the label."""
        return StoreFile(self._credentials, 256 * KIB), StoreFile(self._names, 256 * KIB, secret=False)

    def locks(self) -> tuple[CliLock, ...]:
        """It has none."""
        return ()

    def parse(self, found: Mapping[Path, Found]) -> Live:
        """Whose login it is, out of its own id_token."""
        credentials = found.get(self._credentials)
        if credentials is None:
            return self._absent(found.get(self._names))
        if isinstance(credentials, Unreadable):
            return Live(Held.UNREADABLE, why=f"{_FILE} {credentials.reason}")
        return _parsed(credentials.data)

    def _absent(self, names: Found) -> Live:
        """A logout empties the label too; where it names somebody, the login is elsewhere."""
        try:
            active = load_json(names.data) if isinstance(names, FileBytes) else None
        except Unparseable:
            active = None
        if isinstance(active, Mapping) and active.get("active"):
            return Live(Held.OTHER, why=f"the login is encrypted or in the keyring, not in {_FILE}")
        return Live(Held.NOTHING)

    def opened(self, payload: Secret) -> Login | None:
        """The login that the vault kept."""
        return _parsed(payload.reveal().encode("utf-8", "replace")).login

    def compose(self, login: Login, found: Mapping[Path, Found]) -> Mapping[Path, bytes]:
        """The tokens as they were captured, and the label moved as a login moves it."""
        live = found.get(self._credentials)
        if isinstance(live, Unreadable):
            raise CannotSwitch(f"{_FILE} {live.reason}, so it is not written over: run quotadeck doctor")
        data = login.payload.reveal().encode("utf-8", "replace")
        kept = _parsed(data)
        if kept.login is None or kept.login.identity is None:
            raise CannotSwitch("what the vault keeps is no login of Gemini CLI: capture it again")
        return {
            self._credentials: data,
            self._names: self._named(kept.login.identity.email, found.get(self._names)),
        }

    def _named(self, email: str, found: Found) -> bytes:
        """The label: null, which the CLI fills in itself, for a login that does not say its e-mail."""
        if isinstance(found, Unreadable):
            raise CannotSwitch(f"{_NAMES_FILE} {found.reason}: run quotadeck doctor")
        text = "{}" if found is None else found.data.decode("utf-8", "surrogateescape")
        try:
            document = json.loads(text.removeprefix("\ufeff"))
            before = document.get("active") if isinstance(document, dict) else None
            old = document.get("old") if isinstance(document, dict) else None
            mails = [mail for mail in old if isinstance(mail, str)] if isinstance(old, list) else []
            if isinstance(before, str) and before and before not in mails:
                mails.append(before)
            moved = spliced(text, "old", [mail for mail in mails if mail != email])
            return spliced(moved, "active", email or None).encode("utf-8", "surrogateescape")
        except (ValueError, RecursionError):
            raise CannotSwitch(
                f"{_NAMES_FILE} is not valid JSON, perhaps half written: "
                "try again, or take it away (it holds nothing but names)"
            ) from None

    def owned(self, login: Login, owner: Identity, known: Login | None) -> Login:
        """The login as it is: its own bytes name its owner."""
        return login

    def refusal(self, found: Mapping[Path, Found]) -> str:
        """Where Gemini CLI would not look at oauth_creds.json, or use something else.  Reads
        settings.json."""
        files = {
            "settings": read_file(self._home / "settings.json", MIB, follow=True),
            "credentials": found.get(self._credentials),
            "accounts": found.get(self._names),
        }
        if isinstance(files["settings"], Unreadable):
            return f"settings.json of Gemini CLI {files['settings'].reason}"
        return store_refusal(files, self._environment)

    def running(self) -> Running:
        """By the names of processes."""
        return named(NAMES, self._proc)


def stores(environment: Environment) -> tuple[GeminiStore, ...]:
    """The one store."""
    return (GeminiStore(environment),)


def _parsed(data: bytes) -> Live:
    try:
        document = load_json(data)
        text = data.decode("utf-8")
    except (Unparseable, UnicodeDecodeError):
        return Live(Held.UNREADABLE, why=f"{_FILE} is not valid JSON, perhaps half written")
    if not isinstance(document, Mapping):
        return Live(Held.OTHER, why=f"{_FILE} is not what Gemini CLI writes")
    if "type" in document:
        return Live(Held.OTHER, why=f"{_FILE} holds the credentials of another kind of login")
    refresh = usable(document.get("refresh_token"))
    if not refresh and not usable(document.get("access_token")):
        return Live(Held.HUSK, why=f"{_FILE} holds no login")
    if not refresh:
        return Live(Held.OTHER, why=f"the login in {_FILE} cannot be renewed, so it is no account to keep")
    if identity_in(document) is None:
        return Live(Held.OTHER, why=f"the tokens in {_FILE} do not say whose they are: run gemini once")
    return Live(Held.LOGIN, _login(document, refresh, text))


def _login(document: Mapping[str, Any], refresh: str, text: str) -> Login:
    identity = identity_in(document)
    expires = epoch(document.get("expiry_date"))
    # Google's refresh tokens do not rotate, so generations differ in the access token alone: the
    # later end is the later issue.  The id_token's own time stays behind when we renew in place.
    return Login(
        "gemini",
        fingerprint(refresh),
        Secret(text),
        identity=identity,
        claimed=identity,
        issued=expires or 0.0,
        expires_at=expires,
    )
