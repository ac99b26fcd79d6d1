"""``s``: the kept accounts of one provider, what a switch would do, and the switch itself.

The picker is the confirmation: everything that a switch touches stands in it before.  What may
wait is asked of the front desk; here is only what it answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from providers.accounts.roster import Member
from providers.clerk import Refused
from providers.desk import delegated
from providers.engine.shown import ProviderView
from providers.errands import Switch, Warned
from tui.filter_line import FilterLine
from tui.front_desk import FrontDesk
from tui.keymap import picker_bindings
from tui.painted import Line, Piece
from tui.picking import (
    ROOMY,
    Choice,
    choice_lines,
    choices_of,
    delegated_lines,
    name_of,
    preflight_lines,
    switched_lines,
    told,
)
from tui.screens.page import Keys, PageScreen
from tui.text import hide

_PAGE = 10
"""Lines of the keys that move half a page."""


class PickerScreen(PageScreen[None]):
    """Chooses an account of ``provider_id``; with ``best`` the best one is chosen already."""

    kind: ClassVar[str] = "picker"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "choose", show=False),
        *(Binding(str(n), f"number({n})", show=False) for n in range(1, 10)),
        *picker_bindings(),
    ]

    def __init__(self, provider_id: str, front: FrontDesk, *, best: bool = False) -> None:
        super().__init__()
        self.provider_id, self.filter_text = provider_id, ""
        self._front, self._best = front, best
        self._chosen = ""
        self._places: dict[int, str] = {}
        self._end = 0
        self._looks: dict[str, object] = {}
        self._looked = ""
        self._said: tuple[str, str] | Switch | None = None
        self._again: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """The page, and a line for an alias."""
        yield from super().compose()
        yield FilterLine()

    def heading(self) -> Line:
        """Whose accounts, and how many."""
        name = self._provider.name if self._provider is not None else self.provider_id
        count = len(self._choices())
        what = f"{count} account{'' if count == 1 else 's'}" if count else ""
        if self._front.busy:
            what = self._front.busy
        return (Piece(f" Switch {name} to", "title"), Piece(f"   {what}", "dim"))

    def body(self, width: int) -> Sequence[Line]:
        """The steps while it works, then how it ended; else the choices."""
        self._places, self._end = {}, 0
        if self._front.busy:
            return self._working(width)
        if self._said is not None:
            return self._ended(width)
        book = self._front.book
        if book is None:
            return told("looking at the accounts that are kept", width, "dim", 2)
        if book.trouble:
            return told(book.trouble, width, "watch", 2)
        if all(provider != self.provider_id for provider, _, _ in book.ways):
            return self._not_here(width)
        return self._listed(width)

    def rows(self) -> Sequence[int]:
        """The first line of each choice."""
        return tuple(self._places)

    def shown_keys(self) -> Keys:
        """What can be pressed now."""
        if self._front.busy:
            return ()
        if self._again is not None:
            return (("enter", "do it all the same"),)
        if self._said is not None:
            undo = ((self._key("account.undo"), "undo"),) if isinstance(self._said, Switch) else ()
            return (*undo, ("enter", "list"))
        if not self._choices():
            return ((self._key("account.add"), "add"),)
        own = (("pick_best", "best"), ("verify", "check"), ("rename", "alias"), ("remove", "remove"))
        return (("enter", "switch"), *((self._key(f"account.{i}"), w) for i, w in own),
                (self._key("account.add"), "add"))  # fmt: skip

    def draw(self) -> int:
        """As any page; the account under the cursor is looked at once."""
        painted = super().draw()
        choice = self._choice() if self._places else None
        if choice is not None and not choice.row.live and choice.id != self._looked:
            self._look_at(choice.id)
        return painted

    def on_mount(self) -> None:
        """The best is chosen, or why none is said."""
        if self._best:
            self.call_later(self.action_pick_best)

    def action_leave(self) -> None:
        """Back to the list from an answer, else to the deck."""
        if self._again is not None:
            self._show(None)
        else:
            self.dismiss()

    def action_choose(self) -> None:
        """Switches to the chosen account; from an answer back to the list."""
        if self._again is not None:
            again, self._again = self._again, None
            again()
        elif self._said is not None:
            self._show(None)
        elif choice := self._choice():
            self._switch(choice.id)

    def action_number(self, number: int) -> None:
        """Switches to the account of that number."""
        choice = next((c for c in self._choices() if c.number == number), None)
        if choice is not None and self._said is None:
            self._chosen = choice.id
            self._switch(choice.id)

    def action_pick_best(self) -> None:
        """Chooses the best account; nothing is switched before enter."""
        best = next((c for c in self._choices() if c.best), None)
        if self._front.book is None or self._front.busy:
            return
        if best is None:
            self._show(("no other account is better by figures that are known now", "watch"))
        else:
            self._said, self._chosen = None, best.id
            self.draw()

    def action_verify(self) -> None:
        """Checks the login of the chosen account."""
        if choice := self._choice():
            name = name_of(choice, False)
            self._front.verify(choice.id, lambda found: self._hear(found, lambda said: f"{name}: {said}"))

    def action_rename(self) -> None:
        """Asks for an alias."""
        if choice := self._choice():
            alias = "" if self.deck.look.private else choice.row.member.alias
            self.query_one(FilterLine).open(alias, "alias: ", "enter keeps it, esc leaves it as it was")

    def set_filter(self, text: str) -> None:
        """An alias counts once it is typed to the end."""

    def on_filter_line_changed(self, changed: FilterLine.Changed) -> None:
        """Keeps the alias; an empty one changes nothing."""
        changed.stop()
        alias = changed.text.strip()
        if changed.done and alias and (choice := self._choice()):
            self._front.rename(choice.id, alias, lambda found: self._hear(found, _called))

    def action_remove(self) -> None:
        """Asks, then takes the chosen account out."""
        from tui.screens.confirm import ConfirmScreen

        choice = self._choice()
        if choice is None:
            return
        cli = self._provider.name if self._provider is not None else self.provider_id
        text = (
            "Its saved login stays in the vault for 7 days, then it is gone; the account leaves "
            f"accounts.toml. {cli}'s own login is not touched. "
            f"quotadeck recover {choice.id} brings it back."
        )
        ident = choice.id

        def act() -> None:
            self._front.forget(self.provider_id, ident, lambda found: self._hear(found, _removed))

        question = f"Remove {name_of(choice, False)}?"
        self.app.push_screen(ConfirmScreen(question, text, "Keep", "Remove", act))

    def undo(self, accepted: tuple[str, ...] = ()) -> None:
        """Undoes the last switch of this provider."""
        self._again = None
        self._front.undo(self.provider_id, accepted, lambda found: self._answered(found, self.undo))

    def _switch(self, ident: str, accepted: tuple[str, ...] | None = None) -> None:
        seen = self._looks.get(ident)
        known = getattr(seen, "warnings", ()) if accepted is None else accepted
        self._said = None
        self._front.switch(
            self.provider_id, ident, known,
            lambda found: self._answered(found, lambda more: self._switch(ident, (*known, *more))),
        )  # fmt: skip

    def _answered(self, found: object, again: Callable[[tuple[str, ...]], None]) -> None:
        """A switch was made, refused, or wants another word first."""
        self._looks, self._looked = {}, ""
        if isinstance(found, Warned):
            warnings = found.warnings
            self._show(("; ".join(warnings), "watch"), lambda: again(warnings))
        elif isinstance(found, Switch):
            self._show(found)
        else:
            self._hear(found, str)

    def _hear(self, found: object, words: Callable[[object], str]) -> None:
        if isinstance(found, Refused):
            self._show((found.sentence, "watch"))
        else:
            self._show((words(found), "text"))

    def _show(self, said: tuple[str, str] | Switch | None, again: Callable[[], None] | None = None) -> None:
        self._said, self._again = said, again
        self._top = 0
        self.draw()

    def _look_at(self, ident: str) -> None:
        self._looked = ident

        def seen(found: object) -> None:
            self._looks[ident] = found
            self.draw()

        self._front.look(ident, seen)

    def _working(self, width: int) -> list[Line]:
        lines = [()] + [(Piece(f"   {step}", "ok"),) for step in self._front.steps]
        return [*lines, *told(f"{self._front.busy} …", width, "dim", 3)]

    def _ended(self, width: int) -> list[Line]:
        said, view, private = self._said, self.deck.feed.view(), self.deck.look.private
        if isinstance(said, Switch):
            steps = ", ".join(self._front.steps)
            done = told(steps, width, "dim", 2) if steps else []
            return [*done, *switched_lines(said, view, private, width)]
        assert said is not None
        return told(hide(said[0], view.providers, private), width, said[1], 2)

    def _not_here(self, width: int) -> list[Line]:
        provider, book = self._provider, self._front.book
        names = {p.id: p.name for p in self.deck.feed.view().providers}
        ways = book.ways if book is not None else ()
        known = " and ".join(dict.fromkeys(names.get(p, p) for p, _, _ in ways))
        name = provider.name if provider is not None else self.provider_id
        how = delegated(self.provider_id)
        said = f"{name} switches accounts itself: {how}" if how else (
            f"logins of {name} are not switched here; those of {known} are"
        )  # fmt: skip
        if provider is None:
            return told(said, width, "text", 2)
        now = self.deck.feed.view().generated_at
        return delegated_lines(provider, said, self.deck.look, now, width)

    def _listed(self, width: int) -> list[Line]:
        choices, now = self._choices(), self.deck.feed.view().generated_at
        if not choices:
            add = self._key("account.add")
            return told(f"no account is kept yet; {add} keeps the one that is logged in", width, "text", 2)
        others = [c for c in choices if not c.row.live]
        if self._chosen not in {c.id for c in choices}:
            self._chosen = (others or list(choices))[0].id
        lines: list[Line] = []
        if not any(c.row.live for c in choices):
            add = self._key("account.add")
            lines += told(f"who is logged in now is not kept; {add} keeps that login", width, "dim", 2)
        for choice in choices:
            first = len(lines)
            self._places[first] = choice.id
            lines += choice_lines(choice, now, self.deck.look, self._room)
            if choice.id == self._chosen:
                if not choice.row.live:
                    lines += preflight_lines(self._looks.get(choice.id), width)
                self.cursor, self._end = first, len(lines) - 1
            if self._room[1] >= ROOMY[1]:
                lines.append(())
        if not others:
            lines += told(f"there is no other account yet; {self._key('account.add')} tells how to add one",
                          width, "dim", 2)  # fmt: skip
        return lines

    def action_step(self, lines: int) -> None:
        """The choice further down or up; from an answer back to the list."""
        if self._said is not None and self._again is None:
            self._show(None)
            return
        idents = [c.id for c in self._choices()]
        if self._chosen in idents and self._places and abs(lines) != _PAGE:
            here = idents.index(self._chosen) + lines
            self._chosen = idents[max(0, min(len(idents) - 1, here))]
            self._top = 0
        else:
            self._top = max(0, self._top + (lines if not self._places else lines // 2))
        self.draw()

    def _scroll(self, room: int, length: int) -> None:
        """The chosen account is seen with all that a switch would do; what is longer than the
        window is walked through by half pages."""
        self._top = max(0, min(self._top, length - room))
        start, end = self.cursor or 0, max(self.cursor or 0, self._end) + 1
        if self.cursor is not None and end - start > room:
            self._top = max(start, min(self._top, end - room))
        elif self.cursor is not None:
            self._top = max(min(self._top, start), end - room)

    def _choices(self) -> tuple[Choice, ...]:
        book = self._front.book
        return choices_of(book, self.deck.feed.view(), self.provider_id) if book is not None else ()

    def _choice(self) -> Choice | None:
        """The chosen one, unless something else is shown."""
        if self._said is not None or self._front.busy:
            return None
        return next((c for c in self._choices() if c.id == self._chosen), None)

    @property
    def _provider(self) -> ProviderView | None:
        return next((p for p in self.deck.feed.view().providers if p.id == self.provider_id), None)

    def _key(self, ident: str) -> str:
        return next((k.shown.partition(", ")[0] for k in self.deck.keys_now if k.id == ident), "")


def _called(found: object) -> str:
    return "its alias is kept" if isinstance(found, Member) else ""


def _removed(found: object) -> str:
    if not isinstance(found, Member):
        return ""
    return f"{found.label} is removed; quotadeck recover {found.id} brings it back within 7 days"
