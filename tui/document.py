"""``quotadeck status --json``: the contract's document, schema_version 1.  Pure.

Apart from the reports for people, so that a program that asks pays for no wording.
"""

from __future__ import annotations

import json

from providers.engine.shown import AccountView, Budget, DeckView, ProviderView, WindowView

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA_VERSION = 1


def as_json(view: DeckView) -> str:
    """The contract's document, schema_version 1."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "generated_at": int(view.generated_at),
        "providers": [_provider(p) for p in view.providers],
    }
    # On one line: laying it out is done in Python, which costs a tenth of the command.
    return json.dumps(document) + "\n"


def _provider(provider: ProviderView) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "status": provider.status.value,
        "message": provider.message,
        "accounts": [_account(a) for a in provider.accounts],
    }


def _account(account: AccountView) -> dict[str, Any]:
    return {
        "id": account.id,
        "alias": account.alias,
        "email": account.email,
        "plan": account.plan,
        "live": account.live,
        "known": account.known,
        "status": account.status.value,
        "message": account.message,
        "login_expires_at": _whole(account.login_expires_at),
        "next_refresh_at": _whole(account.next_refresh_at),
        "budget": _budget(account.budget),
        "warnings": list(account.warnings),
        "windows": [_window(w) for w in account.windows],
    }


def _budget(budget: Budget | None) -> dict[str, int] | None:
    if budget is None:
        return None
    return {"used": budget.used, "limit": budget.limit, "per_seconds": budget.per_seconds}


def _window(window: WindowView) -> dict[str, Any]:
    pace = window.pace
    return {
        "id": window.id,
        "label": window.label,
        "used_percent": None if window.used_percent is None else round(window.used_percent, 1),
        "resets_at": _whole(window.resets_at),
        "window_seconds": window.window_seconds,
        "state": window.state.value,
        "source": window.source,
        "observed_at": _whole(window.observed_at),
        "pace": pace
        and {"expected_percent": round(pace.expected_percent, 1), "runs_out_at": _whole(pace.runs_out_at)},
        "used": window.used,
        "limit": window.limit,
        "remaining": window.remaining,
        "unit": window.unit,
        "note": window.note,
        "refills_at": _whole(window.refills_at),
        "refill_percent": window.refill_percent,
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
