"""The catch-all panel: one account for each quota sidecar that no other panel reads.

Stateless; the collector calls it on the thread that reads files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from providers import KEYED, PROVIDERS
from providers.base import Descriptor, Environment, FileBytes, FileSource, Found, LogReader, ReadContext
from providers.engine.sidecar import denied_name, parse_sidecar
from providers.engine.values import clean
from providers.model import Fact, Failure, LoginState, Reading, Source, Status
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint

OWN_PANELS = tuple(name for name in PROVIDERS if name != "sidecars" and name not in KEYED)
"""Stems that begin like this belong to a provider with a panel of its own."""

_PREFIX, _SUFFIX = ".tokenmaxxer-", ".json"


class Sidecars:
    """See `providers.base.Provider`."""

    descriptor = Descriptor(
        id="sidecars", name="Other sidecars", mark="S", cli="", interval=300, hidden_when_empty=True
    )

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """The sidecars of tokenmaxxer, in Claude Code's folder."""
        folder = environment.folder("CLAUDE_CONFIG_DIR", ".claude")
        pattern, title = f"{_PREFIX}*{_SUFFIX}", "tokenmaxxer's sidecars"
        # Also where that panel is switched off: nothing of it is opened then.
        others = tuple(f"{_PREFIX}{name}" for name in OWN_PANELS)
        return (FileSource("tokenmaxxer", title, folder, pattern, Source.SIDECAR, others=others),)

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        """Facts of one sidecar, filed under its stem.  Raises `Unparseable`."""
        stem = _stem(file.path)
        if not stem or stem.startswith(OWN_PANELS) or denied_name(file.path.name):
            return []
        facts = parse_sidecar(file, provider=stem, source=source.kind, origin=str(file.path), now=context.now)
        return [_filed(fact, stem) for fact in facts]

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """There is no login here, so nothing can be wrong with it."""
        return [LoginState(self.descriptor.id, Status.OK, observed_at=context.now)]

    def open_log(self, source: FileSource, path: Path, head: bytes) -> LogReader:
        """No source of this provider is a log: raises KeyError."""
        raise KeyError(source.id)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Nobody to ask: these are other tools' files."""
        return ()


def _stem(path: Path) -> str:
    return clean(path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX), 40).lower()


def _filed(fact: Fact, stem: str) -> Fact:
    provider = Sidecars.descriptor.id
    if isinstance(fact, Reading):
        return replace(fact, provider=provider, account=stem, alias=stem)
    if isinstance(fact, Failure):
        return replace(fact, provider=provider, account=stem)
    return fact


PROVIDER = Sidecars()
