"""The pane's data side with its network thread: consent, keys, pause, other copies, one-shots."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import providers
from providers.accounts.keys import Keys
from providers.accounts.secret import Secret
from providers.asking import Limits
from providers.base import Environment
from providers.engine import inquiry
from providers.engine.settings import Settings
from providers.live import Live, open_live
from providers.model import Status
from tests.asked import AskedToy, Server, ToyEndpoint, answer, log_in, used
from tests.conftest import FakeClock


class Pane:
    """A live with an event loop of its own: a queue that the test empties."""

    def __init__(self, environment: Environment, clock: FakeClock, polling: str = "key") -> None:
        self.server = Server(clock)
        self._jobs: queue.SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = queue.SimpleQueue()
        self.live: Live = open_live(
            environment, Settings(polling=polling), clock,
            chosen=[AskedToy(ToyEndpoint(Limits(per_hour=20)))], network=self.server.transport,
        )  # fmt: skip

    def begin(self) -> None:
        self.live.start(lambda fn, *args: self._jobs.put((fn, args)), lambda ids: None)
        self.live.keep()
        self.live.connect()

    def until(self, wanted: Callable[[], bool]) -> None:
        """Runs what the threads posted until it is so."""
        until = time.monotonic() + 10
        while not wanted():
            assert time.monotonic() < until
            try:
                fn, args = self._jobs.get(timeout=0.02)
            except queue.Empty:
                continue
            fn(*args)

    @property
    def front(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return self.live.view().providers[0].front


@pytest.fixture
def opened(
    environment: Environment, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Pane]]:
    monkeypatch.setattr(inquiry, "APART", 0.0)
    log_in(environment)
    panes: list[Pane] = []

    def build(polling: str = "key") -> Pane:
        pane = Pane(environment, clock, polling)
        panes.append(pane)
        pane.begin()
        return pane

    yield build
    for pane in panes:
        pane.live.stop()


def test_a_key_asks_and_the_answer_arrives(opened: Callable[..., Pane]) -> None:
    """Figures of the endpoint with their budget, and nothing before the key."""
    pane = opened()
    pane.until(lambda: pane.front is not None and pane.front.budget is not None)
    assert pane.server.requests == []
    pane.live.ask("toy")
    pane.until(lambda: bool(pane.front.windows))
    assert (pane.front.windows[0].used_percent, pane.front.windows[0].source) == (12, "endpoint")
    pane.until(lambda: pane.front.budget.used == 1)
    assert pane.front.by_hand_at > 0


@pytest.mark.parametrize("polling", ["ask", "key"])
def test_without_consent_nothing_is_sent(opened: Callable[..., Pane], polling: str) -> None:
    """Not even when a pane was left open."""
    pane = opened(polling)
    pane.until(lambda: pane.front is not None and pane.front.budget is not None)
    assert pane.front.next_refresh_at is None
    assert pane.server.requests == []


def test_consent_begins_and_pause_ends_it(opened: Callable[..., Pane], clock: FakeClock) -> None:
    """Allowed: asked at once. Paused: no more, whatever is due or pressed."""
    pane = opened("ask")
    pane.until(lambda: pane.front is not None and pane.front.budget is not None)
    pane.live.allow(True)
    pane.until(lambda: len(pane.server.requests) == 1 and bool(pane.front.windows))
    pane.live.pause(True)
    clock.advance(5000)
    pane.live.ask(None)
    pane.live.pause(False)
    pane.until(lambda: pane.front.next_refresh_at is not None)
    assert len(pane.server.requests) == 1


def test_another_copy_reads_the_answer_instead_of_asking(opened: Callable[..., Pane]) -> None:
    """The sidecar that one copy publishes is what the other shows."""
    first, second = opened(), opened()
    second.until(lambda: second.front is not None and second.front.budget is not None)
    first.live.ask(None)
    second.until(lambda: bool(second.front.windows))
    assert second.server.requests == []
    assert second.front.windows[0].used_percent == 12


def test_old_figures_stay_through_trouble(opened: Callable[..., Pane], clock: FakeClock) -> None:
    """A 500 after a good answer: the figure stands with its age, and a sentence beside it."""
    pane = opened()
    pane.live.ask(None)
    pane.until(lambda: pane.front is not None and bool(pane.front.windows))
    clock.advance(100)
    pane.server.reply = lambda _: answer(500)
    pane.live.ask(None)
    pane.until(lambda: pane.front.status is Status.ERROR)
    assert pane.front.windows[0].used_percent == 12
    assert clock.now() - pane.front.windows[0].observed_at == 100
    assert "trouble (500)" in pane.front.message


def test_a_one_shot_asks_once_and_tells_why_not(
    environment: Environment, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``status --refresh`` asks as the key does; a second one is told to wait, and both know
    the budget from the record alone."""
    log_in(environment)
    server = Server(clock)
    server.reply = lambda _: used(33)

    def one_shot() -> Live:
        live = open_live(environment, Settings(), clock, chosen=[AskedToy()], network=server.transport)
        live.load()
        return live

    live = one_shot()
    assert live.view().providers[0].front.budget is None  # type: ignore[union-attr]
    assert live.refresh([]) == []
    assert live.view().providers[0].front.windows[0].used_percent == 33  # type: ignore[union-attr]
    again = one_shot()
    front = again.view().providers[0].front
    assert front is not None
    assert front.budget is not None
    assert (front.budget.used, front.budget.limit, front.windows[0].used_percent) == (1, 20, 33)
    assert again.refresh(["toy"]) == [("toy", "it was asked a moment ago")]
    assert len(server.requests) == 1


def test_the_history_is_read_on_its_own_thread(opened: Callable[..., Pane], clock: FakeClock) -> None:
    """The samples come back through the loop, never from the reader's thread."""
    pane = opened()
    pane.live.ask(None)
    pane.until(lambda: pane.front is not None and bool(pane.front.windows))
    found: list[tuple[object, ...]] = []
    where: list[threading.Thread] = []

    def answered(samples: tuple[object, ...]) -> None:
        found.append(samples)
        where.append(threading.current_thread())

    pane.live.history("toy", pane.front.id, "5h", clock.now() - 3600, answered)
    pane.until(lambda: bool(found))
    assert where == [threading.main_thread()]
    assert [s.used_percent for s in found[0]] == [12]  # type: ignore[attr-defined]


def test_a_key_in_the_encrypted_vault_is_asked_with_once_it_is_open(
    environment: Environment, clock: FakeClock
) -> None:
    """One vault for the run: the passphrase that a dialog takes is the asker's too.  Locked, the
    panel says what it waits for, and no keyring is looked at instead."""
    server = Server(clock)

    def opened() -> Live:
        return open_live(
            environment, Settings(vault="encrypted"), clock,
            chosen=[providers.load("zai")], network=server.transport,
        )  # fmt: skip

    first = opened()
    first.vaults.unlock(Secret("correct horse"))
    Keys(environment, first.vaults.vault, clock).set("zai", "canary-key")
    live = opened()
    live.load()
    assert live.refresh(["zai"]) == [("zai", "the vault is locked: give its passphrase")]
    assert server.requests == []
    live.vaults.unlock(Secret("correct horse"))
    assert live.refresh(["zai"]) == []
    assert "canary-key" in server.requests[0].headers["authorization"]
