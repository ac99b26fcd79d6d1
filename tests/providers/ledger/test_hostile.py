"""Unreadable, gigantic and hostile logs: counted as such, named, and nothing else is affected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from providers.base import Environment
from providers.ledger.reading import MAX_LINE
from providers.ledger.rooms import named_rooms
from providers.ledger.scan import index_path
from providers.ledger.tools import MEASURED, NOT_FOUND, UNREADABLE, Tool, found_tools
from tests.providers.ledger.homes import ROOMS, index_of, scan, summed
from tests.providers.ledger.test_incremental import line

ONE = {("claude",): (10, 20, 0, 0, 0, 0, 1)}
TWO = {("claude",): (20, 40, 0, 0, 0, 0, 2)}


@pytest.fixture
def folder(environment: Environment) -> Path:
    """Where Claude Code's logs lie."""
    folder = environment.home / ".claude/projects/x"
    folder.mkdir(parents=True)
    return folder


def tool(environment: Environment, ident: str = "claude") -> Tool:
    index = index_of(environment)
    return next(tool for tool in found_tools(index, ROOMS, environment) if tool.id == ident)


def test_a_line_that_is_too_long_is_passed_over(environment: Environment, folder: Path) -> None:
    """It is counted as broken, what stands before and after it counts, and memory stays bounded."""
    huge = b'{"type":"assistant","message":{"usage":{"x":"' + b"x" * (MAX_LINE + 1_000_000) + b'"}}}\n'
    (folder / "a.jsonl").write_bytes(line("A") + huge + line("B"))
    scan(environment)
    assert summed(environment, "provider") == TWO
    assert tool(environment).broken == 1


_PEAK = """
import resource, sys
from pathlib import Path
from tests.providers.ledger.homes import at_home, scan
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scan(at_home(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_line_of_200_megabytes(environment: Environment, folder: Path) -> None:
    """Passed over for the price of two that are just too long: no block of it is joined to another."""
    with (folder / "a.jsonl").open("wb") as log:
        log.write(line("A") + b'{"type":"assistant","message":{"content":"')
        for _ in range(200):
            log.write(b"x" * 1_000_000)
        log.write(b'","usage":{"input_tokens":7,"output_tokens":7}}}\n' + line("B"))
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(environment.home)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * 1024 < 3 * MAX_LINE
    assert summed(environment, "provider") == TWO
    assert tool(environment).broken == 1


def test_a_line_that_is_too_long_and_still_grows(environment: Environment, folder: Path) -> None:
    """The next look begins inside it, and finds what comes after."""
    log = folder / "a.jsonl"
    log.write_bytes(line("A") + b"x" * (MAX_LINE + 500_000))
    scan(environment)
    with log.open("ab") as file:
        file.write(b'"usage":{"output_tokens":1}' * 1000)
    scan(environment)
    with log.open("ab") as file:
        file.write(b"x\n" + line("B"))
    scan(environment)
    assert summed(environment, "provider") == TWO


@pytest.mark.parametrize(
    "junk",
    [
        b"\xff\xfe\x00\x01 not text\n",
        b"\x00" * 5000 + b"\n",
        b'{"type":"assistant","message":{"id":"m","usage":{"input_tokens":"many","output_tokens":[]}}}\n',
        b'{"type":"assistant","message":{"id":"m","usage":{"output_tokens":1e999}}}\n',
        b'{"type":"assistant","message":[],"x":{"usage":{}}}\n',
        b'{"type":"assistant","message":{"usage":null,"x":{"usage":{"output_tokens":5}}}}\n',
        b'{"a":' * 20_000 + b'{"usage":{"output_tokens":1}}' + b"}" * 20_000 + b"\n",
        b'"usage":{\n',
    ],
    ids=["bytes", "zeros", "words", "infinite", "list", "null", "deep", "fragment"],
)
def test_junk_counts_nothing(environment: Environment, folder: Path, junk: bytes) -> None:
    """Lines of anything at all between two good ones."""
    (folder / "a.jsonl").write_bytes(line("A") + junk + line("B"))
    assert scan(environment).done
    assert summed(environment, "provider") == TWO


def test_absurd_counts_are_left_out(environment: Environment, folder: Path) -> None:
    """A count beyond all reason would spoil every sum it goes into."""
    absurd = line("B").replace(b'"output_tokens":20', b'"output_tokens":99999999999999999999')
    (folder / "a.jsonl").write_bytes(line("A") + absurd)
    scan(environment)
    assert summed(environment, "provider") == ONE


def test_a_torn_line_with_another_on_its_back(environment: Environment, folder: Path) -> None:
    """A crash in the middle of a line, and the next run went on behind it: the whole one counts."""
    (folder / "a.jsonl").write_bytes(line("A")[:150] + line("B"))
    scan(environment)
    assert summed(environment, "provider") == ONE


def test_links_and_pipes_are_not_followed(environment: Environment, folder: Path, tmp_path: Path) -> None:
    """A link to a log elsewhere, a folder that leads back to itself, a pipe nobody writes to."""
    (tmp_path / "elsewhere.jsonl").write_bytes(line("B"))
    (folder / "link.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "a.jsonl").write_bytes(line("A"))
    assert scan(environment).done
    assert summed(environment, "provider") == ONE


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_log_without_permission_is_named(environment: Environment, folder: Path) -> None:
    """It is unreadable with the reason, and counts once it may be read."""
    (folder / "a.jsonl").write_bytes(line("A"))
    os.chmod(folder / "a.jsonl", 0)
    scan(environment)
    found = tool(environment)
    assert (found.bucket, found.unread[0].path) == (UNREADABLE, str(folder / "a.jsonl"))
    assert "permission denied" in found.unread[0].reason
    os.chmod(folder / "a.jsonl", 0o600)
    scan(environment)
    assert summed(environment, "provider") == ONE


def test_a_damaged_packed_log_is_named(environment: Environment) -> None:
    """Its neighbours count all the same, and tools without logs are not found."""
    logs = environment.home / ".codex/sessions"
    logs.mkdir(parents=True)
    (logs / "rollout-a.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd damaged")
    scan(environment)
    found = tool(environment, "codex")
    assert (found.bucket, found.unread[0].reason) == (UNREADABLE, "is packed with zstd and damaged")
    assert tool(environment).bucket == NOT_FOUND


def test_packed_logs_without_an_unpacker(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are unreadable, and the reason says what to install."""
    monkeypatch.setattr("providers.ledger.reading._unpacker", lambda: None)
    logs = environment.home / ".codex/sessions"
    logs.mkdir(parents=True)
    (logs / "rollout-a.jsonl.zst").write_bytes(b"x")
    scan(environment)
    assert "pip install" in tool(environment, "codex").unread[0].reason


def test_every_tree_is_read(environment: Environment) -> None:
    """A log in each place that a room names is found there, and not with its tree switched off."""
    expected = 0
    for logs in ROOMS:
        for tree in logs.trees(environment):
            inside = tree.folder / "2026" / tree.below if tree.recursive else tree.folder
            log = inside / tree.pattern.replace("*", "x")
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
            # A packed log beside its plain self is not read, and this one is damaged.
            expected += not log.name.endswith(".zst")
    assert scan(environment).of_files == expected
    for log in environment.home.rglob("*.jsonl"):
        log.unlink()
    scan(environment)
    assert len(tool(environment, "codex").unread) == 2
    narrow = named_rooms(["claude", "codex"], [("codex", "rollouts"), ("codex", "archived")])
    index_path(environment).unlink()
    assert scan(environment, narrow).of_files == 0


def test_names_with_anything_in_them_come_out_clean(environment: Environment, folder: Path) -> None:
    """Terminal codes in a folder's name, half a surrogate, a name without end: clean and bounded."""
    from providers.ledger.query import totals

    named = line("A").replace(b'"cwd":"/w"', b'"cwd":"/\\u001b[31m\\ud800' + b"y" * 5000 + b'"')
    (folder / "a.jsonl").write_bytes(named)
    (folder / os.fsdecode(b"\xff.jsonl")).write_bytes(line("B"))
    scan(environment)
    rows = totals(index_of(environment), by=("project",))
    assert sum(row.requests for row in rows) == 2
    for row in rows:
        assert row.project.isprintable()
        assert len(row.project) <= 300
    assert tool(environment).bucket == MEASURED
