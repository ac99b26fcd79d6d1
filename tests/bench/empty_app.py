"""An empty Textual app: what every figure of the pane is measured against."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widget import Widget


class Word(Widget):
    """One word, so that the first frame can be seen."""

    def render(self) -> str:
        return "empty-app-first-frame"


class EmptyApp(App[None]):
    """Nothing on it but the word."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield Word()


if __name__ == "__main__":
    EmptyApp().run()
