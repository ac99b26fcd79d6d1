"""The check-up of accounts: what stands against keeping and switching logins, and what mends it.

Findings and tables are frozen values for both front ends; nothing is changed.  For
`providers.examination`, on a thread that may wait for a disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from providers.accounts import holders
from providers.accounts.exchange import refuse
from providers.accounts.holders import Token, login_command
from providers.accounts.leftovers import leftovers
from providers.accounts.living import look
from providers.accounts.login import CannotSwitch, Held, LoginStore
from providers.accounts.registry import NAME as REGISTRY
from providers.accounts.registry import Registry, load_registry, place_of
from providers.accounts.roster import NAME as ROSTER
from providers.accounts.roster import Member, load_roster
from providers.accounts.vault import State
from providers.accounts.vaults import Offer, Rung
from providers.base import Environment
from providers.engine.checkup import Finding, Severity, typed
from providers.engine.intake import tilde
from providers.engine.values import clean
from providers.record import Record

_REFUSED = "nothing was changed: "


class AccountsCheckup(Record):
    """What was found, and who holds which login."""

    findings: tuple[Finding, ...] = ()
    tokens: tuple[Token, ...] = ()


def check_accounts(environment: Environment, stores: Sequence[LoginStore], now: float) -> AccountsCheckup:
    """Looks at every place where a login of these CLIs is, and at what is ours beside them."""
    found: list[Finding] = []
    registry, members = _ours(environment, found)
    for store in stores:
        found += _store(store, environment)
    found += _dead(registry, stores)
    known = holders.tokens(environment, stores, registry, members, now)
    found += holders.shared(known, stores, members)
    found += leftovers(environment, stores, now)
    return AccountsCheckup(tuple(found), known)


def check_vault(offers: Sequence[Offer], kept: bool) -> Iterator[Finding]:
    """What stands against the vault that was chosen; ``kept`` says whether anything lies in it."""
    chosen = next((offer for offer in offers if offer.chosen), None)
    if chosen is None:
        return
    if chosen.rung is Rung.PLAINTEXT:
        why = "secrets of ours are kept in files that are not encrypted, as config.toml says"
        yield Finding("vault", why, 'set vault = "keyring" or vault = "encrypted" in config.toml')
    elif chosen.state is not None and chosen.state is not State.SEALED:
        fix = "; ".join(chosen.recipe)
        severity = Severity.SEVERE if kept else Severity.WARNING
        yield Finding("vault", f"{chosen.rung.words} cannot be used: {chosen.sentence}", fix, severity)


def _ours(environment: Environment, found: list[Finding]) -> tuple[Registry, Mapping[str, Member]]:
    """The registry and the roster; empty, with a finding, where they cannot be read."""
    registry, members = Registry(), tuple[Member, ...]()
    try:
        registry = load_registry(environment.state_dir)
    except CannotSwitch as why:
        path = environment.state_dir / REGISTRY
        fix = (
            f"cp {typed(path.with_name(f'{REGISTRY}.bak'), environment.home)} {typed(path, environment.home)}"
        )
        found.append(Finding(tilde(path, environment.home), str(why), fix, Severity.SEVERE))
    try:
        members = load_roster(environment.config_dir)
    except CannotSwitch as why:
        path = environment.config_dir / ROSTER
        fix = f"$EDITOR {typed(path, environment.home)}"
        found.append(Finding(tilde(path, environment.home), str(why), fix, Severity.SEVERE))
    return registry, {member.id: member for member in members}


def _store(store: LoginStore, environment: Environment) -> Iterator[Finding]:
    """What stands against switching there: the CLI's own settings, its folder, what it holds."""
    seen, where = look(store, patient=False), clean(place_of(store.provider, store.slot))
    why = store.refusal(seen.found)
    if why:
        sentence, fix = _halves(why)
        yield Finding(where, f"accounts are not switched: {sentence}", fix)
    if seen.live.held is Held.MIXED:
        yield Finding(where, seen.live.why, login_command(store), Severity.SEVERE)
    elif seen.live.held is Held.HUSK:
        yield Finding(where, seen.live.why, login_command(store))
    for file in store.files():
        if file.path.parent.is_dir() and not file.path.is_symlink():
            try:
                refuse(file)
            except CannotSwitch as trouble:
                sentence, fix = _halves(str(trouble).removeprefix(_REFUSED))
                yield Finding(tilde(file.path, environment.home), f"is not switched: {sentence}", fix)


def _dead(registry: Registry, stores: Sequence[LoginStore]) -> Iterator[Finding]:
    by_place = {(s.provider, s.slot): s for s in stores}
    for account in registry.accounts:
        if account.newest is not None and account.spent == account.newest.lineage:
            store = by_place.get((account.provider, account.slot))
            fix = login_command(store) + f" && quotadeck capture {account.provider}" if store else ""
            yield Finding(f"{account.provider} {account.id}", "the provider refused its kept login", fix)


def _halves(sentence: str) -> tuple[str, str]:
    """What is wrong, and what to do, where a sentence says both."""
    what, colon, do = sentence.rpartition(": ")
    return (what, do) if colon else (sentence, "")
