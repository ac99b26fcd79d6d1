"""``quotadeck import``: the preview, the pick, what is opened when, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from providers.accounts.importers.candidate import SecretReader
from providers.base import Environment
from providers.model import Identity
from tests.providers.accounts.importers.homes import (
    PERSON,
    TEAM,
    aimonitor_items,
    codex_login,
    with_aimonitor,
    with_cc_router,
    with_claude_swap,
    with_codex_auth,
)
from tests.providers.accounts.test_importing import Person
from tests.terminals import QUOTADECK, base_variables
from tests.world.logins import put
from tui.accounts_command import Ended
from tui.arguments import parser_of
from tui.import_command import ImportCommand, picks
from tui.passphrase import NotOpened


class Command:
    """One run after the other; ``answers`` are what a person types."""

    def __init__(self, environment: Environment) -> None:
        self.person = Person(environment)
        self.told: list[str] = []
        self.asked: list[str] = []
        self.opened: list[str] = []
        self.answers: Iterator[str] | None = None
        self.items: SecretReader = lambda service, user: ""
        self.shut = ""

    def run(self, *words: str, answers: tuple[str, ...] | None = None) -> Ended:
        self.told, self.asked, self.opened = [], [], []
        self.answers = iter(answers) if answers is not None else None
        desk = self.person.desk
        command = ImportCommand(
            desk.importing(), self._item, self._open, lambda: self.opened.append("recover"),
            terminal=answers is not None, tell=self.told.append, ask=self._ask,
        )  # fmt: skip
        return command.run(parser_of().parse_args(["import", *words]))

    def kept(self) -> list[str]:
        return [member.label for member in self.person.members()]

    def _ask(self, question: str) -> str:
        self.asked.append(question)
        assert self.answers is not None
        try:
            return next(self.answers)
        except StopIteration:
            raise EOFError from None

    def _open(self) -> None:
        self.opened.append("vault")
        if self.shut:
            raise NotOpened(self.shut)

    def _item(self, service: str, user: str) -> str:
        self.opened.append("keyring")
        return self.items(service, user)


@pytest.fixture
def command(environment: Environment) -> Command:
    return Command(environment)


def test_a_dry_run_only_shows(command: Command) -> None:
    """A line each, those that can be picked with a number; neither keyring nor vault is opened,
    and nobody is asked anything."""
    with_claude_swap(command.person.environment)
    ended = command.run("claude-swap", "--dry-run", answers=())
    assert (ended.code, command.asked, command.opened, command.kept()) == (0, [], [], [])
    assert [line[:5].strip() for line in command.told if "claude-swap, " in line] == ["1", "2", "3", ""]
    assert "slot 2 (bob@example.com): not imported, an API key" in "\n".join(command.told)
    assert "CANARY" not in "".join(command.told) + ended.text
    assert not command.person.environment.state_dir.exists()


def test_picked_by_number(command: Command) -> None:
    """Only what was picked; the vault is opened once, after the pick."""
    with_codex_auth(command.person.environment)
    ended = command.run("codex-auth", answers=("2",))
    assert ended.code == 0
    assert command.opened == ["vault", "recover"]
    assert command.kept() == ["two@example.com"]
    assert "two@example.com" in ended.text
    assert "kept" in ended.text


def test_all_without_a_terminal(command: Command) -> None:
    """``--all`` asks nothing; without it and without a terminal nothing is done."""
    with_codex_auth(command.person.environment)
    ended = command.run("codex-auth")
    assert (ended.code, "--all" in ended.text, command.opened, command.kept()) == (3, True, [], [])
    assert command.run("codex-auth", "--all").code == 0
    assert command.kept() == ["home", "two@example.com"]
    again = command.run("codex-auth", "--all")
    assert (again.code, again.text, command.opened) == (0, "nothing was to be imported", [])


@pytest.mark.parametrize("typed", [("",), (), ("5", "x", "0")])
def test_left(command: Command, typed: tuple[str, ...]) -> None:
    """An empty line, the end of input, three wrong ones: nothing is opened and nothing kept."""
    with_codex_auth(command.person.environment)
    ended = command.run("codex-auth", answers=typed)
    assert (ended.code, ended.text, command.opened, command.kept()) == (0, "nothing was imported", [], [])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1", [1]), ("3,1", [1, 3]), ("1 2", [1, 2]), ("1-3", [1, 2, 3]), ("2-2,4", [2, 4]), ("", []),
        ("all", [1, 2, 3, 4]), ("ALL", [1, 2, 3, 4]), ("5", None), ("0", None), ("3-1", None), ("1-", None),
        ("-1", None), ("x", None), ("all 1", None), ("99999999999", None), ("\u0661", None),
    ],
)  # fmt: skip
def test_what_a_pick_means(typed: str, meant: list[int] | None) -> None:
    """Numbers, ranges, all; anything else is asked again."""
    assert picks(typed, 4) == meant


def test_the_keyring_only_when_it_is_wanted(command: Command) -> None:
    """aimonitor's logins lie there: the preview comes first, then the question; a no leaves it shut."""
    with_aimonitor(command.person.environment)
    command.items = aimonitor_items(command.person.environment)
    command.person.proofs = {"CANARYwork": Identity(f"{PERSON}/{TEAM}", "ada@example.com")}
    ended = command.run("aimonitor", answers=("n",))
    assert (ended.code, command.opened) == (0, [])
    assert "lie in the keyring; open it" in command.asked[0]
    ended = command.run("aimonitor", answers=("y", "all"))
    assert "keyring" in command.opened
    assert command.opened[-2:] == ["vault", "recover"]
    assert command.kept() == ["work"]
    assert (ended.code, "must be asked first" in ended.text) == (1, True)
    assert command.run("aimonitor", "--dry-run", answers=("y", "all")).code == 0
    assert (command.asked, command.opened) == ([], [])
    command.run("aimonitor", "--dry-run", "--keyring")
    assert set(command.opened) == {"keyring"}


def test_refused(command: Command) -> None:
    """A tool that is not known or not here, a vault that stays shut, nobody who can say whose it
    is: exit code 3, one line, nothing changed."""
    for words in (("keepass",), ("caam",)):
        ended = command.run(*words, answers=())
        assert (ended.code, "\n" in ended.text) == (3, False)
    with_codex_auth(command.person.environment)
    command.shut = "nobody chose yet where secrets are kept"
    ended = command.run("codex-auth", "--all")
    assert (ended.code, ended.text, command.kept()) == (3, command.shut, [])
    command.shut = ""
    with_cc_router(command.person.environment)
    ended = command.run("cc-router", "--all")
    assert (ended.code, "\n" in ended.text, command.kept()) == (3, False, [])
    assert "must be asked first" in ended.text


def test_what_is_kept_already_is_marked(command: Command) -> None:
    """Nothing to pick, but from now on the other tool renews it; a dry run notes nothing."""
    put(command.person.environment.home / ".codex/auth.json", codex_login("dev"))
    command.person.desk.capture("codex")
    with_codex_auth(command.person.environment)
    command.run("codex-auth", "--dry-run")
    assert [m.owner for m in command.person.members()] == ["cli"]
    ended = command.run("codex-auth", answers=("",))
    assert [m.owner for m in command.person.members()] == ["cli"]
    ended = command.run("codex-auth", "--all")
    assert (ended.code, "not renewed here from now on" in ended.text) == (0, True)
    assert [m.owner for m in command.person.members()] == ["codex-auth", "codex-auth"]


def test_the_real_command(environment: Environment) -> None:
    """As a process, with an encrypted vault whose passphrase comes from a descriptor; then it is
    listed; ``read_only`` refuses."""
    home = environment.home
    with_codex_auth(environment)
    put(home / ".config/quotadeck/config.toml", 'vault = "encrypted"\n')

    def run(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*QUOTADECK, *words], env=base_variables(home), capture_output=True, text=True, timeout=30,
            stdin=subprocess.DEVNULL, check=False, **more,
        )  # type: ignore[call-overload,no-any-return]  # fmt: skip

    shut = run("import", "codex-auth", "--all")
    assert (shut.returncode, "--passphrase-fd" in shut.stderr) == (3, True)
    reader, writer = os.pipe()
    os.write(writer, b"a passphrase of this test\n")
    os.close(writer)
    done = run("import", "codex-auth", "--all", "--passphrase-fd", str(reader), pass_fds=(reader,))
    os.close(reader)
    assert (done.returncode, done.stderr) == (0, "")
    assert "CANARY" not in done.stdout
    listed = json.loads(run("accounts", "--json").stdout)["accounts"]
    assert [(a["alias"], a["owner"]) for a in listed] == [("home", "codex-auth"), (None, "codex-auth")]
    put(home / ".config/quotadeck/config.toml", 'vault = "encrypted"\nread_only = true\n')
    assert run("import", "codex-auth", "--all").returncode == 3
    assert run("import", "codex-auth", "--dry-run").returncode == 0
    assert run("import").returncode == 2
