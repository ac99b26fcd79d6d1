"""The locks of CLIs: the protocol of npm proper-lockfile, and flocks."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from providers.accounts.locks import CliLocks, HeldFolder, beside, cli_locks, is_ours, release
from providers.accounts.login import CannotSwitch, FileLock, FolderLock
from providers.base import Environment
from tests.providers.accounts.test_switch import two
from tests.world.households import NOW


def ignored(folders: tuple[HeldFolder, ...]) -> None:
    """Nobody notes them."""


def made(path: Path, age: float) -> FolderLock:
    """Somebody's lock, last touched ``age`` seconds ago."""
    path.mkdir()
    os.utime(path, (time.time() - age,) * 2)
    return FolderLock(path)


def test_a_live_lock_is_respected(tmp_path: Path) -> None:
    """L1: touched 30 s ago, it is a CLI's: one sentence, and it is still there."""
    lock = made(tmp_path / "l", 30)
    with pytest.raises(CannotSwitch, match="nothing was changed: the lock l is held"), held(lock, within=0.1):
        pass
    assert lock.path.is_dir()


def test_a_dead_lock_is_taken(tmp_path: Path) -> None:
    """L2: untouched for 61 s, its holder died."""
    lock = made(tmp_path / "l", 61)
    with held(lock) as locks:
        assert locks.still_ours()
        assert time.time() - lock.path.stat().st_mtime < 5
    assert not lock.path.exists()


def test_each_lock_has_its_own_patience(tmp_path: Path) -> None:
    """The global config's is stale after ten seconds, those of the refresh after sixty."""
    made(tmp_path / "config", 11)
    with held(FolderLock(tmp_path / "config", 10.0)):
        pass
    made(tmp_path / "refresh", 11)
    with pytest.raises(CannotSwitch), held(FolderLock(tmp_path / "refresh"), within=0):
        pass


def test_a_lock_of_the_future(tmp_path: Path) -> None:
    """L3: nobody ever takes it; the command that clears it is named at once, without a loop."""
    lock = made(tmp_path / "l", -3600)
    begun = time.monotonic()
    with pytest.raises(CannotSwitch, match=f"dated in the future.*rmdir {lock.path}"), held(lock, within=5):
        pass
    assert time.monotonic() - begun < 1
    assert lock.path.is_dir()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_has_its_name(tmp_path: Path, kind: str) -> None:
    """L4: a file or a link blocks every CLI for good: it is named, and left alone."""
    path = tmp_path / "l"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path)
    os.utime(path, (1, 1), follow_symlinks=False)
    with (
        pytest.raises(CannotSwitch, match=f"nothing was changed: {path} is in the way.*rm {path}"),
        held(FolderLock(path)),
    ):
        pass
    assert path.is_symlink() or path.read_text() == "mine"


def test_a_lock_with_something_inside(tmp_path: Path) -> None:
    """L5: nobody can take it; the command is named and nothing inside is touched."""
    lock = made(tmp_path / "l", 0)
    (lock.path / "pid").write_text("1")
    os.utime(lock.path, (1, 1))
    with pytest.raises(CannotSwitch, match=f"is not empty.*rm -r {lock.path}"), held(lock):
        pass
    assert (lock.path / "pid").exists()


def test_only_our_own_is_removed(tmp_path: Path) -> None:
    """L6: the lock that the journal names is removed; one that a CLI made there since is not, also
    when the file system gave it the number of ours."""
    path = tmp_path / "l"
    os.mkdir(path)
    at = path.stat()
    ours = HeldFolder(str(path), at.st_dev, at.st_ino, at.st_mtime_ns)
    release(ours)
    assert not path.exists()
    for _ in range(20):
        time.sleep(0.005)
        path.mkdir()
        if path.stat().st_ino == ours.inode:
            break
        path.rmdir()
    path.mkdir(exist_ok=True)
    assert not is_ours(ours)
    release(ours)
    assert path.is_dir()


def test_a_lock_that_goes_while_held(tmp_path: Path) -> None:
    """L7, L8: it vanished, or a CLI took it over while we were stopped: both are noticed, and what
    is there then is left."""
    lock = FolderLock(tmp_path / "l")
    with held(lock) as locks:
        lock.path.rmdir()
        assert not locks.still_ours()
    with held(lock) as locks:
        lock.path.rmdir()
        lock.path.mkdir()
        os.utime(lock.path, (time.time() + 1,) * 2)
        assert not locks.still_ours()
    assert lock.path.is_dir()


def test_all_or_none(tmp_path: Path) -> None:
    """While the second is busy the first is let go, as a CLI that waits for it may hold the second."""
    first, second = FolderLock(tmp_path / "1"), made(tmp_path / "2", 0)
    with pytest.raises(CannotSwitch), held(first, second, within=0.2):
        pass
    assert not first.path.exists()
    assert second.path.is_dir()


def test_what_is_noted_is_what_is_held(tmp_path: Path) -> None:
    """The journal names the locks of the last try alone: one that was let go is somebody's by now."""
    first, second = FolderLock(tmp_path / "1"), made(tmp_path / "2", 59.8)
    noted: list[tuple[HeldFolder, ...]] = []
    with cli_locks((first, second), noted.append, 3.0) as locks:
        assert len(noted) > 2
        assert noted[-1] == locks.folders
        assert [Path(f.path) for f in locks.folders] == [first.path, second.path]


def test_nothing_is_kept_when_the_note_fails(tmp_path: Path) -> None:
    """A lock that the journal cannot name is let go at once."""

    def full(folders: tuple[HeldFolder, ...]) -> None:
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"), cli_locks((FolderLock(tmp_path / "l"),), full):
        pass
    assert not (tmp_path / "l").exists()


def test_known_before_it_is_there(tmp_path: Path) -> None:
    """Killed at any moment, a lock of ours is either noted or not in the CLI's way."""
    lock, seen = FolderLock(tmp_path / "l"), []
    with cli_locks((lock,), lambda folders: seen.append((folders, lock.path.exists()))) as locks:
        assert seen == [(locks.folders, False)]
        assert [p.name for p in tmp_path.iterdir()] == ["l"]
        assert is_ours(seen[0][0][0])
    assert list(tmp_path.iterdir()) == []


def test_killed_before_it_is_in_place(tmp_path: Path) -> None:
    """What a kill leaves beside the place goes with the lock that the journal names, and is in
    nobody's way: not in that of the next lock, not in a CLI's."""
    lock = FolderLock(tmp_path / "l")
    beside(lock.path).mkdir()
    os.utime(beside(lock.path), (1, 1))
    with held(lock) as locks:
        assert time.time() - lock.path.stat().st_mtime < 5
    beside(lock.path).mkdir()
    release(locks.folders[0])
    assert list(tmp_path.iterdir()) == []


def test_a_cli_is_quicker(tmp_path: Path) -> None:
    """It takes its lock between our look and our move: its lock stands, and ours is gone."""
    lock = FolderLock(tmp_path / "l")

    def quicker(folders: tuple[HeldFolder, ...]) -> None:
        lock.path.mkdir()
        (lock.path / "whose").write_text("the CLI's")

    with pytest.raises(CannotSwitch, match="is held"), cli_locks((lock,), quicker, within=0):
        pass
    assert (lock.path / "whose").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["l"]


@pytest.mark.parametrize("taken", [False, True])
def test_where_nothing_can_be_moved_to_a_free_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """There a lock is made in its place, and noted then."""
    monkeypatch.setattr("providers.accounts.locks.moved_to_free", lambda path, free: False)
    lock = FolderLock(tmp_path / "l")
    if taken:
        lock.path.mkdir()
        with pytest.raises(CannotSwitch, match="is held"), held(lock, within=0.1):
            pass
        assert [p.name for p in tmp_path.iterdir()] == ["l"]
        return
    with held(lock) as locks:
        assert locks.still_ours()
        assert is_ours(locks.folders[0])
    assert list(tmp_path.iterdir()) == []


def test_flocks(tmp_path: Path) -> None:
    """A codex that commits is waited for; afterwards both are free; a link is not followed."""
    first, second = FileLock(tmp_path / "auth.lock"), FileLock(tmp_path / "auth.json.lock")
    with held(first, second), open(first.path) as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(second.path) as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(CannotSwitch, match=r"auth\.json\.lock is held"), held(first, second, within=0.1):
            pass
    assert oct(first.path.stat().st_mode)[-3:] == "600"
    first.path.unlink()
    first.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotSwitch, match="cannot be taken"), held(first):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_where_no_lock_can_be_made(tmp_path: Path) -> None:
    """L9: the folder is not there (of one that is read-only see test_storage_faults)."""
    for lock in (FolderLock(tmp_path / "no" / "l"), FileLock(tmp_path / "no" / "l")):
        with pytest.raises(CannotSwitch, match="nothing was changed: the lock l cannot be taken"), held(lock):
            pass


@pytest.mark.parametrize("gone", ["vanished", "taken over"])
def test_a_switch_that_lost_its_lock_writes_nothing(environment: Environment, gone: str) -> None:
    """L7, L8: asked once more right before the files are replaced."""
    house, a, _ = two(environment, "claude")
    before = house.secret.read_bytes()

    def lose(step: str) -> None:
        lock = house.secret.parent / ".oauth_refresh.lock"
        if step == "staged" and lock.exists():
            lock.rmdir()
            if gone == "taken over":
                lock.mkdir()
                os.utime(lock, (NOW, NOW))

    with pytest.raises(CannotSwitch, match="nothing was changed: a lock was taken over"):
        house.switcher(lose).carry_out(house.switcher().plan(house.store, a))
    assert house.secret.read_bytes() == before
    assert (house.secret.parent / ".oauth_refresh.lock").exists() == (gone == "taken over")
    assert list(house.home.rglob("*.qd-*")) == []


def held(*locks: FolderLock | FileLock, within: float = 1.0) -> AbstractContextManager[CliLocks]:
    """The locks, with nobody noting them."""
    return cli_locks(locks, ignored, within)


_TRY = """
const lock = require('proper-lockfile');
lock.lock(process.argv[1], {stale: 60000, update: 5000, realpath: false, lockfilePath: process.argv[2]})
  .then(release => { console.log('had'); return process.argv[3] ? 0 : release(); })
  .then(() => { if (process.argv[3]) setTimeout(() => process.exit(0), 4000); })
  .catch(error => console.log(error.code));
"""


@pytest.mark.endurance
def test_the_real_package(tmp_path: Path) -> None:
    """npm's proper-lockfile respects ours while it is held and has it afterwards; we respect its,
    and neither takes one of 30 s, both take one of 61 s."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not there")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "proper-lockfile@4"]
    # npm wants its own home and proxies.
    if subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120).returncode:
        pytest.skip("npm could not fetch proper-lockfile")
    lock = FolderLock(tmp_path / "l")

    def theirs(*more: str) -> str:
        found = subprocess.run(
            ["node", "-e", _TRY, str(tmp_path / "f"), str(lock.path), *more],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return found.stdout.strip()

    with held(lock):
        assert theirs() == "ELOCKED"
    assert theirs() == "had"
    assert not lock.path.exists()
    child = subprocess.Popen(
        ["node", "-e", _TRY, str(tmp_path / "f"), str(lock.path), "stay"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"had\n"
    with pytest.raises(CannotSwitch), held(lock, within=0.5):
        pass
    child.kill()
    child.wait()
    child.stdout.close()
    assert lock.path.is_dir()
    for age, said in ((30, "ELOCKED"), (61, "had")):
        lock.path.mkdir(exist_ok=True)
        os.utime(lock.path, (time.time() - age,) * 2)
        assert theirs() == said
    made(lock.path, -3600)
    assert theirs() == "ELOCKED"
