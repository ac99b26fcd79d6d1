"""The pane's side of accounts: what the clerk is asked for, and what is known of its answers.

Owned by the event loop's thread, made once the first frame is out.  Everything that may wait is
an errand for the clerk's thread; here are frozen answers only.  Whoever asks hears the answer
through a callback, whatever became of it.
"""

from __future__ import annotations

from collections.abc import Callable

from providers import errands
from providers.accounts.keeping import Step
from providers.accounts.vault import State
from providers.clerk import Answer, Clerk, Job, Refused
from providers.desk import Desk
from providers.engine.events import Event
from providers.engine.shown import DeckView
from tui.text import account_name

STEPS = {"preserved": "saved current", "journalled": "saved current", "replaced": "wrote new"}
"""What the steps of a switch are called; the last, `VERIFIED`, is its outcome."""

VERIFIED = "verified"
OPENABLE = frozenset({State.UNCHOSEN, State.SEALED, State.LOCKED})
"""What may keep a vault shut that a person can open here and now."""

OpenVault = Callable[[State, Callable[[], None], Callable[[], None]], None]
"""Shows the dialog that mends this state; calls the first once it is mended, the second if a
person left it."""


def no_dialog(state: State, mended: Callable[[], None], left: Callable[[], None]) -> None:
    """There is none, so that only the sentence is shown."""
    left()


class FrontDesk:
    """``changed`` is called when something that is shown is another; ``moved`` with a provider
    whose files were written; ``tell`` with a sentence of the clerk's own accord."""

    def __init__(
        self,
        open_desk: Callable[[Step], Desk],
        post: Callable[..., object],
        *,
        changed: Callable[[], None],
        moved: Callable[[str], None],
        tell: Callable[[str], None],
        open_vault: OpenVault = no_dialog,
    ) -> None:
        self.book: errands.Book | None = None
        self.busy = ""
        self.steps: tuple[str, ...] = ()
        self._changed, self._moved, self._open_vault = changed, moved, open_vault
        self._clerk = Clerk(open_desk, post, step=self._took_step, tell=tell)
        self._wanted: tuple[str, Answer] | None = None
        self._looking = False

    def start(self) -> None:
        """Recovers, then reads who is kept."""
        self._clerk.start()
        self.reload()

    def stop(self, seconds: float) -> None:
        """Ends the clerk; a switch that has begun to replace files may finish."""
        self._clerk.stop()
        self._clerk.finish(seconds)

    def reload(self) -> None:
        """Who is kept and what was done, anew."""
        self._clerk.do(errands.book, self._take_book)

    def follow(self, provider: str) -> None:
        """The live login of a provider may have been renewed by its CLI: the vault follows."""
        self._clerk.do(lambda desk: desk.follow(provider), lambda _: None)

    def look(self, ident: str, answer: Answer) -> None:
        """What a switch to an account would do.  While one look is out only the last wish counts."""
        self._wanted = (ident, answer)
        if not self._looking:
            self._look_on()

    def switch(self, provider: str, ident: str, accepted: tuple[str, ...], answer: Answer) -> None:
        """Makes an account the live one."""
        self._do("switching", lambda desk: errands.switch(desk, ident, accepted), answer, provider)

    def undo(self, provider: str, accepted: tuple[str, ...], answer: Answer) -> None:
        """Makes the account before the last switch the live one."""
        self._do("switching back", lambda desk: errands.undo(desk, provider, accepted), answer, provider)

    def capture(self, provider: str, answer: Answer) -> None:
        """Keeps what is live of a provider."""
        self._do("keeping the login", lambda desk: errands.capture(desk, provider), answer, provider)

    def rename(self, ident: str, alias: str, answer: Answer) -> None:
        """Gives an account an alias."""
        self._do("renaming", lambda desk: errands.rename(desk, ident, alias), answer)

    def forget(self, provider: str, ident: str, answer: Answer) -> None:
        """Takes an account out of the roster."""
        self._do("removing", lambda desk: errands.forget(desk, ident), answer, provider)

    def verify(self, ident: str, answer: Answer) -> None:
        """Checks the login of an account."""
        self._do("checking the login", lambda desk: errands.verify(desk, ident), answer)

    def _do(self, what: str, job: Job, answer: Answer, provider: str = "") -> None:
        """One at a time; a shut vault is opened first, if a dialog can, and the job begun anew."""
        if self.busy:
            return
        self.busy, self.steps = what, ()
        self._changed()

        def done(result: object) -> None:
            self.busy = ""
            if isinstance(result, Refused) and result.state in OPENABLE:
                self._changed()
                self._open_vault(result.state, again, lambda: answer(result))
                return
            if isinstance(result, errands.Switch) and result.verified:
                self.steps = (*self.steps, VERIFIED)
            self.reload()
            if provider:
                self._moved(provider)
            answer(result)

        def again() -> None:
            self._clerk.do(errands.recover, lambda _: None)
            self._do(what, job, answer, provider)

        self._clerk.do(job, done)

    def _look_on(self) -> None:
        if self._wanted is None:
            return
        (ident, answer), self._wanted, self._looking = self._wanted, None, True

        def seen(result: object) -> None:
            self._looking = False
            answer(result)
            self._look_on()

        self._clerk.do(lambda desk: errands.preflight(desk, ident), seen)

    def _took_step(self, name: str) -> None:
        word = STEPS.get(name)
        if word is not None and word not in self.steps:
            self.steps = (*self.steps, word)
            self._changed()

    def _take_book(self, result: object) -> None:
        if isinstance(result, errands.Book):
            self.book = result
        elif isinstance(result, Refused):
            self.book = errands.Book(trouble=result.sentence)
        self._changed()


def traced(book: errands.Book | None, view: DeckView, private: bool) -> tuple[Event, ...]:
    """The audit trail as events, newest first: who is named as the deck names them, of logins
    there are but fingerprints."""
    names = {a.id: account_name(a, private) for p in view.providers for a in p.accounts}

    def name(ident: str) -> str:
        return names.get(ident) or f"account {ident[:4]}"

    found: list[Event] = []
    for trace in reversed(book.trail if book is not None else ()):
        way = f"{name(trace.came_from)} to " if trace.came_from else ""
        whom = f" {way}{name(trace.to)}" if trace.to else ""
        login = f", login {trace.lineage[:8]}" if trace.lineage else ""
        well = trace.ended in ("verified", "done")
        what = f"{trace.what}{whom}: {trace.ended} (by {trace.by}{login})"
        found.append(Event(trace.at, trace.provider, what, "text" if well else "watch"))
    return tuple(found)
