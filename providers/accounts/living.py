"""Looking at what a CLI's store holds right now, and whose it is proven to be.

For capture, switch, settling and recovery.  Bytes are never labelled by position: a login
belongs to whom its lineage or its own claims name, else to whom the provider says, else to
nobody (realiti4/claude-swap#117 and #95 made two accounts one).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from providers.accounts.journal import digest
from providers.accounts.login import Held, Live, Login, LoginStore
from providers.accounts.registry import Registry
from providers.base import MIB, FileBytes, Found, Unreadable
from providers.engine.files import read_file
from providers.model import Identity
from providers.record import Record

LARGEST = 16 * MIB
TORN, HUSK = 0.1, 1.0
"""Seconds to look again after a file that was half written, and after an emptied login: a CLI
that is logging in leaves one for up to a second."""

Prove = Callable[[Login], Identity | None]
"""Asks the provider whose an access token is; None if it cannot say."""


class Seen(Record):
    """A store as it was read once."""

    found: Mapping[Path, Found]
    live: Live

    _hidden = ("found",)

    def data(self, path: Path) -> bytes | None:
        """The bytes of one file, None if it is not there."""
        found = self.found.get(path)
        return found.data if isinstance(found, FileBytes) else None


def look(store: LoginStore, *, patient: bool = True) -> Seen:
    """Reads the store; a torn file or an emptied login is looked at again if ``patient``."""
    pauses = {Held.UNREADABLE: [TORN] * 3, Held.HUSK: [HUSK]}
    while True:
        found = {f.path: read_file(f.path, f.max_bytes) for f in store.files()}
        seen = Seen(MappingProxyType(found), store.parse(found))
        left = pauses.get(seen.live.held)
        # What is no file of ours to read, is none a moment later either.
        if not patient or not left or isinstance(found[store.files()[0].path], Unreadable):
            return seen
        time.sleep(left.pop())


def same_login(store: LoginStore, one: Seen, other: Seen) -> bool:
    """Whether the file with the secret is the same to the byte.  One that cannot be read is
    never the same as none."""
    secret = store.files()[0].path
    unread = [isinstance(seen.found.get(secret), Unreadable) for seen in (one, other)]
    return not any(unread) and digest(one.data(secret)) == digest(other.data(secret))


def whose(login: Login, registry: Registry, prove: Prove | None) -> Identity | None:
    """Who the login is proven to be: by its lineage, by its own bytes, by the provider's word."""
    known = registry.of_lineage(login.provider, login.slot, login.lineage)
    if known is not None:
        claimed = login.claimed
        return claimed if claimed is not None and claimed.key == known.key else Identity(known.key)
    if login.identity is not None:
        return login.identity
    return prove(login) if prove is not None else None


def read_bytes(path: Path) -> bytes | None:
    """The bytes of a file, None if it is not there or cannot be read."""
    found = read_file(path, LARGEST)
    return found.data if isinstance(found, FileBytes) else None


def reread(store: LoginStore, seen: Seen, path: Path, data: bytes | None) -> Seen:
    """The store as it would be with these bytes in one of its files."""
    file: Found = FileBytes(path, data, 0.0) if data is not None else None
    found = MappingProxyType({**seen.found, path: file})
    return Seen(found, store.parse(found))
