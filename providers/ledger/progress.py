"""How far a scan of the logs is.  Anybody may import this."""

from __future__ import annotations

from collections.abc import Callable

from providers.record import Record


class Progress(Record):
    """How far a scan is.  ``bytes`` and ``of_bytes`` count what has to be read, ``seconds_left`` is None
    before it can be told; ``today`` says that every log written today is in the index."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int
    seconds_left: float | None = None
    today: bool = False
    done: bool = False
    stopped: bool = False
    trouble: str = ""


Tell = Callable[[Progress], object]
