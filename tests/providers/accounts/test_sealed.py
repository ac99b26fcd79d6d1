"""Secrets in files: what is on the disk, what opens it, and what every kind of damage does."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.accounts.sealed import LARGEST, EncryptedFiles, PlainFiles
from providers.accounts.secret import Secret
from providers.accounts.vault import State, Vault, VaultTrouble
from tests.terminals import base_variables

CHEAP = {"n": 2**14, "r": 8, "p": 1}
"""As cheap as a vault may be: the tests open hundreds."""

PASS = Secret("correct horse")
NAME = "v1:claude:0a0b0c0d:g1"


def made(folder: Path) -> EncryptedFiles:
    files = EncryptedFiles(folder / "vault", cost=CHEAP)
    files.unlock(PASS)
    return files


def trouble(state: State) -> pytest.RaisesExc[VaultTrouble]:
    return pytest.RaisesExc(VaultTrouble, check=lambda e: e.state is state)


def test_what_goes_in_comes_out_in_another_run(tmp_path: Path) -> None:
    """With the same passphrase; what is on the disk says nothing of it."""
    made(tmp_path).set_password("quotadeck", NAME, "canary-secret")
    again = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    assert (again.exists, again.locked) == (True, True)
    again.unlock(PASS)
    assert again.get_password("quotadeck", NAME) == "canary-secret"
    again.delete_password("quotadeck", NAME)
    again.delete_password("quotadeck", NAME)
    assert again.get_password("quotadeck", NAME) is None
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes()
            assert b"correct horse" not in path.read_bytes()


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """Files 0600 in a folder of 0700, plain ones too."""
    made(tmp_path).set_password("quotadeck", NAME, "x")
    PlainFiles(tmp_path / "plain").set_password("quotadeck", NAME, "x")
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("wrong", ["", "correct hors", "correct horse ", "Correct horse"])
def test_a_wrong_passphrase_opens_nothing(tmp_path: Path, wrong: str) -> None:
    """And leaves the vault locked, with everything in it."""
    made(tmp_path).set_password("quotadeck", NAME, "secret")
    files = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    with trouble(State.WRONG):
        files.unlock(Secret(wrong))
    assert files.locked
    with trouble(State.SEALED):
        files.get_password("quotadeck", NAME)
    with trouble(State.SEALED):
        files.set_password("quotadeck", NAME, "other")
    assert made(tmp_path).get_password("quotadeck", NAME) == "secret"


def test_a_short_passphrase_makes_no_vault(tmp_path: Path) -> None:
    """Nothing is left of the try."""
    files = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    with trouble(State.WRONG):
        files.unlock(Secret("short"))
    assert not files.exists


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_never_a_secret(tmp_path: Path, data: st.DataObject) -> None:
    """A cut, a flipped bit, other bytes: broken, not another secret and not "there is none"."""
    files = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    files.unlock(PASS)
    files.set_password("quotadeck", NAME, "secret")
    path = tmp_path / "vault/v1.claude.0a0b0c0d.g1.sealed"
    good = path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(
        st.sampled_from([good[:place], good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]])
    )
    path.write_bytes(bad)
    with trouble(State.FILES):
        files.get_password("quotadeck", NAME)


def test_one_secret_cannot_stand_in_for_another(tmp_path: Path) -> None:
    """Each is bound to its name: an older generation put in place of a newer is found out."""
    files = made(tmp_path)
    files.set_password("quotadeck", NAME, "old")
    files.set_password("quotadeck", NAME[:-1] + "2", "new")
    folder = tmp_path / "vault"
    os.replace(folder / "v1.claude.0a0b0c0d.g1.sealed", folder / "v1.claude.0a0b0c0d.g2.sealed")
    with trouble(State.FILES):
        files.get_password("quotadeck", NAME[:-1] + "2")


@pytest.mark.parametrize("head", [b"", b"{", b"[]", b'{"version": 2}', None])
def test_a_lost_head_is_no_empty_vault(tmp_path: Path, head: bytes | None) -> None:
    """It is never made anew over secrets that the old one would open."""
    made(tmp_path).set_password("quotadeck", NAME, "secret")
    path = tmp_path / "vault/vault.json"
    path.unlink() if head is None else path.write_bytes(head)
    files = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    assert files.exists
    with trouble(State.FILES):
        files.unlock(PASS)
    assert (tmp_path / "vault/v1.claude.0a0b0c0d.g1.sealed").exists()


@pytest.mark.parametrize("instead", ["folder", "link"])
def test_a_head_that_cannot_be_read_is_no_missing_one(tmp_path: Path, instead: str) -> None:
    """The sentence says what stands in its place; nobody is asked for a new passphrase."""
    made(tmp_path)
    path = tmp_path / "vault/vault.json"
    path.rename(tmp_path / "elsewhere")
    path.mkdir() if instead == "folder" else path.symlink_to(tmp_path / "elsewhere")
    files = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    assert files.exists
    with pytest.raises(VaultTrouble, match=r"vault\.json is (not a regular file|a symbolic link)"):
        files.unlock(PASS)


def test_an_odd_cost_is_refused(tmp_path: Path) -> None:
    """A head that somebody wrote cannot eat the memory of the machine."""
    made(tmp_path)
    path = tmp_path / "vault/vault.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"n": 2**30}))
    with trouble(State.FILES):
        EncryptedFiles(tmp_path / "vault").unlock(PASS)


@pytest.mark.parametrize("name", ["../x", "v1:a/b", "", "v1:é", ".hidden", "v1::g1"])
def test_a_name_never_becomes_another_path(tmp_path: Path, name: str) -> None:
    """Only ids of ours reach the file system."""
    with trouble(State.FILES):
        made(tmp_path).set_password("quotadeck", name, "x")
    assert [p.name for p in tmp_path.iterdir()] == ["vault"]


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """Neither read nor written."""
    target = tmp_path / "elsewhere"
    target.write_text("theirs")
    files = made(tmp_path)
    (tmp_path / "vault/v1.claude.0a0b0c0d.g1.sealed").symlink_to(target)
    with trouble(State.FILES):
        files.get_password("quotadeck", NAME)
    with trouble(State.FILES):
        files.set_password("quotadeck", NAME, "x")
    assert target.read_text() == "theirs"


def test_the_vault_takes_them_as_any_keyring(tmp_path: Path) -> None:
    """Put, read back, forgotten."""
    for files in (made(tmp_path), PlainFiles(tmp_path / "plain")):
        vault = Vault(lambda files=files: files)  # type: ignore[misc]
        vault.put(NAME, "secret")
        assert vault.get(NAME) == "secret"
        vault.forget(NAME)
        assert vault.get(NAME) == ""


def test_nothing_larger_than_can_be_read_is_written(tmp_path: Path) -> None:
    """The secret before stays; a MiB goes in and comes out."""
    for files in (made(tmp_path), PlainFiles(tmp_path / "plain")):
        files.set_password("quotadeck", NAME, "x" * LARGEST)
        with trouble(State.FILES):
            files.set_password("quotadeck", NAME, "x" * (LARGEST + 1))
        assert files.get_password("quotadeck", NAME) == "x" * LARGEST


def test_accents_are_one_however_they_were_typed(tmp_path: Path) -> None:
    """Composed or not; and what is no text at all opens nothing and is not quoted."""
    files = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    files.unlock(Secret("caf\u00e9 noir"))
    again = EncryptedFiles(tmp_path / "vault", cost=CHEAP)
    again.unlock(Secret("cafe\u0301 noir"))
    assert not again.locked
    with trouble(State.WRONG):
        EncryptedFiles(tmp_path / "vault", cost=CHEAP).unlock(Secret("caf\udce9 noir"))


def test_two_that_make_the_vault_at_once_make_one(tmp_path: Path) -> None:
    """Both keys open what either stored."""
    both = [EncryptedFiles(tmp_path / "vault", cost=CHEAP) for _ in range(2)]
    threads = [threading.Thread(target=files.unlock, args=(PASS,)) for files in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    both[0].set_password("quotadeck", NAME, "secret")
    assert both[1].get_password("quotadeck", NAME) == "secret"


def test_keyring_finds_none_of_them() -> None:
    """Neither when it looks for backends (in a process of its own: here none is loaded)."""
    probe = (
        "import providers.accounts.sealed, keyring.backend as b;"
        "print(sorted(type(k).__module__ for k in b.get_all_keyring()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        env=base_variables(Path("/")),
    )
    assert "keyring.backends" in done.stdout
    assert "providers" not in done.stdout
