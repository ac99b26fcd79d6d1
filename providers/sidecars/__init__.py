"""Quota sidecars of tools that have no panel of their own."""
