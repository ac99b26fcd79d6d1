"""From files on disk to facts: what is looked at, and only what changed since.

Synchronous; the reader thread owns it in the pane, a one-shot command calls it directly.
It knows which files exist and whose they are; what their bytes mean is the provider's
business, and a provider that raises harms its own panel only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from providers.base import Environment, FileSource, Provider, ReadContext
from providers.engine.clock import Clock
from providers.engine.intake import Intake, crashed, intakes_for, reports_of, tilde
from providers.engine.logins import switched_on
from providers.engine.trees import folders_under
from providers.model import Fact, Failure, Outcome, Reading, SourceReport
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class OwnFile(Protocol):
    """A file of ours that is read like a source, and is no provider's."""

    path: Path

    def concerns(self, path: Path) -> bool:
        """Whether a change at a path can matter."""

    def look(self) -> Sequence[Fact]:
        """Facts, if it changed since the last look."""

    def forget(self) -> None:
        """The next look reads it anew."""


class Collector:
    """Reads the sources of all enabled providers, and the files of ours in ``own``.

    ``off`` holds (provider id, source id) pairs that are neither opened nor watched, ``on`` the
    optional ones that are;
    ``writer`` is the mark this process leaves in sidecars of its own, so that it does
    not take back what it just wrote.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        environment: Environment,
        clock: Clock,
        *,
        off: frozenset[tuple[str, str]] = frozenset(),
        on: frozenset[tuple[str, str]] = frozenset(),
        writer: str = "",
        own: Sequence[OwnFile] = (),
    ) -> None:
        self._own = tuple(own)
        self._environment = environment
        self._clock = clock
        self._sources: list[FileSource] = []
        self._intakes: list[Intake] = []
        self._off: list[SourceReport] = []
        self._reported: dict[tuple[str, str], SourceReport] = {}
        for provider in providers:
            every = provider.sources(environment)
            chosen = [s for s in every if switched_on(s, provider.descriptor.id, off, on)]
            self._sources += chosen
            self._intakes += intakes_for(provider, chosen, writer.encode())
            self._off += [self._switched_off(provider, s) for s in every if s not in chosen]

    def _switched_off(self, provider: Provider, source: FileSource) -> SourceReport:
        path = tilde(source.folder / source.pattern, self._environment.home)
        name = f"sources.{provider.descriptor.id}.{source.id}"
        why = f"off until you say {name} = true" if source.optional else f"switched off: {name} = false"
        return SourceReport(provider.descriptor.id, source.id, source.title, path, Outcome.OFF, why)

    @property
    def sources(self) -> tuple[FileSource, ...]:
        """The sources that are read, those that are switched off left out."""
        return tuple(self._sources)

    def folders(self) -> frozenset[Path]:
        """Every folder to watch, flat: those of the sources, for recursive ones all below,
        and for one that does not exist yet its nearest existing ancestor."""
        found = {_existing(file.path.parent) for file in self._own}
        for source in self._sources:
            if not source.watched:
                continue
            if not source.folder.is_dir():
                found.add(_existing(source.folder))
            elif source.recursive:
                found.update(folders_under(source.folder))
            else:
                found.add(source.folder)
        return frozenset(found - {Path("/")})

    def concerns(self, path: Path) -> bool:
        """Whether a change at ``path`` can matter: a file of a source, or a folder on the
        way to one."""
        if any(each.concerns(path) for each in (*self._intakes, *self._own)):
            return True
        return any(s.folder.is_relative_to(path) or _within(s, path) for s in self._sources)

    def resting(self) -> frozenset[Path]:
        """Big files that changed again a moment after they were read: look at them once
        `intake.BIG_REST` seconds have passed."""
        return frozenset(path for intake in self._intakes for path in intake.resting)

    def sweep(self, provider: str | None = None, *, again: bool = False) -> list[Fact]:
        """Facts from everything that changed since the last look, by stat.

        ``again`` reads every file anew (the key ``r``); ``provider`` limits it to one.
        """
        chosen = [i for i in self._intakes if provider in (None, i.provider.descriptor.id)]
        if again:
            for each in (*chosen, *self._own):
                each.forget()
        return [*self._ours(), *self._look(chosen, lambda intake, context: intake.look(context))]

    def changed(self, paths: Iterable[Path]) -> list[Fact]:
        """Facts from the files at these paths, without listing any folder."""
        held = tuple(paths)
        chosen = [i for i in self._intakes if any(i.concerns(p) for p in held)]
        return [*self._ours(), *self._look(chosen, lambda intake, context: intake.look(context, held))]

    def _ours(self) -> list[Fact]:
        return [fact for file in self._own for fact in file.look()]

    def _look(
        self, intakes: Sequence[Intake], look: Callable[[Intake, ReadContext], list[Fact]]
    ) -> list[Fact]:
        context = ReadContext(self._clock.now(), self._environment)
        facts: list[Fact] = []
        for intake in intakes:
            try:
                found = look(intake, context)
            except Exception as error:
                facts.append(crashed(intake, error, context.now))
                continue
            facts += (self._with_tilde(fact) for fact in found)
            facts += self._news(reports_of(intake, context))
        facts += self._news(self._off)
        return facts

    def _news(self, reports: Iterable[SourceReport]) -> list[Fact]:
        news: list[Fact] = []
        for report in reports:
            key, timeless = (report.provider, report.source_id), replace(report, observed_at=0.0)
            if self._reported.get(key) != timeless:
                self._reported[key] = timeless
                news.append(report)
        return news

    def _with_tilde(self, fact: Fact) -> Fact:
        """An origin is shown and copied, so it carries no user name."""
        if not isinstance(fact, Reading | Failure) or not fact.origin.startswith("/"):
            return fact
        return replace(fact, origin=tilde(Path(fact.origin), self._environment.home))


def _existing(folder: Path) -> Path:
    """The folder itself, or its nearest ancestor that exists."""
    return next((p for p in (folder, *folder.parents) if p.is_dir()), Path("/"))


def _within(source: FileSource, path: Path) -> bool:
    """Whether the path is a folder (by its lack of a suffix) below a recursive source."""
    return source.recursive and not path.suffix and path.is_relative_to(source.folder)
