"""A cold scan in a process of its own: niced, and its memory goes with it.

`ColdScan` is the pane's end, for a thread that may wait; `main` is the process.  The environment goes
through the child's stdin, progress comes back as lines of JSON on stdout.  Closing stdin stops the
child, so it never outlives the pane; what it had read by then is in the index.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from providers.base import Environment
from providers.engine.timeline import Timeline, load_stays
from providers.ledger.scan import Progress, Scan, open_index

NICE = 10
_START = "import sys; sys.path.insert(0, sys.argv[1]); from providers.ledger.child import main; main()"


class ColdScan:
    """One scan of these tools by a child."""

    def __init__(self, environment: Environment, tools: Sequence[str]) -> None:
        self._environment, self._tools = environment, list(tools)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def run(self) -> Iterator[Progress]:
        """Starts the child and yields how far it is until it has ended.  A child that cannot be
        started or dies yields nothing more: the next scan goes on where it was."""
        with self._lock:
            if self._stopped:
                return
            try:
                self._process = process = _started()
            except OSError:
                return
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(_written(self._environment, self._tools))
            process.stdin.flush()
        except OSError:
            self.stop()
        with process.stdout as lines:
            for line in lines:
                progress = _progress(line)
                if progress is not None:
                    yield progress
        self.stop()
        process.wait()

    def stop(self) -> None:
        """Any thread: lets the child end, which it does at its next block."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()


def main() -> None:
    """The child: reads the wish from stdin, scans, says how far it is on stdout."""
    os.nice(NICE)
    wish = json.loads(sys.stdin.buffer.readline())
    environment = _environment(wish["environment"])
    from providers import load_logs

    rooms = [load_logs(tool) for tool in wish["tools"]]
    timeline = Timeline(load_stays(environment.state_dir))
    index = open_index(environment, rooms)
    scan = Scan(
        index, rooms, environment,
        owner=lambda provider, at: timeline.owner(provider, at, at) or "", tell=_tell, stop=_unwanted,
    )  # fmt: skip
    scan.run(alone=True)
    index.close()


def _started() -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _START, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/",
    )  # fmt: skip


def _written(environment: Environment, tools: Sequence[str]) -> bytes:
    fields: dict[str, Any] = {name: getattr(environment, name) for name in environment._fields}
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
    plain["variables"] = dict(environment.variables)
    return json.dumps({"environment": plain, "tools": list(tools)}).encode() + b"\n"


def _environment(plain: dict[str, Any]) -> Environment:
    folders = {name: Path(plain[name]) for name in ("home", "config_dir", "state_dir", "data_dir")}
    return Environment(variables=MappingProxyType(plain["variables"]), platform=plain["platform"], **folders)


def _unwanted() -> bool:
    """Whether stdin was closed at the other end."""
    return bool(select.select([0], [], [], 0.0)[0]) and not os.read(0, 1)


def _tell(progress: Progress) -> None:
    fields = {name: getattr(progress, name) for name in progress._fields}
    # If nobody listens any more, stdin says so at the next block.
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(fields).encode() + b"\n")


def _progress(line: bytes) -> Progress | None:
    try:
        fields = json.loads(line)
        return Progress(**{name: fields[name] for name in Progress._fields})
    except (ValueError, TypeError, KeyError):
        return None
