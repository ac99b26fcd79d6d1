"""Rules of counting in Codex's rollouts, one by one."""

from __future__ import annotations

import json
from itertools import count as counter
from pathlib import Path
from typing import Any

import pytest

from providers.base import Environment
from providers.codex.logs import LOGS, CodexLogReader
from providers.ledger.merging import counted, joined
from providers.ledger.model import LogFile, Row, Usage

NAMES = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens",
         "reasoning_output_tokens")  # fmt: skip
BORN = 1_800_000_000


def event(kind: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"timestamp": "2027-01-15T08:00:05.000Z", **more, "type": kind, "payload": payload}


def meta(ident: str = "leaf", **more: Any) -> dict[str, Any]:
    return event("session_meta", {"id": ident, "timestamp": "2027-01-15T08:00:00.000Z", "cwd": "/w", **more})


def model(name: str = "gpt-5.5") -> dict[str, Any]:
    return event("turn_context", {"turn_id": "t", "cwd": "/w", "model": name})


def usage(*vector: int) -> dict[str, int]:
    return {**dict(zip(NAMES, vector, strict=True)), "total_tokens": vector[0] + vector[3]}


def tokens(total: tuple[int, ...], last: tuple[int, ...], **more: Any) -> dict[str, Any]:
    info = {"total_token_usage": usage(*total), "last_token_usage": usage(*last)}
    return event("event_msg", {"type": "token_count", "info": info, "rate_limits": None}, **more)


def record(response: str, *vector: int, thread: str = "leaf", **more: Any) -> dict[str, Any]:
    ids = {"thread_id": thread, "turn_id": "t", "session_id": thread, "root_turn_id": "t"}
    payload = {**ids, "response_id": response, "usage": usage(*vector)}
    return event("token_usage_record", payload, **more)


def started(at: float | None) -> dict[str, Any]:
    return event("event_msg", {"type": "task_started", "turn_id": "t"} | ({"started_at": at} if at else {}))


def booked(*files: list[dict[str, Any]], pieces: int = 10**9) -> tuple[list[Usage], bool]:
    """What counts of these files together, and whether any is approximate; the reader is made anew
    from its state after every ``pieces`` lines."""
    groups: dict[str, Any] = {}
    approximate = False

    def book(row: Row) -> None:
        groups[row[0]] = joined(groups[row[0]], row) if row[0] in groups else row

    for number, lines in enumerate(files):
        file = LogFile(LOGS.trees(HOME)[0], Path(f"/h/rollout-{number}.jsonl"))
        state = None
        for start in range(0, len(lines), pieces):
            reader = CodexLogReader(file, json.loads(json.dumps(state)))
            block = b"".join(
                json.dumps(line, separators=(",", ":")).encode() + b"\n"
                for line in lines[start : start + pieces]
            )
            assert reader.feed(block, book) == 0
            state = reader.state()
            approximate = approximate or reader.approximate
    return [Usage(*row) for group in groups.values() for row in counted(group)], approximate


HOME = Environment(Path("/h"), {}, Path("/c"), Path("/s"), Path("/d"))
ONE, TWO = (1000, 200, 0, 50, 10), (3000, 1200, 100, 120, 30)
GREW = (2000, 1000, 100, 70, 20)


def sizes(*files: list[dict[str, Any]], pieces: int = 10**9) -> list[tuple[int, int]]:
    """Prompt and output of each response that counts."""
    found, _ = booked(*files, pieces=pieces)
    return sorted((u.input + u.cache_read + u.cache_write, u.output) for u in found)


PARENT = [meta("parent"), started(BORN - 500), model(), tokens(ONE, ONE), tokens(TWO, GREW)]
SPAWN = {"parent_thread_id": "parent", "source": {"subagent": {"thread_spawn": {}}}}
OWN = (4000, 1300, 100, 200, 30)
CASES: dict[str, tuple[list[list[dict[str, Any]]], list[tuple[int, int]]]] = {
    "growth": ([PARENT], [(1000, 50), (2000, 70)]),
    "sent again": ([[*PARENT, tokens(TWO, GREW), tokens(TWO, GREW)]], [(1000, 50), (2000, 70)]),
    "two equal turns": ([[meta(), model(), tokens(ONE, ONE), tokens((2000, 400, 0, 100, 20), ONE)]],
                        [(1000, 50), (1000, 50)]),
    "compaction": ([[*PARENT, tokens(TWO, (0, 0, 0, 0, 0))]], [(1000, 50), (2000, 70)]),
    "continued page": ([[meta(), model(), tokens(TWO, GREW)]], [(2000, 70)]),
    "records": ([[meta(), model(), record("r1", *ONE), tokens(ONE, ONE), record("r1", *ONE)]], [(1000, 50)]),
    "records of others": ([[meta(), model(), record("r1", *ONE), record("r2", *ONE, thread="p")]],
                          [(1000, 50)]),
    "counts, then records": ([[*PARENT, record("r3", *ONE, thread="parent"), tokens(OWN, ONE)]],
                             [(1000, 50), (1000, 50), (2000, 70)]),
    "archived copy": ([PARENT, PARENT], [(1000, 50), (2000, 70)]),
    "fork": ([PARENT, [meta(history_base={"thread_id": "parent"}), started(BORN), model(),
                       tokens(TWO, GREW), tokens(OWN, ONE)]], [(1000, 50), (1000, 80), (2000, 70)]),
    "replay": ([PARENT, [meta(**SPAWN), *PARENT, started(BORN + 1), model(), tokens(OWN, ONE)]],
               [(1000, 50), (1000, 80), (2000, 70)]),
    "replay by ordinals": ([[meta(**SPAWN, subagent_history_start_ordinal=5), tokens(ONE, ONE, ordinal=3),
                             tokens(TWO, GREW, ordinal=4), model(), tokens(OWN, ONE, ordinal=6)]],
                           [(1000, 80)]),
    "replay without times": ([PARENT, [meta(**SPAWN), meta("parent"), started(None), model(),
                                       tokens(ONE, ONE), tokens(TWO, GREW), tokens(OWN, ONE)]],
                             [(1000, 50), (1000, 80), (2000, 70)]),
    "child of its own": ([PARENT, [meta(**SPAWN), model(), tokens((7, 0, 0, 3, 0), (7, 0, 0, 3, 0))]],
                         [(7, 3), (1000, 50), (2000, 70)]),
    "fallen total": ([[*PARENT, tokens(ONE, ONE), tokens((3100, 1200, 100, 500, 30), (9, 0, 0, 9, 0))]],
                     [(9, 9), (1000, 50), (2000, 70)]),
    "no totals": ([[meta(), model(), event("event_msg", {"type": "token_count", "info": {
        "total_token_usage": None, "last_token_usage": usage(*ONE)}})]], [(1000, 50)]),
    "limits only": ([[meta(), event("event_msg", {"type": "token_count", "info": None})]], []),
}  # fmt: skip


@pytest.mark.parametrize("pieces", [10**9, 1, 3])
@pytest.mark.parametrize("name", CASES)
def test_what_counts(name: str, pieces: int) -> None:
    """In one read, and with the state stored after each line or every third."""
    files, expected = CASES[name]
    assert sizes(*files, pieces=pieces) == expected
    assert sizes(*reversed(files), pieces=pieces) == expected


def test_counts_are_split() -> None:
    """Cached and written input are taken out of the input; reasoning stays in the output."""
    (only,), approximate = booked([meta(), model(), record("r1", 3000, 1200, 100, 120, 30)])
    assert only[5:12] == (1700, 120, 1200, 100, 0, 30, 1)
    assert (only.model, only.project, only.session, approximate) == ("gpt-5.5", "/w", "leaf", False)


@pytest.mark.parametrize("pieces", [10**9, 1])
def test_the_model_may_be_named_later(pieces: int) -> None:
    """By the next turn_context of the file; without one it is unknown."""
    late = [meta(), record("r1", *ONE), model("late"), record("r2", *ONE), model("other"), record("r3", *ONE)]
    found, _ = booked(late, pieces=pieces)
    assert [u.model for u in found] == ["late", "late", "other"]
    assert [u.model for u in booked([meta(), record("r1", *ONE)])[0]] == [""]


def test_tiers() -> None:
    """From where the settings were applied on."""

    def applied(tier: str | None) -> dict[str, Any]:
        return event(
            "event_msg", {"type": "thread_settings_applied", "thread_settings": {"service_tier": tier}}
        )

    ids = counter()
    lines = [meta(), model()]
    for tier in ("fast", "priority", "auto", None):
        lines += [applied(tier), record(f"r{next(ids)}", *ONE)]
    assert [u.tier for u in booked(lines)[0]] == ["fast", "priority", "", ""]


def test_uncertain_files_say_so() -> None:
    """A fallen total, and a copied history whose end cannot be told."""
    for name, expected in (("growth", False), ("fallen total", True), ("replay without times", True),
                           ("replay", False), ("child of its own", False)):  # fmt: skip
        assert booked(*CASES[name][0])[1] is expected, name


def test_a_state_stays_small() -> None:
    """Third-party rollouts never name a model: what waits for one is bounded."""
    lines = [meta(), *(record(f"r{i}", *ONE) for i in range(500))]
    file = LogFile(LOGS.trees(HOME)[0], Path("/h/rollout-x.jsonl"))
    reader = CodexLogReader(file, None)
    reader.feed(b"".join(json.dumps(line).encode() + b"\n" for line in lines), lambda usage: None)
    assert len(json.dumps(reader.state())) < 16_000
