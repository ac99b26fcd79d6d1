"""The two renames that Python lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from providers.accounts import renaming

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no renameat2 here")


def test_two_names_are_swapped(tmp_path: Path) -> None:
    """Each then stands for what the other stood for; one that is missing changes nothing."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    with pytest.raises(FileNotFoundError):
        renaming.swapped(one, two)
    two.write_text("2")
    assert renaming.swapped(one, two)
    assert (one.read_text(), two.read_text()) == ("2", "1")


def test_a_name_is_taken_only_if_it_is_free(tmp_path: Path) -> None:
    """An empty folder there, which a plain rename would replace, stays."""
    ours, place = tmp_path / "ours", tmp_path / "place"
    ours.mkdir()
    place.mkdir()
    theirs = place.stat().st_ino
    with pytest.raises(FileExistsError):
        renaming.moved_to_free(ours, place)
    assert place.stat().st_ino == theirs
    place.rmdir()
    assert renaming.moved_to_free(ours, place)
    assert [p.name for p in tmp_path.iterdir()] == ["place"]


def test_systems_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say so, and nothing is changed."""
    (tmp_path / "a").write_text("1")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not renaming.moved_to_free(tmp_path / "a", tmp_path / "b")
    assert not renaming.swapped(tmp_path / "a", tmp_path / "b")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
