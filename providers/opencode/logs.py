"""Tokens from OpenCode's sessions: the database of 1.2 and later, the files of 1.1 and before.

What the rows mean is said in `providers.ledger.readers.opencode_family`, as other tools were made
from OpenCode.  A model is named ``provider/model``, as OpenCode does, because only the provider says
whether Go, Zen or another login paid.
"""

from __future__ import annotations

from providers.base import Environment
from providers.ledger.model import DATABASE, DOCUMENT, DatabaseReader, DocumentReader, LogFile, LogTree, State
from providers.ledger.readers.documents import ShapedDocument
from providers.ledger.readers.opencode_family import MESSAGE, OpenCodeDatabase
from providers.opencode.provider import data_folder, database


class OpenCodeLogs:
    """Session logs of OpenCode; see `providers.ledger.model.SessionLogs`."""

    id = "opencode"
    name = "OpenCode"
    version = 1
    why = ""

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """The databases of all channels, the one that ``OPENCODE_DB`` names, the older files."""
        data = data_folder(environment)
        folder, name = database(environment)
        chosen = name.replace("*", "")
        return (
            LogTree("databases", "session databases", data, "opencode*.db", DATABASE, recursive=False),
            LogTree("database", "session database", folder, chosen, DATABASE, recursive=False),
            LogTree("messages", "older session files", data / "storage/message", "msg_*.json", DOCUMENT),
        )

    def open(self, file: LogFile, state: State) -> DatabaseReader | DocumentReader:
        """A reader of one database or one message."""
        if file.tree.kind == DATABASE:
            return OpenCodeDatabase(file, state)
        return ShapedDocument(MESSAGE, file, state)


LOGS = OpenCodeLogs()
