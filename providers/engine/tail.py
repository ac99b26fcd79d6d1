"""Following an append-only log: its end at first, then only what was added.

One `Tail` per file, owned by the collector.  It remembers where the last complete line
ended and nothing of the content.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from providers.base import KIB, MIB, Unreadable
from providers.engine.files import open_regular
from providers.record import Record

HEAD_BYTES = 64 * KIB
_LINE = re.compile(rb"[^\n]+")


class TailLook(Record):
    """What one look brought.

    ``restarted`` says that the lines are those of a first look, not the next ones;
    ``head`` is then the file's first 64 KiB at most, else empty.  ``lines`` are complete
    lines without their newlines, oldest first, blank ones left out.  ``mtime`` in epoch
    seconds, ``size`` in bytes.
    """

    restarted: bool
    head: bytes
    lines: tuple[bytes, ...]
    mtime: float
    size: int

    _hidden = ("head", "lines")


class Tail:
    """Reads one growing file.

    The first look takes the last ``first_bytes``; each later one what was appended, at
    most ``max_bytes`` (of a longer backlog the last part).  A last line without its
    newline is left for the next look; a line longer than ``max_bytes`` is skipped.  A file
    that was replaced or cut starts over.
    """

    def __init__(
        self,
        path: Path,
        *,
        first_bytes: int = 256 * KIB,
        max_bytes: int = 4 * MIB,
        uid: int | None = None,
    ) -> None:
        self.path = path
        self._first_bytes = min(first_bytes, max_bytes)
        self._max_bytes = max_bytes
        self._uid = uid
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._size = 0
        self._inside_line = False
        self._began = 0

    def look(self) -> TailLook | Unreadable | None:
        """What is new, `Unreadable` with the reason, or None if there is no such file."""
        opened = open_regular(self.path, uid=self._uid)
        if opened is None or isinstance(opened, Unreadable):
            self._file = None
            return opened
        fd, info = opened
        try:
            return self._look(fd, info)
        except OSError as error:
            self._file = None
            return Unreadable(self.path, f"cannot be read: {os.strerror(error.errno or 0).lower()}")
        finally:
            os.close(fd)

    def widen(self) -> bool:
        """Makes the next look a first look at four times as much, up to ``max_bytes``.

        False if that would show nothing more.
        """
        if self._began == 0 or self._first_bytes >= self._max_bytes:
            return False
        self._first_bytes = min(self._first_bytes * 4, self._max_bytes)
        self._file = None
        return True

    def _look(self, fd: int, info: os.stat_result) -> TailLook:
        file, size = (info.st_dev, info.st_ino), info.st_size
        restarted = file != self._file or size < self._size or self._was_rewritten(fd)
        head = b""
        if restarted:
            head = os.pread(fd, HEAD_BYTES, 0)
            self._offset, self._inside_line = 0, False
            self._began = max(0, size - self._first_bytes)
        # An unchanged size spares reading an unfinished last line over and over.
        limit = self._first_bytes if restarted else self._max_bytes
        lines = self._lines(fd, size, limit) if restarted or size != self._size else ()
        self._file, self._size = file, size
        return TailLook(restarted, head, lines, info.st_mtime_ns / 1e9, size)

    def _was_rewritten(self, fd: int) -> bool:
        """Whether the byte before our offset is no longer the newline that was there:
        cut and written anew past the old size between two looks."""
        if self._inside_line or self._offset == 0:
            return False
        return os.pread(fd, 1, self._offset - 1) != b"\n"

    def _lines(self, fd: int, size: int, limit: int) -> tuple[bytes, ...]:
        """Complete lines between the offset and ``size``, of the last ``limit`` bytes only."""
        start = self._offset
        if size - start > limit:
            # From one byte earlier: if that is a newline, the block begins with a whole line.
            start, self._inside_line = size - limit - 1, True
        data = _pread(fd, start, size - start)
        begin = 0
        if self._inside_line:
            begin = data.find(b"\n") + 1
            if begin == 0:
                self._offset = start + len(data)
                return ()
            self._inside_line = False
        end = data.rfind(b"\n", begin) + 1
        if end <= begin:
            self._offset = start + begin
            return ()
        self._offset = start + end
        return tuple(_LINE.findall(data, begin, end))


def _pread(fd: int, start: int, count: int) -> bytes:
    """Exactly that many bytes, or fewer at the end of the file."""
    data = os.pread(fd, count, start)
    if len(data) in (0, count):
        return data
    parts = [data]
    held = len(data)
    while held < count and (part := os.pread(fd, count - held, start + held)):
        parts.append(part)
        held += len(part)
    return b"".join(parts)
