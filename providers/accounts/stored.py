"""Which keys a person gave: keys.json, which holds names, fingerprints and times, never a key.

Read by the providers that take a key.  It says what exists: a keyring cannot be listed, and is
not touched to draw a panel.  keys.py writes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.base import Environment, FileSource, Found, Unparseable, Unreadable
from providers.engine.values import clean, load_json, number
from providers.model import Source
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Kept

FILE = "keys.json"
VERSION = 1


class StoredKey(Record):
    """That there is a key: ``id`` names its account, ``generation`` grows with each new key,
    ``fingerprint`` 16 hex digits of its SHA-256, ``added_at`` epoch seconds."""

    service: str
    id: str
    fingerprint: str
    generation: int
    added_at: float

    @property
    def kept_as(self) -> str:
        """Its name in the vault."""
        return f"v1:{self.service}:{self.id}:g{self.generation}"

    @property
    def kept(self) -> Kept:
        """Where it lies in the keyring."""
        from providers.asking import OWN_SERVICE, Kept

        return Kept(OWN_SERVICE, self.kept_as)


def keys_source(environment: Environment) -> FileSource:
    """keys.json as a login source of whoever takes a key from the vault."""
    return FileSource("keys", "keys in the keyring", environment.data_dir, FILE, Source.CACHE, login=True)


def stored(found: Found) -> Mapping[str, StoredKey]:
    """Every key that keys.json names, by service.  Raises `Unparseable`."""
    if found is None:
        return {}
    if isinstance(found, Unreadable):
        raise Unparseable(f"{FILE} {found.reason}")
    document = load_json(found.data)
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, Mapping) or document.get("version") != VERSION:
        raise Unparseable(f"{FILE} is not in a form that this version knows")
    named = ((clean(service), held) for service, held in keys.items() if isinstance(held, Mapping))
    return {service: _stored(service, held) for service, held in named}


def _stored(service: str, held: Mapping[str, object]) -> StoredKey:
    generation, added = number(held.get("generation")), number(held.get("added_at"))
    return StoredKey(
        service,
        clean(held.get("id"), 16),
        clean(held.get("fingerprint"), 16),
        int(generation or 0),
        added or 0.0,
    )


def found_key(files: Mapping[str, Found], service: str) -> StoredKey | None:
    """The key of a service among a provider's login files, None if there is none or keys.json
    cannot be read."""
    try:
        return stored(files.get("keys")).get(service)
    except Unparseable:
        return None
