"""The stores of the registry: every CLI whose login can be switched has one, and all answer alike."""

from __future__ import annotations

from pathlib import Path

import providers
from providers.accounts.login import FileLock, FolderLock, Held, Running
from providers.base import Environment
from tests.conftest import SAMPLES


def installed(environment: Environment) -> None:
    """A login of every CLI."""
    for source, target in (
        ("claude/credentials.full.json", ".claude/.credentials.json"),
        ("claude/claude_json.max20x.json", ".claude.json"),
        ("codex/auth.chatgpt.json", ".codex/auth.json"),
        ("gemini/oauth_creds.json", ".gemini/oauth_creds.json"),
        ("gemini/google_accounts.json", ".gemini/google_accounts.json"),
        ("opencode/auth.v1.json", ".local/share/opencode/auth.json"),
    ):
        path = environment.home / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((SAMPLES / source).read_bytes())


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_switchable_cli_has_stores(environment: Environment) -> None:
    """In panel order, each by its own name and slot, and none of them writes anything."""
    assert [name for name in providers.PROVIDERS if name in providers.SWITCHABLE] == list(
        providers.SWITCHABLE
    )
    installed(environment)
    before = everything(environment.home)
    stores = providers.stores(environment)
    names = [(store.provider, store.slot) for store in stores]
    assert len(set(names)) == len(names)
    assert list(dict.fromkeys(name for name, _ in names)) == list(providers.SWITCHABLE)
    for store in stores:
        assert store.effect
        assert store.command
        assert (store.margin >= 0, store.alone in (True, False)) == (True, True)
        assert store.files()[0].secret
        assert all(isinstance(lock, FileLock | FolderLock) for lock in store.locks())
        assert isinstance(store.running(), Running)
        assert store.parse({}).held is Held.NOTHING
        assert store.refusal({}) == ""
    assert everything(environment.home) == before


def test_nothing_is_installed(environment: Environment) -> None:
    """A bare home: the stores are there, and empty; an entry of OpenCode is not."""
    assert [store.provider for store in providers.stores(environment)] == ["claude", "codex", "gemini"]
    assert everything(environment.home) == {}
