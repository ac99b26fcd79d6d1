"""What a provider answers: its sources, its parsers, its login.

Owned by nobody at run time: providers are stateless objects; what must be
remembered between two looks at a growing log lives in the `LogReader` that the
provider hands out.  The collector calls all of this on the reader thread (or, for
one-shot commands, on the only thread).  Nothing here knows a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from providers.model import Fact, Source
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from providers.asking import Endpoint
else:
    # A plain class will do at run time: importing typing costs every command 2 ms.
    Protocol = object

KIB = 1024
MIB = 1024 * KIB


class Environment(Record):
    """Where everything is: the person's home, the variables, and our own folders.

    Passed in everywhere instead of being asked of ``os``; tests hand over a
    folder of their own.
    """

    home: Path
    variables: Mapping[str, str]
    config_dir: Path
    state_dir: Path
    data_dir: Path
    platform: str = "linux"

    _hidden = ("variables",)

    def folder(self, variable: str, default: str) -> Path:
        """The folder that ``variable`` names, else ``default`` under home.

        An empty variable counts as unset; a relative one is taken against home.
        """
        value = self.variables.get(variable, "")
        return self.home / value if value else self.home / default

    @property
    def quota_dir(self) -> Path:
        """Where our own sidecars lie, one per provider and account."""
        return self.state_dir / "quota"

    @property
    def statusline_dir(self) -> Path:
        """Where ``quotadeck statusline`` leaves one small sidecar per session."""
        return self.state_dir / "statusline"


class FileSource(Record):
    """Files of one kind that a provider reads.

    ``folder`` is watched; ``pattern`` is a file *name*, in which one ``*`` may stand for
    anything.
    ``login`` files are read together by `Provider.read_login`; ``log`` files are
    append-only and read from the end through `Provider.open_log`, the ``newest``
    few by mtime; all others go one by one through `Provider.read`.
    ``id`` is what switches it off: ``sources.<provider>.<id> = false``.
    A login with a ``query`` is an SQLite database: `Provider.read_login` gets the rows of two
    columns that it finds as a JSON object.  One that is not ``watched`` is looked at by the
    sweep alone, as its tool writes into that folder all the time.  An ``optional`` one is opened
    only once a person switched it on; a ``private`` one is refused behind a link, or if others
    can read it.  Files whose names begin like one of ``others`` (in lower case) are somebody
    else's and not opened.
    """

    id: str
    title: str
    folder: Path
    pattern: str
    kind: Source
    max_bytes: int = 256 * KIB
    login: bool = False
    log: bool = False
    recursive: bool = False
    newest: int = 64
    optional: bool = False
    private: bool = False
    query: str = ""
    watched: bool = True
    others: tuple[str, ...] = ()


class FileBytes(Record):
    """A file as it was read once: ``data`` whole, ``mtime`` in epoch seconds."""

    path: Path
    data: bytes
    mtime: float

    _hidden = ("data",)


class Unreadable(Record):
    """A file that is there but could not be read; ``reason`` is a clean sentence
    that names the fix, without the file's content."""

    path: Path
    reason: str
    refused: bool = False


Found = FileBytes | Unreadable | None


class ReadContext(Record):
    """What a parser may know besides the bytes."""

    now: float
    environment: Environment


class LogReader(Protocol):
    """Reads one append-only log; keeps what it must remember between two appends."""

    def feed(self, lines: Iterable[bytes], context: ReadContext) -> Iterable[Fact]:
        """Facts from complete lines, oldest first (without their newlines)."""


class Unparseable(ValueError):
    """The bytes are not what they should be; the message is a clean sentence."""


class SecretFound(Unparseable):
    """The file holds what looks like a credential, so nothing of it is used."""


class Descriptor(Record):
    """What is true of a provider without touching the disk.

    ``mark`` is the letter of ``status --short``; ``cli`` the command whose run
    renews a login; ``interval`` seconds between two questions while active (a
    figure older than twice that, and than 10 minutes, is stale); ``hidden_when_empty``
    keeps a catch-all panel away until it has something to show.  ``keys`` are the names
    under which ``quotadeck key set`` takes what it can be asked with.  ``switch`` is how its own
    CLI moves between accounts, where that is left to it.
    """

    id: str
    name: str
    mark: str
    cli: str
    interval: int = 300
    hidden_when_empty: bool = False
    keys: tuple[str, ...] = ()
    switch: str = ""


class Provider(Protocol):
    """One provider: pure functions from bytes to facts."""

    descriptor: Descriptor

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """Every file source, in the order in which doctor lists them."""

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        """Facts of one file.  Raises `Unparseable` with a clean sentence."""

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Facts from all ``login`` sources together, keyed by source id: exactly
        one `LoginState`, perhaps readings too.  Never raises for bad bytes."""

    def open_log(self, source: FileSource, path: Path, head: bytes) -> LogReader:
        """A reader for one log; ``head`` is the file's first 64 KiB at most."""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoints that may be asked; imported only here, so that a one-shot
        command does not pay for them."""
