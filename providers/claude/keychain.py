"""Claude Code's own item in a Mac's keychain: its name, and the login in what it holds.

Pure, for the usage endpoint, which has it read when a person presses a key and never by itself.
Facts: realiti4/claude-swap:src/claude_swap/credentials.py, steipete/CodexBar.  Nobody has tried
this on a real Mac yet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from providers.asking import Kept
from providers.base import Environment, Unparseable
from providers.engine.values import load_json, part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SERVICE = "Claude Code-credentials"


def item(environment: Environment) -> Kept:
    """The item of this home: a folder that a variable names has one of its own, marked by the
    variable's text as it stands."""
    variables = environment.variables
    moved = variables.get("CLAUDE_SECURESTORAGE_CONFIG_DIR")
    folder = moved if moved is not None else variables.get("CLAUDE_CONFIG_DIR", "")
    return Kept(_marked(folder), variables.get("USER") or "claude-code-user")


def login_in(secret: str) -> Mapping[str, Any]:
    """The OAuth part of what the item holds, {} if there is none.  The keychain's program prints
    what is not plain text as hex."""
    text = secret
    if secret and not secret.lstrip().startswith("{"):
        try:
            text = bytes.fromhex(secret.strip()).decode()
        except ValueError:
            return {}
    try:
        return part(load_json(text.encode("utf-8", "replace")), "claudeAiOauth")
    except Unparseable:
        return {}


def _marked(folder: str) -> str:
    if not folder:
        return SERVICE
    from hashlib import sha256

    return f"{SERVICE}-{sha256(unicodedata.normalize('NFC', folder).encode()).hexdigest()[:8]}"
