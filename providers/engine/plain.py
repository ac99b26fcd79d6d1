"""What most providers have in common: sidecars that any writer may leave, and no logs.

For provider folders, which inherit it and add what is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from providers.base import Descriptor, FileBytes, FileSource, LogReader, ReadContext
from providers.model import Fact


class PlainProvider:
    """The part of `providers.base.Provider` that does not differ."""

    descriptor: Descriptor

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        """Facts of one sidecar."""
        # Here: whoever has no file of the provider does not pay for its parser.
        from providers.engine.sidecar import parse_sidecar

        name, origin = self.descriptor.id, str(file.path)
        return parse_sidecar(file, provider=name, source=source.kind, origin=origin, now=context.now)

    def open_log(self, source: FileSource, path: Path, head: bytes) -> LogReader:
        """No source is a log: raises KeyError."""
        raise KeyError(source.id)
