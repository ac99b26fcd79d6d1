"""What is written to the terminal, byte for byte."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import signals

EVIL = "a\x1b]0;x\x07b\nc;d\x9b"


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        (signals.BELL, "\a"),
        (signals.osc9("Claude: full"), "\x1b]9;Claude: full\a"),
        (signals.osc777("Claude 5 h", "full; back 16:50"), "\x1b]777;notify;Claude 5 h;full, back 16:50\a"),
        (
            signals.osc99("claude-5h", "Claude", "full"),
            "\x1b]99;i=claude-5h:d=0;Claude\x1b\\\x1b]99;i=claude-5h:d=1:p=body;full\x1b\\",
        ),
        (signals.title("quotadeck 62% out 15:23"), "\x1b]2;quotadeck 62% out 15:23\a"),
        (signals.copy("a\nb"), f"\x1b]52;c;{base64.b64encode(b'a' + bytes([10]) + b'b').decode()}\a"),
        (signals.through_tmux("\x1b]9;x\a"), "\x1bPtmux;\x1b\x1b]9;x\a\x1b\\"),
        (
            signals.through_tmux(signals.osc99("i", "t", "b")),
            "\x1bPtmux;\x1b\x1b]99;i=i:d=0;t\x1b\x1b\\\x1b\x1b]99;i=i:d=1:p=body;b\x1b\x1b\\\x1b\\",
        ),
    ],
)
def test_each_sequence(written: str, bytes_: str) -> None:
    """Exactly these bytes."""
    assert written == bytes_


@given(st.text(max_size=30))
def test_no_text_ends_its_sequence(text: str) -> None:
    """Whatever a name holds, one sequence begins and one ends."""
    for sequence in (signals.osc9(text), signals.osc777(text, text), signals.title(text), signals.copy(text)):
        assert sequence.count("\x1b") == 1
        assert sequence.count("\a") == 1
        assert sequence.endswith("\a")
        assert sequence[1:-1].isprintable()
    assert signals.osc777(EVIL, EVIL).count(";") == 3
    assert signals.osc99(text, text, text).count("\x1b") == 4


def test_a_copy_is_cut_where_terminals_stop() -> None:
    """No more than the strictest of them takes."""
    held = signals.copy("x" * 100_000).removeprefix("\x1b]52;c;").removesuffix("\a")
    assert len(base64.b64decode(held)) == signals.COPY_AT_MOST


@pytest.mark.parametrize(
    ("variables", "setting", "channel"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "auto", "osc9"),
        ({"TERM_PROGRAM": "WezTerm"}, "auto", "osc9"),
        ({"TERM_PROGRAM": "ghostty"}, "auto", "osc9"),
        ({"TERM": "xterm-kitty"}, "auto", "osc9"),
        ({"TERM": "foot"}, "auto", "osc777"),
        ({"TERM": "rxvt-unicode-256color"}, "auto", "osc777"),
        ({"TERM": "xterm-256color"}, "auto", ""),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux"}, "auto", ""),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, "auto", "osc9"),
        ({"TERM": "xterm-256color"}, "osc99", "osc99"),
        ({"TERM_PROGRAM": "iTerm.app"}, "off", ""),
    ],
)
def test_the_channel(variables: dict[str, str], setting: str, channel: str) -> None:
    """What the terminal is known to understand, unless the settings decide."""
    assert signals.channel(variables, setting) == channel
