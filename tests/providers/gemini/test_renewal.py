"""Renewing Google's token in place: what changes in the file, and everything that prevents it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.asking import Credential, NotAsked
from providers.base import Environment, FileBytes, Found, ReadContext
from providers.engine.processes import running
from providers.gemini import renewal
from providers.gemini.endpoint import ENDPOINT
from providers.gemini.login import google_login
from tests.conftest import SAMPLES

NOW = 1_795_338_000.0
FRESH = {"access_token": "ya29.NEW", "expiry_date": f"{(NOW + 3600) * 1000:.0f}"}
OLD = (SAMPLES / "gemini/oauth_creds.consumer_expired.json").read_bytes()
REFRESH = "1//EXAMPLE-REFRESH-2"


@pytest.fixture
def credentials(environment: Environment) -> Path:
    path = environment.home / ".gemini/oauth_creds.json"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path


def keep(environment: Environment, renewed: dict[str, str] = FRESH, refresh: str = REFRESH) -> str:
    credential = Credential("a", "f", "", {"refresh_token": refresh}, lapsed=True)
    return ENDPOINT.keep(renewed, credential, ReadContext(NOW, environment))


def test_two_keys_change_and_nothing_else(environment: Environment, credentials: Path) -> None:
    """Every other key stays, also one that nobody knows; the file is private."""
    before = json.loads(OLD)
    assert keep(environment) == ""
    after = json.loads(credentials.read_bytes())
    assert (after.pop("access_token"), after.pop("expiry_date")) == ("ya29.NEW", 1_795_341_600_000)
    assert after == {k: v for k, v in before.items() if k not in ("access_token", "expiry_date")}
    assert list(json.loads(credentials.read_bytes())) == list(before)
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in credentials.parent.iterdir()] == ["oauth_creds.json"]


def test_another_account_meanwhile(environment: Environment, credentials: Path) -> None:
    """Somebody logged in as another person while the question was out."""
    assert "changed meanwhile" in keep(environment, refresh="1//ANOTHER")
    assert credentials.read_bytes() == OLD


def test_the_cli_was_faster(environment: Environment, credentials: Path) -> None:
    """A token that is good for longer stays."""
    newer = json.dumps(json.loads(OLD) | {"expiry_date": (NOW + 7200) * 1000, "access_token": "ya29.CLI"})
    credentials.write_text(newer)
    assert keep(environment) == ""
    assert credentials.read_text() == newer


def test_never_through_a_link(environment: Environment, credentials: Path) -> None:
    """The file behind it is left alone."""
    target = environment.home / "elsewhere.json"
    credentials.rename(target)
    credentials.symlink_to(target)
    assert "symbolic link" in keep(environment)
    assert target.read_bytes() == OLD


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"refresh_token": 1}'])
def test_a_torn_file_is_left_alone(environment: Environment, credentials: Path, data: bytes) -> None:
    """One sentence, the bytes as they were."""
    credentials.write_bytes(data)
    assert keep(environment) != ""
    assert credentials.read_bytes() == data


def test_a_gone_file(environment: Environment) -> None:
    """Nothing is made anew."""
    assert "is gone" in keep(environment)
    assert not (environment.home / ".gemini").exists()


def lapsed(environment: Environment) -> Credential | NotAsked:
    files: dict[str, Found] = {"credentials": FileBytes(Path("/h/x"), OLD, NOW)}
    return ENDPOINT.credential(files, ReadContext(NOW, environment))


def test_never_while_a_gemini_runs(
    with_variables: Callable[..., Environment], tmp_path: Path, credentials: Path
) -> None:
    """A running CLI would write over it, or be written over; that one renews by itself."""
    environment = with_variables(GEMINI_OAUTH_CLIENT_ID="id", GEMINI_OAUTH_CLIENT_SECRET="secret")
    assert isinstance(lapsed(environment), Credential)
    script = tmp_path / "gemini"
    script.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = lapsed(environment)
        assert isinstance(found, NotAsked)
        assert "gemini runs" in found.reason
        assert "started meanwhile" in keep(environment)
        process.kill()
    assert credentials.read_bytes() == OLD


def test_not_knowing_what_runs_counts_as_running(tmp_path: Path) -> None:
    """Without /proc nothing is renewed."""
    assert running(frozenset({"gemini"}), tmp_path) is None
    assert running(frozenset({"gemini"}), tmp_path / "absent") is None


def test_client_values_are_never_ours(
    environment: Environment, with_variables: Callable[..., Environment], tmp_path: Path
) -> None:
    """From variables, from beside the tokens, from the installed CLI's bundle; else the person is
    told to run it."""
    login = google_login({"credentials": FileBytes(Path("/h/x"), OLD, NOW)})
    assert login is not None
    assert renewal.client_values(login, environment) is None
    assert isinstance(lapsed(environment), NotAsked)
    bundle = tmp_path / "lib/node_modules/@google/gemini-cli/bundle"
    bundle.mkdir(parents=True)
    name = "12345-abc.apps.googleusercontent" + ".com"
    # Across the edge of a block, as in a chunk of many megabytes.
    filler = b"x" * (renewal._BLOCK - 20)
    (bundle / "chunk-A.js").write_bytes(
        filler + f"var OAUTH_CLIENT_ID = \"{name}\";\nvar OAUTH_CLIENT_SECRET = 'EXAMPLE-secret';".encode()
    )
    (bundle / "gemini.js").write_text("#!/usr/bin/env node\n")
    (bundle / "gemini.js").chmod(0o755)
    folder = tmp_path / "bin"
    folder.mkdir()
    os.symlink(bundle / "gemini.js", folder / "gemini")
    assert renewal.client_values(login, with_variables(PATH=str(folder))) == (name, "EXAMPLE-secret")
    both = with_variables(
        PATH=str(folder),
        TOKENMAXXER_GEMINI_OAUTH_CLIENT_ID="mine",
        TOKENMAXXER_GEMINI_OAUTH_CLIENT_SECRET="s",
    )
    assert renewal.client_values(login, both) == ("mine", "s")
