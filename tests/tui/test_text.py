"""Numbers, times and states as short texts."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from providers.engine.shown import Severity, WindowState
from providers.model import DAY, HOUR, Status
from tests.tui.shown import NOW, UTC, account, instant, pace, provider, window, zone_of
from tui.glyphs import ASCII, UNICODE
from tui.text import (
    account_name,
    age,
    amount,
    ascii_only,
    cell_width,
    clock_time,
    countdown,
    delta,
    duration_words,
    early,
    fit,
    flag,
    forecast,
    hide,
    pad,
    percent,
    state_words,
    wrap,
)

BERLIN = zone_of("Europe/Berlin")
NEW_YORK = zone_of("America/New_York")
KIRITIMATI = zone_of("Pacific/Kiritimati")


@pytest.mark.parametrize(
    ("used", "shown"),
    [
        (None, "--"), (0.0, "0%"), (0.001, "1%"), (0.5, "1%"), (1.4, "1%"), (1.5, "2%"), (62.0, "62%"),
        (98.9, "99%"), (99.0, "99%"), (99.6, "99%"), (99.999, "99%"), (100.0, "100%"), (123.4, "123%"),
    ],
)  # fmt: skip
def test_percent(used: float | None, shown: str) -> None:
    """0 % and 100 % are said only when they are true."""
    assert percent(used) == shown


@pytest.mark.parametrize(
    ("used", "shown"),
    [(None, "--"), (0.0, "100%"), (0.4, "99%"), (62.0, "38%"), (99.6, "1%"), (100.0, "0%"), (140.0, "0%")],
)
def test_percent_left(used: float | None, shown: str) -> None:
    """What is left is rounded by the same rule, and never below nothing."""
    assert percent(used, left=True) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "now"), (0, "now"), (0.9, "now"), (45, "45s"), (59.9, "59s"), (60, "1m00s"), (545, "9m05s"),
        (599, "9m59s"), (600, "10m"), (48 * 60, "48m"), (HOUR - 1, "59m"), (HOUR, "1h00m"),
        (2 * HOUR + 48 * 60, "2h48m"), (DAY - 1, "23h59m"), (DAY, "1d00h"), (3 * DAY + 8 * HOUR, "3d08h"),
        (10 * DAY - 1, "9d23h"), (10 * DAY, "10d"), (12.5 * DAY, "12d"), (400 * DAY, "400d"),
    ],
)  # fmt: skip
def test_countdown(seconds: float, shown: str) -> None:
    """Two units, seconds only below ten minutes."""
    assert countdown(seconds) == shown


def _seconds_of(text: str) -> int:
    """The time that a countdown names."""
    units = {"d": DAY, "h": HOUR, "m": 60, "s": 1}
    total, digits = 0, ""
    for c in text if text != "now" else "":
        if c.isdigit():
            digits += c
        else:
            total, digits = total + int(digits) * units[c], ""
    return total


@given(st.floats(-DAY, 1000 * DAY), st.floats(-DAY, 1000 * DAY))
@example(599.9, 600.0)
@example(DAY - 1.0, float(DAY))
@example(10 * DAY - 1.0, 10.0 * DAY)
def test_countdown_never_goes_up(a: float, b: float) -> None:
    """It fits six cells, never promises more time than there is, and only falls."""
    low, high = sorted((a, b))
    assert len(countdown(high)) <= 6
    assert _seconds_of(countdown(low)) <= _seconds_of(countdown(high)) <= max(0.0, high)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-100, ""), (0, ""), (59.9, ""), (60, "1m"), (41 * 60, "41m"), (HOUR - 1, "59m"), (HOUR, "1h"),
        (47.9 * HOUR, "47h"), (2 * DAY, "2d"), (3.9 * DAY, "3d"),
    ],
)  # fmt: skip
def test_age(seconds: float, shown: str) -> None:
    """One unit; what is younger than a minute has no age."""
    assert age(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "less than a minute"), (59, "less than a minute"), (60, "1 minute"), (120, "2 minutes"),
        (2 * HOUR + 48 * 60, "2 hours 48 minutes"), (HOUR + 60, "1 hour 1 minute"), (DAY, "1 day"),
        (DAY + HOUR + 60, "1 day 1 hour"), (3 * DAY + 8 * HOUR, "3 days 8 hours"),
    ],
)  # fmt: skip
def test_duration_words(seconds: float, said: str) -> None:
    """At most two units, in the singular where there is one."""
    assert duration_words(seconds) == said


def test_early_and_delta() -> None:
    """A lead over the reset, and over an even pace, with its sign."""
    assert early(HOUR + 27 * 60) == "1h27m early"
    assert [delta(pace(18.4)), delta(pace(-37.0)), delta(None)] == ["+18", "-37", ""]


SUNDAY_NOON = "2026-11-22T12:00:00+01:00"


@pytest.mark.parametrize(
    ("now", "at", "said", "said_12"),
    [
        (SUNDAY_NOON, "2026-11-22T15:23:00+01:00", "15:23", "3:23pm"),
        (SUNDAY_NOON, "2026-11-22T23:59:59+01:00", "23:59", "11:59pm"),
        (SUNDAY_NOON, "2026-11-22T12:00:00+01:00", "12:00", "12:00pm"),
        (SUNDAY_NOON, "2026-11-22T00:05:00+01:00", "00:05", "12:05am"),
        (SUNDAY_NOON, "2026-11-23T00:00:00+01:00", "Mon 00:00", "Mon 12:00am"),
        (SUNDAY_NOON, "2026-11-26T06:04:00+01:00", "Thu 06:04", "Thu 6:04am"),
        (SUNDAY_NOON, "2026-11-28T23:00:00+01:00", "Sat 23:00", "Sat 11:00pm"),
        (SUNDAY_NOON, "2026-11-29T15:00:00+01:00", "29 Nov", "29 Nov"),
        (SUNDAY_NOON, "2026-12-12T06:04:00+01:00", "12 Dec", "12 Dec"),
        (SUNDAY_NOON, "2027-11-22T12:00:00+01:00", "22 Nov", "22 Nov"),
        (SUNDAY_NOON, "2026-11-21T23:00:00+01:00", "21 Nov", "21 Nov"),
    ],
)
def test_clock_time(now: str, at: str, said: str, said_12: str) -> None:
    """The time today, with the weekday within a week, else the date."""
    assert clock_time(instant(at), instant(now), BERLIN) == said
    assert clock_time(instant(at), instant(now), BERLIN, 12) == said_12


def test_no_weekday_is_ambiguous() -> None:
    """A weekday never names the day a week from now that is called like today."""
    now = instant("2026-11-22T23:30:00+01:00")
    said = {clock_time(now + hour * HOUR, now, BERLIN) for hour in range(1, 24 * 14)}
    assert not [text for text in said if text.startswith("Sun")]


@pytest.mark.parametrize(
    ("zone", "now", "at", "said"),
    [
        (BERLIN, "2026-10-25T00:30:00+02:00", "2026-10-25T02:30:00+02:00", "02:30"),
        (BERLIN, "2026-10-25T00:30:00+02:00", "2026-10-25T02:30:00+01:00", "02:30"),
        (BERLIN, "2026-10-24T23:30:00+02:00", "2026-10-25T06:00:00+01:00", "Sun 06:00"),
        (BERLIN, "2027-03-28T01:30:00+01:00", "2027-03-28T03:00:00+02:00", "03:00"),
        (BERLIN, "2027-03-27T12:00:00+01:00", "2027-03-28T12:00:00+02:00", "Sun 12:00"),
        (NEW_YORK, "2026-11-22T01:00:00+00:00", "2026-11-22T06:00:00+00:00", "Sun 01:00"),
        (KIRITIMATI, "2026-11-22T01:00:00+00:00", "2026-11-22T06:00:00+00:00", "20:00"),
    ],
)
def test_clock_time_across_zones(zone, now: str, at: str, said: str) -> None:  # type: ignore[no-untyped-def]
    """Days and hours are those of the zone, on the days when clocks change too."""
    assert clock_time(instant(at), instant(now), zone) == said


OUT = NOW + HOUR
EUROS = {"used": 12.34, "limit": 50.0, "unit": "EUR"}


@pytest.mark.parametrize(
    ("shown", "sign", "ascii_sign"),
    [
        (window(), " ", " "),
        (window(severity=Severity.WATCH), " ", " "),
        (window(severity=Severity.HIGH), "!", "!"),
        (window(pace=pace()), " ", " "),
        (window(pace=pace(out=OUT)), "▲", "^"),
        (window(pace=pace(out=OUT), severity=Severity.HIGH), "▲", "^"),
    ],
)
def test_flag(shown, sign: str, ascii_sign: str) -> None:  # type: ignore[no-untyped-def]
    """A coming run-out wins over a high figure."""
    assert (flag(shown, UNICODE), flag(shown, ASCII)) == (sign, ascii_sign)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (window(pace=pace(out=OUT)), "out 07:46"),
        (window(pace=pace(out=NOW + 4 * DAY)), "out Thu 06:46"),
        (window(pace=pace(out=NOW - 60)), "may be out"),
        (window(pace=pace()), "lasts"),
        (window(), ""),
        (window(share=100.0), "full, back 09:34"),
        (window(share=140.0, resets_at=None), "full"),
        (window(share=None, state=WindowState.RESET_DUE), "reset due"),
        (window(share=None, state=WindowState.UNKNOWN), "unknown"),
        (window(share=0.0, state=WindowState.NOT_STARTED), "not started"),
        (window(share=100.0, note="off: out of credits"), "off: out of credits"),
        (window("spend", 24.7, **EUROS), "12.34 of 50.00 EUR"),
        (window("spend", 24.7, pace=pace(), **EUROS), "12.34 of 50.00 EUR"),
        (window("spend", 24.7, pace=pace(out=OUT), **EUROS), "out 07:46"),
        (window(resets_at=None, refills_at=OUT, refill_percent=5.0), "+5% 07:46"),
        (window(resets_at=None, refills_at=OUT), "more 07:46"),
        (window(resets_at=None, refills_at=NOW - 1, refill_percent=5.0), ""),
    ],
)  # fmt: skip
def test_forecast(shown, said: str) -> None:  # type: ignore[no-untyped-def]
    """What comes of a window; a run-out is said before an amount."""
    assert forecast(shown, NOW, UTC) == said


@pytest.mark.parametrize(
    ("used", "limit", "remaining", "unit", "said", "brief"),
    [
        (None, None, None, "EUR", "", ""),
        (None, 50.0, None, "EUR", "", ""),
        (12.34, 50.0, None, "EUR", "12.34 of 50.00 EUR", "12 EUR"),
        (12.34, None, None, "EUR", "12.34 EUR", "12 EUR"),
        (0.4, 50.0, None, "EUR", "0.40 of 50.00 EUR", "<1 EUR"),
        (0.0, 50.0, None, "EUR", "0.00 of 50.00 EUR", "0 EUR"),
        (1250.0, 5000.0, None, "JPY", "1,250 of 5,000 JPY", "1,250 JPY"),
        (2870.0, 7000.0, None, "credits", "2,870 of 7,000 credits", "2,870 credits"),
        (2870.0, 7000.0, 4130.0, "credits", "2,870 of 7,000 credits", "2,870 credits"),
        (None, 7000.0, 4130.0, "credits", "2,870 of 7,000 credits", "2,870 credits"),
        (None, 7000.0, 9000.0, "credits", "9,000 credits", "9,000 credits"),
        (None, None, 250.0, "credits", "250 credits", "250 credits"),
        (90.0, None, 250.0, "credits", "250 credits", "250 credits"),
        (None, None, 0.25, "credits", "0.25 credits", "<1 credits"),
        (12.0, 300.0, None, None, "12 of 300", "12"),
    ],
)
def test_amount(  # type: ignore[no-untyped-def]
    used, limit, remaining, unit, said: str, brief: str
) -> None:
    """Beside a limit it is what is used, alone what is left; nothing is rounded down to 0."""
    shown = window("credits", None, used=used, limit=limit, remaining=remaining, unit=unit)
    assert (amount(shown), amount(shown, brief=True)) == (said, brief)


@pytest.mark.parametrize(
    ("changes", "named", "private"),
    [
        ({}, "work", "account a1b2"),
        ({"alias": ""}, "w@example.com", "account a1b2"),
        ({"alias": "", "email": ""}, "account a1b2", "account a1b2"),
        ({"known": False}, "account unknown", "account unknown"),
    ],
)
def test_account_name(changes: dict[str, object], named: str, private: str) -> None:
    """Alias, else e-mail, else a short id; in private nothing that tells who."""
    shown = account(**changes)
    assert (account_name(shown, False), account_name(shown, True)) == (named, private)


TWO = (
    provider(account()),
    provider(
        account(id="f00dcafe", alias="home", email="work@example.com", organisation="W"),
        account(id="00112233", alias="", email="", organisation=""),
    ),
)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("the login of w@example.com ran out", "the login of account a1b2 ran out"),
        ("W@Example.COM is gone", "account a1b2 is gone"),
        ("seat of Example Works", "seat of account a1b2"),
        ("work and home", "account a1b2 and account f00d"),
        ("work@example.com (W)", "account f00d (account f00d)"),
        ("the network works from home.", "the network works from account f00d."),
        ("nothing to hide", "nothing to hide"),
        ("", ""),
    ],
)
def test_hide(text: str, hidden: str) -> None:
    """Every known name goes, in any case; parts of other words and longer names stay whole."""
    assert hide(text, TWO, True) == hidden
    assert hide(text, TWO, False) == text


def test_hide_with_nobody_known() -> None:
    """Without names there is nothing to replace."""
    assert hide("work", (), True) == "work"


LATER = NOW + 7 * 60


@pytest.mark.parametrize(
    ("status", "changes", "said"),
    [
        (Status.OK, {}, ""),
        (Status.OK, {"observed_at": NOW - 120}, "2m"),
        (Status.OK, {"observed_at": NOW + 30}, ""),
        (Status.OK, {"observed_at": None}, "waiting"),
        (Status.STALE, {"observed_at": NOW - 41 * 60}, "stale 41m"),
        (Status.STALE, {"observed_at": None}, "stale"),
        (Status.IDLE, {}, "idle, renews when claude runs"),
        (Status.LIMITED, {"next_refresh_at": LATER}, "rate limited, next 06:53"),
        (Status.LIMITED, {"next_refresh_at": NOW - 5}, "rate limited"),
        (Status.OFFLINE, {"next_refresh_at": LATER}, "offline, retry 06:53"),
        (Status.OFFLINE, {}, "offline"),
        (Status.EXPIRED, {}, "login expired"),
        (Status.UNSUBSCRIBED, {}, "not subscribed"),
        (Status.UNCONFIGURED, {}, "not configured"),
        (Status.DENIED, {}, "access denied"),
        (Status.ERROR, {}, "unreadable answer"),
        (Status.DISABLED, {}, "switched off"),
    ],
)
def test_state_words(status: Status, changes: dict[str, object], said: str) -> None:
    """The words of each state; an age only where figures are fresh or stale."""
    front = account(window(), status=status, **changes)
    assert state_words(provider(front), front, NOW, UTC) == said


@pytest.mark.parametrize("status", list(Status))
def test_state_words_without_an_account(status: Status) -> None:
    """Every state has words when nobody is known, in the 12 hour clock too."""
    assert state_words(provider(status=status), None, NOW, UTC, 12)


def test_idle_without_a_command_to_run() -> None:
    """A provider without a CLI promises no renewal by one."""
    assert state_words(provider(status=Status.IDLE, cli=""), None, NOW, UTC) == "idle"


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("한", 2), ("ᄒ\u1161", 2), ("☁\ufe0e", 1)],
)
def test_cell_width(text: str, width: int) -> None:
    """Wide characters take two cells, marks none, as in the library that draws the pane."""
    assert cell_width(text) == width == cell_len(text)


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("quota", 5, "quota"), ("quotadeck", 5, "quot…"), ("quotadeck", 1, "…"), ("quotadeck", 0, ""),
        ("two words", 5, "two…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("日本語", 6, "日本語"),
    ],
)  # fmt: skip
def test_fit(text: str, width: int, fitted: str) -> None:
    """What is too long ends in an ellipsis, without half a character or a loose space."""
    assert fit(text, width) == fitted


def test_fit_in_ascii() -> None:
    """A longer ellipsis takes its own room."""
    assert [fit("quotadeck", n, "...") for n in (9, 7, 3, 2)] == ["quotadeck", "quot...", "...", ".."]


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn")), max_size=40)


@given(TEXTS, st.integers(0, 30), st.booleans())
def test_fitted_and_padded_width(text: str, width: int, right: bool) -> None:
    """Cut never exceeds the width, padded meets it exactly."""
    assert cell_width(fit(text, width)) <= width
    assert cell_width(pad(text, width, right=right)) == width


def test_pad() -> None:
    """Numbers stand at the right, words at the left."""
    assert (pad("5 h", 5), pad("62%", 5, right=True)) == ("5 h  ", "  62%")


@pytest.mark.parametrize(
    ("text", "width", "rows", "lines"),
    [
        ("", 10, 2, ()),
        ("one two three", 7, 3, ("one two", "three")),
        ("one two three four", 7, 2, ("one two", "three…")),
        ("incomprehensible word", 6, 3, ("incom…", "word")),
        ("one two", 7, 0, ()),
    ],
)
def test_wrap(text: str, width: int, rows: int, lines: tuple[str, ...]) -> None:
    """Lines break between words; what is too much ends in an ellipsis."""
    assert wrap(text, width, rows) == lines


@given(TEXTS, st.integers(1, 30), st.integers(0, 4))
def test_wrapped_text_fits(text: str, width: int, rows: int) -> None:
    """Never more rows or wider lines than there are."""
    lines = wrap(text, width, rows)
    assert len(lines) <= rows
    assert all(cell_width(line) <= width for line in lines)


@given(TEXTS)
def test_ascii_only_keeps_the_width(text: str) -> None:
    """Foreign names become question marks, cell for cell."""
    assert ascii_only(text).isascii()
    assert len(ascii_only(text)) == cell_width(text)
