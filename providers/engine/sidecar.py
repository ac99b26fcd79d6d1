"""The tolerant reader of quota sidecars: other tools' caches and our own.

Pure on bytes; providers call `parse_sidecar`, the collector asks `denied_name` before it
opens anything.  tokenmaxxer's keys are not known for certain, and each neighbour has
keys of its own, so windows are found by what their fields mean, not by where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from providers.base import FileBytes
from providers.engine.sidecar_fields import (
    OBSERVED,
    amounts_of,
    duration_of,
    key_of,
    percent_of,
    reset_of,
    speaks_of_use,
    status_of,
    utilization_is_ratio,
)
from providers.engine.values import clean, epoch, load_json, number, observed_time, percent, refuse_secrets
from providers.engine.window_names import Name, base_of, name_window, scoped_name, words_of
from providers.model import Failure, Reading, Source, Status, Window

MAX_WINDOWS = 64
MAX_LEVELS = 8
OUR_SCHEMA = "quotadeck.quota"

_SECRET_NAMES = ("cookie", "token", "secret", "auth", "cred")
_NAMES = ("id", "window", "kind", "modelId", "quota_id", "label", "name")
_NOT_QUOTA = frozenset(
    {"context_window", "cost", "extra_usage", "seven_day_breakdown", "weekly_scoped_shares"}
)
_PLAN = (
    "plan", "plan_type", "planName", "copilot_plan", "access_type_sku", "sku",
    "tier", "rateLimitTier", "subscriptionType", "membershipType",
)  # fmt: skip
_EMAIL = ("email", "account_email", "account", "login")
_ALIASED = {"opencode-go": "opencode"}


@dataclass(frozen=True, slots=True)
class _Document:
    """One document with what counts for all of its windows."""

    body: Mapping[str, Any]
    observed_at: float
    now: float
    ratio: bool
    reset: float | None


def denied_name(name: str) -> bool:
    """Whether a file of this name is a secret rather than a sidecar, so never opened.

    ``.tokenmaxxer-opencode-go.json`` holds a browser cookie although its name matches the
    sidecars' pattern (tokenmaxxer's SECURITY.md for 0.2.0).
    """
    stem = (
        name.lower().replace("tokenmaxxer", "").replace("token_optimizer", "").replace("token-optimizer", "")
    )
    return stem.endswith("opencode-go.json") or any(word in stem for word in _SECRET_NAMES)


def parse_sidecar(
    file: FileBytes, *, provider: str, source: Source, origin: str, now: float
) -> tuple[Reading | Failure, ...]:
    """What a sidecar says of ``provider``: a reading if it has windows, a failure if its
    status word says so, perhaps both.

    Raises `Unparseable` for what is not JSON (nor KEY=VALUE lines), `SecretFound` if any
    string in it looks like a credential.
    """
    document = _load(file.data)
    refuse_secrets(document)
    if not isinstance(document, dict):
        return ()
    body = _part_for(provider, document)
    claimed = next((v for v in (_first(d, OBSERVED) for d in (body, document)) if v is not None), None)
    observed_at = observed_time(claimed, file.mtime, now)
    held = _Document(body, observed_at, now, utilization_is_ratio(body), reset_of(body, observed_at, now))
    ours = body.get("schema") == OUR_SCHEMA
    windows = _our_windows(held) if ours else _unique(_windows(held))
    account, alias = _account_of(body, ours=ours)
    status, message = status_of(body, bool(windows))
    kind = _source_of(body, source) if ours else source
    facts: list[Reading | Failure] = []
    if windows:
        facts.append(
            Reading(
                provider,
                windows,
                kind,
                origin,
                observed_at,
                account=account,
                since=epoch(body.get("first_seen_at")) if ours else None,
                plan=_plan_of(body, ours=ours),
                email=_email_of(body),
                alias=alias,
                next_refresh_at=epoch(body.get("next_refresh_at")) if ours else None,
            )
        )
    if status is not Status.OK:
        facts.append(Failure(provider, status, message, kind, origin, observed_at, account))
    return tuple(facts)


def _load(data: bytes) -> Any:
    """JSON, or the KEY=VALUE lines of Claude-Usage-Tracker's statusline cache."""
    if data[:200].lstrip().startswith(b"TIMESTAMP="):
        pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
        return {_CACHE_KEYS.get(k.strip(), k.strip().lower()): v.strip() for k, _, v in pairs if k.strip()}
    return load_json(data)


_CACHE_KEYS = {
    "TIMESTAMP": "timestamp",
    "UTILIZATION": "five_hour_pct",
    "RESETS_AT": "five_hour_reset",
    "WEEKLY_UTILIZATION": "seven_day_pct",
    "WEEKLY_RESETS_AT": "seven_day_reset",
}


def _part_for(provider: str, document: dict[str, Any]) -> dict[str, Any]:
    """The provider's own part of an export that covers several (openusage, opencode-quota)."""
    every = document.get("providers")
    if not isinstance(every, dict):
        return document
    for name, part in every.items():
        if isinstance(part, dict) and _ALIASED.get(name, name) == provider:
            return part
    return {}


def _first(body: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first of these keys with a value; one wrapper deep (``data``) as well."""
    for name in names:
        if body.get(name) is not None:
            return body[name]
    return None


def _windows(held: _Document) -> Iterator[Window]:
    body = held.body.get("rate_limits") if isinstance(held.body.get("rate_limits"), dict) else held.body
    if "session_id" in held.body and body is held.body:
        return
    assert isinstance(body, Mapping)
    yield from _walk(body, "", held, 0)
    extra = _extra_usage(held.body)
    if extra is not None:
        yield extra


def _walk(node: Any, name: str, held: _Document, level: int) -> Iterator[Window]:
    if level > MAX_LEVELS:
        return
    if isinstance(node, list):
        for item in node[: 4 * MAX_WINDOWS]:
            if isinstance(item, dict | list):
                yield from _walk(item, name, held, level + 1)
        return
    if level and speaks_of_use(node):
        window = _window(node, name, held)
        if window is not None:
            yield window
        return
    yield from _flat(node, held)
    for key, value in node.items():
        if isinstance(value, dict | list) and isinstance(key, str) and key not in _NOT_QUOTA:
            yield from _walk(value, key, held, level + 1)


def _window(node: Mapping[str, Any], key: str, held: _Document) -> Window | None:
    """A dict that speaks of use.  None if it says nothing at all, or repeats another."""
    name = _name_of(node, key)
    if name is None:
        return None
    used_percent, note = percent_of(node, ratio=held.ratio)
    resets_at = reset_of(node, held.observed_at, held.now)
    if resets_at is None and name.id.startswith("month"):
        resets_at = held.reset
    used, limit, remaining, unit = amounts_of(node)
    if (used_percent, resets_at, remaining) == (None, None, None) and not note and duration_of(node) is None:
        return None
    return Window(
        name.id, name.label, used_percent, resets_at, name.seconds, used, limit, remaining, unit, note
    )


def _name_of(node: Mapping[str, Any], key: str) -> Name | None:
    seconds = duration_of(node)
    scope = node.get("scope")
    if isinstance(scope, dict):
        model = scope.get("model")
        shown = clean(model.get("display_name") or model.get("id")) if isinstance(model, dict) else ""
        return None if not shown or shown.lower() == "all models" else scoped_name("7d", shown, seconds)
    for field in _NAMES:
        own = clean(node.get(field)) if isinstance(node.get(field), str) else ""
        if own and not (field == "kind" and own in ("consumption", "balance", "percent")):
            return name_window(own, seconds, model=field == "modelId")
    return name_window(key, seconds)


_PERCENT_ENDS = frozenset(
    {"pct", "percent", "percentage", "usage", "used", "utilization", "usedpercentage", "usedpercent", ""}
)
_RESET_ENDS = frozenset({"reset", "resets", "resetat", "resetsat", "resetepoch", "resettime"})


def _flat(node: Mapping[str, Any], held: _Document) -> Iterator[Window]:
    """Windows spelled as ``<window><field>`` keys of one dict: five_hour_pct, fiveHourUtil,
    session5h, sessionUsage with sessionResetAt, reset5h."""
    found: dict[str, tuple[Name, dict[str, Any]]] = {}
    for key, value in node.items():
        if isinstance(value, dict | list | bool) or not isinstance(key, str) or key in held_metadata:
            continue
        words = words_of(key)
        reversed_reset = words[:1] == ("reset",) and len(words) > 1
        base, rest = base_of(words[1:] if reversed_reset else words)
        if base is None and _is_model_week(words, node):
            base, rest = "7d", words
        if base is None or base in ("spend", "credits"):
            continue
        field, model = _field_of(
            ("reset",) if reversed_reset else rest, bare_ratio=key in ("session5h", "weekly7d")
        )
        if field:
            name = scoped_name(base, model, None)
            found.setdefault(name.id, (name, {}))[1][field] = value
    for name, fields in found.values():
        used = percent(fields.get("pct"))
        ratio = number(fields.get("ratio"))
        if used is None and ratio is not None:
            used = percent(ratio * 100)
        if "pct" in fields or "ratio" in fields:
            resets_at = reset_of({"resets_at": fields.get("reset")}, held.observed_at, held.now)
            if used is not None or resets_at is not None:
                yield Window(name.id, name.label, used, resets_at, name.seconds)


held_metadata = frozenset(
    {"plan", "plan_type", "planName", "session", "session_id", "sessionId", "day", "login", "premium"}
)


def _field_of(rest: tuple[str, ...], *, bare_ratio: bool) -> tuple[str, str]:
    """("pct" | "ratio" | "reset" | "", model words) for what follows the window's name."""
    for cut in range(len(rest) + 1):
        end, model = "".join(rest[cut:]), " ".join(rest[:cut])
        if end in _RESET_ENDS:
            return "reset", model
        if end == "util":
            return "ratio", model
        if end in _PERCENT_ENDS and (end or not model):
            return ("ratio" if bare_ratio and not end else "pct"), model
    return "", ""


def _is_model_week(words: tuple[str, ...], node: Mapping[str, Any]) -> bool:
    """ccstatusline writes a model's week as ``fableUsage`` with ``fableResetAt``."""
    if len(words) < 2 or words[0] == "extra" or "sessionUsage" not in node:
        return False
    return f"{words[0]}Usage" in node and words[1:] in (("usage",), ("reset", "at"))


def _extra_usage(body: Mapping[str, Any]) -> Window | None:
    """ccstatusline's extra usage, in minor units."""
    used, limit = number(body.get("extraUsageUsed")), number(body.get("extraUsageLimit"))
    if body.get("extraUsageEnabled") is not True or used is None:
        return None
    share = percent(body.get("extraUsageUtilization"))
    unit = clean(body.get("extraUsageCurrency")) or "USD"
    top = limit / 100 if limit else None
    return Window("spend", "extra usage", share, None, None, used / 100, top, None, unit)


def _our_windows(held: _Document) -> tuple[Window, ...]:
    """Our own format: every field as it is, unknown keys passed over."""
    found: list[Window] = []
    listed = held.body.get("windows")
    for item in listed[:MAX_WINDOWS] if isinstance(listed, list) else ():
        if isinstance(item, dict) and clean(item.get("id"), 60):
            seconds = number(item.get("window_seconds"))
            found.append(
                Window(
                    id=clean(item["id"], 60),
                    label=clean(item.get("label")) or clean(item["id"], 60),
                    used_percent=percent(item.get("used_percent")),
                    resets_at=reset_of({"resets_at": item.get("resets_at")}, held.observed_at, held.now),
                    window_seconds=int(seconds) if seconds and 0 < seconds < 1e9 else None,
                    used=number(item.get("used")),
                    limit=number(item.get("limit")),
                    remaining=number(item.get("remaining")),
                    unit=clean(item.get("unit")) or None,
                    note=clean(item.get("note")),
                )
            )
    return tuple(found)


def _unique(windows: Iterator[Window]) -> tuple[Window, ...]:
    """The first of each id; several monthly quotas of one file keep their own names."""
    found: dict[str, Window] = {}
    for window in windows:
        if len(found) >= MAX_WINDOWS:
            break
        if window.id not in found:
            found[window.id] = window
        elif window.id == "month":
            extra = replace(window, id=f"month:{len(found)}")
            found[extra.id] = extra
    return tuple(found.values())


def _account_of(body: Mapping[str, Any], *, ours: bool) -> tuple[str | None, str]:
    account = body.get("account")
    if ours and isinstance(account, dict):
        ident = clean(account.get("id"), 40)
        return (f"id:{ident}" if ident else None), clean(account.get("alias"))
    return clean(body.get("accountUuid")) or None, ""


def _plan_of(body: Mapping[str, Any], *, ours: bool) -> str:
    account = body.get("account")
    if ours and isinstance(account, dict):
        return clean(account.get("plan"))
    wrapped = body.get("data")
    inner = wrapped if isinstance(wrapped, dict) else {}
    return next((clean(d.get(k)) for d in (body, inner) for k in _PLAN if clean(d.get(k))), "")


def _email_of(body: Mapping[str, Any]) -> str:
    return next((clean(body.get(k)) for k in _EMAIL if "@" in clean(body.get(k))), "")


def _source_of(body: Mapping[str, Any], default: Source) -> Source:
    said = body.get("source")
    return Source(said) if said in {s.value for s in Source} else default
