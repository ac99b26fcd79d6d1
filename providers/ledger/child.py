"""The child process of a cold scan: niced, reads what is new, writes the index and ends.

Started by `providers.ledger.cold` alone, as ``python -m providers.ledger.child``.  What it is to do
comes as JSON on stdin, its progress goes as one JSON object a line to stdout.  It ends when its pane
does: the next word of progress then finds nobody.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from providers.base import Environment
from providers.ledger.index import Unusable
from providers.ledger.owners import account_owner
from providers.ledger.progress import Progress
from providers.ledger.reading import Stopped
from providers.ledger.rooms import named_rooms
from providers.ledger.scan import Scan, open_index

FOLDERS = ("home", "config_dir", "state_dir", "data_dir")
"""What the request says of the environment besides its variables and platform."""

_NICE = 10
_REST_SECONDS = 0.1
"""Between the last word and what is left to do then."""


def _tell(progress: Progress) -> None:
    fields = {name: getattr(progress, name) for name in progress._fields}
    try:
        os.write(1, json.dumps(fields).encode() + b"\n")
    except BrokenPipeError:
        # The pane is gone.
        raise Stopped from None
    if progress.done and progress.files:
        # The pane asks for totals now; two threads of one core slow each other down.
        time.sleep(_REST_SECONDS)


def main() -> int:
    """The child process.  0 done, 1 stopped or unusable."""
    # Nothing here makes cycles, and looking for them among a hundred thousand rows takes a tenth.
    gc.disable()
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    request = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    folders = {name: Path(request[name]) for name in FOLDERS}
    environment = Environment(variables=request["variables"], platform=request["platform"], **folders)
    rooms = named_rooms(request["tools"], [(tool, tree) for tool, tree in request["off"]])
    index = open_index(environment, rooms)
    scan = Scan(index, rooms, environment, owners=partial(account_owner, environment.state_dir), tell=_tell)
    try:
        progress = scan.run(alone=True)
    except Unusable as error:
        progress = Progress(0, 0, 0, 0, stopped=True, trouble=str(error))
    except Stopped:
        return 1
    finally:
        index.close()
    if progress.trouble or not progress.of_files:
        with contextlib.suppress(Stopped):
            _tell(progress)
    return 0 if progress.done else 1


if __name__ == "__main__":
    sys.exit(main())
