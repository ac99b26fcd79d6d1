"""``quotadeck doctor``: what was looked for, what was found, and what is wrong with it.

Text and JSON from one `Checkup`; reads files through a loaded `Live` and stats them, sends
nothing, changes nothing.
"""

from __future__ import annotations

from typing import Any

from providers.base import Environment
from providers.engine.shown import DeckView, ProviderView
from providers.examination import Examination
from providers.model import Outcome, Status
from providers.record import Record
from tui.checkup_rows import rows


class Checkup(Record):
    """Everything that doctor prints.  ``surroundings`` are (name, value) pairs."""

    deck: DeckView
    found: Examination
    surroundings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


_INDENTS = {"heading": "", "fix": "     "}


def as_text(checkup: Checkup) -> str:
    """The check-up for a person: providers, then what is wrong, then the surroundings."""
    lines: list[str] = []
    every = checkup.deck.providers
    for provider in every:
        if not _is_nowhere(provider):
            lines += [*_of_provider(provider), ""]
    nowhere = [line for provider in every if _is_nowhere(provider) for line in _nothing_of(provider)]
    if nowhere:
        lines += ["Nothing was found of", *nowhere, ""]
    for row in rows(checkup.found, checkup.notes):
        if row.kind == "heading" and lines[-1:] != [""]:
            lines.append("")
        lines.append(f"{_INDENTS.get(row.kind, '  ')}{row.text}")
    lines += ["", "Surroundings", *(f"  {name}: {value}" for name, value in checkup.surroundings)]
    return "\n".join(lines) + "\n"


def _of_provider(provider: ProviderView) -> list[str]:
    lines = [
        f"{provider.name}: {provider.status.value}" + (f" - {provider.message}" if provider.message else "")
    ]
    for account in provider.accounts:
        lines += [f"  ! {warning}" for warning in account.warnings]
    front = provider.front
    if front is not None and front.fix:
        lines.append(f"  run: {front.fix}")
    for report in provider.reports:
        detail = f"  ({report.detail})" if report.detail else ""
        lines.append(f"  {report.outcome.value:<10} {report.title}: {report.path}{detail}")
    return lines


def _is_nowhere(provider: ProviderView) -> bool:
    """Whether no file of it is here, so that one line says enough."""
    absent = all(report.outcome in (Outcome.ABSENT, Outcome.OFF) for report in provider.reports)
    return absent and not provider.accounts and provider.status is not Status.DISABLED


def _nothing_of(provider: ProviderView) -> list[str]:
    looked = ", ".join(dict.fromkeys(report.path for report in provider.reports))
    return [f"  {provider.name}" + (f": {provider.message}" if provider.message else ""), f"    {looked}"]


def as_json(checkup: Checkup) -> str:
    """The check-up for a program (schema_version 1; keys may be added)."""
    import json

    document: dict[str, Any] = {
        "schema_version": 1,
        "generated_at": int(checkup.deck.generated_at),
        "providers": [
            {
                "id": p.id,
                "status": p.status.value,
                "message": p.message,
                "warnings": [w for a in p.accounts for w in a.warnings],
                "sources": [
                    {
                        "id": r.source_id,
                        "title": r.title,
                        "path": r.path,
                        "outcome": r.outcome.value,
                        "detail": r.detail,
                    }
                    for r in p.reports
                ],
            }
            for p in checkup.deck.providers
        ],
        "problems": [
            {"path": f.path, "sentence": f.sentence, "fix": f.fix, "severity": f.severity.value}
            for f in checkup.found.findings
        ],
        "logins": [
            {
                "fingerprint": t.lineage[:8],
                "live": list(t.live),
                "kept": list(t.kept),
                "tools": list(t.tools),
                "owner": t.owner,
            }
            for t in checkup.found.tokens
        ],
        "vaults": [
            {
                "id": o.rung.value,
                "chosen": o.chosen,
                "usable": o.usable,
                "state": o.state.value if o.state is not None else None,
                "sentence": o.sentence,
            }
            for o in checkup.found.vaults
        ],
        "notes": list(checkup.notes),
        "surroundings": dict(checkup.surroundings),
    }
    return json.dumps(document, indent=2) + "\n"


def surroundings(
    environment: Environment, version: str, encoding: str, folders: int
) -> tuple[tuple[str, str], ...]:
    """What the terminal and the machine are, as far as they matter here."""
    import platform

    variables = environment.variables
    return (
        ("quotadeck", version),
        ("python", platform.python_version()),
        ("platform", f"{environment.platform} {platform.release()}"),
        ("terminal", variables.get("TERM", "none") + (", in tmux" if "TMUX" in variables else "")),
        ("encoding", encoding),
        ("watched folders", str(folders)),
        ("config", str(environment.config_dir)),
        ("state", str(environment.state_dir)),
    )
