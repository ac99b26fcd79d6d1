"""The dialogs before the first login is kept: chosen once, opened, then it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.accounts.keeping import Step
from providers.accounts.login import LoginStore
from providers.accounts.vault import State, VaultTrouble
from providers.accounts.vaults import Rung, Vaults
from providers.base import Environment
from providers.desk import Desk
from providers.engine.settings import Settings
from providers.engine.settings_file import read_settings
from tests.tui.offices import Office, begun
from tests.tui.stills import until
from tests.tui.test_picker import flat
from tui.app import QuotadeckApp
from tui.screens.passphrase import PassphraseScreen
from tui.screens.vault import VaultScreen

PASSPHRASE = "correct horse CANARY"
CHEAP = {"n": 2**14, "r": 8, "p": 1}


def absent() -> object:
    raise VaultTrouble(State.ABSENT)


@pytest.fixture
def vaults(environment: Environment) -> Vaults:
    """A box without a keyring, on which nobody chose yet."""
    return Vaults(environment, Settings(), keyring=absent, cost=CHEAP)  # type: ignore[arg-type]


@pytest.fixture
def app(environment: Environment, vaults: Vaults) -> QuotadeckApp:
    """Somebody is logged in, nothing is kept."""
    office = Office(environment, kept="")
    office.house.log_in("a")
    stores: tuple[LoginStore, ...] = (office.house.store,)

    def desk(step: Step) -> Desk:
        house = office.house
        return Desk(environment, stores, vaults.vault, house.clock, prove=house.issuer.prove, step=step)

    return office.app(open_desk=desk, vaults=lambda: vaults)


async def test_the_rung_is_chosen_before_the_first_login_is_kept(
    app: QuotadeckApp, vaults: Vaults, environment: Environment
) -> None:
    """a asks where, then for a new passphrase twice, and then keeps the login; nothing of the
    passphrase is ever shown."""
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, VaultScreen))
        await until(pilot, lambda: "encrypted" in flat(app))
        screen = app.screen
        assert isinstance(screen, VaultScreen)
        place = [offer.rung for offer in screen._offers].index(Rung.ENCRYPTED)
        screen._place = place
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PassphraseScreen))
        for _ in range(2):
            await pilot.press(*("space" if c == " " else c for c in PASSPHRASE), "enter")
            assert "CANARY" not in flat(app)
        await until(pilot, lambda: "kept: a@example.com" in flat(app))
    settings = read_settings(environment, "settings.toml")
    assert settings is not None
    assert settings.table["vault"] == "encrypted"
    assert not vaults.sealed
    kept = [p.read_bytes() for p in Path(environment.home).rglob("*") if p.is_file()]
    assert not any(PASSPHRASE.encode() in data for data in kept)


@pytest.mark.parametrize("last", ["rung", "passphrase"])
async def test_left_it_keeps_nothing_and_says_why(app: QuotadeckApp, vaults: Vaults, last: str) -> None:
    """Esc at either dialog: the sentence stands where the answer would."""
    if last == "passphrase":
        vaults.choose(Rung.ENCRYPTED)
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("a")
        wanted = PassphraseScreen if last == "passphrase" else VaultScreen
        await until(pilot, lambda: isinstance(app.screen, wanted))
        await pilot.press("escape")
        said = "give its passphrase" if last == "passphrase" else "nobody chose yet where secrets are kept"
        await until(pilot, lambda: said in flat(app))
        assert app.front is not None
        assert app.front.book is not None
        assert app.front.book.rows == ()


async def test_a_wrong_passphrase_is_asked_again(
    app: QuotadeckApp, vaults: Vaults, environment: Environment
) -> None:
    """With what was wrong."""
    from providers.accounts.secret import Secret

    vaults.choose(Rung.ENCRYPTED)
    other = Vaults(environment, Settings(), keyring=absent, cost=CHEAP)  # type: ignore[arg-type]
    other.unlock(Secret(PASSPHRASE))
    other.vault.put("x", "y")
    assert vaults.sealed
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, PassphraseScreen))
        await pilot.press(*"wrong-wrong", "enter")

        await until(pilot, lambda: "does not open the vault" in flat(app))
        await pilot.press(*("space" if c == " " else c for c in PASSPHRASE), "enter")
        await until(pilot, lambda: "kept: a@example.com" in flat(app))
