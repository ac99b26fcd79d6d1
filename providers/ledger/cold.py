"""The cold scan in a process of its own: its memory and its time on a core are not the pane's.

`ColdScan` starts ``python -m providers.ledger.child``, which is niced, reads what is new, writes the
index and ends; progress comes back as one JSON object a line.  A child whose pane is gone ends at its
next word of progress, and killing it at any moment costs nothing but the work since its last commit.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from providers.base import Environment
from providers.ledger.child import FOLDERS
from providers.ledger.model import SessionLogs
from providers.ledger.progress import Progress, Tell
from providers.ledger.rooms import switched_off


class ColdScan:
    """One scan in a child process.  Methods may be called on any thread; ``tell`` is called on a
    thread of its own, the last time with ``done`` or ``stopped`` set, and ``ended`` there once the child
    has ended: it says that it is done a moment before it lets the lock go."""

    def __init__(
        self,
        environment: Environment,
        rooms: Sequence[SessionLogs],
        tell: Tell,
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        self._environment, self._rooms, self._tell, self._ended = environment, tuple(rooms), tell, ended
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
            process.stdin.write(_request(self._environment, self._rooms))
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
        self._ended()


def _request(environment: Environment, rooms: Sequence[SessionLogs]) -> bytes:
    """What the child is told, through a pipe: variables may hold secrets, which argv would show."""
    folders = {name: str(getattr(environment, name)) for name in FOLDERS}
    variables = dict(environment.variables)
    request: dict[str, object] = {**folders, "platform": environment.platform, "variables": variables}
    request |= {"tools": [logs.id for logs in rooms], "off": switched_off(rooms)}
    return json.dumps(request).encode("utf-8", "surrogatepass")
