"""``quotadeck accounts|capture|switch|undo|forget|recover``: logins on the command line.

Each is a few lines on the desk.  What was refused for safety changed nothing, exits with 3 and
says why in one line.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence

from providers.accounts.login import CannotSwitch
from providers.accounts.roster import Member
from providers.accounts.switch import Plan, Switched
from providers.accounts.targets import Row, Shown, best_of, shown_by_id
from providers.accounts.vault import VaultTrouble
from providers.desk import Desk
from providers.engine.shown import DeckView
from providers.record import Record
from tui.passphrase import NotOpened
from tui.text import duration_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3
SCHEMA_VERSION = 1
NEEDS_VAULT = ("capture", "switch", "undo")


class Ended(Record):
    """How a command ended: its exit code, and what goes to stdout (or, if it was refused or
    failed without ``--json``, to stderr)."""

    code: int
    text: str


class AccountsCommand:
    """One run.  ``view`` is the deck as files have it, for figures and for ``best``;
    ``open_vault`` chooses and unlocks the vault, or raises `NotOpened`."""

    def __init__(
        self,
        desk: Desk,
        view: Callable[[], DeckView],
        now: float,
        *,
        open_vault: Callable[[], object] = lambda: None,
    ) -> None:
        self._desk, self._view, self._now, self._open_vault = desk, view, now, open_vault

    def run(self, options: argparse.Namespace) -> Ended:
        """Does what was asked for."""
        wanted: dict[str, Callable[[argparse.Namespace], Ended]] = {
            "accounts": self._accounts,
            "capture": self._capture,
            "switch": self._switch,
            "undo": self._undo,
            "forget": self._forget,
            "recover": self._recover,
        }
        try:
            if options.command in NEEDS_VAULT:
                self._open_vault()
            if options.command != "recover" and self._desk.unfinished:
                self._desk.recover()
            return wanted[options.command](options)
        except (CannotSwitch, VaultTrouble, NotOpened) as why:
            if getattr(options, "json", False) and options.command in ("switch", "undo"):
                return Ended(REFUSED, json.dumps(_refused(options.provider, str(why))))
            return Ended(REFUSED, str(why))

    def _accounts(self, options: argparse.Namespace) -> Ended:
        rows = self._desk.rows()
        if options.json:
            return Ended(DONE, json.dumps(_document(rows, self._shown(), self._now)))
        if not rows:
            return Ended(
                DONE, "no account is kept; quotadeck capture PROVIDER keeps the one that is logged in"
            )
        return Ended(DONE, "\n".join(_line(row, self._shown(), self._now) for row in rows))

    def _capture(self, options: argparse.Namespace) -> Ended:
        kept = self._desk.capture(options.provider, options.alias or "")
        return Ended(DONE, "\n".join(f"{m.provider}: {m.label} is kept ({m.id})" for m in kept))

    def _switch(self, options: argparse.Namespace) -> Ended:
        member = self._wanted(options.provider, options.account)
        plan = self._desk.plan(member)
        if options.dry_run:
            return Ended(DONE, _planned(plan, member, options.json))
        return self._switched(self._desk.carry_out(plan), options.json)

    def _undo(self, options: argparse.Namespace) -> Ended:
        plan = self._desk.plan(self._desk.back(options.provider))
        return self._switched(self._desk.carry_out(plan), options.json)

    def _forget(self, options: argparse.Namespace) -> Ended:
        member = self._desk.find(options.provider, options.account)
        self._desk.forget(member)
        back = f"quotadeck recover {member.id} brings it back"
        return Ended(DONE, f"{member.label} is forgotten; its login stays for 7 days: {back}")

    def _recover(self, options: argparse.Namespace) -> Ended:
        if options.account:
            member = self._desk.bring_back(options.account)
            return Ended(DONE, f"{member.provider}: {member.label} is kept again")
        if self._desk.unfinished:
            # What a switch left is finished without the vault too; only the filing waits for it.
            with contextlib.suppress(NotOpened):
                self._open_vault()
        left = self._desk.recover(now=True)
        if left.kept_back:
            return Ended(FAILED, f"{left.kept_back} logins wait in safety copies, as {left.why}")
        if left.unclaimed:
            return Ended(
                FAILED, f"{left.unclaimed} logins wait in safety copies: nobody can say whose they are"
            )
        return Ended(DONE, "nothing is left to finish")

    def _switched(self, done: Switched, as_json: bool) -> Ended:
        names = {row.member.id: row.member.label for row in self._desk.rows()}
        before, after = names.get(done.came_from, ""), names.get(done.to, done.to)
        code = DONE if done.verified else FAILED
        if as_json:
            document = {
                "ok": done.verified, "provider": done.provider, "from": before or None, "to": after,
                "verified": done.verified, "takes_effect": done.takes_effect,
                "running_sessions": done.running.count, "message": done.message,
            }  # fmt: skip
            return Ended(code, json.dumps(document))
        running = f"; {_sessions(done)}" if done.running.count else ""
        return Ended(code, f"{done.provider}: {after}: {done.message}{running}")

    def _wanted(self, provider: str, word: str) -> Member:
        if word != "best":
            return self._desk.find(provider, word)
        found = best_of(self._desk.rows(), self._shown(), provider, self._now)
        if found is None:
            raise CannotSwitch(
                f"nothing was changed: no other account of {provider} is better by figures that are known now"
            )
        return found

    def _shown(self) -> Shown:
        return shown_by_id(self._view())


def _line(row: Row, shown: Shown, now: float) -> str:
    member = row.member
    account = shown.get((member.provider, member.id))
    words = [f"{member.provider:<10} {'*' if row.live else ' '} {member.label}"]
    words += [word for word in (member.email if member.alias else "", member.plan, f"({member.id})") if word]
    if account is not None:
        words += [f"{w.label} {w.used_percent:.0f}%" for w in account.windows if w.used_percent is not None]
    if member.ends_at is not None:
        left = member.ends_at - now
        words.append(f"login ends in {duration_words(left)}" if left > 0 else "login has run out")
    flags = {"shared login": row.shared, "login is dead": row.spent, "never picked": member.never_pick}
    words += [word for word, holds in flags.items() if holds]
    return "  ".join(words)


def _document(rows: Sequence[Row], shown: Shown, now: float) -> dict[str, object]:
    accounts = []
    for row in rows:
        m = row.member
        account = shown.get((m.provider, m.id))
        windows = account.windows if account is not None else ()
        accounts.append(
            {
                "id": m.id, "provider": m.provider, "slot": m.slot or None, "alias": m.alias or None,
                "email": m.email or None, "organisation": m.organisation or None, "plan": m.plan or None,
                "live": row.live, "owner": m.owner, "enabled": m.enabled, "never_pick": m.never_pick,
                "login_expires_at": int(m.ends_at) if m.ends_at is not None else None,
                "shared_login": row.shared, "dead": row.spent,
                "windows": {w.id: w.used_percent for w in windows},
            }
        )  # fmt: skip
    return {"schema_version": SCHEMA_VERSION, "generated_at": int(now), "accounts": accounts}


def _planned(plan: Plan, member: Member, as_json: bool) -> str:
    if as_json:
        return json.dumps(
            {
                "ok": True, "dry_run": True, "provider": member.provider, "to": member.label,
                "writes": [str(p) for p in plan.writes], "warnings": list(plan.warnings),
                "running_sessions": plan.running.count, "takes_effect": plan.store.effect,
            }
        )  # fmt: skip
    lines = [f"would switch {member.provider} to {member.label}, effective {plan.store.effect}"]
    lines += [f"would write {path}" for path in plan.writes]
    lines += list(plan.warnings)
    if plan.running.count:
        lines.append(f"{plan.running.count} sessions run now and may stay on the old account")
    return "\n".join(lines)


def _sessions(done: Switched) -> str:
    count = done.running.count
    return f"{count} running session{'s' if count > 1 else ''} may still be on the old account"


def _refused(provider: str, why: str) -> dict[str, object]:
    return {
        "ok": False, "provider": provider, "from": None, "to": None, "verified": False,
        "takes_effect": None, "running_sessions": 0, "message": why,
    }  # fmt: skip
