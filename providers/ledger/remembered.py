"""What the index remembers of a file between two passes.  For `providers.ledger.scan` alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from providers.ledger.index import Known
from providers.ledger.model import UnreadableLog
from providers.ledger.reading import Taken, prefix_mark
from providers.ledger.walk import Seen

MAX_STATE = 64 * 1024
_encoded = json.JSONEncoder(separators=(",", ":")).encode


def goes_on(fd: int, seen: Seen, old: Known, mark: Callable[[bytes], bytes]) -> bool:
    """Whether the file is the one that was read, as far as it was read."""
    same = (old.device, old.inode) == (seen.device, seen.inode) and seen.size >= abs(old.offset)
    return same and old.offset != 0 and prefix_mark(fd, old.offset, mark) == old.prefix


def state(old: Known | None) -> Any:
    """What its reader has to know to go on."""
    return None if old is None else json.loads(old.state)


def fresh(seen: Seen, old: Known | None) -> Known:
    """What is known of a file that could not be read now: where its reader was stays."""
    if old is not None:
        return old._replace(size=seen.size, mtime_ns=seen.mtime_ns, inode=seen.inode)
    return Known(seen.path, seen.logs.id, seen.tree.id, seen.device, seen.inode, seen.size, seen.mtime_ns,
                 0, b"", "null", False, 0, "")  # fmt: skip


def known(seen: Seen, taken: Taken, prefix: bytes, reader: Any, broken: int) -> Known:
    """What is to be remembered of a file that was read; ``broken`` are the lines of earlier passes that
    could not be understood.  Raises `UnreadableLog` for a reader that wants too much remembered."""
    text = _encoded(reader.state())
    if len(text) > MAX_STATE:
        raise UnreadableLog("needs more to be remembered than a log ever did")
    broken += taken.broken
    return Known(seen.path, seen.logs.id, seen.tree.id, seen.device, seen.inode, seen.size, seen.mtime_ns,
                 taken.offset, prefix, text, bool(reader.approximate), broken, "")  # fmt: skip
