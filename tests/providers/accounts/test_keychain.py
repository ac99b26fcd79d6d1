"""A Mac's keychain by a stand-in of its program; the vault's suite runs on it too.

Not one test here ran on a Mac.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.accounts.keychain import Keychain
from providers.accounts.vault import State, Vault, VaultTrouble
from tests.providers.accounts.security_program import SecurityProgram

NAME = "v1:claude:0a0b0c0d:g1"
LONG = "canary-" + "é\n'\"x" * 3000


@pytest.fixture
def program(tmp_path: Path) -> SecurityProgram:
    return SecurityProgram(tmp_path / "bin")


@pytest.fixture
def keychain(program: SecurityProgram, tmp_path: Path) -> Keychain:
    return Keychain(tmp_path, str(program.path))


@pytest.mark.parametrize("secret", ["canary-short", LONG])
def test_a_secret_is_never_an_argument(keychain: Keychain, program: SecurityProgram, secret: str) -> None:
    """Nor a variable; only names stand there, and no variable of the person's."""
    keychain.set_password("quotadeck", NAME, secret)
    assert keychain.get_password("quotadeck", NAME) == secret
    keychain.delete_password("quotadeck", NAME)
    assert program.items == {}
    for text in program.items.values():
        assert text not in program.noted
    assert "canary" not in program.noted
    assert "Y2FuYXJ5" not in program.noted  # base64 of it
    assert "PYTEST_CURRENT_TEST" not in program.noted


def test_what_is_long_is_kept_in_parts_that_no_line_cuts(
    keychain: Keychain, program: SecurityProgram
) -> None:
    """The stand-in cuts lines as the real program does; the item with the name comes last."""
    keychain.set_password("quotadeck", NAME, LONG)
    names = list(program.items)
    assert len(names) > 5
    assert names[-1] == f"quotadeck\n{NAME}"
    assert max(map(len, program.items.values())) <= 3000


def test_another_secret_leaves_nothing_of_the_one_before(
    keychain: Keychain, program: SecurityProgram
) -> None:
    """Neither long after long, nor short after long; the same again stays whole."""
    keychain.set_password("quotadeck", NAME, LONG)
    keychain.set_password("quotadeck", NAME, LONG)
    assert keychain.get_password("quotadeck", NAME) == LONG
    keychain.set_password("quotadeck", NAME, LONG + "other")
    assert keychain.get_password("quotadeck", NAME) == LONG + "other"
    keychain.set_password("quotadeck", NAME, "short")
    assert list(program.items) == [f"quotadeck\n{NAME}"]


@pytest.mark.parametrize("damage", ["a part gone", "a part cut", "the head"])
def test_half_a_secret_is_none(keychain: Keychain, program: SecurityProgram, damage: str) -> None:
    """Said as a trouble; never given out, and never "there is none"."""
    keychain.set_password("quotadeck", NAME, LONG)
    items = program.items
    first, head = next(iter(items)), f"quotadeck\n{NAME}"
    match damage:
        case "a part gone":
            del items[first]
        case "a part cut":
            items[first] = items[first][:-4]
        case _:
            items[head] = items[head][:-1]
    program.keep(items)
    with pytest.raises(VaultTrouble) as caught:
        keychain.get_password("quotadeck", NAME)
    assert caught.value.state is State.BROKEN


@pytest.mark.parametrize(
    ("code", "state"), [(36, State.LOCKED), (51, State.DENIED), (128, State.DENIED), (1, State.BROKEN)]
)
def test_each_way_to_fail(keychain: Keychain, program: SecurityProgram, code: int, state: State) -> None:
    """A locked keychain over ssh, a dialog that was cancelled, anything else."""
    keychain.set_password("quotadeck", NAME, "secret")
    program.ends_with(code)
    vault = Vault(lambda: keychain)
    for call in (lambda: vault.get(NAME), lambda: vault.put(NAME, "other"), lambda: vault.forget(NAME)):
        with pytest.raises(VaultTrouble) as caught:
            call()
        assert caught.value.state is state
    program.ends_with(None)
    assert vault.get(NAME) == "secret"


def test_items_of_other_tools_are_read_as_they_stand(keychain: Keychain, program: SecurityProgram) -> None:
    """And never written: only names of ours reach the program's own splitting of lines."""
    program.keep({"gh:github.com\nocto": "go-keyring-base64:Z2hv"})
    assert keychain.get_password("gh:github.com", "octo") == "go-keyring-base64:Z2hv"
    assert keychain.get_password("gh:github.com", "nobody") is None
    for service, name in (("gh:github.com", "octo"), ("quotadeck", "a b"), ("quotadeck", "x\n-i")):
        with pytest.raises(VaultTrouble):
            keychain.set_password(service, name, "x")
