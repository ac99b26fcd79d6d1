"""What killed programs leave: each is found, named, and goes by the command beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from providers.accounts.journal import Entry, Phase, Replaced, begun, boot, write_entry
from providers.accounts.leftovers import RECOVER, ago, leftovers
from providers.accounts.living import look
from providers.accounts.locks import HeldFolder, cli_locks
from providers.accounts.safety import save_copy
from providers.base import Environment
from providers.engine.checkup import Finding, Severity
from providers.record import replace
from tests.providers.engine.test_checkup import mended
from tests.world.households import Household


@pytest.fixture
def house(environment: Environment) -> Household:
    house = Household(environment)
    house.log_in("a")
    return house


def found(house: Household) -> list[Finding]:
    return list(leftovers(house.environment, (house.store,), time.time()))


def only(house: Household) -> Finding:
    (finding,) = found(house)
    return finding


def dated(path: Path, seconds: float) -> None:
    """As if it had been touched so long ago."""
    at = time.time() - seconds
    os.utime(path, (at, at))


def entry(**changes: object) -> Entry:
    plain = Entry("0123abcd", "claude", "", "to", "from", "new", "old", Phase.WRITING, time.time(),
                  os.getpid(), begun(os.getpid()), boot(), (Replaced("/x", "", ""),))  # fmt: skip
    return replace(plain, **changes)


def test_nothing_is_left_in_a_tidy_home(house: Household) -> None:
    """Nor while a lock is held, by a CLI or by us."""
    assert found(house) == []
    with cli_locks(house.store.locks(), lambda folder: None):
        assert found(house) == []


@pytest.mark.parametrize("number", range(4))
def test_locks_of_a_killed_claude(house: Household, number: int) -> None:
    """Any of the four, older than it may be: a note, as the next who wants it takes it over."""
    path = house.store.locks()[number].path
    path.mkdir()
    dated(path, 7_300)
    finding = only(house)
    assert (finding.severity, "left 2 hours ago" in finding.sentence) == (Severity.NOTE, True)
    mended(finding, house.environment)
    assert found(house) == []


def test_locks_that_nobody_can_take(house: Household) -> None:
    """Dated in the future, not empty, a file: severe, and the command clears the way."""
    first, second, third, _ = (lock.path for lock in house.store.locks())
    first.mkdir()
    dated(first, -3_600)
    second.mkdir()
    (second / "pid").write_text("1")
    dated(second, 3_600)
    third.write_text("")
    findings = found(house)
    assert [f.fix.split()[0:-1] for f in findings] == [["rmdir"], ["rm", "-r"], ["rm"]]
    assert {f.severity for f in findings} == {Severity.SEVERE}
    assert "in the future" in findings[0].sentence
    for finding in findings:
        mended(finding, house.environment)
    assert found(house) == []


def test_a_folder_where_codex_locks_a_file(environment: Environment) -> None:
    """Its auth.lock must be a file; that one lies there is right."""
    house = Household(environment, "codex")
    house.log_in("a")
    one, other = (lock.path for lock in house.store.locks())
    one.write_text("")
    other.mkdir()
    finding = only(house)
    assert (finding.path, finding.severity) == ("~/.codex/auth.json.lock", Severity.SEVERE)


def test_a_lock_of_ours_goes_with_its_journal(house: Household) -> None:
    """Recovery removes it: both findings name that command."""
    path = house.store.locks()[0].path
    path.mkdir()
    dated(path, 120)
    made = os.lstat(path)
    known = {"path": str(path), "device": made.st_dev, "inode": made.st_ino, "touched": made.st_mtime_ns}
    held = HeldFolder(**{name: known[name] for name in HeldFolder._fields})
    write_entry(house.environment.state_dir, entry(pid=2**22 + 1, begun="gone", locks=(held,)))
    lock, journal = found(house)
    assert "killed switch of ours" in lock.sentence
    assert (lock.fix, journal.fix, journal.severity) == (RECOVER, RECOVER, Severity.SEVERE)


def test_open_journals(house: Household) -> None:
    """A switch that runs or settles is none; a dead one is, and one that cannot be read."""
    state, now = house.environment.state_dir, time.time()
    write_entry(state, entry())
    assert found(house) == []
    write_entry(state, entry(phase=Phase.WRITTEN, pid=2**22 + 1, begun="gone", at=now - 5))
    assert found(house) == []
    write_entry(state, entry(phase=Phase.WRITTEN, pid=2**22 + 1, begun="gone", at=now - 3_700))
    assert (only(house).severity, only(house).fix) == (Severity.NOTE, RECOVER)
    write_entry(state, entry(pid=2**22 + 1, begun="gone", at=now - 3_700))
    assert "was killed 1 hour ago" in only(house).sentence
    (state / "journal/0123abcd.json").write_text("{")
    finding = only(house)
    assert (finding.severity, "cannot be read" in finding.sentence) == (Severity.SEVERE, True)


def test_safety_copies(house: Household) -> None:
    """One that nobody claims, one that waits, one that is torn; by fingerprints, never by content."""
    login = look(house.store).live.login
    assert login is not None
    state = house.environment.state_dir
    save_copy(state, "one", login, "", time.time() - 90)
    save_copy(state, "two", login, "acc-a/org-a", time.time())
    (state / "safety/zzz.json").write_text("{")
    one, two, torn = found(house)
    assert (
        one.sentence == f"holds a login of claude ({login.lineage[:8]}) that nobody claims, kept 1 minute ago"
    )
    assert "waits to be filed" in two.sentence
    assert (one.fix, two.fix, torn.severity) == (RECOVER, RECOVER, Severity.SEVERE)
    assert "CANARY" not in repr((one, two, torn))


def test_staged_files(house: Household) -> None:
    """Beside the tokens and beside the config; not those of a switch that is in the journal."""
    for path in (house.secret, house.home / ".claude.json"):
        path.with_name(f"{path.name}.qd-0123abcd").write_text("x")
        path.with_name(f"{path.name}.qd-ffffffff-old").write_text("x")
    assert len(found(house)) == 4
    write_entry(house.environment.state_dir, entry())
    assert [f.path for f in found(house)] == [
        "~/.claude/.credentials.json.qd-ffffffff-old", "~/.claude.json.qd-ffffffff-old",
    ]  # fmt: skip
    assert {f.fix for f in found(house)} == {RECOVER}


def test_nothing_is_changed_by_looking(house: Household) -> None:
    """Every file and folder is as it was, its times too."""
    for lock in house.store.locks():
        lock.path.mkdir()
        dated(lock.path, 7_300)
    write_entry(house.environment.state_dir, entry(pid=2**22 + 1, begun="gone"))
    house.secret.with_name(f"{house.secret.name}.qd-ffffffff").write_text("x")

    def lies() -> dict[str, tuple[int, int, int]]:
        every = (p for p in house.home.rglob("*"))
        return {str(p): (s.st_mode, s.st_mtime_ns, s.st_size) for p in every if (s := p.lstat())}

    before = lies()
    assert len(found(house)) == 6
    assert lies() == before


def test_how_long_ago() -> None:
    """One unit, and its plural."""
    told = [ago(s) for s in (-5, 3, 61, 3_600, 7_300, 90_000, 200_000)]
    assert told == ["moments", "moments", "1 minute", "1 hour", "2 hours", "1 day", "2 days"]
