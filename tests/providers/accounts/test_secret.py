"""A secret does not show itself, whatever is done with it by accident."""

from __future__ import annotations

import copy
import io
import json
import pickle
import string
import traceback
from collections.abc import Callable

import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from providers.accounts.login import Held, Live, Login
from providers.accounts.secret import Secret
from providers.model import Identity

CANARY = "sk-ant-ort01-CANARY-0123456789"
LOGIN = Login("claude", "0123456789abcdef", Secret(CANARY), Identity("a/b", "dev@example.com"))
HOLDERS = [
    Secret(CANARY),
    LOGIN,
    Live(Held.LOGIN, LOGIN),
    [LOGIN],
    {"login": LOGIN},
    (Live(Held.MIXED, LOGIN),),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
@pytest.mark.parametrize(
    "show",
    [
        repr, str, ascii, pretty_repr, "{}".format, "{!r}".format, "{0!s:>80}".format, lambda x: f"{x}",
        lambda x: f"{x!r:>90}", lambda x: "%s %r".__mod__((x, x)),
        lambda x: string.Template("$x").substitute(x=x),
    ],
)  # fmt: skip
def test_no_text_of_it_holds_it(holder: object, show: Callable[[object], str]) -> None:
    """Alone, in a login, in what a store holds, in containers."""
    assert CANARY not in show(holder)


@pytest.mark.parametrize(
    "taken",
    [
        iter, list, len, hash, bytes, sorted, vars, pickle.dumps, copy.copy, copy.deepcopy, json.dumps,
        "".join, lambda secret: secret[0], lambda secret: "s" in secret, lambda secret: secret + "",
        "x".__add__, lambda secret: secret.__getstate__(), lambda secret: secret.__reduce_ex__(4),
        lambda secret: {secret: 1},
    ],
)  # fmt: skip
def test_it_cannot_be_taken_apart(taken: Callable[[object], object]) -> None:
    """Neither iterated nor copied into a place that shows or stores it."""
    with pytest.raises(TypeError) as refused:
        taken(Secret(CANARY))
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_of_what_holds_it(protocol: int) -> None:
    """A login cannot be sent to another process either."""
    with pytest.raises((TypeError, pickle.PicklingError)) as refused:
        pickle.dumps(LOGIN, protocol)
    assert CANARY not in str(refused.value)


def test_a_traceback_with_locals_does_not_show_it() -> None:
    """As rich, and so Textual, draws a crash: with the variables of every frame."""

    def crash(secret: Secret, login: Login, live: Live, held: list[object]) -> None:
        raise RuntimeError(f"with {secret} and {login} and {live} and {held}")

    out = io.StringIO()
    try:
        crash(Secret(CANARY), LOGIN, Live(Held.LOGIN, LOGIN), [LOGIN, {"secret": Secret(CANARY)}])
    except RuntimeError as error:
        drawn = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, width=200)
        Console(file=out, width=200).print(drawn)
        out.write("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
    assert "Secret(…)" in out.getvalue()
    assert "locals" in out.getvalue()
    # This module's own source line with the name CANARY is in the frames; its value must not be.
    assert CANARY not in out.getvalue()


def test_what_it_is_for_still_works() -> None:
    """It is equal by its text, true if there is one, and opened by name alone."""
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret("\ud800") != Secret("\ud801")
    assert Secret(CANARY) != CANARY
    assert Secret(CANARY)
    assert not Secret("")
    assert Secret(CANARY).reveal() == CANARY
