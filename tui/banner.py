"""The one-line question before anything is asked in the background.  Pure line and widget."""

from __future__ import annotations

from collections.abc import Sequence

from providers.engine.shown import DeckView
from tui.painted import Line, Painted, Piece
from tui.text import cell_width


class Banner(Painted):
    """Shown until it is answered: enter allows, esc leaves it to the keys."""

    def __init__(self) -> None:
        super().__init__(id="banner")
        self.display = False


def askable(view: DeckView) -> list[str]:
    """The names of the providers that could be asked: there is a login to ask with."""
    return [p.name for p in view.providers if any(a.budget is not None for a in p.accounts)]


def banner_line(names: Sequence[str], width: int) -> Line:
    """The question in at most ``width`` cells."""
    who = " and ".join(names) if len(names) <= 2 else f"{len(names)} providers"
    by_key = " only on r" if width >= 34 else " by key"
    answers: Line = (
        Piece("  enter", "key"), Piece(" yes", "text"), Piece("  esc", "key"), Piece(by_key, "text")
    )  # fmt: skip
    room = width - sum(cell_width(piece.text) for piece in answers) - 2
    candidates = (
        f"Ask {who} for usage every 5 to 10 min, with the tools' own logins?",
        f"Ask {who} every 5 to 10 min?",
        f"Ask {len(names)} providers?",
        "Ask?",
    )
    said = next((text for text in candidates if cell_width(text) <= room), "Ask?")
    return (Piece(f" {said}", "watch"), *answers)
