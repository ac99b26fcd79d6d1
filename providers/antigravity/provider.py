"""Antigravity: what its command, its login and other tools say.

The modules that parse are imported when there is something to parse: whoever has no Antigravity
does not pay for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from providers.base import Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.model import Fact, Identity, LoginState, Source, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


ACCOUNT = "antigravity"
"""Nothing says whose account it is, so there is one."""


def command_of(environment: Environment) -> str:
    """Where agy is, empty if it is not installed."""
    # As shutil.which, which costs 2 ms to import.
    for folder in environment.variables.get("PATH", "").split(os.pathsep):
        path = f"{folder}/agy"
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


class AntigravityProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor("antigravity", "Antigravity", "A", "agy", 600, hidden_when_empty=True)

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """The token of a login without a keyring, sidecars of others and of ours."""
        home = environment.folder("GEMINI_CLI_HOME", ".") / ".gemini/antigravity-cli"
        claude, ours = environment.folder("CLAUDE_CONFIG_DIR", ".claude"), environment.quota_dir
        sidecar = Source.SIDECAR
        return (
            FileSource("token", "login", home, "antigravity-oauth-token", Source.CACHE, login=True),
            FileSource("endpoint_sidecar", "our sidecars", ours, "antigravity.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-antigravity*.json", sidecar),
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Whether Antigravity is here."""
        if files.get("token") is None:
            if command_of(context.environment):
                return (LoginState("antigravity", Status.OK, identity=Identity(ACCOUNT)),)
            return (LoginState("antigravity", Status.UNCONFIGURED, "Antigravity is not installed here"),)
        from providers.antigravity.login import login_state

        return (login_state(files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its command, which a key runs, and its endpoint, which a person has to switch on."""
        from providers.antigravity.endpoint import COMMAND, ENDPOINT

        return COMMAND, ENDPOINT


PROVIDER = AntigravityProvider()
