"""``?``: the keys, what the signs mean, and where the settings are."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from providers.model import Status
from tui.glyphs import Glyphs, state_glyph
from tui.keymap import Key
from tui.painted import Line, Painted, Piece, cut
from tui.text import pad

_STATES = (
    (Status.OK, "fresh; the age at the right counts from one minute on"),
    (Status.STALE, "stale: older than ten minutes, drawn dim"),
    (Status.IDLE, "idle: the login renews when its tool runs; no problem"),
    (Status.EXPIRED, "login expired: enter shows the command"),
    (Status.LIMITED, "rate limited: the usage endpoint said to wait"),
    (Status.OFFLINE, "offline"),
    (Status.UNSUBSCRIBED, "not subscribed: a plan without a quota"),
    (Status.DENIED, "access denied, or an unreadable answer"),
    (Status.UNCONFIGURED, "not configured: no login was found"),
    (Status.DISABLED, "switched off in the settings"),
)


class Page(Painted):
    """Lines that can be scrolled."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(id="page")
        self._all = tuple(lines)
        self._top = 0

    def scroll_by(self, lines: int) -> None:
        """Moves the page; stops at its ends."""
        self._top = max(0, min(self._top + lines, len(self._all) - self.size.height))
        self.on_resize()

    def on_resize(self) -> None:
        """Shows what fits."""
        shown = self._all[self._top : self._top + self.size.height]
        self.show([cut(line, self.size.width) for line in shown])


class HelpScreen(Screen[None]):
    """Closed by esc, ? or q."""

    BINDINGS = [
        Binding("escape,question_mark,f1,q", "dismiss", show=False),
        Binding("j,down", "page(1)", show=False),
        Binding("k,up", "page(-1)", show=False),
        Binding("ctrl+d,pagedown,space", "page(10)", show=False),
        Binding("ctrl+u,pageup", "page(-10)", show=False),
    ]

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__()
        self._page = Page(lines)

    def compose(self) -> ComposeResult:
        """The page alone."""
        yield self._page

    def action_page(self, lines: int) -> None:
        """Scrolls."""
        self._page.scroll_by(lines)


def help_lines(keys: Sequence[Key], glyphs: Glyphs, config: str, notes: Sequence[str]) -> tuple[Line, ...]:
    """The whole page: keys, legend, settings."""
    lines: list[Line] = [(Piece(" Keys", "title"), Piece("   esc, ? or q closes this", "dim"))]
    numbered = False
    for key in keys:
        if key.id.startswith("goto.") and key.id[5:].isdigit():
            if not numbered:
                lines.append(_entry("1 - 9", "panel of that number"))
            numbered = True
            continue
        lines.append(_entry(key.shown, key.description))
    lines += [(), (Piece(" Bars", "title"),)]
    lines += [
        (Piece(f"   {glyphs.used * 4}", "ok"), Piece("  used", "dim")),
        (Piece(f"   {glyphs.projected * 4}", "ok"), Piece("  what this pace adds until the reset", "dim")),
        (Piece(f"   {glyphs.free * 4}", "track"), Piece("  free", "dim")),
        (
            Piece(f"   {glyphs.tick}   ", "text"),
            Piece("  the time that has passed; use beyond it is ahead of pace", "dim"),
        ),
        (Piece(f"   {glyphs.out}   ", "watch"), Piece("  runs out before the reset", "dim")),
        (Piece(f"   {glyphs.alert}   ", "high"), Piece("  90 % or above", "dim")),
        (),
        (Piece(" States", "title"),),
    ]
    for status, words in _STATES:
        lines.append((Piece(f"   {pad(state_glyph(status, glyphs), 7)}", "text"), Piece(words, "dim")))
    lines += [(), (Piece(" Settings", "title"),), _entry("file", config)]
    lines += [(Piece(f"   {note}", "watch"),) for note in notes]
    lines.append(_entry("doctor", "quotadeck doctor tells what was looked for and found"))
    return tuple(lines)


def _entry(left: str, right: str) -> Line:
    return (Piece(f"   {pad(left, 16)} ", "key"), Piece(right, "text"))
