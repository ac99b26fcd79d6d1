"""How the pane ends when it has a bug: one sentence, never a traceback."""

from __future__ import annotations

from textual.app import App

from tui.bug import described


class Crash(App[int]):
    """`crash` says what happened, "" while nothing did."""

    crash = ""

    def _handle_exception(self, error: Exception) -> None:
        """A bug ends the pane with one sentence: no traceback, no locals, no error text,
        any of which might quote a file."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.crash = described(error)
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """As `_handle_exception`, for errors that Textual reports itself."""
        self._return_code = 1
        self.crash = self.crash or "an error in the terminal's input"
        self._close_messages_no_wait()
