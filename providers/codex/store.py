"""How Codex keeps its login: the whole of auth.json, which names its account itself.

Pure, for accounts/; see `providers.accounts.login.LoginStore`.  Facts: openai/codex 0.169 run
against (locks, compare and set), openai/codex:codex-rs/login/src/auth/storage.rs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from providers.accounts.login import CannotSwitch, CliLock, FileLock, Held, Live, Login, Running, StoreFile
from providers.accounts.secret import Secret
from providers.base import KIB, Environment, Found, Unparseable, Unreadable
from providers.codex.login import LoginWords, codex_home, login_words, store_refusal
from providers.engine.processes import count
from providers.engine.tokens import fingerprint
from providers.engine.values import epoch, load_json
from providers.model import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MARGIN = 360.0
"""Codex renews from five minutes before the end of the access token, and then refuses to save
what it got if the account was swapped meanwhile: that token would be lost."""


class CodexStore:
    """The login of one Codex home, where it is kept in a file."""

    provider, slot = "codex", ""
    effect = "after a restart of each running codex (codex resume goes on)"
    command = "CODEX_HOME=$(mktemp -d) codex login"
    margin = MARGIN
    alone = False

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        # Resolved, as Codex does: its own folder may be a link, the file in it may not.
        self._home = codex_home(environment).resolve()
        self._auth = self._home / "auth.json"

    def files(self) -> tuple[StoreFile, ...]:
        """auth.json alone."""
        return (StoreFile(self._auth, 256 * KIB),)

    def locks(self) -> tuple[CliLock, ...]:
        """Those of 0.169; older ones know none."""
        return FileLock(self._home / "auth.lock"), FileLock(self._home / "auth.json.lock")

    def parse(self, found: Mapping[Path, Found]) -> Live:
        """Whose login it is, out of its own tokens."""
        auth = found.get(self._auth)
        if auth is None:
            return Live(Held.NOTHING)
        if isinstance(auth, Unreadable):
            return Live(Held.UNREADABLE, why=f"auth.json {auth.reason}")
        return _parsed(auth.data)

    def opened(self, payload: Secret) -> Login | None:
        """The login that the vault kept."""
        return _parsed(payload.reveal().encode("utf-8", "replace")).login

    def compose(self, login: Login, found: Mapping[Path, Found]) -> Mapping[Path, bytes]:
        """The file as it was captured: nothing in it belongs to the machine."""
        if isinstance(found.get(self._auth), Unreadable):
            raise CannotSwitch("auth.json cannot be read, so it is not written over: run quotadeck doctor")
        return {self._auth: login.payload.reveal().encode("utf-8")}

    def owned(self, login: Login, owner: Identity, known: Login | None) -> Login:
        """The login as it is: its own tokens name its owner."""
        return login

    def refusal(self, found: Mapping[Path, Found]) -> str:
        """Where Codex would not look at auth.json, or use something else."""
        return store_refusal(self._environment)

    def running(self) -> Running:
        """By the names of processes."""
        seen = count(frozenset({"codex", "codex.js"}))
        return Running(known=False) if seen is None else Running(seen)


def stores(environment: Environment) -> tuple[CodexStore, ...]:
    """The one store."""
    return (CodexStore(environment),)


def _parsed(data: bytes) -> Live:
    try:
        document = load_json(data)
        text = data.decode("utf-8")
    except (Unparseable, UnicodeDecodeError):
        return Live(Held.UNREADABLE, why="auth.json is not valid JSON, perhaps half written")
    words = login_words(document)
    if isinstance(words, str):
        return Live(Held.OTHER, why=words)
    if words.mixed:
        return Live(Held.MIXED, _healed(document), "auth.json mixes two accounts: run codex login")
    if not words.refresh_token or words.identity is None:
        return Live(Held.HUSK, why="auth.json holds no login that could be kept")
    return Live(Held.LOGIN, _login(words, text))


def _healed(document: Mapping[str, Any]) -> Login | None:
    """The login whose tokens these are, if the tokens agree: a renewal that was in flight while
    the account was switched leaves them under the other account's id."""
    tokens = {k: v for k, v in document["tokens"].items() if k not in ("account_id", "accountId")}
    words = login_words({**document, "tokens": tokens})
    if isinstance(words, str) or words.mixed or not words.refresh_token or words.identity is None:
        return None
    tokens["account_id"] = words.identity.key.partition("/")[0]
    return _login(words, json.dumps({**document, "tokens": tokens}))


def _login(words: LoginWords, text: str) -> Login:
    return Login(
        "codex",
        fingerprint(words.refresh_token),
        Secret(text),
        identity=words.identity,
        claimed=words.identity,
        issued=words.issued or epoch(words.last_refresh) or 0.0,
        expires_at=words.expires,
        plan=words.plan,
    )
