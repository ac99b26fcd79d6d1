"""The one door to accounts: for the command line and for the pane's worker thread.

Puts the stores of the providers, the vault, the prover and the rooms of accounts/ together.
Every call may wait for a disk, a keyring or a provider; none is made on the event loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import providers
from providers.accounts.audit import Trace, record, trail
from providers.accounts.capture import capture
from providers.accounts.filing import Waiting
from providers.accounts.following import Followed, follow
from providers.accounts.freshen import SWITCH_WAITS, Freshener, Tended, account_lock
from providers.accounts.importing import Importing
from providers.accounts.journal import Phase, entries
from providers.accounts.keeping import Keeper, Step, no_step
from providers.accounts.living import Prove, look, whose
from providers.accounts.login import CannotSwitch, Login, LoginStore
from providers.accounts.proof import Prover
from providers.accounts.recovery import Recovery
from providers.accounts.registry import Kept, Registry, accounts_lock, load_registry, place_of
from providers.accounts.renewal import TokenEndpoints
from providers.accounts.roster import Member, find, load_roster, save_roster, with_member
from providers.accounts.settle import Settler
from providers.accounts.switch import Plan, Switched, Switcher
from providers.accounts.targets import Row
from providers.accounts.vault import Vault, VaultTrouble
from providers.base import Environment
from providers.engine.clock import Clock
from providers.engine.http import Http
from providers.engine.logins import Signature, signature
from providers.engine.settings import Settings
from providers.engine.settings_file import keep_parsed
from providers.engine.values import clean
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx


class Desk:
    """Accounts of one person.  ``by`` goes into the audit trail; ``prove`` asks providers whose
    a login is, ``noted`` says what was proven before; ``endpoints`` renew idle logins."""

    def __init__(
        self,
        environment: Environment,
        stores: Sequence[LoginStore],
        vault: Vault,
        clock: Clock,
        *,
        prove: Prove | None = None,
        noted: Prove | None = None,
        endpoints: TokenEndpoints | None = None,
        by: str = "command",
        step: Step = no_step,
    ) -> None:
        self._noted = noted
        self._followed: dict[str, Signature | None] = {}
        self.environment, self.stores = environment, tuple(stores)
        self._clock, self._prove, self._by = clock, prove, f"{by} {os.getpid()}"
        self._keeper = Keeper(environment, vault, clock, step=step)
        self._switcher = Switcher(environment, self._keeper, clock, prove=prove, step=step)
        self._settler = Settler(environment, self._keeper, clock, step=step)
        self._recovery = Recovery(environment, self._keeper, clock, stores, prove=prove, step=step)
        self._freshener = (
            Freshener(environment, stores, self._keeper, clock, endpoints, step=step) if endpoints else None
        )

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
        with account_lock(self.environment.state_dir, member.id, SWITCH_WAITS):
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
        self._refuse_unsaved(member.id)
        return self._switcher.plan(self._store(member), member.id)

    def carry_out(self, plan: Plan) -> Switched:
        """Does it.  Raises `CannotSwitch` or `VaultTrouble` with nothing changed."""
        try:
            with account_lock(self.environment.state_dir, plan.to.id, SWITCH_WAITS):
                done = self._switcher.carry_out(self._as_of_now(plan))
        except (CannotSwitch, VaultTrouble) as why:
            self._trace("switch", plan.store, "", plan.to.id, plan.login.lineage, str(why))
            raise
        ended = "verified" if done.verified else done.message
        self._trace("switch", plan.store, done.came_from, done.to, plan.login.lineage, ended)
        return done

    def tend(self) -> Tended:
        """Keeps fresh whom a person wants to be (`Member.fresh`): renews what is due and held by
        nobody else.  May take 20 s for each; cheap while nothing is due.  The step ``renewing``
        comes before a request and ``copied`` once its answer is stored: in between a process
        should rather not end.  Never raises."""
        if self._freshener is None:
            return Tended()
        tended = self._freshener.tend()
        members = {m.id: m for m in self._members()}
        for said in tended.said:
            if said.account in members:
                self._trace("renew", members[said.account], "", said.account, said.lineage, said.sentence)
        return tended

    def now(self) -> float:
        """Epoch seconds, by the desk's clock."""
        return self._clock.now()

    def put_away(self) -> None:
        """Before the process ends: what is in memory alone goes to safety copies.  Quick."""
        if self._freshener is not None:
            self._freshener.put_away()

    def follow(self, provider: str) -> bool:
        """Files the live login of a kept account where its CLI renewed it; whether it did.  Asks
        nobody and says nothing; a stat while nothing changed.  Never raises."""
        filed = False
        for store in (s for s in self.stores if s.provider == provider):
            place, now = place_of(store.provider, store.slot), signature(store.files()[0].path)
            if place in self._followed and self._followed[place] == now:
                continue
            found = follow(self.environment, self._keeper, store, self._noted)
            if found in (Followed.NOTHING, Followed.FILED):
                self._followed[place] = now
            filed = filed or found is Followed.FILED
        return filed

    def verify(self, member: Member) -> str:
        """Looks, without a switch, whether the login of an account is whole and, where the
        provider can say, still works; one sentence.  Raises `CannotSwitch` or `VaultTrouble`."""
        store, registry = self._store(member), load_registry(self.environment.state_dir)
        account = registry.account(member.id)
        if account is None:
            raise CannotSwitch("no login of that account is kept: capture it once it is logged in")
        live = self._live(store, registry) == member.id
        login = look(store, patient=False).live.login if live else self._keeper.take(account, store)
        if login is None:
            raise CannotSwitch("the login changed just now: look again")
        if not live and account.spent == login.lineage:
            raise CannotSwitch("the provider refused the kept login: log in to it again")
        if login.ends_at is not None and login.ends_at <= self._clock.now():
            raise CannotSwitch("the login has run out: log in to it again")
        return self._verdict(login, member, "the live login" if live else "the kept login")

    def _verdict(self, login: Login, member: Member, which: str) -> str:
        proven = self._prove(login) if self._prove is not None else None
        named = proven or login.identity
        if named is not None and named.key != member.key:
            raise CannotSwitch(f"{which} is another account's: log in to this one again")
        if proven is not None:
            return f"{which} works: the provider says that it is this account"
        lapsed = login.expires_at is not None and login.expires_at <= self._clock.now()
        why = "its access token has lapsed" if lapsed else "the provider does not say more now"
        return f"{which} is whole; {why}"

    def ways(self) -> tuple[tuple[str, str, str], ...]:
        """(provider, slot, command) of every place for a login: the command logs another account
        in without logging the first out."""
        return tuple((s.provider, s.slot, s.command) for s in self.stores)

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

    @property
    def settling(self) -> bool:
        """Whether a switch is still looked after, so that `watch` has something to do; cheap."""
        places = {(s.provider, s.slot) for s in self.stores}
        return any(
            (e.provider, e.slot) in places and e.phase in (Phase.WRITTEN, Phase.AGAIN)
            for e in entries(self.environment.state_dir)
        )

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

    def _members(self) -> tuple[Member, ...]:
        try:
            return load_roster(self.environment.config_dir)
        except CannotSwitch:
            return ()

    def _as_of_now(self, plan: Plan) -> Plan:
        """The plan, made anew if the login that it would write was renewed or refused meanwhile."""
        self._refuse_unsaved(plan.to.id)
        account = load_registry(self.environment.state_dir).account(plan.to.id)
        newest = account.newest if account is not None else None
        spent = account is not None and account.spent == plan.login.lineage
        if newest is not None and newest.lineage == plan.login.lineage and not spent:
            return plan
        return self._switcher.plan(plan.store, plan.to.id)

    def _refuse_unsaved(self, ident: str) -> None:
        if self._freshener is None or not self._freshener.unsaved(ident):
            return
        self._freshener.save_again()
        if self._freshener.unsaved(ident):
            raise CannotSwitch(
                "the newest login of that account could not be stored yet: unlock the vault or make room"
            )

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
        keep_parsed(self.environment)
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
            known, how = ", ".join(dict.fromkeys(s.provider for s in self.stores)), delegated(provider)
            raise CannotSwitch(
                f"logins of {clean(provider)!r} are not switched here; those of {known} are"
                if not how
                else f"quotadeck does not switch {provider}: {how}"
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
        # So that the next ``status`` need not parse who there is.
        keep_parsed(self.environment)


def delegated(provider: str) -> str:
    """How a provider's own CLI moves between accounts, where that is left to it; else ""."""
    return providers.load(provider).descriptor.switch if provider in providers.PROVIDERS else ""


def open_desk(
    environment: Environment,
    settings: Settings,
    clock: Clock,
    vault: Vault,
    *,
    by: str = "command",
    network: Callable[[], httpx.AsyncBaseTransport] | None = None,
    step: Step = no_step,
) -> Desk:
    """A desk over the registry's stores."""

    def client() -> Http:
        return Http(clock, _version(), transport=network() if network is not None else None)

    prover = Prover(environment, clock, providers.proofs(), client, settings.endpoints)
    endpoints = TokenEndpoints(providers.renewals(), client, settings.endpoints)
    switched_off = {name for name in providers.SWITCHABLE if name in settings.disabled}
    stores = [s for s in providers.stores(environment) if s.provider not in switched_off]
    return Desk(
        environment, stores, vault, clock, prove=prover, noted=prover.noted,
        endpoints=None if settings.read_only else endpoints, by=by, step=step,
    )  # fmt: skip


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
