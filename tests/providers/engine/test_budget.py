"""The record of requests: shared, durable, and no reason to ask when in doubt."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from providers.base import Environment
from providers.engine import budget
from providers.engine.schedule import Slot
from providers.record import replace

NOW = 1_795_330_000.0
FULL = Slot(
    asked=(NOW - 9, NOW), blocked_until=NOW + 5, block_token="ab", limits=1, troubles=2, refused="cd",
    status="error", message="m", failed_at=NOW - 1, answered_at=NOW - 2, limit=20, next_at=NOW + 3,
    memory={"proved": "ef"},
)  # fmt: skip


def test_a_slot_comes_back_as_it_was_written(environment: Environment) -> None:
    """Every field survives the file, which is private, in a private folder."""
    folder = environment.state_dir
    assert budget.change(folder, "toy/1", NOW, lambda _: FULL) == FULL
    assert budget.load(folder, NOW).of("toy/1") == FULL
    assert budget.load(folder, NOW).of("toy/2") == Slot()
    assert stat.S_IMODE((folder / "schedule.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "schedule.lock").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_step_that_wants_nothing_writes_nothing(environment: Environment) -> None:
    """A refusal costs no write."""
    budget.change(environment.state_dir, "toy/1", NOW, lambda _: None)
    assert not (environment.state_dir / "schedule.json").exists()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version": 2, "accounts": {}}', b"\xff\xfe", b"null"])
def test_a_record_that_cannot_be_read_counts_as_an_hour_spent(environment: Environment, data: bytes) -> None:
    """For an hour from its writing nothing is asked, then it is begun anew."""
    path = environment.state_dir / "schedule.json"
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(data)
    path.chmod(0o600)
    os.utime(path, (NOW - 600, NOW - 600))
    assert budget.load(environment.state_dir, NOW).of("toy/1").blocked_until == NOW + 3000
    assert budget.load(environment.state_dir, NOW + 3001).of("toy/1") == Slot()
    budget.change(environment.state_dir, "toy/1", NOW + 3001, lambda _: FULL)
    assert budget.load(environment.state_dir, NOW).of("toy/1").asked


def test_without_a_place_to_write_nothing_may_be_sent(environment: Environment, tmp_path: Path) -> None:
    """A state folder that is a file: one sentence, no traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(budget.NotRecorded, match="nothing is asked"):
        budget.change(tmp_path / "file", "toy/1", NOW, lambda slot: slot)


def test_a_full_disk_is_a_reason_not_to_ask(environment: Environment, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """If the request cannot be written down, the caller hears of it before sending."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(budget.NotRecorded, match="no space left"):
        budget.change(environment.state_dir, "toy/1", NOW, lambda slot: replace(slot, asked=(NOW,)))


def _claims(folder: Path, count: int) -> None:
    done = 0
    while done < count:
        # Where the lock cannot be had in time nothing is claimed, and the caller hears of it.
        with contextlib.suppress(budget.NotRecorded):
            budget.change(folder, "toy/1", NOW, lambda s: replace(s, troubles=s.troubles + 1))
            done += 1


def test_five_processes_lose_no_claim(environment: Environment) -> None:
    """Under the lock every change sees the one before it."""
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=_claims, args=(environment.state_dir, 20)) for _ in range(5)]
    for process in running:
        process.start()
    for process in running:
        process.join(30)
    assert budget.load(environment.state_dir, NOW).of("toy/1").troubles == 100
