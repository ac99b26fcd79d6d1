"""The input thread: what is typed arrives, and nothing is looked for while nobody types."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.app import App
from textual.events import Key, Paste
from textual.message import Message

from tui.driver import PatientDriver


class Recorded(PatientDriver):
    """The driver on a pipe; what would go to the app is kept."""

    def __init__(self, source: int) -> None:
        super().__init__(App[None]())
        self.fileno = source
        self.seen: list[Message] = []

    def process_message(self, message: Message) -> None:
        """Keeps it."""
        self.seen.append(message)

    def typed(self) -> list[Key]:
        """The keys so far."""
        return [event for event in self.seen if isinstance(event, Key)]


class Typist:
    """Somebody at the other end of the pipe, while the driver's thread runs."""

    def __init__(self) -> None:
        self.source, self.target = os.pipe()
        self.driver = Recorded(self.source)
        self.thread = threading.Thread(target=self.driver.run_input_thread, daemon=True)
        self.thread.start()

    def type(self, data: bytes) -> None:
        """Types."""
        os.write(self.target, data)

    def until(self, keys: list[str]) -> bool:
        """Whether exactly these keys came within two seconds."""
        end = time.monotonic() + 2
        while time.monotonic() < end and len(self.driver.typed()) < len(keys):
            time.sleep(0.005)
        return [key.key for key in self.driver.typed()] == keys

    def wake_ups(self) -> int:
        """How often the input thread has given up the processor of its own will."""
        status = Path(f"/proc/self/task/{self.thread.native_id}/status").read_text()
        return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])


@pytest.fixture
async def typist() -> AsyncIterator[Typist]:
    """A typist, on a loop as a driver wants one; the signals that it takes are given back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    typist = Typist()
    yield typist
    if typist.thread.is_alive():
        typist.driver.exit_event.set()
        typist.thread.join(2)
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_keys_arrive(typist: Typist) -> None:
    """Letters, arrows and a paste, also when a sequence comes in two pieces."""
    typist.type(b"j\x1b[A\x1b[")
    typist.type(b"B")
    assert typist.until(["j", "up", "down"])
    typist.type(b"\x1b[200~some text\x1b[201~x")
    assert typist.until(["j", "up", "down", "x"])
    assert [event.text for event in typist.driver.seen if isinstance(event, Paste)] == ["some text"]


def test_lone_escape(typist: Typist) -> None:
    """It is a key once the escape delay is over, though nothing is typed after it; again each time."""
    for count in (1, 2):
        typist.type(b"\x1b")
        assert typist.until(["escape"] * count)


def test_nothing_is_looked_for(typist: Typist) -> None:
    """Without input the thread does not wake; Textual's own does ten times a second."""
    if not Path("/proc/self/task").exists():
        pytest.skip("no /proc here")
    typist.type(b"j")
    assert typist.until(["j"])
    time.sleep(0.6)
    before = typist.wake_ups()
    time.sleep(1)
    assert typist.wake_ups() - before <= 1


def test_bytes_that_are_no_text(typist: Typist) -> None:
    """Broken UTF-8 costs a character, not the pane; a character in two pieces is one."""
    typist.type(b"\xff")
    typist.type("ä".encode()[:1])
    # So that the two pieces are read one by one.
    time.sleep(0.05)
    typist.type("ä".encode()[1:] + b"q")
    typist.until(["?", "?", "?"])
    assert [key.character for key in typist.driver.typed()] == ["\ufffd", "ä", "q"]


def test_stop_is_heard_at_once(typist: Typist) -> None:
    """A quit does not wait for the next look; and the same driver can begin again, as after Ctrl+Z."""
    typist.driver.exit_event.set()
    typist.thread.join(2)
    assert not typist.thread.is_alive()
    typist.driver.exit_event.clear()
    typist.thread = threading.Thread(target=typist.driver.run_input_thread, daemon=True)
    typist.thread.start()
    typist.type(b"k")
    assert typist.until(["k"])


def test_terminal_that_is_gone(typist: Typist) -> None:
    """The thread ends; a read that returns nothing at once, for ever, would be a whole core."""
    os.close(typist.target)
    typist.thread.join(2)
    assert not typist.thread.is_alive()
