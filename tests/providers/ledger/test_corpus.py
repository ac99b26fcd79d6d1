"""A generated home: the ledger's totals are its truth, by whatever they are asked."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.providers.ledger.homes import at_home, scan, small_corpus, summed
from tests.world.corpus import day

PLANTED = {
    "stream duplicates", "progress copies", "task results", "resume copies", "side replays", "advisor calls",
    "synthetic", "torn tails", "torn lines", "broken utf-8", "keys of ours in a tool's input",
    "re-emissions", "compactions", "null infos", "fork baselines", "replayed lines", "record twins",
    "archive copies", "counts before the model", "counter resets", "resumed by a newer CLI", "packed",
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_totals_are_the_truth_of_a_generated_home(tmp_path: Path, seed: int) -> None:
    """By provider, session, project, model, tier and day at once: equal in every row."""
    corpus = small_corpus(tmp_path, seed=seed, size=32)
    environment = at_home(tmp_path)
    assert scan(environment).done
    by = ("provider", "session", "project", "model", "tier", "day")
    truth = corpus.truth(lambda r: (r.provider, r.session, r.project, r.model, r.tier, day(r)))
    assert summed(environment, *by) == truth
    assert len(truth) > 100


def test_every_trap_is_planted(tmp_path: Path) -> None:
    """The generator holds each of the things that others count twice or lose."""
    corpus = small_corpus(tmp_path, size=60)
    assert {name for name, count in corpus.planted.items() if count} == PLANTED


@pytest.mark.parametrize(
    "zone",
    [
        ZoneInfo("America/St_Johns"),
        ZoneInfo("Asia/Kolkata"),
        ZoneInfo("Europe/Berlin"),
        timezone(timedelta(hours=12, minutes=45)),
    ],
    ids=str,
)
def test_days_are_exact_in_every_zone(tmp_path: Path, zone: timezone) -> None:
    """Also in those that are not whole hours from UTC, and over the end of summer time."""
    corpus = small_corpus(tmp_path, size=16)
    environment = at_home(tmp_path)
    scan(environment)
    assert summed(environment, "day", zone=zone) == corpus.truth(lambda r: (day(r, zone),))


def test_a_second_pass_reads_nothing(tmp_path: Path) -> None:
    """No file is opened that is as it was, by the same copy or another."""
    small_corpus(tmp_path, size=8)
    environment = at_home(tmp_path)
    assert scan(environment).bytes > 0
    again = scan(environment)
    assert (again.of_files, again.bytes) == (0, 0)
