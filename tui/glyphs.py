"""The characters that the pane and the reports draw with, and the sign of each state.

Two sets: one-cell glyphs of Western locales, and plain ASCII.  Nothing here has an emoji
form.  Pure data.
"""

from __future__ import annotations

from providers.model import Status
from providers.record import Record


class Glyphs(Record):
    """One set.  ``used``, ``projected`` and ``free`` differ, so that a bar can be read
    without colour; ``plain`` and ``chosen`` are the borders of a panel: horizontal,
    vertical, then the corners from the top left, clockwise."""

    used: str
    half: str
    projected: str
    free: str
    tick: str
    out: str
    alert: str
    cursor: str
    rule: str
    reset: str
    live: str
    parked: str
    ellipsis: str
    spark: str
    dot: str
    plain: str
    chosen: str
    asking: str
    words: bool = False


UNICODE = Glyphs(
    used="━", half="╸", projected="─", free="·", tick="┊", out="▲", alert="!", cursor=">", rule="─",
    reset="◇", live="●", parked="○", ellipsis="…", spark="▁▂▃▄▅▆▇█", dot="·", plain="─│╭╮╯╰", chosen="━┃┏┓┛┗",
    asking="↻",
)  # fmt: skip

ASCII = Glyphs(
    used="#", half="=", projected="~", free="-", tick="|", out="^", alert="!", cursor=">", rule="-",
    reset="o", live="*", parked="o", ellipsis="...", spark="_.:-=+*#", dot="-", plain="-|++++",
    chosen="=#++++", asking="[..]", words=True,
)  # fmt: skip

_SIGNS: dict[Status, tuple[str, str]] = {
    Status.OK: ("●", "[ok]"),
    Status.IDLE: ("○", "[idle]"),
    Status.STALE: ("◌", "[old]"),
    Status.LIMITED: ("‖", "[wait]"),
    Status.EXPIRED: ("✗", "[auth]"),
    Status.UNSUBSCRIBED: ("◇", "[none]"),
    Status.UNCONFIGURED: ("·", "[ ]"),
    Status.OFFLINE: ("~", "[net]"),
    Status.DENIED: ("?", "[err]"),
    Status.ERROR: ("?", "[err]"),
    Status.DISABLED: ("=", "[off]"),
}


def state_glyph(status: Status, glyphs: Glyphs, *, waiting: bool = False) -> str:
    """The sign of a state; ``waiting``: nothing has been read of it yet."""
    if waiting:
        return "[new]" if glyphs.words else "…"
    return _SIGNS[status][glyphs.words]
