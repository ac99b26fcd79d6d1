"""How OpenCode 1.x keeps its logins: auth.json, where each entry is a login of its own.

Pure, for accounts/; see `providers.accounts.login.LoginStore`.  A switch replaces one entry; all
others stay byte for byte.  OpenCode itself reads the whole map, leaves out what it does not know,
and writes it anew without a lock.  2.x keeps its logins in its database, which is never written.
Facts: anomalyco/opencode:packages/opencode/src/auth/index.ts, opencode-ai 1.18.33 run against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from providers.accounts.login import CannotSwitch, CliLock, Held, Live, Login, Running, StoreFile
from providers.accounts.secret import Secret
from providers.accounts.sessions import named
from providers.accounts.splice import spliced
from providers.base import KIB, Environment, FileBytes, Found, Unparseable, Unreadable
from providers.engine.files import read_file
from providers.engine.processes import PROC
from providers.engine.rows import read_rows
from providers.engine.tokens import claims, fingerprint, usable
from providers.engine.values import clean, epoch, load_json, number, part
from providers.model import Identity
from providers.opencode.login import Held as Key
from providers.opencode.login import override
from providers.opencode.provider import data_folder, database
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MARGIN = 60.0
"""OpenCode renews an access token that is over, and then writes the entry back without looking."""

NAMES = frozenset({"opencode", ".opencode"})
_SLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KINDS = ("oauth", "api")
_OPENAI = "https://api.openai.com/auth"
_PROFILE = "https://api.openai.com/profile"
_TABLE = "SELECT name, type FROM sqlite_master WHERE type = 'table' AND name = 'credential'"
_ROWS = "SELECT 'rows', CAST(count(*) AS TEXT) FROM credential"


class OpenCodeStore:
    """The login of one entry of auth.json.  Without a slot it has no login, and only says what is
    wrong with the file as a whole."""

    provider = "opencode"
    effect = "after a restart of each running opencode"
    command = "opencode auth login"
    margin, alone = MARGIN, False

    def __init__(self, environment: Environment, slot: str, proc: Path = PROC) -> None:
        self._environment, self.slot, self._proc = environment, slot, proc
        self._auth = data_folder(environment) / "auth.json"

    def files(self) -> tuple[StoreFile, ...]:
        """auth.json alone."""
        return (StoreFile(self._auth, 256 * KIB),)

    def locks(self) -> tuple[CliLock, ...]:
        """It has none."""
        return ()

    def parse(self, found: Mapping[Path, Found]) -> Live:
        """Whose login the entry is, out of its own bytes."""
        document = _map(found.get(self._auth))
        if isinstance(document, str):
            return Live(Held.UNREADABLE, why=f"auth.json {document}")
        if not self.slot or self.slot not in document:
            return Live(Held.NOTHING)
        return self._held(document[self.slot])

    def opened(self, payload: Secret) -> Login | None:
        """The login that the vault kept."""
        try:
            return self._held(load_json(payload.reveal().encode("utf-8", "replace"))).login
        except Unparseable:
            return None

    def compose(self, login: Login, found: Mapping[Path, Found]) -> Mapping[Path, bytes]:
        """The file with the account's entry in it."""
        live, kept = found.get(self._auth), self.opened(login.payload)
        if kept is None or kept.identity is None or not self.slot:
            raise CannotSwitch("what the vault keeps is no login of this entry: capture it again")
        if isinstance(live, Unreadable):
            raise CannotSwitch(f"auth.json {live.reason}, so it is not written over: run quotadeck doctor")
        entry = json.loads(kept.payload.reveal())
        try:
            text = "{}" if live is None else live.data.decode("utf-8")
            return {self._auth: spliced(text, self.slot, entry).encode("utf-8")}
        except ValueError:
            raise CannotSwitch("auth.json is not valid JSON, perhaps half written: try again") from None

    def owned(self, login: Login, owner: Identity, known: Login | None) -> Login:
        """The login as it is: its own bytes name its owner."""
        return login

    def refusal(self, found: Mapping[Path, Found]) -> str:
        """A variable that counts before the entry, or a database that does.  Reads the database's
        number of logins, none of them."""
        name = override(self._environment, self.slot)
        if name:
            return f"{name} is set, and OpenCode uses it instead of auth.json: unset it first"
        folder, file = database(self._environment)
        table = read_rows(folder / file, _TABLE, KIB)
        if table is None or (isinstance(table, FileBytes) and table.data == b"{}"):
            return ""
        rows = table if isinstance(table, Unreadable) else read_rows(folder / file, _ROWS, KIB)
        if not isinstance(rows, FileBytes):
            return f"whether OpenCode 2 keeps its logins in {clean(file)} cannot be seen: try again"
        if load_json(rows.data).get("rows") == "0":
            return ""
        return "OpenCode 2 keeps its logins in its database, which is not written: opencode auth login"

    def running(self) -> Running:
        """By the names of processes."""
        return named(NAMES, self._proc)

    def _held(self, entry: object) -> Live:
        kind = entry.get("type") if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or kind not in _KINDS:
            return Live(Held.OTHER, why=f"the entry {self.slot} is of another kind than a login or a key")
        try:
            payload = Secret(json.dumps(entry, allow_nan=False, separators=(",", ":")))
        except ValueError:
            return Live(Held.UNREADABLE, why="auth.json holds a number without an end")
        return self._key(entry, payload) if kind == "api" else self._oauth(entry, payload)

    def _key(self, entry: Mapping[str, Any], payload: Secret) -> Live:
        key = usable(entry.get("key"))
        if not key:
            return Live(Held.HUSK, why=f"the entry {self.slot} of auth.json holds no key")
        # The same name as in the deck: nothing but the key says whose it is.
        identity = Identity(Key("auth.json", key).account)
        login = Login(
            self.provider, fingerprint(key), payload, identity=identity, claimed=identity, slot=self.slot
        )
        return Live(Held.LOGIN, login)

    def _oauth(self, entry: Mapping[str, Any], payload: Secret) -> Live:
        access, refresh = usable(entry.get("access")), usable(entry.get("refresh"))
        if not access and not refresh:
            return Live(Held.HUSK, why=f"the entry {self.slot} of auth.json holds no tokens")
        if not refresh:
            return Live(Held.OTHER, why=f"the login of {self.slot} cannot be renewed, so it is none to keep")
        told = claims(access)
        identity = _identity(told)
        login = Login(
            self.provider,
            fingerprint(refresh),
            payload,
            identity=identity,
            claimed=identity,
            slot=self.slot,
            issued=number(told.get("iat")) or epoch(entry.get("expires")) or 0.0,
            expires_at=number(told.get("exp")) or epoch(entry.get("expires")),
        )
        named_too = clean(entry.get("accountId"))
        if named_too and identity is not None and named_too not in _accounts(told):
            why = f"the entry {self.slot} of auth.json mixes two accounts: opencode auth login"
            return Live(Held.MIXED, replace(login, identity=None, claimed=None), why)
        if identity is None:
            return Live(Held.OTHER, why=f"the tokens of {self.slot} do not say whose they are")
        return Live(Held.LOGIN, login)


def stores(environment: Environment) -> tuple[OpenCodeStore, ...]:
    """One for each entry that may be a login.  Reads auth.json; if that cannot be read, or OpenCode
    2 took its logins away, one without a slot, which says so.  (An entry that is not there any more
    has a store too: ``OpenCodeStore(environment, slot)``.)"""
    path = data_folder(environment) / "auth.json"
    found = read_file(path, 256 * KIB)
    entries = _map(found)
    if isinstance(entries, str):
        return (OpenCodeStore(environment, ""),)
    if found is None:
        whole = OpenCodeStore(environment, "")
        return (whole,) if whole.refusal({}) else ()
    return tuple(
        OpenCodeStore(environment, name)
        for name in entries
        if _SLOT.fullmatch(name) and part(entries, name).get("type") in _KINDS
    )


def _map(found: Found) -> Mapping[str, Any] | str:
    """The entries ({} without a file), or why they cannot be read."""
    if found is None:
        return {}
    if isinstance(found, Unreadable):
        return found.reason
    try:
        found.data.decode("utf-8")
        document = load_json(found.data)
    except (Unparseable, UnicodeDecodeError):
        return "is not valid JSON, perhaps half written"
    return document if isinstance(document, Mapping) else "is not what OpenCode writes"


def _accounts(told: Mapping[str, Any]) -> set[str]:
    """Every account that a token of OpenAI names: OpenCode takes the first of these that it finds."""
    organisations = told.get("organizations")
    listed = organisations if isinstance(organisations, list) else []
    first = [clean(each.get("id")) for each in listed if isinstance(each, Mapping)]
    inner = part(told, _OPENAI)
    found = {clean(told.get("chatgpt_account_id")), clean(inner.get("chatgpt_account_id")), *first}
    return found - {""}


def _identity(told: Mapping[str, Any]) -> Identity | None:
    """Of OpenAI's the workspace and the member, as Codex's own login has it; of others the subject
    with who named it."""
    inner = part(told, _OPENAI)
    account = clean(inner.get("chatgpt_account_id"))
    member = clean(inner.get("chatgpt_user_id")) or clean(inner.get("user_id"))
    email = clean(told.get("email")) or clean(part(told, _PROFILE).get("email"))
    if account or member:
        return Identity(f"{account}/{member}", email)
    subject = clean(told.get("sub"))
    return Identity(f"{clean(told.get('iss'))}/{subject}", email) if subject else None
