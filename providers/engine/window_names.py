"""Names of windows in other tools' files, and the canonical windows they mean.

Pure data and lookups, used by sidecar.py.  Aliases were seen in the tools that the
interop facts list (onWatch, claude-hud, ccstatusline, ccusage, CodexBar, openusage …).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.engine.values import clean
from providers.model import DAY, FIVE_HOURS, MONTH, WEEK, window_id_for

LENGTHS = {"5h": FIVE_HOURS, "7d": WEEK, "day": DAY, "month": MONTH}
LABELS = {
    "5h": "5 h",
    "7d": "7 d",
    "day": "day",
    "month": "month",
    "spend": "extra usage",
    "credits": "credits",
}

_ALIASES: dict[str, tuple[str, ...]] = {
    "5h": ("five hour", "5h", "session 5h", "current session", "session", "rolling", "primary"),
    "7d": ("seven day", "7d", "weekly 7d", "weekly all", "week all models", "weekly", "week", "secondary"),
    "month": (
        "monthly",
        "month",
        "premium interactions",
        "premium",
        "chat",
        "completions",
        "plan",
        "billing",
    ),
    "day": ("daily", "day"),
    "spend": ("extra usage", "spend limit", "spend", "overage"),
    "credits": ("credits",),
}
_BASES = sorted(
    ((tuple(alias.split()), base) for base, aliases in _ALIASES.items() for alias in aliases),
    key=lambda pair: -len(pair[0]),
)
_NOISE = frozenset(
    {"window", "usage", "limit", "quota", "util", "utilization", "all", "models", "scoped", "limits"}
)
_SLOTS = frozenset({"primary", "secondary"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]?|\d+")


@dataclass(frozen=True, slots=True)
class Name:
    """A canonical window id with its label and, where the id implies it, its length."""

    id: str
    label: str
    seconds: int | None


def words_of(name: str) -> tuple[str, ...]:
    """The lower-case words of a snake, camel or spaced name: ``fiveHourResetAt``,
    ``session5h`` and ``7d_fable`` fall apart alike."""
    return tuple(word.lower() for word in _WORD.findall(name[:120]))


def base_of(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The canonical base that the first words name, and the words that are left."""
    for alias, base in _BASES:
        if words[: len(alias)] == alias:
            return base, words[len(alias) :]
    return None, words


def name_window(name: str, seconds: float | None, *, model: bool = False) -> Name:
    """The canonical window for a name and a length, which decides over a slot name.

    ``model`` says that the name is a model's (Gemini buckets).  An unknown name keeps its
    own label; an odd length is printed as it is.
    """
    shown = clean(name)
    by_length = window_id_for(seconds)
    if model:
        base = by_length or "day"
        return Name(f"{base}:{_slug(shown)}", shown.removeprefix("gemini-"), _length(base, seconds))
    base, rest = base_of(words_of(shown))
    if base in LENGTHS and by_length is not None:
        base = by_length
    scoped = shown.partition(":")[2] if shown.startswith(("scoped:", "7d:", "5h:", "day:", "month:")) else ""
    if base is None:
        base = by_length or ("7d" if shown.startswith("scoped:") else None)
        if base is None or not (scoped or by_length):
            return _unknown(shown, seconds)
    elif base in LENGTHS and seconds and by_length is None and words_of(shown)[:1] != () and _is_slot(shown):
        return _unknown(duration_label(seconds), seconds)
    extra = scoped or " ".join(word for word in rest if word not in _NOISE)
    return scoped_name(base, extra, seconds)


def scoped_name(base: str, extra: str, seconds: float | None) -> Name:
    """``base`` alone, or limited to ``extra`` (a model, a surface, a kind of request)."""
    label = LABELS[base]
    if not extra:
        return Name(base, label, _length(base, seconds))
    title = extra if any(c.isupper() for c in extra) else extra.title()
    return Name(f"{base}:{_slug(extra)}", f"{label} {title}", _length(base, seconds))


def duration_label(seconds: float) -> str:
    """An odd length as a person says it: "3 d", "36 h", "90 min"."""
    if seconds >= 2 * DAY and seconds % DAY < 3600:
        return f"{seconds / DAY:.0f} d"
    return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds / 60:.0f} min"


def _is_slot(shown: str) -> bool:
    return words_of(shown)[0] in _SLOTS


def _unknown(shown: str, seconds: float | None) -> Name:
    return Name(
        _slug(shown) or "window", shown or "window", int(seconds) if seconds and seconds > 0 else None
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")[:40]


def _length(base: str, seconds: float | None) -> int | None:
    return int(seconds) if seconds and seconds > 0 else LENGTHS.get(base)
