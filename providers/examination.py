"""The whole check-up, for ``quotadeck doctor`` and for the screen of the pane: files, accounts,
vault.

Puts the registry's stores together with the check-ups of the engine and of accounts/.  Takes up
to some seconds, as a keyring may not answer: never on the event loop.  Sends nothing, changes
nothing, opens no secret in a keyring.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import providers
from providers.accounts.checkup import check_accounts, check_vault
from providers.accounts.holders import Token
from providers.accounts.vaults import Offer, Vaults
from providers.base import Environment, FileSource
from providers.engine.checkup import Finding, Severity, findings, typed
from providers.engine.intake import tilde
from providers.engine.settings import Settings
from providers.record import Record

PLAIN_KEYS: tuple[tuple[str, str, str], ...] = (
    (
        ".claude-session-key",
        "holds a session key of claude.ai in plain text",
        "quotadeck key set claude-web < {path} && rm {path}",
    ),
    (
        ".claude/.tokenmaxxer-opencode-go.json",
        "holds a browser's cookie of opencode.ai in plain text",
        "rm {path}",
    ),
)
"""Secrets that tools keep in files that every program of the person can read, under home: path,
what it is, and how to be rid of it."""

ORDER = (Severity.SEVERE, Severity.WARNING, Severity.NOTE)


class Examination(Record):
    """Everything that was found, the worst first; who holds which login; and the vaults."""

    findings: tuple[Finding, ...] = ()
    tokens: tuple[Token, ...] = ()
    vaults: tuple[Offer, ...] = ()


def examine(
    environment: Environment,
    settings: Settings,
    sources: Sequence[FileSource],
    vaults: Vaults,
    now: float,
) -> Examination:
    """Looks at everything.  ``now`` in epoch seconds."""
    stores = [s for s in providers.stores(environment) if s.provider not in settings.disabled]
    accounts = check_accounts(environment, stores, now)
    offers = vaults.survey()
    found = (
        *findings(environment, sources),
        *_plain_keys(environment),
        *accounts.findings,
        *check_vault(offers, any(token.kept for token in accounts.tokens)),
    )
    ordered = sorted(dict.fromkeys(found), key=lambda finding: ORDER.index(finding.severity))
    return Examination(tuple(ordered), accounts.tokens, offers)


def _plain_keys(environment: Environment) -> list[Finding]:
    found: list[Finding] = []
    for name, what, fix in PLAIN_KEYS:
        path: Path = environment.home / name
        if path.is_file():
            shown = tilde(path, environment.home)
            found.append(Finding(shown, what, fix.format(path=typed(path, environment.home))))
    return found
