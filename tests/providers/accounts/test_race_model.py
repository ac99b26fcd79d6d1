"""The races of a switch as a model, every interleaving of it: the specification of accounts/.

One switch from account A to B, one renewal by the CLI, and kills of ours at each step.  Bad is: the
newest refresh token of an account that is nowhere, one account's tokens under another's name, a
half-written file, or a spent token that is live.  Variants that peers use must come out bad, or
the model proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.record import Record

Tokens = tuple[str, int]
"""An account and the generation of its refresh token."""

WAIT = "wait"
KILLS = 2


class Variant(Record):
    """How a switch is made, against which CLI.

    ``capture`` is by identity, by equal bytes or not at all; ``displaced`` keeps what was replaced
    and watches it; ``compare`` looks once more before it replaces; ``margin`` keeps away from a
    renewal that may be running.
    """

    cli: str
    locks: bool = True
    capture: str = "identity"
    displaced: bool = True
    compare: bool = True
    margin: bool = True


class World:
    """Files by their inodes, what each side remembers, and where each stands."""

    def __init__(self, cli: str, renewed: bool) -> None:
        newest = 2 if renewed else 1
        named = None if cli == "claude" else "A"
        self.files: dict[int, tuple[Tokens, str | None] | None] = {1: (("A", newest), named)}
        self.live, self.kept, self.again = 1, 0, 0
        self.name = "A"
        self.newest = {"A": newest, "B": 1}
        self.vault: set[Tokens] = {("A", 1), ("B", 1)}
        self.safety: set[Tokens] = set()
        self.lock = self.journal = ""
        self.seen: Any = None
        self.ours, self.theirs = "plan", "lock" if cli == "claude" else "read"
        self.read: Any = None
        self.got: Tokens | None = None
        self.loaded: str | None = None
        self.opened = self.kills = 0
        self.reused = False

    def key(self) -> tuple[object, ...]:
        """Two worlds of one key go on alike."""
        held = vars(self).values()
        return tuple(
            frozenset(v) if isinstance(v, set) else tuple(v.items()) if isinstance(v, dict) else v
            for v in held
        )

    def copy(self) -> World:
        """The same world once more."""
        other = World.__new__(World)
        vars(other).update({k: v.copy() if isinstance(v, set | dict) else v for k, v in vars(self).items()})
        return other

    def put(self, content: tuple[Tokens, str | None]) -> int:
        """A new file."""
        number = max(self.files) + 1
        self.files[number] = content
        return number

    def everywhere(self) -> set[Tokens]:
        """Every token that somebody still has."""
        found = [self.files.get(n) for n in (self.live, self.kept, self.again) if n]
        mine = {content[0] for content in found if content is not None} | self.vault | self.safety
        return mine | ({self.got} if self.got is not None and self.theirs != "done" else set())

    def bad(self) -> str:
        """What is wrong now, "" for nothing."""
        if any((name, number) not in self.everywhere() for name, number in self.newest.items()):
            return "lost"
        if self.reused:
            return "reused"
        if (self.ours, self.theirs) != ("done", "done"):
            return ""
        content = self.files[self.live]
        if content is None:
            return "torn"
        (owner, number), named = content
        if (named or self.name) != owner:
            return "mixed"
        return "spent" if number != self.newest[owner] else ""


class Model:
    """The steps of both sides; each returns where it goes on, or that it waits."""

    def __init__(self, variant: Variant) -> None:
        self.how = variant
        self.claude = variant.cli == "claude"
        self.target = (("B", 1), None if self.claude else "B")

    # Ours.

    def plan(self, w: World) -> str:
        if w.files[w.live] is None or (self._careful() and w.theirs not in ("read", "done")):
            return WAIT
        w.seen = w.files[w.live]
        return "lock"

    def lock(self, w: World) -> str:
        if self.how.locks:
            if w.lock:
                return WAIT
            w.lock = "us"
        return "look"

    def look(self, w: World) -> str:
        if w.files[w.live] != w.seen:
            w.lock = ""
            return "plan"
        return "preserve"

    def preserve(self, w: World) -> str:
        tokens = w.seen[0]
        if self.how.capture == "identity" and tokens not in w.vault:
            w.safety.add(tokens)
        if self.how.capture == "bytes" and tokens in w.vault:
            w.safety.add(tokens)
        return "note"

    def note(self, w: World) -> str:
        w.journal = "writing"
        return "compare" if self.how.compare and not self.how.displaced else "replace"

    def compare(self, w: World) -> str:
        if w.files[w.live] != w.seen:
            w.lock = ""
            return "plan"
        return "replace"

    def replace(self, w: World) -> str:
        if self.how.displaced:
            w.kept = w.live
        w.live = w.put(self.target)
        return "splice" if self.claude else "written"

    def splice(self, w: World) -> str:
        w.name = "B"
        return "written"

    def written(self, w: World) -> str:
        w.journal = "written"
        return "unlock"

    def unlock(self, w: World) -> str:
        w.lock = ""
        return "watch" if self.how.displaced else "end"

    def watch(self, w: World) -> str:
        return "again keep" if self._is_old(w) and not w.again else "watched"

    def again_keep(self, w: World) -> str:
        """As `Settler._put_back`: a look and a copy under the locks, then the same once more."""
        if self.how.locks and w.lock:
            return WAIT
        if not self._is_old(w):
            return "watched"
        w.lock = "us" if self.how.locks else ""
        w.safety.add(w.files[w.live][0])  # type: ignore[index]
        w.journal = "again"
        return "again replace"

    def again_replace(self, w: World) -> str:
        w.again, w.live = w.live, w.put(self.target)
        return "again splice" if self.claude else "again unlock"

    def again_splice(self, w: World) -> str:
        w.name = "B"
        return "again unlock"

    def again_unlock(self, w: World) -> str:
        w.lock = ""
        return "watched"

    def watched(self, w: World) -> str:
        """A CLI saves what it got well within the watch; then it is looked at for the last time."""
        if w.theirs not in ("done", "read", "lock"):
            return WAIT
        return "again keep" if self._is_old(w) and not w.again else "end"

    def end(self, w: World) -> str:
        for number in (w.kept, w.again):
            content = w.files.get(number)
            if content is not None and content[0] != self.target[0]:
                w.safety.add(content[0])
        return "clear"

    def clear(self, w: World) -> str:
        w.kept = w.again = 0
        w.journal = ""
        return "file"

    def file(self, w: World) -> str:
        w.vault |= w.safety
        return "done"

    def recover(self, w: World) -> str:
        """As `Recovery`: nothing was replaced, or it is carried through."""
        if w.lock == "us":
            w.lock = ""
        if w.journal == "again":
            if w.again:
                return "again splice" if self.claude else "watched"
            w.journal = "written"
        if w.journal == "written":
            return "watch" if self.how.displaced else "end"
        if not w.journal or not self._replaced(w):
            return "end"
        return "resplice" if self.claude else "written"

    def resplice(self, w: World) -> str:
        if w.lock:
            return WAIT
        content = w.files[w.live]
        if content is not None and content[0][0] == "B":
            w.name = "B"
        return "written"

    # The CLI's.

    def c_lock(self, w: World) -> str:
        if w.lock:
            return WAIT
        w.lock = "cli"
        return "read"

    def c_read(self, w: World) -> str:
        if self._careful() and w.seen is not None and w.kills == 0 and w.ours not in ("plan", "done"):
            return WAIT
        w.read = w.files[w.live]
        return "post"

    def c_post(self, w: World) -> str:
        owner, number = w.read[0]
        if w.newest[owner] != number:
            w.reused = True
            return "done"
        w.newest[owner] = number + 1
        w.got = (owner, number + 1)
        return {"claude": "write", "codex-old": "load", "codex-new": "flock"}[self.how.cli]

    def c_write(self, w: World) -> str:
        w.live = w.put((w.got, None))  # type: ignore[arg-type]
        return "unlock"

    def c_load(self, w: World) -> str:
        content = w.files[w.live]
        w.loaded = content[1] if content is not None else None
        return "empty"

    def c_empty(self, w: World) -> str:
        w.opened = w.live
        w.files[w.opened] = None
        return "fill"

    def c_fill(self, w: World) -> str:
        w.files[w.opened] = (w.got, w.loaded)  # type: ignore[assignment]
        return "done"

    def c_flock(self, w: World) -> str:
        if w.lock:
            return WAIT
        w.lock = "cli"
        return "commit"

    def c_commit(self, w: World) -> str:
        content = w.files[w.live]
        if content is not None and content[1] == w.read[1]:
            w.live = w.put((w.got, content[1]))  # type: ignore[arg-type]
        return "unlock"

    def c_unlock(self, w: World) -> str:
        w.lock = ""
        return "done"

    def _careful(self) -> bool:
        """Codex is left alone when its token is about to be renewed (`LoginStore.margin`)."""
        return self.how.margin and self.how.cli == "codex-new"

    def _is_old(self, w: World) -> bool:
        content = w.files[w.live]
        if content is None:
            return False
        (owner, _), named = content
        return owner == "A" or (named or owner) != owner

    def _replaced(self, w: World) -> bool:
        live, kept = w.files[w.live], w.files.get(w.kept)
        if live == w.seen:
            return False
        return (
            live == self.target
            or (live or (None,))[0] == self.target[0]
            or bool(w.kept and kept != self.target)
        )


def after(model: Model, w: World) -> Iterator[World]:
    """Every world that may come next."""
    moves: list[tuple[str, Callable[[World], str]]] = []
    if w.ours != "done":
        moves.append(("ours", getattr(model, w.ours.replace(" ", "_"))))
    if w.theirs != "done":
        moves.append(("theirs", getattr(model, f"c_{w.theirs}")))
    for side, step in moves:
        copy = w.copy()
        there = step(copy)
        if there != WAIT:
            setattr(copy, side, there)
            yield copy
    if w.ours != "done" and w.kills < KILLS:
        copy = w.copy()
        copy.kills, copy.ours = w.kills + 1, "recover"
        # A flock goes with its process; a folder stays until the next start.
        if model.how.cli != "claude" and w.lock == "us":
            copy.lock = ""
        yield copy


def explored(variant: Variant) -> tuple[int, dict[str, int]]:
    """How many worlds there are, and how many of them are bad, by kind."""
    model = Model(variant)
    todo = [World(variant.cli, renewed) for renewed in (False, True)]
    seen: set[tuple[object, ...]] = set()
    wrong: dict[str, int] = {}
    ended = 0
    while todo:
        world = todo.pop()
        if (key := world.key()) in seen:
            continue
        seen.add(key)
        kind = world.bad()
        if kind:
            wrong[kind] = wrong.get(kind, 0) + 1
            continue
        following = list(after(model, world))
        # Somebody can always go on, or both are done: nobody waits for ever.
        assert following or (world.ours, world.theirs) == ("done", "done"), world.key()
        ended += not following
        todo += following
    assert ended, "no run came to its end well"
    return len(seen), wrong


@pytest.mark.parametrize(
    "variant",
    [Variant("claude"), Variant("codex-old"), Variant("codex-new"), Variant("claude", locks=False)],
    ids=["claude", "codex-old", "codex-new", "claude-that-lost-its-lock"],
)
def test_nothing_bad_in_any_order(variant: Variant) -> None:
    """Ours, with each kind of CLI, killed at most twice: no bad world at all."""
    worlds, wrong = explored(variant)
    assert wrong == {}
    assert worlds > 300


@pytest.mark.parametrize(
    ("variant", "kinds"),
    [
        (Variant("claude", capture="bytes", displaced=False), {"lost"}),
        (Variant("claude", capture="none", displaced=False), {"lost"}),
        (Variant("claude", locks=False, displaced=False, compare=False), {"lost"}),
        (Variant("claude", locks=False, displaced=False), {"lost"}),
        (Variant("codex-old", displaced=False), {"lost", "mixed"}),
        (Variant("codex-old", displaced=False, compare=False), {"lost", "mixed"}),
        (Variant("codex-new", margin=False), {"lost"}),
        (Variant("codex-new", locks=False, margin=False, displaced=False), {"lost"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_peers_do_comes_out_bad(variant: Variant, kinds: set[str]) -> None:
    """Capture by equal bytes or none, no locks, nothing kept of what is replaced, a switch while the
    new Codex renews: the model finds the loss that people reported."""
    _, wrong = explored(variant)
    assert kinds <= set(wrong)
