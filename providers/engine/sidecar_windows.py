"""Finding the windows in a document whose shape nobody promised.

Called by engine.sidecar alone, with JSON that is already known to hold no secret.  The
search is bounded in depth, keys and windows; whatever it does not understand it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.engine import sidecar_names as names
from providers.engine.sidecar_names import Scale, Slot, slot_of, slot_of_length, snake
from providers.engine.values import clean, number, percent, reset_time
from providers.model import DAY, Status, Window
from providers.record import Record, replace

MAX_DEPTH = 8
MAX_WINDOWS = 64
MAX_KEYS = 3_000
MAX_ITEMS = 128
MAX_AMOUNT = 1e15

Fields = Mapping[str, object]

_KNOWN_BY = ("id", "window", "kind", "window_kind", "rate_limit_type", "name", "label", "quota_id", "group")
_CALLED = ("label", "name", "limit_name", "display_name", "id", "bucket_id", "kind", "quota_id")
_MODEL = ("model_id", "model")
_FLAT_FIELDS = tuple(
    sorted(
        {*names.PERCENT_KEYS, *names.RESET_KEYS, *names.RELATIVE_RESET_KEYS, *names.USED_KEYS,
         *names.LIMIT_KEYS, *names.LEFT_KEYS, "currency", "enabled", "unlimited"},
        key=len,
        reverse=True,
    )
)  # fmt: skip
_FLAT_TAILS = tuple(f"_{f}" for f in _FLAT_FIELDS)
_FLAT_HEADS = ("resets_at_", "reset_at_", "resets_", "reset_")
_MINOR = {"used": "used_credits", "limit": "monthly_limit"}


class _Context(Record):
    """What the way down to an object says about the windows inside it."""

    slot: Slot | None = None
    scope: str = ""
    cycle: object = None
    listed: bool = False


class _Found(Record):
    """A window as found: its slot, the name it bears besides, its fields, its account's
    billing reset."""

    slot: Slot
    name: str
    fields: Fields
    cycle: object


def fields_of(document: Mapping[str, object]) -> dict[str, object]:
    """The document's own entries under snake-case keys; of two spellings the one that is set."""
    fields: dict[str, object] = {}
    for count, (key, value) in enumerate(document.items()):
        if count >= MAX_ITEMS:
            break
        plain = snake(key)
        if fields.get(plain) is None:
            fields[plain] = value
    return fields


def windows_in(document: object, *, name: str, observed_at: float, now: float) -> tuple[Window, ...]:
    """Every window of the document, in its order, ids unique.

    ``name`` is what a nameless window at the top is called.  Times in epoch seconds.
    """
    search = _Search()
    search.visit(document, name, 0, _Context())
    shares = _all_shares([f.fields for f in search.found])
    read = [(f, _window(f, shares, observed_at, now)) for f in search.found]
    return _unique([(f, w) for f, w in read if w is not None])[:MAX_WINDOWS]


class _Search:
    """Walks a document once, in order."""

    def __init__(self) -> None:
        self.found: list[_Found] = []
        self._keys_left = MAX_KEYS

    def visit(self, value: object, key: str, depth: int, context: _Context) -> None:
        """Collects the windows in ``value``, which stood under ``key``."""
        if depth > MAX_DEPTH or self._keys_left <= 0 or len(self.found) >= 2 * MAX_WINDOWS:
            return
        self._keys_left -= 1
        if isinstance(value, list):
            for item in value[:MAX_ITEMS]:
                if isinstance(item, dict | list):
                    self.visit(item, key, depth + 1, replace(context, listed=True))
        elif isinstance(value, dict):
            self._visit_object(value, key, depth, context)

    def _visit_object(self, value: dict[str, object], key: str, depth: int, context: _Context) -> None:
        self._keys_left -= min(len(value), MAX_ITEMS)
        fields = fields_of(value)
        slot, name = _name(fields, key, depth, context)
        if _is_window(fields, slot, context):
            self.found.append(_Found(slot, name, fields, context.cycle))
        else:
            self.found.extend(_Found(s, "", f, context.cycle) for s, f in _flat(fields).items())
        below = _below(fields, key, depth, context)
        for count, (child, inner) in enumerate(value.items()):
            if count >= MAX_ITEMS:
                break
            if isinstance(inner, dict | list) and snake(child) not in names.UNRELATED:
                self.visit(inner, child, depth + 1, below)


def _below(fields: Fields, key: str, depth: int, context: _Context) -> _Context:
    """What an object tells about the windows inside it: the slot of its key, the limit
    that it names (Codex's ``additional_rate_limits``), the billing reset."""
    own = slot_of(key) if depth else None
    scope = clean(fields.get("limit_name"))
    cycle = _first(fields, names.CYCLE_KEYS)
    return _Context(own or context.slot, scope or context.scope, cycle or context.cycle)


def _name(fields: Fields, key: str, depth: int, context: _Context) -> tuple[Slot, str]:
    """The slot of an object, and the name that tells it from others in the same slot."""
    keyed = "" if context.listed or snake(key) in names.WRAPPERS else key
    known = [fields.get(k) for k in _KNOWN_BY] + [keyed]
    slots = (slot_of(k) for k in known if isinstance(k, str) and k)
    slot = next((s for s in slots if s is not None), None)
    called = next((c for k in _CALLED if (c := clean(fields.get(k))) and slot_of(c) is None), "")
    model = _model_of(fields)
    if model and snake(model) in ("all", "all_models"):
        return Slot(slot.base if slot else "7d"), ""
    if model:
        base = (slot or slot_of(model) or Slot("day")).base
        return Slot(base, model), model
    slot = slot or context.slot
    if slot is None:
        return Slot("", called or clean(keyed)), ""
    if context.scope and not slot.scope:
        slot = Slot(slot.base, context.scope)
    return slot, called


def _model_of(fields: Fields) -> str:
    """The one model that a window is about: a Gemini bucket's ``modelId``, or the
    ``scope.model.display_name`` of Claude's ``limits``."""
    scope = fields.get("scope")
    model = scope.get("model") if isinstance(scope, dict) else None
    if isinstance(model, dict):
        return clean(model.get("display_name")) or clean(model.get("id"))
    return next((m for k in _MODEL if (m := clean(fields.get(k)))), "")


def _is_window(fields: Fields, slot: Slot, context: _Context) -> bool:
    scalars = {k for k, v in fields.items() if not isinstance(v, dict | list)}
    dated = any(k in scalars for k in (*names.RESET_KEYS, *names.RELATIVE_RESET_KEYS))
    given = scalars & names.PERCENT_KEYS.keys()
    if given and (given != {"usage"} or slot.base or dated):
        return True
    used, limit, left = _amounts(fields)
    if limit is not None and (used is not None or left is not None):
        return True
    if context.listed and dated and bool(slot.base or slot.scope):
        return True
    if not slot.base or slot == context.slot:
        return False
    return dated or used is not None or left is not None or fields.get("unlimited") is True


def _flat(fields: Fields) -> dict[Slot, dict[str, object]]:
    """Windows spelt out in keys of one flat object: ``five_hour_pct``, ``reset5h``."""
    records: dict[Slot, dict[str, object]] = {}
    for plain, value in fields.items():
        if isinstance(value, dict | list):
            continue
        part = _flat_part(plain, value)
        if part is not None:
            slot, field = part
            records.setdefault(slot, {})[field] = value
    return records


def _flat_part(plain: str, value: object) -> tuple[Slot, str] | None:
    bare = "util" if plain in names.BARE_SHARES else "used_percent" if plain in names.BARE_PERCENTS else ""
    if bare and not isinstance(value, str):
        slot = slot_of(plain, whole=False)
        return (slot, bare) if slot else None
    for head in _FLAT_HEADS:
        if plain.startswith(head) and (slot := slot_of(plain.removeprefix(head), whole=False)):
            return slot, "resets_at"
    if not plain.endswith(_FLAT_TAILS):
        return None
    for field in _FLAT_FIELDS:
        window = plain.removesuffix(f"_{field}")
        if window != plain and (slot := slot_of(window, whole=False)):
            return slot, _MINOR.get(field, field) if window == "extra_usage" else field
    return None


def _window(found: _Found, shares: bool, observed_at: float, now: float) -> Window | None:
    """The window, or None if nothing is known but its name."""
    fields = found.fields
    seconds = _seconds(fields)
    slot = slot_of_length(found.slot, seconds)
    used, limit, left = _amounts(fields)
    share = _percent(fields, shares)
    note = _note(fields, slot)
    unit = _unit(fields, slot)
    if unit == "percent":
        used = limit = left = unit = None
    resets_at = _resets_at(fields, observed_at, now)
    if resets_at is None and slot.base == "month":
        resets_at = reset_time(found.cycle, observed_at, now)
    told = (share, resets_at, seconds, used, limit, left)
    if all(t is None for t in told) and note != "unlimited":
        return None
    if note.startswith("off") and not used and not limit:
        return None
    return Window(
        id=slot.id,
        label=slot.label,
        used_percent=None if note else share,
        resets_at=resets_at,
        window_seconds=seconds or names.SECONDS.get(slot.base),
        used=used,
        limit=limit,
        remaining=left,
        unit=unit,
        note=note,
    )


def _unique(read: Sequence[tuple[_Found, Window]]) -> tuple[Window, ...]:
    """One window an id.  A second one of another name is told apart by it; a second
    spelling of the same one only fills in a figure that the first lacks."""
    kept: dict[str, Window] = {}
    months = {w.id for _, w in read if w.id.partition(":")[0] == "month"}
    for found, window in read:
        if window.id in months and len(months) == 1:
            window = replace(window, id="month", label="month")
        held = kept.get(window.id)
        if held is not None and found.name:
            slot = Slot(window.id.partition(":")[0], found.name)
            window = replace(window, id=slot.id, label=slot.label)
            held = kept.get(window.id)
        if held is None or (held.used_percent is None and window.used_percent is not None):
            kept[window.id] = window
    return tuple(kept.values())


def _all_shares(every: Sequence[Fields]) -> bool:
    """Whether ``utilization`` counts from 0 to 1 in this file: no value above 1 and at least
    one between.  Anthropic's endpoint sends 0-100, its headers 0-1."""
    values = [v for f in every if (v := number(f.get("utilization"))) is not None]
    return all(v <= 1 for v in values) and any(0 < v < 1 for v in values)


def _percent(fields: Fields, shares: bool) -> float | None:
    used, limit, left = _amounts(fields)
    if used is None and limit is not None and left is not None:
        used = limit - left
    computed = used / limit * 100 if used is not None and limit else None
    for key, scale in names.PERCENT_KEYS.items():
        value = number(fields.get(key))
        if value is None or (key == "usage" and any(k in fields for k in names.LIMIT_KEYS)):
            continue
        if scale is Scale.EITHER:
            scale = _scale_of(value, computed, shares)
        result = percent(round(_USED_PERCENT[scale](value), 4))
        if result is not None:
            return result
    if computed is None and names.STATUS_WORDS.get(snake(str(fields.get("status")))) is Status.LIMITED:
        return 100.0
    return percent(round(computed, 4)) if computed is not None else None


_USED_PERCENT = {
    Scale.USED: lambda v: v,
    Scale.LEFT: lambda v: 100 - v,
    Scale.USED_SHARE: lambda v: v * 100,
    Scale.LEFT_SHARE: lambda v: (1 - v) * 100,
}


def _scale_of(value: float, computed: float | None, shares: bool) -> Scale:
    """The scale of a ``utilization``: that which agrees with the amounts beside it, else
    that of the whole file."""
    if computed is not None:
        return Scale.USED_SHARE if abs(value * 100 - computed) < abs(value - computed) else Scale.USED
    return Scale.USED_SHARE if shares else Scale.USED


def _resets_at(fields: Fields, observed_at: float, now: float) -> float | None:
    for key in names.RESET_KEYS:
        moment = reset_time(fields.get(key), observed_at, now)
        if moment is not None:
            return moment
    for key in names.RELATIVE_RESET_KEYS:
        seconds = number(fields.get(key))
        if seconds is not None and 0 <= seconds <= 400 * DAY:
            return observed_at + seconds
    return None


def _seconds(fields: Fields) -> int | None:
    for key, unit in names.DURATION_KEYS.items():
        count = number(fields.get(key))
        if count is not None and 1 <= count * unit <= 400 * DAY:
            return round(count * unit)
    return None


def _amounts(fields: Fields) -> tuple[float | None, float | None, float | None]:
    """Used, limit and remaining, money in major units; a limit of zero or less is none."""
    used = _amount(_first(fields, names.USED_KEYS))
    limit = _amount(_first(fields, names.LIMIT_KEYS))
    left = _amount(_first(fields, names.LEFT_KEYS))
    places = number(fields.get("decimal_places"))
    minor = 10.0 ** int(places) if places is not None and 0 <= places <= 6 else 100.0
    cents, cap = (_amount(_first(fields, k)) for k in (names.MINOR_USED_KEYS, names.MINOR_LIMIT_KEYS))
    used = used if cents is None else cents / minor
    limit = limit if cap is None else cap / minor
    return used, limit or None, left


def _amount(value: object) -> float | None:
    result = number(value)
    return result if result is not None and 0 <= result <= MAX_AMOUNT else None


def _unit(fields: Fields, slot: Slot) -> str | None:
    unit = clean(_first(fields, names.UNIT_KEYS), 16)
    if not unit and ("used_usd" in fields or "limit_usd" in fields):
        return "USD"
    if unit in ("%", "percent"):
        return "percent"
    return unit or ("credits" if slot.base == "credits" else None)


def _note(fields: Fields, slot: Slot) -> str:
    if fields.get("unlimited") is True:
        return "unlimited"
    if slot.base == "spend" and _first(fields, names.ENABLED_KEYS) is False:
        reason = clean(fields.get("disabled_reason")).replace("_", " ")
        return f"off: {reason}" if reason else "off"
    return ""


def _first(fields: Fields, keys: Sequence[str]) -> object:
    """The first of these entries that is set."""
    return next((v for k in keys if (v := fields.get(k)) is not None), None)
