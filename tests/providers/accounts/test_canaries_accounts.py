"""Canary secrets on their way through a capture, a switch, the watch and a recovery.

They may lie in the vault, in the CLI's own file, in a safety copy and in a staged file, each
readable by its owner alone; and nowhere else, at no step.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from providers.accounts.audit import Trace, record, trail
from providers.accounts.capture import capture
from providers.accounts.journal import entries
from providers.accounts.keeping import Step
from providers.accounts.living import look
from providers.accounts.login import CannotSwitch
from providers.accounts.registry import load_registry
from providers.accounts.replacement import Replacement
from providers.accounts.roster import load_roster
from providers.accounts.safety import copies
from providers.accounts.secret import Secret
from providers.accounts.settle import Settler
from providers.accounts.switch import Switched
from providers.accounts.vault import Vault, VaultTrouble
from providers.base import Environment
from providers.record import Record
from tests.providers.accounts.test_switch import BOTH, two
from tests.world.households import FileRing, Household
from tests.world.kills import killed

CANARY = b"CANARY"


def may_hold(house: Household, path: Path) -> bool:
    """The places of secrets, and the issuer's book, which is not ours."""
    inside = path.relative_to(house.home).parts[0] in ("ring", "issuer")
    copied = path.parent == house.environment.state_dir / "safety"
    staged = path.name.startswith(f"{house.secret.name}.qd-")
    return inside or copied or staged or path == house.secret


def leaks(house: Household) -> list[Path]:
    """Files with a secret where none may be, or with more rights than are needed."""
    found = []
    for path in house.home.rglob("*"):
        if path.is_file() and CANARY in path.read_bytes():
            wide = "ring" not in path.parts and "issuer" not in path.parts and mode(path) & 0o077
            if wide or not may_hold(house, path):
                found.append(path)
    ours = (house.environment.state_dir, house.environment.config_dir)
    for folder in ours:
        for path in (folder, *folder.rglob("*")):
            if path.exists() and mode(path) != (0o700 if path.is_dir() else 0o600):
                found.append(path)
    return found


def mode(path: Path) -> int:
    """Its rights."""
    return stat.S_IMODE(path.stat().st_mode)


def told(value: object, depth: int = 6) -> Iterator[str]:
    """Everything that a value says of itself and of what it holds, as a log or a crash would."""
    yield from (repr(value), str(value), f"{value}", "%s" % (value,))  # noqa: UP031
    if depth and isinstance(value, Record):
        for name in value._fields:
            if name not in value._hidden:
                yield from told(getattr(value, name), depth - 1)
    elif depth and isinstance(value, Mapping):
        for key, held in value.items():
            yield from (*told(key, depth - 1), *told(held, depth - 1))
    elif depth and isinstance(value, (tuple, list)):
        for held in value:
            yield from told(held, depth - 1)


@BOTH
def test_at_no_step_anywhere_else(
    environment: Environment,
    provider: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On the disk at every step of everything, on the terminal, in the log, in the environment."""
    caplog.set_level(0)
    before = dict(os.environ)
    steps = 0
    house, a, b = two(environment, provider)

    def scan(step: str) -> None:
        nonlocal steps
        steps += 1
        assert leaks(house) == [], step

    for to in (a, b):
        assert house.cli_renews()
        switcher = house.switcher(scan)
        switcher.carry_out(switcher.plan(house.store, to))
    house.clock.advance(30)
    Settler(environment, house.keeper(scan), house.clock, step=scan).look_after(house.store)
    house.cli_renews()
    capture(environment, house.keeper(scan), house.store, house.issuer.prove)
    house.recovery(scan).run(now=True)
    assert steps > 20
    assert CANARY.decode() not in caplog.text + "".join(capfd.readouterr())
    assert dict(os.environ) == before


@BOTH
@pytest.mark.parametrize("at", ["preserved", "staged", "replaced 1", "stored"])
def test_after_a_kill(environment: Environment, provider: str, at: str) -> None:
    """What lies about then is in the same places, and as closed."""
    house, a, _ = two(environment, provider)
    house.cli_renews()

    def work(step: Step) -> None:
        switcher = house.switcher(step)
        switcher.carry_out(switcher.plan(house.store, a))

    assert killed(work, at)
    assert len(list(entries(environment.state_dir))) == 1
    assert leaks(house) == []


def test_the_scan_finds_what_it_looks_for(environment: Environment) -> None:
    """A secret in the wrong file, one that others may read, and an open folder of ours."""
    house, _, _ = two(environment, "claude")
    assert CANARY in house.secret.read_bytes()
    assert any(CANARY in item.read_bytes() for item in house.ring.folder.iterdir())
    assert leaks(house) == []
    log = environment.state_dir / "log.txt"
    log.write_bytes(house.secret.read_bytes())
    log.chmod(0o600)
    assert leaks(house) == [log]
    log.unlink()
    house.secret.chmod(0o644)
    environment.state_dir.chmod(0o755)
    assert leaks(house) == [house.secret, environment.state_dir]


@BOTH
def test_nothing_says_its_secret(environment: Environment, provider: str) -> None:
    """Every value that passes through: by repr, str, format and those of all that it holds."""
    house, a, _ = two(environment, provider)
    house.cli_renews()
    held: list[object] = []

    def watch(step: str) -> None:
        held.extend(copies(environment.state_dir))
        held.extend(entries(environment.state_dir))

    switcher = house.switcher(watch)
    plan = switcher.plan(house.store, a)
    held += [plan, plan.login, plan.seen, plan.seen.live, plan.owner, plan.to]
    held += [Replacement(house.store, plan.login, plan.seen, "0a1b2c3d"), switcher, house.keeper()]
    held.append(switcher.carry_out(plan))
    held += [look(house.store), load_registry(environment.state_dir), load_roster(environment.config_dir)]
    assert len(held) > 15
    for value in held:
        for text in told(value):
            assert CANARY.decode() not in text, type(value)


def test_a_secret_shows_itself_to_nobody() -> None:
    """Not by formatting, not as a key, not copied or pickled, not through an f-string's ``!r``."""
    secret = Secret("CANARY")
    assert all("CANARY" not in text for text in told(secret))
    assert "CANARY" not in f"{secret!r:>40}{secret!s:>40}{secret:>40}" + f"{[secret]}{ {'k': secret} }"
    assert not hasattr(secret, "__dict__")
    for work in (hash, pickle.dumps, copy.copy, copy.deepcopy, iter, json.dumps, len, list):
        with pytest.raises(TypeError) as stopped:
            work(secret)  # type: ignore[operator]
        assert "CANARY" not in str(stopped.value)


def broken(house: Household, how: str) -> None:
    """Makes the next switch fail."""
    if how == "torn":
        house.secret.write_text(house.secret.read_text()[:-20])
    elif how == "registry":
        (house.environment.state_dir / "registry.json").write_text('{"CANARY": ')
    elif how == "roster":
        (house.environment.config_dir / "accounts.toml").write_text('CANARY = "')
    elif how == "vault":
        for item in house.ring.folder.iterdir():
            item.write_text("CANARY is not JSON")
    elif how == "config":
        config = house.home / ".claude.json"
        config.write_text('{"CANARY": ' + config.read_text())
    elif how == "backend":
        house.vault = Vault(lambda: Loud(house.ring.folder))
    elif how == "folder":
        (house.environment.state_dir / "journal").write_text("CANARY")


class Loud(FileRing):
    """A keyring whose errors quote what it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"could not store {password}")


@pytest.mark.parametrize(
    "how", ["torn", "registry", "roster", "vault", "config", "backend", "folder", "future"]
)
def test_no_error_quotes_one(environment: Environment, how: str) -> None:
    """The sentence, its arguments, what caused it, and the traceback as Python prints it; nor does the
    answer of a switch that could only preserve."""
    house, a, _ = two(environment, "claude")
    house.cli_renews()
    broken(house, how)
    if how == "future":
        (house.home / ".claude.lock").mkdir()
        os.utime(house.home / ".claude.lock", (4_000_000_000,) * 2)
    told_all = ""
    for work in (
        lambda: house.switcher().carry_out(house.switcher().plan(house.store, a)),
        lambda: capture(environment, house.keeper(), house.store, house.issuer.prove),
        lambda: house.recovery().run(now=True),
    ):
        try:
            told_all += f"{work()}"
        except (CannotSwitch, VaultTrouble) as stopped:
            told_all += f"{stopped}{stopped!r}{stopped.args}" + "".join(traceback.format_exception(stopped))
    assert told_all
    assert CANARY.decode() not in told_all


@BOTH
def test_the_trail(environment: Environment, provider: str) -> None:
    """Ids and fingerprints: no secret and no e-mail, 0600; a line that is full of control characters
    comes back clean."""
    house, a, _ = two(environment, provider)
    switcher = house.switcher()
    done = switcher.carry_out(switcher.plan(house.store, a))
    assert isinstance(done, Switched)
    lineage = look(house.store).live.login
    assert lineage is not None
    record(environment.state_dir, Trace(
        house.clock.now(), "switch", provider, "", f"command {os.getpid()}", done.came_from, done.to,
        lineage.lineage, f"{done.message}\x1b]52;c;x\x07\n",
    ))  # fmt: skip
    path = environment.state_dir / "audit.jsonl"
    assert mode(path) == 0o600
    assert CANARY not in path.read_bytes()
    assert b"@" not in path.read_bytes()
    (trace,) = trail(environment.state_dir)
    assert trace.ended.isprintable()
    assert leaks(house) == []


def test_nobody_is_told_by_a_child(environment: Environment) -> None:
    """No other program is started for any of it, so none gets a secret in its arguments."""
    started: list[str] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.spawn"):
            started.append(event)

    sys.addaudithook(hook)
    house, a, b = two(environment, "codex")
    for to in (a, b):
        switcher = house.switcher()
        switcher.carry_out(switcher.plan(house.store, to))
    mine = list(started)
    subprocess.run(["true"], check=True)
    assert (mine, started) == ([], ["subprocess.Popen"])
