"""OpenCode: whether a key of its Go plan lies here, and what other tools say of it.

The modules that parse are imported when there is something to parse: whoever has no OpenCode
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


class OpenCodeProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor("opencode", "OpenCode Go", "O", "opencode", hidden_when_empty=True)

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """auth.json, sidecars of others and of ours.  The project's own opencode.json is never
        read: a cloned repository could send the key elsewhere."""
        data = environment.folder("XDG_DATA_HOME", ".local/share") / "opencode"
        claude, ours = environment.folder("CLAUDE_CONFIG_DIR", ".claude"), environment.quota_dir
        return (
            FileSource("auth", "keys", data, "auth.json", Source.CACHE, login=True),
            FileSource("endpoint_sidecar", "our sidecars", ours, "opencode.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-opencode*.json", Source.SIDECAR),
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Whether there is a key."""
        from providers.opencode.login import login_state

        return (login_state(files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoint."""
        from providers.opencode.endpoint import ENDPOINT

        return (ENDPOINT,)


PROVIDER = OpenCodeProvider()
