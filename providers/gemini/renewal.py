"""Renewing Google's access token in place: the one login that is ever renewed here.

Google's refresh tokens do not rotate, so nobody loses theirs.  Still: never while a gemini runs,
never through a link, never another account's, and of the file only the access token and its
expiry change.  The values that a refresh needs beside the token belong to the installed CLI; none
is in this project.  Facts: google-gemini/gemini-cli 0.61.0, tokenmaxxer.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.base import KIB, Environment, FileBytes
from providers.engine.files import WriteFailed, WriteRefused, read_file, write_atomic
from providers.engine.lock import LockFailed, locked
from providers.engine.processes import running
from providers.engine.tokens import usable
from providers.engine.values import number
from providers.gemini.login import Held

NAMES = frozenset({"gemini", "gemini.js"})
_PAIRS = (
    ("TOKENMAXXER_GEMINI_OAUTH_CLIENT_ID", "TOKENMAXXER_GEMINI_OAUTH_CLIENT_SECRET"),
    ("GEMINI_OAUTH_CLIENT_ID", "GEMINI_OAUTH_CLIENT_SECRET"),
)
_VALUE = {
    "id": re.compile(rb"""OAUTH_CLIENT_ID\s*=\s*["']([0-9]+-[a-z0-9]+\.apps\.googleusercontent\.com)["']"""),
    "secret": re.compile(rb"""OAUTH_CLIENT_SECRET\s*=\s*["']([A-Za-z0-9_-]{10,80})["']"""),
}
_PACKAGE = "gemini-cli"
_CHUNKS = (
    "bundle/*.js",
    "dist/src/code_assist/oauth2.js",
    "node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js",
)
_MOST_FILES, _MOST_BYTES = 200, 32 * 1024 * KIB
_BLOCK, _OVERLAP = 1024 * KIB, 512
"""The chunk that holds them has 17 MB; it is read in blocks, so that it costs no memory."""


def may_renew() -> bool:
    """Whether no gemini of this user runs now; not knowing counts as running."""
    return running(NAMES) is False


def client_values(login: Held, environment: Environment) -> tuple[str, str] | None:
    """The id and secret of the client that the login belongs to: from the environment, from beside
    the tokens, or from the installed CLI; in memory only."""
    for first, second in _PAIRS:
        found = usable(environment.variables.get(first)), usable(environment.variables.get(second))
        if all(found):
            return found
    if login.client_id and login.client_secret:
        return login.client_id, login.client_secret
    return _installed(environment)


def _installed(environment: Environment) -> tuple[str, str] | None:
    command = shutil.which("gemini", path=environment.variables.get("PATH", ""))
    if command is None:
        return None
    start = Path(os.path.realpath(command))
    root = next((p for p in start.parents if p.name == _PACKAGE), None)
    for path in _candidates(root) if root is not None else ():
        found = _searched(path)
        if found is not None:
            return found
    return None


def _candidates(root: Path) -> Iterator[Path]:
    """Big files first: the bundle's chunk that holds everything is the biggest."""
    found = [p for pattern in _CHUNKS for p in root.glob(pattern)][:_MOST_FILES]
    sized = [(p.stat().st_size, p) for p in found if p.is_file()]
    yield from (p for size, p in sorted(sized, reverse=True) if size <= _MOST_BYTES)


def _searched(path: Path) -> tuple[str, str] | None:
    values: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            rest = b""
            while block := file.read(_BLOCK):
                text = rest + block
                for name, pattern in _VALUE.items():
                    match = pattern.search(text)
                    if match:
                        values.setdefault(name, match[1].decode("ascii"))
                if len(values) == len(_VALUE):
                    return values["id"], values["secret"]
                rest = text[-_OVERLAP:]
    except OSError:
        pass
    return None


def write_back(path: Path, lock: Path, renewal: Mapping[str, str], refresh_token: str) -> str:
    """Puts the renewed token into oauth_creds.json; returns why not, or nothing.

    Under a lock of ours; the file is read anew, and left alone if it is another account's by now
    or was renewed meanwhile.
    """
    try:
        with locked(lock, 2.0):
            found = read_file(path, 256 * KIB)
            if not isinstance(found, FileBytes):
                return f"{path.name} cannot be renewed in place: it {getattr(found, 'reason', 'is gone')}"
            document = json.loads(found.data)
            if not isinstance(document, dict) or document.get("refresh_token") != refresh_token:
                return f"{path.name} changed meanwhile, so the new token was dropped"
            expiry = float(renewal["expiry_date"])
            if (number(document.get("expiry_date")) or 0.0) >= expiry:
                return ""
            document |= {"access_token": renewal["access_token"], "expiry_date": int(expiry)}
            if not may_renew():
                return "gemini was started meanwhile, so the new token was dropped"
            write_atomic(path, json.dumps(document, indent=2, ensure_ascii=False).encode())
            return ""
    except LockFailed as error:
        return f"the token was not renewed: {error}"
    except (WriteFailed, WriteRefused) as error:
        return f"the token was not renewed: {error}"
    except (ValueError, KeyError, RecursionError):
        return f"{path.name} is not in a form that this version knows, so it was left alone"
