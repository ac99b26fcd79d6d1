"""The way of a key into the vault and out, and keys.json with it; for the command line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from providers.accounts.stored import FILE, VERSION, StoredKey, stored
from providers.accounts.vault import Vault, VaultTrouble
from providers.base import KIB, Environment, Unparseable
from providers.engine.clock import Clock
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.lock import LockFailed, locked
from providers.engine.tokens import fingerprint, usable

MAX_KEY = 16 * KIB


class KeyTrouble(Exception):
    """A key could not be stored or forgotten; one clean sentence."""


class Keys:
    """Stores and forgets keys; one change at a time, over all running copies."""

    def __init__(self, environment: Environment, vault: Vault, clock: Clock) -> None:
        self._file: Path = environment.data_dir / FILE
        self._vault, self._clock = vault, clock

    def all(self) -> tuple[StoredKey, ...]:
        """Every key there is, by service.  Raises `KeyTrouble`."""
        return tuple(held for _, held in sorted(self._read().items()))

    def set(self, service: str, key: str) -> StoredKey:
        """Stores a key, in place of the one before.  Raises `KeyTrouble`; the old key then
        still counts."""
        if not usable(key) or len(key) > MAX_KEY:
            raise KeyTrouble("that is no key: it must be one line of plain characters without blanks")
        with self._alone():
            known = self._read()
            old = known.get(service)
            same = old is not None and old.fingerprint == fingerprint(key)
            fresh = StoredKey(
                service,
                old.id if old is not None and same else os.urandom(4).hex(),
                fingerprint(key),
                old.generation + 1 if old is not None else 1,
                self._clock.now(),
            )
            self._put(fresh, key)
            try:
                self._write({**known, service: fresh})
            except KeyTrouble:
                self._drop(fresh)
                raise
            if old is not None:
                self._drop(old)
            return fresh

    def forget(self, service: str) -> bool:
        """Forgets a key; False if there was none.  Raises `KeyTrouble`."""
        with self._alone():
            known = dict(self._read())
            old = known.pop(service, None)
            if old is None:
                return False
            try:
                self._vault.forget(old.kept_as)
            except VaultTrouble as trouble:
                raise KeyTrouble(f"nothing was forgotten: {trouble}") from None
            self._write(known)
            return True

    def _put(self, key: StoredKey, secret: str) -> None:
        try:
            self._vault.put(key.kept_as, secret)
        except VaultTrouble as trouble:
            raise KeyTrouble(f"the key was not stored: {trouble}") from None

    def _drop(self, key: StoredKey) -> None:
        # An old generation that stays behind is named by nothing any more.
        with contextlib.suppress(VaultTrouble):
            self._vault.forget(key.kept_as)

    def _read(self) -> Mapping[str, StoredKey]:
        try:
            return stored(read_file(self._file, 256 * KIB))
        except Unparseable as error:
            # Never begun anew from nothing: that would orphan every key.
            raise KeyTrouble(f"{error}; move {self._file.name} away to begin anew") from None

    def _write(self, known: Mapping[str, StoredKey]) -> None:
        held = {
            k.service: {
                "id": k.id, "fingerprint": k.fingerprint, "generation": k.generation, "added_at": k.added_at
            }
            for k in known.values()
        }  # fmt: skip
        try:
            write_atomic(self._file, json.dumps({"version": VERSION, "keys": held}, indent=1).encode())
        except (WriteFailed, WriteRefused) as error:
            raise KeyTrouble(str(error)) from None

    @contextlib.contextmanager
    def _alone(self):  # type: ignore[no-untyped-def]
        try:
            with locked(self._file.with_suffix(".lock"), 5.0):
                yield
        except LockFailed as error:
            raise KeyTrouble(f"the keys cannot be changed: {error}") from None
