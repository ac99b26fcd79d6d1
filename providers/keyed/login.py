"""Which key a service is asked with: the one in the keyring, else that of the environment.

Bytes in, no key out but through `held`; the keyring itself is not touched here.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.accounts.stored import StoredKey, found_key
from providers.base import Found, ReadContext, Unreadable
from providers.engine.tokens import mark, usable
from providers.keyed.services import Service
from providers.model import Identity, LoginState, Status
from providers.record import Record


class Held(Record):
    """A key of the environment; ``place`` is the variable's name."""

    place: str
    key: str

    _hidden = ("key",)

    @property
    def account(self) -> str:
        """The identity: nothing but the key says whose it is."""
        return f"key-{mark(self.key)}"


def account_of(key: StoredKey) -> str:
    """The identity of a key in the keyring."""
    return f"key-{key.id}"


def held(service: Service, files: Mapping[str, Found], context: ReadContext) -> StoredKey | Held | None:
    """The key that counts."""
    stored = found_key(files, service.id)
    return stored if stored is not None else _of_environment(service, context)


def _of_environment(service: Service, context: ReadContext) -> Held | None:
    variables = context.environment.variables
    return next((Held(v, key) for v in service.variables if (key := usable(variables.get(v)))), None)


def login_state(service: Service, files: Mapping[str, Found], context: ReadContext) -> LoginState:
    """Whether there is a key."""
    found, index = held(service, files, context), files.get("keys")
    if isinstance(found, StoredKey):
        outer = _of_environment(service, context)
        said = f"{outer.place} in the environment is not used: the key in the keyring counts" if outer else ""
        return LoginState(
            service.id, Status.OK, identity=Identity(account_of(found)), warnings=(said,) if said else (),
            observed_at=found.added_at,
        )  # fmt: skip
    if found is not None:
        return LoginState(service.id, Status.OK, identity=Identity(found.account))
    if isinstance(index, Unreadable):
        return LoginState(service.id, Status.UNCONFIGURED, f"keys.json {index.reason}")
    return LoginState(service.id, Status.UNCONFIGURED, service.absent, f"quotadeck key set {service.id}")
