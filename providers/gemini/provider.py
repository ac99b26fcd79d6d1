"""Gemini CLI: whose login lies here, and what other tools say of it.

The modules that parse are imported when there is something to parse: whoever has no Gemini CLI
does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from providers.base import Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.model import Fact, LoginState, Source, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


def gemini_home(environment: Environment) -> Path:
    """``.gemini`` in ``$GEMINI_CLI_HOME``, else in the home."""
    return environment.folder("GEMINI_CLI_HOME", ".") / ".gemini"


class GeminiProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor("gemini", "Gemini CLI", "E", "gemini", 600, hidden_when_empty=True)

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """The login with what names it, sidecars of others and of ours."""
        home = gemini_home(environment)
        claude, ours = environment.folder("CLAUDE_CONFIG_DIR", ".claude"), environment.quota_dir
        cache = Source.CACHE
        return (
            FileSource("credentials", "login", home, "oauth_creds.json", cache, login=True),
            FileSource("accounts", "names of accounts", home, "google_accounts.json", cache, login=True),
            FileSource("settings", "settings", home, "settings.json", cache, login=True),
            FileSource("endpoint_sidecar", "our sidecars", ours, "gemini.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-gemini*.json", Source.SIDECAR),
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Who is logged in."""
        if not any(files.values()):
            return (LoginState("gemini", Status.UNCONFIGURED, "Gemini CLI is not installed here"),)
        from providers.gemini.login import login_state

        return (login_state(files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The quota endpoint."""
        from providers.gemini.endpoint import ENDPOINT

        return (ENDPOINT,)


PROVIDER = GeminiProvider()
