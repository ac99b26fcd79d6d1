"""What holds for the login store of every CLI, said once; tests/providers/*/test_store.py ask it."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest

from providers.accounts.login import CannotSwitch, Held, Live, Login, LoginStore
from providers.accounts.secret import Secret
from providers.base import FileBytes, Found, Unreadable

CANARY = "CANARY-0123456789abcdef"
"""In the tokens of made-up logins: it must never be in a text."""


def found(store: LoginStore, *contents: bytes | Unreadable | None) -> dict[Path, Found]:
    """The files of a store with these contents, in its own order; the rest is not there."""
    held: dict[Path, Found] = {}
    for file, data in zip(store.files(), contents, strict=False):
        held[file.path] = FileBytes(file.path, data, 0.0) if isinstance(data, bytes) else data
    return held


def login_of(store: LoginStore, *contents: bytes | None) -> Login:
    """The login in these contents, which must be one."""
    live = store.parse(found(store, *contents))
    assert (live.held, live.why) == (Held.LOGIN, "")
    assert live.login is not None
    return live.login


def jwt(claims: Mapping[str, object]) -> str:
    """An unsigned token with these claims."""
    parts = (urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims))
    return ".".join((*parts, "c2ln"))


def no_login_when_torn(store: LoginStore, *contents: bytes, torn: int = 0) -> None:
    """Cut off at every byte, one of the files gives no login, and nothing raises."""
    whole = contents[torn].rstrip()
    for at in range(len(whole)):
        cut = (*contents[:torn], whole[:at], *contents[torn + 1 :])
        live = store.parse(found(store, *cut))
        assert live.held in (Held.UNREADABLE, Held.HUSK), at
        assert live.held is Held.UNREADABLE or not whole[:at].strip(), at
        assert live.login is None


def nothing_raises(store: LoginStore, *contents: bytes | None, at: int = 0) -> None:
    """Whatever bytes are in a file, there is an answer, with a reason that is one clean clause."""
    for data in (
        b"", b" \n", b"\x00", b"\xff\xfe{\x00}\x00", b"null", b"[]", b"1", b'"x"', b"{}", b"{" * 9_000,
        b'{"a":' * 9_000, b'{"a": 1e999}', b'{"a": NaN}', b"\xef\xbb\xbf{}", b'{"\\ud800": "\\udfff"}',
        b"\xff{}",
    ):  # fmt: skip
        live = store.parse(found(store, *contents[:at], data, *contents[at + 1 :]))
        if at == 0:
            assert live.login is None, data
            assert live.held in (Held.HUSK, Held.OTHER, Held.UNREADABLE, Held.NOTHING), data
        assert live.why.isprintable()
        assert bool(live.why) is (live.held not in (Held.LOGIN, Held.NOTHING)), data


def kept_as_it_was(store: LoginStore, login: Login) -> None:
    """What the vault gives back is the login that was captured; other texts are none."""
    assert store.opened(login.payload) == login
    json.loads(login.payload.reveal())
    for text in ("", "x", "[]", "{}", "null", '{"credentials": 1}', '{"type": "api"}', "\ud800", "{" * 9_000):
        assert store.opened(Secret(text)) is None
    half = login.payload.reveal()
    assert store.opened(Secret(half[: len(half) // 2])) is None


def no_canary(store: LoginStore, *contents: bytes) -> None:
    """Neither what a store answers nor why it does not shows a secret of the files."""
    held = found(store, *contents)
    assert CANARY.encode() in contents[0]
    live = store.parse(held)
    shown = [repr(live), str(live), live.why, repr(store), store.refusal(held)]
    if live.login is not None:
        shown += [repr(live.login), f"{live.login}", str(live.login.payload)]
        torn = found(store, *(data[:-3] for data in contents))
        for broken in (torn, {file.path: Unreadable(file.path, "is gone") for file in store.files()}):
            try:
                store.compose(live.login, broken)
            except CannotSwitch as error:
                shown += [repr(error), str(error)]
    shown += [repr(store.parse(found(store, data[:-9], *contents[1:]))) for data in contents[:1]]
    assert not [text for text in shown if CANARY in text]


def refuses(store: LoginStore, login: Login, *contents: bytes | Unreadable | None) -> str:
    """Why a login cannot be put into these files: one sentence."""
    with pytest.raises(CannotSwitch) as refused:
        store.compose(login, found(store, *contents))
    text = str(refused.value)
    assert text
    assert text.isprintable()
    return text


def process(proc: Path, pid: int, *words: str, parent: int = 1, ticks: int = 1000, name: str = "x") -> None:
    """A process in a made-up /proc, whose system was started at epoch 1000."""
    (proc / "stat").write_text("cpu 1 2 3\nbtime 1000\nprocesses 9\n")
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in words))
    fields = ["S", str(parent), *"0" * 17, str(ticks), *"0" * 5]
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")


def why(live: Live) -> tuple[Held, str]:
    """What a store holds and why it is no login."""
    assert live.login is None or live.held in (Held.LOGIN, Held.MIXED)
    return live.held, live.why
