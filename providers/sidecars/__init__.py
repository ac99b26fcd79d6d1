"""Sidecars of tools that have no panel of their own yet."""

from __future__ import annotations

from providers.sidecars.quota import Sidecars

PROVIDER = Sidecars()
