"""Modes, owners and links: what is found, and that the command that is named mends it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from providers.base import Environment, FileSource
from providers.engine.checkup import Finding, Severity, findings, typed
from providers.engine.files import make_folders
from providers.model import Source


def login_in(home: Path, name: str = "login.json") -> FileSource:
    return FileSource("a", "a login", home / ".tool", name, Source.CACHE, login=True)


def put(path: Path, mode: int = 0o600) -> Path:
    make_folders(path.parent)
    path.write_text("x")
    path.chmod(mode)
    return path


def look(environment: Environment, *sources: FileSource) -> dict[str, Finding]:
    return {finding.path: finding for finding in findings(environment, sources)}


def mended(finding: Finding, environment: Environment) -> None:
    """The command is typed in a shell of that home."""
    variables = {"HOME": str(environment.home), "PATH": os.environ["PATH"]}
    subprocess.run(["sh", "-c", finding.fix], env=variables, check=True, timeout=10)


def test_a_tidy_home_has_no_finding(environment: Environment) -> None:
    """Private logins, private folders of ours, and a config that a person shares."""
    put(environment.home / ".tool/login.json")
    for folder in (environment.config_dir, environment.state_dir, environment.data_dir):
        put(folder / "file")
    put(environment.config_dir / "config.toml", 0o644)
    assert look(environment, login_in(environment.home)) == {}


@pytest.mark.parametrize("name", ["login.json", "it's a login.json"])
def test_a_login_that_others_can_read(environment: Environment, name: str) -> None:
    """Severe; the command makes it private, whatever the file is called."""
    path = put(environment.home / ".tool" / name, 0o640)
    (finding,) = look(environment, login_in(environment.home, name)).values()
    assert (finding.path, finding.severity) == (f"~/.tool/{name}", Severity.SEVERE)
    assert finding.sentence == "can be read by others (mode 640)"
    mended(finding, environment)
    assert path.stat().st_mode & 0o777 == 0o600
    assert look(environment, login_in(environment.home, name)) == {}


def test_files_and_folders_of_ours(environment: Environment) -> None:
    """However deep they lie."""
    put(environment.data_dir / "vault/one.sealed", 0o644)
    put(environment.state_dir / "safety/x.json")
    (environment.state_dir / "safety").chmod(0o755)
    found = look(environment)
    assert set(found) == {"~/.local/share/quotadeck/vault/one.sealed", "~/.local/state/quotadeck/safety"}
    for finding in found.values():
        mended(finding, environment)
    assert look(environment) == {}
    assert (environment.state_dir / "safety").stat().st_mode & 0o777 == 0o700


def test_links(environment: Environment) -> None:
    """Of a login, of a sidecar, of ours, and one that leads nowhere; their command only looks."""
    target = put(environment.home / "elsewhere")
    for name in (".tool/login.json", ".tool/side.json", ".local/state/quotadeck/registry.json"):
        path = environment.home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.symlink_to(target)
    (environment.state_dir / "gone").symlink_to(environment.home / "nowhere")
    environment.state_dir.chmod(0o700)
    side = FileSource("b", "a sidecar", environment.home / ".tool", "side.json", Source.SIDECAR)
    found = look(environment, login_in(environment.home), side)
    assert {path.rpartition("/")[2]: f.sentence for path, f in found.items()} == {
        "login.json": "is a symbolic link; a switch refuses it",
        "side.json": "is a symbolic link; sidecars behind links are not read",
        "registry.json": "is a symbolic link",
        "gone": "is a symbolic link that leads nowhere",
    }
    assert all(f.fix.startswith("ls -l ") for f in found.values())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_another_owner(environment: Environment) -> None:
    """Severe, with the command that takes it back."""
    os.chown(put(environment.home / ".tool/login.json"), 4242, -1)
    (finding,) = look(environment, login_in(environment.home)).values()
    assert (finding.sentence, finding.severity) == ("belongs to another user", Severity.SEVERE)
    assert finding.fix == "sudo chown $(id -u) ~/.tool/login.json"


def test_how_a_path_is_typed() -> None:
    """With a tilde where that needs no quotes, else quoted whole."""
    home = Path("/home/a")
    assert typed(home / ".x/y.json", home) == "~/.x/y.json"
    assert typed(home / "a b", home) == "'/home/a/a b'"
    assert typed(Path("/etc/x"), home) == "/etc/x"
