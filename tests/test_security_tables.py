"""SECURITY.md says what is: its tables against the code, and against a whole test run.

Runs last (conftest.py), so that the recorder of touched.py has seen everything before.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import providers
from providers.base import Environment
from providers.engine.settings import Settings, environment_from, load, save
from providers.live import open_live
from tests import touched
from tests.conftest import FakeClock

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / ".github/SECURITY.md").read_text(encoding="utf-8")
LOOPBACK = ("127.", "::1", "localhost")
BY_THE_INTERPRETER = ("/dev/null", "/proc/self/maps", "/proc/self/fd")
"""Opened inside library calls, not by name in our code."""


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without backticks."""
    part = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


READ = [row[0] for row in table("What is read")]
WRITTEN = [row[0] for row in table("What is written")]
PUBLISHED = "~/.local/state/quotadeck/quota/*.*.json"
TOY = re.compile(r"/\.toy/|/\.broken/|/toy\.\w+\.json$")
BESIDE = re.compile(r"-(wal|shm|journal)$|\.\d+\.tmp$")


def test_every_endpoint_is_in_the_table_and_nothing_else() -> None:
    """Host, method and path of each endpoint, as the providers declare them."""
    declared = {
        (site.host, *call.split(" "))
        for name in providers.PROVIDERS
        for endpoint in providers.load(name).endpoints()
        for site in endpoint.sites
        for call in site.calls
    }
    assert {tuple(row[:3]) for row in table("What is sent")} == declared


def test_every_source_is_in_the_table() -> None:
    """Each path that a provider reads with the name that switches it off, and no row of a
    provider that nobody reads."""
    environment = environment_from({}, Path("/h"), "linux")
    declared = set()
    for name in providers.PROVIDERS:
        for source in providers.load(name).sources(environment):
            inside = "**/" if source.recursive else ""
            path = f"~/{source.folder.relative_to('/h')}/{inside}{source.pattern}".replace("~/./", "~/")
            path = PUBLISHED if path.startswith(PUBLISHED.partition("*")[0]) else path
            declared.add(path)
            names = next(row[2] for row in table("What is read") if row[0] == path)
            assert f"{name}.{source.id}" in names or f"<provider>.{source.id}" in names, source
    for name in (*providers.LOGGED, *providers.LOGGED_TOOLS):
        for tree in providers.load_logs(name).trees(environment):
            inside = "**/" if tree.recursive else ""
            path = f"~/{tree.folder.relative_to('/h')}/{inside}{tree.pattern}"
            declared.add(path)
            assert f"{name}.{tree.id}" in next(row[2] for row in table("What is read") if row[0] == path), (
                tree
            )
    ours = {r for r in READ if r.startswith(("~/.config/quotadeck/", "/proc"))}
    ours |= {f"~/.local/state/quotadeck/{name}.json" for name in ("schedule", "settings", "timeline")}
    ours.add("~/.local/state/quotadeck/ledger.sqlite3.old")
    assert set(READ) == declared | ours


@pytest.fixture
def everything_read(environment: Environment, clock: FakeClock) -> None:
    """Every file that there can be, read once."""
    for name in providers.PROVIDERS:
        for source in providers.load(name).sources(environment):
            path = source.folder / ("2026" if source.recursive else "") / source.pattern.replace("*", "x")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text("{}\n")
            path.chmod(0o600)
    (environment.state_dir / "schedule.json").write_text("{}")
    (environment.state_dir / "schedule.json").chmod(0o600)
    save(environment, compact=True)
    load(environment, providers.PROVIDERS)
    open_live(environment, Settings(), clock).load()


def relative(paths: set[str]) -> set[str]:
    """Paths as the tables write them: ``~`` for a home of a test, from its first dot-folder
    on.  What unit tests hand to a function by a name of their own has none and is left out."""
    found: set[str] = set()
    for path in paths:
        if path.startswith(BY_THE_INTERPRETER) or TOY.search(path):
            continue
        inside = re.search(
            r"/(\.(?:claude(?:-session-key|-monitor)?|cc-router|codex|config|copilot|cursor|gemini|local|cache|onwatch)\b.*)",
            path,
        )
        if inside:
            found.add("~/" + BESIDE.sub("", inside[1]))
        elif not path.startswith(("/tmp", "/private", "/var")):
            found.add(path)
    return found


def matching(path: str, patterns: list[str]) -> set[str]:
    return {p for p in patterns if fnmatchcase(path, p.replace("**/", "*"))}


@pytest.mark.usefixtures("everything_read")
def test_what_was_opened_and_written_is_in_the_tables(request: pytest.FixtureRequest) -> None:
    """Over the whole run: no file is read or written that no row names; and, when everything
    ran, no row names a file that nobody touched."""
    opened, written = relative(touched.opened), relative(touched.written)
    # Folders are listed, their files are opened.
    strays = {p for p in opened if not matching(p, READ) and not any(r.startswith(f"{p}/") for r in READ)}
    assert {p for p in strays if Path(p).suffix} == set()
    assert {p for p in written if not matching(p, WRITTEN)} == set()
    if request.config.stash[touched.WHOLE]:
        assert {r for r in READ if not any(matching(p, [r]) for p in opened)} == set()
        assert {r for r in WRITTEN if not any(matching(p, [r]) for p in written)} == set()


def test_no_host_but_loopback_was_called() -> None:
    """Over the whole run: neither a connection nor a name lookup elsewhere."""
    assert {host for host in touched.hosts if not host.startswith(LOOPBACK)} == set()
