"""``quotadeck import TOOL``: logins that another switcher keeps, shown, picked and taken over.

The preview opens files alone.  The keyring and the vault are opened after it, for what was picked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from providers.accounts.importers import CannotImport
from providers.accounts.importers.candidate import SecretReader
from providers.accounts.importers.planned import Plan, Step
from providers.accounts.importers.preview import preview_lines
from providers.accounts.importers.sources import UNOPENED
from providers.accounts.importing import TAKEN, Importing, Taken
from providers.accounts.login import CannotSwitch
from providers.accounts.vault import VaultTrouble
from tui.accounts_command import DONE, FAILED, REFUSED, Ended
from tui.passphrase import NotOpened

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

TRIES = 3
ANY = "which (like 1,3-4), all, or nothing to leave it: "


class ImportCommand:
    """One run.  ``importing`` compares and takes; ``keyring`` fetches other tools' items;
    ``open_vault`` is called once before anything is kept and raises `NotOpened`; ``recover``
    finishes what a killed run left.  ``ask`` reads a line of a person at the ``terminal``,
    ``tell`` says a line at once."""

    def __init__(
        self,
        importing: Importing,
        keyring: SecretReader,
        open_vault: Callable[[], object],
        recover: Callable[[], object],
        *,
        terminal: bool,
        tell: Callable[[str], object],
        ask: Callable[[str], str] = input,
    ) -> None:
        self._importing, self._keyring, self._recover = importing, keyring, recover
        self._open_vault, self._terminal, self._tell, self._ask = open_vault, terminal, tell, ask

    def run(self, options: argparse.Namespace) -> Ended:
        """Does what was asked for."""
        try:
            return self._run(options)
        except (CannotImport, CannotSwitch, VaultTrouble, NotOpened) as why:
            return Ended(REFUSED, str(why))

    def _run(self, options: argparse.Namespace) -> Ended:
        plan = self._importing.look(options.tool)
        self._show(plan)
        if self._opens_keyring(plan, options):
            self._tell("")
            plan = self._importing.look(options.tool, self._keyring)
            self._show(plan)
        if options.dry_run:
            return Ended(DONE, "this was a dry run: nothing was imported")
        wanted = [step for step in plan.steps if step.action in TAKEN]
        if wanted and not options.all and not self._terminal:
            return Ended(REFUSED, "nothing was imported: say --all, or pick in a terminal")
        chosen = wanted if options.all or not wanted else self._chosen(plan)
        if wanted and not chosen:
            return Ended(DONE, "nothing was imported")
        return self._carried_out(plan, chosen)

    def _show(self, plan: Plan) -> None:
        """The plan; what can be picked has a number."""
        lines = preview_lines(plan)
        numbers = _numbers(plan)
        for place, line in enumerate(lines):
            mark = f"{numbers[place]:>3}" if place in numbers else "   "
            self._tell(f"{mark}  {line}")

    def _opens_keyring(self, plan: Plan, options: argparse.Namespace) -> bool:
        if options.keyring or options.dry_run or not self._terminal:
            return bool(options.keyring)
        shut = sum(step.candidate.why_not == UNOPENED for step in plan.steps)
        if not shut:
            return False
        logins = "a login lies" if shut == 1 else f"{shut} logins lie"
        return self._answer(f"{logins} in the keyring; open it (y/n)? ").lower() in ("y", "yes")

    def _chosen(self, plan: Plan) -> list[Step]:
        """What a person picks by number."""
        by_number = {number: plan.steps[place] for place, number in _numbers(plan).items()}
        for _ in range(TRIES):
            picked = picks(self._answer(ANY), len(by_number))
            if picked is not None:
                return [by_number[number] for number in picked]
            self._tell(f"there are 1 to {len(by_number)}")
        return []

    def _answer(self, question: str) -> str:
        """What a person types; nothing, if they leave."""
        try:
            return self._ask(question).strip()
        except (EOFError, KeyboardInterrupt):
            return ""

    def _carried_out(self, plan: Plan, chosen: Sequence[Step]) -> Ended:
        done: list[Taken] = []
        trouble = ""
        try:
            done += [marked for step in plan.steps if (marked := self._importing.mark(step)) is not None]
            if chosen:
                self._open_vault()
                self._recover()
            for step in chosen:
                done.append(self._importing.take(step))
        except (CannotSwitch, VaultTrouble, NotOpened) as why:
            trouble = str(why)
        return _ended(done, trouble)


def picks(typed: str, most: int) -> list[int] | None:
    """The numbers in ``1,3-4``, each once and in order; all of them for ``all``; none for an
    empty line.  None if it is no such list, or names what there is not."""
    words = typed.replace(",", " ").split()
    if [word.lower() for word in words] in (["all"], ["a"]):
        return list(range(1, most + 1))
    found: set[int] = set()
    for word in words:
        first, dash, last = word.partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and len(end) < 5 for end in ends):
            return None
        low, high = map(int, ends)
        if not 1 <= low <= high <= most:
            return None
        found.update(range(low, high + 1))
    return sorted(found)


def _numbers(plan: Plan) -> dict[int, int]:
    """The number of each step that can be picked, by its place in the plan."""
    places = [place for place, step in enumerate(plan.steps) if step.action in TAKEN]
    return {place: number for number, place in enumerate(places, 1)}


def _ended(done: Sequence[Taken], trouble: str) -> Ended:
    lines = [_line(taken) for taken in done]
    changed = any(taken.member is not None for taken in done)
    if trouble:
        lines.append(trouble)
    if not lines:
        return Ended(DONE, "nothing was to be imported")
    if trouble or any(taken.member is None for taken in done):
        return Ended(FAILED if changed else REFUSED, "\n".join(lines) if changed else "; ".join(lines))
    return Ended(DONE, "\n".join(lines))


def _line(taken: Taken) -> str:
    candidate = taken.step.candidate
    if taken.member is None:
        return f"{candidate.tool}, {candidate.label}: not imported, {taken.said}"
    member = taken.member
    return f"{member.provider}: {member.label} ({member.id}): {taken.said}"
