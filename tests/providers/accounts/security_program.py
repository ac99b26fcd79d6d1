"""A stand-in for a Mac's ``/usr/bin/security``: the few commands that keychain.py gives, with
the limits that the real one is said to have.

Items lie in one JSON file beside the program.  Lines of ``-i`` are cut after 4096 bytes and
what is left is stored, as the real one does; everything else that it was given is noted.
"""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

_TEXT = """#!{python} -IS
import fcntl, json, os, shlex, sys
folder = os.path.dirname(os.path.abspath(sys.argv[0]))
held_in, noted_in = folder + "/items.json", folder + "/noted.json"
alone = open(folder + "/alone", "w")
fcntl.flock(alone, fcntl.LOCK_EX)
held = json.load(open(held_in)) if os.path.exists(held_in) else {{}}

def run(words):
    if os.path.exists(folder + "/code"):
        return int(open(folder + "/code").read())
    named = dict(zip(words[1::2], words[2::2])) if words[0] != "add-generic-password" else (
        dict(zip(words[2::2], words[3::2])))
    place = named.get("-s", "") + "\\n" + named.get("-a", "")
    if words[0] == "add-generic-password":
        assert words[1] == "-U"
        held[place] = named["-w"]
    elif place not in held:
        return 44
    elif words[0] == "find-generic-password":
        assert words[-1] == "-w"
        print(held[place])
    elif words[0] == "delete-generic-password":
        del held[place]
    else:
        return 2
    json.dump(held, open(held_in, "w"))
    return 0

with open(noted_in, "a") as noted:
    noted.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
if sys.argv[1:] == ["-i"]:
    code = 0
    for line in sys.stdin.buffer.read().split(b"\\n"):
        if line:
            code = run(shlex.split(line[:4095].decode()))
    sys.exit(code)
sys.exit(run(sys.argv[1:]))
"""


class SecurityProgram:
    """The program in a folder, and what it was given."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.path = folder / "security"
        self.path.write_text(_TEXT.format(python=sys.executable))
        self.path.chmod(stat.S_IRWXU)

    def ends_with(self, code: int | None) -> None:
        """Every command ends with this code from now on; None: as it should."""
        path = self._folder / "code"
        path.unlink(missing_ok=True) if code is None else path.write_text(str(code))

    @property
    def items(self) -> dict[str, str]:
        """What it keeps, by service and account with a line break between."""
        path = self._folder / "items.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def keep(self, items: dict[str, str]) -> None:
        """Other items in place of all that it keeps."""
        (self._folder / "items.json").write_text(json.dumps(items))

    @property
    def noted(self) -> str:
        """Every argument and variable that it was started with."""
        return (self._folder / "noted.json").read_text()
