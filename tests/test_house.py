"""The rules of the house that no linter knows: rooms, README, packaging."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import providers
from tests.terminals import base_variables
from tui.keymap import markdown_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_top_level() -> None:
    """Nothing stands beside the rooms but dot-files and the licence."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in listed.splitlines()}
    assert {t for t in top if not t.startswith(".")} == {
        "LICENSE", "README.md", "providers", "pyproject.toml", "screenshots", "tests", "tui",
    }  # fmt: skip


def test_importing_the_command_loads_nothing_heavy() -> None:
    """After ``import tui.cli`` there is no Textual, httpx, keyring, nor anything of ours but it."""
    probe = "import sys, tui.cli; print(sorted(m for m in sys.modules if m.split('.')[0] in {heavy}))"
    heavy = {"textual", "rich", "httpx", "keyring", "watchfiles", "providers", "typing", "argparse"}
    command = [sys.executable, "-c", probe.format(heavy=heavy)]
    done = subprocess.run(command, env=base_variables(ROOT), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_providers_never_load_the_screen() -> None:
    """Every module of providers is imported; neither tui nor Textual comes along."""
    modules = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts) for p in (ROOT / "providers").rglob("*.py")
    ]
    probe = (
        f"import sys, importlib; [importlib.import_module(m.removesuffix('.__init__')) for m in {modules}];"
    )
    probe += (
        "print([m for m in ('tui', 'textual', 'rich', 'httpx', 'keyring', 'watchfiles') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_readmes_keys_are_the_codes() -> None:
    """The key table of the README is the one that the code prints."""
    assert markdown_table().strip() in README


def test_the_readmes_providers_are_the_registrys() -> None:
    """One row for each provider, with its name, its id and every host that it may ask."""
    rows = {cells[2].strip(" `"): cells for line in README.splitlines()
            if len(cells := line.split("|")) == 7 and cells[2].strip().startswith("`")}  # fmt: skip
    assert set(rows) == set(providers.PROVIDERS)
    for name in providers.PROVIDERS:
        provider = providers.load(name)
        assert rows[name][1].strip() == provider.descriptor.name
        hosts = {site.host for endpoint in provider.endpoints() for site in endpoint.sites}
        assert set(re.findall(r"`([\w.:*-]+)`", rows[name][4])) == hosts
        for variable in getattr(getattr(provider, "_service", None), "variables", ()):
            assert f"`{variable}`" in rows[name][5]


def test_the_readmes_pictures_exist() -> None:
    """Every picture that the README shows is in screenshots/."""
    shown = re.findall(r"\]\((screenshots/[^)]+)\)", README)
    assert shown
    assert all((ROOT / path).is_file() for path in shown)


def test_every_module_says_what_it_owns() -> None:
    """Each module, public class and public function of ours has a docstring."""
    silent: list[str] = []
    for path in [*(ROOT / "providers").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes: list[ast.AST] = [
            tree,
            *(n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))),
        ]
        for node in nodes:
            name = getattr(node, "name", path.name)
            if not name.startswith("_") and not ast.get_docstring(node):  # type: ignore[arg-type]
                silent.append(f"{path.name}:{name}")
    assert silent == []


@pytest.mark.endurance
def test_the_wheel_holds_the_two_packages(tmp_path: Path) -> None:
    """Built and opened: tui with its stylesheet, providers, and no third top level."""
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, timeout=300)
    names = zipfile.ZipFile(next(tmp_path.glob("quotadeck-*.whl"))).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"tui", "providers"}
    assert "tui/deck.tcss" in names
