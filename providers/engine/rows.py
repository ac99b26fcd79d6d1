"""Rows out of another tool's SQLite database, which is neither woken nor written.

Used where a login file is a database, on the reader and the network thread.  A reader in WAL
mode writes: with the tool closed, ``mode=ro`` leaves a ``-wal`` and a ``-shm`` behind in its
folder (measured with SQLite 3.40).  So those are only used while the tool itself has them open;
else the file is read as immutable, which creates nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from urllib.parse import quote

from providers.base import FileBytes, Found, Unreadable
from providers.engine.files import open_regular
from providers.engine.values import clean

BUSY = 0.25
"""Seconds to wait for a writer."""

MOST_ROWS = 500


def read_rows(path: Path, query: str, max_bytes: int) -> Found:
    """The rows of two columns that ``query`` finds, as the bytes of a JSON object; `Unreadable`
    with the reason, or None if there is no such file.  Values may be text, or blobs in UTF-8 or
    UTF-16."""
    opened = open_regular(path, follow=True)
    if opened is None or isinstance(opened, Unreadable):
        return opened
    os.close(opened[0])
    import sqlite3

    live = path.with_name(f"{path.name}-shm").exists()
    address = f"file:{quote(str(path))}?mode=ro{'' if live else '&immutable=1'}"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY)) as database:
            database.execute("PRAGMA query_only=1")
            found = {clean(key): _text(value) for key, value in database.execute(query).fetchmany(MOST_ROWS)}
    except (sqlite3.Error, ValueError) as error:
        return Unreadable(path, _in_words(error))
    data = json.dumps(found).encode()
    if len(data) > max_bytes:
        return Unreadable(path, "holds far more than a login", refused=True)
    return FileBytes(path, data, opened[1].st_mtime)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        # A text in UTF-16 has a zero in every other byte.
        value = value.decode("utf-16-le" if b"\0" in value[:4] else "utf-8", "replace")
    if not isinstance(value, str):
        return ""
    if value[:1] == '"' and value[-1:] == '"' and len(value) > 1:
        with contextlib.suppress(ValueError):
            inner = json.loads(value)
            return inner if isinstance(inner, str) else value
    return value


def _in_words(error: Exception) -> str:
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return "is in use just now; it is tried again"
    if "no such table" in text or "no such column" in text:
        return "has another form than this version knows"
    return "is not a database that can be read"
