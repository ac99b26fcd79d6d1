"""Disks and files that do not let us: one sentence, nothing changed, nothing lost.

As a user other than root, and on file systems of their own, as root is let do anything.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from providers.accounts.capture import capture
from providers.accounts.login import CannotSwitch
from providers.accounts.registry import load_registry
from providers.base import MIB, Environment
from tests.providers.accounts.test_switch import BOTH, two
from tests.world.aftermath import all_there, restart, whole
from tests.world.confined import NOBODY, Mount, can_mount, confined, is_root, read_only
from tests.world.households import FileRing, Household

needs_root = pytest.mark.skipif(not is_root(), reason="only root can give a file to somebody else")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that nobody may write to, in one that everybody may pass through."""
    with tempfile.TemporaryDirectory(prefix="quotadeck-") as folder:
        os.chmod(folder, 0o711)
        home = Path(folder, "home")
        home.mkdir(mode=0o700)
        if is_root():
            os.chown(home, NOBODY, NOBODY)
        yield home


@pytest.fixture
def mountable() -> None:
    """Skips where no file system can be mounted."""
    if not can_mount():
        pytest.skip("no file system can be mounted here (needs root and unshare)")


def environment_in(home: Path) -> Environment:
    """A home of its own."""
    return Environment(
        home, {}, home / ".config/quotadeck", home / ".local/state/quotadeck", home / ".local/share/quotadeck"
    )


def settled(home: Path, provider: str = "claude") -> tuple[Household, str, str]:
    """Two accounts, the live one renewed since it was captured."""
    house, a, b = two(environment_in(home), provider)
    assert house.cli_renews()
    return house, a, b


def files_of(house: Household) -> dict[Path, bytes]:
    """The files of the store to the byte."""
    return {f.path: f.path.read_bytes() for f in house.store.files() if f.path.is_file()}


def switch(house: Household, to: str) -> object:
    """Planned and done."""
    switcher = house.switcher()
    return switcher.carry_out(switcher.plan(house.store, to))


def refused(house: Household, to: str, why: str) -> None:
    """One sentence, and nothing changed."""
    before = files_of(house)
    with pytest.raises(CannotSwitch, match=f"^nothing was changed.*{why}") as stopped:
        switch(house, to)
    assert "\n" not in str(stopped.value)
    assert files_of(house) == before
    assert list(house.home.rglob("*.qd-*")) == []


def undone_or_done(house: Household, ids: list[str]) -> bool:
    """Tries to switch to the first; whether it could.  Whatever failed, no login is gone."""
    before, newest = files_of(house), house.live_refresh
    why = told(lambda: switch(house, ids[0]))
    if why:
        assert files_of(house) == before
        assert list(house.home.rglob("*.qd-*")) == []
        return False
    assert house.live_refresh == house.issuer.newest("a")
    assert newest in house.all_secrets()
    return True


def told(work: Callable[[], object]) -> str:
    """The sentence that the work was refused with, "" if it was done."""
    why = ""
    try:
        work()
    except CannotSwitch as stopped:
        why = str(stopped)
    assert why.startswith("nothing was changed" if why else "")
    return why


@BOTH
def test_a_full_disk_at_every_write(place: Path, mountable: None, provider: str) -> None:
    """S1: a file system with one page more each time, till the switch gets through; room again, and
    everything works."""
    ring = place.parent / "ring"
    ring.mkdir()
    os.chown(ring, NOBODY, NOBODY)

    def work() -> None:
        house, *ids = settled(place, provider)
        house.ring = FileRing(ring)
        for item in (place / "ring").iterdir():
            os.rename(place / "ring" / item.name, place / item.name)
            (ring / item.name).write_bytes((place / item.name).read_bytes())
            (place / item.name).unlink()
        ballast = place / "ballast"
        failed = 0
        for spare in range(200):
            filled(ballast, spare * 4096)
            done = undone_or_done(house, ids)
            ballast.unlink()
            if done:
                break
            failed += 1
        assert failed > 2
        restart(house)
        whole(house)
        all_there(house, ids)

    confined(work, mounts=[Mount(place, MIB)])


def filled(ballast: Path, spare: int) -> None:
    """The file system is full but for so many bytes."""
    free = os.statvfs(ballast.parent)
    ballast.write_bytes(b"0" * max(free.f_bavail * free.f_bsize - spare, 0))


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync"])
@BOTH
def test_every_write_in_turn(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, provider: str, call: str, code: int
) -> None:
    """S4, S6, S7: the n-th write or sync of a file fails, a failed sync being a failed write."""
    house, *ids = settled(environment.home, provider)
    real: Callable[..., object] = getattr(os, call)
    for nth in range(1, 100):
        seen = 0

        def failing(descriptor: int, *args: object, nth: int = nth) -> object:
            nonlocal seen
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                seen += 1
                if seen == nth:
                    raise OSError(code, os.strerror(code))
            return real(descriptor, *args)

        monkeypatch.setattr(os, call, failing)
        done = undone_or_done(house, ids)
        monkeypatch.setattr(os, call, real)
        if done:
            break
    assert nth > 3
    restart(house)
    whole(house)
    all_there(house, ids)


@BOTH
def test_short_writes(environment: Environment, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    """S4: a system that takes seven bytes at a time is asked until it has taken all."""
    house, *ids = settled(environment.home, provider)
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:7]))
    switch(house, ids[0])
    monkeypatch.undo()
    restart(house)
    all_there(house, ids)


@pytest.mark.parametrize(
    "folder", [".claude", ".", ".local/state/quotadeck", ".local/state/quotadeck/safety"]
)
def test_a_folder_that_is_read_only(place: Path, folder: str) -> None:
    """S3, L9: of the tokens, of the global config, of ours."""

    def work() -> None:
        house, a, _ = settled(place)
        (place / folder).mkdir(exist_ok=True)
        (place / folder).chmod(0o500)
        refused(house, a, "")
        if "state" not in folder:
            refused(house, a, "is read-only: chmod u[+]w")
        (place / folder).chmod(0o700)
        switch(house, a)

    confined(work)


def test_a_file_system_that_is_read_only(place: Path, mountable: None) -> None:
    """S2: mounted so between two switches."""

    def work() -> None:
        house, a, _ = settled(place)
        read_only(place)
        before = files_of(house)
        with pytest.raises(CannotSwitch, match=r"^nothing was changed.*read-only"):
            switch(house, a)
        assert files_of(house) == before

    confined(work, mounts=[Mount(place, MIB)], aside=True)


@pytest.mark.parametrize("name", [".claude/.credentials.json", ".claude.json"])
def test_a_file_that_cannot_be_read(place: Path, name: str) -> None:
    """S3: without the right to read it, it is not written over."""

    def work() -> None:
        house, a, _ = settled(place)
        (place / name).chmod(0)
        with pytest.raises(CannotSwitch, match=r"^nothing was changed.*chmod u[+]r"):
            switch(house, a)
        (place / name).chmod(0o600)
        switch(house, a)

    confined(work)


@needs_root
@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".claude/.credentials.json", "not a regular file of yours"),
        (".claude.json", "not a regular file of yours"),
        (".claude", "belongs to another user"),
    ],
)
def test_somebody_elses(place: Path, name: str, why: str) -> None:
    """S8, S10: a file or folder of root's in the home of another is not replaced, though it could be."""
    confined(lambda: settled(place))
    before = {p: p.read_bytes() for p in (place / ".claude/.credentials.json", place / ".claude.json")}
    os.chown(place / name, 0, 0)
    os.chmod(place / name, 0o755 if name == ".claude" else 0o644)

    def work() -> None:
        house = Household(environment_in(place))
        for account in load_registry(house.environment.state_dir).accounts:
            with pytest.raises(CannotSwitch, match=f"^nothing was changed.*{why}"):
                switch(house, account.id)
            with pytest.raises(CannotSwitch, match=rf"^nothing was .*{why}"):
                capture(house.environment, house.keeper(), house.store, house.issuer.prove)

    confined(work)
    assert {p: p.read_bytes() for p in before} == before


INSTEAD = ("fifo", "folder", "socket", "huge", "cut", "noise", "deep", "utf-16")


@pytest.mark.parametrize(("provider", "kind"), [*product(("claude", "codex"), INSTEAD), ("codex", "empty")])
def test_what_stands_there_instead(place: Path, provider: str, kind: str) -> None:
    """S11, J1, J2: no hang, no memory, no write; the vault's own are untouched.  An empty file of
    Claude Code's is a husk, as it never writes in place; one of an old Codex may be half written."""

    def work() -> None:
        house, a, _ = settled(place, provider)
        good = house.secret.read_bytes()
        house.secret.unlink()
        made(house.secret, kind, good)
        before = os.lstat(house.secret)
        with pytest.raises(CannotSwitch, match=r"^nothing was changed") as stopped:
            switch(house, a)
        assert len(str(stopped.value)) < 300
        with pytest.raises(CannotSwitch, match=r"^nothing was "):
            capture(house.environment, house.keeper(), house.store, house.issuer.prove)
        after = os.lstat(house.secret)
        assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
            before.st_ino, before.st_size, before.st_mtime_ns
        )  # fmt: skip

    confined(work)


def made(path: Path, kind: str, good: bytes) -> None:
    """What is no credential file."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            here = os.open(path.parent, os.O_RDONLY)
            # The name of a socket may not be long.
            one.bind(f"/proc/self/fd/{here}/{path.name}")
            os.close(here)
    elif kind == "huge":
        path.touch()
        os.truncate(path, 5 * 1024 * MIB)
    else:
        junk = {
            "cut": good[: len(good) // 2], "noise": os.urandom(4096), "empty": b"", "deep": b"[" * 100_000,
            "utf-16": good.decode().encode("utf-16"),
        }  # fmt: skip
        path.write_bytes(junk[kind])


@pytest.mark.parametrize("to", ["target", "nowhere", "itself"])
@pytest.mark.parametrize("name", [".claude/.credentials.json", ".claude.json"])
def test_a_link_at_rest(environment: Environment, name: str, to: str) -> None:
    """S12: a link, one that leads nowhere, one in a circle: not followed, and what it leads to stays."""
    house, a, _ = settled(environment.home)
    path = environment.home / name
    kept = path.with_name("kept")
    os.rename(path, kept)
    before = kept.read_bytes()
    path.symlink_to({"target": "kept", "nowhere": "gone", "itself": path.name}[to])
    with pytest.raises(CannotSwitch, match=r"^nothing was changed.*symbolic link"):
        switch(house, a)
    assert kept.read_bytes() == before
    assert path.is_symlink()


@pytest.mark.parametrize("at", ["locked", "preserved", "journalled", "staged"])
@BOTH
def test_a_link_that_is_swapped_in(environment: Environment, provider: str, at: str) -> None:
    """S12: between our look and our write the file becomes a link to somebody's file: that one is
    untouched, and no login is lost."""
    house, *ids = settled(environment.home, provider)
    newest = house.live_refresh
    victim = environment.home / "victim"
    victim.write_text("untouched")

    def swap(step: str) -> None:
        if step == at and not house.secret.is_symlink():
            os.rename(house.secret, house.secret.with_name("moved"))
            house.secret.symlink_to(victim)

    switcher = house.switcher(swap)
    plan = switcher.plan(house.store, ids[0])
    told(lambda: switcher.carry_out(plan))
    assert victim.read_text() == "untouched"
    house.secret.with_name("moved").unlink()
    if not house.secret.is_symlink():
        assert newest in house.all_secrets()
        restart(house)
        all_there(house, ids)


@BOTH
def test_a_second_name(environment: Environment, provider: str) -> None:
    """S13: the plan says that the file has one; it keeps what it held."""
    house, a, _ = settled(environment.home, provider)
    other = house.secret.with_name("other")
    os.link(house.secret, other)
    before = other.read_bytes()
    plan = house.switcher().plan(house.store, a)
    assert any("hard link" in warning for warning in plan.warnings)
    house.switcher().carry_out(plan)
    assert other.read_bytes() == before


def test_modes_are_never_widened(environment: Environment) -> None:
    """S9: a credential file that others may read is replaced by one that they may not; a stricter
    mode stays."""
    house, a, b = settled(environment.home)
    house.secret.chmod(0o644)
    switch(house, a)
    assert stat.S_IMODE(house.secret.stat().st_mode) == 0o600
    house.secret.chmod(0o400)
    (environment.home / ".claude.json").chmod(0o666)
    switch(house, b)
    assert stat.S_IMODE(house.secret.stat().st_mode) == 0o400
    assert stat.S_IMODE((environment.home / ".claude.json").stat().st_mode) == 0o644


def test_our_folder_on_another_disk(place: Path, mountable: None) -> None:
    """S5: nothing is ever renamed between the two."""
    state = place / ".local/state/quotadeck"
    state.mkdir(parents=True)
    for folder in (place / ".local", place / ".local/state"):
        os.chown(folder, NOBODY, NOBODY)

    def work() -> None:
        house, *ids = settled(place)
        assert state.stat().st_dev != place.stat().st_dev
        switch(house, ids[0])
        restart(house)
        whole(house)
        all_there(house, ids)

    confined(work, mounts=[Mount(state, MIB)])


@needs_root
def test_our_folder_is_a_link_to_somebody_elses(place: Path) -> None:
    """S14: nothing is written there."""
    foreign = place.parent / "foreign"
    foreign.mkdir()
    foreign.chmod(0o777)

    def work() -> None:
        house, a, _ = settled(place)
        journal = house.environment.state_dir / "journal"
        if journal.exists():
            journal.rmdir()
        journal.symlink_to(foreign)
        refused(house, a, "belongs to another user")
        assert list(foreign.iterdir()) == []

    confined(work)


def test_a_lock_of_the_future(environment: Environment) -> None:
    """L3 in a switch: the one command that clears it, at once, nothing changed."""
    house, a, _ = settled(environment.home)
    lock = environment.home / ".claude.lock"
    lock.mkdir()
    os.utime(lock, (4_000_000_000,) * 2)
    refused(house, a, "dated in the future.*rmdir ")
    lock.rmdir()
    switch(house, a)
