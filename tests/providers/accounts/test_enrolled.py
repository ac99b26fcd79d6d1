"""accounts.toml as a source of the deck: read when it changed, parsed once, never guessed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from providers.accounts.enrolled import RosterFile
from providers.accounts.roster import Member, load_roster, save_roster
from providers.base import Environment
from providers.engine.settings import Settings
from providers.engine.settings_file import keep_parsed
from providers.live import open_live
from providers.model import Enrolled, Roster
from providers.record import replace
from tests.conftest import FakeClock
from tests.terminals import QUOTADECK, base_variables
from tui.document import as_json

WORK = Member("aaaa1111", "claude", "", "acc/org", email="w@example.com", plan="Pro", alias="work", order=2,
              ends_at=1_795_900_000.0)  # fmt: skip
HOME = Member("bbbb2222", "claude", "", "acc2/org", email="h@example.com", order=1)


@pytest.fixture
def source(environment: Environment) -> RosterFile:
    return RosterFile(environment, ["claude", "codex"])


def test_who_is_kept_is_said_once(environment: Environment, source: RosterFile) -> None:
    """In the person's order, without those who were switched off; then only what is new."""
    assert source.look() == []
    save_roster(environment.config_dir, (WORK, HOME, replace(HOME, id="cccc3333", enabled=False)))
    (said,) = source.look()
    assert said.provider == "claude"
    assert [member.id for member in said.accounts] == ["bbbb2222", "aaaa1111"]
    assert said.accounts[1] == Enrolled(
        "aaaa1111", "acc/org", "work", "w@example.com", "", "Pro", 1_795_900_000.0
    )
    assert source.look() == []
    save_roster(environment.config_dir, ())
    assert source.look() == [Roster("claude", ())]


def test_a_file_that_cannot_be_understood_says_nothing(environment: Environment, source: RosterFile) -> None:
    """Unreadable is not empty: who was kept still is."""
    save_roster(environment.config_dir, (WORK,))
    assert len(source.look()) == 1
    (environment.config_dir / "accounts.toml").write_text("[[account")
    assert source.look() == []
    (environment.config_dir / "accounts.toml").write_text('[[account]]\nid = "x"\n')
    assert source.look() == []


def test_forgotten_it_is_said_again(environment: Environment, source: RosterFile) -> None:
    """After a pause, in which facts are dropped: also that nobody is kept any more."""
    save_roster(environment.config_dir, (WORK,))
    first = source.look()
    source.forget()
    assert source.look() == first
    save_roster(environment.config_dir, ())
    source.look()
    source.forget()
    assert source.look() == [Roster("claude", ())]


def test_it_reads_what_the_roster_reads(environment: Environment, source: RosterFile) -> None:
    """Two readers of one file, the short one for speed: they must not differ."""
    save_roster(environment.config_dir, (WORK, replace(HOME, organisation="Org", plan="Max", order=9)))
    (said,) = source.look()
    for shown, member in zip(said.accounts, load_roster(environment.config_dir), strict=True):
        for name in Enrolled._fields:
            assert getattr(shown, name) == getattr(member, name)


def test_what_concerns_it(environment: Environment, source: RosterFile) -> None:
    """The file itself and the folders on the way, nothing beside it."""
    path = environment.config_dir / "accounts.toml"
    assert source.concerns(path)
    assert source.concerns(path.parent.parent)
    assert not source.concerns(path.with_name("settings.toml"))


def test_status_shows_who_is_parked(environment: Environment, clock: FakeClock) -> None:
    """Alias, not live, the end of the login; without any figure."""
    save_roster(environment.config_dir, (WORK, replace(HOME, ends_at=clock.now() - 1)))
    live = open_live(environment, Settings(), clock)
    live.load()
    claude = next(p for p in json.loads(as_json(live.view()))["providers"] if p["id"] == "claude")
    shown = {a["id"]: a for a in claude["accounts"]}
    work = next(a for a in claude["accounts"] if a["alias"] == "work")
    assert (work["live"], work["login_expires_at"], work["windows"], work["plan"]) == (
        False, 1_795_900_000, [], "Pro",
    )  # fmt: skip
    assert sorted(a["status"] for a in shown.values()) == ["expired", "stale"]
    assert claude["status"] == "unconfigured"


@pytest.mark.parametrize("kept", [False, True])
def test_a_parser_is_loaded_only_for_a_text_that_was_not_parsed(environment: Environment, kept: bool) -> None:
    """Beside a pane that keeps what it parsed, ``status`` needs no TOML parser."""
    save_roster(environment.config_dir, (WORK,))
    if kept:
        keep_parsed(environment)
        os.utime(environment.config_dir / "accounts.toml", (1, 1))
    probe = (
        "import sys; from tui.cli import main; sys.argv = ['quotadeck', 'status', '--json']; main();"
        "print('tomllib' in sys.modules, 'keyring' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], env=base_variables(environment.home), capture_output=True, text=True,
        check=True, timeout=30,
    )  # fmt: skip
    assert done.stderr.strip() == f"{not kept} False"
    assert '"alias": "work"' in done.stdout


def test_a_home_without_it_opens_nothing(environment: Environment, source: RosterFile) -> None:
    """And watches the nearest folder there is."""
    assert not environment.config_dir.exists()
    assert source.look() == []
    live = open_live(environment, Settings(), FakeClock())
    assert environment.home in live.folders()
    assert isinstance(source.path, Path)
    assert QUOTADECK
