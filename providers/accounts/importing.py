"""Taking over logins that other tools keep: what there is, compared with what is known here, and
then one after the other into the vault.

For the desk and its front ends, on a thread that may wait.  Looking opens files only; `take`
opens the vault, and asks the provider where a login could displace another and nothing in it says
whose it is.  Nothing is activated, and nothing of the other tool is changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from providers.accounts.importers import IMPORTERS, CannotImport, candidates
from providers.accounts.importers.candidate import SecretReader
from providers.accounts.importers.planned import Action, KnownAccount, Plan, Step, plan
from providers.accounts.keeping import Keeper
from providers.accounts.living import Prove, look, whose
from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.registry import IMPORTED, Kept, Registry, accounts_lock, load_registry
from providers.accounts.roster import Member, load_roster, save_roster, with_member
from providers.accounts.safety import copies
from providers.base import Environment
from providers.engine.clock import Clock
from providers.model import Identity
from providers.record import Record, replace

TAKEN = (Action.NEW, Action.NEWER, Action.BESIDE)
"""What `Importing.take` does something with."""

Traced = Callable[[LoginStore, str, str, str], None]
"""Notes in the audit trail: store, account id, lineage, how it ended."""


class Taken(Record):
    """What became of one login: who has it now (None if it was left), and a clean clause."""

    step: Step
    member: Member | None
    said: str


class Importing:
    """One import.  ``prove`` asks a provider whose a login is; ``traced`` writes it down."""

    def __init__(
        self,
        environment: Environment,
        keeper: Keeper,
        stores: Sequence[LoginStore],
        clock: Clock,
        *,
        prove: Prove | None,
        traced: Traced,
    ) -> None:
        self._environment, self._keeper, self._clock = environment, keeper, clock
        self._stores = {(s.provider, s.slot): s for s in stores}
        self._prove, self._traced = prove, traced

    def look(self, tool: str, secret: SecretReader | None = None) -> Plan:
        """What would be done with each login of a tool.  Without ``secret`` no keyring is opened.
        Raises `CannotImport` for a tool that is not known or has nothing, `CannotSwitch` where our
        own accounts cannot be read."""
        if tool not in IMPORTERS:
            raise CannotImport(f"nothing is imported from {tool!r}; there are {', '.join(IMPORTERS)}")
        whole = {provider: store for (provider, slot), store in self._stores.items() if not slot}
        try:
            found = candidates(tool, self._environment, whole, secret, now=self._clock.now())
        except KeyError as missing:
            raise CannotImport(f"{missing.args[0]} is switched off, so its logins are not imported") from None
        return plan(found, tuple(self._known()))

    def take(self, step: Step) -> Taken:
        """Files one login of a plan.  Raises `VaultTrouble` or `CannotSwitch` with nothing
        changed."""
        login = step.candidate.login
        if login is None or step.action not in TAKEN:
            return Taken(step, None, step.why or "nothing was to be done")
        store = self._stores[(login.provider, login.slot)]
        owner = self._owner(step, login, load_registry(self._environment.state_dir))
        if isinstance(owner, str):
            self._traced(store, "", login.lineage, f"not taken from {step.candidate.tool}: {owner}")
            return Taken(step, None, owner)
        renews = step.candidate.tool if step.do_not_refresh else ""
        kept = self._keeper.file(self._named(store, login, owner), owner, IMPORTED, owner=renews)
        self._traced(store, kept.id, login.lineage, f"taken from {step.candidate.tool}")
        return Taken(step, self._called(kept, step), _place(kept, login))

    def mark(self, step: Step) -> Taken | None:
        """Notes that another tool holds the login of an account that is kept here already; None
        where there was nothing to note.  Raises `CannotSwitch`."""
        if step.action is not Action.KEPT or not step.do_not_refresh or not step.account:
            return None
        tool = step.candidate.tool
        with accounts_lock(self._environment.state_dir):
            members = load_roster(self._environment.config_dir)
            known = next((m for m in members if m.id == step.account), None)
            if known is None or known.owner == tool:
                return None
            marked = replace(known, owner=tool)
            save_roster(self._environment.config_dir, with_member(members, marked))
        return Taken(step, marked, f"not renewed here from now on, as {tool} holds it too")

    def _known(self) -> Iterator[KnownAccount]:
        """Everybody whose logins are here: in the vault, live, in a safety copy."""
        registry = load_registry(self._environment.state_dir)
        for account in registry.accounts:
            lineages = tuple(g.lineage for g in account.generations)
            issued = account.newest.issued if account.newest is not None else 0.0
            yield KnownAccount(account.id, account.provider, account.slot, account.key, lineages, issued)
        for store in self._stores.values():
            login = look(store, patient=False).live.login
            if login is not None:
                yield _known_by(login, whose(login, registry, None) or login.claimed, registry)
        for copy in copies(self._environment.state_dir):
            kept = self._stores.get((copy.provider, copy.slot))
            login = kept.opened(copy.payload) if kept is not None else None
            if login is not None and copy.owner:
                yield _known_by(login, Identity(copy.owner), registry)

    def _owner(self, step: Step, login: Login, registry: Registry) -> Identity | str:
        """Whose it is, or why that is not certain enough.  What lay beside the bytes is believed
        for an account that is new here: nothing of anybody else's is displaced by it."""
        named = next((i for i in (login.identity, login.claimed) if i and i.key == step.identity), None)
        account = registry.of_key(login.provider, login.slot, step.identity) if step.identity else None
        displaces = account is not None and _displaces(login, account)
        if step.identity and (step.proven or not displaces):
            return named or Identity(step.identity)
        proven = self._prove(login) if self._prove is not None else None
        if proven is not None:
            return proven
        lapsed = login.expires_at is not None and login.expires_at <= self._clock.now()
        why = "its access token has lapsed" if lapsed else "the provider does not say it now"
        return f"whose it is must be asked first, but {why}"

    def _named(self, store: LoginStore, login: Login, owner: Identity) -> Login:
        """The login under its owner's name, where another's or none stood beside it."""
        named = login.identity or login.claimed
        if named is not None and named.key == owner.key:
            return login
        account = load_registry(self._environment.state_dir).of_key(store.provider, store.slot, owner.key)
        earlier = None
        if account is not None:
            with contextlib.suppress(CannotSwitch):
                earlier = self._keeper.take(account, store)
        return store.owned(login, owner, earlier)

    def _called(self, kept: Kept, step: Step) -> Member:
        """The member, with the other tool's alias if it has none and nobody else has that."""
        with accounts_lock(self._environment.state_dir):
            members = load_roster(self._environment.config_dir)
            member = next(m for m in members if m.id == kept.id)
            alias = step.candidate.alias
            taken = alias == "best" or any(alias in (m.alias, m.id) for m in members)
            if alias and not member.alias and not taken:
                member = replace(member, alias=alias)
                save_roster(self._environment.config_dir, with_member(members, member))
        return member


def _place(kept: Kept, login: Login) -> str:
    if kept.newest is not None and kept.newest.lineage == login.lineage:
        return "kept"
    return "kept beside its newest login" if kept.has(login.lineage) else "left, as newer ones are kept"


def _displaces(login: Login, account: Kept) -> bool:
    """Whether a switch to the account would take this login from now on."""
    return account.newest is None or 0 < account.newest.issued < login.issued


def _known_by(login: Login, owner: Identity | None, registry: Registry) -> KnownAccount:
    key = owner.key if owner is not None else ""
    account = registry.of_key(login.provider, login.slot, key) if key else None
    ident = account.id if account is not None else ""
    return KnownAccount(ident, login.provider, login.slot, key, (login.lineage,), login.issued)
