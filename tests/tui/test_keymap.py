"""The key table: whole, free of clashes, and understood by Textual."""

from __future__ import annotations

import re

import pytest
from textual.app import App
from textual.binding import Binding, BindingsMap

from tui.keymap import (
    KEYMAP,
    PICKER,
    bindings,
    check_overrides,
    footer_entries,
    keymap,
    markdown_table,
    picker_bindings,
)

ACTIONS = {
    "move", "goto", "problem", "open", "back", "refresh", "zoom", "used_left", "order", "compact",
    "theme", "private", "pause", "suspend", "redraw", "help", "quit", "filter", "hide", "show_hidden",
    "events", "usage", "stop_scan", "settings", "copy", "mute", "palette", "switch", "undo_switch",
    "add_account", "pick_best", "verify", "rename", "remove",
}  # fmt: skip


class Pressed(App[None]):
    """Notes the actions that reach the app instead of doing them."""

    BINDINGS = bindings({})
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, overrides: dict[str, str] | None = None) -> None:
        super().__init__()
        self.seen: list[str] = []
        if overrides:
            self.set_keymap({key.id: ",".join(key.keys) for key in keymap(overrides)})

    async def run_action(self, action, *args, **kwargs) -> bool:  # type: ignore[no-untyped-def]
        if action == "screen.copy_text":
            return await super().run_action(action, *args, **kwargs)
        self.seen.append(action)
        return True


def _by_key(found: list[Binding]) -> dict[str, list[Binding]]:
    return BindingsMap(found).key_to_bindings


def test_ids_are_unique() -> None:
    """An id names one thing, so that an override is not ambiguous."""
    ids = [key.id for key in KEYMAP]
    assert len(ids) == len(set(ids)) == 54


def test_no_key_does_two_things() -> None:
    """Every key of the table belongs to one id; the picker's own may be letters of the deck's, and
    are none of those that work in both."""
    assert all(len(found) == 1 for found in _by_key(bindings({})).values())
    assert all(len(found) == 1 for found in _by_key(picker_bindings()).values())
    both = {k for key in KEYMAP if {"all", PICKER} & set(key.scope.split()) and key.scope != PICKER
            for k in key.keys}  # fmt: skip
    assert both.isdisjoint(_by_key(picker_bindings()))
    assert check_overrides({"account.pick_best": "v"}) == [
        "keys: account.pick_best cannot be v, which is the key of account.verify"
    ]
    assert check_overrides({"account.pick_best": "U"})
    assert check_overrides({"account.pick_best": "z"}) == []


def test_keys_that_terminals_or_multiplexers_keep_are_not_used() -> None:
    """No prefix of a multiplexer, no chord that is another key in disguise, no alt."""
    used = {name for key in KEYMAP for name in key.keys}
    assert used.isdisjoint({"ctrl+a", "ctrl+b", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+s", "f11"})
    assert not [name for name in used if "alt+" in name or "[" in name or name.startswith("shift+e")]


@pytest.mark.parametrize("key", KEYMAP, ids=lambda key: key.id)
def test_every_entry_is_complete(key) -> None:  # type: ignore[no-untyped-def]
    """Every entry can be shown and done: a key, a word, a known scope and a known action."""
    assert key.keys
    assert key.shown
    assert key.description
    assert set(key.scope.split()) <= {"deck", "detail", "events", "picker", "usage", "all"}
    assert re.match(r"\w+", key.action).group() in ACTIONS  # type: ignore[union-attr]


async def test_every_key_reaches_its_action_in_a_running_app() -> None:
    """Textual knows every key by the name in the table and asks ours before its own."""
    app = Pressed()
    async with app.run_test() as pilot:
        for key in (k for k in KEYMAP if k.scope != PICKER):
            for name in key.keys:
                app.seen.clear()
                await pilot.press(name)
                assert app.seen == [key.action], name


async def test_an_override_replaces_the_default_key() -> None:
    """With ``view.zoom = "F"`` capital F zooms and z does nothing."""
    app = Pressed({"view.zoom": "F", "help": "%"})
    async with app.run_test() as pilot:
        await pilot.press("z", "question_mark")
        assert app.seen == []
        await pilot.press("F", "percent_sign")
        assert app.seen == ["zoom", "help"]


@pytest.mark.parametrize(
    ("written", "keys", "shown"),
    [
        ("F", ("F",), "F"),
        ("f", ("f",), "f"),
        ("?", ("question_mark",), "?"),
        ("/", ("slash",), "/"),
        (",", ("comma",), ","),
        (" ctrl+x , f5 ", ("ctrl+x", "f5"), "ctrl+x, f5"),
        ("esc", ("escape",), "esc"),
        ("-", ("minus",), "minus"),
    ],
)
def test_overrides_may_be_written_as_printed(written: str, keys: tuple[str, ...], shown: str) -> None:
    """A key may be written by its character or by Textual's name."""
    overrides = {"help": written, "back": "f2", "filter": "f3", "settings": "f4"}
    assert check_overrides(overrides) == []
    found = {key.id: key for key in keymap(overrides)}["help"]
    assert (found.keys, found.shown) == (keys, shown)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"view.zom": "f"}, 'nothing is called "view.zom"; did you mean view.zoom?'),
        ({"view.zoom": ""}, "view.zoom names no key"),
        ({"view.zoom": ",,"}, "view.zoom names no key"),
        ({"view.zoom": "j"}, "view.zoom cannot be j, which is the key of move.down"),
        ({"view.zoom": "?"}, "view.zoom cannot be ?, which is the key of help"),
        ({"view.zoom": "f", "pause": "f"}, "pause cannot be f, which is the key of view.zoom"),
        ({"view.zoom": "ctrl+i"}, "view.zoom cannot be ctrl+i, which terminals send for tab"),
    ],
)
def test_an_override_that_cannot_be_is_told_and_left_out(overrides: dict[str, str], says: str) -> None:
    """One sentence each, and the default key stays."""
    (problem,) = check_overrides(overrides)
    assert says in problem
    assert all(len(found) == 1 for found in _by_key(bindings(overrides)).values())


def test_two_keys_may_change_places() -> None:
    """Clashes are judged after all overrides, so swapping two keys is fine."""
    overrides = {"move.down": "k", "move.up": "j"}
    assert check_overrides(overrides) == []
    found = _by_key(bindings(overrides))
    assert found["k"][0].action == "move('down')"
    assert found["j"][0].action == "move('up')"


def test_taking_an_override_back_takes_back_what_relied_on_it() -> None:
    """If ``view.zoom`` keeps z after all, ``pause`` cannot have z either."""
    overrides = {"view.zoom": "q", "pause": "z"}
    assert len(check_overrides(overrides)) == 2
    assert keymap(overrides) == KEYMAP


def test_no_binding_shows_in_textuals_own_footer() -> None:
    """The footer is ours."""
    assert not any(binding.show for binding in bindings({}))


def test_the_footer_ends_with_help_and_quit() -> None:
    """Help is last but one and quit is last, whatever fits before them."""
    entries = [f"{entry.shown} {entry.description}" for entry in footer_entries()]
    assert entries[0] == "j/k move"
    assert entries[-2:] == ["? help", "q quit"]
    assert len(entries) == len({entry.order for entry in footer_entries()})


def test_the_footer_shows_the_keys_that_were_chosen() -> None:
    """An override is what the footer prints."""
    entries = {entry.id: entry.shown for entry in footer_entries({"move.down": "f", "quit": "ctrl+x"})}
    assert entries["move.down"] == "f/k"
    assert entries["quit"] == "ctrl+x"


def test_the_markdown_table_has_every_id_once() -> None:
    """The README names everything that can be pressed, with 1 to 9 in one row."""
    table = markdown_table()
    rows = [line.split(" | ")[-1].strip("| ") for line in table.splitlines()[2:]]
    ids = [key.id for key in KEYMAP if not re.fullmatch(r"goto\.\d", key.id)]
    assert sorted(rows) == sorted([f"`{id}`" for id in ids] + ["`goto.1` … `goto.9`"])
    assert len({line.count("|") for line in table.splitlines()}) == 1
