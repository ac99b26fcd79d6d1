"""The cold scan in a process of its own: its memory and its time on a core are not the pane's.

`ColdScan` starts ``python -m providers.ledger.child``, which is niced, reads what is new, writes the
index and ends; progress comes back as one JSON object a line.  A child whose pane is gone ends at its
next word of progress, and killing it at any moment costs nothing but the work since its last commit.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from providers.base import Environment
from providers.ledger.index import Unusable
from providers.ledger.reading import Stopped
from providers.ledger.scan import Progress, Scan, Tell, account_owner, open_index

_NICE = 10
_FOLDERS = ("home", "config_dir", "state_dir", "data_dir")


class ColdScan:
    """One scan in a child process.  Methods may be called on any thread; ``tell`` is called on a
    thread of its own, the last time with ``done`` or ``stopped`` set."""

    def __init__(self, environment: Environment, tools: Sequence[str], tell: Tell) -> None:
        self._environment, self._tools, self._tell = environment, tuple(tools), tell
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def start(self) -> bool:
        """Starts the child; False if there can be none, so that the scan has to be done here."""
        try:
            self._process = subprocess.Popen(
                # -P: whatever folder we stand in, its modules are not ours.
                [sys.executable, "-P", "-m", "providers.ledger.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
            )
        except OSError:
            return False
        threading.Thread(target=self._follow, name="quotadeck-scan", daemon=True).start()
        return True

    def cancel(self) -> None:
        """Ends the child; what it has written stays."""
        self._cancelled = True
        if self._process is not None:
            self._process.terminate()

    def wait(self) -> int:
        """Waits for the child's end; its exit code."""
        return self._process.wait() if self._process is not None else 1

    def _follow(self) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.write(_request(self._environment, self._tools))
            process.stdin.close()
        last = Progress(0, 0, 0, 0)
        for line in process.stdout:
            try:
                last = Progress(**json.loads(line))
            except (ValueError, TypeError):
                continue
            self._tell(last)
        process.stdout.close()
        process.wait()
        if not last.done and not last.stopped:
            trouble = "" if self._cancelled else "the scan of the session logs broke off"
            files, count = (last.files, last.of_files), (last.bytes, last.of_bytes)
            self._tell(Progress(*files, *count, today=last.today, stopped=True, trouble=trouble))


def _request(environment: Environment, tools: Sequence[str]) -> bytes:
    """What the child is told, through a pipe: variables may hold secrets, which argv would show."""
    folders = {name: str(getattr(environment, name)) for name in _FOLDERS}
    variables = dict(environment.variables)
    request = {**folders, "platform": environment.platform, "variables": variables, "tools": list(tools)}
    return json.dumps(request).encode("utf-8", "surrogatepass")


def _tell(progress: Progress) -> None:
    fields = {name: getattr(progress, name) for name in progress._fields}
    try:
        os.write(1, json.dumps(fields).encode() + b"\n")
    except BrokenPipeError:
        # The pane is gone.
        raise Stopped from None


def main() -> int:
    """The child process.  0 done, 1 stopped or unusable."""
    import gc

    import providers

    # Nothing here makes cycles, and looking for them among a hundred thousand rows takes a tenth.
    gc.disable()
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    request = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    folders = {name: Path(request[name]) for name in _FOLDERS}
    environment = Environment(variables=request["variables"], platform=request["platform"], **folders)
    rooms = [providers.load_logs(tool) for tool in request["tools"]]
    index = open_index(environment, rooms)
    scan = Scan(index, rooms, environment, owners=partial(account_owner, environment.state_dir), tell=_tell)
    try:
        progress = scan.run(alone=True)
    except Unusable as error:
        progress = Progress(0, 0, 0, 0, stopped=True, trouble=str(error))
    except Stopped:
        return 1
    if progress.trouble or not progress.of_files:
        with contextlib.suppress(Stopped):
            _tell(progress)
    return 0 if progress.done else 1


if __name__ == "__main__":
    sys.exit(main())
