"""What Google's Code Assist says: who the account is for it, and how much of each model is left.

Pure.  Fractions are what is *left*, 0 to 1; one that is missing is unknown, never empty and never
full.  Facts: google-gemini/gemini-cli:packages/core/src/code_assist/types.ts, steipete/CodexBar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.engine.values import clean, number, part, reset_time
from providers.model import DAY, Window
from providers.record import Record

_GROUPS = (("flash-lite", "Flash-Lite"), ("flash", "Flash"), ("pro", "Pro"))
"""Tested in this order: the name of the first contains that of the second."""

_SHOWN = ("pro", "flash", "flash-lite", "other")


class Standing(Record):
    """What loadCodeAssist says.  ``ended``: Google no longer serves this person's kind of account
    (the sign in an otherwise good answer since June 2026); ``validate``: a link to follow first."""

    plan: str
    project: str
    credits: float | None
    ended: bool
    validate: str


def standing(body: Mapping[str, Any], workspace: bool) -> Standing:
    """The plan by its best name, the project, the credits of Google One."""
    paid = part(body, "paidTier")
    tier = clean(part(body, "currentTier").get("id"), 40)
    refusals = {clean(row.get("reasonCode"), 40): row for row in _rows(body.get("ineligibleTiers"))}
    named = {
        "standard-tier": "Paid",
        "free-tier": "Workspace" if workspace else "Free",
        "legacy-tier": "Legacy",
    }
    plan = clean(paid.get("name"), 60) or named.get(tier, "")
    ended = "UNSUPPORTED_CLIENT" in refusals and not tier and not paid.get("name") and not workspace
    asked_for = refusals.get("VALIDATION_REQUIRED", {}) if not tier else {}
    return Standing(plan, _project(body), _credits(paid), ended, _link(asked_for.get("validationUrl")))


def windows_of(body: Mapping[str, Any], at: float) -> tuple[Window, ...]:
    """A daily window for each family of models: the model of it that has least left."""
    least: dict[str, tuple[float, Mapping[str, Any]]] = {}
    for row in _rows(body.get("buckets")):
        model, left = clean(row.get("modelId"), 60).lower(), number(row.get("remainingFraction"))
        if not model or left is None or not 0 <= left <= 1:
            continue
        family = next((key for key, _ in _GROUPS if key in model), "other")
        if family not in least or left < least[family][0]:
            least[family] = left, row
    if not least:
        return (Window("day", "day", note="no quota reported"),)
    labels = dict(_GROUPS) | {"other": "other models"}
    return tuple(_window(family, labels[family], *least[family], at) for family in _SHOWN if family in least)


def credit_window(credits: float | None) -> tuple[Window, ...]:
    """The credits of Google One as a balance."""
    if credits is None:
        return ()
    return (Window("credits", "AI credits", remaining=credits, unit="credits"),)


def refusal(body: object) -> tuple[str, str]:
    """Of an error the reason ("moved", "validate", "licence" or "") and the link to follow."""
    error = part(body, "error")
    described = body.get("error_description") if isinstance(body, Mapping) else ""
    said = f"{clean(error.get('message'), 300)} {clean(described, 300)}".lower()
    for detail in _rows(error.get("details")):
        if detail.get("reason") == "VALIDATION_REQUIRED":
            return "validate", _link(part(detail, "metadata").get("validation_link"))
        if detail.get("reason") == "UNSUPPORTED_CLIENT":
            return "moved", ""
    if "unsupported_client" in said or "ineligibletiererror" in said:
        return "moved", ""
    if "no longer supported" in said and "gemini code assist" in said:
        return "moved", ""
    if "migrate" in said and "antigravity" in said:
        return "moved", ""
    if "named user" in said or "standard subscription" in said:
        return "licence", ""
    return "", ""


def _window(family: str, label: str, left: float, row: Mapping[str, Any], at: float) -> Window:
    amount = number(row.get("remainingAmount"))
    limit = float(round(amount / left)) if amount is not None and left > 0 else None
    used = limit - amount if limit is not None and amount is not None else None
    resets_at = reset_time(row.get("resetTime"), at, at)
    unit = "requests" if limit is not None else None
    rest = amount if limit is not None else None
    return Window(f"day:{family}", label, (1 - left) * 100, resets_at, DAY, used, limit, rest, unit)


def _credits(paid: Mapping[str, Any]) -> float | None:
    for row in _rows(paid.get("availableCredits")):
        if row.get("creditType") == "GOOGLE_ONE_AI":
            return number(row.get("creditAmount"))
    return None


def _project(body: Mapping[str, Any]) -> str:
    project = body.get("cloudaicompanionProject")
    if isinstance(project, Mapping):
        project = project.get("id") or project.get("projectId")
    return clean(project, 80)


def _link(value: object) -> str:
    text = clean(value, 200)
    return text if text.startswith("https://") else ""


def _rows(value: object) -> Iterator[Mapping[str, Any]]:
    for row in value if isinstance(value, list) else ():
        if isinstance(row, Mapping):
            yield row
