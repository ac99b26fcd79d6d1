"""Who holds which login: the CLIs, the vault, other switchers; by fingerprints alone.

For the check-up.  A refresh token that two hold ends for one of them as soon as the other renews
it.  Nobody is named here: accounts go by their ids, other tools by their names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from providers.accounts.importers import IMPORTERS, CannotImport, candidates
from providers.accounts.living import look
from providers.accounts.login import LoginStore
from providers.accounts.registry import Kept, Registry, place_of
from providers.accounts.roster import Member
from providers.base import Environment
from providers.engine.checkup import Finding, Severity
from providers.record import Record

NOBODY = "nobody"
OURS = "quotadeck"


class Token(Record):
    """One login.  ``live`` are the places where CLIs keep it, ``kept`` the ids of the accounts
    whose newest it is, ``tools`` who else has it and may renew it; ``owner`` is who does."""

    lineage: str
    live: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    owner: str = NOBODY

    @property
    def holders(self) -> str:
        """In words, for a person."""
        words = [f"live in {place}" for place in self.live]
        words += [f"kept as {ident}" for ident in self.kept]
        words += [f"held by {tool}" for tool in self.tools]
        return ", ".join(words)


def tokens(
    environment: Environment,
    stores: Sequence[LoginStore],
    registry: Registry,
    members: Mapping[str, Member],
    now: float,
) -> tuple[Token, ...]:
    """Every login that can be seen without opening a keyring, those of CLIs first."""
    live: dict[str, list[str]] = {}
    for store in stores:
        login = look(store, patient=False).live.login
        if login is not None:
            live.setdefault(login.lineage, []).append(place_of(store.provider, store.slot))
    kept: dict[str, list[Kept]] = {}
    for account in registry.accounts:
        if account.newest is not None:
            kept.setdefault(account.newest.lineage, []).append(account)
    others = _others(environment, stores, now)
    found: list[Token] = []
    for lineage in dict.fromkeys((*live, *kept, *others)):
        ids = tuple(account.id for account in kept.get(lineage, ()))
        plain = Token(lineage, tuple(live.get(lineage, ())), ids, tuple(others.get(lineage, ())))
        mine = [members[ident] for ident in ids if ident in members]
        found.append(Token(lineage, plain.live, ids, plain.tools, _owner(plain, mine)))
    return tuple(found)


def shared(
    found: Sequence[Token], stores: Sequence[LoginStore], members: Mapping[str, Member]
) -> Iterator[Finding]:
    """What is wrong with who holds what."""
    by_place = {place_of(s.provider, s.slot): s for s in stores}
    for token in found:
        mark = token.lineage[:8]
        if len(token.live) > 1:
            last = by_place[token.live[-1]]
            why = f"hold the same login ({mark}): whoever renews it first logs the other out"
            yield Finding(" and ".join(token.live), why, login_command(last))
        if len(token.kept) > 1:
            why = f"are kept with the same login ({mark}), which ends for all as soon as one renews it"
            first = members.get(token.kept[-1])
            fix = f"quotadeck forget {first.provider} {first.id}" if first is not None else ""
            yield Finding(" and ".join(token.kept), why, fix, Severity.SEVERE)
        yield from _held_too(token, by_place, members)


def login_command(store: LoginStore) -> str:
    """How to log in anew in the CLI's own place."""
    words = store.command.split(" ")
    while words and "=$(" in words[0]:
        # An assignment with a command in it, which may have blanks.
        closed = next((i for i, word in enumerate(words) if word.endswith(")")), 0)
        words = words[closed + 1 :]
    return " ".join(words)


def _held_too(
    token: Token, by_place: Mapping[str, LoginStore], members: Mapping[str, Member]
) -> Iterator[Finding]:
    for tool in token.tools:
        if not token.live and not token.kept:
            continue
        if any(members[ident].owner == tool for ident in token.kept if ident in members):
            continue
        fix = f"quotadeck import {tool}"
        if not token.kept:
            fix = f"quotadeck capture {by_place[token.live[0]].provider} && {fix}"
        here = (*token.kept, *token.live)
        why = f"{'share' if len(here) > 1 else 'shares'} a login ({token.lineage[:8]}) with {tool}, which may"
        why += " renew it and so log the others out; import marks it, so that we do not renew it either"
        yield Finding(" and ".join(here), why, fix)


def _owner(token: Token, mine: Sequence[Member]) -> str:
    if token.live:
        return token.live[0].partition(":")[0]
    tool = next((m.owner for m in mine if m.owner in token.tools), "")
    if tool or (token.tools and not mine):
        return tool or token.tools[0]
    return OURS if any(m.fresh for m in mine) else NOBODY


def _others(environment: Environment, stores: Sequence[LoginStore], now: float) -> dict[str, list[str]]:
    """Which tools have which login in their files and may renew it."""
    whole = {store.provider: store for store in stores if not store.slot}
    found: dict[str, list[str]] = {}
    for tool in IMPORTERS:
        with contextlib.suppress(CannotImport, KeyError):
            for candidate in candidates(tool, environment, whole, None, now=now):
                if candidate.login is not None and candidate.still_used:
                    names = found.setdefault(candidate.login.lineage, [])
                    if tool not in names:
                        names.append(tool)
    return found
