"""Codex's usage answer (``GET /backend-api/wham/usage``) as a reading.  Pure; sends nothing.

Whoever fetched the answer calls this.  Every key is optional and one bad element does not
drop its siblings.  Shape: openai/codex and getagentseal/codeburn:docs/providers/codex.md;
additional limits and code review: slkiser/opencode-quota:tests/fixtures/openai.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from providers.base import Unparseable
from providers.codex.quota import credits_window, plan_label, spend_window, windows_of
from providers.engine.values import clean, number
from providers.model import Reading, Source, Window
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLAIN = "rate_limit_reached"
_SIGNS = ("rate_limit", "plan_type", "credits", "spend_control")


def parse_usage(body: object, *, observed_at: float, now: float) -> Reading:
    """The answer as a complete reading; times in epoch seconds.

    ``account`` is the identity key (account id and member) if the answer names both, for
    the caller to compare with the login it asked for.  Raises `Unparseable` for anything
    but a usage answer, the service's own errors among them.
    """
    if not isinstance(body, Mapping) or not any(sign in body for sign in _SIGNS):
        raise Unparseable("is not a usage answer")
    account, member = clean(body.get("account_id")), clean(body.get("user_id"))
    found: dict[str, Window] = {}
    for window in _windows(body, observed_at, now):
        found.setdefault(window.id, window)
    return Reading(
        "codex",
        tuple(found.values()),
        Source.ENDPOINT,
        "wham/usage",
        observed_at,
        account=f"{account}/{member}" if account and member else None,
        complete=True,
        plan=plan_label(body.get("plan_type")),
        email=clean(body.get("email")),
    )


def _windows(body: Mapping[str, Any], observed_at: float, now: float) -> Iterator[Window]:
    for scope, limits in _scopes(body):
        if isinstance(limits, Mapping):
            yield from _bound(tuple(windows_of(limits, observed_at, now, scope)), limits, body)
    extras = (
        spend_window(body, observed_at, now),
        credits_window(body.get("credits")),
        _banked(body.get("rate_limit_reset_credits")),
        _reached(body),
    )
    for window in extras:
        if window is not None:
            yield window


def _scopes(body: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Each limit object under the name of what it limits; the main one has none."""
    yield "", body.get("rate_limit")
    yield "code review", body.get("code_review_rate_limit")
    more = body.get("additional_rate_limits")
    for item in more if isinstance(more, list) else ():
        if isinstance(item, Mapping):
            name = clean(item.get("limit_name")) or clean(item.get("metered_feature"))
            if name:
                yield name, item.get("rate_limit")


def _bound(windows: tuple[Window, ...], limits: Mapping[str, Any], body: Mapping[str, Any]) -> list[Window]:
    """The windows of one limit object.  Its word that a limit is reached outranks the
    percentages: then the fullest window is full, and that one alone
    (jeongwookie/WhereMyTokens#8 painted every window)."""
    reached = limits.get("limit_reached") is True or limits.get("allowed") is False
    known = [w.used_percent for w in windows if w.used_percent is not None]
    if not reached or not known or max(known) >= 100 or _reached_type(body) not in ("", _PLAIN):
        return list(windows)
    full = max(known)
    first = next(w for w in windows if w.used_percent == full)
    return [replace(w, used_percent=100.0) if w is first else w for w in windows]


def _reached_type(body: Mapping[str, Any]) -> str:
    held = body.get("rate_limit_reached_type")
    return clean(held.get("type")) if isinstance(held, Mapping) else ""


def _reached(body: Mapping[str, Any]) -> Window | None:
    """What stops the account if it is no window of its own: a workspace's credits or limits."""
    kind = _reached_type(body)
    if kind in ("", _PLAIN):
        control = body.get("spend_control")
        if not isinstance(control, Mapping) or control.get("reached") is not True:
            return None
        which = clean(control.get("reached_limit_type")).replace("_", " ")
        return Window("limit", "limit", note=f"reached: {which} spend limit".replace("  ", " "))
    return Window("limit", "limit", note=f"reached: {kind.replace('_', ' ')}")


def _banked(credits: object) -> Window | None:
    """Resets that may be spent later: counted, never redeemed here."""
    count = number(credits.get("available_count")) if isinstance(credits, Mapping) else None
    if count is None or count < 1:
        return None
    return Window(
        "resets", "banked resets", remaining=float(int(count)), unit="resets", note=f"{int(count)} banked"
    )
