"""One small tool as a row: where its files lie and what reads each kind of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from providers.base import Environment
from providers.ledger.model import DatabaseReader, DocumentReader, LineReader, LogFile, LogTree, State
from providers.ledger.readers.documents import DocumentShape, ShapedDocument
from providers.ledger.readers.lines import LineShape, ShapedLines
from providers.record import Record

Reader = LineReader | DocumentReader | DatabaseReader
Make = Callable[[LogFile, State], Reader]


class Tool(Record):
    """Session logs of one tool; answers as `providers.ledger.model.SessionLogs` says.

    ``makes`` has what makes a reader for the trees whose ids begin so (up to a colon)."""

    id: str
    name: str
    places: Callable[[Environment], tuple[LogTree, ...]]
    makes: Mapping[str, Make] = {}
    why: str = ""
    version: int = 1

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """Where its files lie."""
        return self.places(environment)

    def open(self, file: LogFile, state: State) -> Reader:
        """A reader for one of them."""
        return self.makes[file.tree.id.partition(":")[0]](file, state)


def lines(shape: LineShape) -> Make:
    """Makes readers of logs of that shape."""
    return lambda file, state: ShapedLines(shape, file, state)


def document(shape: DocumentShape) -> Make:
    """Makes readers of documents of that shape."""
    return lambda file, state: ShapedDocument(shape, file, state)
