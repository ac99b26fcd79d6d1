"""What can be said of a token without using it: whether a header may carry it, its
fingerprint, its mark, and the claims in it.

Pure; for the provider folders.  Nothing here keeps a token.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def usable(value: object) -> str:
    """The token if a header can carry it, else nothing."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value:
        return value
    return ""


def fingerprint(token: str) -> str:
    """16 hex digits of the token's SHA-256, by which a token is known again; may be stored."""
    # Here, as only asking needs it: the import costs 2 ms of a one-shot command.
    import hashlib

    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def mark(token: str) -> str:
    """8 hex digits that name the account of a token which does not say whose it is."""
    return f"{zlib.crc32(token.encode()):08x}"


def claims(token: object) -> Mapping[str, Any]:
    """The claims of a JWT, unverified: it is our own user's file.  {} if undecodable."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3 or len(parts[1]) > 65_536:
        return {}
    from base64 import urlsafe_b64decode

    try:
        document = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
