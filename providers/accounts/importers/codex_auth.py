"""The snapshots of codex-auth: a copy of auth.json for each account, beside Codex's own.

Facts: Loongphy/codex-auth:src/registry/common.zig (schema 3, and 2, which names accounts by
e-mail), docs/schema-migration.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.accounts.importers.candidate import (
    Candidate,
    SecretReader,
    alias_of,
    judged,
    label_of,
    refused,
)
from providers.accounts.importers.sources import MOST, NotRead, copied, register, still_used, unknown_form
from providers.accounts.login import LoginStore
from providers.base import Environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOOL = "codex-auth"
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


def read(
    environment: Environment, stores: Mapping[str, LoginStore], secret: SecretReader | None, now: float
) -> Iterator[Candidate]:
    """Each account of the registry."""
    folder = environment.folder("CODEX_HOME", ".codex") / "accounts"
    path = folder / "registry.json"
    document, written_at = register(path, TOOL)
    rows = document.get("accounts") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise unknown_form(path, TOOL)
    version = document.get("schema_version", document.get("version"))
    if isinstance(version, bool) or version not in (2, 3):
        raise unknown_form(path, TOOL)
    used = still_used(environment, TOOL, written_at, now)
    for count, row in enumerate(rows[:MOST], 1):
        held = row if isinstance(row, Mapping) else {}
        label = label_of(held.get("email"), held.get("account_name"), fallback=f"account {count}")
        blank = Candidate(TOOL, label, "codex", alias=alias_of(held.get("alias")), still_used=used)
        yield _candidate(blank, folder, _file(held, version), stores["codex"])


def _file(row: Mapping[str, Any], version: int) -> str:
    """The name of an account's snapshot, "" if it has none that is one."""
    key = row.get("account_key" if version == 3 else "email")
    if not isinstance(key, str) or not key or len(key) > 180:
        return ""
    if version == 3 and _PLAIN.fullmatch(key) and key not in (".", ".."):
        return f"{key}.auth.json"
    coded = base64.urlsafe_b64encode(key.encode("utf-8", "replace"))
    return f"{coded.decode().rstrip('=')}.auth.json"


def _candidate(blank: Candidate, folder: Path, name: str, store: LoginStore) -> Candidate:
    if not name:
        return refused(blank, "its key in the registry is none, so no file is opened by it")
    try:
        found = copied(folder / name)
    except NotRead as trouble:
        return refused(blank, str(trouble))
    return judged(blank, store, (found.data if found else None,))
