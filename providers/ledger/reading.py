"""Reading one log file for its reader: blocks of whole lines, documents, databases.

For the scan only.  Bytes are held for one block; a failure carries file and reason, never content.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from providers.base import KIB, MIB, Unreadable
from providers.engine.files import open_regular
from providers.ledger.model import Book, DatabaseReader, DocumentReader, LineReader, UnreadableLog
from providers.record import Record

CHUNK = 112 * KIB
"""Smaller than what malloc maps anew each time: with 256 KiB a scan of 1.5 GB took 60 000 page faults, a
tenth of its time."""

MAX_LINE = 16 * MIB
"""No response is a tenth as long; images and compacted histories are, and say nothing of tokens."""

BUSY_SECONDS = 0.25
HEAD, TAIL = 1024, 256


class Stopped(Exception):
    """The person stopped the scan."""


class Taken(Record):
    """What reading a file came to: the offset after the last whole line (negative: inside a line that
    is too long), and how many lines could not be understood, too long ones among them."""

    offset: int
    broken: int


Step = Callable[[int], None]
"""Told how many bytes were read; raises `Stopped`."""


def open_log(path: Path) -> tuple[int, os.stat_result]:
    """An open descriptor, which the caller closes.  Raises `UnreadableLog`, FileNotFoundError."""
    opened = open_regular(path)
    if opened is None:
        raise FileNotFoundError(path)
    if isinstance(opened, Unreadable):
        raise UnreadableLog(opened.reason)
    return opened


def read_lines(fd: int, offset: int, reader: LineReader, book: Book, step: Step) -> Taken:
    """Feeds what whole lines there are from ``offset`` on; a negative one lies inside a line that is
    too long.

    The beginning of a line at the end of a chunk is read again with the next one: holding it would
    copy every byte once more, which cost more than reading a fiftieth twice.
    """
    passing, offset = offset < 0, abs(offset)
    broken, size = 0, CHUNK
    while chunk := os.pread(fd, size, offset):
        if passing:
            end = chunk.find(b"\n") + 1
            passing, taken = not end, end or len(chunk)
        else:
            taken = chunk.rfind(b"\n") + 1
            if taken:
                broken += reader.feed(chunk, book)
                size = CHUNK
            elif len(chunk) < size:
                # The last line is not finished.
                step(len(chunk))
                break
            elif size < MAX_LINE:
                size *= 2
            else:
                passing, taken, size, broken = True, len(chunk), CHUNK, broken + 1
        offset += taken
        step(taken)
    return Taken(-offset if passing else offset, broken)


def read_packed(fd: int, reader: LineReader, book: Book, step: Step) -> Taken:
    """Feeds the lines of a file packed with zstd.  Raises `UnreadableLog` without an unpacker."""
    unpack = _unpacker()
    if unpack is None:
        raise UnreadableLog("is packed with zstd: pip install backports.zstd")
    try:
        with os.fdopen(os.dup(fd), "rb") as packed, unpack(packed) as plain:
            taken = _feed(plain.read, reader, book, step)
    except (EOFError, ValueError) as error:
        raise UnreadableLog("is packed with zstd and damaged") from error
    except Exception as error:
        if type(error).__name__ == "ZstdError":
            raise UnreadableLog("is packed with zstd and damaged") from None
        raise
    return Taken(os.fstat(fd).st_size, taken.broken)


def _unpacker() -> Callable[[IO[bytes]], Any] | None:
    for name in ("compression.zstd", "backports.zstd"):
        with contextlib.suppress(ImportError):
            from importlib import import_module

            opener: Callable[[IO[bytes]], Any] = import_module(name).ZstdFile
            return opener
    return None


def _feed(read: Callable[[int], bytes], reader: LineReader, book: Book, step: Step) -> Taken:
    """The same for a stream, in which nothing can be read twice."""
    held, broken, passing = b"", 0, False
    while chunk := read(CHUNK):
        step(len(chunk))
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            held = b"" if passing else held + chunk
            if len(held) > MAX_LINE:
                held, passing, broken = b"", True, broken + 1
            continue
        first = chunk.find(b"\n") + 1 if passing else 0
        broken += reader.feed(held + chunk[first:cut], book)
        held, passing = chunk[cut:], False
    return Taken(0, broken)


def read_document(fd: int, size: int, limit: int, reader: DocumentReader, book: Book, step: Step) -> Taken:
    """Hands the whole file over."""
    if size > limit:
        raise UnreadableLog("is larger than a log of this kind ever was")
    parts = []
    while chunk := os.read(fd, MIB):
        step(len(chunk))
        parts.append(chunk)
    return Taken(size, reader.read(b"".join(parts), book))


def read_database(path: str, reader: DatabaseReader, book: Book) -> Taken:
    """Hands the database over, open to read.  As in `providers.engine.rows`, a database that its
    tool does not have open is read as immutable, because a reader in WAL mode would leave files."""
    live = os.path.exists(path + "-shm")
    address = f"file:{quote(path)}?mode=ro{'' if live else '&immutable=1'}"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as database:
            database.execute("PRAGMA query_only=1")
            return Taken(0, reader.read(database, book))
    except sqlite3.Error as error:
        message = str(error).lower()
        if "locked" in message or "busy" in message:
            raise UnreadableLog("is in use just now; it is tried again") from None
        if "no such" in message:
            raise UnreadableLog("has another form than this version knows") from None
        raise UnreadableLog("is not a database that can be read") from None


def prefix_mark(fd: int, offset: int, mark: Callable[[bytes], bytes]) -> bytes:
    """A keyed hash of the beginning and of what lies before ``offset``: whether a file that grew is
    the one that was read."""
    offset = abs(offset)
    head = os.pread(fd, min(HEAD, offset), 0)
    before = min(TAIL, offset)
    return mark(head + os.pread(fd, before, offset - before))
