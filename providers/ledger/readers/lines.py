"""One reader for append-only session logs, told by a table what a line means.  Pure on blocks.

A `LineShape` is the whole difference between Qwen Code, Pi, OpenClaw and Kimi.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.ledger.fields import moment
from providers.ledger.model import Book, LogFile, State, Usage
from providers.ledger.readers.parsing import MOST_PATH, Keep, Path, dig, name, only, parsed, short
from providers.ledger.readers.spelling import Spelling
from providers.record import Record

Test = tuple[Path, str]
"""The text that must stand at a path."""


class Context(Record):
    """A line that says something of those after it."""

    when: Test
    session: Path = ()
    project: Path = ()
    model: Path = ()


class LineShape(Record):
    """What the lines of a tool's log mean.

    A line without any of the ``needles`` is passed over as bytes.  ``when``: what a line with usage
    says of itself; ``unless`` sorts some of them out again.  ``key`` holds the paths that name a
    response, in all files of the tool if ``everywhere`` (copies in forks then count once), else within
    its session; where a line has none of them its number among those with usage does.  Of ``model``
    the first that is there counts, then the model of a `Context`, then ``alias`` without ``prefix``,
    then ``usual_model``.
    ``parents`` says how many folders above the file the session's name stands if no line tells it.
    """

    needles: tuple[bytes, ...]
    when: tuple[Test, ...]
    usage: Path
    spelling: Spelling
    key: tuple[Path, ...]
    at: tuple[Path, ...]
    model: tuple[Path, ...] = ()
    session: Path = ()
    project: Path = ()
    contexts: tuple[Context, ...] = ()
    unless: tuple[Test, ...] = ()
    everywhere: bool = False
    alias: Path = ()
    usual_model: str = ""
    prefix: str = ""
    parents: int = 0

    def keep(self) -> Keep:
        """The allow-list: every key that a path above goes through."""
        paths: list[Path] = [
            *self.key,
            *self.at,
            *self.model,
            self.session,
            self.project,
            self.usage,
            self.alias,
        ]
        paths += [path for path, _ in (*self.when, *self.unless)]
        for context in self.contexts:
            paths += [context.when[0], context.session, context.project, context.model]
        paths += self.spelling.paths
        return only(key for path in paths for key in path)


class ShapedLines:
    """Reads one log of that shape."""

    approximate = False

    def __init__(self, shape: LineShape, file: LogFile, state: State) -> None:
        self._shape, self._keep = shape, shape.keep()
        known: Mapping[str, Any] = state if isinstance(state, dict) else {}
        folders = file.path.parents
        usual = folders[shape.parents - 1].name if shape.parents else file.path.name.partition(".")[0]
        # Two agents of a session write files of one name: what tells them apart is their folder.
        self._place = "/".join(file.path.parts[-1 - max(shape.parents, 1) : -1])
        self._session: str = known.get("session", usual)
        self._project: str = known.get("project", "")
        self._model: str = known.get("model", "")
        self._number: int = known.get("number", 0)

    def state(self) -> State:
        """What earlier lines said, and how many responses there were."""
        return {
            "session": self._session,
            "project": self._project,
            "model": self._model,
            "number": self._number,
        }

    def feed(self, block: bytes, book: Book) -> int:
        """Books the responses in a block of lines."""
        broken = 0
        for line in lines_with(block, self._shape.needles):
            document = parsed(line, self._keep)
            broken += not (isinstance(document, dict) and self._take(document, book))
        return broken

    def _take(self, line: Mapping[str, Any], book: Book) -> bool:
        shape = self._shape
        for context in shape.contexts:
            if _says(line, context.when):
                self._learn(line, context)
        if not all(_says(line, test) for test in shape.when) or any(_says(line, t) for t in shape.unless):
            return True
        usage = dig(line, shape.usage)
        if usage is None:
            return True
        self._number += 1
        raw = shape.spelling.raw(usage)
        if raw is None:
            return False
        if not any(raw[:6]):
            # A total without its parts says nothing that could be priced or added up.
            return not raw.total
        session = short(dig(line, shape.session)) or self._session if shape.session else self._session
        at = next((found for path in shape.at if (found := moment(dig(line, path)))), 0.0)
        project = (
            short(dig(line, shape.project), MOST_PATH) or self._project if shape.project else self._project
        )
        counts = shape.spelling.counts(raw)
        book(
            Usage(
                self._key(line, session), at, self._model_of(line), project, session,
                counts.input, counts.output, counts.cache_read, counts.cache_write, 0, counts.reasoning,
            )
        )  # fmt: skip
        return True

    def _key(self, line: Mapping[str, Any], session: str) -> str:
        names = [name(dig(line, path)) for path in self._shape.key]
        if not any(names):
            return f"{session}:{self._place}:{self._number}"
        return ":".join(names if self._shape.everywhere else [session, *names])

    def _model_of(self, line: Mapping[str, Any]) -> str:
        shape = self._shape
        said = next((found for path in shape.model if (found := short(dig(line, path)))), "")
        alias = short(dig(line, shape.alias)).removeprefix(shape.prefix) if shape.alias else ""
        return said or self._model or alias or shape.usual_model

    def _learn(self, line: Mapping[str, Any], context: Context) -> None:
        self._session = (
            short(dig(line, context.session)) or self._session if context.session else self._session
        )
        if context.project:
            self._project = short(dig(line, context.project), MOST_PATH) or self._project
        if context.model:
            self._model = short(dig(line, context.model)) or self._model


def lines_with(block: bytes, needles: tuple[bytes, ...]) -> Iterator[bytes]:
    """The whole lines of a block that hold one of the needles, without their newlines."""
    start = 0
    while (end := block.find(b"\n", start)) >= 0:
        if any(block.find(needle, start, end) >= 0 for needle in needles):
            yield block[start:end]
        start = end + 1


def _says(line: Mapping[str, Any], test: Test) -> bool:
    return bool(dig(line, test[0]) == test[1])
