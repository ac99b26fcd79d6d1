"""One source each: which of its files changed, and the facts that come of it.

Used by the collector alone, on the thread that owns it.  Three kinds: single files,
append-only logs, and the login files of a provider, which are read together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from providers.base import (
    FileBytes,
    FileSource,
    Found,
    LogReader,
    Provider,
    ReadContext,
    SecretFound,
    Unparseable,
    Unreadable,
)
from providers.engine.files import read_file
from providers.engine.logins import Signature, login_path, login_signature, read_login_file, signature
from providers.engine.sidecar import denied_name
from providers.engine.tail import Tail
from providers.engine.trees import matches, newest_files
from providers.engine.values import clean
from providers.model import Fact, Failure, LoginState, Outcome, SourceReport, Status

BIG_BYTES = 256 * 1024
BIG_REST = 5.0
"""Seconds.  A file larger than `BIG_BYTES` is read at most every `BIG_REST` seconds: Claude Code
rewrites a config of megabytes in bursts."""


def tilde(path: Path, home: Path) -> str:
    """The path as a person writes it, with ``~`` for home."""
    # As text: pathlib's own way takes a fifth of a sweep.
    text, base = str(path), f"{home}/"
    return clean(f"~/{text[len(base) :]}" if text.startswith(base) else text, 200)


class Outcomes:
    """How each file of a source went, folded into one report."""

    def __init__(self, source: FileSource, provider_id: str) -> None:
        self.source = source
        self.provider_id = provider_id
        self.files: dict[Path, tuple[Outcome, str]] = {}

    def report(self, context: ReadContext) -> SourceReport:
        """One line for doctor: the best outcome, and what the others suffered from."""
        home = context.environment.home
        good = [p for p, (o, _) in self.files.items() if o is Outcome.READ]
        bad = [(p, o, d) for p, (o, d) in self.files.items() if o in (Outcome.UNREADABLE, Outcome.REFUSED)]
        shown = good or [p for p, _, _ in bad] or list(self.files)
        path = shown[-1] if shown else self.source.folder / self.source.pattern
        outcome, detail = Outcome.ABSENT, ""
        if self.files:
            outcome = Outcome.READ if good else bad[0][1] if bad else Outcome.EMPTY
        if bad:
            others = f" (+{len(bad) - 1} more)" if len(bad) > 1 else ""
            detail = f"{tilde(bad[0][0], home)} {bad[0][2]}{others}"
        elif len(self.files) > 1:
            detail = f"{len(self.files)} files"
        where, title, detail = tilde(path, home), self.source.title, clean(detail, 200)
        return SourceReport(self.provider_id, self.source.id, title, where, outcome, detail, context.now)


class FileIntake:
    """Files that are read whole, one by one."""

    def __init__(self, provider: Provider, source: FileSource, writer: bytes) -> None:
        self.provider, self.source = provider, source
        self.outcomes = Outcomes(source, provider.descriptor.id)
        self._writer = writer
        self.resting: set[Path] = set()
        self._seen: dict[Path, Signature] = {}
        self._read_at: dict[Path, float] = {}

    def concerns(self, path: Path) -> bool:
        """Whether a file at this path is one of ours.  Decided by name, before any open."""
        name, source = path.name, self.source
        inside = path.parent == source.folder and matches(name, source.pattern)
        return inside and not name.lower().startswith(source.others) and not denied_name(name)

    def look(self, context: ReadContext, only: Iterable[Path] | None = None) -> list[Fact]:
        """Facts of the files that changed; ``only`` spares the folder listing."""
        paths = self._present() if only is None else [p for p in only if self.concerns(p)]
        facts: list[Fact] = []
        for path in paths:
            facts.extend(self._look_at(path, context))
        for path in [p for p in self.outcomes.files if p not in self._seen]:
            del self.outcomes.files[path]
        return facts

    def forget(self) -> None:
        """The next look reads everything again."""
        self._seen.clear()
        self._read_at.clear()

    def _present(self) -> Sequence[Path]:
        present = newest_files(self.source.folder, self.source.pattern, self.source.newest, recursive=False)
        for path in [p for p in self._seen if p not in present]:
            del self._seen[path]
        return [p for p in reversed(present) if self.concerns(p)]

    def _look_at(self, path: Path, context: ReadContext) -> Iterable[Fact]:
        now_is = signature(path) or _link_signature(path)
        if now_is is None:
            self._seen.pop(path, None)
            return ()
        self.resting.discard(path)
        if self._seen.get(path) == now_is:
            return ()
        if now_is[1] > BIG_BYTES and 0 <= context.now - self._read_at.get(path, 0) < BIG_REST:
            self.resting.add(path)
            return ()
        self._seen[path] = now_is
        self._read_at[path] = context.now
        facts, outcome, detail = self._read(path, context)
        self.outcomes.files[path] = (outcome, detail)
        return facts

    def _read(self, path: Path, context: ReadContext) -> tuple[list[Fact], Outcome, str]:
        found = read_file(path, self.source.max_bytes)
        if not isinstance(found, FileBytes):
            return [], *_outcome_of(found)
        if self._writer and self._writer in found.data:
            return [], Outcome.READ, "our own"
        try:
            facts = list(self.provider.read(self.source, found, context))
        except SecretFound as refused:
            return [], Outcome.REFUSED, str(refused)
        except Unparseable as broken:
            return [], Outcome.UNREADABLE, str(broken)
        return facts, Outcome.READ if facts else Outcome.EMPTY, ""


class LogIntake:
    """Append-only logs: the newest few, each read from its end and then as it grows."""

    def __init__(self, provider: Provider, source: FileSource) -> None:
        self.provider, self.source = provider, source
        self.outcomes = Outcomes(source, provider.descriptor.id)
        self.resting: set[Path] = set()
        self._open: dict[Path, tuple[Tail, LogReader | None]] = {}

    def concerns(self, path: Path) -> bool:
        """Whether a file at this path is one of ours."""
        if not matches(path.name, self.source.pattern):
            return False
        folder = self.source.folder
        return path.is_relative_to(folder) if self.source.recursive else path.parent == folder

    def look(self, context: ReadContext, only: Iterable[Path] | None = None) -> list[Fact]:
        """Facts of appended lines; without ``only`` the newest files are looked for first."""
        s = self.source
        if only is None:
            paths = newest_files(s.folder, s.pattern, s.newest, recursive=s.recursive)[::-1]
            for path in [p for p in self._open if p not in paths]:
                del self._open[path]
                self.outcomes.files.pop(path, None)
        else:
            paths = tuple(p for p in only if self.concerns(p))
        return [fact for path in paths for fact in self._look_at(path, context)]

    def forget(self) -> None:
        """The next look starts every log over."""
        self._open.clear()

    def _look_at(self, path: Path, context: ReadContext) -> list[Fact]:
        first = path not in self._open
        tail, reader = self._open.setdefault(path, (Tail(path), None))
        while True:
            look = tail.look()
            if look is None or isinstance(look, Unreadable):
                self._open.pop(path, None)
                if look is None:
                    self.outcomes.files.pop(path, None)
                else:
                    self.outcomes.files[path] = _outcome_of(look)
                return []
            if look.restarted or reader is None:
                reader = self.provider.open_log(self.source, path, look.head)
            facts = list(reader.feed(look.lines, context))
            if facts or not first or not look.restarted or not tail.widen():
                break
        self._open[path] = (tail, reader)
        known = self.outcomes.files.get(path, (Outcome.EMPTY, ""))[0]
        self.outcomes.files[path] = (Outcome.READ if facts else known, "")
        return facts


class LoginIntake:
    """The login files of one provider, read together whenever one of them changed."""

    def __init__(self, provider: Provider, sources: Sequence[FileSource]) -> None:
        self.provider = provider
        self.outcomes = [Outcomes(s, provider.descriptor.id) for s in sources]
        self.resting: set[Path] = set()
        self._seen: dict[str, Signature | None] | None = None
        self._read_at = 0.0

    def concerns(self, path: Path) -> bool:
        """Whether this is one of the login files."""
        return any(path == login_path(o.source) for o in self.outcomes)

    def look(self, context: ReadContext, only: Iterable[Path] | None = None) -> list[Fact]:
        """Facts of the login if any of its files changed, else nothing."""
        if only is not None and not any(self.concerns(p) for p in only):
            return []
        now_are = {o.source.id: login_signature(o.source) for o in self.outcomes}
        self.resting.clear()
        if now_are == self._seen:
            return []
        if self._only_big_ones_changed(now_are) and 0 <= context.now - self._read_at < BIG_REST:
            self.resting.update(login_path(o.source) for o in self.outcomes)
            return []
        self._seen, self._read_at = now_are, context.now
        found: dict[str, Found] = {}
        for outcomes in self.outcomes:
            found[outcomes.source.id] = file = read_login_file(outcomes.source)
            outcomes.files = {} if file is None else {login_path(outcomes.source): _outcome_of(file)}
        return list(self.provider.read_login(found, context))

    def forget(self) -> None:
        """The next look reads the login again."""
        self._seen = None
        self._read_at = 0.0

    def _only_big_ones_changed(self, now_are: dict[str, Signature | None]) -> bool:
        if self._seen is None:
            return False
        changed = [s for i, s in now_are.items() if s != self._seen.get(i)]
        return all(s is not None and s[1] > BIG_BYTES for s in changed)


Intake = FileIntake | LogIntake | LoginIntake


def crashed(intake: Intake, error: Exception, now: float) -> Fact:
    """What is shown when a provider's own code fails: in its panel only, and without the
    text of the error, which might quote the file.  A newer figure takes it back."""
    provider = intake.provider.descriptor.id
    message = f"quotadeck could not read a file of this ({type(error).__name__}); run: quotadeck doctor"
    if isinstance(intake, LoginIntake):
        return LoginState(provider, Status.ERROR, message, fix="quotadeck doctor", observed_at=now)
    return Failure(provider, Status.ERROR, message, intake.source.kind, f"reader {intake.source.id}", now)


def intakes_for(provider: Provider, sources: Sequence[FileSource], writer: bytes) -> tuple[Intake, ...]:
    """The intakes of a provider; the login, which owns the other readings, first."""
    logins = [s for s in sources if s.login]
    others = [s for s in sources if not s.login]
    return (
        LoginIntake(provider, logins),
        *(LogIntake(provider, s) if s.log else FileIntake(provider, s, writer) for s in others),
    )


def reports_of(intake: Intake, context: ReadContext) -> list[SourceReport]:
    """What came of each source of an intake."""
    held = intake.outcomes if isinstance(intake, LoginIntake) else [intake.outcomes]
    return [o.report(context) for o in held]


def _outcome_of(found: Found) -> tuple[Outcome, str]:
    if isinstance(found, Unreadable):
        return (Outcome.REFUSED if found.refused else Outcome.UNREADABLE), found.reason
    return (Outcome.ABSENT if found is None else Outcome.READ), ""


def _link_signature(path: Path) -> Signature | None:
    """A dangling link is something to report, not nothing."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
