"""The words of switching: a login, what a CLI's store holds, and what a store answers.

For the rooms of accounts/ and for the provider folders, whose ``store.py`` says how their CLI
keeps its login.  A store is pure: bytes in, bytes out; reading, locking and writing are done
here in accounts/, the same way for all.

The bytes that prove whose they are have an `Identity`; those that do not have none, and what
merely stands beside them is only ``claimed`` (Claude Code keeps the name in another file than
the token, and two writers can make them disagree).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from providers.accounts.secret import Secret
from providers.base import MIB, Environment, Found
from providers.model import Identity
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class Login(Record):
    """The bytes that are one account for one CLI.

    ``lineage`` is the fingerprint of the refresh token (of the key, where there is none): two
    logins of one lineage end together when one of them is renewed.  ``issued`` orders
    generations of one account, epoch seconds as the provider stamped them, 0 if unknown; no
    clock of ours decides.  ``expires_at`` is the access token's end, ``ends_at`` that of the
    login itself.  ``payload`` is what the vault keeps: JSON text in the store's own shape.
    """

    provider: str
    lineage: str
    payload: Secret
    identity: Identity | None = None
    claimed: Identity | None = None
    slot: str = ""
    issued: float = 0.0
    expires_at: float | None = None
    ends_at: float | None = None
    plan: str = ""

    _hidden = ("payload",)


class Held(StrEnum):
    """What a CLI's store holds."""

    LOGIN = "login"
    NOTHING = "nothing"
    HUSK = "husk"
    OTHER = "other"
    MIXED = "mixed"
    UNREADABLE = "unreadable"


class Live(Record):
    """What a CLI's store holds now.  ``login`` is there for `Held.LOGIN` and, as the newest
    tokens of somebody, for `Held.MIXED` (without an identity if nobody can say whose); ``why`` is
    one clean clause for all but the first two.  Over `Held.NOTHING` and `Held.HUSK` a switch may
    write: there is nothing in them to lose.
    """

    held: Held
    login: Login | None = None
    why: str = ""


class StoreFile(Record):
    """A file that a switch may replace.  ``secret`` files are kept 0600."""

    path: Path
    max_bytes: int = MIB
    secret: bool = True


class FolderLock(Record):
    """A lock of a CLI: a folder made with mkdir, whose holder touches it (npm proper-lockfile).
    Free again ``stale`` seconds after the last touch."""

    path: Path
    stale: float = 60.0


class FileLock(Record):
    """A lock of a CLI: an exclusive flock on a file."""

    path: Path


CliLock = FolderLock | FileLock


class Running(Record):
    """Sessions of the CLI that run now: how many, and since when the oldest of them, epoch
    seconds.  ``known`` is False where the CLI leaves nothing to count by."""

    count: int = 0
    since: float = 0.0
    known: bool = True


class LoginStore(Protocol):
    """How one CLI keeps its login; one object for each (provider, slot).

    ``effect`` says when a switch is noticed by the CLI ("with the next message"); ``command`` logs a
    second account in without logging the first out; ``margin`` is how many seconds of its life
    an access token must have left for a switch under a running CLI to be safe, 0 if any will do.
    ``alone``: a session that runs keeps the old login in memory and writes it back without looking,
    so a switch may only be made while `running` knows of none; where it cannot know, the person has
    to say so.  Capturing is always safe.
    """

    provider: str
    slot: str
    effect: str
    command: str
    margin: float
    alone: bool

    def files(self) -> tuple[StoreFile, ...]:
        """The files in the order in which a switch writes them; the first holds the secret."""

    def locks(self) -> tuple[CliLock, ...]:
        """The CLI's own locks, in the order in which it takes them itself."""

    def parse(self, found: Mapping[Path, Found]) -> Live:
        """What the files hold.  Never raises for bad bytes."""

    def opened(self, payload: Secret) -> Login | None:
        """The login in a payload of the vault's; None if it is none."""

    def compose(self, login: Login, found: Mapping[Path, Found]) -> Mapping[Path, bytes]:
        """The new bytes of every file: the login's own part, and of what is there now the part
        that belongs to the machine.  Raises `CannotSwitch`."""

    def owned(self, login: Login, owner: Identity, known: Login | None) -> Login:
        """The login under its owner's name, where another's stood beside it; ``known`` is an
        earlier login of that owner."""

    def refusal(self, found: Mapping[Path, Found]) -> str:
        """Why this store may not be written at all (an override, a key that would win, a store
        elsewhere); one clean sentence, "" if it may."""

    def running(self) -> Running:
        """Sessions of the CLI that run now.  Looks at files and processes."""


class CannotSwitch(Exception):
    """It was not done and nothing was changed; one clean sentence that says why and what to do."""


class Stores(Protocol):
    """Makes the stores of a provider."""

    def __call__(self, environment: Environment) -> tuple[LoginStore, ...]: ...
