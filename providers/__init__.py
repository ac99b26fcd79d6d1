"""The registry: providers in panel order.  Reading it imports none of them.

Adding a provider is one line here and a folder of that name whose package has a
``PROVIDER`` (see `providers.base.Provider`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.base import Provider

PROVIDERS: tuple[str, ...] = ("claude", "codex", "sidecars")


def load(provider_id: str) -> Provider:
    """The provider of that id; raises KeyError for an id that is not in the registry."""
    if provider_id not in PROVIDERS:
        raise KeyError(provider_id)
    module = importlib.import_module(f"providers.{provider_id}")
    provider: Provider = module.PROVIDER
    return provider
