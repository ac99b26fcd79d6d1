"""A second process that takes half of the files of a cold scan.

Only for a process that has one thread and no open database.  The two share a pipe of numbers, from
which each takes the next group of files, and nothing else: both write to the index themselves, whose
transactions keep them apart (sending a hundred thousand rows through a pipe cost more than reading
them).
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from providers.ledger.reading import Stopped

_MOST_GROUPS = 4_000
"""Their numbers fit into a pipe: 64 KiB on Linux, 16 on macOS."""

_NUMBER = struct.Struct("=I")
_COUNTS = struct.Struct("=QQ")

T = TypeVar("T")
Help = Callable[[Iterable[T], Callable[[int], None]], None]


class Helped(Generic[T]):
    """Files shared with a second process, which runs ``help`` on its part of them."""

    def __init__(self, files: Sequence[T], help: Help[T]) -> None:
        step = -(-len(files) // min(_MOST_GROUPS, max(1, len(files))))
        self._groups = [files[i : i + step] for i in range(0, len(files), step)]
        self._numbers, filled = os.pipe()
        os.set_blocking(filled, False)
        os.write(filled, b"".join(map(_NUMBER.pack, range(len(self._groups)))))
        os.close(filled)
        self._counts = mmap.mmap(-1, _COUNTS.size)
        self._counted = (0, 0)
        self._parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._run(help)

    @property
    def done(self) -> int:
        """How many files the second process has read."""
        return int(_COUNTS.unpack_from(self._counts)[0])

    @property
    def bytes(self) -> int:
        """How many bytes it has read."""
        return int(_COUNTS.unpack_from(self._counts)[1])

    def files(self) -> Iterator[T]:
        """The files that this process is to read."""
        while len(number := os.read(self._numbers, _NUMBER.size)) == _NUMBER.size:
            yield from self._groups[_NUMBER.unpack(number)[0]]

    def end(self) -> bool:
        """Waits for the second process, once the numbers are used up or this one gave up.  False if
        it did not read all that it took."""
        left = os.read(self._numbers, _NUMBER.size)
        os.close(self._numbers)
        if left:
            os.kill(self._pid, signal.SIGTERM)
        return os.waitpid(self._pid, 0)[1] == 0

    def _run(self, help: Help[T]) -> None:
        """The second process, which never returns."""
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            help(self._told(), self._read)
            status = 0
        finally:
            os._exit(status)

    def _told(self) -> Iterator[T]:
        for file in self.files():
            yield file
            done, read = self._counted
            self._counted = done + 1, read
            _COUNTS.pack_into(self._counts, 0, *self._counted)

    def _read(self, count: int) -> None:
        """Told of every block; stops once the first process is gone."""
        if os.getppid() != self._parent:
            raise Stopped
        done, read = self._counted
        self._counted = done, read + count
        _COUNTS.pack_into(self._counts, 0, *self._counted)
