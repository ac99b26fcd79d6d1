"""aimonitor's accounts: named by its database, their logins out of the keyring on request."""

from __future__ import annotations

import fcntl

import pytest

from providers.accounts.importers import CannotImport
from providers.accounts.vault import State, VaultTrouble
from providers.base import Environment
from tests.providers.accounts.importers.homes import aimonitor_items, by_label, found, with_aimonitor


def test_the_logins_of_the_keyring(environment: Environment) -> None:
    """Under their labels; whose they are, an e-mail and an organisation do not prove; one whose
    login ended is not asked for.  Its daemon renews them, however long ago it wrote."""
    with_aimonitor(environment)
    every = by_label("aimonitor", environment, aimonitor_items(environment))
    assert list(every) == ["work", "home", "old"]
    for name in ("work", "home"):
        login = every[name].login
        assert login is not None
        assert f"CANARY{name}refresh" in login.payload.reveal()
        assert (login.claimed, every[name].alias, every[name].still_used) == (None, name, True)
    assert every["old"].why_not == "aimonitor says that this login has ended: log in to it again"


def test_without_being_asked_the_keyring_stays_closed(environment: Environment) -> None:
    """A preview names the accounts all the same."""
    with_aimonitor(environment)
    work = by_label("aimonitor", environment)["work"]
    assert work.why_not == "its login is in the keyring, which is not opened for a preview"


def test_a_keyring_that_fails_is_not_asked_again(environment: Environment) -> None:
    """Each question may be a prompt; locked is said as locked, not as no login."""
    with_aimonitor(environment)
    asked = []

    def secret(service: str, user: str) -> str:
        asked.append(service)
        raise VaultTrouble(State.LOCKED)

    every = by_label("aimonitor", environment, secret)
    assert len(asked) == 1
    assert {every[n].why_not for n in ("work", "home")} == {"the keyring is locked: unlock it and try again"}


def test_an_item_that_is_not_there(environment: Environment) -> None:
    """Said as such."""
    with_aimonitor(environment)
    work = by_label("aimonitor", environment, lambda service, user: "")["work"]
    assert work.why_not == "the keyring holds no login of it"


@pytest.mark.parametrize(
    ("more", "label", "why"),
    [
        ("UPDATE accounts SET keyring_ref = '../../x' WHERE id = 1;", "work", "item in the keyring is none"),
        ("UPDATE accounts SET provider = 'codex' WHERE id = 1;", "work", "kind that this version"),
    ],
)
def test_an_odd_row_is_refused_alone(environment: Environment, more: str, label: str, why: str) -> None:
    """The others stay."""
    with_aimonitor(environment, more=more)
    every = by_label("aimonitor", environment, aimonitor_items(environment))
    assert why in every[label].why_not
    assert every["home"].login is not None


def test_a_reference_with_the_prefix(environment: Environment) -> None:
    """A comment of its code says that the prefix is part of it: both are accepted."""
    with_aimonitor(environment, more="UPDATE accounts SET keyring_ref = 'aimonitor-' || keyring_ref;")
    assert by_label("aimonitor", environment, aimonitor_items(environment))["work"].login is not None


@pytest.mark.parametrize(
    "more",
    [
        "INSERT INTO schema_migrations VALUES ('0009_more', 0);",
        "DELETE FROM schema_migrations;",
        "INSERT INTO schema_migrations VALUES ('odd', 0);",
        "DROP TABLE schema_migrations;",
        "ALTER TABLE accounts DROP COLUMN keyring_ref;",
    ],
)
def test_a_schema_that_is_not_known_is_refused(environment: Environment, more: str) -> None:
    """Newer ones too: what changed is not known."""
    with_aimonitor(environment, more=more)
    with pytest.raises(CannotImport, match="this version"):
        found("aimonitor", environment)


def test_while_it_switches_nothing_is_read(environment: Environment) -> None:
    """Its lock is respected, and free again afterwards."""
    with_aimonitor(environment)
    with (environment.home / ".aimonitor-lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CannotImport, match="just now: try again"):
            found("aimonitor", environment)
        fcntl.flock(lock, fcntl.LOCK_UN)
        found("aimonitor", environment)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_no_database(environment: Environment) -> None:
    """Named in the sentence."""
    with pytest.raises(CannotImport, match=r"aimonitor keeps no accounts here: there is no .*aimonitor\.db"):
        found("aimonitor", environment)
