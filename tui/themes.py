"""Colours: themes of our own, the ANSI ones, and the table from tones to styles.

Never green against red: for deuteranopes that pair can have no distance at all, while the
three tones here keep at least 30 in every simulation.  Built once per theme.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.theme import Theme

from providers.record import Record

OURS = ("quotadeck-dark", "quotadeck-light", "ansi-dark", "ansi-light")


class Colours(Record):
    """The tokens of one theme, as rich names them."""

    ok: str
    watch: str
    high: str
    dim: str
    track: str
    text: str
    background: str


_COLOURS = {
    "quotadeck-dark": Colours("#56B4E9", "#F0C040", "#FF5C5C", "#8A8A8A", "#4A4A4A", "#E0E0E0", "#121212"),
    "quotadeck-light": Colours("#0065A8", "#8A6A00", "#7A0030", "#5F5F5F", "#B8B8B8", "#1A1A1A", "#FAFAFA"),
    "ansi-dark": Colours(
        "cyan", "yellow", "bright_red", "bright_black", "bright_black", "default", "default"
    ),
    "ansi-light": Colours("blue", "yellow", "red", "bright_black", "bright_black", "default", "default"),
}


def own_themes() -> list[Theme]:
    """The two themes to register with the app."""
    return [
        Theme(
            name=name,
            primary=c.ok,
            warning=c.watch,
            error=c.high,
            foreground=c.text,
            background=c.background,
            surface=c.background,
            panel=c.background,
            dark=name.endswith("dark"),
        )
        for name, c in _COLOURS.items()
        if name.startswith("quotadeck")
    ]


def palette_for(theme: Theme, *, mono: bool) -> dict[str, Style]:
    """Styles by tone.  ``mono``: no colour may be sent, so weight and reverse carry it all."""
    if mono:
        return _mono()
    c = _COLOURS.get(theme.name) or _borrowed(theme)
    return {
        "text": Style(color=c.text),
        "title": Style(color=c.text, bold=True),
        "dim": Style(color=c.dim),
        "track": Style(color=c.track),
        "border": Style(color=c.track),
        "chosen": Style(color=c.ok, bold=True),
        "ok": Style(color=c.ok),
        "watch": Style(color=c.watch, bold=True),
        "high": Style(color=c.high, bold=True),
        "key": Style(color=c.ok),
    }


def _mono() -> dict[str, Style]:
    plain, bold, dim = Style(), Style(bold=True), Style(dim=True)
    return {
        "text": plain,
        "title": bold,
        "dim": dim,
        "track": dim,
        "border": dim,
        "chosen": bold,
        "ok": plain,
        "watch": bold,
        "high": Style(bold=True, reverse=True),
        "key": bold,
    }


def _borrowed(theme: Theme) -> Colours:
    """A Textual theme's own colours; grey tones are the same on all of them."""
    base = _COLOURS["quotadeck-dark" if theme.dark else "quotadeck-light"]
    return Colours(
        theme.primary or base.ok,
        theme.warning or base.watch,
        theme.error or base.high,
        base.dim,
        base.track,
        theme.foreground or base.text,
        theme.background or base.background,
    )


def chosen_theme(name: str, background: str, variables: Mapping[str, str], asked: bool | None) -> str:
    """The theme to start with.  ``asked`` is what the terminal said of its background:
    True for dark, None if it did not answer."""
    if variables.get("NO_COLOR"):
        # With an RGB theme Textual still sends greys under NO_COLOR; with this one, nothing.
        return "ansi-dark"
    if name != "auto":
        return name
    dark = asked if asked is not None else _dark_by_colorfgbg(variables.get("COLORFGBG", ""))
    family = "ansi" if background == "terminal" else "quotadeck"
    return f"{family}-{'dark' if dark else 'light'}"


def _dark_by_colorfgbg(value: str) -> bool:
    """rxvt's variable: the last number is the background's colour; 7 and 15 are light."""
    return value.rpartition(";")[2] not in ("7", "15")
