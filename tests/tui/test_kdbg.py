"""The real command killed while it switches: 20 times at random, each CLI; nothing is lost."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from providers.base import Environment
from tests.terminals import QUOTADECK, base_variables
from tests.world.households import Household
from tests.world.logins import put

KILLS = 10
"""For each of two CLIs."""


class Person:
    """Types commands in a home with an unencrypted vault."""

    def __init__(self, home: Path, provider: str) -> None:
        # With the real time, as the commands go by that.
        ours = (home / ".config/quotadeck", home / ".local/state/quotadeck", home / ".local/share/quotadeck")
        self.house = Household(Environment(home, {}, *ours), provider)
        self.house.issuer.now = time.time()
        self.variables = base_variables(home)
        put(ours[0] / "config.toml", 'vault = "plaintext"\n')

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*QUOTADECK, *words], env=self.variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str) -> str:
        child = self.start(*words)
        said, wrong = child.communicate(timeout=30)
        assert child.returncode == 0, (words, said, wrong)
        return said


@pytest.mark.parametrize("provider", ["claude", "codex"])
def test_killed_at_random(tmp_path: Path, provider: str) -> None:
    """After `quotadeck recover` the newest refresh token of each account works, both can be
    switched to, none was spent twice and nothing of ours lies about."""
    tmp_path.chmod(0o700)
    person = Person(tmp_path, provider)
    house = person.house
    for name in ("a", "b"):
        house.log_in(name)
        person.run("capture", provider, "--alias", name)
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for turn in range(KILLS):
        # Claude's tokens do not say whose they are, and nobody can be asked here.
        if provider == "codex":
            house.cli_renews()
        child = person.start("switch", provider, "ab"[turn % 2])
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(chance.uniform(0.1, 0.35))
        child.kill()
        child.communicate()
        person.run("recover")
    for name in ("a", "b"):
        try:
            person.run("switch", provider, name)
        except AssertionError as e:
            print("SAID", name, e)
        assert house.live_refresh == house.issuer.newest(name)
        assert house.issuer.works(house.live_refresh)
    person.run("recover")
    assert house.issuer.reused == []
    assert [p.name for p in tmp_path.rglob("*") if ".qd-" in p.name] == []
    assert list((tmp_path / ".local/state/quotadeck/safety").glob("*")) == []
    registry = json.loads((tmp_path / ".local/state/quotadeck/registry.json").read_text())
    assert len(registry["accounts"]) == 2
