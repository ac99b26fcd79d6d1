"""Copilot's quota endpoint: every sample, every broken login."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.asking import Answer, Asked, AskOutcome, Credential, Kept, NotAsked
from providers.base import Environment, ReadContext
from providers.copilot.endpoint import ENDPOINT, QUOTA
from providers.copilot.provider import PROVIDER
from providers.engine.asker import Asker
from providers.engine.http import Http
from providers.model import DAY, Status
from tests.conftest import SAMPLES, FakeClock
from tests.providers.copilot.test_login import files
from tests.world.logins import put

NOW = 1_795_338_000.0
DECEMBER = 1_796_083_200.0
FOLDER = SAMPLES / "copilot"


def asked(body: bytes, status: int = 200, headers: dict[str, str] | None = None, login: str = "") -> Asked:
    if not login:
        try:
            login = json.loads(body).get("login", "x")
        except (ValueError, AttributeError):
            login = "x"
    credential = Credential(f"github.com:{login}", "f" * 16, "gho_canary", renewable=False)
    context: Any = None
    question = ENDPOINT.questions(credential, {}, NOW)[0]
    return ENDPOINT.answer(question, credential, Answer(status, headers or {}, body, NOW), {}, context)


def rows(name: str) -> dict[str, tuple[float | None, str]]:
    reading = asked((FOLDER / f"{name}.json").read_bytes()).reading
    assert reading is not None
    assert reading.complete
    return {
        w.id: (None if w.used_percent is None else round(w.used_percent, 2), w.note) for w in reading.windows
    }


EXPECTED: dict[str, dict[str, tuple[float | None, str]]] = {
    "user_pro_credits": {"month:credits": (59.17, "")},
    "user_over_quota": {"month:credits": (105, ""), "extra:month:credits": (None, "350.25 more")},
    "user_free": {"month:chat": (9, ""), "month:completions": (0.6, "")},
    "user_free_legacy_limited": {"month:chat": (75, ""), "month:completions": (75, "")},
    "user_free_legacy_missing_limited": {"month:completions": (97, "")},
    "user_business_placeholder_credits_used": {"month:credits": (None, "2111 used")},
    "user_business_placeholder_unused": {"month:credits": (None, "your organisation's pool")},
    "user_enterprise_unlimited": {
        "month:credits": (None, "unlimited"), "month:chat": (None, "unlimited"),
        "month:completions": (None, "unlimited"),
    },
    "user_unknown_bucket": {"month:credits": (25, ""), "month:agent_minutes": (75, "")},
    "user_no_quota": {"month:credits": (None, "no quota reported")},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_every_sample(name: str) -> None:
    """Rows, used percent and what stands in their place."""
    assert rows(name) == EXPECTED[name]


def test_counts_plan_and_reset() -> None:
    """888 of 1500 credits; November has 30 days; a bucket's own reset counts first."""
    reading = asked((FOLDER / "user_pro_credits.json").read_bytes()).reading
    assert reading is not None
    (credits,) = reading.windows
    assert credits.used == pytest.approx(887.55)
    assert (credits.limit, credits.resets_at, credits.window_seconds) == (1500, DECEMBER, 30 * DAY)
    assert (reading.plan, reading.alias) == ("Pro", "octo-dev")
    other = asked((FOLDER / "user_unknown_bucket.json").read_bytes()).reading
    assert other is not None
    assert [w.resets_at for w in other.windows] == [1_796_083_200.0, 1_796_072_400.0]
    old = asked((FOLDER / "user_free_legacy_limited.json").read_bytes()).reading
    assert old is not None
    assert old.windows[0].resets_at == DECEMBER


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome", "state"),
    [
        (401, {}, "error_401", AskOutcome.REFUSED, Status.EXPIRED),
        (403, {}, "error_403_rate_limit", AskOutcome.LIMITED, Status.LIMITED),
        (403, {"x-ratelimit-remaining": "0"}, "error_404", AskOutcome.LIMITED, Status.LIMITED),
        (403, {"x-github-sso": "required"}, "error_404", AskOutcome.REFUSED, Status.DENIED),
        (403, {}, "error_404", AskOutcome.REFUSED, Status.DENIED),
        (404, {}, "error_404", AskOutcome.REFUSED, Status.UNSUBSCRIBED),
        (400, {}, "error_404", AskOutcome.TROUBLE, Status.ERROR),
        (200, {}, "error_401", AskOutcome.TROUBLE, Status.ERROR),
    ],
)
def test_broken_logins(
    status: int, headers: dict[str, str], body: str, outcome: AskOutcome, state: Status
) -> None:
    """Each told apart, in one sentence, without a figure."""
    found = asked((FOLDER / f"{body}.json").read_bytes(), status, headers)
    assert (found.outcome, found.status, found.reading) == (outcome, state, None)
    assert found.message


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "40"}, 40),
        ({"x-ratelimit-reset": str(NOW + 700)}, 700),
        ({"x-ratelimit-reset": "9"}, 900),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: float) -> None:
    """What a header says, else a quarter of an hour."""
    assert asked(b'{"message": "rate limit"}', 403, headers).wait == wait


def test_another_persons_answer_is_not_filed() -> None:
    """The login of the answer is the one of the file."""
    found = asked((FOLDER / "user_free.json").read_bytes(), login="octo-dev")
    assert (found.outcome, found.reading) == (AskOutcome.REFUSED, None)


def test_the_next_login_of_the_same_person_comes_after_it(environment: Environment) -> None:
    """Another person's is no second try."""
    cli = b'{"lastLoggedInUser": {"host": "https://github.com", "login": "octo-biz"}}'
    gh = (FOLDER / "gh_hosts.yml").read_bytes()
    held = ENDPOINT.credential(files(cli=cli, apps="apps.json", gh=gh), ReadContext(NOW, environment))
    assert isinstance(held, Credential)
    assert {o.account for o in held.others} == {"github.com:octo-biz"}
    assert [o.token for o in held.others] == ["ghu_EXAMPLE2", "gho_EXAMPLE6"]


def test_what_is_asked_with(environment: Environment) -> None:
    """A bearer for one path; a login whose token lies in the keyring names its place there."""
    context = ReadContext(NOW, environment)
    held = ENDPOINT.credential(files(apps="apps.json"), context)
    assert isinstance(held, Credential)
    (question,) = ENDPOINT.questions(held, {}, NOW)
    assert (question.path, dict(question.headers)) == (QUOTA, {"Authorization": "Bearer ghu_EXAMPLE1"})
    assert "EXAMPLE1" not in repr(held) + repr(question)
    cli = b'{"lastLoggedInUser": {"host": "https://github.com", "login": "octo-biz"}}'
    keyring, nobody = ENDPOINT.credential(files(cli=cli), context), ENDPOINT.credential({}, context)
    assert isinstance(keyring, Credential)
    assert keyring.kept == Kept("copilot-cli", "https://github.com:octo-biz")
    assert (keyring.token, keyring.fingerprint) == ("", "")
    assert isinstance(nobody, NotAsked)


@pytest.mark.parametrize(
    ("cli", "asked_at"),
    [
        (
            ("https://github.com", "octo-dev"),
            {("api.github.com", "ghu_EXAMPLE1"), ("api.github.com", "gho_EXAMPLE5")},
        ),
        (("https://octocorp.ghe.com", "octo-corp"), {("api.octocorp.ghe.com", "ghu_EXAMPLE3")}),
    ],
)
def test_on_the_wire_a_token_reaches_its_own_host_alone(
    environment: Environment, clock: FakeClock, cli: tuple[str, str], asked_at: set[tuple[str, str]]
) -> None:
    """Logins of github.com and of a tenant side by side, each refused: nothing crosses over."""
    home = environment.home
    host, login = cli
    put(home / ".copilot/config.json", {"lastLoggedInUser": {"host": host, "login": login}})
    put(home / ".config/github-copilot/apps.json", (FOLDER / "apps.json").read_text())
    put(home / ".config/gh/hosts.yml", (FOLDER / "gh_hosts.yml").read_text())
    sent: set[tuple[str, str]] = set()

    def handle(request: httpx.Request) -> httpx.Response:
        assert (request.url.scheme, request.url.port) == ("https", None)
        sent.add((request.url.host, request.headers["authorization"].removeprefix("Bearer ")))
        return httpx.Response(401, stream=httpx.ByteStream(b"{}"))

    http = Http(clock, "1", transport=httpx.MockTransport(handle))
    asker = Asker([PROVIDER], environment, clock, http, lambda facts: None, secret=lambda kept: "")
    asker.wish(None)
    asyncio.run(asker.turn())
    assert sent == asked_at


@pytest.mark.parametrize("tenant", ["", "a.b", "a/b", "a@b", "*", "ä"])
def test_no_other_host_can_be_named(tenant: str) -> None:
    """A question that names no single label is a bug of ours, found before any socket."""
    with pytest.raises(ValueError, match="tenant"):
        ENDPOINT.sites[1].of(tenant)
    assert ENDPOINT.sites[1].of("octo-corp").host == "api.octo-corp.ghe.com"


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
_TREES = st.recursive(_LEAVES, lambda inner: st.dictionaries(st.sampled_from(
    ["quota_snapshots", "premium_interactions", "chat", "entitlement", "quota_remaining", "percent_remaining",
     "monthly_quotas", "limited_user_quotas", "copilot_plan", "quota_reset_date", "credits_used"]
), inner), max_leaves=12)  # fmt: skip


@given(_TREES)
def test_odd_answers_never_raise(tree: object) -> None:
    """Any shape is a reading without nonsense or an error."""
    found = asked(json.dumps({"copilot_plan": "free", "quota_snapshots": tree}).encode())
    for window in found.reading.windows if found.reading else ():
        assert window.used_percent is None or window.used_percent >= 0
