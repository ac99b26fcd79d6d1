"""What the terminal is told past the screen: bell, notices, a copy, a title.  Pure bytes.

Used by messenger.py.  Every text is stripped of control characters first: a name from a file
must not become a command to the terminal.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tui.painted import printable

BELL = "\a"
COPY_AT_MOST = 74_994
"""Bytes of text that the strictest common terminal takes with OSC 52."""

_OSC9 = frozenset({"iterm.app", "wezterm", "ghostty"})
_OSC777 = ("foot", "rxvt")


def osc9(text: str) -> str:
    """A notice of text alone (iTerm2, WezTerm, Ghostty, kitty)."""
    return f"\x1b]9;{printable(text)}\a"


def osc777(title: str, body: str) -> str:
    """A notice with a title (urxvt, foot); a semicolon would end a field."""
    fields = (printable(field).replace(";", ",") for field in (title, body))
    return f"\x1b]777;notify;{';'.join(fields)}\a"


def osc99(ident: str, title: str, body: str) -> str:
    """kitty's own notice; one of the same id replaces the one before."""
    name = "".join(c for c in ident if c.isalnum() or c in "-_")
    first = f"\x1b]99;i={name}:d=0;{printable(title)}\x1b\\"
    return f"{first}\x1b]99;i={name}:d=1:p=body;{printable(body)}\x1b\\"


def through_tmux(sequence: str) -> str:
    """A sequence for the terminal around tmux, which ``allow-passthrough`` lets through."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


def title(text: str) -> str:
    """The terminal's title; in tmux the pane's."""
    return f"\x1b]2;{printable(text)}\a"


def copy(text: str) -> str:
    """Text into the clipboard, cut where terminals stop taking it."""
    data = "".join(printable(line) + "\n" for line in text.splitlines()).rstrip("\n").encode()
    return f"\x1b]52;c;{base64.b64encode(data[:COPY_AT_MOST]).decode()}\a"


def channel(variables: Mapping[str, str], setting: str) -> str:
    """Which notice the terminal understands: osc9, osc777, osc99, or "" for the bell alone."""
    if setting != "auto":
        return "" if setting == "off" else setting
    program, term = variables.get("TERM_PROGRAM", "").lower(), variables.get("TERM", "").lower()
    # Inside tmux TERM_PROGRAM is tmux; the terminal around it is known by what it left behind.
    if program in _OSC9 or "kitty" in term or "KITTY_WINDOW_ID" in variables or "WEZTERM_PANE" in variables:
        return "osc9"
    if "GHOSTTY_RESOURCES_DIR" in variables or "ITERM_SESSION_ID" in variables:
        return "osc9"
    return "osc777" if term.startswith(_OSC777) else ""
