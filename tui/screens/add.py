"""``a``: keeps the login that is live now, and tells how another is added without losing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from providers.clerk import Refused
from providers.desk import delegated
from providers.errands import Captured
from tui.front_desk import FrontDesk
from tui.painted import Line, Piece
from tui.picking import told
from tui.screens.page import Keys, PageScreen
from tui.text import hide

_ELSEWHERE = "=$(mktemp -d) "
"""What stands between the variable that names a folder for this one login, and the command."""


class AddScreen(PageScreen[None]):
    """Begins at once: it writes nothing but into the vault."""

    kind: ClassVar[str] = "add"
    keys: ClassVar[Keys] = (("j/k", "scroll"),)

    def __init__(self, provider_id: str, front: FrontDesk) -> None:
        super().__init__()
        self.provider_id, self._front = provider_id, front
        self._found: object = None

    def on_mount(self) -> None:
        """Keeps what is live."""
        self._front.capture(self.provider_id, self._take)

    def heading(self) -> Line:
        """Of which provider."""
        return (Piece(f" Add an account of {self._provider_name}", "title"),)

    def body(self, width: int) -> Sequence[Line]:
        """What became of the live login, then the way to another one."""
        return [(), *self._kept(width), (), *self._another(width)]

    def _take(self, found: object) -> None:
        self._found = found
        self.draw()

    def _kept(self, width: int) -> list[Line]:
        found, view, private = self._found, self.deck.feed.view(), self.deck.look.private
        if isinstance(found, Captured):
            lines: list[Line] = []
            for member in found.members:
                who = ", ".join(dict.fromkeys(p for p in (member.label, member.email, member.plan) if p))
                lines += told(f"kept: {hide(who, view.providers, private)}", width, "ok", 2)
            return lines
        if isinstance(found, Refused):
            return told(hide(found.sentence, view.providers, private), width, "watch", 2)
        return told("keeping the login that is live now", width, "dim", 2)

    def _another(self, width: int) -> list[Line]:
        ways = self._front.book.ways if self._front.book is not None else ()
        mine = [(slot, command) for provider, slot, command in ways if provider == self.provider_id]
        if not mine or delegated(self.provider_id):
            return []
        lines = told("Another account is added in a shell, without logging this one out:", width, "text", 2)
        for command in dict.fromkeys(command for _, command in mine):
            for line in shell_lines(command, self.provider_id):
                lines.append((Piece("    "), Piece(line, "key")))
        lines += told(
            "A logout would end a login for good, also the copy that is kept: never log out to switch.",
            width, "dim", 2,
        )  # fmt: skip
        return lines

    @property
    def _provider_name(self) -> str:
        view = self.deck.feed.view()
        return next((p.name for p in view.providers if p.id == self.provider_id), self.provider_id)


def shell_lines(command: str, provider: str) -> tuple[str, ...]:
    """A store's command as lines for a shell, the last of which keeps the login it made."""
    variable, elsewhere, login = command.partition(_ELSEWHERE)
    if not elsewhere:
        return command, f"quotadeck capture {provider}"
    if variable.startswith("XDG_"):
        # Our own folders would move along with the CLI's, and the vault with them.
        return (login,)
    return f"export {variable}=$(mktemp -d)", login, f"quotadeck capture {provider}"
