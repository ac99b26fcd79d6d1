"""Text that never shows itself: a login's bytes, while they pass through us.

For whoever carries a credential; only the store of a CLI, the vault and a request open it.
"""

from __future__ import annotations

from hmac import compare_digest


class Secret:
    """A text that neither repr, str, format, iteration nor pickling gives away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself.  What is done with it must not raise with it in a message."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (each._text.encode("utf-8", "surrogatepass") for each in (self, other))
        return compare_digest(mine, theirs)

    def __hash__(self) -> int:
        raise TypeError("a secret is not a key")

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")

    def __getstate__(self) -> object:
        raise TypeError("a secret is not written down")
