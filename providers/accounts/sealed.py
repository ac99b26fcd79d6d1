"""Secrets in files of ours, for a machine without a keyring: encrypted, or plain if a person said so.

Both answer as a backend of keyring does, so that the vault has one path; only vaults.py makes
them.  They do not derive from keyring's class: that would offer them to everything in the
process that looks for a keyring, and its import costs 70 to 100 ms.  Encrypted: scrypt turns the
passphrase into a key, once per run; each secret is a file of its own under AES-256-GCM, bound to
its name, so that one cannot stand in for another.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.accounts.secret import Secret
from providers.accounts.vault import State, VaultTrouble
from providers.base import KIB, MIB, Unreadable
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.lock import LockFailed, locked
from providers.record import Record

SHORTEST = 8
"""Characters of a passphrase."""

SCRYPT = {"n": 2**17, "r": 8, "p": 1}
"""0.36 s on the machine where it was measured, 128 MB."""

LARGEST = MIB
"""Bytes of one secret."""

HEAD = "vault.json"
_LARGEST_HEAD = 4 * KIB
_CHECK = b"quotadeck vault"
_NAME = re.compile(r"[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)*")
_NONCE = 12
_TAG = 16


class _Files:
    """A folder with a file for each secret."""

    ending = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, None if there is none."""
        found = read_file(self._file(username), LARGEST + _NONCE + _TAG)
        if found is None:
            return None
        if isinstance(found, Unreadable):
            raise VaultTrouble(State.FILES, f"a file of it {found.reason}")
        try:
            return self._opened(found.data, _bound_to(service, username)).decode()
        except ValueError:
            raise VaultTrouble(State.FILES, "one of them was damaged or exchanged") from None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Stores the secret, in place of the one before."""
        secret = password.encode()
        if len(secret) > LARGEST:
            raise VaultTrouble(State.FILES, "what is to be kept is larger than 1 MiB")
        with _in_words():
            write_atomic(self._file(username), self._closed(secret, _bound_to(service, username)))

    def delete_password(self, service: str, username: str) -> None:
        """Removes the secret."""
        path = self._file(username)
        with _in_words(), contextlib.suppress(FileNotFoundError):
            path.unlink()

    def _file(self, username: str) -> Path:
        if not _NAME.fullmatch(username):
            raise VaultTrouble(State.FILES, "a name that is none of ours")
        return self._folder / f"{username.replace(':', '.')}{self.ending}"

    def _opened(self, data: bytes, bound: bytes) -> bytes:
        """Raises ValueError for what was never stored like this."""
        raise NotImplementedError

    def _closed(self, secret: bytes, bound: bytes) -> bytes:
        raise NotImplementedError


class PlainFiles(_Files):
    """Secrets as they are, in files that only their owner may read."""

    ending = ".plain"

    def _opened(self, data: bytes, bound: bytes) -> bytes:
        return data

    def _closed(self, secret: bytes, bound: bytes) -> bytes:
        return secret


class EncryptedFiles(_Files):
    """Secrets under a passphrase: locked until it was given, once per run."""

    ending = ".sealed"

    def __init__(self, folder: Path, *, cost: Mapping[str, int] = SCRYPT) -> None:
        super().__init__(folder)
        self._cost = dict(cost)
        self._key = b""

    @property
    def exists(self) -> bool:
        """Whether there is a vault to unlock; else the first passphrase makes one."""
        return read_file(self._folder / HEAD, _LARGEST_HEAD) is not None or self._holds_any()

    @property
    def locked(self) -> bool:
        """Whether the passphrase has still to be given."""
        return not self._key

    def unlock(self, passphrase: Secret) -> None:
        """Opens the vault, or makes it.  Takes 0.4 s.  Raises `VaultTrouble` for a wrong
        passphrase, or one too short for a new vault."""
        head = self._head()
        if head is None:
            with _in_words(), locked(self._folder / "lock", 5.0):
                # Another copy may have made it meanwhile.
                head = self._head()
                if head is None:
                    self._key = self._made(passphrase)
                    return
        key = _derived(passphrase, head.salt, head.cost)
        try:
            _decrypted(key, head.check, HEAD.encode())
        except ValueError:
            raise VaultTrouble(State.WRONG) from None
        self._key = key

    def _made(self, passphrase: Secret) -> bytes:
        if len(passphrase.reveal()) < SHORTEST:
            raise VaultTrouble(State.WRONG, f"a new one needs {SHORTEST} characters")
        salt = os.urandom(16)
        key = _derived(passphrase, salt, self._cost)
        check = _encrypted(key, _CHECK, HEAD.encode())
        head = {"version": 1, "kdf": "scrypt", **self._cost, "salt": _text(salt), "check": _text(check)}
        write_atomic(self._folder / HEAD, json.dumps(head).encode())
        return key

    def _head(self) -> _Head | None:
        found = read_file(self._folder / HEAD, _LARGEST_HEAD)
        if found is None:
            if self._holds_any():
                raise VaultTrouble(State.FILES, f"{HEAD} is gone, but not what it opens")
            return None
        if isinstance(found, Unreadable):
            raise VaultTrouble(State.FILES, f"{HEAD} {found.reason}")
        try:
            held = json.loads(found.data)
            cost = {name: int(held[name]) for name in SCRYPT}
            known = held["version"] == 1 and held["kdf"] == "scrypt"
            if not known or not (
                2**14 <= cost["n"] <= 2**20 and 1 <= cost["r"] <= 32 and 1 <= cost["p"] <= 4
            ):
                raise ValueError("another form")
            return _Head(_bytes(held["salt"]), _bytes(held["check"]), cost)
        except (ValueError, KeyError, TypeError):
            raise VaultTrouble(State.FILES, f"{HEAD} cannot be read") from None

    def _holds_any(self) -> bool:
        return any(self._folder.glob(f"*{self.ending}"))

    def _opened(self, data: bytes, bound: bytes) -> bytes:
        return _decrypted(self._unlocked(), data, bound)

    def _closed(self, secret: bytes, bound: bytes) -> bytes:
        return _encrypted(self._unlocked(), secret, bound)

    def _unlocked(self) -> bytes:
        if not self._key:
            raise VaultTrouble(State.SEALED)
        return self._key


class _Head(Record):
    """What vault.json says: no secret, but needed to open any."""

    salt: bytes
    check: bytes
    cost: Mapping[str, int]


def _bound_to(service: str, username: str) -> bytes:
    return f"{service}\0{username}".encode()


def _derived(passphrase: Secret, salt: bytes, cost: Mapping[str, int]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # Keyboards compose accents in different ways.  Surrogates would raise with the text in hand.
    text = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(text)


def _encrypted(key: bytes, data: bytes, bound: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, bound)


def _decrypted(key: bytes, data: bytes, bound: bytes) -> bytes:
    """Raises ValueError for another key, other bytes, or another name."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], bound)
    except InvalidTag:
        raise ValueError("not what was encrypted") from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (WriteFailed, WriteRefused, LockFailed) as error:
        raise VaultTrouble(State.FILES, str(error)) from None
    except OSError as error:
        raise VaultTrouble(State.FILES, os.strerror(error.errno or 0).lower()) from None
