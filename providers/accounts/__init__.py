"""Logins and keys: where they are kept."""
