"""The one table of keys: what feeds the bindings, the footer, the help and the README.

For the app and its screens (event loop's thread) and for tests; the one-shot commands do not
import it.  Every action that a key can do stands here once.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding

from providers.record import Record, replace


class Key(Record):
    """One thing that keys do.

    ``id`` is what ``[keys]`` in config.toml names; ``keys`` are Textual's names of the keys,
    ``shown`` the same as printed; ``action`` is a Textual action; ``scope`` names the screens
    where it works ("deck", "detail", "events" …), or is "all"; ``order`` the place in the
    footer, 0 = not in it; ``logins`` says that it touches a login, so that it is hidden where
    none may be touched.
    """

    id: str
    keys: tuple[str, ...]
    shown: str
    action: str
    description: str
    scope: str = "deck"
    order: int = 0
    logins: bool = False


_SPELLED = {
    "?": "question_mark", "/": "slash", ",": "comma", ":": "colon", "esc": "escape",
    "pgup": "pageup", "pgdn": "pagedown",
}  # fmt: skip
"""How a person writes some keys, and Textual's names of them."""

_PRINTED = {name: written for written, name in _SPELLED.items()}

_SAME_IN_TERMINAL = {
    "ctrl+h": "backspace", "ctrl+i": "tab", "ctrl+j": "enter", "ctrl+m": "enter",
    "ctrl+left_square_bracket": "escape", "ctrl+[": "escape",
}  # fmt: skip
"""Chords that a terminal cannot tell from another key."""

_TAKEN_FIRST = frozenset({"tab", "shift+tab"})
"""Keys that Textual's screens bind themselves: ours must be asked first."""

_FOOTER_PAIRS = {1: "move"}
"""Footer places that several keys share, with their common word."""


PICKER = "picker"
"""The screen whose own keys stand in the table too: they may be letters of the deck's."""


def _printed(keys: tuple[str, ...]) -> str:
    return ", ".join(_PRINTED.get(key, key) for key in keys)


def _key(id: str, keys: str, action: str, description: str, *, scope: str = "deck", order: int = 0) -> Key:
    names = tuple(keys.split())
    return Key(id, names, _printed(names), action, description, scope, order, id.startswith("account."))


KEYMAP: tuple[Key, ...] = (
    _key("move.down", "j down", "move('down')", "next panel", order=1),
    _key("move.up", "k up", "move('up')", "previous panel", order=1),
    _key("move.right", "l right", "move('right')", "panel to the right"),
    _key("move.left", "h left", "move('left')", "panel to the left"),
    _key("move.first", "g home", "move('first')", "first panel"),
    _key("move.last", "G end", "move('last')", "last panel"),
    _key("move.page_down", "ctrl+d pagedown", "move('page_down')", "half a page down"),
    _key("move.page_up", "ctrl+u pageup", "move('page_up')", "half a page up"),
    _key("move.next", "tab", "move('next')", "next panel, round and round"),
    _key("move.previous", "shift+tab", "move('previous')", "previous panel, round and round"),
    *(_key(f"goto.{n}", str(n), f"goto({n})", f"panel {n}") for n in range(1, 10)),
    _key("goto.problem", "n", "problem(1)", "next problem", order=8),
    _key("goto.problem_back", "N", "problem(-1)", "previous problem"),
    _key("open", "enter", "open", "detail", order=2),
    _key("back", "escape", "back", "back", scope="all"),
    _key("refresh.one", "r", "refresh(False)", "refresh", scope="deck detail", order=3),
    _key("refresh.all", "R", "refresh(True)", "refresh all", order=4),
    _key("account.switch", "s", "switch(False)", "switch", scope="deck detail", order=5),
    _key("account.best", "S", "switch(True)", "switch to the best account", scope="deck detail"),
    _key("account.undo", "U", "undo_switch", "undo the last switch", scope="deck detail picker"),
    _key("account.add", "a", "add_account", "add account", scope="deck detail picker", order=6),
    _key("account.pick_best", "b", "pick_best", "in the picker: the best account", scope=PICKER),
    _key("account.verify", "v", "verify", "in the picker: check the login", scope=PICKER),
    _key("account.rename", "e", "rename", "in the picker: alias", scope=PICKER),
    _key("account.remove", "d", "remove", "in the picker: remove, asks first", scope=PICKER),
    _key("filter", "slash", "filter", "filter", scope="deck events usage", order=7),
    _key("view.zoom", "z", "zoom", "zoom", order=9),
    _key("view.hide", "x", "hide", "hide this panel"),
    _key("view.hidden", "X", "show_hidden", "show hidden panels, or hide them again"),
    _key("view.used", "u", "used_left", "used or left"),
    _key("view.order", "o", "order", "order of the panels"),
    _key("view.compact", "c", "compact", "compact"),
    _key("view.theme", "t", "theme", "next theme", scope="all"),
    _key("view.private", "i", "private", "hide e-mails and names", scope="all"),
    _key("events", "e", "events", "events", order=10),
    _key("usage", "T", "usage", "tokens: what they went to"),
    _key("scan.stop", "K", "stop_scan", "stop reading the logs"),
    _key("settings", "comma", "settings", "settings"),
    _key("copy", "y", "copy", "copy as text", scope="deck detail events usage"),
    _key("mute", "m", "mute", "mute its notices until the next reset", scope="deck detail"),
    _key("pause", "p", "pause", "pause or resume"),
    _key("palette", "colon ctrl+p", "palette", "commands", scope="all", order=11),
    _key("suspend", "ctrl+z", "suspend", "to the shell", scope="all"),
    _key("redraw", "ctrl+l", "redraw", "repaint", scope="all"),
    _key("help", "question_mark f1", "help", "help", scope="all", order=12),
    _key("quit", "q ctrl+c", "quit", "quit", scope="all", order=13),
)


def bindings(overrides: Mapping[str, str]) -> list[Binding]:
    """The table as Textual bindings with ids, none of them for Textual's own footer.

    ``overrides`` are the ``[keys]`` of the settings (id to key, several separated by
    commas); the ones that `check_overrides` objects to count as not written.
    """
    return [_binding(key) for key in keymap(overrides) if key.scope != PICKER]


def picker_bindings() -> list[Binding]:
    """The picker's own keys; the overrides come by their ids."""
    return [_binding(key) for key in KEYMAP if key.scope == PICKER]


def keymap(overrides: Mapping[str, str]) -> tuple[Key, ...]:
    """The table with the usable overrides in it: the default keys of an id are replaced."""
    usable, _ = _sorted_out(overrides)
    return tuple(_with_keys(key, usable[key.id]) if key.id in usable else key for key in KEYMAP)


def check_overrides(overrides: Mapping[str, str]) -> list[str]:
    """What is wrong with the ``[keys]`` of the settings, a sentence each; empty if nothing."""
    return _sorted_out(overrides)[1]


def footer_entries(overrides: Mapping[str, str] | None = None, *, logins: bool = True) -> tuple[Key, ...]:
    """The entries of the footer from left to right; help is last but one, quit is last.  Without
    ``logins`` those that touch a login are left out.

    ``shown`` is short here: the first key only, or one key each of those that share a place.
    """
    by_order: dict[int, list[Key]] = {}
    for key in keymap(overrides or {}):
        if key.order and (logins or not key.logins):
            by_order.setdefault(key.order, []).append(key)
    return tuple(_footer_entry(order, by_order[order]) for order in sorted(by_order))


def markdown_table() -> str:
    """The table for the README; ``1`` to ``9`` are one row."""
    rows = ["| key | what it does | id for `[keys]` |", "|---|---|---|"]
    for key in KEYMAP:
        if key.id == "goto.1":
            rows.append("| `1` … `9` | panel 1 … 9 | `goto.1` … `goto.9` |")
        elif not key.action.startswith("goto("):
            shown = ", ".join(f"`{name}`" for name in key.shown.split(", "))
            rows.append(f"| {shown} | {key.description} | `{key.id}` |")
    return "\n".join(rows) + "\n"


def _binding(key: Key) -> Binding:
    return Binding(
        ",".join(key.keys),
        key.action,
        key.description,
        show=False,
        id=key.id,
        priority=not _TAKEN_FIRST.isdisjoint(key.keys),
    )


def _footer_entry(order: int, keys: list[Key]) -> Key:
    shown = "/".join(_printed(key.keys[:1]) for key in keys)
    return replace(keys[0], shown=shown, description=_FOOTER_PAIRS.get(order, keys[0].description))


def _with_keys(key: Key, keys: tuple[str, ...]) -> Key:
    return replace(key, keys=keys, shown=_printed(keys))


def _sorted_out(overrides: Mapping[str, str]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The overrides that can be used, and a sentence for each that cannot."""
    usable: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    known = {key.id for key in KEYMAP}
    for id, written in overrides.items():
        keys = _parsed(written)
        objection = _objection(id, keys, known)
        if objection:
            problems.append(objection)
        else:
            usable[id] = keys
    # Taking one back may bring a default key into the way of another.
    while clash := _clash(usable):
        id, key, other = clash
        problems.append(f"keys: {id} cannot be {_printed((key,))}, which is the key of {other}")
        del usable[id]
    return usable, problems


def _objection(id: str, keys: tuple[str, ...], known: set[str]) -> str:
    if id not in known:
        from difflib import get_close_matches

        close = get_close_matches(id, sorted(known), 1)
        return f'keys: nothing is called "{id}"' + (f"; did you mean {close[0]}?" if close else "")
    if not keys:
        return f"keys: {id} names no key"
    for key in keys:
        if key in _SAME_IN_TERMINAL:
            return f"keys: {id} cannot be {key}, which terminals send for {_SAME_IN_TERMINAL[key]}"
    return ""


def _clash(usable: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """An override, its key, and the id that has the key too."""
    owners: dict[tuple[str, str], str] = {}
    for table_key in sorted(KEYMAP, key=lambda k: k.id in usable):
        for key in usable.get(table_key.id, table_key.keys):
            for place in _places(table_key):
                owner = owners.setdefault((place, key), table_key.id)
                if owner != table_key.id:
                    return table_key.id, key, owner
    return None


def _places(key: Key) -> tuple[str, ...]:
    """Where no other key may be the same: in the picker, or everywhere else, or both."""
    if key.scope == PICKER:
        return (PICKER,)
    return ("deck", PICKER) if {"all", PICKER} & set(key.scope.split()) else ("deck",)


def _parsed(written: str) -> tuple[str, ...]:
    """Textual's names of the keys in an override; a lone comma is that key."""
    parts = [","] if written.strip() == "," else written.split(",")
    return tuple(dict.fromkeys(_named(part.strip()) for part in parts if part.strip()))


def _named(key: str) -> str:
    if key in _SPELLED:
        return _SPELLED[key]
    if len(key) > 1:
        return key
    # Textual spells every single character that is no letter or digit by its Unicode name.
    (spelled,) = Binding.make_bindings([Binding(key, "")])
    return spelled.key
