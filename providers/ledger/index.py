"""The index: which files were read how far, every response once, and the totals.

SQLite in the state folder, 0600, used on one thread at a time; several copies may share the file.
The scan writes through `commit`, everybody else reads through `providers.ledger.query`.  What a
commit brings is booked, and the offsets moved, in one transaction: a kill loses or repeats nothing.

``place`` is whose tokens (provider, account, model, project, session, tier, size of the prompt),
``cell`` their sums per place and quarter of an hour: every zone of the world is a multiple of that
away from UTC, so days are exact in all of them.  Each response is kept under a hash of its key
(`providers.ledger.responses`), so that a copy that turns up later moves the sums instead of adding to
them.  Nothing is subtracted because a file vanished.

A file that is corrupt, of another form, or counted by older rules is put aside as ``<name>.old`` and
made anew; `adopt` then takes over what no log is left of.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from providers.engine.own_database import make_private, transaction
from providers.ledger.adoption import secret_of, take_over
from providers.ledger.booking import Booking, Owner
from providers.ledger.merging import Group
from providers.ledger.responses import RESPONSES, Held, Responses, Runs, Table, has_runs, settle

VERSION = 3
"""Raised with the form of the tables, and with the sizes of prompts that are told apart."""

BUSY_SECONDS = 4.0
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE file (
    path BLOB PRIMARY KEY, tool TEXT NOT NULL, tree TEXT NOT NULL, device INTEGER NOT NULL,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, offset INTEGER NOT NULL,
    prefix BLOB NOT NULL, state TEXT NOT NULL, approximate INTEGER NOT NULL, broken INTEGER NOT NULL,
    trouble TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE place (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, account TEXT NOT NULL, model TEXT NOT NULL,
    project TEXT NOT NULL, session TEXT NOT NULL, tier TEXT NOT NULL, context INTEGER NOT NULL,
    UNIQUE (provider, session, model, project, account, tier, context)
);
CREATE TABLE cell (
    slot INTEGER NOT NULL, place INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (slot, place)
) WITHOUT ROWID;
"""


class Known(NamedTuple):
    """What is known of a file: up to where it was read, and what its reader must remember (JSON)."""

    path: str
    tool: str
    tree: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    offset: int
    prefix: bytes
    state: str
    approximate: bool
    broken: int
    trouble: str


class Unusable(Exception):
    """The index cannot be used; the message is a clean sentence."""


class _Broken(Unusable):
    """The file was no use and has been put aside."""


class Index:
    """The index at ``path``.  Nothing is opened before the first call.

    ``rules`` are the versions of the readers' counting rules, by tool.  Whoever writes must hold
    `providers.ledger.scan`'s lock.  Methods raise `Unusable`; a file that is no use raises nothing
    but is replaced by `prepare`.
    """

    def __init__(self, path: Path, rules: Mapping[str, int] | None = None) -> None:
        self.path = path
        self._rules = dict(rules or {})
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self.bulk = False
        """Much is about to be written: nothing is moved out of the -wal before the index is closed,
        which waits for the disk (a tenth of a cold scan)."""
        self._places: dict[tuple[Any, ...], int] = {}
        self._secret = b""
        self._held = Held()

    def close(self) -> None:
        """Closes the file; a later call opens it again."""
        connection, self._connection = self._connection, None
        self._places = {}
        if connection is not None:
            connection.close()

    def exists(self) -> bool:
        """Whether there is an index at all."""
        return self.path.exists()

    def prepare(self) -> None:
        """Makes the index if there is none, and anew if it is no use or counted by older rules."""
        for _ in range(2):
            with contextlib.suppress(_Broken), self.guarded(writing=True):
                connection = self._open(make=True)
                if self._is_current(connection):
                    self._add_rules(connection)
                    self.settle()
                    return
                self._put_aside()
        raise Unusable("the ledger's index cannot be made")

    def reading(self) -> sqlite3.Connection | None:
        """A connection to read with, None while there is no index of this form."""
        with self.guarded():
            connection = self._open(make=False) if self.exists() else None
            return connection if connection is not None and _version(connection) == VERSION else None

    def data_version(self) -> tuple[int, int]:
        """Changes when another connection has written, or when this is another file."""
        with self.guarded(writing=True):
            version = int(self._open(make=True).execute("PRAGMA data_version").fetchone()[0])
            return self._inode, version

    def known(self) -> dict[str, Known]:
        """Every file that was looked at, by path."""
        with self.guarded(writing=True):
            rows = self._open(make=True).execute("SELECT * FROM file").fetchall()
            return {known.path: known for known in map(_known, rows)}

    def mark(self, data: bytes) -> bytes:
        """An 8-byte hash of ``data`` that says nothing without this installation's key."""
        return blake2b(data, digest_size=8, key=self._secret).digest()

    def commit(self, rows: Mapping[str, Mapping[str, Group]], files: Iterable[Known], owner: Owner) -> None:
        """Books rows (by tool and key) and moves files on, in one transaction."""
        with self.guarded(writing=True):
            connection = self._open(make=True)
            try:
                with transaction(connection):
                    responses = self._responses(connection)
                    Booking(connection, self._places, self._secret, owner, responses).book(rows)
                    connection.executemany(
                        "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                        [(os.fsencode(file.path), *file[1:]) for file in files],
                    )
            except BaseException:
                # What was made in vain would be taken for known.
                self._places.clear()
                self._held = Held()
                raise

    def _responses(self, connection: sqlite3.Connection) -> Responses:
        """Where a commit keeps responses."""
        table = Table(connection)
        if not self.bulk or not table.is_empty():
            return table
        runs = Runs(connection, self._held)
        if not runs.is_full():
            return runs
        settle(connection)
        self._held = Held()
        return table

    def settle(self) -> None:
        """Moves what a first scan kept in runs to where all responses are."""
        with self.guarded(writing=True):
            connection = self._open(make=True)
            if has_runs(connection):
                with transaction(connection):
                    settle(connection)
        self._held = Held()

    def is_busy(self) -> bool:
        """Whether another process is writing just now, so that a commit would have to wait."""
        with self.guarded(writing=True):
            connection = self._open(make=True)
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                with transaction(connection):
                    return False
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                return True
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def forget(self, paths: Sequence[str]) -> None:
        """Drops what is known of files that are gone; their totals stay."""
        with self.guarded(writing=True):
            connection = self._open(make=True)
            with transaction(connection):
                connection.executemany("DELETE FROM file WHERE path = ?", [(os.fsencode(p),) for p in paths])

    def prune(self, before: float) -> None:
        """Drops the keys of responses older than ``before``; their totals stay."""
        with self.guarded(writing=True):
            connection = self._open(make=True)
            with transaction(connection):
                connection.execute("DELETE FROM response WHERE at < ?", (int(before),))

    def adopt(self) -> None:
        """Takes over, from an index that was put aside, what is not in any log any more.  To be called
        once every log there is has been read."""
        old = self._aside()
        if not old.exists():
            return
        with self.guarded(writing=True):
            connection = self._open(make=True)
        try:
            connection.execute("ATTACH ? AS old", (str(old),))
            try:
                if connection.execute("PRAGMA old.quick_check(1)").fetchone()[0] == "ok":
                    with transaction(connection):
                        if has_runs(connection, "old"):
                            settle(connection, "old")
                        take_over(connection)
            finally:
                connection.execute("DETACH old")
        except sqlite3.Error:
            # Too damaged to be read, or of another form: nothing of it can be had.
            pass
        self._places = {}
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)

    def is_current(self) -> bool:
        """Whether there is an index of this form and these rules.  Raises `Unusable` for a newer one."""
        with self.guarded():
            return self.exists() and self._is_current(self._open(make=False))

    @contextmanager
    def guarded(self, *, writing: bool = False) -> Iterator[None]:
        """Turns what goes wrong with the file into `Unusable`.  Only who writes puts a damaged file
        aside: whoever asks changes nothing."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                if writing:
                    self._put_aside()
                raise _Broken("the ledger's index is damaged; it is made anew") from None
            raise Unusable(f"the ledger's index cannot be used: {_cause(error)}") from None

    def _open(self, make: bool) -> sqlite3.Connection:
        if self._connection is not None and _inode_of(self.path) == self._inode:
            return self._connection
        self.close()
        if make:
            make_private(self.path)
        if not stat.S_ISREG(os.lstat(self.path).st_mode):
            raise Unusable("the ledger's index is not a regular file")
        self._inode = _inode_of(self.path)
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection = connection
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA wal_autocheckpoint = {0 if self.bulk else 1000}")
        if make:
            self._make_tables(connection)
        if _version(connection) == VERSION:
            self._secret = connection.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0]
        return connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        if _version(connection) or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return
        # Twice the usual: responses go to random places, and half as many pages are half as many writes.
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection):
            if _version(connection):
                return
            for statement in (_SCHEMA + RESPONSES).split(";"):
                connection.execute(statement)
            secret = secret_of(self._aside()) or os.urandom(16)
            connection.execute("INSERT INTO meta VALUES ('secret', ?)", (secret,))
            self._keep_rules(connection)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def _keep_rules(self, connection: sqlite3.Connection) -> None:
        rules = [(f"rules:{tool}", version) for tool, version in self._rules.items()]
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rules)

    def _add_rules(self, connection: sqlite3.Connection) -> None:
        """The rules of tools that the index has not met yet."""
        count = "SELECT count(*) FROM meta WHERE name LIKE 'rules:%'"
        if connection.execute(count).fetchone()[0] < len(self._rules):
            with transaction(connection):
                self._keep_rules(connection)

    def _is_current(self, connection: sqlite3.Connection) -> bool:
        version = _version(connection)
        kept: dict[str, int] = {}
        if version == VERSION:
            kept = dict(connection.execute("SELECT name, value FROM meta WHERE name LIKE 'rules:%'"))
        newer = any(kept.get(f"rules:{tool}", 0) > rules for tool, rules in self._rules.items())
        if newer or (version > VERSION and _is_ours(connection)):
            # Two copies of different versions would else take turns in counting everything anew.
            raise Unusable("the ledger's index was made by a newer quotadeck; start this one anew")
        return version == VERSION and all(
            kept.get(f"rules:{tool}", rules) == rules for tool, rules in self._rules.items()
        )

    def _aside(self) -> Path:
        return self.path.with_name(self.path.name + ".old")

    def _put_aside(self) -> None:
        """One that is already aside holds more than the one that was to replace it."""
        self.close()
        aside = self._aside()
        with contextlib.suppress(OSError):
            for suffix in ("-wal", "-shm"):
                beside = self.path.with_name(self.path.name + suffix)
                if aside.exists():
                    beside.unlink(missing_ok=True)
                elif beside.exists():
                    beside.replace(aside.with_name(aside.name + suffix))
            if aside.exists():
                self.path.unlink(missing_ok=True)
            else:
                self.path.replace(aside)


def _known(row: tuple[Any, ...]) -> Known:
    path, *rest = row
    known = Known(os.fsdecode(path), *rest)
    return known._replace(approximate=bool(known.approximate))


def _is_ours(connection: sqlite3.Connection) -> bool:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {"meta", "cell", "place"} <= names


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)[:80]


def _inode_of(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
