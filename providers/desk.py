"""The one door to accounts: for the command line and for the pane's worker thread.

Puts the stores of the providers, the vault, the prover and the rooms of accounts/ together.
Every call may wait for a disk, a keyring or a provider; none is made on the event loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import providers
from providers.accounts.audit import Trace, record, trail
from providers.accounts.capture import capture
from providers.accounts.filing import Waiting
from providers.accounts.importing import Importing
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Prove, look, whose
from providers.accounts.login import CannotSwitch, LoginStore
from providers.accounts.proof import Proof, Prover
from providers.accounts.recovery import Recovery
from providers.accounts.registry import Kept, Registry, accounts_lock, load_registry, place_of
from providers.accounts.roster import Member, find, load_roster, save_roster, with_member
from providers.accounts.settle import Settler
from providers.accounts.switch import Plan, Switched, Switcher
from providers.accounts.vault import Vault, VaultTrouble
from providers.base import Environment
from providers.engine.clock import Clock
from providers.engine.http import Http
from providers.engine.settings import Settings
from providers.engine.values import clean
from providers.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx

PROVEN_BY: Mapping[str, str] = {"claude": "providers.claude.profile"}
"""Whose tokens do not say whose they are, and the module whose ``PROOF`` asks."""


class Row(Record):
    """One account as lists show it: who it is, whether its login is live in its CLI now, and
    what the vault has of it."""

    member: Member
    live: bool
    kept: bool
    shared: bool
    spent: bool


class Desk:
    """Accounts of one person.  ``by`` goes into the audit trail; ``prove`` asks providers whose
    a login is."""

    def __init__(
        self,
        environment: Environment,
        stores: Sequence[LoginStore],
        vault: Vault,
        clock: Clock,
        *,
        prove: Prove | None = None,
        by: str = "command",
        step: Step = no_step,
    ) -> None:
        self.environment, self.stores = environment, tuple(stores)
        self._clock, self._prove, self._by = clock, prove, f"{by} {os.getpid()}"
        self._keeper = Keeper(environment, vault, clock, step=step)
        self._switcher = Switcher(environment, self._keeper, clock, prove=prove, step=step)
        self._settler = Settler(environment, self._keeper, clock, step=step)
        self._recovery = Recovery(environment, self._keeper, clock, stores, prove=prove, step=step)

    def rows(self) -> tuple[Row, ...]:
        """Everybody, by provider and order.  Raises `CannotSwitch` for a roster or registry that
        cannot be read."""
        registry, members = (
            load_registry(self.environment.state_dir),
            load_roster(self.environment.config_dir),
        )
        live = {place_of(s.provider, s.slot): self._live(s, registry) for s in self.stores}
        order = {s.provider: i for i, s in enumerate(self.stores)}
        rows = [_row(m, registry, live.get(place_of(m.provider, m.slot), "")) for m in members]
        return tuple(sorted(rows, key=lambda r: (order.get(r.member.provider, 99), r.member.order)))

    def capture(self, provider: str, alias: str = "") -> tuple[Member, ...]:
        """Keeps what is live of a provider; of a CLI with several logins each.  Raises
        `CannotSwitch` or `VaultTrouble`."""
        stores = self._stores_of(provider)
        kept: list[Member] = []
        refused: list[CannotSwitch] = []
        for store in stores:
            try:
                kept.append(self._captured(store, alias if len(stores) == 1 else ""))
            except CannotSwitch as why:
                self._trace("capture", store, "", "", "", str(why))
                refused.append(why)
        if not kept:
            raise refused[0]
        return tuple(kept)

    def importing(self) -> Importing:
        """The way in for logins that other tools keep."""

        def traced(store: LoginStore, to: str, lineage: str, ended: str) -> None:
            self._trace("import", store, "", to, lineage, ended)

        return Importing(
            self.environment, self._keeper, self.stores, self._clock, prove=self._prove, traced=traced
        )

    def rename(self, ident: str, alias: str) -> Member:
        """Gives an account another alias.  Raises `CannotSwitch`."""
        return self._change(ident, alias=_alias(alias, load_roster(self.environment.config_dir), ident))

    def mark(self, ident: str, **changes: bool) -> Member:
        """Changes what a person says of an account: ``enabled``, ``never_pick``, ``fresh``."""
        return self._change(ident, **changes)

    def forget(self, member: Member) -> None:
        """Takes an account out of the roster; its logins stay in the vault for seven days.  The
        CLI's own login is not touched.  Raises `CannotSwitch`."""
        self._keeper.bin(member.id)
        self._trace("forget", member, member.id, "", "", "done")

    def bring_back(self, word: str) -> Member:
        """Undoes `forget`, within its seven days.  Raises `CannotSwitch`."""
        return self._keeper.bring_back(word)

    def find(self, provider: str, word: str) -> Member:
        """The account that a person means.  Raises `CannotSwitch`."""
        self._stores_of(provider)
        return find(load_roster(self.environment.config_dir), provider, word)

    def plan(self, member: Member) -> Plan:
        """What a switch to this account would do.  Raises `CannotSwitch` or `VaultTrouble`."""
        return self._switcher.plan(self._store(member), member.id)

    def carry_out(self, plan: Plan) -> Switched:
        """Does it.  Raises `CannotSwitch` or `VaultTrouble` with nothing changed."""
        try:
            done = self._switcher.carry_out(plan)
        except (CannotSwitch, VaultTrouble) as why:
            self._trace("switch", plan.store, "", plan.to.id, plan.login.lineage, str(why))
            raise
        ended = "verified" if done.verified else done.message
        self._trace("switch", plan.store, done.came_from, done.to, plan.login.lineage, ended)
        return done

    def back(self, provider: str) -> Member:
        """The account that was live before the last switch.  Raises `CannotSwitch`."""
        registry = load_registry(self.environment.state_dir)
        members = {m.id: m for m in load_roster(self.environment.config_dir)}
        for store in self._stores_of(provider):
            before = registry.previous.get(place_of(store.provider, store.slot), "")
            if before in members:
                return members[before]
        raise CannotSwitch(f"there is no switch of {clean(provider)} to undo")

    def recover(self, *, now: bool = False) -> Waiting:
        """Finishes what a killed process left.  Raises `CannotSwitch`."""
        found = self._recovery.run(now=now)
        self._keeper.empty_bin()
        return found

    @property
    def unfinished(self) -> bool:
        """Whether there is something to recover; cheap."""
        return self._recovery.needed()

    def watch(self) -> tuple[str, ...]:
        """Looks after switches for late writers; sentences for a person.  Never raises."""
        said: list[str] = []
        for store in self.stores:
            try:
                said += self._settler.look_after(store)
            except (CannotSwitch, VaultTrouble) as why:
                said.append(str(why))
            except OSError as error:
                said.append(f"a switch could not be cleared up: {error.strerror or 'unknown reason'}")
        return tuple(said)

    def trail(self) -> tuple[Trace, ...]:
        """The audit trail, oldest first."""
        return trail(self.environment.state_dir)

    def _captured(self, store: LoginStore, alias: str) -> Member:
        members = load_roster(self.environment.config_dir)
        name = _alias(alias, members, "") if alias else ""
        kept = capture(self.environment, self._keeper, store, self._prove)
        newest = kept.newest.lineage if kept.newest is not None else ""
        self._trace("capture", store, "", kept.id, newest, "done")
        return self._change(kept.id, **({"alias": name} if name else {}))

    def _change(self, ident: str, **changes: object) -> Member:
        with accounts_lock(self.environment.state_dir):
            members = load_roster(self.environment.config_dir)
            before = next((m for m in members if m.id == ident), None)
            if before is None:
                raise CannotSwitch("that account is not in accounts.toml any more")
            after = replace(before, **changes)
            if after != before:
                save_roster(self.environment.config_dir, with_member(members, after))
        return after

    def _live(self, store: LoginStore, registry: Registry) -> str:
        """The id of the account that is live in a store, as far as files tell."""
        login = look(store, patient=False).live.login
        if login is None:
            return ""
        owner = whose(login, registry, None) or login.claimed
        account = registry.of_key(store.provider, store.slot, owner.key) if owner is not None else None
        return account.id if account is not None else ""

    def _store(self, member: Member) -> LoginStore:
        found = [s for s in self._stores_of(member.provider) if s.slot == member.slot]
        if not found:
            raise CannotSwitch(f"{clean(member.provider)} has no place for that login any more")
        return found[0]

    def _stores_of(self, provider: str) -> tuple[LoginStore, ...]:
        found = tuple(s for s in self.stores if s.provider == provider)
        if not found:
            known = ", ".join(dict.fromkeys(s.provider for s in self.stores))
            raise CannotSwitch(
                f"logins of {clean(provider)!r} are not switched here; those of {known} are"
                if provider not in DELEGATED
                else f"quotadeck does not switch {provider}: {DELEGATED[provider]}"
            )
        return found

    def _trace(
        self, what: str, whose_: LoginStore | Member, came_from: str, to: str, lineage: str, ended: str
    ) -> None:
        record(
            self.environment.state_dir,
            Trace(
                self._clock.now(), what, whose_.provider, whose_.slot, self._by, came_from, to, lineage, ended
            ),
        )


DELEGATED: Mapping[str, str] = {
    "copilot": "run /user switch in copilot, or gh auth switch",
    "cursor": "log in with cursor-agent login, or in the IDE's settings",
}
"""CLIs that switch accounts themselves, and how."""


def open_desk(
    environment: Environment,
    settings: Settings,
    clock: Clock,
    vault: Vault,
    *,
    by: str = "command",
    network: Callable[[], httpx.AsyncBaseTransport] | None = None,
) -> Desk:
    """A desk over the registry's stores."""

    def client() -> Http:
        return Http(clock, _version(), transport=network() if network is not None else None)

    proofs: dict[str, Proof] = {name: import_module(module).PROOF for name, module in PROVEN_BY.items()}
    prover = Prover(environment, clock, proofs, client, settings.endpoints)
    switched_off = {name for name in providers.SWITCHABLE if name in settings.disabled}
    stores = [s for s in providers.stores(environment) if s.provider not in switched_off]
    return Desk(environment, stores, vault, clock, prove=prover, by=by)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("quotadeck")
    except PackageNotFoundError:
        return "0"


def _row(member: Member, registry: Registry, live: str) -> Row:
    account = registry.account(member.id) or Kept(member.id, member.provider, member.slot, member.key, "")
    newest = account.newest
    shared = newest is not None and len(registry.sharers(newest.lineage)) > 1
    spent = newest is not None and account.spent == newest.lineage
    return Row(member, live == member.id, newest is not None, shared, spent)


def _alias(alias: str, members: Sequence[Member], ident: str) -> str:
    """An alias that can be typed, and that nobody else has.  Raises `CannotSwitch`."""
    word = alias.strip()
    if not word or clean(word, 40) != word or word.startswith("-") or word == "best":
        raise CannotSwitch(
            "an alias is one short line that does not begin with a dash, and not the word best"
        )
    if any(word in (m.alias, m.id) for m in members if m.id != ident):
        raise CannotSwitch(f"another account is called {word!r}")
    return word
