"""Where tools keep their files, by platform.  Pure: nothing is looked up on disk."""

from __future__ import annotations

from pathlib import Path

from providers.base import Environment

_EDITORS = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")


def config(environment: Environment) -> Path:
    """Where desktop programs keep their settings."""
    return support(environment) or environment.folder("XDG_CONFIG_HOME", ".config")


def data(environment: Environment) -> Path:
    """``$XDG_DATA_HOME``; command line tools use it on a Mac too."""
    return environment.folder("XDG_DATA_HOME", ".local/share")


def desktop_data(environment: Environment) -> Path:
    """Where desktop programs keep their data."""
    return support(environment) or data(environment)


def support(environment: Environment) -> Path | None:
    """The Mac's folder for both, None elsewhere."""
    return environment.home / "Library/Application Support" if environment.platform == "darwin" else None


def extension(environment: Environment, name: str) -> tuple[Path, ...]:
    """The global storage of an extension in each editor that is a VS Code."""
    users = [config(environment) / editor / "User" for editor in _EDITORS]
    users += [
        environment.home / server / "data/User" for server in (".vscode-server", ".vscode-server-insiders")
    ]
    return tuple(user / "globalStorage" / name for user in users)
