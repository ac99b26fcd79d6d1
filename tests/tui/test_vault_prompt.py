"""The vault at the command line: what is asked, how often, and what a person may answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from providers.accounts.secret import Secret
from providers.accounts.vault import Keyring, State, VaultTrouble
from providers.accounts.vaults import Rung, Vaults
from providers.base import Environment
from providers.engine.settings import Settings, load
from tests.providers.accounts.test_vault import Memory, failing
from tui.passphrase import NotOpened
from tui.vault_prompt import VaultPrompt

CHEAP = {"n": 2**14, "r": 8, "p": 1}


class Person:
    """Answers in this order; at the end of the answers the terminal closes."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.asked: list[str] = []
        self.told: list[str] = []

    def answer(self, question: str) -> str:
        self.asked.append(question)
        for answer in self._answers:
            return answer
        raise EOFError


@pytest.fixture
def vaults(environment: Environment) -> Callable[..., Vaults]:
    def build(vault: str = "", keyring: Callable[[], Keyring] = Memory) -> Vaults:
        return Vaults(environment, Settings(vault=vault), keyring=keyring, cost=CHEAP)

    return build


def prompt(vaults: Vaults, person: Person) -> VaultPrompt:
    return VaultPrompt(
        vaults, fd=None, terminal=True, tell=person.told.append, ask=person.answer,
        ask_hidden=person.answer,
    )  # fmt: skip


def test_the_first_time_it_asks_for_the_rung_and_a_passphrase_twice(
    vaults: Callable[..., Vaults], environment: Environment
) -> None:
    """Each rung is said with what stands against it; the choice is remembered; a second use of
    the same run asks nothing."""
    locked = failing(VaultTrouble(State.LOCKED))
    person = Person("nonsense", "keyring", "Encrypted", "correct horse", "correct horse")
    asking = prompt(vaults("", locked), person)
    assert asking.open() is Rung.ENCRYPTED
    assert asking.open() is Rung.ENCRYPTED
    assert load(environment, ()).vault == "encrypted"
    assert person.asked[0] == "encrypted, none: "
    assert len(person.asked) == 5
    told = "\n".join(person.told)
    assert "not now: the keyring is locked" in told
    assert "gnome-keyring-daemon --replace --unlock" in told
    again = Person("correct horse")
    assert prompt(vaults("encrypted"), again).open() is Rung.ENCRYPTED
    assert len(again.asked) == 1


def test_a_wrong_passphrase_may_be_given_again_twice(vaults: Callable[..., Vaults]) -> None:
    """Then the vault stays closed."""
    vaults("encrypted").unlock(Secret("correct horse"))
    person = Person("wrong", "wronger", "correct horse")
    assert prompt(vaults("encrypted"), person).open() is Rung.ENCRYPTED
    assert person.told == ["that passphrase does not open the vault"] * 2
    with pytest.raises(NotOpened, match="does not open"):
        prompt(vaults("encrypted"), Person("a", "b", "c", "correct horse")).open()


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ((), "nothing was given"),
        (("what", "ever", "nobody"), "none of them was chosen"),
        (("none",), "nothing is kept"),
        (("encrypted", "correct horse", "correct house"), "not the same"),
        (("encrypted", "short", "short", "small", "small", "brief", "brief"), "8 characters"),
    ],
)
def test_who_gives_nothing_useful_gets_a_sentence(
    vaults: Callable[..., Vaults], environment: Environment, answers: tuple[str, ...], sentence: str
) -> None:
    """And no vault is made."""
    with pytest.raises(NotOpened, match=sentence):
        prompt(vaults(), Person(*answers)).open()
    assert not list(environment.data_dir.rglob("*.json"))


def test_a_keyring_asks_for_nothing(vaults: Callable[..., Vaults]) -> None:
    """Once it was chosen."""
    person = Person()
    assert prompt(vaults("keyring"), person).open() is Rung.KEYRING
    assert person.asked == person.told == []
