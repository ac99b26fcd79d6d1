"""CC-Router: the logins of its pool, which are its own, and what its health page says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from providers.base import Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.model import Fact, LoginState, Source, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


class RouterProvider(PlainProvider):
    """See `providers.base.Provider`."""

    descriptor = Descriptor("router", "CC-Router", "P", "cc-router", hidden_when_empty=True)

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """Its accounts (ids, never tokens), the port that it listens at, sidecars of ours."""
        home, cache = environment.home / ".cc-router", Source.CACHE
        chosen = environment.folder("ACCOUNTS_PATH", ".cc-router/accounts.json")
        return (
            FileSource("accounts", "its accounts", chosen.parent, chosen.name, cache, login=True),
            FileSource("config", "its settings", home, "config.json", cache, login=True),
            FileSource(
                "endpoint_sidecar", "our sidecars", environment.quota_dir, "router.*.json", Source.ENDPOINT
            ),
        )

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Whether it has accounts."""
        if files.get("accounts") is None:
            return (LoginState("router", Status.UNCONFIGURED, "CC-Router is not installed here"),)
        from providers.router.pool import login_state

        return (login_state(files),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Its health page on this machine."""
        from providers.router.health import ENDPOINT

        return (ENDPOINT,)


PROVIDER = RouterProvider()
