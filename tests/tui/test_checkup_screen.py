"""The check-up in the pane and on the command line: the same rows, whole at every size."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from providers.accounts.holders import Token
from providers.accounts.vault import State
from providers.accounts.vaults import Offer, Rung
from providers.engine.checkup import Finding, Severity
from providers.engine.settings import Settings
from providers.examination import Examination
from tests.conftest import FakeClock
from tests.tui import worlds
from tests.tui.shown import deck
from tests.tui.test_app import SIZES, screen, shown
from tests.tui.worlds import EVIL, FakeFeed
from tui.app import QuotadeckApp
from tui.checkup_rows import NOTHING, rows
from tui.doctor import Checkup, as_json, as_text
from tui.glyphs import ASCII, UNICODE
from tui.painted import width_of
from tui.screens.checkup import CheckupScreen

LONG = "~/.claude/.credentials.json"
FOUND = Examination(
    (
        Finding(LONG, "can be read by others (mode 644)", f"chmod 600 {LONG}", Severity.SEVERE),
        Finding("a1b2c3d4 and claude", "has a login (0011aabb) that claude-swap holds too and may renew",
                "quotadeck import claude-swap"),
        Finding("~/.claude.lock", "is a lock that somebody left 2 hours ago", "rmdir ~/.claude.lock",
                Severity.NOTE),
        Finding("x", "has no command"),
    ),
    (Token("0011aabbccddeeff", ("claude",), ("a1b2c3d4",), ("claude-swap",), "claude"),),
    (Offer(Rung.KEYRING, False, True, State.LOCKED, "the keyring is locked", ("unlock it",)),
     Offer(Rung.NONE, True, False, None, "works everywhere")),
)  # fmt: skip


def app_with(examine: Callable[[], Examination] | None, glyphs: object = UNICODE) -> QuotadeckApp:
    clock = FakeClock(worlds.NOW)
    feed = FakeFeed(worlds.full_deck(), clock.now)
    return QuotadeckApp(
        feed,
        Settings(),
        clock,
        zone=time.gmtime,
        glyphs=glyphs,
        examine=examine,  # type: ignore[arg-type]
    )


async def opened(pilot: Pilot[int]) -> CheckupScreen:
    """From the palette, as it has no key; waits until it was looked."""
    await shown(pilot)
    await pilot.press(":", *"check", "enter")
    for _ in range(200):
        top = pilot.app.screen
        if isinstance(top, CheckupScreen) and "looking" not in "\n".join(await shown(pilot)):
            return top
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_every_row(size: tuple[int, int]) -> None:
    """Heading with the count, the way back, no line wider than the pane."""
    app = app_with(lambda: FOUND)
    async with app.run_test(size=size) as pilot:
        top = await opened(pilot)
        lines = await shown(pilot)
        assert "4 problems" in lines[0]
        assert "esc back" in lines[-1]
        body = list(top.body(size[0]))
        assert all(width_of(line) <= size[0] for line in body)
        text = re.sub(r"\s+", " ", " ".join("".join(p.text for p in line).strip() for line in body))
        for row in rows(FOUND):
            assert re.sub(r"\s+", " ", row.text) in text.replace("\\ ", ""), row
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, CheckupScreen)


async def test_the_cursor_goes_from_fix_to_fix() -> None:
    """``y`` copies the command under it, as it is typed."""
    app = app_with(lambda: FOUND)
    async with app.run_test(size=(80, 24)) as pilot:
        top = await opened(pilot)
        copied = []
        for _ in range(5):
            copied.append(top.copy_text())
            await pilot.press("j")
        assert copied == [
            f"chmod 600 {LONG}", "quotadeck import claude-swap", "rmdir ~/.claude.lock",
            "unlock it", "unlock it",
        ]  # fmt: skip
        await pilot.press("g", "y")
        await pilot.pause()
        assert [n.message for n in app._notifications] == ["copied"]


async def test_r_looks_again_and_the_pane_does_not_wait() -> None:
    """While a keyring does not answer, the pane does what keys say; what was found stays shown."""
    free, looks = threading.Event(), []

    def examine() -> Examination:
        looks.append(threading.current_thread() is threading.main_thread())
        if len(looks) == 2:
            free.wait(10)
            return Examination()
        return FOUND

    app = app_with(examine)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("r")
        await pilot.press("j")
        assert "4 problems" in screen(app)[0]
        free.set()
        for _ in range(200):
            if "no problem" in (await shown(pilot))[0]:
                break
            await asyncio.sleep(0.01)
        assert NOTHING in "\n".join(screen(app))
    assert looks == [False, False]


async def test_left_before_it_was_looked() -> None:
    """What comes too late is dropped."""
    free = threading.Event()

    def examine() -> Examination:
        free.wait(10)
        return FOUND

    app = app_with(examine)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        app.action_checkup()
        assert "looking" in (await shown(pilot))[0]
        await pilot.press("escape")
        free.set()
        await asyncio.sleep(0.05)
        assert "Check-up" not in (await shown(pilot))[0]


async def test_a_bug_is_one_sentence_without_its_text() -> None:
    """It may quote a file."""

    def examine() -> Examination:
        raise ValueError("sk-ant-CANARY")

    for broken, said in ((examine, "failed by a bug (ValueError)"), (None, "nothing to look at")):
        app = app_with(broken)
        async with app.run_test(size=(120, 40)) as pilot:
            await opened(pilot)
            text = "\n".join(await shown(pilot))
            assert said in text
            assert "CANARY" not in text


async def test_hostile_names_and_hidden_ones() -> None:
    """Control characters and markup are plain text; addresses and aliases are hidden with ``i``."""
    evil = Finding(EVIL, f"{EVIL} of work@example.com", "rm 'x'")
    app = app_with(lambda: Examination((evil,)))
    async with app.run_test(size=(200, 50)) as pilot:
        await opened(pilot)
        before = "\n".join(await shown(pilot))
        assert "\x1b" not in before
        assert "[/bold]" in before
        assert "work@example.com" in before
        await pilot.press("i")
        assert "example.com" not in "\n".join(await shown(pilot))


@pytest.mark.parametrize("size", [(40, 10), (80, 24)])
async def test_in_ascii_everything_is_ascii(size: tuple[int, int]) -> None:
    """The marks before the sentences too."""
    app = app_with(lambda: FOUND, ASCII)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        assert "\n".join(await shown(pilot)).isascii()


def test_doctor_says_the_same() -> None:
    """Every row, in the same order; JSON keeps its keys and has more."""
    checkup = Checkup(deck(), FOUND, (("python", "3"),), ("a note",))
    text = as_text(checkup)
    places = [text.index(row.text) for row in rows(FOUND, ("a note",))]
    assert places == sorted(places)
    document = json.loads(as_json(checkup))
    assert set(document) == {
        "schema_version", "generated_at", "providers", "problems", "logins", "vaults", "notes", "surroundings"
    }  # fmt: skip
    assert document["problems"][0] == {
        "path": LONG, "sentence": "can be read by others (mode 644)", "fix": f"chmod 600 {LONG}",
        "severity": "severe",
    }  # fmt: skip
    assert document["logins"] == [
        {"fingerprint": "0011aabb", "live": ["claude"], "kept": ["a1b2c3d4"], "tools": ["claude-swap"],
         "owner": "claude"},
    ]  # fmt: skip
    assert document["vaults"][0] == {
        "id": "keyring", "chosen": True, "usable": False, "state": "locked",
        "sentence": "the keyring is locked",
    }  # fmt: skip
    assert NOTHING in as_text(Checkup(deck(), Examination(), ()))
