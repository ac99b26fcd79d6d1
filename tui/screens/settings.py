"""``,``: what can be set, what it is now, and which file says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from providers.record import Record
from tui.filter_line import FilterLine
from tui.painted import Line, Piece
from tui.screens.page import Keys, PageScreen
from tui.text import pad
from tui.themes import OURS


class Option(Record):
    """One thing that can be set.  ``values`` are its choices in order; numbers step by five
    within ``low`` and ``high``; ``typed`` ones are edited as text."""

    key: str
    what: str
    values: tuple[Any, ...] = ()
    low: int = 0
    high: int = 0
    typed: bool = False


_SWITCH = (True, False)
OPTIONS: tuple[Option, ...] = (
    Option("polling", "asking the providers: by itself, only by key, or ask first", ("on", "key", "ask")),
    Option("theme", "colours", ("auto", *OURS)),
    Option("background", "the theme's background, or the terminal's own (next start)", ("theme", "terminal")),
    Option("clock", "hours of a day", (24, 12)),
    Option("show", "what bars and numbers show", ("used", "left")),
    Option("order", "order of the panels", ("config", "fullest", "reset")),
    Option("compact", "fewer words", _SWITCH),
    Option("watch_percent", "from here a window asks for a look", low=5, high=100),
    Option("high_percent", "from here it counts as high", low=5, high=100),
    Option("bell", "the bell for a full window and an expired login", _SWITCH),
    Option("notify", "notices through the terminal", ("auto", "osc9", "osc777", "osc99", "off")),
    Option("desktop", "notices through notify-send or osascript", _SWITCH),
    Option("quiet_hours", "no notices then, like 22:00-07:00", typed=True),
    Option("pane_title", "the first line as the terminal's title", _SWITCH),
)
_ROWS = 2
"""Lines of each option."""

Save = Callable[[str, object], None]


class SettingsScreen(PageScreen[None]):
    """``save(key, value)`` keeps a value and applies it; ``flags`` names the settings that
    the command line stands above, by key."""

    kind: ClassVar[str] = "settings"
    keys: ClassVar[Keys] = (("j/k", "move"), ("enter", "change"), ("left/right", "other way"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "turn(1)", show=False),
        Binding("left,h", "turn(-1)", show=False),
    ]

    def __init__(self, save: Save, flags: Mapping[str, str]) -> None:
        super().__init__()
        self._save, self._flags = save, flags
        self._said = ""
        self.filter_text = ""

    def compose(self) -> ComposeResult:
        """The page, and a line for what is typed."""
        yield from super().compose()
        yield FilterLine()

    def heading(self) -> Line:
        """Where changes go."""
        where = "read-only: nothing is kept" if self.deck.settings.read_only else "kept in settings.toml"
        return (
            Piece(" Settings", "title"),
            Piece(f"  {self._said or where}", "watch" if self._said else "dim"),
        )

    def body(self, width: int) -> Sequence[Line]:
        """Value and meaning; below it where the value is from."""
        lines: list[Line] = []
        for option in OPTIONS:
            lines.append(
                (
                    Piece(f" {pad(option.key, 14)} ", "key"),
                    Piece(pad(_written(self._value(option)), 16), "title"),
                    Piece(f" {option.what}" if width >= 70 else "", "dim"),
                )
            )
            lines.append((Piece(f" {' ' * 14} {self._origin(option)}", "dim"),))
        hidden = self.deck.look.hidden
        lines += [(), (Piece(f" hidden panels: {', '.join(hidden) or 'none'} (x and X in the deck)", "dim"),)]
        return lines

    def rows(self) -> Sequence[int]:
        """The first line of each option."""
        return range(0, len(OPTIONS) * _ROWS, _ROWS)

    def action_turn(self, way: int) -> None:
        """The next value of the chosen option."""
        option = OPTIONS[(self.cursor or 0) // _ROWS]
        if option.key in self._flags:
            self._say(f"{self._flags[option.key]} of this run stands above it")
        elif option.typed:
            self.query_one(FilterLine).open(str(self._value(option)))
        else:
            self._set(option, _turned(option, self._value(option), way))

    def set_filter(self, text: str) -> None:
        """What is typed: taken when it is complete and right."""
        self.filter_text = text

    def on_filter_line_changed(self, changed: FilterLine.Changed) -> None:
        """Takes a typed value; an empty one takes the setting back."""
        changed.stop()
        if changed.done:
            self._set(OPTIONS[(self.cursor or 0) // _ROWS], changed.text.strip())

    def _set(self, option: Option, value: object) -> None:
        from providers.engine.settings import objection

        settings = self.deck.settings
        wrong = objection(option.key, value)
        if wrong:
            return self._say(f"{option.key} must be {wrong}")
        low = value if option.key == "watch_percent" else settings.watch_percent
        high = value if option.key == "high_percent" else settings.high_percent
        if float(low) > float(high):  # type: ignore[arg-type]
            return self._say("watch_percent must not be above high_percent")
        self._say("")
        self._save(option.key, value)
        return None

    def _say(self, text: str) -> None:
        self._said = text
        self.draw()

    def _value(self, option: Option) -> Any:
        return getattr(self.deck.settings, option.key)

    def _origin(self, option: Option) -> str:
        """Which file the value is from, and what stands above it."""
        origin = self.deck.settings.origins.get(option.key, "")
        flag = self._flags.get(option.key)
        if flag:
            return f"from {flag} of this run" + (f", above {origin}" if origin else "")
        return f"from {origin}" if origin else "the default"


def _turned(option: Option, value: Any, way: int) -> object:
    if option.values:
        here = option.values.index(value) if value in option.values else -1 if way > 0 else 0
        return option.values[(here + way) % len(option.values)]
    return max(option.low, min(option.high, int(value) + 5 * way))


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or "none"
