"""The terminal's keys, waited for instead of asked for ten times a second.

Textual's own driver looks for input every 0.1 s, whether there is any or not: those wake-ups
are all that an idle app costs, and half of what this one cost.  Used by drawing.py alone.
"""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from threading import Event
from typing import TYPE_CHECKING

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

AT_ONCE = 4096
"""Bytes that are read in one go."""

LOOKS = 3
"""How often the parser is asked after input, one escape delay apart, whether it waited long enough."""


class Knock(Event):
    """An event that whoever waits for a descriptor hears too: ``fileno()`` is readable once it is set."""

    def __init__(self) -> None:
        super().__init__()
        self._reading, self._writing = os.pipe()

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._reading

    def set(self) -> None:
        """Sets the event; it may not be set twice without a `clear` in between."""
        super().set()
        os.write(self._writing, b"\0")

    def clear(self) -> None:
        """Clears an event that is set."""
        super().clear()
        os.read(self._reading, 1)


class PatientDriver(LinuxDriver):
    """Textual's driver, whose input thread sleeps until there is input.

    Time passes on it only after input: a lone escape and the begin of a sequence are the same
    byte, and the parser tells them apart by what has not come within the escape delay.
    """

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.exit_event = self._knock = Knock()

    def run_input_thread(self) -> None:
        """Gives what is typed to the app until the driver is told to stop, or the terminal is gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        looks = 0
        with selectors.SelectSelector() as ready:
            ready.register(self.fileno, selectors.EVENT_READ)
            ready.register(self._knock, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                heard = ready.select(constants.ESCAPE_DELAY if looks else None)
                typed = any(key.fd == self.fileno for key, _ in heard)
                if typed:
                    data = self._typed()
                    if not data:
                        return
                    text = decode(data)
                    # Nothing is the end to the parser, and half a character is nothing yet.
                    for event in parser.feed(text) if text else ():
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)
                looks = LOOKS if typed else max(0, looks - 1)

    def _typed(self) -> bytes:
        """What there is to read; nothing from a terminal that is gone (the app's tick leaves then)."""
        try:
            return os.read(self.fileno, AT_ONCE)
        except OSError:
            return b""
