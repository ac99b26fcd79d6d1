"""Who was live when: the persisted line of logins per provider.

Owned by the deck (event loop's thread); `providers.live` has its file read and written.
Needed because statuslines and session logs name no account: a figure belongs to an
account only if that one was live from before the writing session began until it wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from providers.base import FileBytes
from providers.engine.files import read_file, write_atomic
from providers.record import Record, replace

KEPT = 200
SEEN_STEP = 300.0
"""Seconds by which ``seen`` must have moved to be worth another write of the file."""


class Stay(Record):
    """One account's time as the live login: known to be live from ``since`` to ``seen``."""

    provider: str
    account: str
    since: float
    seen: float


class Timeline:
    """Bounded line of `Stay`s.  ``dirty`` says that there is something worth saving."""

    def __init__(self, stays: Iterable[Stay] = ()) -> None:
        self._stays: dict[str, list[Stay]] = {}
        for stay in stays:
            self._stays.setdefault(stay.provider, []).append(stay)
        self.dirty = False

    @property
    def stays(self) -> tuple[Stay, ...]:
        """Every stay, oldest first per provider."""
        return tuple(stay for line in self._stays.values() for stay in line)

    def note(self, provider: str, account: str, login_written_at: float, now: float) -> None:
        """``account`` is live now, by a login written at ``login_written_at``.

        The stay begins at that time; if the login file is older than the last sight
        of its predecessor (a restored copy), at ``now``.
        """
        line = self._stays.setdefault(provider, [])
        last = line[-1] if line else None
        if last is not None and last.account == account:
            if now - last.seen >= SEEN_STEP or now < last.seen:
                line[-1] = replace(last, since=min(last.since, now), seen=now)
                self.dirty = True
            return
        since = min(login_written_at, now)
        if last is not None and since < last.seen:
            since = now
        line.append(Stay(provider, account, since, now))
        del line[:-KEPT]
        self.dirty = True

    def owner(self, provider: str, since: float, until: float) -> str | None:
        """The account that was live all the way from ``since`` to ``until``, else None.

        The very first stay reaches back to the beginning: nothing speaks of another
        account before it.  Between the last sight of one account and the first of the
        next nobody is known to be live.
        """
        line = self._stays.get(provider, ())
        for index, stay in enumerate(line):
            begins = float("-inf") if index == 0 else stay.since
            last = index + 1 == len(line)
            if begins <= since and (until <= stay.seen or last):
                return stay.account
        return None


def load_stays(state_dir: Path) -> list[Stay]:
    """The persisted timeline; a broken file is an empty one (attribution then says
    "account unknown" where it is not sure)."""
    found = read_file(state_dir / "timeline.json", 1024 * 1024)
    if not isinstance(found, FileBytes):
        return []
    try:
        return [
            Stay(str(s["provider"]), str(s["account"]), float(s["since"]), float(s["seen"]))
            for s in json.loads(found.data)["stays"]
        ]
    except (ValueError, TypeError, KeyError):
        return []


def save_stays(state_dir: Path, stays: Sequence[Stay]) -> None:
    """Keeps the timeline for the next run.  Raises as `write_atomic` does."""
    document = {
        "version": 1,
        "stays": [
            {"provider": s.provider, "account": s.account, "since": int(s.since), "seen": int(s.seen)}
            for s in stays
        ],
    }
    write_atomic(state_dir / "timeline.json", json.dumps(document, indent=1).encode())
