"""Cursor: whose session lies in the IDE's database or with cursor-agent, and what others say.

The modules that parse are imported when there is something to parse: whoever has no Cursor does
not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from providers.base import KIB, Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.model import Fact, LoginState, Source, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint

_ROWS = (
    "SELECT key, value FROM ItemTable WHERE key IN ('cursorAuth/accessToken', "
    "'cursorAuth/refreshToken', 'cursorAuth/cachedEmail', 'cursorAuth/stripeMembershipType')"
)
"""Four rows of a table that can hold gigabytes."""


class CursorProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor(
        "cursor",
        "Cursor",
        "U",
        "cursor-agent",
        hidden_when_empty=True,
        switch="log in with cursor-agent login, or in the settings of the IDE",
    )

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """The IDE's database, cursor-agent's login, sidecars of others and of ours."""
        config = environment.folder("XDG_CONFIG_HOME", ".config")
        support = environment.home / "Library/Application Support"
        ide = (support if environment.platform == "darwin" else config) / "Cursor/User/globalStorage"
        agent, home = config / "cursor", environment.home / ".cursor"
        claude, ours = environment.folder("CLAUDE_CONFIG_DIR", ".claude"), environment.quota_dir
        cache = Source.CACHE
        return (
            FileSource("ide", "login of the IDE", ide, "state.vscdb", cache, 64 * KIB, login=True,
                       query=_ROWS, watched=False),
            FileSource("agent", "login of cursor-agent", agent, "auth.json", cache, login=True),
            FileSource("agent_config", "who cursor-agent is", home, "cli-config.json", cache, login=True),
            FileSource("endpoint_sidecar", "our sidecars", ours, "cursor.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-cursor*.json", Source.SIDECAR),
        )  # fmt: skip

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Who is logged in."""
        if not any(files.values()) and not context.environment.variables.get("CURSOR_API_KEY"):
            return (LoginState("cursor", Status.UNCONFIGURED, "Cursor is not installed here"),)
        from providers.cursor.login import login_state

        return (login_state(files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoint."""
        from providers.cursor.endpoint import ENDPOINT

        return (ENDPOINT,)


PROVIDER = CursorProvider()
