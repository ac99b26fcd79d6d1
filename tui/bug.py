"""What is said of a bug: its class and where it struck.  For crash.py and cli.py.

Never its text or a traceback: either might quote a file, or a secret.
"""

from __future__ import annotations


def described(error: BaseException) -> str:
    """Like "ValueError in draw, line 12"."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else "an unknown place"
    return f"{type(error).__name__} in {where}"


def sentence(what: str) -> str:
    """The last words of a program that has one; ``what`` is `described`."""
    return f"quotadeck: stopped by a bug ({what}); quotadeck doctor helps to report it"
