"""Kill -9 at every step, and at any moment: no login is lost, none is mixed, none is spent twice.

After each kill the CLI may go on before we do; then a new start finishes, and every account's
newest refresh token is switched in and redeemed against an issuer that punishes reuse.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.accounts.capture import capture
from providers.accounts.filing import file_what_waits
from providers.accounts.keeping import Step
from providers.accounts.login import FolderLock
from providers.accounts.settle import Settler
from providers.base import Environment
from tests.world.aftermath import all_there, restart, whole
from tests.world.households import Household, codex_file
from tests.world.kills import killed, killed_after, killed_before, steps

KINDS = ("claude", "codex-new", "codex-old")
WORKS = ("capture", "switch", "back", "settle", "recovery", "keeping")
SEED = int(os.environ.get("QUOTADECK_SEED", "0")) or random.SystemRandom().randrange(10**9)

every_kind = pytest.mark.parametrize("kind", KINDS)
every_work = pytest.mark.parametrize("work", WORKS)


class Scene:
    """A home as it is before the work, to be copied for each kill.

    ``late`` is what a CLI got from the provider before the work began, and saves after the kill.
    """

    def __init__(self, folder: Path, kind: str, work: str) -> None:
        self.folder, self.kind, self.work = folder, kind, work
        self._copies = 0
        house = self._house(folder / "scene")
        self.ids = [self._captured(house, name) for name in ("a", "b")]
        assert self._renews(house)
        prepare: dict[str, Callable[[Household], object]] = {
            "capture": lambda house: None,
            "switch": lambda house: None,
            "back": self._was_switched,
            "settle": self._was_overwritten,
            "recovery": lambda house: killed(lambda step: self._switch(house, step, "a"), "replaced 1"),
            "keeping": lambda house: killed(lambda step: self._switch(house, step, "a"), "preserved"),
        }
        prepare[work](house)
        self.late = self._in_flight(house)
        house, begun = self.copy(), time.monotonic()
        self.does(house, lambda name: None)
        self.lasts = (time.monotonic() - begun) * 1.5

    def copy(self) -> Household:
        """The home once more."""
        self._copies += 1
        home = self.folder / str(self._copies)
        shutil.copytree(self.folder / "scene", home, symlinks=True)
        house = self._house(home)
        # The journal names files by their paths.
        for entry in (house.environment.state_dir / "journal").glob("*.json"):
            held = json.loads(entry.read_text().replace(f"{self.folder}/scene/", f"{home}/"))
            for lock in held["locks"]:
                if os.path.exists(lock["path"]):
                    lock["inode"] = os.stat(lock["path"]).st_ino
            entry.write_text(json.dumps(held))
        return house

    def does(self, house: Household, step: Step) -> object:
        """The work that is killed."""
        if self.work == "capture":
            return capture(house.environment, house.keeper(step), house.store, house.issuer.prove)
        if self.work in ("switch", "back"):
            return self._switch(house, step, "a" if self.work == "switch" else "b")
        if self.work == "settle":
            settler = Settler(house.environment, house.keeper(step), house.clock, step=step)
            return settler.look_after(house.store, now=True)
        if self.work == "recovery":
            return house.recovery(step).run(now=True)
        return file_what_waits(
            house.environment, house.keeper(step), (house.store,), house.issuer.prove, step=step
        )

    def cli_goes_on(self, house: Household) -> None:
        """It saves what it had got, or renews what it finds, before we start again."""
        if self.late is not None:
            fresh = {k: v for k, v in self.late.items() if k != "account_id"}
            house.secret.write_text(json.dumps(codex_file(house.live() | fresh)))
        elif not any(lock.path.exists() for lock in house.store.locks() if isinstance(lock, FolderLock)):
            assert self._renews(house)

    def _house(self, home: Path) -> Household:
        home.mkdir(mode=0o700, exist_ok=True)
        environment = Environment(
            home,
            {},
            home / ".config/quotadeck",
            home / ".local/state/quotadeck",
            home / ".local/share/quotadeck",
        )
        return Household(environment, self.kind.partition("-")[0])

    def _captured(self, house: Household, name: str) -> str:
        house.log_in(name)
        return capture(house.environment, house.keeper(), house.store, house.issuer.prove).id

    def _switch(self, house: Household, step: Step, name: str) -> object:
        switcher = house.switcher(step)
        return switcher.carry_out(switcher.plan(house.store, self.ids["ab".index(name)]))

    def _renews(self, house: Household) -> bool:
        return house.cli_renews(locked=self.kind != "codex-old")

    def _was_switched(self, house: Household) -> None:
        """Just now, and the new account was renewed since."""
        self._switch(house, lambda name: None, "a")
        assert self._renews(house)

    def _was_overwritten(self, house: Household) -> None:
        """The old login stands there again after a switch, as a late writer left it: as it was, or,
        by an old codex, its renewed tokens under the new account's id."""
        late = house.issuer.renew(house.live_refresh) if self.kind == "codex-old" else None
        before = {file.path: file.path.read_bytes() for file in house.store.files()}
        self._switch(house, lambda name: None, "a")
        if late is not None:
            house.secret.write_text(json.dumps(codex_file(late | {"account_id": house.live()["account_id"]})))
            return
        for path, data in before.items():
            path.write_bytes(data)

    def _in_flight(self, house: Household) -> dict[str, object] | None:
        """An old codex renews without asking anybody; it saves when it has the answer."""
        if self.kind != "codex-old" or self.work in ("settle", "recovery"):
            return None
        return house.issuer.renew(house.live_refresh)


Scenes = Callable[[str, str], Scene]


@pytest.fixture(scope="module")
def scenes(quick_folder: Path) -> Scenes:
    """Each scene, made once."""
    made: dict[tuple[str, str], Scene] = {}

    def scene(kind: str, work: str) -> Scene:
        if (kind, work) not in made:
            folder = quick_folder / f"{kind}-{work}"
            folder.mkdir()
            made[kind, work] = Scene(folder, kind, work)
        return made[kind, work]

    return scene


@every_work
@every_kind
def test_at_every_step(scenes: Scenes, kind: str, work: str) -> None:
    """The child kills itself at each step in turn."""
    scene = scenes(kind, work)
    for at, nth in steps(lambda step: scene.does(scene.copy(), step)):
        for cli in (True, False):
            house = scene.copy()
            assert killed(lambda step, house=house: scene.does(house, step), at, nth), at
            check(scene, house, cli, f"{at} {nth}")


@pytest.mark.parametrize("kind", ["claude", "codex-new"])
def test_where_nobody_was_logged_in(scenes: Scenes, kind: str) -> None:
    """A switch from an empty store, killed before each change: it is empty still, or one account's,
    also if the CLI renewed what it found before the next start."""
    scene = scenes(kind, "capture")
    for nth in range(1, 200):
        house = scene.copy()
        scene.does(house, lambda step: None)
        house.secret.unlink()
        switch = house.switcher()
        plan = switch.plan(house.store, scene.ids[0])
        if not killed_before(lambda step, switch=switch, plan=plan: switch.carry_out(plan), nth):
            break
        if house.secret.exists() and nth % 2:
            scene.cli_goes_on(house)
        restart(house)
        if house.secret.exists():
            whole(house)
        assert list(house.home.rglob("*.qd-*")) == []
        all_there(house, scene.ids)
    assert nth > 10


@every_kind
def test_recovery_twice(scenes: Scenes, kind: str) -> None:
    """A start is killed at each step, and the start after it again, at each of its steps."""
    scene = scenes(kind, "recovery")
    for first, _ in steps(lambda step: scene.does(scene.copy(), step)):
        for second in ("staged", "carried through", "late kept"):
            house = scene.copy()
            assert killed(lambda step, house=house: scene.does(house, step), first), first
            killed(lambda step, house=house: house.recovery(step).run(now=True), second)
            check(scene, house, False, f"{first}, then {second}")


@pytest.mark.parametrize("kind", ["claude", "codex-new"])
def test_before_every_change(scenes: Scenes, kind: str) -> None:
    """The child is killed before each single change of the file system that a switch makes, finer
    than any step: between a lock and its note, between a file and its rename."""
    every_change(scenes(kind, "switch"))


@pytest.mark.endurance
@every_work
@every_kind
def test_before_every_change_of_all(scenes: Scenes, kind: str, work: str) -> None:
    """The same for all of it."""
    every_change(scenes(kind, work))


def every_change(scene: Scene) -> None:
    """Kills before each change, until the work makes no more."""
    for nth in range(1, 1000):
        house = scene.copy()
        if not killed_before(lambda step, house=house: scene.does(house, step), nth):
            assert nth > 5
            break
        check(scene, house, nth % 2 == 0, f"change {nth}")


def test_at_random(scenes: Scenes) -> None:
    """At any moment, over all of it."""
    at_random(scenes, 60)


@pytest.mark.endurance
def test_at_random_for_long(scenes: Scenes) -> None:
    """Five hundred times."""
    at_random(scenes, 500)


def at_random(scenes: Scenes, times: int) -> None:
    """Kills from outside after a random time that is about as long as the work takes."""
    print(f"QUOTADECK_SEED={SEED}")
    chance = random.Random(SEED)
    stopped = 0
    for nth in range(times):
        scene = scenes(KINDS[nth % 3], WORKS[nth // 3 % 6])
        house = scene.copy()
        stopped += killed_after(
            lambda step, scene=scene, house=house: scene.does(house, step), chance.uniform(0, scene.lasts)
        )
        check(scene, house, chance.random() < 0.5, f"kill {nth} of seed {SEED}, {scene.kind} {scene.work}")
    assert stopped > times // 4


def check(scene: Scene, house: Household, cli: bool, where: str) -> None:
    """After the kill."""
    try:
        if cli or scene.late is not None:
            scene.cli_goes_on(house)
        restart(house)
        whole(house)
        all_there(house, scene.ids)
    except BaseException as error:
        error.add_note(f"killed at {where}, {'the CLI went on' if cli else 'then at once'}: {house.home}")
        raise
    shutil.rmtree(house.home)
