"""Everybody at once: two that switch, two that capture, and a CLI that renews and logs in anew.

Each in a process of its own, all in the same home; afterwards no login is lost, none is mixed and
no refresh token was spent twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from providers.accounts.capture import capture
from providers.accounts.keeping import Step
from providers.accounts.living import look
from providers.accounts.login import CannotSwitch, CliLock, FileLock, Held
from providers.base import Environment
from tests.world.aftermath import all_there, restart, whole
from tests.world.households import Household, codex_file
from tests.world.kills import apart, finished

BATCH = 10
every_kind = pytest.mark.parametrize("kind", ["claude", "codex-new", "codex-old"])


@every_kind
def test_everybody_at_once(quick_folder: Path, kind: str) -> None:
    """As many rounds as fit in some seconds."""
    rounds(quick_folder, kind, 100)


@pytest.mark.endurance
@every_kind
def test_five_hundred_rounds(quick_folder: Path, kind: str) -> None:
    """All of them."""
    rounds(quick_folder, kind, 500)


def rounds(folder: Path, kind: str, times: int) -> None:
    """Batches of rounds; after each batch everything is looked at."""
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    house, ids = household(folder / f"{kind}-{seed}", kind)
    for batch in range(times // BATCH):
        works: list[Callable[[Step], object]] = [
            lambda _, to=ids[0]: switches(house, to),
            lambda _, to=ids[1]: switches(house, to),
            lambda _: captures(house),
            lambda _: captures(house),
            lambda _, batch=batch: cli(house, kind, random.Random(seed + batch)),
        ]
        children = [apart(work) for work in works]
        assert [finished(child) for child in children] == [0] * len(children)
        assert house.issuer.reused == []
        restart(house)
        # What an old codex saved under another's id when no switch was watched any more stays so
        # until the next one, which is what follows.
        if kind != "codex-old" or look(house.store).live.held is not Held.MIXED:
            whole(house)
        all_there(house, ids)


def household(home: Path, kind: str) -> tuple[Household, list[str]]:
    """Three accounts, all captured."""
    home.mkdir(mode=0o700)
    environment = Environment(
        home, {}, home / ".config/quotadeck", home / ".local/state/quotadeck", home / ".local/share/quotadeck"
    )
    house = Household(environment, kind.partition("-")[0])
    ids = []
    for name in "abc":
        house.log_in(name)
        ids.append(capture(environment, house.keeper(), house.store, house.issuer.prove).id)
    return house, ids


def switches(house: Household, to: str) -> None:
    """Again and again to one account; where it is live already, or a CLI is busy, it is told so."""
    for _ in range(BATCH):
        with contextlib.suppress(CannotSwitch):
            switcher = house.switcher()
            switcher.carry_out(switcher.plan(house.store, to))


def captures(house: Household) -> None:
    """Whatever is live; what is half changed is refused."""
    for _ in range(BATCH):
        with contextlib.suppress(CannotSwitch):
            capture(house.environment, house.keeper(), house.store, house.issuer.prove)


def cli(house: Household, kind: str, chance: random.Random) -> None:
    """Renews what is live, a third of the time logs into that account anew; the newer CLIs under
    their locks, the old Codex without any, in place, with the answer under way for a while."""
    locks = () if kind == "codex-old" else house.store.locks()
    for _ in range(BATCH):
        with under(locks):
            name = owner(house)
            if name and chance.random() < 0.3 and kind != "codex-old":
                house.log_in(name)
            elif kind == "codex-old":
                renews_slowly(house, chance)
            elif name:
                house.write_login(name, house.issuer.renew(house.live_refresh) or {})
        time.sleep(chance.uniform(0, 0.01))


@contextlib.contextmanager
def under(locks: Sequence[CliLock]) -> Iterator[None]:
    """The locks as a CLI takes them: flocks, and folders that are just made."""
    with contextlib.ExitStack() as held:
        for lock in locks:
            if isinstance(lock, FileLock):
                fcntl.flock(held.enter_context(open(lock.path, "a")), fcntl.LOCK_EX)
                continue
            while True:
                with contextlib.suppress(FileExistsError):
                    lock.path.mkdir()
                    break
                time.sleep(0.005)
            held.callback(lock.path.rmdir)
        yield


def owner(house: Household) -> str:
    """Whose the live tokens are, as the issuer knows."""
    refresh = house.live_refresh
    return refresh.split("-CANARY-")[1][0] if "-CANARY-" in refresh else ""


def renews_slowly(house: Household, chance: random.Random) -> None:
    """Loads, asks, loads again, puts three fields in and writes over the file (`persist_tokens`)."""
    fresh = house.issuer.renew(house.live_refresh) if owner(house) else None
    if fresh is None:
        return
    time.sleep(chance.uniform(0, 0.02))
    fields = {name: fresh[name] for name in ("id_token", "access_token", "refresh_token")}
    house.secret.write_text(json.dumps(codex_file(house.live() | fields)))
