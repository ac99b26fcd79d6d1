"""The check-up in words: the same rows for ``quotadeck doctor`` and for the screen of the pane."""

from __future__ import annotations

from collections.abc import Iterator

from providers.accounts.holders import Token
from providers.accounts.vaults import Offer
from providers.engine.checkup import Finding, Severity
from providers.examination import Examination
from providers.record import Record

MARKS = {Severity.SEVERE: "!!", Severity.WARNING: "! ", Severity.NOTE: "- "}
"""Before each finding, so that it is not its colour alone that tells."""

NOTHING = "No problem found."


class Row(Record):
    """One sentence.  ``kind`` is heading, severe, warning, note, fix or plain; ``command`` what a
    fix is typed as."""

    kind: str
    text: str
    command: str = ""


def rows(found: Examination, notes: tuple[str, ...] = ()) -> Iterator[Row]:
    """Problems, then who holds which login, then where secrets can be kept.  ``notes`` are
    sentences about the settings."""
    yield Row("heading", "Problems" if found.findings or notes else NOTHING)
    for note in notes:
        yield Row("note", note)
    for finding in found.findings:
        yield from _finding(finding)
    if found.tokens:
        yield Row("heading", "Logins, by fingerprint")
        yield from map(_token, found.tokens)
    if found.vaults:
        yield Row("heading", "Where secrets of ours are kept")
        if not any(offer.chosen for offer in found.vaults):
            yield Row("plain", "nobody chose yet; the first key or account asks")
        for offer in found.vaults:
            yield from _vault(offer)


def _finding(finding: Finding) -> Iterator[Row]:
    mark = MARKS[finding.severity]
    yield Row(finding.severity.value, f"{mark} {finding.path} {finding.sentence}")
    if finding.fix:
        yield Row("fix", f"fix: {finding.fix}", finding.fix)


def _token(token: Token) -> Row:
    return Row("plain", f"{token.lineage[:8]}  {token.holders}; renewed by {token.owner}")


def _vault(offer: Offer) -> Iterator[Row]:
    chosen = "chosen; " if offer.chosen else ""
    yield Row("plain", f"{offer.rung.value}: {chosen}{offer.sentence}")
    if offer.chosen:
        for line in offer.recipe:
            yield Row("fix", line, line)
