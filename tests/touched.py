"""What the project's own code opens, writes and calls over a whole test run.

An audit hook that is set up with the other guards in conftest.py; test_security_tables.py
compares what it saw with the tables of SECURITY.md.  Only this process is seen: what tests
start as processes of their own is watched from inside by tests/tui/test_cli.py.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import FrameType
from urllib.parse import unquote

import pytest

ROOT = str(Path(__file__).parents[1])
OURS = (os.path.join(ROOT, "providers") + os.sep, os.path.join(ROOT, "tui") + os.sep)
FILES = os.path.join(ROOT, "providers", "engine", "files.py")
"""Opens and writes for the others: who called it is what counts."""

DEMO = tuple(os.path.join(ROOT, "tui", name) for name in ("demo.py", "demo_logs.py", "demo_network.py"))
"""Writes a whole made-up home."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DEPTH = 25

WHOLE = pytest.StashKey[bool]()
"""Whether every test file takes part in this run."""

opened: set[str] = set()
written: set[str] = set()
hosts: set[str] = set()
"""Hosts connected to or looked up, by anybody in this process."""


KEPT = "touched"
"""The folder of pytest's cache in which the processes of a run leave what they saw."""


def leave(folder: Path, name: str) -> None:
    """Writes down what this process saw, for `gather` in another one."""
    seen = {"opened": sorted(opened), "written": sorted(written), "hosts": sorted(hosts)}
    (folder / f"{name}.json").write_text(json.dumps(seen), encoding="utf-8")


def gather(folder: Path) -> None:
    """Adds what the processes of the run before saw."""
    for path in folder.glob("*.json"):
        seen = json.loads(path.read_text(encoding="utf-8"))
        for name, found in (("opened", opened), ("written", written), ("hosts", hosts)):
            found.update(seen[name])


def watch(event: str, args: tuple[object, ...]) -> None:
    """The audit hook.  Costs a comparison for most events; frames are walked only for files
    outside the interpreter's own folders."""
    if event == "open":
        _note_open(args)
    elif event == "sqlite3.connect":
        if _actor(sys._getframe(1)):
            path, _, how = unquote(str(args[0]).removeprefix("file:")).partition("?")
            (opened if "mode=ro" in how else written).add(path.removeprefix("//"))
    elif event in ("socket.connect", "socket.getaddrinfo"):
        address = args[1] if event == "socket.connect" else args
        if isinstance(address, tuple) and address and address[0]:
            hosts.add(str(address[0]))


def _note_open(args: tuple[object, ...]) -> None:
    path = args[0]
    if not isinstance(path, str) or path.startswith((ROOT, sys.prefix, sys.base_prefix)):
        return
    frame = sys._getframe(2)
    if not _actor(frame):
        return
    flags = args[2] if len(args) > 2 and isinstance(args[2], int) else 0
    if path.startswith("/"):
        (written if flags & WRITING else opened).add(path)
    elif flags & WRITING:
        # A temporary file beside its target, by a name within an open folder.
        written.add(_target(frame) or path)


def _actor(frame: FrameType | None) -> bool:
    """Whether the code behind an event is the project's, not a test's nor the demo's."""
    ours = False
    for _ in range(DEPTH):
        if frame is None:
            return ours
        name = frame.f_code.co_filename
        if name in DEMO:
            return False
        if name.startswith(OURS) and name != FILES:
            ours = True
        elif name.startswith(ROOT) and name != FILES:
            return ours
        frame = frame.f_back
    return ours


def _target(frame: FrameType | None) -> str:
    """The path that `write_atomic` was called with."""
    for _ in range(DEPTH):
        if frame is None:
            return ""
        if frame.f_code.co_filename == FILES and frame.f_code.co_name == "write_atomic":
            return str(frame.f_locals["path"])
        frame = frame.f_back
    return ""
