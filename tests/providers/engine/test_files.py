"""Safe reading and atomic writing, each refusal and each failure."""

from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from providers.base import FileBytes, Unreadable
from providers.engine.files import WriteFailed, WriteRefused, drop_unfinished, read_file, write_atomic

LIMIT = 256 * 1024


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Writing past ``size`` bytes fails with EFBIG, for root too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_plain_file_is_read_whole_with_its_mtime(tmp_path: Path) -> None:
    """Bytes and mtime (epoch seconds) of a regular file of ours."""
    path = tmp_path / "quota.json"
    path.write_bytes(b"{}")
    os.utime(path, (1_795_330_000, 1_795_330_000))
    assert read_file(path, LIMIT) == FileBytes(path, b"{}", 1_795_330_000.0)


@pytest.mark.parametrize("name", ["gone.json", "gone/too.json", "file/below.json"])
def test_what_is_not_there_is_none(tmp_path: Path, name: str) -> None:
    """No file, no folder, or a file where a folder should be: absent, not an error."""
    (tmp_path / "file").touch()
    assert read_file(tmp_path / name, LIMIT) is None


def test_a_link_is_refused_unless_it_may_be_followed(tmp_path: Path) -> None:
    """The last component as a link: refused by default, read with follow."""
    (tmp_path / "real").write_bytes(b"1")
    link = tmp_path / "link"
    link.symlink_to("real")
    refused = read_file(link, LIMIT)
    assert refused == Unreadable(link, "is a symbolic link, which is not followed", refused=True)
    followed = read_file(link, LIMIT, follow=True)
    assert isinstance(followed, FileBytes)
    assert followed.data == b"1"


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    """Many people link ~/.claude elsewhere; only the last component is judged."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/quota.json").write_bytes(b"1")
    (tmp_path / "linked").symlink_to("real")
    assert isinstance(read_file(tmp_path / "linked/quota.json", LIMIT), FileBytes)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("nowhere", "is a symbolic link that leads nowhere"),
        ("loop", "is a symbolic link that leads in a circle"),
    ],
)
def test_a_link_that_cannot_be_followed_says_so(tmp_path: Path, target: str, sentence: str) -> None:
    """A dangling or circular login link is a finding, not an absent login."""
    link = tmp_path / "loop"
    link.symlink_to(target)
    found = read_file(link, LIMIT, follow=True)
    assert isinstance(found, Unreadable)
    assert found.reason == sentence


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_regular_file_is_refused_without_blocking(tmp_path: Path, kind: str) -> None:
    """A pipe without a writer, a folder and a device are refused at once."""
    path = tmp_path / "odd"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/null")
    assert read_file(path, LIMIT) == Unreadable(path, "is not a regular file", refused=True)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """A file that another user could change under us is not read."""
    path = tmp_path / "quota.json"
    path.touch()
    found = read_file(path, LIMIT, uid=os.getuid() + 1)
    assert found == Unreadable(path, "belongs to another user", refused=True)


@pytest.mark.parametrize(("size", "read"), [(LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False)])
def test_the_size_cap_is_exact(tmp_path: Path, size: int, read: bool) -> None:
    """A file of exactly the cap is read, one byte more is refused by name of the cap."""
    path = tmp_path / "big"
    path.write_bytes(b"x" * size)
    found = read_file(path, LIMIT)
    if read:
        assert isinstance(found, FileBytes)
        assert len(found.data) == size
    else:
        assert found == Unreadable(path, "is larger than 256 KiB", refused=True)


def test_a_file_without_a_size_is_capped_while_it_is_read() -> None:
    """A file that grows under the reader (here one that states no size) cannot pass the cap."""
    path = Path("/proc/self/maps")
    found = read_file(path, 100)
    assert isinstance(found, Unreadable)
    assert found.reason == "is larger than 100 bytes"


def test_a_reader_never_sees_a_mixture(tmp_path: Path) -> None:
    """While a file is replaced over and over, each read is one whole version of it."""
    path = tmp_path / "quota.json"
    versions = {bytes([c]) * 50_000 for c in b"ab"}
    write_atomic(path, b"a" * 50_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for version in versions:
                write_atomic(path, version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [read_file(path, LIMIT) for _ in range(200)]
    finally:
        stop.set()
        writer.join()
    assert all(isinstance(s, FileBytes) and s.data in versions for s in seen)


def test_bytes_are_not_in_the_repr(tmp_path: Path) -> None:
    """What a file holds may be a login and never reaches a log through repr."""
    path = tmp_path / "login"
    path.write_bytes(b"sk-ant-example")
    assert "sk-ant" not in repr(read_file(path, LIMIT))


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path, mask: int) -> None:
    """0600 and folders 0700 under any umask."""
    path = tmp_path / "state/quotadeck/quota.json"
    with umask(mask):
        write_atomic(path, b"1")
    assert mode_of(path) == 0o600
    assert {mode_of(path.parent), mode_of(path.parent.parent)} == {0o700}


def test_nobody_can_read_the_file_at_any_moment(tmp_path: Path) -> None:
    """The temporary file too is private from its first moment, under an open umask."""
    path = tmp_path / "login"
    modes: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            with os.scandir(tmp_path) as entries:
                for entry in entries:
                    try:
                        modes.add(stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode))
                    except FileNotFoundError:
                        continue

    watcher = threading.Thread(target=watch)
    with umask(0):
        watcher.start()
        for _ in range(100):
            write_atomic(path, b"x" * 100_000)
        done.set()
        watcher.join()
    assert modes == {0o600}


def test_an_existing_file_is_replaced_with_the_mode_asked_for(tmp_path: Path) -> None:
    """A wider mode of the old file is not taken over."""
    path = tmp_path / "quota.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_atomic(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """A write that the system stops half way changes nothing and leaves no temporary file."""
    path = tmp_path / "quota.json"
    write_atomic(path, b"old")
    with largest_file(1_000), pytest.raises(WriteFailed, match="cannot be written: file too large"):
        write_atomic(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["quota.json"]


def test_a_link_as_target_is_refused(tmp_path: Path) -> None:
    """Neither the link nor what it leads to is touched."""
    (tmp_path / "real").write_bytes(b"old")
    link = tmp_path / "quota.json"
    link.symlink_to("real")
    with pytest.raises(WriteRefused, match="is a symbolic link, so nothing was written"):
        write_atomic(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real").read_bytes() == b"old"


def test_a_folder_as_target_is_refused(tmp_path: Path) -> None:
    """Only a regular file is replaced."""
    (tmp_path / "quota.json").mkdir()
    with pytest.raises(WriteRefused, match="is not a regular file"):
        write_atomic(tmp_path / "quota.json", b"new")


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    """Nothing is written into somebody else's folder (root gives one away, others take root's)."""
    folder = Path("/usr")
    if os.getuid() == 0:
        folder = tmp_path / "state"
        folder.mkdir()
        os.chown(folder, 12_345, -1)
    with pytest.raises(WriteRefused, match="belongs to another user"):
        write_atomic(folder / "quota.json", b"new")
    assert not (folder / "quota.json").exists()


def test_a_linked_folder_may_hold_the_target(tmp_path: Path) -> None:
    """A state folder that a person linked elsewhere is used."""
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to("real")
    write_atomic(tmp_path / "state/quota.json", b"1")
    assert (tmp_path / "real/quota.json").read_bytes() == b"1"


def test_a_file_where_the_folder_should_be_is_a_clean_error(tmp_path: Path) -> None:
    """The message is one sentence with the cause, and the errno is kept."""
    (tmp_path / "state").touch()
    with pytest.raises(WriteFailed, match=r"the folder .* cannot be used: not a directory") as caught:
        write_atomic(tmp_path / "state/quota.json", b"1")
    assert caught.value.errno is not None


def test_what_a_killed_write_left_goes(tmp_path: Path) -> None:
    """Only what `write_atomic` names so, only once it is old, and no folder."""
    if (child := os.fork()) == 0:
        os.rename = lambda *names, **folders: os.kill(os.getpid(), 9)  # type: ignore[assignment]
        write_atomic(tmp_path / "vault.json", b"a secret")
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    for name in (".vault.json.tmp", ".note.12.short.tmp", "a.b.1.12345678.tmp", ".x.y.12345678.tmp"):
        (tmp_path / name).write_text("not ours")
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".folder.12.12345678.tmp").mkdir()
    drop_unfinished(tmp_path, left.stat().st_mtime)
    assert left.exists()
    drop_unfinished(tmp_path, left.stat().st_mtime + 3600)
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 5
    drop_unfinished(tmp_path / "nowhere", 0)


def test_two_writers_leave_one_whole_version(tmp_path: Path) -> None:
    """Writers at the same time do not trip over each other's temporary files."""
    path = tmp_path / "state/quota.json"
    versions = [bytes([c]) * 20_000 for c in b"abcd"]

    def write(data: bytes) -> None:
        for _ in range(20):
            write_atomic(path, data)

    writers = [threading.Thread(target=write, args=(v,)) for v in versions]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in versions
    assert [p.name for p in path.parent.iterdir()] == ["quota.json"]
