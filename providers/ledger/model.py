"""The words of the ledger, and how a tool hands its readers over.

Anybody under ``providers`` may import this; it does no I/O.

A tool's **room** is a module ``logs`` in its provider folder with one name ``LOGS``, an object that
answers as `SessionLogs` says; the id goes into ``providers.LOGGED`` and nothing else is needed.
Small tools without a panel of their own are rows of ``providers.ledger.readers.TOOLS`` (id ->
`SessionLogs`), their ids in ``providers.LOGGED_TOOLS``.  `providers.load_logs` imports either lazily.
A room is pure: no I/O, no clock, no module state.  The scanner walks folders, opens files, checks
identities, cuts blocks, keeps states and books; the reader turns bytes into `Usage`.

**What a room says.**  `SessionLogs.trees` lists folders, name patterns and the kind of file:

``lines``      append-only JSONL, read incrementally.  `LineReader.feed` gets a *block*: one or more
               whole lines, each with its newline, in file order; the next block goes on where this one
               ended, perhaps in another process weeks later.  A last line without newline is not fed
               before it is complete.  Files whose name ends in ``.zst`` are unpacked on the way; one
               with a plain sibling is not read.  Lines over 16 MiB are dropped and counted.
``document``   one JSON file (or anything else) that is rewritten: `DocumentReader.read` gets all bytes
               each time size, mtime or inode changed.
``database``   SQLite: `DatabaseReader.read` gets an open read-only connection (query_only, never woken,
               never written) each time the file or its ``-wal`` changed.  Select JSON paths and counts,
               never whole blobs: prompts are in them.
``presence``   nothing is measured; the tool counts as *detected* if ``folder`` holds a match.

**Reader and state.**  `SessionLogs.open` makes one reader per file, either fresh (``state`` None) or
going on with what `state` of an earlier one returned.  The state is a JSON value (dict, list, str,
int, float, bool, None), small (it is stored for each file, at most 64 KiB), valid between any two
calls, and never holds text of a person or a model.  It is stored in one transaction with the usage
that was booked, so both or neither survive a kill.  A file that was cut, replaced or rewritten is
read again from its beginning by a fresh reader; nothing is ever subtracted for it.

**Counting once.**  A reader books the same response as often as it sees it: the index keeps one.
`Usage.key` names the response across all files of the tool (``message id``; ``thread id + response
id``; ``session + row id``); `Usage.part` tells apart what bears one key and is still counted twice
(Claude's requestId).  Of the bookings with equal key and part

- the one with the larger sum of tokens counts; a tie goes to the one that knows its model, then to
  the one with a tier, then to the smaller texts (session, project, account …);
- the earliest ``at`` counts, whoever brought it.

``weak`` marks what may be a copy: weak bookings of a key count only while no other booking of that
key is strong, and then only the largest of them.  None of this depends on the order of files, and
booking something twice is harmless.  Totals only grow or move; they do not vanish with a file.

**Cumulative stores** (a total per session, rewritten): keep the last vector per session in the
state, book the growth with the key ``session + the new vector`` at the time it was observed (first
sight: the store's own date).  A total that fell is a new baseline: book nothing, remember it.
Because the key holds the vector, reading the same store again with a lost state books the whole
total under a *different* key only if the total moved meanwhile; so seed the first key from the
vector too, and never from the time of reading.

**Privacy.**  Take only counts, model, ids, times, folder, tier.  Never decode prompts, completions,
tool input or output into an object that outlives the line; no line text in exceptions.
Outside strings need no cleaning here: the index bounds them, and what reaches a screen is cleaned there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from providers.base import MIB, Environment
from providers.record import Record

if TYPE_CHECKING:
    import sqlite3

LINES, DOCUMENT, DATABASE, PRESENCE = "lines", "document", "database", "presence"

State = Any
"""A small JSON value; see above."""


class Usage(NamedTuple):
    """What one response of a model cost.

    Counts are tokens, never negative: ``input`` without cache reads and writes, ``output`` with
    reasoning, ``cache_write`` with the one-hour part, ``cache_write_1h`` that part, ``reasoning``
    contained in ``output``.  ``at`` in epoch seconds (0.0 = unknown: the index takes the file's mtime).
    ``model`` as the tool writes it, "" = unknown; ``project`` the working folder or "";
    ``session`` the tool's id for it; ``tier`` "" or ``fast``/``priority``; ``requests`` how many calls
    of a model this stands for (0 if a store does not say).  ``account`` is not the reader's business:
    the scan takes it from the tree.
    """

    key: str
    at: float
    model: str
    project: str
    session: str
    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    requests: int = 1
    tier: str = ""
    part: str = ""
    weak: bool = False
    account: str = ""


Row = tuple[Any, ...]
"""A `Usage`, or a plain tuple of all its fields in order, which is made and taken apart in half the time."""

Book = Callable[[Row], object]
"""Where a reader puts what it found (``list.append`` is one)."""


class LogTree(Record):
    """Files of one kind that a tool writes.

    ``id`` is what switches it off (``[sources.<tool>] <id> = false``; several may share it); ``title``
    is what the check-up calls it; ``pattern`` is a file *name* with at most one ``*``.  ``below`` must
    be a folder name in the path below ``folder`` if it is given; files and folders named in ``skip``
    are left out.  ``account`` says whose logs these are where the folder tells (an identity key as in
    `providers.model.Identity`), else "".  Documents and databases over ``max_bytes`` are unreadable;
    line logs may have any size.
    """

    id: str
    title: str
    folder: Path
    pattern: str
    kind: str = LINES
    recursive: bool = True
    below: str = ""
    skip: tuple[str, ...] = ()
    account: str = ""
    max_bytes: int = 256 * MIB


class LogFile(Record):
    """One file as a reader is told of it: names and the mtime in epoch seconds, no content."""

    tree: LogTree
    path: Path
    mtime: float = 0.0


class UnreadableLog(Exception):
    """The file cannot be counted (unknown schema, not JSON).  The message is a clean sentence that
    names no content; the file lands in the bucket *unreadable*, its earlier totals stay."""


class LineReader(Protocol):
    """Reads one append-only log."""

    approximate: bool
    """Whether figures of this file had to be estimated (kept in the state by the reader)."""

    def feed(self, block: bytes, book: Book) -> int:
        """Books what the whole lines of a block hold; returns how many lines looked like usage and
        could not be understood.  Never raises for bad bytes.

        What comes after the last newline is the beginning of a line that is fed with the next block,
        and not looked at: cutting it off would copy every byte once more."""

    def state(self) -> State:
        """What must be known to go on after the last line fed."""


class DocumentReader(Protocol):
    """Reads one rewritten file."""

    approximate: bool

    def read(self, data: bytes, book: Book) -> int:
        """Books what the document holds; returns how many entries could not be understood.
        Raises `UnreadableLog`."""

    def state(self) -> State:
        """What must be known at the next look."""


class DatabaseReader(Protocol):
    """Reads one SQLite database."""

    approximate: bool

    def read(self, database: sqlite3.Connection, book: Book) -> int:
        """Books what the database holds, or what is new since the state; returns how many rows could
        not be understood.  Raises `UnreadableLog`; sqlite3.Error is handled by the scanner."""

    def state(self) -> State:
        """What must be known at the next look."""


class SessionLogs(Protocol):
    """What a tool's room answers.

    ``id`` is the provider id (or the tool's own, if it has no panel); ``name`` what a person calls
    it; ``version`` of its counting rules: raising it reads all its files again.  ``why`` is a short
    sentence if the tool can only be detected, else "".
    """

    id: str
    name: str
    version: int
    why: str

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """Where its logs lie, by its own environment variables."""

    def open(self, file: LogFile, state: State) -> LineReader | DocumentReader | DatabaseReader:
        """A reader for this file, of the kind that its tree names."""
