"""A keyed service as a provider: a row of the table, and a key that may be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from providers.accounts.stored import keys_source
from providers.base import Descriptor, Environment, FileSource, Found, ReadContext
from providers.engine.plain import PlainProvider
from providers.keyed.services import SERVICES, Service
from providers.model import Fact, LoginState, Source, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


class KeyedProvider(PlainProvider):
    """See `providers.base.Provider`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.descriptor = Descriptor(
            service.id, service.name, service.mark, "", service.interval, hidden_when_empty=True,
            keys=(service.id,),
        )  # fmt: skip

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """Whether there is a key in the keyring, and our own sidecars."""
        name = f"{self._service.id}.*.json"
        ours = FileSource("endpoint_sidecar", "our sidecars", environment.quota_dir, name, Source.ENDPOINT)
        return keys_source(environment), ours

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """Whether there is a key."""
        service, variables = self._service, context.environment.variables
        if files.get("keys") is None and not any(variables.get(name) for name in service.variables):
            fix = f"quotadeck key set {service.id}"
            return (LoginState(service.id, Status.UNCONFIGURED, service.absent, fix),)
        from providers.keyed.login import login_state

        return (login_state(self._service, files, context),)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoint."""
        from providers.keyed.endpoint import KeyedUsage

        return (KeyedUsage(self._service),)


PROVIDERS = {service.id: KeyedProvider(service) for service in SERVICES}
