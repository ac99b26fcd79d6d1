"""The commands around accounts: what they say, what they exit with."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable

import pytest

from providers.accounts.vault import State, VaultTrouble
from providers.base import Environment
from providers.desk import Desk
from providers.engine.settings import Settings
from providers.live import open_live
from tests.world.households import NOW, Household
from tui.accounts_command import AccountsCommand, Ended
from tui.arguments import parser_of

Run = Callable[..., Ended]


@pytest.fixture
def house(environment: Environment) -> Household:
    """Nobody is logged in yet."""
    return Household(environment)


@pytest.fixture
def run(house: Household) -> Run:
    """``run("switch", "claude", "a")`` as a person types it."""

    def view():  # type: ignore[no-untyped-def]
        live = open_live(house.environment, Settings(), house.clock)
        live.load()
        return live.view()

    def call(*words: str) -> Ended:
        desk = Desk(house.environment, (house.store,), house.vault, house.clock, prove=house.issuer.prove)
        options: Namespace = parser_of().parse_args(list(words))
        return AccountsCommand(desk, view, NOW).run(options)

    return call


def test_capture_two_switch_undo(house: Household, run: Run) -> None:
    """By alias and by e-mail; ``undo`` goes back; the list marks the live one."""
    house.log_in("a")
    assert run("capture", "claude", "--alias", "work").code == 0
    house.log_in("b")
    assert run("capture", "claude").code == 0
    assert [line[11] for line in run("accounts").text.splitlines()] == [" ", "*"]
    done = run("switch", "claude", "work")
    assert done.code == 0
    assert "next message" in done.text
    assert house.live_refresh == house.issuer.newest("a")
    answer = json.loads(run("undo", "claude", "--json").text)
    assert (answer["ok"], answer["verified"], answer["from"], answer["to"]) == (
        True,
        True,
        "work",
        "b@example.com",
    )
    assert set(answer) == {
        "ok", "provider", "from", "to", "verified", "takes_effect", "running_sessions", "message"
    }  # fmt: skip
    assert run("switch", "claude", "a@example.com").code == 0


def test_a_dry_run_changes_nothing(house: Household, run: Run) -> None:
    """It says what would be written."""
    for name in ("a", "b"):
        house.log_in(name)
        run("capture", "claude", "--alias", name)
    before = house.all_secrets()
    said = run("switch", "claude", "a", "--dry-run")
    assert (said.code, "would write" in said.text) == (0, True)
    assert house.all_secrets() == before


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("switch", "claude", "nobody"), "no account of claude is called 'nobody'"),
        (("switch", "cursor", "a"), "cursor-agent login"),
        (("switch", "claude", "best"), "no other account of claude is better"),
        (("undo", "claude"), "no switch of claude to undo"),
        (("capture", "copilot"), "/user switch"),
        (("forget", "claude", "x"), "no account of claude"),
        (("recover", "ffffffff"), "no removed account"),
    ],
)
def test_refused_with_a_reason(house: Household, run: Run, words: tuple[str, ...], why: str) -> None:
    """Exit code 3, one sentence."""
    ended = run(*words)
    assert ended.code == 3
    assert why in ended.text
    assert "\n" not in ended.text


def test_forget_and_bring_back(house: Household, run: Run) -> None:
    """For seven days; then the vault lets it go."""
    for name in ("a", "b"):
        house.log_in(name)
        run("capture", "claude", "--alias", name)
    ident = json.loads(run("accounts", "--json").text)["accounts"][0]["id"]
    assert run("forget", "claude", "a").code == 0
    assert run("switch", "claude", "a").code == 3
    assert run("recover", ident).code == 0
    assert run("switch", "claude", ident).code == 0
    assert house.live_refresh == house.issuer.newest("a")
    run("forget", "claude", ident)
    house.clock.advance(8 * 86_400)
    run("recover")
    assert run("recover", ident).code == 3
    held = "".join(p.read_text() for p in house.ring.folder.iterdir())
    assert house.issuer.newest("a") not in held


def test_a_vault_that_is_locked(house: Household, run: Run) -> None:
    """Nothing is captured, and the sentence says what to do; ``--json`` says it as JSON."""
    house.log_in("a")
    run("capture", "claude", "--alias", "a")
    house.log_in("b")
    run("capture", "claude")

    def locked() -> object:
        raise VaultTrouble(State.LOCKED)

    house.vault._open = locked  # type: ignore[assignment]
    ended = run("switch", "claude", "a")
    assert (ended.code, "unlock it" in ended.text) == (3, True)
    assert json.loads(run("switch", "claude", "a", "--json").text)["ok"] is False
    house.log_in("c")
    assert run("capture", "claude").code == 3
