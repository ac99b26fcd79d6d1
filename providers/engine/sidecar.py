"""Reading quota files of any tool: one tolerant reader, and our own format taken as it is.

For provider folders, which hand over bytes that engine.files read and a source of theirs.
The shapes and where they come from are told in engine.sidecar_names; our own format is
written by engine.sidecar_write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from providers.base import FileBytes, Unparseable
from providers.engine import sidecar_names as names
from providers.engine.sidecar_names import provider_of, snake
from providers.engine.sidecar_windows import Fields, fields_of, windows_in
from providers.engine.values import (
    clean,
    epoch,
    load_json,
    looks_secret,
    number,
    observed_time,
    percent,
    refuse_secrets,
    reset_time,
)
from providers.model import DAY, Failure, Reading, Source, Status, Window
from providers.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "quotadeck.quota"
VERSION = 1
MAX_WINDOWS = 64
MAX_OBJECTS = 5_000
MAX_MESSAGE = 200
ACCOUNT_ID = re.compile(r"[a-z0-9-]{1,40}")

Facts = tuple[Reading | Failure, ...]

_DENIED = ("opencode-go", "cookie", "token", "secret", "auth", "cred")
_ASSIGNMENT = re.compile(rb"\s*[A-Z][A-Z0-9_]*=")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.){0,20000}+("?)', re.DOTALL)


def denied_name(name: str) -> bool:
    """Whether a file of this name is a secret by its name alone, so that it is not opened.

    tokenmaxxer keeps a browser cookie in ``.tokenmaxxer-opencode-go.json``, beside its
    sidecars (pkyIntelligence/tokenmaxxer:SECURITY.md).
    """
    plain = name.lower()
    for tool in ("tokenmaxxer", "token-optimizer", "token_optimizer"):
        plain = plain.replace(tool, "")
    return any(word in plain for word in _DENIED)


def parse_sidecar(file: FileBytes, *, provider: str, source: Source, origin: str, now: float) -> Facts:
    """What a quota file says about ``provider``: a reading, a failure, both or nothing.

    ``now`` in epoch seconds.  Raises `Unparseable` for what is no document, and
    `SecretFound` for one that holds what looks like a credential.  A reading has an
    account only where the file names one by a stable id.
    """
    document = _document(file.data)
    # Without escapes every string stands in the text as it is, so one search will do.
    if b"\\" in file.data or looks_secret(file.data.decode("utf-8", "replace")):
        refuse_secrets(document)
    if not isinstance(document, dict | list):
        raise Unparseable("is JSON, but no object")
    page = _Page(file, provider, source, origin, now)
    if isinstance(document, list):
        return page.facts(document, [])
    if document.get("schema") == SCHEMA:
        return page.own_facts(document)
    if isinstance(document.get("providers"), dict | list):
        return page.facts_of_one_provider(document)
    return page.facts(document, _levels(document))


def _document(data: bytes) -> Any:
    if _ASSIGNMENT.match(data):
        return _assignments(data)
    if data.count(b"{") + data.count(b"[") > MAX_OBJECTS:
        raise Unparseable(f"holds more than {MAX_OBJECTS} objects and lists, far more than a quota file")
    # The reader of JSON counts brackets with a pattern that backtracks over a string with
    # many escapes, for minutes if it has no end; half a file can stop inside of one.
    if b"\\" in data and not data.startswith(_UTF_16) and not all(_STRING.findall(data)):
        raise Unparseable("holds a string without an end, perhaps half written")
    return load_json(data)


def _assignments(data: bytes) -> dict[str, object]:
    """The KEY=VALUE lines of Claude-Usage-Tracker's ``.statusline-usage-cache``."""
    values: dict[str, str] = {}
    text = data.decode("utf-8", "replace")
    refuse_secrets(text)
    for line in text.splitlines()[:200]:
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip().upper()] = value.strip().strip("\"'")
    return {
        "timestamp": values.get("TIMESTAMP"),
        "five_hour": {"used_percent": values.get("UTILIZATION"), "resets_at": values.get("RESETS_AT")},
        "seven_day": {
            "used_percent": values.get("WEEKLY_UTILIZATION"),
            "resets_at": values.get("WEEKLY_RESETS_AT"),
        },
    }


def _levels(document: Mapping[str, object]) -> list[Fields]:
    """The objects that speak of the whole file: the top, and what it wraps, two deep."""
    levels: list[Fields] = [fields_of(document)]
    for _ in range(2):
        wrapped = next(
            (v for k, v in levels[-1].items() if k in names.WRAPPERS and isinstance(v, dict)), None
        )
        if wrapped is None:
            break
        levels.append(fields_of(wrapped))
    return levels


def _first(levels: Iterable[Fields], keys: Iterable[str]) -> object:
    """The first of these keys that is set to a single value, the outermost level first."""
    wanted = tuple(keys)
    for level in levels:
        for key in wanted:
            value = level.get(key)
            if value is not None and not isinstance(value, dict | list):
                return value
    return None


class _Page(Record):
    """One file being read."""

    file: FileBytes
    provider: str
    source: Source
    origin: str
    now: float

    def facts(self, document: object, levels: list[Fields], outer: Fields | None = None) -> Facts:
        """The facts of a document of unknown shape."""
        dated = [*levels, outer] if outer is not None else levels
        claimed = _first(dated, names.OBSERVED_KEYS)
        observed_at = observed_time(claimed, self.file.mtime, self.now)
        windows = windows_in(
            document, name=_name_of(self.file.path.name), observed_at=observed_at, now=self.now
        )
        who = _who(levels)
        facts: list[Reading | Failure] = []
        if windows:
            facts.append(
                Reading(
                    self.provider,
                    windows,
                    self.source,
                    self.origin,
                    observed_at,
                    account=who.account,
                    plan=clean(_first(levels, names.PLAN_KEYS)),
                    email=who.email,
                    alias=who.alias,
                )
            )
        status, message = _trouble(levels)
        if status is not Status.OK:
            facts.append(self._failure(status, message, observed_at, who.account))
        return tuple(facts)

    def facts_of_one_provider(self, document: Mapping[str, object]) -> Facts:
        """The facts about our provider in a file about several
        (robinebers/openusage local API, slkiser/opencode-quota export)."""
        facts: list[Reading | Failure] = []
        outer = fields_of(document)
        for part in _parts(document["providers"], self.provider):
            facts.extend(self.facts(part, _levels(part), outer))
        errors = document.get("errors")
        for error in errors[:MAX_WINDOWS] if isinstance(errors, list) else ():
            if isinstance(error, dict) and provider_of(clean(error.get("providerId"))) == self.provider:
                message = clean(error.get("message"), MAX_MESSAGE) or names.SENTENCES[Status.ERROR]
                at = observed_time(_first([outer], names.OBSERVED_KEYS), self.file.mtime, self.now)
                facts.append(self._failure(Status.ERROR, message, at, None))
        return tuple(facts)

    def own_facts(self, document: Mapping[str, Any]) -> Facts:
        """The facts of a sidecar of ours, of this version or a later one."""
        observed_at = observed_time(document.get("observed_at"), self.file.mtime, self.now)
        who = document.get("account")
        who = who if isinstance(who, dict) else {}
        ident = who.get("id")
        account = f"id:{ident}" if isinstance(ident, str) and ACCOUNT_ID.fullmatch(ident) else None
        listed = document.get("windows")
        windows = (self._own_window(w, observed_at) for w in (listed if isinstance(listed, list) else ()))
        reading = Reading(
            self.provider,
            tuple({w.id: w for w in windows if w is not None}.values())[:MAX_WINDOWS],
            _source_of(document.get("source"), self.source),
            self.origin,
            observed_at,
            account=account,
            since=epoch(document.get("first_seen_at")),
            complete=document.get("complete") is True,
            plan=clean(who.get("plan")),
            email=clean(who.get("email")),
            alias=clean(who.get("alias")),
            next_refresh_at=epoch(document.get("next_refresh_at")),
        )
        status, message = _own_status(document)
        if status in (Status.OK, Status.IDLE):
            return (reading,)
        at = observed_time(document.get("written_at"), self.file.mtime, self.now)
        return reading, self._failure(status, message, at, account, reading.source)

    def _own_window(self, value: object, observed_at: float) -> Window | None:
        if not isinstance(value, dict) or not (ident := clean(value.get("id"))):
            return None
        seconds = number(value.get("window_seconds"))
        return Window(
            id=ident,
            label=clean(value.get("label")) or ident,
            used_percent=percent(value.get("used_percent")),
            resets_at=reset_time(value.get("resets_at"), observed_at, self.now),
            window_seconds=round(seconds) if seconds is not None and 1 <= seconds <= 400 * DAY else None,
            used=number(value.get("used")),
            limit=number(value.get("limit")),
            remaining=number(value.get("remaining")),
            unit=clean(value.get("unit"), 16) or None,
            note=clean(value.get("note")),
            refills_at=reset_time(value.get("refills_at"), observed_at, self.now),
            refill_percent=percent(value.get("refill_percent")),
        )

    def _failure(
        self, status: Status, message: str, at: float, account: str | None, source: Source | None = None
    ) -> Failure:
        return Failure(self.provider, status, message, source or self.source, self.origin, at, account)


def _parts(providers: object, wanted: str) -> list[dict[str, object]]:
    """The entries about one provider, keyed by its name or naming it themselves."""
    if isinstance(providers, dict):
        entries = list(providers.items())
    else:
        listed = [e for e in providers if isinstance(e, dict)] if isinstance(providers, list) else []
        entries = [(clean(e.get("id") or e.get("provider") or e.get("providerId")), e) for e in listed]
    return [e for k, e in entries[:256] if isinstance(e, dict) and provider_of(k) == wanted]


def _name_of(file_name: str) -> str:
    """What a nameless window of this file is: ``statusline-5h.json`` is about ``5h``."""
    stem = file_name.removesuffix(".json").replace(".", "-").strip("-")
    return clean(stem.rpartition("-")[2], 40)


class _Who(Record):
    account: str | None = None
    email: str = ""
    alias: str = ""


def _who(levels: list[Fields]) -> _Who:
    """Whom the file names.  A name with an @ is an e-mail, whatever its key."""
    nested = [
        fields_of(v) for level in levels for k in ("account", "user") if isinstance(v := level.get(k), dict)
    ]
    every = [*levels, *nested]
    stable = clean(_first(every, ("account_uuid",)))
    said = [clean(_first(every, (key,))) for key in names.WHO_KEYS]
    email = next((s for s in said if "@" in s), "")
    alias = next((s for s in said if s and "@" not in s), "")
    return _Who(stable or None, email, alias)


def _own_status(document: Mapping[str, Any]) -> tuple[Status, str]:
    word = clean(document.get("status"))
    known = {s.value: s for s in Status}
    status = known.get(word) or names.STATUS_WORDS.get(snake(word), Status.ERROR)
    return status, clean(document.get("message"), MAX_MESSAGE) or _sentence(status, word)


def _trouble(levels: list[Fields]) -> tuple[Status, str]:
    """The status of a document of unknown shape, and its sentence."""
    words: list[str] = []
    texts: list[str] = []
    for level in levels[:2]:
        for key in ("status", "state"):
            words.append(_word(level.get(key)))
        for key in ("unavailable", "error"):
            _take_fault(level.get(key), words, texts)
        if level.get("api_unavailable") is True:
            words.append("unavailable")
        if level.get("ok") is False:
            words.append("failed")
        texts.append(clean(level.get("message"), MAX_MESSAGE))
    bad = [(names.STATUS_WORDS.get(snake(w), Status.ERROR), w) for w in words if w]
    bad = [(s, w) for s, w in bad if s is not Status.OK]
    if not bad:
        return Status.OK, ""
    status, word = next(((s, w) for s, w in bad if s is not Status.ERROR), bad[0])
    return status, next((t for t in texts if t), "") or _sentence(status, word)


def _take_fault(value: object, words: list[str], texts: list[str]) -> None:
    """A fault spelt as a word, as true, or as an object with a code and a message."""
    if isinstance(value, dict):
        fault = fields_of(value)
        words.append(_word(fault.get("code")) or _word(fault.get("type")) or "error")
        texts.append(clean(fault.get("message"), MAX_MESSAGE))
    elif value is True:
        words.append("error")
    else:
        words.append(_word(value))


def _word(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1000:
        return str(value)
    return clean(value)


def _sentence(status: Status, word: str) -> str:
    sentence = names.SENTENCES.get(status, "")
    return f"{sentence} ({word})" if word and sentence else sentence or word


def _source_of(value: object, default: Source) -> Source:
    return next((s for s in Source if s.value == value), default)
