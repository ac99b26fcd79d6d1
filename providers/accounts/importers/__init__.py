"""Logins that other account switchers keep: what is there, and what it would be here.

For ``quotadeck import`` and its dialog.  Sources are read and never written; nothing is
activated and no token is redeemed.  Which file holds what, each tool's module says; whether
the bytes are a login, the store of the provider says, in the same way as for a live one; what
would become of it, `providers.accounts.importers.planned` says.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.accounts.importers import aimonitor, caam, cc_router, claude_swap, codex_auth
from providers.accounts.importers.candidate import Candidate, CannotImport, Reader, SecretReader
from providers.accounts.login import LoginStore
from providers.base import Environment

IMPORTERS: Mapping[str, Reader] = {
    claude_swap.TOOL: claude_swap.read,
    aimonitor.TOOL: aimonitor.read,
    cc_router.TOOL: cc_router.read,
    caam.TOOL: caam.read,
    codex_auth.TOOL: codex_auth.read,
}
"""The reader of each tool, by the name that ``quotadeck import`` takes."""


def candidates(
    tool: str,
    environment: Environment,
    stores: Mapping[str, LoginStore],
    secret: SecretReader | None,
    *,
    now: float,
) -> tuple[Candidate, ...]:
    """Every login that a tool keeps, also those that cannot be imported.

    ``stores`` by provider id judge the bytes.  ``secret`` fetches an item of the keyring by
    service and user ("" if there is none, `VaultTrouble` if it cannot); without it the keyring
    is not opened.  ``now`` in epoch seconds.  Raises `CannotImport`; KeyError for a tool that
    is not in `IMPORTERS`.
    """
    return tuple(IMPORTERS[tool](environment, stores, secret, now))


__all__ = ["IMPORTERS", "Candidate", "CannotImport", "candidates"]
