"""The worker that owns the desk: one thread, one job at a time, recovery first, silent otherwise."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import pytest

from providers import errands
from providers.accounts.journal import entries
from providers.accounts.keeping import Step
from providers.accounts.login import CannotSwitch
from providers.accounts.vault import State, VaultTrouble
from providers.base import Environment
from providers.clerk import Clerk, Refused
from providers.desk import Desk
from tests.world.households import Household

Posted = tuple[Callable[..., object], tuple[object, ...]]


class Loop:
    """Stands for the event loop: what is posted waits until it is taken."""

    def __init__(self) -> None:
        self._posted: queue.SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = (
            queue.SimpleQueue()
        )

    def post(self, call: Callable[..., object], *values: object) -> None:
        self._posted.put((call, values))

    def take(self, seconds: float = 5.0) -> None:
        """Runs what is posted next."""
        call, values = self._posted.get(timeout=seconds)
        call(*values)

    def silent_for(self, seconds: float) -> bool:
        try:
            self._posted.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


class Office:
    """A clerk over a household with the accounts a and b kept, b live."""

    def __init__(self, environment: Environment, kind: type[Desk] = Desk, **more: float) -> None:
        self.house, self.loop = Household(environment), Loop()
        for name in "ab":
            self.house.log_in(name)
            self.desk(kind=Desk).capture("claude", name)
        self.ids = {row.member.alias: row.member.id for row in self.desk(kind=Desk).rows()}
        self.steps: list[str] = []
        self.told: list[str] = []
        self.answers: list[object] = []
        self.kind = kind
        self.clerk = Clerk(self.desk, self.loop.post, step=self.steps.append, tell=self.told.append, **more)

    def desk(self, step: Step = lambda name: None, kind: type[Desk] | None = None) -> Desk:
        house = self.house
        return (kind or self.kind)(
            house.environment, (house.store,), house.vault, house.clock, prove=house.issuer.prove,
            by="pane", step=step,
        )  # fmt: skip

    def ask(self, job: Callable[[Desk], object]) -> object:
        """What a job answers; its steps are heard before."""
        count = len(self.answers)
        self.clerk.do(job, self.answers.append)
        while len(self.answers) == count:
            self.loop.take()
        return self.answers[-1]


@pytest.fixture
def office(environment: Environment) -> Office:
    found = Office(environment)
    found.clerk.start()
    return found


def test_jobs_run_one_at_a_time_on_a_thread_of_its_own(office: Office) -> None:
    """A daemon, in the order in which they were asked for."""
    seen: list[threading.Thread] = []
    running: list[int] = []

    def job(desk: Desk) -> int:
        running.append(1)
        seen.append(threading.current_thread())
        time.sleep(0.01)
        together = len(running)
        running.clear()
        return together

    for _ in range(3):
        office.clerk.do(job, office.answers.append)
    while len(office.answers) < 3:
        office.loop.take()
    assert office.answers == [1, 1, 1]
    assert len(set(seen)) == 1
    assert seen[0] is not threading.current_thread()
    assert seen[0].daemon


def test_a_switch_says_its_steps_and_its_end(office: Office) -> None:
    """Frozen values without a login in them."""
    done = office.ask(lambda desk: errands.switch(desk, office.ids["a"], ()))
    assert isinstance(done, errands.Switch)
    assert (done.verified, done.to.alias, done.came_from and done.came_from.alias) == (True, "a", "b")
    wanted = ["journalled", "replaced", "written"]
    assert [step for step in office.steps if step in wanted] == wanted
    assert office.house.live_refresh not in repr(done)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CannotSwitch("no"), Refused("no")),
        (VaultTrouble(State.SEALED), Refused("the vault is locked: give its passphrase", State.SEALED)),
        (
            ValueError("sk-ant-ort01-CANARY"),
            Refused("that failed by a bug (ValueError); quotadeck doctor helps to report it"),
        ),
    ],
)
def test_what_a_job_raises_is_one_sentence(office: Office, error: Exception, said: Refused) -> None:
    """And the next job runs."""

    def job(desk: Desk) -> None:
        raise error

    assert office.ask(job) == said
    assert isinstance(office.ask(errands.book), errands.Book)


def test_recovery_comes_before_any_other_work(environment: Environment) -> None:
    """Also before a job that was asked for first."""
    order: list[str] = []

    class Noting(Desk):
        unfinished = True

        def recover(self, *, now: bool = False):  # type: ignore[no-untyped-def]
            order.append("recover")
            return super().recover(now=now)

    office = Office(environment, Noting)
    office.clerk.do(lambda desk: order.append("job"), office.answers.append)
    office.clerk.start()
    while not office.answers:
        office.loop.take()
    assert order == ["recover", "job"]


def test_a_switch_is_looked_after_until_it_is_over_then_nothing_wakes(environment: Environment) -> None:
    """The CLI put its old login back: the switch is made again and told; after that the thread
    waits for jobs alone."""
    looks: list[float] = []

    class Counting(Desk):
        def watch(self) -> tuple[str, ...]:
            looks.append(time.monotonic())
            return super().watch()

    office = Office(environment, Counting, every=0.01)
    office.clerk.start()
    before = office.house.live()
    office.ask(lambda desk: errands.switch(desk, office.ids["a"], ()))
    office.house.write_login("b", before)
    while not office.told:
        office.loop.take()
    assert "had put its old login back" in office.told[0]
    assert office.house.live_refresh == office.house.issuer.newest("a")
    office.house.clock.advance(60)
    end = time.monotonic() + 5
    while list(entries(environment.state_dir)):
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.05)
    count = len(looks)
    while not office.loop.silent_for(0.2):
        # What was said while it settled.
        assert time.monotonic() < end
    assert len(looks) == count


def test_a_quit_waits_only_for_a_switch_that_is_half_made(environment: Environment) -> None:
    """Past its journal it may finish; a keyring that hangs before it holds up nothing."""
    office = Office(environment)
    office.clerk.start()
    hold, held = threading.Event(), threading.Event()

    def hang(desk: Desk) -> None:
        held.set()
        hold.wait(5)

    office.clerk.do(hang, office.answers.append)
    held.wait(5)
    begin = time.monotonic()
    office.clerk.finish(2.0)
    assert time.monotonic() - begin < 1.0
    hold.set()
    released = threading.Event()

    def slowly(desk: Desk) -> None:
        office.clerk._step("journalled")
        released.wait(5)

    office.clerk.do(slowly, office.answers.append)
    end = time.monotonic() + 5
    while office.clerk._free.is_set() and time.monotonic() < end:
        time.sleep(0.005)
    threading.Timer(0.1, released.set).start()
    begin = time.monotonic()
    office.clerk.finish(4.0)
    assert 0.05 < time.monotonic() - begin < 3.0


def test_a_desk_that_cannot_be_opened_refuses_every_job(environment: Environment) -> None:
    """With the reason."""
    loop, answers = Loop(), []

    def broken(step: Step) -> Desk:
        raise CannotSwitch("registry.json cannot be read")

    clerk = Clerk(broken, loop.post, step=lambda name: None, tell=lambda text: None)
    clerk.start()
    clerk.do(errands.book, answers.append)
    loop.take()
    assert answers == [Refused("registry.json cannot be read")]


def test_stopped_it_ends(office: Office) -> None:
    """Its thread is gone after the jobs that were waiting."""
    thread = office.ask(lambda desk: threading.current_thread())
    assert isinstance(thread, threading.Thread)
    office.clerk.stop()
    end = time.monotonic() + 5
    while thread.is_alive():
        assert time.monotonic() < end
        time.sleep(0.01)
