"""How Codex keeps its login: the whole of auth.json, which names its account itself.

Pure, for accounts/; see `providers.accounts.login.LoginStore`.  Facts: openai/codex 0.169 run
against (locks, compare and set), openai/codex:codex-rs/login/src/auth/storage.rs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from providers.accounts.login import CannotSwitch, CliLock, FileLock, Held, Live, Login, Running, StoreFile
from providers.accounts.secret import Secret
from providers.accounts.sessions import named
from providers.base import KIB, Environment, Found, Unparseable, Unreadable
from providers.codex.login import (
    LoginWords,
    codex_home,
    healed,
    login_words,
    store_refusal,
    workspace_refusal,
)
from providers.engine.processes import PROC
from providers.engine.tokens import fingerprint
from providers.engine.values import epoch, load_json
from providers.model import Identity
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MARGIN = 360.0
"""Codex renews from five minutes before the end of the access token, and then refuses to save
what it got if the account was swapped meanwhile: that token would be lost."""

NAMES = frozenset({"codex", "codex.js"})


class CodexStore:
    """The login of one Codex home, where it is kept in a file."""

    provider, slot = "codex", ""
    effect = "after a restart of each running codex (codex resume goes on)"
    command = "CODEX_HOME=$(mktemp -d) codex login"
    margin, alone = MARGIN, False

    def __init__(self, environment: Environment, proc: Path = PROC) -> None:
        self._environment, self._proc = environment, proc
        # Resolved, as Codex does: its own folder may be a link, the file in it may not.
        self._home = Path(os.path.realpath(codex_home(environment)))
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
        live = found.get(self._auth)
        if isinstance(live, Unreadable):
            raise CannotSwitch(f"auth.json {live.reason}, so it is not written over: run quotadeck doctor")
        data = login.payload.reveal().encode("utf-8", "replace")
        kept = _parsed(data)
        if kept.held is not Held.LOGIN or kept.login is None or kept.login.identity is None:
            raise CannotSwitch("what the vault keeps is no login of codex: capture it again")
        forbidden = workspace_refusal(self._environment, kept.login.identity)
        if forbidden:
            raise CannotSwitch(forbidden)
        return {self._auth: data}

    def owned(self, login: Login, owner: Identity, known: Login | None) -> Login:
        """The login as it is: its own tokens name its owner."""
        return login

    def refusal(self, found: Mapping[Path, Found]) -> str:
        """Where Codex would not look at auth.json, or use something else."""
        return store_refusal(self._environment)

    def running(self) -> Running:
        """By the names of processes."""
        return named(NAMES, self._proc)


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
    if not words.refresh_token:
        return Live(Held.HUSK, why="auth.json holds no login that could be kept")
    if words.mixed:
        why = "auth.json mixes the tokens of two accounts: run codex login"
        return Live(Held.MIXED, _unmixed(document, words, text), why)
    if words.identity is None:
        return Live(Held.OTHER, why="the tokens in auth.json do not say whose they are")
    return Live(Held.LOGIN, _login(words, text))


def _unmixed(document: Mapping[str, Any], words: LoginWords, text: str) -> Login:
    """The newest tokens, as the login of the account that all of them name: an older Codex saves
    what it renewed into the file of whoever was switched in meanwhile (openai/codex:
    codex-rs/login/src/auth/manager.rs).  Where the tokens disagree, they are nobody's."""
    whole = healed(document)
    told = login_words(whole) if whole is not None else ""
    if isinstance(told, str) or told.mixed or told.identity is None:
        return _login(replace(words, identity=None), text)
    return _login(told, json.dumps(whole, indent=2))


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
