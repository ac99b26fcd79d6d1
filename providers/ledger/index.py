"""The index: which files were read how far, every response once, and the totals.

SQLite in the state folder, 0600, used on one thread at a time; several copies may share the file.
The scan writes through `commit`, everybody else reads through `providers.ledger.query`.  What a
commit brings is booked, and the offsets moved, in one transaction: a kill loses or repeats nothing.

``place`` is whose tokens (provider, account, model, project, session, tier, size of the prompt),
``cell`` their sums per place and quarter of an hour: every zone of the world is a multiple of that
away from UTC, so days are exact in all of them.  ``response`` has the counts of each response under
an 8-byte keyed hash of its key, so that a copy that turns up later moves the sums instead of adding
to them.  Nothing is subtracted because a file vanished.

A file that is corrupt, of another form, or counted by older rules is put aside as ``<name>.old`` and
made anew; `adopt` then takes over the sessions of which no log is left.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from providers.ledger import merging as m
from providers.ledger.merging import Group, Row

VERSION = 1
SLOT = 900
"""Seconds of a cell."""

BUSY_SECONDS = 4.0
CONTEXTS = (272_000, 200_000)
"""Prompts larger than these have prices of their own at some vendors."""

MANY = 200
"""From so many keys on they are looked up together."""

MAX_TEXT = 400
_NUMBERED = "\0"

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
    place INTEGER NOT NULL, slot INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (place, slot)
) WITHOUT ROWID;
CREATE INDEX cell_slot ON cell (slot);
CREATE TABLE response (
    a INTEGER NOT NULL, b INTEGER NOT NULL, place INTEGER NOT NULL, at INTEGER NOT NULL,
    weak INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, reasoning INTEGER NOT NULL,
    requests INTEGER NOT NULL, PRIMARY KEY (a, b)
) WITHOUT ROWID
"""

_ADD = """
INSERT INTO cell VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (place, slot) DO UPDATE SET
    input = input + excluded.input, output = output + excluded.output,
    cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
    cache_write_1h = cache_write_1h + excluded.cache_write_1h, reasoning = reasoning + excluded.reasoning,
    requests = requests + excluded.requests
"""
_KEEP = "INSERT OR REPLACE INTO response VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
_OLD = (
    "SELECT a, b, place, at, weak, input, output, cache_read, cache_write, cache_write_1h, reasoning,"
    " requests FROM response"
)

Owner = Callable[[str, float], str]
"""Whose login of a provider was live at a moment (epoch seconds); "" = unknown."""


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
        self._places: dict[tuple[Any, ...], int] = {}
        self._secret = b""

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
            with contextlib.suppress(_Broken), self.guarded():
                if self._is_current(self._open(make=True)):
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
        with self.guarded():
            version = int(self._open(make=True).execute("PRAGMA data_version").fetchone()[0])
            return self._inode, version

    def known(self) -> dict[str, Known]:
        """Every file that was looked at, by path."""
        with self.guarded():
            rows = self._open(make=True).execute("SELECT * FROM file").fetchall()
            return {known.path: known for known in map(_known, rows)}

    def mark(self, data: bytes) -> bytes:
        """An 8-byte hash of ``data`` that says nothing without this installation's key."""
        return blake2b(data, digest_size=8, key=self._secret).digest()

    def commit(self, rows: Mapping[str, Mapping[str, Group]], files: Iterable[Known], owner: Owner) -> None:
        """Books rows (by tool and key) and moves files on, in one transaction."""
        with self.guarded():
            connection = self._open(make=True)
            try:
                with transaction(connection):
                    _Booking(connection, self._places, self._secret, owner).book(rows)
                    connection.executemany(
                        "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                        [(os.fsencode(file.path), *file[1:]) for file in files],
                    )
            except BaseException:
                # Places that were made in vain would be taken for known.
                self._places.clear()
                raise

    def forget(self, paths: Sequence[str]) -> None:
        """Drops what is known of files that are gone; their totals stay."""
        with self.guarded():
            connection = self._open(make=True)
            with transaction(connection):
                connection.executemany("DELETE FROM file WHERE path = ?", [(os.fsencode(p),) for p in paths])

    def prune(self, before: float) -> None:
        """Drops the keys of responses older than ``before``; their totals stay."""
        with self.guarded():
            connection = self._open(make=True)
            with transaction(connection):
                connection.execute("DELETE FROM response WHERE at < ?", (int(before),))

    def adopt(self) -> None:
        """Takes over, from an index that was put aside, the sessions that this one does not know:
        their logs are gone.  To be called once every log there is has been read."""
        old = self._aside()
        if not old.exists():
            return
        with self.guarded():
            connection = self._open(make=True)
        try:
            connection.execute("ATTACH ? AS old", (str(old),))
            try:
                if connection.execute("PRAGMA old.quick_check(1)").fetchone()[0] == "ok":
                    with transaction(connection):
                        _take_over(connection)
            finally:
                connection.execute("DETACH old")
        except sqlite3.Error:
            # Too damaged to be read, or of another form: nothing of it can be had.
            pass
        self._places = {}
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns what goes wrong with the file into `Unusable`; a broken file is closed."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                self._put_aside()
                raise _Broken("the ledger's index is damaged; it is made anew") from None
            raise Unusable(f"the ledger's index cannot be used: {_cause(error)}") from None

    def _open(self, make: bool) -> sqlite3.Connection:
        if self._connection is not None and _inode_of(self.path) == self._inode:
            return self._connection
        self.close()
        if make:
            _make_private(self.path)
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
        if make:
            self._make_tables(connection)
        if _version(connection) == VERSION:
            self._secret = connection.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0]
        return connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        if _version(connection) or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection):
            if _version(connection):
                return
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('secret', ?)", (os.urandom(16),))
            self._keep_rules(connection)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def _keep_rules(self, connection: sqlite3.Connection) -> None:
        rules = [(f"rules:{tool}", version) for tool, version in self._rules.items()]
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rules)

    def _is_current(self, connection: sqlite3.Connection) -> bool:
        if _version(connection) != VERSION:
            return False
        kept = dict(connection.execute("SELECT name, value FROM meta WHERE name LIKE 'rules:%'"))
        if any(kept.get(f"rules:{tool}", version) != version for tool, version in self._rules.items()):
            return False
        if len(kept) < len(self._rules):
            with transaction(connection):
                self._keep_rules(connection)
        return True

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


class _Booking:
    """One commit: old rows and new ones joined, and what that changes in the sums."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        places: dict[tuple[Any, ...], int],
        secret: bytes,
        owner: Owner,
    ) -> None:
        self._connection, self._places, self._owner = connection, places, owner
        self._hash = blake2b(digest_size=8, key=secret)
        self._changes: dict[tuple[int, int], list[int]] = {}
        self._kept: list[tuple[Any, ...]] = []

    def book(self, rows: Mapping[str, Mapping[str, Group]]) -> None:
        for tool, groups in rows.items():
            self._book_tool(tool, groups)
        self._kept.sort()
        self._connection.executemany(_KEEP, self._kept)
        changes = sorted((*cell, *sums) for cell, sums in self._changes.items() if any(sums))
        self._connection.executemany(_ADD, changes)

    def _book_tool(self, tool: str, groups: Mapping[str, Group]) -> None:
        keyed = self._hash.copy()
        keyed.update(tool.encode() + b"\0")
        hashes = {}
        for key in groups:
            one = keyed.copy()
            one.update(key.encode("utf-8", "replace"))
            hashes[key] = int.from_bytes(one.digest(), "little", signed=True)
        known = self._known(list(hashes.values()))
        if len(groups) > MANY and not self._places:
            self._load_places()
        new: list[tuple[int, Row]] = []
        for key, group in groups.items():
            a = hashes[key]
            if known and a in known:
                self._change(tool, a, key, known[a], group)
            elif group[0].__class__ is tuple:
                self._add(tool, a, group)
            else:
                new.append((a, group))
        self._add_single(tool, new)

    def _known(self, hashes: list[int]) -> dict[int, list[tuple[Any, ...]]]:
        execute = self._connection.execute
        if execute("SELECT 1 FROM response LIMIT 1").fetchone() is None:
            return {}
        if len(hashes) <= MANY:
            found = execute(f"{_OLD} WHERE a IN ({','.join('?' * len(hashes))})", hashes).fetchall()
        else:
            execute("CREATE TEMP TABLE IF NOT EXISTS wanted (a INTEGER PRIMARY KEY)")
            execute("DELETE FROM wanted")
            self._connection.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", [(a,) for a in hashes])
            found = execute(_OLD.replace("FROM", "FROM wanted CROSS JOIN") + " USING (a)").fetchall()
        rows: dict[int, list[tuple[Any, ...]]] = {}
        for row in found:
            rows.setdefault(row[0], []).append(row)
        return rows

    def _load_places(self) -> None:
        for ident, *place in self._connection.execute(
            "SELECT id, provider, account, model, project, session, tier, context FROM place"
        ):
            self._places[tuple(place)] = ident

    def _add_single(self, tool: str, rows: list[tuple[int, Row]]) -> None:
        """Keys that are new and have one row each, as nearly all of a cold scan: one loop without a
        call in it, which is four times as fast."""
        places, changes, keep, owner = self._places, self._changes, self._kept.append, self._owner
        for a, row in rows:
            (
                _,
                at,
                model,
                project,
                session,
                fresh,
                out,
                read,
                written,
                hour,
                thought,
                calls,
                tier,
                part,
                weak,
                account,
            ) = row
            at = int(at)
            if not account:
                account = owner(tool, float(at))
            prompt = fresh + read + written
            context = 0 if prompt <= 200_000 else _context(prompt, calls)
            name = (tool, account, model, project, session, tier, context)
            place = places.get(name)
            if place is None:
                place = places[name] = self._find_place(name)
            keep(
                (
                    a,
                    _part(part) if part else 0,
                    place,
                    at,
                    weak,
                    fresh,
                    out,
                    read,
                    written,
                    hour,
                    thought,
                    calls,
                )
            )
            cell = place, at // SLOT
            sums = changes.get(cell)
            if sums is None:
                changes[cell] = [fresh, out, read, written, hour, thought, calls]
            else:
                sums[0] += fresh
                sums[1] += out
                sums[2] += read
                sums[3] += written
                sums[4] += hour
                sums[5] += thought
                sums[6] += calls

    def _add(self, tool: str, a: int, group: Group) -> None:
        """A key with all its rows."""
        adding = m.counted(group)
        for row in m.rows_of(group):
            place, at, counts = self._place(tool, row), int(row[m.AT]), row[m.COUNTS]
            part = row[m.PART]
            self._kept.append((a, _part(part) if part else 0, place, at, row[m.WEAK], *counts))
            if row in adding:
                self._sum(place, at, counts, 1)

    def _change(self, tool: str, a: int, key: str, old: list[tuple[Any, ...]], group: Group) -> None:
        """A key that is known: what counted until now goes out, what counts from now comes in."""
        parts = {_part(part): part for row in m.rows_of(group) if (part := row[m.PART])}
        kept = sorted((self._row(key, row, parts) for row in old), key=lambda row: str(row[m.PART]))
        before: Group = kept[0] if len(kept) == 1 else tuple(kept)
        after = m.joined(before, self._settled(tool, group))
        if after == before:
            return
        for row in m.counted(before):
            self._sum(self._place(tool, row), row[m.AT], row[m.COUNTS], -1)
        self._add(tool, a, after)

    def _row(self, key: str, kept: tuple[Any, ...], parts: Mapping[int, str]) -> Row:
        """A kept response as a row.  Its part is known as a number only, unless the new ones name it."""
        _, b, place, at, weak, *counts = kept
        account, model, project, session, tier = self._connection.execute(
            "SELECT account, model, project, session, tier FROM place WHERE id = ?", (place,)
        ).fetchone()
        part = parts.get(b, f"{_NUMBERED}{b}") if b else ""
        return (key, at, model, project, session, *counts, tier, part, bool(weak), account)

    def _settled(self, tool: str, group: Group) -> Group:
        """New rows in the form in which rows come back from the table."""
        rows = tuple(
            (row[m.KEY], int(row[m.AT]), *row[m.MODEL : m.ACCOUNT], self._account(tool, row))
            for row in m.rows_of(group)
        )
        return rows[0] if len(rows) == 1 else rows

    def _account(self, tool: str, row: Row) -> str:
        account: str = row[m.ACCOUNT]
        return account or self._owner(tool, float(int(row[m.AT])))

    def _place(self, tool: str, row: Row) -> int:
        prompt = row[m.INPUT] + row[m.CACHE_READ] + row[m.CACHE_WRITE]
        named = (row[m.MODEL], row[m.PROJECT], row[m.SESSION], row[m.TIER])
        place = (tool, self._account(tool, row), *named, _context(prompt, row[m.REQUESTS]))
        ident = self._places.get(place)
        if ident is None:
            ident = self._places[place] = self._find_place(place)
        return ident

    def _find_place(self, place: tuple[Any, ...]) -> int:
        bounded = tuple(_bounded(value) if isinstance(value, str) else value for value in place)
        self._connection.execute(
            "INSERT OR IGNORE INTO place (provider, account, model, project, session, tier, context)"
            " VALUES (?,?,?,?,?,?,?)",
            bounded,
        )
        found = self._connection.execute(
            "SELECT id FROM place WHERE provider = ? AND account = ? AND model = ? AND project = ?"
            " AND session = ? AND tier = ? AND context = ?",
            bounded,
        ).fetchone()
        return int(found[0])

    def _sum(self, place: int, at: int, counts: Sequence[int], sign: int) -> None:
        sums = self._changes.setdefault((place, at // SLOT), [0] * 7)
        for i, count in enumerate(counts):
            sums[i] += sign * count


def _context(prompt: int, calls: int) -> int:
    # Of several calls the average; of a session's total nobody knows, so its price is the base one.
    prompt = prompt // calls if calls else 0
    return next((bound for bound in CONTEXTS if prompt > bound), 0)


def _part(part: str) -> int:
    """The number under which a part is kept."""
    if part[0] == _NUMBERED:
        return int(part[1:])
    return zlib.crc32(part.encode("utf-8", "replace")) + 1


def _bounded(value: str) -> str:
    return value[:MAX_TEXT].encode("utf-8", "replace").decode()


def _known(row: tuple[Any, ...]) -> Known:
    path, *rest = row
    known = Known(os.fsdecode(path), *rest)
    return known._replace(approximate=bool(known.approximate))


def _take_over(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TEMP TABLE gone AS SELECT * FROM old.place AS o WHERE NOT EXISTS (SELECT 1 FROM main.place"
        " AS p WHERE p.provider = o.provider AND p.session = o.session)"
    )
    columns = "provider, account, model, project, session, tier, context"
    connection.execute(f"INSERT OR IGNORE INTO main.place ({columns}) SELECT {columns} FROM gone")
    same = " AND ".join(f"n.{c.strip()} = g.{c.strip()}" for c in columns.split(","))
    connection.execute(
        "INSERT INTO main.cell SELECT n.id, c.slot, c.input, c.output, c.cache_read, c.cache_write,"
        " c.cache_write_1h, c.reasoning, c.requests FROM gone AS g JOIN old.cell AS c ON c.place = g.id"
        f" JOIN main.place AS n ON {same}"
    )
    connection.execute("DROP TABLE gone")


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


def _make_private(path: Path) -> None:
    """Makes the empty file, readable by us alone from birth; SQLite copies its mode to -wal.

    A file that is there is not opened here: closing it would drop the locks that another connection
    of this process holds on it.
    """
    for folder in reversed((path.parent, *path.parent.parents)):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077 and found.st_uid == os.getuid():
            os.chmod(path, 0o600)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything inside or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
