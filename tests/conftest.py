"""Shared fixtures, and the guard: no test touches the real home, keyring or network.

The guard is an audit hook and so survives patched environments and threads that
outlive a test (realiti4/claude-swap:tests/test_real_store_guard.py tells why).
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from providers.base import Environment
from providers.record import replace
from tests import touched

SAMPLES = Path(__file__).parent / "samples"
REAL_HOME = os.path.expanduser("~")
GUARDED = tuple(
    os.path.join(REAL_HOME, name)
    for name in (
        ".claude", ".claude.json", ".claude-session-key", ".claude-monitor",
        ".codex", ".copilot", ".gemini", ".onwatch", ".cc-router",
        ".config/quotadeck", ".config/github-copilot", ".config/gh", ".config/ccstatusline",
        ".cache/ccstatusline", ".cache/openusage", ".local/state/quotadeck", ".local/share/quotadeck",
        ".local/share/keyrings", ".local/share/opencode",
        ".local/share/claude-swap", ".local/share/aimonitor", ".local/share/caam", ".aimonitor-lock",
        ".config/Cursor", ".config/cursor", ".cursor",
    )
)  # fmt: skip
LOOPBACK = ("127.", "::1", "localhost")
KEYRINGS = ("keyring.backends.", "secretstorage", "jeepney")


def own_bus(variables: Mapping[str, str]) -> bool:
    """Whether a process with this environment was started by test_secret_service.py: on a message
    bus that lives for that test alone, with every folder where a keyring could lie inside the
    test's own.  Nothing else lets a test load what reaches a real keyring."""
    folder = variables.get("QUOTADECK_TEST_BUS_FOLDER", "")
    places = [variables.get(n, "") for n in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")]
    real = pwd.getpwuid(os.getuid()).pw_dir
    return (
        folder.startswith("/")
        and os.path.commonpath([folder, real]) != folder
        and all(place.startswith(f"{folder}/") for place in places)
        and "/run/" not in variables.get("DBUS_SESSION_BUS_ADDRESS", "/run/")
    )


OWN_BUS = own_bus(os.environ)


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir"):
        path = args[0]
        if isinstance(path, str) and path.startswith(GUARDED):
            raise RuntimeError(f"a test touched the real home: {event} {path}")
    elif event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise RuntimeError(f"a test reached for the network: {address[0]}")
    elif event == "import" and str(args[0]).startswith(KEYRINGS) and not OWN_BUS:
        raise RuntimeError("a test loaded a real keyring backend")


sys.addaudithook(_guard)
sys.addaudithook(touched.watch)

# Machines are shared and noisy: what takes long is a matter for tests/bench.
settings.register_profile("quotadeck", deadline=None)
settings.load_profile("quotadeck")


class FakeClock:
    """A clock that only moves when told to; `now` in epoch seconds."""

    def __init__(self, now: float = 1_795_330_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An empty home of its own with our folders inside it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Environment(
        home=home,
        variables={},
        config_dir=home / ".config/quotadeck",
        state_dir=home / ".local/state/quotadeck",
        data_dir=home / ".local/share/quotadeck",
    )


@pytest.fixture
def with_variables(environment: Environment) -> Callable[..., Environment]:
    """The same environment with variables set: ``with_variables(CODEX_HOME="/x")``."""

    def build(**variables: str) -> Environment:
        return replace(environment, variables=variables)

    return build


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--look-back", action="store_true", help="what looks back over a whole run looks at the run before"
    )


def pytest_configure(config: pytest.Config) -> None:
    """A run on several processes begins with nothing left of the one before."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        for old in config.cache.mkdir(touched.KEPT).glob("*.json"):  # type: ignore[union-attr]
            old.unlink()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What looks back over the whole run comes last, or in a run of its own (``--look-back``) where
    several processes shared it."""
    items.sort(key=lambda item: "test_security_tables" in item.nodeid)
    here = Path(__file__).parent
    every = {p for p in here.rglob("test_*.py") if "bench" not in p.parts}
    back = bool(config.getoption("--look-back"))
    config.stash[touched.WHOLE] = back or every <= {item.path for item in items}
    if back:
        touched.gather(config.cache.mkdir(touched.KEPT))  # type: ignore[union-attr]
    if hasattr(config, "workerinput"):
        items[:] = [item for item in items if "test_security_tables" not in item.nodeid]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes leaves what it saw."""
    shared = getattr(session.config, "workerinput", None)
    if shared is not None:
        touched.leave(session.config.cache.mkdir(touched.KEPT), shared["workerid"])  # type: ignore[union-attr]
