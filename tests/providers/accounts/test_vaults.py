"""The four rungs: who chooses, what is said of each, and that none ever stands in for another."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.accounts.keys import Keys, KeyTrouble
from providers.accounts.secret import Secret
from providers.accounts.system_keyring import recipe
from providers.accounts.vault import Keyring, State, VaultTrouble
from providers.accounts.vaults import Offer, Rung, Vaults
from providers.asking import Kept, NotAsked
from providers.base import Environment
from providers.engine.settings import Settings, load
from tests.conftest import FakeClock
from tests.providers.accounts.test_vault import Memory, failing

CHEAP = {"n": 2**14, "r": 8, "p": 1}
PASS = Secret("correct horse")
NAME = "v1:claude:0a0b0c0d:g1"
CONFIG = {"vault": "~/.config/quotadeck/config.toml"}
FOREIGN = Kept("gh:github.com", "octo")


class Counted(Memory):
    """A keyring that tells whether it was touched."""

    opened = 0

    def open(self) -> Keyring:
        self.opened += 1
        return self


@pytest.fixture
def keyring() -> Counted:
    return Counted()


@pytest.fixture
def made(environment: Environment, keyring: Counted) -> Callable[..., Vaults]:
    """Vaults of another run on the same machine."""

    def build(vault: str = "", open_keyring: Callable[[], Keyring] = keyring.open, **more: object) -> Vaults:
        settings = Settings(vault=vault, **more)  # type: ignore[arg-type]
        return Vaults(environment, settings, keyring=open_keyring, cost=CHEAP, deadline=5.0)

    return build


def trouble(state: State) -> pytest.RaisesExc[VaultTrouble]:
    return pytest.RaisesExc(VaultTrouble, check=lambda e: e.state is state)


def offers(vaults: Vaults) -> dict[Rung, Offer]:
    return {offer.rung: offer for offer in vaults.survey()}


def used(vaults: Vaults) -> None:
    """Every way of using the vault."""
    for call in (
        lambda: vaults.vault.put(NAME, "secret"),
        lambda: vaults.vault.get(NAME),
        lambda: vaults.vault.forget(NAME),
    ):
        call()


@pytest.mark.parametrize(
    ("vault", "state"), [("", State.UNCHOSEN), ("none", State.NONE), ("encrypted", State.SEALED)]
)
def test_no_rung_stands_in_for_another(
    made: Callable[..., Vaults], keyring: Counted, environment: Environment, vault: str, state: State
) -> None:
    """Unchosen, nothing, or locked: each use says so, the keyring is not touched, no file made."""
    vaults = made(vault)
    for call in (
        lambda: vaults.vault.get(NAME),
        lambda: vaults.vault.put(NAME, "x"),
        lambda: vaults.vault.forget(NAME),
    ):
        with trouble(state):
            call()
    assert keyring.opened == 0
    assert not environment.data_dir.exists()


def test_a_chosen_keyring_that_is_gone_is_a_trouble(
    made: Callable[..., Vaults], environment: Environment
) -> None:
    """Never a file instead, whatever else could be used."""
    vaults = made("keyring", failing(VaultTrouble(State.ABSENT)))
    vaults.unlock(PASS)
    with trouble(State.ABSENT):
        vaults.vault.put(NAME, "secret")
    assert [p.name for p in environment.data_dir.rglob("*.sealed")] == []


@pytest.mark.parametrize("rung", [Rung.KEYRING, Rung.ENCRYPTED, Rung.NONE])
def test_a_choice_is_remembered(made: Callable[..., Vaults], environment: Environment, rung: Rung) -> None:
    """In settings.toml, for the next run and for one that runs already."""
    waiting = made()
    assert waiting.rung is None
    made().choose(rung)
    assert load(environment, ()).vault == rung.value
    assert waiting.rung is rung


def test_read_only_remembers_nothing(made: Callable[..., Vaults], environment: Environment) -> None:
    """The choice holds for this run."""
    vaults = made(read_only=True)
    vaults.choose(Rung.KEYRING)
    assert vaults.rung is Rung.KEYRING
    assert not environment.config_dir.exists()


def test_plain_text_only_because_config_toml_says_so(
    made: Callable[..., Vaults], environment: Environment
) -> None:
    """The dialog cannot choose it; said there, it holds, in files of 0600."""
    with trouble(State.REFUSED):
        made().choose(Rung.PLAINTEXT)
    assert not offers(made())[Rung.PLAINTEXT].usable
    vaults = made("plaintext", origins=CONFIG)
    assert offers(vaults)[Rung.PLAINTEXT].usable
    used(vaults)
    vaults.vault.put(NAME, "secret")
    (file,) = environment.data_dir.rglob("*.plain")
    assert file.read_text() == "secret"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (file, file.parent)] == [0o600, 0o700]


def test_what_config_toml_says_no_key_changes(made: Callable[..., Vaults], environment: Environment) -> None:
    """The others are offered as what would have to be written there."""
    vaults = made("none", origins=CONFIG)
    with pytest.raises(VaultTrouble, match='write vault = "encrypted" in config'):
        vaults.choose(Rung.ENCRYPTED)
    vaults.choose(Rung.NONE)
    assert [o.rung for o in vaults.survey() if o.usable] == [Rung.NONE]
    assert not environment.config_dir.exists()


def test_keys_from_before_the_choice_stay_in_the_keyring(
    made: Callable[..., Vaults], environment: Environment, clock: FakeClock, keyring: Counted
) -> None:
    """They are found there without a question, and no other rung can be chosen over them."""
    old = Keys(environment, made("keyring").vault, clock).set("zai", "canary-key")
    vaults = made()
    assert vaults.rung is Rung.KEYRING
    assert vaults.fetch(old.kept) == "canary-key"
    with pytest.raises(VaultTrouble, match="keys lie in the keyring"):
        vaults.choose(Rung.ENCRYPTED)
    vaults.choose(Rung.KEYRING)
    (environment.data_dir / "keys.json").write_text("{")
    assert made().rung is Rung.KEYRING


def test_the_passphrase_is_given_once_a_run(made: Callable[..., Vaults], environment: Environment) -> None:
    """The first makes the vault; each run has to give it anew; a wrong one opens nothing."""
    vaults = made("encrypted")
    assert (vaults.sealed, vaults.fresh) == (True, True)
    with pytest.raises(VaultTrouble, match="8 characters"):
        vaults.unlock(Secret("short"))
    vaults.unlock(PASS)
    assert (vaults.sealed, vaults.fresh) == (False, False)
    vaults.vault.put(NAME, "canary-secret")
    again = made("encrypted")
    assert (again.sealed, again.fresh) == (True, False)
    with trouble(State.WRONG):
        again.unlock(Secret("wrong horse"))
    with trouble(State.SEALED):
        again.vault.get(NAME)
    again.unlock(PASS)
    assert again.vault.get(NAME) == "canary-secret"
    for path in environment.home.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes()
            assert b"correct horse" not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("vault", ["", "keyring", "encrypted", "none"])
def test_items_of_other_tools_come_from_the_keyring_alone(
    made: Callable[..., Vaults], keyring: Counted, vault: str
) -> None:
    """Whatever was chosen for ours."""
    keyring.held["gh:github.com", "octo"] = "go-keyring-base64:Z2hvX2NhbmFyeQ=="
    assert made(vault).fetch(FOREIGN) == "gho_canary"


def test_a_secret_that_cannot_be_fetched_says_why(made: Callable[..., Vaults]) -> None:
    """One sentence for the panel, for ours and for others'."""
    vaults = made("encrypted", failing(VaultTrouble(State.LOCKED)))
    own, foreign = vaults.fetch(Kept("quotadeck", NAME)), vaults.fetch(FOREIGN)
    assert isinstance(own, NotAsked)
    assert isinstance(foreign, NotAsked)
    assert (own.reason, foreign.reason) == (
        "the vault is locked: give its passphrase", "the keyring is locked: unlock it and try again",
    )  # fmt: skip


@pytest.mark.parametrize(
    "state", [State.ABSENT, State.LOCKED, State.UNMADE, State.DENIED, State.BROKEN, State.SILENT]
)
def test_a_keyring_that_does_not_work_is_offered_with_what_helps(
    made: Callable[..., Vaults], state: State
) -> None:
    """Its sentence and its recipe, and it cannot be chosen now; the encrypted one can."""
    found = offers(made("", failing(VaultTrouble(state))))
    assert list(found) == list(Rung)
    offer = found[Rung.KEYRING]
    assert (offer.usable, offer.state, offer.recipe) == (False, state, recipe("linux", state))
    assert offer.sentence == str(VaultTrouble(state))
    assert found[Rung.ENCRYPTED].usable
    assert found[Rung.NONE].usable
    assert not any(o.chosen for o in found.values())


def test_a_keyring_that_works_is_offered(made: Callable[..., Vaults]) -> None:
    """And what was chosen is marked."""
    found = offers(made())
    assert (found[Rung.KEYRING].usable, found[Rung.KEYRING].state) == (True, None)
    assert offers(made("keyring"))[Rung.KEYRING].chosen
    vaults = made("encrypted")
    vaults.unlock(PASS)
    assert offers(vaults)[Rung.ENCRYPTED].sentence == "it is open"
    assert "passphrase opens it" in offers(made("encrypted"))[Rung.ENCRYPTED].sentence


def test_a_keyring_that_never_answers_keeps_nobody(environment: Environment) -> None:
    """A prompt on another screen: survey and use end at the deadline."""
    forever = threading.Event()

    def hang() -> Keyring:
        forever.wait()
        return Memory()

    vaults = Vaults(environment, Settings(vault="keyring"), keyring=hang, deadline=0.05)
    began = time.monotonic()
    assert offers(vaults)[Rung.KEYRING].state is State.SILENT
    with trouble(State.SILENT):
        vaults.vault.get(NAME)
    assert time.monotonic() - began < 5
    forever.set()


def test_a_choice_that_cannot_be_kept_is_none(
    made: Callable[..., Vaults], environment: Environment, tmp_path: Path
) -> None:
    """Else the next run would ask where the secrets of this one went."""
    environment.config_dir.mkdir(parents=True)
    (environment.config_dir / "settings.toml").symlink_to(tmp_path / "elsewhere")
    vaults = made()
    with trouble(State.FILES):
        vaults.choose(Rung.ENCRYPTED)
    assert vaults.rung is None


def test_keys_go_where_was_chosen(
    made: Callable[..., Vaults], environment: Environment, clock: FakeClock, keyring: Counted
) -> None:
    """The same keys.json, another rung; locked, the key is not stored and the sentence says why."""
    vaults = made("encrypted")
    keys = Keys(environment, vaults.vault, clock)
    with pytest.raises(KeyTrouble, match="give its passphrase"):
        keys.set("zai", "canary-key")
    vaults.unlock(PASS)
    held = keys.set("zai", "canary-key")
    assert vaults.fetch(held.kept) == "canary-key"
    assert keyring.opened == 0
    assert keys.forget("zai")
    assert [p.suffix for p in (environment.data_dir / "vault").iterdir() if p.suffix == ".sealed"] == []
