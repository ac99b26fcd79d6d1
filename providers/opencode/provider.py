"""OpenCode: whether a key of its Go plan lies here, and what other tools say of it.

The modules that parse are imported when there is something to parse: whoever has no OpenCode
does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from providers.accounts.stored import keys_source
from providers.base import Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.model import Fact, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


_KEY = """
SELECT 'opencode-go', json_object('key', json_extract(value, '$.key'), 'at', time_updated) FROM credential
WHERE integration_id = 'opencode-go' AND (active IS NULL OR active = 1) AND json_valid(value)
ORDER BY time_updated DESC LIMIT 1
"""
"""The one row of 2.x that holds the key of Go; no other row of that database is looked at."""


class OpenCodeProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor(
        "opencode", "OpenCode Go", "O", "opencode", hidden_when_empty=True, keys=("opencode-zen",)
    )

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """auth.json, sidecars of others and of ours.  The project's own opencode.json is never
        read: a cloned repository could send the key elsewhere."""
        data = environment.folder("XDG_DATA_HOME", ".local/share") / "opencode"
        claude, ours = environment.folder("CLAUDE_CONFIG_DIR", ".claude"), environment.quota_dir
        return (
            FileSource("auth", "keys", data, "auth.json", Source.CACHE, login=True),
            FileSource(
                "store",
                "key of OpenCode 2",
                *database_place(environment, data),
                Source.CACHE,
                login=True,
                query=_KEY,
                watched=False,
            ),
            keys_source(environment),
            FileSource("endpoint_sidecar", "our sidecars", ours, "opencode.*.json", Source.ENDPOINT),
            FileSource("tokenmaxxer", "tokenmaxxer", claude, ".tokenmaxxer-opencode*.json", Source.SIDECAR),
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Whether there is a key."""
        from providers.opencode.login import login_state

        return (login_state(files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoint of Go, and the console for the balance of Zen."""
        from providers.opencode.endpoint import ENDPOINT
        from providers.opencode.zen import ENDPOINT as ZEN

        return ENDPOINT, ZEN


def database_place(environment: Environment, data: Path) -> tuple[Path, str]:
    """The folder and the name of the database; ``OPENCODE_DB`` may say another."""
    chosen = environment.variables.get("OPENCODE_DB", "")
    path = data / (chosen if chosen and chosen != ":memory:" else "opencode.db")
    return path.parent, path.name


PROVIDER = OpenCodeProvider()
