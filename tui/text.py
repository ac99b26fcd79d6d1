"""Numbers and times as words: shared by the pane, the reports and the sentences.

Pure.  A `Zone` turns epoch seconds into local time; it is passed in, so that travel and
daylight saving are right at the next call and tests need no machine setting.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from providers.engine.shown import AccountView, Pace, ProviderView, Severity, WindowState, WindowView
from providers.model import DAY, HOUR, Status
from tui.glyphs import Glyphs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.ledger.progress import Progress

Zone = Callable[[float], time.struct_time]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONEY = frozenset({"USD", "EUR", "GBP", "CHF", "CNY", "INR", "BRL", "CAD", "AUD"})
"""Currencies with a minor unit, so written with two decimals (the yen has none)."""


def percent(value: float | None, *, left: bool = False) -> str:
    """0 % only at 0 and 100 % only from 100 on: 0.4 is 1 %, 99.6 is 99 %.  Unknown: ``--``."""
    if value is None:
        return "--"
    shown = max(0.0, 100.0 - value) if left else value
    if 0 < shown < 1:
        return "1%"
    if 99 <= shown < 100:
        return "99%"
    return f"{int(shown + 0.5)}%"


def countdown(seconds: float) -> str:
    """At most six cells: ``12d``, ``3d08h``, ``2h48m``, ``48m``, ``9m05s``, ``45s``, ``now``.

    Seconds only below ten minutes: everywhere they would cost 73 KB a minute instead of 1.3.
    """
    whole = int(seconds)
    if whole <= 0:
        return "now"
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < HOUR:
        return f"{whole // 60}m"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // 60:02}m"
    if whole < 10 * DAY:
        return f"{whole // DAY}d{whole % DAY // HOUR:02}h"
    return f"{whole // DAY}d"


def age(seconds: float) -> str:
    """How old something is; nothing below a minute."""
    if seconds < 60:
        return ""
    if seconds < HOUR:
        return f"{int(seconds // 60)}m"
    return f"{int(seconds // HOUR)}h" if seconds < 2 * DAY else f"{int(seconds // DAY)}d"


def duration_words(seconds: float) -> str:
    """``2 hours 48 minutes``; for sentences that are read aloud."""
    whole = max(0, int(seconds))
    if whole < 60:
        return "less than a minute"
    parts = ((whole // DAY, "day"), (whole % DAY // HOUR, "hour"), (whole % HOUR // 60, "minute"))
    said = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in parts if n]
    return " ".join(said[:2])


def clock_time(at: float, now: float, zone: Zone, hours: int = 24) -> str:
    """``15:23`` today, ``Thu 06:04`` within a week (never today's weekday), else ``12 Dec``."""
    there, here = zone(at), zone(now)
    if (there.tm_year, there.tm_yday) == (here.tm_year, here.tm_yday):
        return _time_of_day(there, hours)
    if 0 <= at - now < 7 * DAY and there.tm_wday != here.tm_wday:
        return f"{_DAYS[there.tm_wday]} {_time_of_day(there, hours)}"
    return f"{there.tm_mday} {_MONTHS[there.tm_mon - 1]}"


def _time_of_day(there: time.struct_time, hours: int) -> str:
    if hours == 24:
        return f"{there.tm_hour:02}:{there.tm_min:02}"
    return f"{there.tm_hour % 12 or 12}:{there.tm_min:02}{'pm' if there.tm_hour >= 12 else 'am'}"


def flag(window: WindowView, glyphs: Glyphs) -> str:
    """One cell: runs out before the reset, or high, or nothing."""
    if window.pace is not None and window.pace.runs_out_at is not None:
        return glyphs.out
    return glyphs.alert if window.severity is Severity.HIGH else " "


def forecast(window: WindowView, now: float, zone: Zone, hours: int = 24) -> str:
    """What comes of the window: ``out 15:23``, ``lasts``, ``full, back 16:50``, ``+5% 10:12`` …

    An old figure can have its run-out behind it; nobody measured that, so it is ``may be out``.
    """
    if window.note:
        return window.note
    match window.state:
        case WindowState.RESET_DUE:
            return "reset due"
        case WindowState.NOT_STARTED:
            return "not started"
        case WindowState.UNKNOWN:
            return "unknown"
        case _:
            pass
    if window.refills_at is not None and window.refills_at > now:
        part = f"+{window.refill_percent:g}%" if window.refill_percent else "more"
        return f"{part} {clock_time(window.refills_at, now, zone, hours)}"
    if window.full:
        back = f", back {clock_time(window.resets_at, now, zone, hours)}" if window.resets_at else ""
        return f"full{back}"
    if window.pace is not None and window.pace.runs_out_at is not None:
        out = window.pace.runs_out_at
        return f"out {clock_time(out, now, zone, hours)}" if out > now else "may be out"
    return amount(window) or ("lasts" if window.pace is not None else "")


def amount(window: WindowView, *, brief: bool = False) -> str:
    """What is counted: ``12.34 of 50.00 EUR``, ``2,870 of 7,000 credits``, ``250 credits``;
    ``brief``: the first figure, in whole units (``12 EUR``).  Beside a limit the figure is
    what is used; alone it is the balance, if one is known."""
    unit = window.unit or ""
    used, limit, remaining = window.used, window.limit, window.remaining
    if used is None and limit is not None and remaining is not None and remaining <= limit:
        used = limit - remaining
    first = used if limit is not None and used is not None else remaining
    if first is None:
        first = used
    if first is None:
        return ""
    top = f" of {_count(limit, unit)}" if limit is not None and first is used and not brief else ""
    return f"{_count(first, unit, brief)}{top} {unit}".strip()


def _count(value: float, unit: str, brief: bool = False) -> str:
    """Whole, or with decimals where they are money or all there is: never 0 for something."""
    if brief:
        return "<1" if 0 < value < 1 else f"{value:,.0f}"
    small = value < 100 and value != int(value)
    return f"{value:,.{2 if unit in _MONEY or small else 0}f}"


def whole(count: float) -> str:
    """A number with thousands apart."""
    return f"{count:,.0f}"


def tokens(count: float) -> str:
    """At most five cells: ``950``, ``9.8k``, ``412k``, ``41.2M``, ``1.30B``; never 0 for something."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        value = count / size
        if value >= 0.9995:
            decimals = 2 if unit == "B" and value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{decimals}f}{unit}"
    return f"{count:.0f}"


def size_words(count: float) -> str:
    """Bytes as a person reads them: ``312 MB``, ``1.5 GB``."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def scan_words(progress: Progress) -> str:
    """``reading logs: 312 of 700 files, 0.4 of 1.5 GB, 12s left``."""
    have, every = size_words(progress.bytes), size_words(progress.of_bytes)
    if have.split()[1] == every.split()[1]:
        have = have.split()[0]
    words = f"reading logs: {progress.files} of {progress.of_files} files, {have} of {every}"
    left = progress.seconds_left
    return words if left is None else f"{words}, {countdown(max(1.0, left))} left"


def early(seconds: float) -> str:
    """``1h27m early``."""
    return f"{countdown(seconds)} early"


def delta(pace: Pace | None) -> str:
    """Points ahead of an even pace, with a sign."""
    return "" if pace is None else f"{pace.delta:+.0f}"


def account_name(account: AccountView, private: bool) -> str:
    """Alias, else e-mail, else a short id; with ``private`` nothing that tells who."""
    if not account.known:
        return "account unknown"
    if private:
        return f"account {account.id[:4]}"
    return account.alias or account.email or f"account {account.id[:4]}"


def asking_words(account: AccountView, now: float, zone: Zone, hours: int = 24) -> str:
    """``asked 4 of 20 an hour, next in 3m``, or why it waits; "" where nothing can be asked."""
    budget, at = account.budget, account.next_refresh_at
    if budget is None:
        return account.waits
    spent = f"asked {budget.used} of {budget.limit} an hour"
    if at is None:
        return f"{spent}, {account.waits}" if account.waits else spent
    if account.waits:
        return f"{spent}, {account.waits}: next {clock_time(at, now, zone, hours)}"
    return f"{spent}, next in {max(1, round((at - now) / 60))}m" if at > now else f"{spent}, next now"


def hide(text: str, providers: tuple[ProviderView, ...], private: bool) -> str:
    """A sentence without the e-mails, aliases and organisations of any account, and without
    anything else that is an address.

    Whole words in any case, the longest name first and all in one pass: the alias "work"
    must neither change "network" nor leave "@example.com" of an address.
    """
    if not private:
        return text
    opaque = {
        name.lower(): account_name(account, True)
        for provider in providers
        for account in provider.accounts
        for name in (account.email, account.organisation, account.alias)
        if name
    }
    import re

    if "@" in text:
        known = {name for name in opaque if "@" in name}
        text = re.sub(r"\S+@[\w.-]+", lambda m: m[0] if m[0].lower() in known else "account", text)
    if not opaque:
        return text
    names = "|".join(re.escape(name) for name in sorted(opaque, key=len, reverse=True))
    found = re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)
    return found.sub(lambda match: opaque.get(match[0].lower(), "account"), text)


def state_words(
    provider: ProviderView, account: AccountView | None, now: float, zone: Zone, hours: int = 24
) -> str:
    """The words at a panel's title: the age of fresh figures, or what is the matter."""
    status = provider.status
    again = (account.retry_at or account.next_refresh_at) if account else None
    if status is Status.STALE:
        since = account.observed_at if account else None
        return f"stale {age(now - since)}".rstrip() if since is not None else "stale"
    if status is Status.OK:
        if account is None or account.observed_at is None:
            return "waiting"
        return age(now - account.observed_at)
    when = f" {clock_time(again, now, zone, hours)}" if again and again > now else ""
    words = {
        Status.IDLE: f"idle, renews when {provider.cli} runs" if provider.cli else "idle",
        Status.LIMITED: f"rate limited{', next' + when if when else ''}",
        Status.EXPIRED: "login expired",
        Status.UNSUBSCRIBED: "not subscribed",
        Status.UNCONFIGURED: "not configured",
        Status.OFFLINE: f"offline{', retry' + when if when else ''}",
        Status.DENIED: "access denied",
        Status.ERROR: "unreadable answer",
        Status.DISABLED: "switched off",
    }
    return words[status]


@lru_cache(maxsize=4096)
def cell_width(text: str) -> int:
    """Cells that a text takes; wide characters take two.  Cached: it was half of a draw."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    """Marks join the character before them, as Korean vowels and finals do."""
    if unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` in at most ``width`` cells, with an ellipsis where it was cut."""
    if cell_width(text) <= width:
        return text
    kept, room = "", width - len(ellipsis)
    if room <= 0:
        return ellipsis[: max(0, width)]
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + ellipsis


def tilde(path: str, home: str) -> str:
    """A path from the person's home on."""
    inside = home not in ("", "/", ".") and (path == home or path.startswith(f"{home}/"))
    return f"~{path[len(home) :]}" if inside else path


def fit_end(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end kept: of a folder that is what tells it apart."""
    if cell_width(text) <= width:
        return text
    while text and cell_width(text) > width - 1:
        text = text[1:]
    return f"…{text}" if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells."""
    text = fit(text, width)
    space = " " * (width - cell_width(text))
    return space + text if right else text + space


def wrap(text: str, width: int, rows: int) -> tuple[str, ...]:
    """``text`` in at most ``rows`` lines of ``width`` cells, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_width(lines[-1]) + 1 + cell_width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(fit(word, width))
    if len(lines) > rows > 0:
        lines = [*lines[: rows - 1], fit(" ".join(lines[rows - 1 :]), width)]
    return tuple(lines[: max(0, rows)])


def ascii_only(text: str) -> str:
    """ASCII whatever the text holds, in as many cells: names come from files."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "~" if c == "…" else "?" * _cells(c) for c in text)
