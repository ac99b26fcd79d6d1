"""The composition: files to view, restart, switch, pause, history."""

from __future__ import annotations

import contextlib
import json
import queue
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import providers
from providers.base import Environment
from providers.engine.clock import SystemClock
from providers.engine.settings import Settings
from providers.engine.shown import DeckView
from providers.live import Live, open_live
from tests.conftest import FakeClock
from tests.toy import Toy
from tui.demo import DemoWorld

NOW = 1_795_330_000.0


def figures(view: DeckView, provider: str = "claude") -> dict[str, float | None]:
    shown = next(p for p in view.providers if p.id == provider)
    return {w.id: w.used_percent for w in shown.front.windows} if shown.front else {}


@pytest.fixture
def world(environment: Environment) -> DemoWorld:
    world = DemoWorld(environment.home, NOW)
    world.write()
    return world


def test_the_demo_goes_through_the_real_parsers(world: DemoWorld, clock: FakeClock) -> None:
    """The made-up world is read from its files, two logins, parked accounts and sidecars."""
    live = open_live(world.environment, Settings(), clock)
    live.load()
    view = live.view()
    assert [p.id for p in view.providers] == ["claude", "codex", "gemini", "copilot", "opencode", "sidecars"]
    assert figures(view) == {"5h": 62.0, "7d": 41.0, "7d:opus": 18.0, "spend": pytest.approx(24.68)}
    assert figures(view, "codex") == {"5h": 23.0, "7d": 88.0}
    claude = view.providers[0]
    assert [a.alias for a in claude.accounts] == ["work", "home", "lab"]
    assert [a.live for a in claude.accounts] == [True, False, False]
    assert all(a.kept for a in claude.accounts)
    assert [a.alias for a in view.providers[1].accounts] == ["me", "side"]


class Loop:
    """An owner's thread for a `Live`: posted calls wait until they are run."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.calls: queue.Queue[Callable[[], object]] = queue.Queue()
        self.changed: list[frozenset[str]] = []
        live.start(lambda fn, *args: self.calls.put(lambda: fn(*args)), self.changed.append)
        live.keep()

    def until(self, wanted: Callable[[DeckView], bool], seconds: float = 10.0) -> DeckView:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                self.calls.get(timeout=0.05)()
            if wanted(self.live.view()):
                return self.live.view()
        pytest.fail("it never came")


def test_a_running_pane_follows_the_files(environment: Environment) -> None:
    """Statusline and rollout changes arrive, and a step of the story moves the figures."""
    world = DemoWorld(environment.home, time.time())
    world.write()
    live = open_live(environment, Settings(), SystemClock())
    loop = Loop(live)
    try:
        loop.until(lambda v: figures(v).get("5h") == 62.0)
        for _ in range(3):
            world.step(time.time())
        view = loop.until(lambda v: figures(v).get("5h") == 63.2 and figures(v, "codex").get("5h") == 23.6)
        assert view.providers[0].front is not None
    finally:
        live.stop()


def test_figures_survive_their_file_and_a_restart(environment: Environment) -> None:
    """After a login of another account the old one stays, parked, with its last figures."""
    world = DemoWorld(environment.home, time.time())
    world.write()
    first = open_live(environment, Settings(), SystemClock())
    loop = Loop(first)
    loop.until(lambda v: figures(v).get("5h") == 62.0)
    loop.until(lambda _: (environment.state_dir / "timeline.json").exists())
    history = environment.state_dir / "history.sqlite3"
    loop.until(lambda _: history.exists() and history.stat().st_size > 0)
    time.sleep(0.3)
    first.stop()
    config = json.loads((environment.home / ".claude.json").read_bytes())
    config["oauthAccount"] |= {"accountUuid": "other", "emailAddress": "new@example.com"}
    (environment.home / ".claude.json").write_text(json.dumps(config))
    (environment.statusline_dir / "claude.demo.json").unlink()
    second = open_live(environment, Settings(), SystemClock())
    second.load()
    accounts = next(p for p in second.view().providers if p.id == "claude").accounts
    assert (accounts[0].email, accounts[0].live) == ("new@example.com", True)
    assert any({w.id: w.used_percent for w in a.windows}.get("5h") == 62.0 for a in accounts[1:])
    assert {p.stat().st_mode & 0o777 for p in environment.state_dir.rglob("*") if p.is_file()} == {0o600}


def test_paused_means_still(environment: Environment) -> None:
    """While paused the figures stand; resuming reads everything anew."""
    world = DemoWorld(environment.home, time.time())
    world.write()
    live = open_live(environment, Settings(), SystemClock())
    loop = Loop(live)
    try:
        loop.until(lambda v: figures(v).get("5h") == 62.0)
        live.pause(True)
        world.step(time.time())
        time.sleep(0.8)
        while not loop.calls.empty():
            loop.calls.get()()
        assert figures(live.view())["5h"] == 62.0
        live.pause(False)
        loop.until(lambda v: figures(v).get("5h") == 62.4)
    finally:
        live.stop()


def test_a_view_is_cheap_and_the_same_twice(world: DemoWorld, clock: FakeClock) -> None:
    """Same facts, same time: the same view."""
    live = open_live(world.environment, Settings(), clock)
    live.load()
    assert live.view() == live.view()


def test_shared_code_names_no_provider() -> None:
    """Adding a provider changes the registry and a folder: no other room knows its name."""
    root = Path(providers.__file__).parent
    known = {name for name in providers.PROVIDERS if name != "sidecars"}
    shared = [p for p in root.glob("*.py") if p.name != "__init__.py"]
    shared += [*(root / "engine").glob("*.py"), *(root / "accounts").glob("*.py")]
    shared += (root.parent / "tui").rglob("*.py")
    # What other tools call providers is data of their files, the demo is about some of them, and
    # one command is what Claude Code calls.
    allowed = {"sidecar_names.py", "demo.py", "demo_network.py"}
    assert len(shared) > 80
    for path in shared:
        text = path.read_text()
        for name in known:
            hits = [line for line in text.splitlines() if f'"{name}"' in line or f"providers.{name}" in line]
            hits = [line for line in hits if "import main as statusline" not in line]
            assert path.name in allowed or not hits, (path.name, hits)


def test_reading_the_registry_imports_no_provider() -> None:
    """The registry is a tuple of names; a provider is imported when it is asked for."""
    import subprocess
    import sys

    probe = "import sys, providers; print([m for m in sys.modules if m.startswith('providers.')])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(KeyError):
        providers.load("os")


@pytest.mark.parametrize("name", providers.PROVIDERS)
def test_every_provider_keeps_the_contract(name: str, environment: Environment) -> None:
    """Descriptor and folder agree; sources are unique, inside home or our state; nothing there is fine."""
    provider = providers.load(name)
    assert provider.descriptor.id == name
    sources = provider.sources(environment)
    assert len({s.id for s in sources}) == len(sources)
    assert all(s.folder.is_relative_to(environment.home) for s in sources)
    live = open_live(environment, Settings(), FakeClock(NOW), chosen=[provider])
    live.load()
    assert live.view().providers == () or live.view().providers[0].status.value in ("unconfigured", "ok")


def test_a_provider_that_floods_or_raises_leaves_the_others_alone(environment: Environment) -> None:
    """Its own panel says error; the neighbour's figures are there."""
    for name in ("broken", "toy"):
        (environment.home / f".{name}/side").mkdir(parents=True)
        (environment.home / f".{name}/side/a.json").write_text("41")
        (environment.home / f".{name}/login").write_text("me")
    live = open_live(
        environment, Settings(), SystemClock(), chosen=[Toy("broken", raises=RuntimeError), Toy()]
    )
    live.load()
    broken, sound = live.view().providers
    assert broken.status.value == "error"
    assert figures(live.view(), "toy") == {"5h": 41.0}
    assert sound.status.value == "ok"
