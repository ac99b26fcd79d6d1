"""How a panel is drawn, and what every line of it shares: tones and short labels.  Pure."""

from __future__ import annotations

from providers.engine.shown import Severity, WindowState, WindowView
from providers.record import Record
from tui.bar import Tone
from tui.glyphs import Glyphs
from tui.text import Zone

_TONES = {Severity.NONE: "dim", Severity.OK: "ok", Severity.WATCH: "watch", Severity.HIGH: "high"}


class Frame(Record):
    """How a panel is drawn.  ``kind`` is tiny, narrow or boxed; ``width`` in cells, borders
    included; ``short`` leaves out what does not press."""

    kind: str
    width: int
    now: float
    zone: Zone
    glyphs: Glyphs
    hours: int = 24
    left: bool = False
    private: bool = False
    compact: bool = False
    short: bool = False
    chosen: bool = False

    @property
    def inner(self) -> int:
        """Cells between the borders and their padding."""
        return self.width - (4 if self.kind == "boxed" else 0)


def tone_of(window: WindowView) -> str:
    """The tone of a window's own figures: old ones are dim whatever they say."""
    if window.state in (WindowState.STALE, WindowState.RESET_DUE, WindowState.UNKNOWN):
        return "dim"
    return _TONES[window.severity]


def bar_tone(part: Tone, tone: str) -> str:
    """The tone of one part of a bar, in a window of this tone."""
    if part is Tone.FREE:
        return "track"
    return "text" if part is Tone.TICK else tone


def label_of(window: WindowView, frame: Frame) -> str:
    """Short labels where columns are dear: "7 d Opus" is "opus"."""
    if frame.kind != "tiny":
        return window.label
    base, _, scope = window.label.partition(" d ")
    if scope and base.isdigit():
        return scope.lower()
    return window.label.replace(" ", "") if len(window.label) <= 8 else window.label.partition(" ")[0]
