"""Tokens in a running `Live`: its own threads, a real watcher, logs that grow."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import providers.ledger.ledger
from providers.base import Environment
from providers.engine.clock import SystemClock
from providers.engine.settings import Settings
from providers.engine.shown import BurnView, DeckView
from providers.ledger.tally import Question, Told
from providers.live import open_live
from tests.providers.test_live import Loop
from tui.demo import DemoWorld


def burn(view: DeckView, provider: str = "claude") -> BurnView | None:
    return next(p.burn for p in view.providers if p.id == provider)


def today(view: DeckView, provider: str = "claude") -> int:
    shown = burn(view, provider)
    return (shown.today or 0) if shown is not None else -1


def test_logs_are_counted_after_the_first_frame_and_followed(environment: Environment) -> None:
    """Nothing is counted before `count`; then both tools have bars, and a line that is appended moves
    them without a key; a question is answered on the owner's thread."""
    world = DemoWorld(environment.home, time.time())
    world.write()
    live = open_live(environment, Settings(), SystemClock())
    loop = Loop(live)
    answers: list[Told] = []
    try:
        loop.until(lambda v: bool(v.providers and v.providers[0].accounts))
        assert burn(live.view()) is None
        live.count()
        loop.until(lambda v: burn(v) is not None and burn(v, "codex") is not None)
        before = today(live.view())
        world.step(time.time())
        loop.until(lambda v: today(v) != before)
        assert sum(burn(live.view()).bars) > 0  # type: ignore[union-attr]
        assert live.tally is not None
        live.tally.ask(Question((("model",),), provider="claude"), answers.append)
        loop.until(lambda v: bool(answers))
        assert {row.names[0] for row in answers[0].tables[0]} == {"claude-opus-5-5", "claude-sonnet-5-5"}
    finally:
        live.stop()


def test_whose_tokens_they_are_is_known_at_the_first_start(environment: Environment) -> None:
    """The login of the home is taken for its owner, so that the detail has its sum."""
    world = DemoWorld(environment.home, time.time())
    world.write()
    live = open_live(environment, Settings(), SystemClock())
    loop = Loop(live)
    answers: list[Told] = []
    try:
        loop.until(lambda v: bool(v.providers[0].accounts and v.providers[0].accounts[0].live))
        loop.until(lambda v: (environment.state_dir / "timeline.json").exists())
        live.count()
        loop.until(lambda v: burn(v) is not None)
        front = live.view().providers[0].front
        assert front is not None
        assert live.tally is not None
        live.tally.ask(Question((("model",),), provider="claude", account=front.id), answers.append)
        loop.until(lambda v: bool(answers))
        assert answers[0].others == 0
        assert sum(row.tokens for row in answers[0].tables[0]) > 0
    finally:
        live.stop()


def test_the_quotas_are_read_while_a_child_counts(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With much to read figures still arrive at once, and the progress ends at nothing."""
    monkeypatch.setattr(providers.ledger.ledger, "COLD_BYTES", 1000)
    world = DemoWorld(environment.home, time.time())
    world.write()
    live = open_live(environment, Settings(), SystemClock())
    loop = Loop(live)
    try:
        live.count()
        loop.until(lambda v: bool(v.providers and v.providers[0].accounts))
        loop.until(lambda v: burn(v) is not None and today(v) > 0)
        assert live.tally is not None
        loop.until(lambda v: live.tally is not None and live.tally.progress is None)
    finally:
        live.stop()


def test_a_tool_that_is_switched_off_is_not_counted(environment: Environment) -> None:
    """Neither read nor watched."""
    world = DemoWorld(environment.home, time.time())
    world.write()
    live = open_live(environment, Settings(disabled=frozenset({"claude"})), SystemClock())
    loop = Loop(live)
    try:
        live.count()
        loop.until(lambda v: burn(v, "codex") is not None)
        assert burn(live.view()) is None
        assert live.tally is not None
        folders = live.tally.folders()
        assert Path(environment.home / ".claude/projects") not in folders
        assert Path(environment.home / ".codex/sessions") in folders
    finally:
        live.stop()
