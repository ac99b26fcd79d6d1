"""The pane's keys for accounts: who opens the picker, what undo and add do.

Between drawing.py and app.py.  Without a desk (read-only, or a test) none of them is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from providers.engine.events import Event
from tui.drawing import DeckApp

if TYPE_CHECKING:
    from providers.accounts.keeping import Step
    from providers.accounts.vaults import Vaults
    from providers.desk import Desk
    from tui.front_desk import FrontDesk

    OpenDesk = Callable[[Step], Desk]

FINISH_WITHIN = 0.5
"""Seconds that a quit waits for a switch that has begun to replace files."""


class AccountsApp(DeckApp):
    """``open_desk`` is called on the clerk's thread, some time after the first frame; ``vaults``
    says which vault a dialog opens where it is shut."""

    def __init__(
        self,
        *args: Any,
        open_desk: OpenDesk | None = None,
        vaults: Callable[[], Vaults] | None = None,
        **named: Any,
    ) -> None:
        self._open_desk = open_desk
        super().__init__(*args, **named, logins=open_desk is not None)
        self._vaults = vaults
        self.front: FrontDesk | None = None
        self._kept: tuple[object, ...] = ()

    def _settled_in(self) -> None:
        super()._settled_in()
        self.open_front()

    def open_front(self) -> None:
        """Starts the clerk, once."""
        if self.is_running and self._open_desk is not None and self.front is None:
            from tui.front_desk import FrontDesk, no_dialog
            from tui.vault_door import VaultDoor

            self.front = FrontDesk(
                self._open_desk, self.post,
                changed=self._draw_soon, moved=self.feed.reread, tell=self._clerk_says,
                open_vault=VaultDoor(self, self._vaults).open if self._vaults else no_dialog,
            )  # fmt: skip
            self.front.start()
            self.feed.when_login(self.front.follow)

    def _facts_changed(self, ids: frozenset[str]) -> None:
        """Another login, or another roster, may be the work of a command: the clerk looks again,
        also after a switch of its that settles."""
        super()._facts_changed(ids)
        if self.front is not None:
            accounts = (a for p in self.feed.view().providers for a in p.accounts)
            kept = tuple((a.id, a.live, a.alias) for a in accounts if a.kept or a.live)
            if kept != self._kept:
                self._kept = kept
                self.front.reload()

    def _import_late(self) -> None:
        super()._import_late()
        if self._open_desk is not None:
            from tui.attendant import import_accounts

            import_accounts()

    def finish_accounts(self) -> None:
        """After the screen is gone: a switch that is half made is made; nothing else waits."""
        if self.front is not None:
            self.front.stop(FINISH_WITHIN)

    def _clerk_says(self, sentence: str) -> None:
        self.attendant.log_book.add(Event(self.clock.now(), "accounts", sentence, "watch"))
        self.say(sentence, severe=True)

    def action_switch(self, best: bool) -> None:
        """The picker of the chosen provider."""
        self._picker(best=best)

    def action_undo_switch(self) -> None:
        """Back to the account before the last switch; the picker tells how it went."""
        picker = self._picker()
        if picker is not None:
            picker.undo()

    def action_add_account(self) -> None:
        """Keeps the live login, and tells how to add another."""
        from tui.screens.add import AddScreen

        if self.front is None:
            self.say("accounts are not there yet; try again in a second")
        elif self.front.busy:
            self.say(f"one thing at a time: {self.front.busy}")
        elif self.subject:
            self.push_screen(AddScreen(self.subject, self.front))

    def _picker(self, *, best: bool = False) -> Any:
        """The picker on top, opened if there is none."""
        from tui.screens.picker import PickerScreen

        if isinstance(self.screen, PickerScreen):
            return self.screen
        if self.front is None:
            self.say("accounts are not there yet; try again in a second")
            return None
        if not self.subject:
            return None
        self.front.reload()
        picker = PickerScreen(self.subject, self.front, best=best)
        self.push_screen(picker)
        return picker
