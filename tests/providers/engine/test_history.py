"""The history: bounded, shared by several panes, and harmless whatever happens to its file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from providers.engine.history import (
    KEPT_ROWS,
    PRUNE_EVERY,
    History,
    Sample,
    buckets,
    rate_per_hour,
)
from providers.model import DAY, FIVE_HOURS, HOUR, Source, Window

NOW = 1_795_330_000.0
MINUTE = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home/.local/state/quotadeck/history.sqlite3"


def five_hours(used: float | None, resets_at: float | None) -> Window:
    return Window("5h", "5 h", used, resets_at, FIVE_HOURS)


def keep(history: History, at: float, used: float | None, resets_at: float | None = NOW + HOUR) -> None:
    history.record("claude", "a1", five_hours(used, resets_at), at, Source.STATUSLINE)


def kept(history: History, since: float = 0.0) -> list[tuple[float, float]]:
    return [(s.at - NOW, s.used_percent) for s in history.samples("claude", "a1", "5h", since)]


def rows(path: Path, table: str) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        db.close()


def test_a_window_comes_back_as_it_was_told(path: Path) -> None:
    """Every field of a window survives, under the opaque id of its account."""
    window = Window("5h", "5 h", 37.5, NOW + HOUR, FIVE_HOURS, 3.0, 8.0, 5.0, "USD", "off")
    history = History(path)
    history.record("claude", "a1", window, NOW, Source.ENDPOINT)
    history.close()
    (reading,) = History(path).last_readings()
    assert (reading.provider, reading.account, reading.windows) == ("claude", "id:a1", (window,))
    assert (reading.source, reading.origin, reading.observed_at) == (Source.ENDPOINT, "history", NOW)
    assert not reading.complete


def test_a_window_without_a_percentage_is_remembered_but_no_sample(path: Path) -> None:
    """Unknown is not zero, so it is no point of a curve."""
    history = History(path)
    keep(history, NOW, None)
    assert history.last_readings()[0].windows[0].used_percent is None
    assert kept(history) == []


@pytest.mark.parametrize(
    ("after", "used", "resets_at", "sampled"),
    [
        (MINUTE, 10.9, NOW + HOUR, False),
        (MINUTE, 11.0, NOW + HOUR, True),
        (MINUTE, 9.0, NOW + HOUR, True),
        (MINUTE, 10.0, NOW + HOUR + 59, False),
        (MINUTE, 10.0, NOW + HOUR + 61, True),
        (MINUTE, 10.0, None, True),
        (299.0, 10.0, NOW + HOUR, False),
        (300.0, 10.0, NOW + HOUR, True),
        (0.0, 50.0, NOW + HOUR, False),
        (-600.0, 50.0, NOW + HOUR, False),
    ],
)
def test_a_sample_is_due_when_something_moved_or_time_passed(
    path: Path, after: float, used: float, resets_at: float | None, sampled: bool
) -> None:
    """One sample per five minutes, sooner for a point or another reset, never an older one."""
    history = History(path)
    keep(history, NOW, 10.0)
    keep(history, NOW + after, used, resets_at)
    assert kept(history) == [(0.0, 10.0), (after, used)] if sampled else [(0.0, 10.0)]


def test_the_latest_figure_is_exact_even_if_it_is_no_sample(path: Path) -> None:
    """What a deck is opened with is the last figure, not the last sample."""
    history = History(path)
    keep(history, NOW, 10.0)
    keep(history, NOW + 20, 10.5)
    (reading,) = history.last_readings()
    assert (reading.observed_at, reading.windows[0].used_percent) == (NOW + 20, 10.5)


def test_an_older_figure_never_replaces_a_newer_one(path: Path) -> None:
    """A second pane that lags behind does not turn the last figures back."""
    ahead, behind = History(path), History(path)
    keep(ahead, NOW, 60.0)
    keep(behind, NOW - 2 * HOUR, 20.0)
    assert behind.last_readings()[0].windows[0].used_percent == 60.0
    assert kept(ahead) == [(0.0, 60.0)]


def test_a_clock_that_was_wrong_once_does_not_stop_the_history(path: Path) -> None:
    """Figures kept a year ahead give way, and samples are spaced as ever afterwards."""
    history = History(path)
    keep(history, NOW + 365 * DAY, 80.0)
    for second in range(10):
        keep(history, NOW + second, 10.0)
    assert history.last_readings()[0].observed_at == NOW + 9
    assert kept(history)[:-1] == [(0.0, 10.0)]


def test_accounts_and_windows_are_kept_apart(path: Path) -> None:
    """Provider, account and window together name a curve."""
    history = History(path)
    for provider, account, window in (("a", "1", "5h"), ("a", "2", "5h"), ("a", "1", "7d"), ("b", "1", "5h")):
        history.record(provider, account, Window(window, window, 5.0), NOW, Source.LOG)
    assert len(history.last_readings()) == 4
    assert len(history.samples("a", "1", "5h", 0)) == 1


def test_samples_begin_where_asked(path: Path) -> None:
    """``since`` is inclusive and the order is by time."""
    history = History(path)
    for minutes in (0, 10, 20):
        keep(history, NOW + minutes * MINUTE, float(minutes))
    assert kept(history, NOW + 600) == [(600.0, 10.0), (1200.0, 20.0)]


def test_reading_a_missing_history_makes_nothing(path: Path) -> None:
    """A one-shot command that only looks leaves no trace."""
    history = History(path)
    assert history.last_readings() == ()
    assert history.samples("claude", "a1", "5h", 0) == ()
    assert history.trouble == ""
    assert not path.parent.exists()


def test_the_file_and_its_companions_are_private(path: Path) -> None:
    """0600 in 0700 folders whatever the umask is, also while it is in use."""
    before = os.umask(0)
    try:
        history = History(path)
        keep(history, NOW, 10.0)
        assert {stat.S_IMODE(f.stat().st_mode) for f in path.parent.iterdir()} == {0o600}
        folders = [path.parent, *path.parent.parents][:4]
        assert {stat.S_IMODE(f.stat().st_mode) for f in folders} == {0o700}
    finally:
        os.umask(before)


def test_a_file_that_was_opened_up_is_closed_again(path: Path) -> None:
    """A history that others may read is made private at the next write."""
    history = History(path)
    keep(history, NOW, 10.0)
    history.close()
    path.chmod(0o644)
    keep(History(path), NOW + HOUR, 20.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_ten_thousand_figures_stay_bounded(path: Path) -> None:
    """A month of figures into a full history: neither rows nor bytes grow beyond their limit."""
    history = History(path)
    keep(history, NOW, 0.0)
    db = sqlite3.connect(path)
    with db:
        db.executemany(
            "INSERT INTO sample VALUES ('x', 'y', 'z', ?, 1.0, NULL)",
            ((NOW + second,) for second in range(KEPT_ROWS)),
        )
    db.close()
    for step in range(1, 10_001):
        keep(history, NOW + KEPT_ROWS + step * 300.0, float(step % 90))
    history.close()
    assert rows(path, "sample") <= KEPT_ROWS + PRUNE_EVERY
    assert rows(path, "latest") == 1
    assert path.stat().st_size < 4 * 1024 * 1024
    assert kept(History(path))[-1][0] == KEPT_ROWS + 10_000 * 300.0


def test_what_is_older_than_35_days_goes(path: Path) -> None:
    """A new process clears up at its first write, samples and last figures alike."""
    history = History(path)
    history.record("gone", "g", Window("5h", "5 h", 1.0), NOW, Source.LOG)
    keep(history, NOW, 10.0)
    history.close()
    later = History(path)
    keep(later, NOW + 36 * DAY, 20.0)
    assert kept(later) == [(36 * DAY, 20.0)]
    assert [r.provider for r in later.last_readings()] == ["claude"]


WRITER = """
import sys
from pathlib import Path
from providers.engine.history import History
from providers.model import Source, Window
history = History(Path(sys.argv[1]))
for step in range(300):
    history.record("claude", sys.argv[2], Window("5h", "5 h", float(step)), 1e9 + step * 300, Source.LOG)
    history.record("claude", "both", Window("5h", "5 h", float(step)), 1e9 + step * 300, Source.LOG)
    if history.trouble:
        sys.exit(history.trouble)
"""


def test_two_processes_write_at_once(path: Path) -> None:
    """Two panes that start together share the file: nothing lost, nothing twice, no trouble."""
    panes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    assert [pane.communicate(timeout=60)[1] for pane in panes] == ["", ""]
    history = History(path)
    found = {name: history.samples("claude", name, "5h", 0) for name in ("one", "two", "both")}
    assert {name: len(samples) for name, samples in found.items()} == {"one": 300, "two": 300, "both": 300}


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database " * 500)


def _other_version(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.execute("CREATE TABLE sample (x)")
    db.close()


def _foreign(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE sample (x)")
    db.close()


def _torn(path: Path) -> None:
    """The first page is whole, all others are overwritten."""
    history = History(path)
    for step in range(500):
        keep(history, NOW + step * 300, float(step % 90))
    history.close()
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


@pytest.mark.parametrize("spoil", [_garbage, _other_version, _foreign, _torn])
def test_a_file_that_is_no_use_is_put_aside_by_writing_only(path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    """Reading leaves it alone; the next figure begins a new one and keeps the old bytes."""
    path.parent.mkdir(parents=True)
    spoil(path)
    before = path.read_bytes()
    history = History(path)
    assert history.last_readings() == ()
    assert path.read_bytes() == before
    keep(history, NOW, 10.0)
    assert history.trouble == ""
    assert kept(history) == [(0.0, 10.0)]
    assert path.with_name("history.sqlite3.old").read_bytes() == before


def test_an_empty_file_is_begun(path: Path) -> None:
    """A crash right after the file was made is nothing to put aside."""
    path.parent.mkdir(parents=True)
    path.touch()
    history = History(path)
    assert history.last_readings() == ()
    assert history.trouble == ""
    keep(history, NOW, 10.0)
    assert kept(history) == [(0.0, 10.0)]
    assert not path.with_name("history.sqlite3.old").exists()


def test_a_file_removed_under_a_running_pane_is_made_again(path: Path) -> None:
    """Clearing the state folder does not end the history until the next start."""
    history = History(path)
    keep(history, NOW, 10.0)
    for file in path.parent.iterdir():
        file.unlink()
    keep(history, NOW + HOUR, 20.0)
    assert kept(history) == [(HOUR, 20.0)]
    assert path.exists()


def _folder_is_a_file(path: Path) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("")


def _link(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(path.with_name("elsewhere"))


def _folder(path: Path) -> None:
    path.mkdir(parents=True)


@pytest.mark.parametrize("spoil", [_folder_is_a_file, _link, _folder])
def test_what_cannot_be_written_is_told_once_and_harms_nothing(path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    """No call raises; ``trouble`` is one line; nothing in the way is replaced."""
    spoil(path)
    history = History(path)
    keep(history, NOW, 10.0)
    assert history.trouble.startswith("history is not kept: ")
    assert "\n" not in history.trouble
    assert history.samples("claude", "a1", "5h", 0) == ()
    assert history.last_readings() == ()
    assert not path.with_name("elsewhere").exists()


def test_a_read_only_disk_is_told_and_later_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are not kept while the disk refuses them; once it takes them, all is well again."""
    history = History(path)
    keep(history, NOW, 10.0)
    history.close()
    real = sqlite3.connect

    def read_only(place: str, **options: object) -> sqlite3.Connection:
        return real(place.replace("mode=rw", "mode=ro"), **options)  # type: ignore[call-overload,no-any-return]

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", read_only)
        keep(history, NOW + HOUR, 20.0)
        assert "readonly" in history.trouble
    keep(history, NOW + 2 * HOUR, 30.0)
    assert history.trouble == ""
    assert kept(history) == [(0.0, 10.0), (2 * HOUR, 30.0)]
    assert not path.with_name("history.sqlite3.old").exists()


def test_a_full_disk_is_told_and_what_is_kept_stays(path: Path) -> None:
    """A write that does not fit leaves the earlier figures readable."""
    history = History(path)
    keep(history, NOW, 10.0)
    assert history._connection is not None
    history._connection.execute("PRAGMA max_page_count = 1")
    for step in range(1, 200):
        keep(history, NOW + step * 300, 10.0)
        if history.trouble:
            break
    assert "full" in history.trouble
    assert kept(history)[0] == (0.0, 10.0)


def test_a_lock_that_is_held_costs_a_second_at_most(path: Path) -> None:
    """Another process in the middle of a long write delays a figure, and loses one at worst."""
    history = History(path)
    keep(history, NOW, 10.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    keep(history, NOW + HOUR, 20.0)
    assert "locked" in history.trouble
    assert kept(history) == [(0.0, 10.0)]
    other.execute("ROLLBACK")
    other.close()
    keep(history, NOW + 2 * HOUR, 30.0)
    assert history.trouble == ""


def curve(*points: tuple[float, float], resets_at: float | None = NOW + 10 * HOUR) -> tuple[Sample, ...]:
    """Samples from (minutes before now, used percent)."""
    return tuple(Sample(NOW - minutes * MINUTE, used, resets_at) for minutes, used in points)


RESET = (
    Sample(NOW - 2 * HOUR, 80.0, NOW - HOUR),
    Sample(NOW - HOUR / 2, 10.0, NOW + 4 * HOUR),
)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        ((), None),
        (curve((60, 10)), None),
        (curve((300, 10), (290, 30)), None),
        (curve((300, 10), (60, 30)), None),
        (curve((120, 10), (60, 30)), 10.0),
        (curve((120, 10), (0, 30)), 10.0),
        (curve((120, 10), (60, 10)), 0.0),
        (curve((120, 50), (60, 49)), 0.0),
        (curve((1, 10), (0, 12)), 8.0),
        (curve((120, 10), (60, 30), (-60, 90)), 10.0),
        (RESET, 5.0),
        ((Sample(NOW - 2 * HOUR, 50.0, NOW), Sample(NOW - HOUR, 49.0, None)), 0.0),
        ((Sample(NOW - 2 * HOUR, 50.0, NOW), Sample(NOW - HOUR, 49.0, NOW + 90)), 0.0),
        ((Sample(NOW - 2 * HOUR, 50.0, None), Sample(NOW - HOUR, 52.0, NOW)), 1.0),
    ],
)
def test_the_rate_counts_rises_alone(samples: tuple[Sample, ...], rate: float | None) -> None:
    """Points an hour from the first sample of the span until now; never negative."""
    assert rate_per_hour(samples, NOW) == rate


def test_buckets_hold_what_was_gained_in_each_quarter_of_an_hour() -> None:
    """Sixteen of them, oldest first; what lies outside is in none."""
    samples = curve((300, 5), (239, 10), (20, 20), (10, 25), (0, 27), (-30, 90))
    found = buckets(samples, NOW)
    assert len(found) == 16
    assert {i: gain for i, gain in enumerate(found) if gain} == {0: 5.0, 14: 10.0, 15: 7.0}


def test_buckets_of_nothing_are_flat() -> None:
    """No samples, no gain."""
    assert buckets((), NOW) == buckets(curve((10, 5)), NOW) == (0.0,) * 16


def test_importing_the_history_loads_no_database() -> None:
    """One-shot commands that need no history do not pay for SQLite."""
    code = "import sys, providers.engine.history; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
