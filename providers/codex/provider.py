"""OpenAI Codex: its login, its session logs, and what other tools say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from providers.base import MIB, Descriptor, Environment, FileBytes, FileSource, Found, LogReader, ReadContext
from providers.codex.login import codex_home, login_state
from providers.codex.rollouts import RolloutReader
from providers.engine.sidecar import parse_sidecar
from providers.model import Fact, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


class CodexProvider:
    """Passive sources of Codex; see `providers.base.Provider`."""

    descriptor = Descriptor("codex", "Codex", "X", "codex", interval=300)

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """auth.json and config.toml, rollouts old and new, sidecars of others and of ours."""
        home, ours = codex_home(environment), environment.quota_dir
        claude = environment.folder("CLAUDE_CONFIG_DIR", ".claude")
        old = home / "archived_sessions"
        logs = "rollout-*.jsonl"
        return (
            FileSource("auth", "login", home, "auth.json", Source.CACHE, MIB, login=True),
            FileSource("config", "settings", home, "config.toml", Source.CACHE, MIB, login=True),
            FileSource(
                "rollouts",
                "session logs",
                home / "sessions",
                logs,
                Source.LOG,
                log=True,
                recursive=True,
                newest=8,
            ),
            FileSource("archived", "archived session logs", old, logs, Source.LOG, log=True, newest=2),
            FileSource("endpoint_sidecar", "our sidecars", ours, "codex.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-codex*.json", Source.SIDECAR),
        )

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        """Facts of one sidecar."""
        return parse_sidecar(
            file, provider="codex", source=source.kind, origin=str(file.path), now=context.now
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """The state of the live login."""
        return (login_state(files, context),)

    def open_log(self, source: FileSource, path: Path, head: bytes) -> LogReader:
        """A reader of one rollout."""
        return RolloutReader(str(path), head)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoint."""
        from providers.codex.endpoint import ENDPOINT

        return (ENDPOINT,)


PROVIDER = CodexProvider()
