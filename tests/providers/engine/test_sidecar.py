"""The tolerant reader: every sample, every spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.base import FileBytes, SecretFound
from providers.engine.sidecar import denied_name, parse_sidecar
from providers.model import Failure, Reading, Source, Status, Window
from tests.conftest import SAMPLES

NOW = 1_795_330_000.0
SIX_O_CLOCK = 1_795_327_200.0
"""The time taken for now by the samples of interop, and by those of Claude."""

FIVE, WEEK = 1_795_337_200.0, 1_795_630_000.0

Rows = dict[str, tuple[float | None, float | None]]
"""Used percent and reset by window id."""


def parse(
    data: object, *, provider: str = "claude", name: str = ".tokenmaxxer-claude.json", now: float = NOW
) -> tuple[Reading | Failure, ...]:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    file = FileBytes(Path("/home/dev/.claude") / name, raw, now - 5)
    return parse_sidecar(file, provider=provider, source=Source.SIDECAR, origin="a file", now=now)


def reading(data: object, **more: Any) -> Reading:
    (found,) = (f for f in parse(data, **more) if isinstance(f, Reading))
    return found


def failure(data: object, **more: Any) -> Failure:
    (found,) = (f for f in parse(data, **more) if isinstance(f, Failure))
    return found


def rows(found: Reading) -> Rows:
    return {w.id: (w.used_percent, w.resets_at) for w in found.windows}


def window(data: object, **more: Any) -> Window:
    (found,) = reading(data, **more).windows
    return found


BOTH: Rows = {"5h": (23.5, FIVE), "7d": (41.2, WEEK)}
FABLE: Rows = {"7d:fable": (5.0, WEEK)}

INTEROP: dict[str, tuple[str, Rows, Status]] = {
    "tokenmaxxer/claude.guess.json": (
        "claude", {"5h": (22.0, 1795330947.0), "7d": (2.0, 1795629110.0)}, Status.OK
    ),
    "tokenmaxxer/codex.guess.json": (
        "codex", {"5h": (20.0, 1795347918.0), "7d": (42.0, 1795701751.0)}, Status.OK
    ),
    "tokenmaxxer/copilot.guess.json": ("copilot", {"month": (43.0, 1796083200.0)}, Status.OK),
    "tokenmaxxer/gemini.guess.json": (
        "gemini",
        {
            "day:gemini-2.5-pro": (11.0, 1795404878.0),
            "day:gemini-2.5-flash": (41.0, 1795372896.0),
            "day:gemini-2.5-flash-lite": (13.0, 1795408545.0),
        },
        Status.OK,
    ),
    "tokenmaxxer/opencode.guess.json": (
        "opencode",
        {
            "5h": (2.0, 1795328800.0 + 10754),
            "7d": (10.0, 1795328800.0 + 288870),
            "month": (17.0, 1795328800.0 + 2268626),
        },
        Status.OK,
    ),
    "tokenmaxxer/auth_failed.guess.json": ("codex", {}, Status.EXPIRED),
    "tokenmaxxer/not_subscribed.guess.json": ("copilot", {}, Status.UNSUBSCRIBED),
    "quotadeck/claude.a1b2c3.json": ("claude", BOTH | FABLE, Status.OK),
    "quotadeck/copilot.d4e5f6.json": ("copilot", {"month": (None, None)}, Status.EXPIRED),
    "caches/ccstatusline_usage.json": ("claude", BOTH | FABLE | {"spend": (24.68, None)}, Status.OK),
    "caches/claude_statusline_stdin.json": ("claude", BOTH, Status.OK),
    "caches/claude_monitor_statusline.json": ("claude", BOTH, Status.OK),
    "caches/rate_limit_cache_percent.json": ("claude", BOTH, Status.OK),
    "caches/rate_limit_cache_ratio.json": ("claude", BOTH, Status.OK),
    "caches/token_optimizer_rate_limits.json": ("claude", BOTH, Status.OK),
    "caches/usage_limits.json": ("claude", BOTH | FABLE, Status.OK),
    "caches/claude_hud_usage_cache.json": ("claude", {"5h": (23.0, FIVE), "7d": (41.0, WEEK)}, Status.OK),
    "caches/windows_by_key.json": (
        "claude",
        {"5h": (23.5, FIVE), "7d": (None, None), "7d:fable": (5.0, None)},
        Status.OK,
    ),
    "caches/usage_limits_unavailable.json": ("claude", {}, Status.ERROR),
    "caches/openusage_limits_v1.json": ("codex", {"5h": (42.0, FIVE), "credits": (None, None)}, Status.OK),
    "caches/opencode_quota_export_v2.json": ("opencode", {"5h": (12.0, FIVE)}, Status.OK),
}  # fmt: skip
OTHER_ISSUES = {"ccrouter", "aimonitor", "claude-swap", "claude-usage-tracker"}
"""Other managers' stores, which are not sidecars; issues of their own read them."""

SESSION, WEEKLY = (41.2, 1795339200.0), (63.0, 1795698000.0)
CLAUDE: dict[str, Rows] = {
    "sidecar.tokenmaxxer-claude.assumed.json": {"5h": SESSION, "7d": WEEKLY},
    "sidecar.tokenmaxxer-claude.assumed_flat.json": {"5h": SESSION, "7d": WEEKLY},
    "onwatch.anthropic-statusline.json": {"5h": SESSION, "7d": WEEKLY},
    "statusline.full.json": {"5h": SESSION, "7d": WEEKLY},
    "statusline.no_limits.json": {},
    "statusline.partial.json": {"7d": WEEKLY},
    "statusline.nulls.json": {"7d": WEEKLY},
    "statusline.over_100.json": {"5h": (105.0, 1795339200.0), "7d": (99.6, 1795698000.0)},
    "statusline.spend_limit.json": {"spend": (112.5, 1796083200.0)},
}


@pytest.mark.parametrize("name", INTEROP)
def test_each_interop_sample_reads_as_its_readme_says(name: str) -> None:
    """Percentages, resets and the status of every sample of other tools' caches and ours."""
    provider, expected, status = INTEROP[name]
    facts = parse((SAMPLES / "interop" / name).read_bytes(), provider=provider)
    assert {k: v for f in facts if isinstance(f, Reading) for k, v in rows(f).items()} == expected
    assert [f.status for f in facts if isinstance(f, Failure)] == ([] if status is Status.OK else [status])
    assert all((f.provider, f.origin) == (provider, "a file") for f in facts)


@pytest.mark.parametrize("name", CLAUDE)
def test_each_claude_sidecar_sample_reads_as_its_index_says(name: str) -> None:
    """Statusline JSON, onWatch's copy of it and the assumed forms of tokenmaxxer's cache."""
    facts = parse((SAMPLES / "claude" / name).read_bytes(), now=SIX_O_CLOCK)
    assert {k: v for f in facts if isinstance(f, Reading) for k, v in rows(f).items()} == CLAUDE[name]
    assert not [f for f in facts if isinstance(f, Failure)]


def test_no_sample_is_without_an_expectation() -> None:
    """Every file of the folders that are sidecars is in a table above (hostile ones have a
    test file of their own), and every other folder belongs to another issue by name."""
    folder = SAMPLES / "interop"
    read = {"caches", "tokenmaxxer", "quotadeck"}
    assert {p.name for p in folder.iterdir() if p.is_dir()} == read | OTHER_ISSUES | {"hostile"}
    assert {f"{d}/{p.name}" for d in read for p in (folder / d).iterdir()} == set(INTEROP)
    kinds = ("sidecar.", "onwatch.", "statusline.")
    assert {p.name for p in (SAMPLES / "claude").iterdir() if p.name.startswith(kinds)} == set(CLAUDE)


def test_what_else_the_samples_say() -> None:
    """Amounts, currencies, plans and times beside the percentages."""

    def sample(name: str, provider: str = "claude") -> dict[str, Window]:
        found = reading((SAMPLES / "interop" / name).read_bytes(), provider=provider)
        return {w.id: w for w in found.windows}

    spend = sample("caches/ccstatusline_usage.json")["spend"]
    assert (spend.label, spend.used, spend.limit, spend.unit) == ("extra usage", 12.34, 50.0, "USD")
    balance = sample("caches/openusage_limits_v1.json", "codex")["credits"]
    assert (balance.remaining, balance.unit) == (821.0, "credits")
    assert sample("tokenmaxxer/copilot.guess.json", "copilot")["month"].limit == 7000
    credits = sample("quotadeck/copilot.d4e5f6.json", "copilot")["month"]
    assert (credits.label, credits.limit, credits.unit) == ("AI credits", 7000, "credits")
    labels = {i: w.label for i, w in sample("caches/usage_limits.json").items()}
    assert labels == {"5h": "5 h", "7d": "7 d", "7d:fable": "7 d Fable"}


def test_a_sidecar_of_ours_names_its_account_and_source() -> None:
    """The opaque id, alias, plan, source and next refresh are taken as they are; a failure
    is as old as the writing, the figures as old as the measurement."""
    found = reading((SAMPLES / "interop/quotadeck/claude.a1b2c3.json").read_bytes())
    assert (found.account, found.alias, found.plan) == ("id:a1b2c3", "work", "Max 20x")
    assert (found.source, found.next_refresh_at) == (Source.ENDPOINT, 1_795_330_300)
    expired = parse((SAMPLES / "interop/quotadeck/copilot.d4e5f6.json").read_bytes(), provider="copilot")
    assert [f.observed_at for f in expired] == [1_795_321_000, 1_795_330_000]
    assert [f.account for f in expired] == ["id:d4e5f6"] * 2


def test_a_later_version_of_ours_is_read_with_the_same_keys() -> None:
    """Unknown keys and a higher version change nothing of what is known."""
    document = json.loads((SAMPLES / "interop/quotadeck/claude.a1b2c3.json").read_bytes())
    later = document | {"version": 7, "weather": {"used_percent": 99}}
    assert parse(later) == parse(document)


@pytest.mark.parametrize(
    ("provider", "status"), [("cursor", Status.ERROR), ("opencode", None), ("gemini", None)]
)
def test_a_file_about_several_says_only_what_concerns_the_provider(
    provider: str, status: Status | None
) -> None:
    """The export's other providers do not leak into a panel, nor their faults."""
    data = (SAMPLES / "interop/caches/opencode_quota_export_v2.json").read_bytes()
    facts = parse(data, provider=provider)
    assert [f.status for f in facts if isinstance(f, Failure)] == ([status] if status else [])
    assert bool([f for f in facts if isinstance(f, Reading)]) == (provider == "opencode")


def test_errors_listed_beside_several_providers_find_theirs() -> None:
    """openusage lists faults outside of the providers, by provider id."""
    data = {"providers": {}, "errors": [{"providerId": "codex", "message": "no answer"}]}
    assert failure(data, provider="codex").message == "no answer"
    assert parse(data, provider="claude") == ()


def scope(model: str) -> object:
    return {"model": {"id": None, "display_name": model}, "surface": None}


SPELLINGS: list[tuple[object, str, float | None]] = [
    ({"five_hour_pct": 7}, "5h", 7),
    ({"fiveHourUtil": 0.07}, "5h", 7),
    ({"session5h": 0.07}, "5h", 7),
    ({"sessionUsage": 7}, "5h", 7),
    ({"sevenDay": {"usedPercent": 7}}, "7d", 7),
    ({"weekly_percent_left": 93}, "7d", 7),
    ({"week_all_models": {"pct_used": 7}}, "7d", 7),
    ({"week_sonnet": {"pct_used": 7}}, "7d:sonnet", 7),
    ({"weeklyOpusUsage": 7}, "7d:opus", 7),
    ({"seven_day_oauth_apps": {"utilization": 7}}, "7d:oauth-apps", 7),
    ({"rollingUsage": {"usagePercent": 7}}, "5h", 7),
    ({"windows": {"5h": {"pct": "7"}}}, "5h", 7),
    ({"limits": [{"kind": "weekly_all", "percent": 7}]}, "7d", 7),
    ({"limits": [{"kind": "weekly_scoped", "percent": 7, "scope": scope("Fable")}]}, "7d:fable", 7),
    ({"limits": [{"kind": "weekly_scoped", "percent": 7, "scope": scope("All models")}]}, "7d", 7),
    ({"scoped:Fable": {"used_percent": 7}}, "7d:fable", 7),
    ({"buckets": [{"modelId": "gemini-3-pro", "remainingFraction": 0.93}]}, "day:gemini-3-pro", 7),
    ({"premium_interactions": {"entitlement": 300, "remaining": 279}}, "month", 7),
    ({"premium_interactions": {"entitlement": 300, "percent_remaining": -7}}, "month", 107),
    ({"daily": {"used": 7, "limit": 100}}, "day", 7),
    ({"primary": {"used_percent": 7, "window_minutes": 10080}}, "7d", 7),
    ({"secondary": {"used_percent": 7, "limit_window_seconds": 18000}}, "5h", 7),
    ({"primary": {"used_percent": 7, "window_minutes": 4320}}, "3d", 7),
    ({"primary": {"used_percent": 7, "window_minutes": 90}}, "90m", 7),
    ({"tangelo": {"utilization": 7}}, "tangelo", 7),
    ({"pct": 7, "ts": 1}, "claude", 7),
    ({"five_hour": {"used_percent": None, "resets_at": FIVE}}, "5h", None),
    ({"five_hour": {"status": "rate-limited", "resets_at": FIVE}}, "5h", 100),
]  # fmt: skip


@pytest.mark.parametrize(("data", "ident", "used"), SPELLINGS)
def test_each_spelling_of_a_window_is_understood(data: object, ident: str, used: float | None) -> None:
    """Names in snake and camel case, flat and nested, used and left, percent and share."""
    found = window(data)
    assert (found.id, found.used_percent) == (ident, used)


@pytest.mark.parametrize(
    ("seconds", "label"), [(259_200, "3 d"), (5_400, "90 min"), (7_200, "2 h"), (18_000, "5 h")]
)
def test_a_length_decides_over_the_slot_and_labels_odd_ones(seconds: int, label: str) -> None:
    """An odd length is printed as it is, never as the slot it came in."""
    found = window({"secondary_window": {"used_percent": 1, "limit_window_seconds": seconds}})
    assert (found.label, found.window_seconds) == (label, seconds)


@pytest.mark.parametrize(
    ("values", "used"),
    [
        ((0.4, 0.9), (40, 90)),
        ((0.4, 1), (40, 100)),
        ((0, 1), (0, 1)),
        ((0.4, 12), (0.4, 12)),
        ((0, 0), (0, 0)),
    ],
)
def test_utilization_is_a_share_only_if_the_whole_file_says_so(
    values: tuple[float, float], used: tuple[float, float]
) -> None:
    """All values at most 1 and one strictly between 0 and 1; else 0 to 100."""
    found = reading({"five_hour": {"utilization": values[0]}, "seven_day": {"utilization": values[1]}})
    assert tuple(w.used_percent for w in found.windows) == used


@pytest.mark.parametrize(("utilization", "used"), [(0.5, 50), (50, 50), (0.004, 0.4)])
def test_utilization_beside_amounts_agrees_with_them(utilization: float, used: float) -> None:
    """openusage sends a share next to used and limit, ccstatusline a percentage."""
    amounts = {"used": used * 2, "limit": 200, "unit": "requests"}
    assert window({"session": {"utilization": utilization, **amounts}}).used_percent == used


def test_unlimited_has_no_bar() -> None:
    """An unlimited quota is told in words, without a percentage."""
    found = window({"quota_snapshots": {"chat": {"unlimited": True, "percent_remaining": 100}}})
    assert (found.used_percent, found.note) == (None, "unlimited")


def test_several_monthly_quotas_keep_their_names_one_does_not() -> None:
    """Copilot's three are told apart; the only monthly one is just "month"."""
    chat, premium = {"percent_remaining": 90}, {"percent_remaining": 40}
    both = reading({"quota_snapshots": {"chat": chat, "premium_interactions": premium}})
    assert [(w.id, w.label) for w in both.windows] == [
        ("month:chat", "chat"),
        ("month:premium-interactions", "premium interactions"),
    ]
    assert window({"quota_snapshots": {"premium_interactions": premium}}).id == "month"


def test_two_windows_in_one_slot_are_told_apart_by_their_names() -> None:
    """Nothing is lost where two limits have the same length; a mere repetition is."""
    listed = {
        "limits": [{"name": "Gemini", "window": "5h", "pct": 1}, {"name": "Others", "window": "5h", "pct": 2}]
    }
    assert {i: u for i, (u, _) in rows(reading(listed)).items()} == {"5h": 1, "5h:others": 2}
    twice = {"five_hour": {"pct": 3}, "limits": [{"kind": "session", "percent": 4}]}
    assert rows(reading(twice)) == {"5h": (3, None)}


def test_a_limit_of_its_own_is_not_the_main_one() -> None:
    """Codex's additional limits bear the name of the model they are about."""
    spark = {"limit_name": "Spark", "rate_limit": {"primary_window": {"used_percent": 8}}}
    data = {"rate_limit": {"primary_window": {"used_percent": 3}}, "additional_rate_limits": [spark]}
    found = reading(data).windows
    assert [(w.id, w.label, w.used_percent) for w in found] == [
        ("5h", "5 h", 3),
        ("5h:spark", "5 h Spark", 8),
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"context_window": {"used_percentage": 41}},
        {"session_limit_percent": 80, "weeklyLimitPercent": 90},
        {"usage": 1234, "total_tokens": 5},
        {"accounts": [{"five_hour": {"pct": 5}}]},
        {"session": "abc", "plan": "pro", "week": 47, "day": 22},
        {"five_hour": {"used_percentage": True}},
        {"seven_day_breakdown": {"opus": {"percent": 71}}},
        {},
        [],
    ],
)
def test_what_is_no_quota_gives_no_window(data: object) -> None:
    """Context shares, thresholds, token counts, other accounts and calendar numbers."""
    assert parse(data) == ()


def test_extra_usage_in_minor_units() -> None:
    """Claude's extra_usage counts cents; switched off it is a note and not a figure."""
    money = {"monthly_limit": 5000, "used_credits": 1234.0, "utilization": 24.68, "currency": "EUR"}
    on = window({"extra_usage": {"is_enabled": True, **money}})
    assert (on.id, on.used, on.limit, on.unit, on.used_percent) == ("spend", 12.34, 50.0, "EUR", 24.68)
    off = window({"extra_usage": {"is_enabled": False, "disabled_reason": "out_of_credits", **money}})
    assert (off.used_percent, off.note) == (None, "off: out of credits")
    assert parse({"extra_usage": {"is_enabled": False, "used_credits": 0}}) == ()


def test_the_key_value_cache_of_claude_usage_tracker() -> None:
    """Lines KEY=VALUE, percentages from 0 to 100, resets as ISO or epoch."""
    lines = b"TIMESTAMP=1795329000\nUTILIZATION=1\nRESETS_AT=2026-11-22T08:46:40Z\n"
    lines += b"WEEKLY_UTILIZATION=41\nWEEKLY_RESETS_AT=\nCOST_USED=3\n"
    found = reading(lines)
    assert rows(found) == {"5h": (1.0, FIVE), "7d": (41.0, None)}
    assert found.observed_at == 1_795_329_000
    with pytest.raises(SecretFound):
        parse(lines + b"KEY=sk-ant-sid01-example\n")


def test_codexbars_dump() -> None:
    """Its resets are prose, so there is no countdown; the e-mail is a label."""
    session = {"pct_used": 12, "resets": "11am (Europe/Vienna)"}
    found = reading({"ok": True, "account_email": "dev@example.com", "session_5h": session})
    assert (rows(found), found.email, found.account) == ({"5h": (12, None)}, "dev@example.com", None)


def test_a_flat_file_is_named_by_its_stem() -> None:
    """statusline-5h.json holds a lone percentage of the window in its name."""
    assert window({"pct": 12, "ts": 1_795_329_000}, name="statusline-5h.json").id == "5h"


STATUSES: list[tuple[object, Status, str]] = [
    ({"status": "rate-limited"}, Status.LIMITED, "rate-limited"),
    ({"status": 429}, Status.LIMITED, "429"),
    ({"state": "token_expired"}, Status.EXPIRED, "log in again"),
    ({"error": "no-credentials"}, Status.UNCONFIGURED, "no login"),
    ({"error": "EntitlementError"}, Status.UNSUBSCRIBED, "no subscription"),
    ({"error": "timeout"}, Status.OFFLINE, "timeout"),
    ({"status": "disabled"}, Status.DISABLED, "switched off"),
    ({"status": "stale"}, Status.STALE, "old"),
    ({"error": {"code": "invalid_grant", "message": "refresh failed"}}, Status.EXPIRED, "refresh failed"),
    ({"status": "wobbly"}, Status.ERROR, "wobbly"),
    ({"ok": False, "message": "no answer"}, Status.ERROR, "no answer"),
    ({"data": {"apiUnavailable": True}}, Status.ERROR, "unavailable"),
]


@pytest.mark.parametrize(("data", "status", "said"), STATUSES)
def test_each_status_word_becomes_ours_with_a_sentence(data: object, status: Status, said: str) -> None:
    """Known words are translated, unknown ones are errors in the writer's own words."""
    found = failure(data)
    assert found.status is status
    assert said in found.message


@pytest.mark.parametrize("word", ["ok", "success", "allowed", "active", "live", "", None])
def test_a_good_status_is_no_failure(word: str | None) -> None:
    """Beside a window, these say that all is well."""
    assert not [f for f in parse({"status": word, "five_hour": {"pct": 1}}) if isinstance(f, Failure)]


@pytest.mark.parametrize(
    ("field", "observed_at"),
    [
        ({"captured_at": NOW - 100}, NOW - 100),
        ({"fetchedAt": "2026-11-22T06:46:30Z"}, NOW - 10),
        ({"lastUpdated": (NOW - 100) * 1000}, NOW - 100),
        ({"updated_at": NOW + 3600}, NOW - 5),
        ({"updated_at": "yesterday"}, NOW - 5),
        ({}, NOW - 5),
    ],
)
def test_when_it_was_measured(field: dict[str, object], observed_at: float) -> None:
    """The file's own word in any unit; a broken or future one gives way to the mtime."""
    found = reading({"five_hour": {"pct": 1, "resetInSec": 60}, **field})
    assert (found.observed_at, found.windows[0].resets_at) == (observed_at, observed_at + 60)


def test_whom_a_file_names() -> None:
    """A stable id is an account, an e-mail and a login name are labels."""
    found = reading({"accountUuid": "acc-1", "login": "ada", "planName": "Pro", "five_hour": {"pct": 1}})
    assert (found.account, found.alias, found.email, found.plan) == ("acc-1", "ada", "", "Pro")


@pytest.mark.parametrize(
    ("name", "denied"),
    [
        (".tokenmaxxer-opencode-go.json", True),
        (".tokenmaxxer-Cookie.json", True),
        (".tokenmaxxer-auth.json", True),
        (".tokenmaxxer-gemini-token.json", True),
        (".tokenmaxxer-credentials.json", True),
        (".tokenmaxxer-claude.json", False),
        (".tokenmaxxer-opencode.json", False),
        (".tokenmaxxer-opencode-quota.json", False),
        ("rate-limits.json", False),
        ("claude.a1b2c3.json", False),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, denied: bool) -> None:
    """Decided without opening the file, since a cookie lies beside the sidecars."""
    assert denied_name(name) is denied
