"""``quotadeck key set|forget|list``: keys of services, from a prompt or a pipe into the vault.

Never from the command line: what stands there is in the shell's history and in every process
list.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from getpass import getpass
from typing import TextIO

from providers.accounts.keys import MAX_KEY, Keys, KeyTrouble
from providers.accounts.stored import StoredKey
from providers.base import Descriptor
from tui.passphrase import NotOpened
from tui.text import duration_words

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3


class KeyCommand:
    """One run.  ``keys`` stores; ``descriptors`` say which services there are; ``prompt`` asks a
    person without echo; ``open_vault`` opens where keys are kept and names it, or raises
    `NotOpened`."""

    def __init__(
        self,
        keys: Keys,
        descriptors: Sequence[Descriptor],
        *,
        stdin: TextIO,
        prompt: Callable[[str], str] = getpass,
        now: float,
        open_vault: Callable[[], str],
    ) -> None:
        self._keys, self._stdin, self._prompt, self._now = keys, stdin, prompt, now
        self._open_vault = open_vault
        self._services = {name: d.name for d in descriptors for name in d.keys}

    def run(self, action: str, service: str) -> tuple[int, str]:
        """The exit code and what to say: on stdout after success, else on stderr."""
        if action != "list" and service not in self._services:
            known = ", ".join(sorted(self._services))
            return USAGE, f"no service is called {service!r}; there are {known}"
        try:
            match action:
                case "set":
                    return self._set(service)
                case "forget":
                    return self._forget(service)
            return self._list()
        except KeyTrouble as trouble:
            return FAILED, str(trouble)
        except NotOpened as reason:
            return REFUSED, str(reason)

    def _set(self, service: str) -> tuple[int, str]:
        where = self._open_vault()
        try:
            key = self._read(f"key of {self._services[service]} (not shown): ")
        except (EOFError, KeyboardInterrupt):
            return FAILED, "nothing was given, so nothing was stored"
        if not key:
            return FAILED, "nothing was given, so nothing was stored"
        held = self._keys.set(service, key)
        known_by = f"fingerprint {held.fingerprint[:8]}"
        return DONE, f"the key of {self._services[service]} is in {where} ({known_by})"

    def _forget(self, service: str) -> tuple[int, str]:
        if service not in {key.service for key in self._keys.all()}:
            return FAILED, f"there is no key of {self._services[service]}"
        self._open_vault()
        self._keys.forget(service)
        return DONE, f"the key of {self._services[service]} is forgotten"

    def _list(self) -> tuple[int, str]:
        held = {key.service: key for key in self._keys.all()}
        width = max(map(len, self._services))
        return DONE, "\n".join(
            f"{name:<{width}}  {self._about(held.get(name))}" for name in sorted(self._services)
        )

    def _about(self, key: StoredKey | None) -> str:
        if key is None:
            return "no key"
        since = max(0.0, self._now - key.added_at)
        return f"fingerprint {key.fingerprint[:8]}, stored {duration_words(since)} ago"

    def _read(self, question: str) -> str:
        if self._stdin.isatty():
            return self._prompt(question).strip()
        return self._stdin.read(MAX_KEY + 2).strip()


def say(code: int, text: str) -> int:
    """Prints the outcome where it belongs; returns the exit code."""
    if code == DONE:
        print(text)
    else:
        print(f"quotadeck: {text}", file=sys.stderr)
    return code
