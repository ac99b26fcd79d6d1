"""GitHub Copilot: whose login lies here, and what other tools say of it.

The modules that parse are imported when there is something to parse: whoever has no Copilot
does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from providers.base import Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.model import Fact, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


class CopilotProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor(
        "copilot",
        "GitHub Copilot",
        "G",
        "copilot",
        hidden_when_empty=True,
        switch="run /user switch in copilot, or gh auth switch",
    )

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """The CLI's config, the editors' plugins, gh, sidecars of others and of ours."""
        cli = environment.folder("COPILOT_HOME", ".copilot")
        config = environment.folder("XDG_CONFIG_HOME", ".config")
        gh = environment.folder("GH_CONFIG_DIR", str(config / "gh"))
        plugins = config / "github-copilot"
        claude, ours = environment.folder("CLAUDE_CONFIG_DIR", ".claude"), environment.quota_dir
        return (
            FileSource("cli", "login of the CLI", cli, "config.json", Source.CACHE, login=True),
            FileSource("apps", "login of editors", plugins, "apps.json", Source.CACHE, login=True),
            FileSource("hosts", "older login of editors", plugins, "hosts.json", Source.CACHE, login=True),
            FileSource("gh", "login of gh", gh, "hosts.yml", Source.CACHE, login=True),
            FileSource("endpoint_sidecar", "our sidecars", ours, "copilot.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-copilot*.json", Source.SIDECAR),
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """The state of the login that Copilot would use."""
        from providers.copilot.login import login_state

        return (login_state(files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The quota endpoint."""
        from providers.copilot.endpoint import ENDPOINT

        return (ENDPOINT,)


PROVIDER = CopilotProvider()
