"""A Mac's keychain through ``/usr/bin/security``, answering as a backend of keyring does.

For system_keyring.py.  keyring's own backend binds what it stores to the Python that stored it,
and every upgrade of that Python asks the person again; Apple's program stays the same
(realiti4/claude-swap and its issue 373 tell of both).  Tested with a stand-in program; nobody
has tried it on a real Mac yet.

A secret never stands in arguments, which every process may list: it goes to ``security -i``
on its stdin.  That reads lines of 4096 bytes and stores a secret cut short without a word
(anthropics/claude-code issue 30337), so what is longer lies in several items, written before
the one that names them and holds their digest.  Base64, as the program splits its lines like a
shell, and prints what is not ASCII as bare hex.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from providers.accounts.vault import State, VaultTrouble
from providers.asking import OWN_SERVICE

SECURITY = "/usr/bin/security"
PART = 3000
"""Characters of one item; with its names the line stays well below 4096 bytes."""

DEADLINE = 20.0
"""Seconds for one run of the program, in which a person may answer a prompt."""

_WHOLE, _PARTS = "quotadeck-base64:", "quotadeck-parts:"
_NAME = re.compile(r"[A-Za-z0-9_:.-]{1,200}")
_MISSING = 44
_STATES = {36: State.LOCKED, 51: State.DENIED, 128: State.DENIED}
"""The low byte of -25308 (no interaction allowed), -25293 (refused) and -128 (cancelled)."""


class Keychain:
    """Reads any item, as it stands; writes and removes only quotadeck's own."""

    def __init__(self, home: Path, program: str = SECURITY) -> None:
        self._program = program
        self._variables = {"HOME": str(home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"}
        if not Path(program).exists():
            raise VaultTrouble(State.ABSENT)

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, None if there is none."""
        held = self._item(service, username)
        if held is None or service != OWN_SERVICE:
            return held
        if held.startswith(_WHOLE):
            return _decoded(held.removeprefix(_WHOLE))
        names, digest = _named(username, held)
        parts = [self._item(service, name) or "" for name in names]
        if _digest("".join(parts)) != digest:
            raise VaultTrouble(State.BROKEN, "a part of what it keeps is gone")
        return _decoded("".join(parts))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Stores the secret, in place of the one before."""
        text = base64.b64encode(password.encode()).decode()
        before = self._parts(service, username)
        if len(text) <= PART:
            self._store(service, username, _WHOLE + text)
            now: Sequence[str] = ()
        else:
            head = f"{_PARTS}{-(-len(text) // PART)}:{_digest(text)}"
            now, _ = _named(username, head)
            for number, name in enumerate(now):
                self._store(service, name, text[number * PART : (number + 1) * PART])
            self._store(service, username, head)
        for name in before:
            if name not in now:
                self._remove(service, name)

    def delete_password(self, service: str, username: str) -> None:
        """Removes the secret: first what names its parts."""
        parts = self._parts(service, username)
        self._remove(service, username)
        for name in parts:
            self._remove(service, name)

    def _parts(self, service: str, username: str) -> Sequence[str]:
        held = self._item(service, username)
        return _named(username, held)[0] if held is not None and held.startswith(_PARTS) else ()

    def _item(self, service: str, name: str) -> str | None:
        code, printed = self._run(["find-generic-password", "-s", service, "-a", name, "-w"])
        if code == _MISSING:
            return None
        _refuse(code)
        return printed.removesuffix("\n")

    def _store(self, service: str, name: str, text: str) -> None:
        if service != OWN_SERVICE or not _NAME.fullmatch(name):
            raise VaultTrouble(State.BROKEN, "a name that is none of ours")
        line = f"add-generic-password -U -s {service} -a {name} -w {text}\n"
        _refuse(self._run(["-i"], line)[0])

    def _remove(self, service: str, name: str) -> None:
        code, _ = self._run(["delete-generic-password", "-s", service, "-a", name])
        if code != _MISSING:
            _refuse(code)

    def _run(self, arguments: Sequence[str], line: str = "") -> tuple[int, str]:
        try:
            done = subprocess.run(
                [self._program, *arguments], input=line, env=self._variables, text=True, encoding="utf-8",
                errors="replace", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=DEADLINE,
                start_new_session=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise VaultTrouble(State.SILENT) from None
        except OSError as error:
            raise VaultTrouble(State.BROKEN, type(error).__name__) from None
        return done.returncode, done.stdout


def _refuse(code: int) -> None:
    if code:
        state = _STATES.get(code, State.BROKEN)
        raise VaultTrouble(state, f"security ended with {code}" if state is State.BROKEN else "")


def _named(username: str, head: str) -> tuple[Sequence[str], str]:
    """The names of a secret's parts, and their digest.  Names hold the digest: a new secret
    never writes over the parts of the one before."""
    found = re.fullmatch(rf"{_PARTS}(\d{{1,4}}):([0-9a-f]{{64}})", head)
    if found is None:
        raise VaultTrouble(State.BROKEN, "an item of it is in another form")
    return [f"{username}:{found[2][:16]}:{n}" for n in range(int(found[1]))], found[2]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        raise VaultTrouble(State.BROKEN, "an item of it is in another form") from None
