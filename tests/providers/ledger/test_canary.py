"""No prompt, completion, file content or tool output is ever kept, by any of our files."""

from __future__ import annotations

from pathlib import Path

from providers.ledger.cold import ColdScan
from providers.ledger.progress import Progress
from providers.ledger.scan import Scan, index_path
from tests.providers.ledger.homes import ROOMS, at_home, index_of, scan, small_corpus

CANARY = "canary-4f1c"


def found_in(folder: Path) -> list[str]:
    """The files below a folder that hold the canary."""
    return [
        str(file) for file in folder.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()
    ]


def test_the_canary_is_in_every_kind_of_log(tmp_path: Path) -> None:
    """Else the tests below would show nothing."""
    corpus = small_corpus(tmp_path, size=8, canary=CANARY)
    plain = [file for file in corpus.files if file.suffix == ".jsonl"]
    assert all(CANARY.encode() in file.read_bytes() for file in plain)


def test_nothing_of_it_is_kept(tmp_path: Path) -> None:
    """Not in the index, its -wal or its free pages, not beside it: after a scan, a stopped one, one
    from a child process, and while another connection keeps the -wal alive."""
    small_corpus(tmp_path, size=12, canary=CANARY)
    environment = at_home(tmp_path)
    scan(environment, stop=iter([False] * 9 + [True] * 99).__next__)
    told: list[Progress] = []
    cold = ColdScan(environment, ROOMS, told.append)
    assert cold.start()
    assert cold.wait() == 0
    open_index = index_of(environment)
    pane = Scan(open_index, ROOMS, environment)
    log = environment.home / ".claude/projects/x/new.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(
        next((environment.home / ".claude").rglob("*.jsonl")).read_bytes().replace(b"msg_", b"msg_n")
    )
    assert pane.run().bytes > 0
    assert index_path(environment).with_name("ledger.sqlite3-wal").exists()
    assert found_in(environment.state_dir) == []
    assert CANARY not in repr(told)
    assert CANARY not in repr(open_index.known())
    open_index.close()
    assert found_in(environment.state_dir) == []
