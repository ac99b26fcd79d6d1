"""What the pane asks of the desk: each errand a function for the clerk's thread.

They take the desk and return frozen values without a secret: plans, which hold logins, stay on
that thread.  Raise `CannotSwitch` or `VaultTrouble` with nothing changed.
"""

from __future__ import annotations

from pathlib import Path

from providers.accounts.audit import Trace
from providers.accounts.login import CannotSwitch, Running
from providers.accounts.roster import Member
from providers.accounts.switch import Plan
from providers.accounts.targets import Row
from providers.desk import Desk
from providers.engine.intake import tilde
from providers.record import Record

TRACES = 200
"""Lines of the audit trail that the pane shows."""


class Book(Record):
    """Everybody who is kept, the places for logins (provider, slot, command), and what was done.
    ``trouble`` says why nobody can be listed."""

    rows: tuple[Row, ...] = ()
    ways: tuple[tuple[str, str, str], ...] = ()
    trail: tuple[Trace, ...] = ()
    trouble: str = ""


class Preflight(Record):
    """What a switch to an account would do: the files it writes, when the CLI notices, how many
    of its sessions run, and what a person should know before."""

    writes: tuple[str, ...]
    effect: str
    running: Running
    warnings: tuple[str, ...]


class Warned(Record):
    """A switch that was not begun, as these warnings had not been shown."""

    member: Member
    warnings: tuple[str, ...]


class Switch(Record):
    """A switch that was made: to whom, from whom (None if nobody who is kept), whether what is
    live now was verified, when the CLI notices, and its sessions that run."""

    to: Member
    came_from: Member | None
    verified: bool
    effect: str
    running: Running
    message: str


class Captured(Record):
    """Accounts whose live logins are kept now."""

    members: tuple[Member, ...]


def book(desk: Desk) -> Book:
    """Who is kept, and what was done."""
    trail = desk.trail()[-TRACES:]
    try:
        return Book(desk.rows(), desk.ways(), trail)
    except CannotSwitch as why:
        return Book((), desk.ways(), trail, str(why))


def preflight(desk: Desk, ident: str) -> Preflight:
    """What a switch to this account would do."""
    plan = desk.plan(_member(desk, ident))
    return Preflight(
        tuple(tilde(Path(p), desk.environment.home) for p in plan.writes),
        plan.store.effect, plan.running, plan.warnings,
    )  # fmt: skip


def switch(desk: Desk, ident: str, accepted: tuple[str, ...]) -> Switch | Warned:
    """Makes another account the live one, unless there are warnings besides the ``accepted``."""
    return _carried_out(desk, _member(desk, ident), accepted)


def undo(desk: Desk, provider: str, accepted: tuple[str, ...]) -> Switch | Warned:
    """Makes the account live again that was before the last switch."""
    return _carried_out(desk, desk.back(provider), accepted)


def capture(desk: Desk, provider: str) -> Captured:
    """Keeps what is live of a provider."""
    return Captured(desk.capture(provider))


def rename(desk: Desk, ident: str, alias: str) -> Member:
    """Another alias."""
    return desk.rename(ident, alias)


def forget(desk: Desk, ident: str) -> Member:
    """Takes an account out; who it was."""
    member = _member(desk, ident)
    desk.forget(member)
    return member


def verify(desk: Desk, ident: str) -> str:
    """Whether the login of an account still works, in one sentence."""
    return desk.verify(_member(desk, ident))


def recover(desk: Desk) -> None:
    """Finishes what could not be finished while the vault was closed."""
    if desk.unfinished:
        desk.recover()


def _carried_out(desk: Desk, member: Member, accepted: tuple[str, ...]) -> Switch | Warned:
    plan: Plan = desk.plan(member)
    fresh = tuple(warning for warning in plan.warnings if warning not in accepted)
    if fresh:
        return Warned(member, fresh)
    done = desk.carry_out(plan)
    members = {row.member.id: row.member for row in desk.rows()}
    return Switch(
        members.get(done.to, member), members.get(done.came_from), done.verified, done.takes_effect,
        done.running, done.message,
    )  # fmt: skip


def _member(desk: Desk, ident: str) -> Member:
    found = next((row.member for row in desk.rows() if row.member.id == ident), None)
    if found is None:
        raise CannotSwitch("that account is not kept any more")
    return found
