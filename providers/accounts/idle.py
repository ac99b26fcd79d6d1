"""Whether a kept login lies in the vault and nowhere else, so that renewing it takes it from nobody.

For freshen.py, which asks under the account's lock.  Looks at files and processes, and opens no
vault.  Whatever cannot be seen counts as held by somebody: a refresh token that two
holders redeem logs one of them out (Lampese/codex-switcher#136, realiti4/claude-swap#381).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from providers.accounts.audit import trail
from providers.accounts.journal import entries
from providers.accounts.living import look
from providers.accounts.login import Held, LoginStore
from providers.accounts.registry import Kept, Registry
from providers.accounts.roster import OURS, Member
from providers.accounts.safety import copies
from providers.engine.timeline import load_stays

FRESHENED = "fresh"
"""The source of a generation that we renewed ourselves: no CLI ever held it."""

NEEDS_LOGIN = "the provider refused its kept login: log in to it again"


def held_by(
    member: Member, account: Kept, registry: Registry, stores: Sequence[LoginStore], state_dir: Path
) -> str:
    """Who may hold the newest login of an account besides the vault, or why it cannot be renewed
    at all; one clean clause, "" if nothing speaks against it."""
    newest = account.newest
    store = next((s for s in stores if (s.provider, s.slot) == (account.provider, account.slot)), None)
    if newest is None or store is None:
        return "no login of it is kept"
    if member.owner not in ("cli", OURS):
        return f"{member.owner} renews it"
    if account.spent == newest.lineage:
        return NEEDS_LOGIN
    if any(a.has(newest.lineage) for a in registry.accounts if a.id != account.id):
        return "two accounts share its login"
    return (
        _between(account, stores, state_dir)
        or _live(account, store, stores)
        or _running(account, store, state_dir)
    )


def _between(account: Kept, stores: Iterable[LoginStore], state_dir: Path) -> str:
    """Logins that are on their way between a store and the vault."""
    if any(account.id in (e.to, e.came_from) for e in entries(state_dir)):
        return "a switch to or from it is not over yet"
    by_place = {(s.provider, s.slot): s for s in stores}
    for copy in copies(state_dir):
        store = by_place.get((copy.provider, copy.slot))
        login = store.opened(copy.payload) if store is not None else None
        if login is not None and account.has(login.lineage):
            return "a login of it waits in a safety copy"
        if (copy.provider, copy.slot) == (account.provider, account.slot) and copy.owner in ("", account.key):
            return "a login that may be its waits in a safety copy"
    return ""


def _live(account: Kept, own: LoginStore, stores: Iterable[LoginStore]) -> str:
    """The login in a CLI's store, whichever CLI it is."""
    for store in stores:
        seen = look(store, patient=False)
        live, login = seen.live, seen.live.login
        if login is not None and account.has(login.lineage):
            return f"it is the live login of {store.provider}"
        if store is not own:
            continue
        refusal = store.refusal(seen.found)
        if refusal:
            return f"what is live cannot be seen: {refusal}"
        if live.held in (Held.UNREADABLE, Held.MIXED):
            return f"what is live cannot be told: {live.why}"
        named = (login.identity or login.claimed) if login is not None else None
        if login is not None and (named is None or named.key == account.key):
            return f"it may be the live login of {store.provider}"
    return ""


def _running(account: Kept, store: LoginStore, state_dir: Path) -> str:
    """A session that runs since before the account was live last may still have it in memory."""
    running = store.running()
    if not running.known:
        return f"whether a {store.provider} runs cannot be seen here"
    if running.count and running.since <= _live_until(account, state_dir):
        return f"a {store.provider} that runs since it was in use may still hold it"
    return ""


def _live_until(account: Kept, state_dir: Path) -> float:
    """The latest moment at which the account may have been live, epoch seconds."""
    moments = [0.0, *(g.at for g in account.generations if g.source != FRESHENED)]
    place = account.provider, account.slot
    moments += [
        t.at for t in trail(state_dir) if (t.provider, t.slot) == place and account.id in (t.came_from, t.to)
    ]
    line = [stay for stay in load_stays(state_dir) if stay.provider == account.provider]
    for index, stay in enumerate(line):
        if stay.account == account.key:
            # Between the last sight of one account and the first of the next nobody was seen.
            moments.append(line[index + 1].since if index + 1 < len(line) else stay.seen)
    return max(moments)
