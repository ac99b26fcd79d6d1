"""Claude's quotas: the usage body, as Claude Code caches it and its endpoint serves it.

Pure.  Percentages are 0-100 and never rescaled: 0.5 is half a percent.  Keys and their
precedence: steipete/CodexBar:Sources/CodexBarCore/Providers/Claude and
sirmalloc/ccstatusline:src/utils/usage-fetch.ts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.engine.values import clean, epoch, number, percent, reset_time
from providers.model import FIVE_HOURS, WEEK, Reading, Source, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MODELS = {
    "seven_day_opus": "Opus",
    "seven_day_sonnet": "Sonnet",
    "seven_day_fable": "Fable",
    "seven_day_overage_included": "Fable",
    "seven_day_oauth_apps": "OAuth apps",
    "seven_day_cowork": "Cowork",
    "seven_day_omelette": "Design",
    "seven_day_design": "Design",
}
SIGNS = ("five_hour", "seven_day", "limits", "extra_usage", "spend", "member_dashboard_available")
"""A usage body has at least one of these keys, whatever its value; nothing else does."""

_ROUTINES = (
    "seven_day_routines",
    "seven_day_claude_routines",
    "claude_routines",
    "routines",
    "routine",
    "cowork",
)
_NOT_WINDOWS = frozenset(
    {"five_hour", "seven_day", "extra_usage", "spend", "limits", "seven_day_breakdown", *_MODELS, *_ROUTINES}
)


def parse_usage(body: object, *, observed_at: float, now: float) -> tuple[Window, ...]:
    """Every window of a usage body, money last; () if it lists none.

    The session and the week come from their own keys, which are finer than ``limits[]``;
    a model's week comes from ``limits[]`` first.
    """
    if not isinstance(body, Mapping):
        return ()
    limits = [item for item in _list(body.get("limits")) if isinstance(item, Mapping)]
    found = [
        _main(body.get("five_hour"), limits, "session", ("5h", "5 h", FIVE_HOURS), observed_at, now),
        _main(body.get("seven_day"), limits, "weekly_all", ("7d", "7 d", WEEK), observed_at, now),
        *(_scoped(item, observed_at, now) for item in limits),
        *_flat_models(body, observed_at, now),
        *_unknown(body, observed_at, now),
        _money(body, observed_at, now),
    ]
    windows: dict[str, Window] = {}
    for window in found:
        if window is not None:
            windows.setdefault(window.id, window)
    return tuple(windows.values())


def cached_reading(config: Mapping[str, Any], origin: str, mtime: float, now: float) -> Reading | None:
    """``cachedUsageUtilization`` of the global config, if it is of the account in it.

    It names its own account, so after a switch the leftover of another is passed over; its
    age counts, not its rank (senna-lang/herdr-agent-usage#43: gaps of days).
    """
    cache, account = config.get("cachedUsageUtilization"), config.get("oauthAccount")
    if not isinstance(cache, Mapping) or not isinstance(account, Mapping):
        return None
    owner = clean(account.get("accountUuid"))
    if not owner or clean(cache.get("accountUuid")) != owner:
        return None
    at = epoch(cache.get("fetchedAtMs"))
    observed_at = min(at if at is not None else mtime, now)
    windows = parse_usage(cache.get("utilization"), observed_at=observed_at, now=now)
    key = identity_key(account)
    return Reading("claude", windows, Source.CACHE, origin, observed_at, account=key) if windows else None


def identity_key(account: Mapping[str, Any]) -> str:
    """Account and organisation together: one e-mail can be in several organisations."""
    return f"{clean(account.get('accountUuid'))}/{clean(account.get('organizationUuid'))}"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _main(
    flat: object,
    limits: list[Mapping[str, Any]],
    kind: str,
    name: tuple[str, str, int],
    observed_at: float,
    now: float,
) -> Window | None:
    """The session or the week: the flat key, or the entry of that kind where it holds no
    figure.  An object of nulls is no window: seats without windows send it."""
    item = next((i for i in limits if i.get("kind") == kind), None)
    said = [
        Window(*name[:2], percent(value.get(key)), _reset(value, observed_at, now), name[2])
        for value, key in ((flat, "utilization"), (item, "percent"))
        if isinstance(value, Mapping)
    ]
    figures = [window for window in said if window.used_percent is not None]
    return next(iter(figures or [window for window in said if window.resets_at is not None]), None)


def _scoped(item: Mapping[str, Any], observed_at: float, now: float) -> Window | None:
    """A weekly limit of one model or surface.  "All models" repeats the week; 0 % without a
    reset is a placeholder.  Another kind becomes a row of its own."""
    kind = clean(item.get("kind"))
    if kind in ("session", "weekly_all", ""):
        return None
    used, resets_at = percent(item.get("percent")), _reset(item, observed_at, now)
    if used is None or (used == 0 and resets_at is None):
        return None
    if kind != "weekly_scoped":
        return Window(_slug(kind), _pretty(kind), used, resets_at)
    scope = item.get("scope")
    scope = scope if isinstance(scope, Mapping) else {}
    model, surface = _name(scope.get("model")), _name(scope.get("surface"))
    title = " ".join(part for part in (model, surface) if part)
    if not title or model.lower() == "all models":
        return None
    ident = ":".join(_slug(part) for part in (model, surface) if part)
    return Window(f"7d:{ident}", f"7 d {title}", used, resets_at, WEEK)


def _name(value: object) -> str:
    if isinstance(value, Mapping):
        return clean(value.get("display_name")) or clean(value.get("id"))
    return clean(value)


def _flat_models(body: Mapping[str, Any], observed_at: float, now: float) -> list[Window | None]:
    """Weekly keys per model, null on current accounts (then limits[] has them)."""
    named = [*_MODELS.items(), *((key, "Routines") for key in _ROUTINES)]
    return [
        _row(body.get(key), f"7d:{_slug(title)}", f"7 d {title}", observed_at, now) for key, title in named
    ]


def _unknown(body: Mapping[str, Any], observed_at: float, now: float) -> list[Window | None]:
    """Keys nobody knows yet: shown under a prettified name once they carry a figure."""
    return [
        _row(value, *_title_of(key), observed_at, now)
        for key, value in body.items()
        if isinstance(key, str) and key not in _NOT_WINDOWS and isinstance(value, Mapping)
    ][:16]


def _title_of(key: str) -> tuple[str, str]:
    """Id and label of an unknown key.  A week of a new model has the id that ``limits[]``
    gives it, so that it is not drawn twice."""
    model = key.removeprefix("seven_day_")
    if model not in (key, ""):
        return f"7d:{_slug(model)}", f"7 d {_pretty(model).capitalize()}"
    return _slug(key), _pretty(key)


def _row(value: object, ident: str, label: str, observed_at: float, now: float) -> Window | None:
    if not isinstance(value, Mapping):
        return None
    used, resets_at = percent(value.get("utilization")), _reset(value, observed_at, now)
    if used is None or (used == 0 and resets_at is None):
        return None
    return Window(ident, label, used, resets_at, WEEK if ident.startswith("7d") else None)


def _money(body: Mapping[str, Any], observed_at: float, now: float) -> Window | None:
    """Extra usage in the account's own currency; ``spend`` has the same facts, newer."""
    extra, spend = body.get("extra_usage"), body.get("spend")
    used, limit, unit = _amounts(extra, spend)
    extra = extra if isinstance(extra, Mapping) else {}
    spend = spend if isinstance(spend, Mapping) else {}
    enabled = spend.get("enabled")
    enabled = extra.get("is_enabled") if enabled is None else enabled
    if used is None or (not enabled and not used):
        return None
    if enabled is not None and not enabled:
        reason = clean(spend.get("disabled_reason") or extra.get("disabled_reason")).replace("_", " ")
        note = f"off: {reason}" if reason else "off"
        return Window("spend", "extra usage", None, None, None, used, limit, None, unit, note)
    share = percent(used * 100 / limit) if limit else None
    return Window(
        "spend", "extra usage", share, _reset(extra, observed_at, now), None, used, limit, None, unit
    )


def _amounts(extra: object, spend: object) -> tuple[float | None, float | None, str]:
    """Used and limit in major units, and the currency."""
    if isinstance(spend, Mapping) and isinstance(spend.get("used"), Mapping):
        used, unit = _minor(spend["used"])
        return used, _minor(spend.get("limit"))[0], unit
    if not isinstance(extra, Mapping):
        return None, None, "USD"
    places = number(extra.get("decimal_places"))
    scale = 10 ** int(places if places is not None and 0 <= places <= 6 else 2)
    used, limit = number(extra.get("used_credits")), number(extra.get("monthly_limit"))
    unit = clean(extra.get("currency"), 8) or "USD"
    return (None if used is None else used / scale), (None if limit is None else limit / scale), unit


def _minor(money: object) -> tuple[float | None, str]:
    if not isinstance(money, Mapping):
        return None, "USD"
    amount, exponent = number(money.get("amount_minor")), number(money.get("exponent"))
    scale = 10 ** int(exponent if exponent is not None and 0 <= exponent <= 6 else 2)
    return (None if amount is None else amount / scale), clean(money.get("currency"), 8) or "USD"


def _reset(value: Mapping[str, Any], observed_at: float, now: float) -> float | None:
    return reset_time(value.get("resets_at"), observed_at, now)


def _slug(text: str) -> str:
    return re.sub(r"(?:[^\w.]|_)+", "-", clean(text).lower()).strip("-")[:40] or "other"


def _pretty(key: str) -> str:
    return clean(key).replace("_", " ")
