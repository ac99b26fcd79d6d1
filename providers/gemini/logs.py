"""Tokens from Gemini CLI's sessions: journals since 2026-04, one document a session before.  Pure.

A message is written again under its id when its tokens arrive, and a rewound one was paid for all
the same, so each is booked as often as it stands there and counts once
(google-gemini/gemini-cli:packages/core/src/services/chatRecordingService.ts).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers.base import Environment
from providers.ledger.fields import moment
from providers.ledger.model import DOCUMENT, Book, DocumentReader, LineReader, LogFile, LogTree, State, Usage
from providers.ledger.readers.documents import DocumentShape, ShapedDocument, entries
from providers.ledger.readers.lines import lines_with
from providers.ledger.readers.parsing import MOST_PATH, only, parsed, short
from providers.ledger.readers.spelling import GEMINI

_KEEP = only((
    "sessionId", "directories", "id", "timestamp", "type", "model", "tokens", "input", "output", "cached",
    "thoughts", "tool", "total", "$set", "messages",
))  # fmt: skip
_NEEDLES = (b'"tokens"', b'"sessionId"')
_HASH = 64


class GeminiLogReader:
    """Reads one journal."""

    approximate = False

    def __init__(self, file: LogFile, state: State) -> None:
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        # Begins with a dot: put aside by the CLI, or not yet in place.
        self._ours = not file.path.name.startswith(".")
        self._session: str = known.get("session", file.path.stem)
        self._project: str = known.get("project", _slug(file.path))

    def state(self) -> State:
        """Which session it is, and where."""
        return {"session": self._session, "project": self._project}

    def feed(self, block: bytes, book: Book) -> int:
        """Books the messages in a block of lines."""
        broken = 0
        for line in lines_with(block, _NEEDLES) if self._ours else ():
            record = parsed(line, _KEEP)
            broken += self._take(record, book) if isinstance(record, dict) else 1
        return broken

    def _take(self, record: Mapping[str, Any], book: Book) -> int:
        self._session = short(record.get("sessionId")) or self._session
        self._project = _folder(record) or self._project
        change = record.get("$set")
        if isinstance(change, dict):
            self._project = _folder(change) or self._project
            messages, broken = entries(change, "messages")
            return broken + sum(
                not _book(message, self._session, self._project, book) for message in messages
            )
        return not _book(record, self._session, self._project, book)


def _book(message: object, session: str, project: str, book: Book) -> bool:
    """Books one message; False if it makes no sense."""
    if not isinstance(message, dict) or message.get("type") != "gemini" or message.get("tokens") is None:
        return True
    raw, at = GEMINI.raw(message["tokens"]), moment(message.get("timestamp"))
    if raw is None:
        return False
    if any(raw[:6]):
        counts = GEMINI.counts(raw)
        key = f"{session}:{short(message.get('id')) or at}"
        book(Usage(key, at, short(message.get("model")), project, session, *counts[:4], 0, counts.reasoning))
    return True


def _session_document(document: Mapping[str, Any], file: LogFile, book: Book) -> int:
    """A session of the older form.  Resumed, it is copied into a journal: the keys are the same."""
    if file.path.name.startswith("."):
        return 0
    session = short(document.get("sessionId")) or file.path.stem
    project = _folder(document) or _slug(file.path)
    messages, broken = entries(document, "messages")
    return broken + sum(not _book(message, session, project, book) for message in messages)


_DOCUMENT = DocumentShape(_KEEP, _session_document)


def _folder(record: Mapping[str, Any]) -> str:
    folders = record.get("directories")
    return short(folders[0], MOST_PATH) if isinstance(folders, list) and folders else ""


def _slug(path: Path) -> str:
    """The project's short name, which is the folder around ``chats``; "" for a hash, which older
    versions used."""
    parts = path.parts
    name = parts[parts.index("chats") - 1] if "chats" in parts[1:] else ""
    return "" if len(name) == _HASH else short(name)


class GeminiLogs:
    """Session logs of Gemini CLI; see `providers.ledger.model.SessionLogs`."""

    id = "gemini"
    name = "Gemini CLI"
    version = 1
    why = ""

    def trees(self, environment: Environment) -> tuple[LogTree, ...]:
        """The chats of every project."""
        folder = environment.folder("GEMINI_CLI_HOME", ".") / ".gemini/tmp"
        skip = ("backup",)
        return (
            LogTree("chats", "session logs", folder, "*.jsonl", below="chats", skip=skip),
            LogTree("older", "older sessions", folder, "session-*.json", DOCUMENT, below="chats", skip=skip),
        )

    def open(self, file: LogFile, state: State) -> LineReader | DocumentReader:
        """A reader of one session."""
        if file.tree.kind == DOCUMENT:
            return ShapedDocument(_DOCUMENT, file, state)
        return GeminiLogReader(file, state)


LOGS = GeminiLogs()
