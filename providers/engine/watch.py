"""The watcher thread: says which paths changed, and keeps up with folders that appear.

One daemon thread with one flat notify instance.  An instance has a single recursion mode,
and each costs a wake-up every `STEP_MS`; so trees are expanded into their folders by the
collector instead of being watched recursively by a second one.  Never joined.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

STEP_MS = 45
"""How long changes are gathered.  A change is told after one to two steps.  The thread costs 0.1 %
of a core at 60, where a new folder's p95 to pixels misses 150 ms on a busy machine; 0.14 % at 45."""

TICK_MS = 2000
LOOK_AGAIN_TICKS = 15
"""After how many quiet ticks the set of folders is made anew even without an event."""

AFTER_FIRST_FRAME = 0.4
RETRY_SECONDS = 30.0
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "drvfs", "fuse.sshfs", "ceph", "glusterfs", "afs"})


class Watch:
    """Watches ``folders()`` and calls ``tell(paths)`` on its own thread.

    ``tell(None)`` asks for a sweep: before and shortly after the watch begins, because
    what was written between the listing of folders and the watch made no event.
    ``trouble`` is a sentence when notification does not work here (inotify limits); the
    sweeps go on.
    """

    def __init__(
        self,
        folders: Callable[[], frozenset[Path]],
        concerns: Callable[[Path], bool],
        tell: Callable[[frozenset[Path] | None], None],
    ) -> None:
        self._folders = folders
        self._concerns = concerns
        self._tell = tell
        self._stop = threading.Event()
        self.trouble = ""

    def start(self) -> None:
        """Starts the thread."""
        threading.Thread(target=self._run, name="quotadeck-watch", daemon=True).start()

    def stop(self) -> None:
        """Lets the thread end at its next tick.  The library's own stop event is not used: it
        is asked at every step, which costs as much as the steps themselves."""
        self._stop.set()

    def _run(self) -> None:
        # The import below takes 100 ms of the interpreter, which the first frame needs.
        self._stop.wait(AFTER_FIRST_FRAME)
        while not self._stop.is_set():
            folders = self._folders()
            self._tell(None)
            try:
                self._watch(folders)
                self.trouble = ""
            except (OSError, RuntimeError) as error:
                # The folders may have vanished between the listing and the watch; only a
                # failure with the same set again is a limit of the machine.
                if self._folders() == folders:
                    self.trouble = f"no change notification here ({type(error).__name__}); looking every 2 s"
                    self._stop.wait(RETRY_SECONDS)

    def _watch(self, folders: frozenset[Path]) -> None:
        """Returns when the set of folders is no longer the right one."""
        import watchfiles

        watched = watchfiles.watch(
            *sorted(folders),
            watch_filter=None,
            recursive=False,
            force_polling=False,
            debounce=2 * STEP_MS,
            step=STEP_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
        for tick, changes in enumerate(watched, 1):
            if self._stop.is_set():
                return
            paths = frozenset(Path(name) for _, name in changes)
            relevant = frozenset(path for path in paths if self._concerns(path))
            if relevant:
                self._tell(relevant)
            if tick == 1:
                self._tell(None)
            structural = any(path in folders or path.is_dir() for path in relevant)
            if (structural or tick % LOOK_AGAIN_TICKS == 1) and self._folders() != folders:
                return


def needs_polling(folders: frozenset[Path], mountinfo: str, release: str) -> bool:
    """Whether changes made elsewhere raise no event: a network file system, or WSL.

    ``mountinfo`` is the text of /proc/self/mountinfo, ``release`` the kernel's.
    """
    if "microsoft" in release.lower():
        return True
    mounts: list[tuple[str, str]] = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split(" ", 1)[0]
        if len(fields) > 4:
            mounts.append((fields[4].replace("\\040", " "), kind))
    for folder in folders:
        inside = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
        if inside and max(inside)[1] in _NETWORK:
            return True
    return False
