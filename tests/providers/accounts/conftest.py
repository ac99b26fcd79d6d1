"""A place for what syncs thousands of times."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def quick_folder() -> Iterator[Path]:
    """In memory where there is such a place: thousands of syncs are made here."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="quotadeck-", dir=place) as folder:
        yield Path(folder)
