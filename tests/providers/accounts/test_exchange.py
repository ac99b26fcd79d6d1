"""Putting files in place: where two names cannot be swapped, and where the second does not go."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from providers.accounts import exchange
from providers.accounts.login import CannotSwitch, StoreFile
from providers.base import Environment
from tests.providers.accounts.test_killed import Scene, every_change
from tests.providers.accounts.test_storage_faults import files_of, settled
from tests.providers.accounts.test_switch import BOTH
from tests.world.aftermath import all_there, restart, whole

OPERATION = "0a1b2c3d"


@pytest.fixture
def no_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a Mac, or a file system that cannot."""
    monkeypatch.setattr(exchange, "swapped", lambda place, path: False)


@pytest.mark.parametrize("swaps", [True, False])
def test_what_was_replaced_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: bool) -> None:
    """Both ways: the new bytes are in place, the very file that stood there has the staged name, a
    writer that has it open writes there, and no third name is left."""
    if not swaps:
        monkeypatch.setattr(exchange, "swapped", lambda place, path: False)
    path = tmp_path / "f"
    path.write_text("old")
    with open(path, "r+") as late:
        exchange.stage(StoreFile(path), b"new", OPERATION)
        exchange.exchange(path, OPERATION)
        late.write("LATE")
    assert path.read_text() == "new"
    assert exchange.staged_name(path, OPERATION).read_text() == "LATE"
    assert exchange.operations_at(path) == (OPERATION,)


def test_a_file_that_came_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none was, one that somebody made in the same moment is not replaced."""
    path = tmp_path / "f"
    exchange.stage(StoreFile(path), b"new", OPERATION)
    real = os.path.lexists

    def lexists(asked: Path) -> bool:
        found = real(asked)
        path.write_text("theirs")
        return found

    monkeypatch.setattr(os.path, "lexists", lexists)
    with pytest.raises(FileExistsError):
        exchange.exchange(path, OPERATION)
    assert path.read_text() == "theirs"


@BOTH
def test_switching_without_the_swap(environment: Environment, no_swap: None, provider: str) -> None:
    """There, and everything works."""
    house, *ids = settled(environment.home, provider)
    switcher = house.switcher()
    switcher.carry_out(switcher.plan(house.store, ids[0]))
    restart(house)
    whole(house)
    all_there(house, ids)


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        ("codex-old", "switch"),
        pytest.param("claude", "switch", marks=pytest.mark.endurance),
        pytest.param("claude", "back", marks=pytest.mark.endurance),
        pytest.param("codex-old", "back", marks=pytest.mark.endurance),
    ],
)
def test_killed_without_the_swap(quick_folder: Path, no_swap: None, kind: str, work: str) -> None:
    """Before every change of the file system, between the three steps that stand in for one too."""
    folder = quick_folder / f"no-swap-{kind}-{work}"
    folder.mkdir()
    every_change(Scene(folder, kind, work))


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("late", [False, True])
def test_the_second_does_not_go(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, nth: int, late: bool
) -> None:
    """The tokens are in place and the config is not let be: the tokens are taken back, unless
    somebody wrote over them meanwhile; then nothing of theirs is touched."""
    house, *ids = settled(environment.home)
    before = files_of(house)
    real, seen = exchange.exchange, 0

    def failing(path: Path, operation: str) -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            if late and nth == 2:
                house.log_in("c")
            raise OSError(errno.EIO, "Input/output error")
        real(path, operation)

    plan = house.switcher().plan(house.store, ids[0])
    monkeypatch.setattr(exchange, "exchange", failing)
    with pytest.raises(CannotSwitch, match=r"^nothing was changed.*input/output error"):
        house.switcher().carry_out(plan)
    monkeypatch.undo()
    if late and nth == 2:
        assert house.live_refresh == house.issuer.newest("c")
        assert house.issuer.newest("b") in house.all_secrets()
        return
    assert files_of(house) == before
    assert list(house.home.rglob("*.qd-*")) == []
    restart(house)
    all_there(house, ids)
