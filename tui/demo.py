"""``quotadeck --demo``: a made-up world that goes through the real pipeline.

`DemoWorld` writes the very files that Claude Code, Codex and other tools write, in a folder
of its own; the real collector, watcher and parsers read them.  The story is fixed: what
stands in the files depends on ``begin`` and the step alone, so screenshots come out the
same.  Nothing of the person's home is opened.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.accounts.secret import Secret
from providers.base import Environment
from providers.claude import statusline
from providers.engine.deck import account_id
from providers.engine.files import write_atomic
from providers.engine.history import History
from providers.engine.settings import environment_from
from providers.engine.settings_file import keep_parsed
from providers.engine.sidecar_write import render_sidecar
from providers.model import Reading, Source, Status, Window
from providers.record import replace
from tui.demo_logs import DemoLogs, token_count

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEP_SECONDS = 3.0
ALIASES = {"work@example.com": "work", "me@example.com": "me"}
_ACCOUNT, _ORGANISATION = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
PARKED = (
    ("home", "33333333-3333-4333-8333-333333333333", "claude_pro", "pro", 2 * MINUTE, 4.0, 12.0, 6.5),
    ("lab", "44444444-4444-4444-8444-444444444444", "claude_max", "max", 3 * HOUR, 97.0, 80.0, 2.6),
)
"""Accounts of Claude Code that are not live: alias, account, kind of organisation, subscription, age
of the figures, used percent of five hours and of the week, days until the login runs out."""

_MORNING = (
    (125, 3.0), (115, 6.0), (105, 9.0), (95, 11.0), (85, 16.0), (75, 24.0), (65, 31.0), (55, 35.0),
    (45, 41.0), (35, 46.0), (25, 51.0), (15, 56.0), (5, 60.0),
)  # fmt: skip
_NOON = ((170, 1.0), (140, 4.0), (110, 9.0), (80, 12.0), (50, 17.0), (20, 21.0))
"""Minutes ago, and the used percent of five hours then."""

_THREAD = "01900000-0000-7000-8000-0000000000d0"


class DemoWorld:
    """A home with logged-in tools, three parked accounts and some sidecars.

    ``begin`` (epoch seconds) is the moment the story starts; `write` sets every file as
    of ``begin``, `step` moves the story on.
    """

    account, organisation = _ACCOUNT, _ORGANISATION

    def __init__(self, home: Path, begin: float) -> None:
        self.home = home
        self.begin = int(begin)
        self.environment = environment_from({}, home, "linux")
        self._steps = 0
        self._logs = DemoLogs(home, self.begin)

    @staticmethod
    def iso(at: float) -> str:
        """Epoch seconds as the providers write them."""
        return _iso(at)

    def write(self) -> None:
        """The whole world as of ``begin``."""
        for folder in (".claude", ".codex", ".copilot", ".gemini", ".local/share/opencode"):
            (self.home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_logins()
        self._write_statusline(0, self.begin)
        self._write_parked()
        self._keep_accounts()
        self._write_sidecars()
        self._logs.write()
        self._append_rollout(0, self.begin - 2 * MINUTE)
        self._write_history()

    def step(self, now: float) -> None:
        """The next page: somebody works with Claude Code, now and then with Codex."""
        self._steps += 1
        self._write_statusline(self._steps, int(now))
        self._logs.step(self._steps, int(now))
        if self._steps % 3 == 0:
            self._append_rollout(self._steps, int(now))

    def claude_figures(self, step: int | None = None) -> tuple[float, float]:
        """Used percent of five hours and of the week at a step, now if none is named."""
        at = self._steps if step is None else step
        return min(100.0, 62.0 + 0.4 * at), min(100.0, 41.0 + 0.05 * at)

    def codex_figures(self, step: int | None = None) -> tuple[float, float]:
        """As `claude_figures`, for Codex."""
        at = self._steps - self._steps % 3 if step is None else step
        return min(100.0, 23.0 + 0.2 * at), min(100.0, 88.0 + 0.05 * at)

    def _json(self, path: Path, document: object, written_at: float) -> None:
        write_atomic(path, json.dumps(document).encode())
        os.utime(path, (written_at, written_at))

    def _write_logins(self) -> None:
        begin = self.begin
        oauth = {
            "accessToken": "demo-work",
            "refreshToken": "demo-work",
            "expiresAt": (begin + 6 * HOUR) * 1000,
            "refreshTokenExpiresAt": (begin + 19 * DAY) * 1000,
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
            "rateLimitTier": "default_claude_max_20x",
        }
        self._json(self.home / ".claude/.credentials.json", {"claudeAiOauth": oauth}, begin - 3 * DAY)
        self._json(self.home / ".claude.json", self._claude_config(), begin - MINUTE)
        # The demo itself stands for a session of Claude Code that runs.
        session = {"pid": os.getpid(), "startedAt": (begin - HOUR) * 1000, "kind": "interactive"}
        sessions = self.home / ".claude/sessions"
        sessions.mkdir(mode=0o700, exist_ok=True)
        self._json(sessions / f"{os.getpid()}.json", session, begin - HOUR)
        person = {"host": "https://github.com", "login": "octo-demo"}
        held = {"lastLoggedInUser": person, "copilotTokens": {"https://github.com:octo-demo": "demo"}}
        self._json(self.home / ".copilot/config.json", held, begin - 20 * DAY)
        google = {
            "access_token": "demo",
            "refresh_token": "demo",
            "id_token": _jwt({"email": "me@example.com", "sub": "demo-google", "hd": "example.com"}),
            "expiry_date": (begin + 6 * HOUR) * 1000,
        }
        self._json(self.home / ".gemini/oauth_creds.json", google, begin - HOUR)
        key = {"opencode-go": {"type": "api", "key": "demo"}}
        self._json(self.home / ".local/share/opencode/auth.json", key, begin - 20 * DAY)
        login = self._codex_login("me@example.com", _ACCOUNT, "user-DEMO")
        self._json(self.home / ".codex/auth.json", login, begin - 5 * DAY)

    def _codex_login(self, email: str, account: str, user: str) -> dict[str, Any]:
        claims = {
            "email": email,
            "iat": self.begin - 5 * DAY,
            "exp": self.begin + 9 * DAY,
            "https://api.openai.com/auth": {
                "chatgpt_account_id": account,
                "chatgpt_user_id": user,
                "chatgpt_plan_type": "plus",
            },
        }
        token = _jwt(claims)
        tokens = {
            "id_token": token, "access_token": token, "refresh_token": f"demo-{user}", "account_id": account,
        }  # fmt: skip
        return {"auth_mode": "chatgpt", "tokens": tokens}

    def _claude_config(self) -> dict[str, Any]:
        begin = self.begin
        account = {
            "accountUuid": _ACCOUNT,
            "organizationUuid": _ORGANISATION,
            "emailAddress": "work@example.com",
            "organizationType": "claude_max",
            "organizationRateLimitTier": "default_claude_max_20x",
        }
        scope = {"model": {"id": None, "display_name": "Opus"}, "surface": None}
        opus = {"kind": "weekly_scoped", "percent": 18, "resets_at": _iso(begin + 80 * HOUR), "scope": scope}
        spend = {
            "used": {"amount_minor": 1234, "currency": "EUR", "exponent": 2},
            "limit": {"amount_minor": 5000, "currency": "EUR", "exponent": 2},
            "enabled": True,
        }
        cached = {"limits": [opus], "spend": spend}
        return {
            "oauthAccount": account,
            "cachedUsageUtilization": {
                "fetchedAtMs": (begin - 5 * MINUTE) * 1000,
                "accountUuid": _ACCOUNT,
                "utilization": cached,
            },
        }

    def _write_history(self) -> None:
        """The samples that a pane left open since this morning would have kept."""
        kept = History(self.environment.state_dir / "history.sqlite3")
        key = f"{_ACCOUNT}/{_ORGANISATION}"
        for provider, owner, filled, resets_in in (
            ("claude", key, _MORNING, 2 * HOUR + 48 * MINUTE),
            ("codex", f"{_ACCOUNT}/user-DEMO", _NOON, 2 * HOUR),
        ):
            ident = account_id(provider, owner)
            for ago, used in filled:
                window = Window("5h", "5 h", used, self.begin + resets_in, 5 * HOUR)
                kept.record(provider, ident, window, self.begin - ago * MINUTE, Source.STATUSLINE)
        kept.close()

    def _write_statusline(self, step: int, now: int) -> None:
        """Claude Code renders its prompt: our own status line keeps what it is piped."""
        begin = self.begin
        five, week = self.claude_figures(step)
        limits = {
            "five_hour": _percentage(five, begin + 2 * HOUR + 48 * MINUTE),
            "seven_day": _percentage(week, begin + 3 * DAY + 8 * HOUR),
        }
        cost = {"total_api_duration_ms": 1000 + step}
        document = {"session_id": "demo", "cost": cost, "rate_limits": limits}
        statusline.run(json.dumps(document).encode(), str(self.environment.statusline_dir), now)

    def _write_parked(self) -> None:
        """Figures of accounts that are not live, as a sidecar of ours keeps them."""
        begin = self.begin
        for alias, account, _, _, age, five, week, _ in PARKED:
            ident = account_id("claude", f"{account}/{_ORGANISATION}")
            windows = (
                Window("5h", "5 h", five, begin + HOUR, 5 * HOUR),
                Window("7d", "7 d", week, begin + 4 * DAY, 7 * DAY),
            )
            at = begin - age
            reading = Reading("claude", windows, Source.ENDPOINT, "", at, alias=alias)
            data = render_sidecar(
                reading, account_id=ident, status=Status.OK, message="", now=at, writer="demo"
            )
            path = self.environment.quota_dir / f"claude.{ident}.json"
            write_atomic(path, data)
            os.utime(path, (at, at))

    def _keep_accounts(self) -> None:
        """The live logins and three more, kept as captures of other days would have."""
        from providers.accounts.capture import capture
        from providers.accounts.keeping import Keeper
        from providers.accounts.roster import load_roster, save_roster
        from providers.accounts.sealed import PlainFiles
        from providers.accounts.vault import Vault
        from providers.claude.store import ClaudeStore
        from providers.codex.store import CodexStore

        files = PlainFiles(self.environment.data_dir / "plain")
        keeper = Keeper(self.environment, Vault(lambda: files), _Then(self.begin - DAY))
        claude, codex = ClaudeStore(self.environment), CodexStore(self.environment)
        capture(self.environment, keeper, claude, None)
        for alias, account, kind, plan, _, _, _, days in PARKED:
            login = claude.opened(self._claude_login(alias, account, kind, plan, days))
            assert login is not None
            assert login.claimed is not None
            keeper.file(login, login.claimed, "capture")
        capture(self.environment, keeper, codex, None)
        side = self._codex_login("side@example.com", PARKED[0][1], "user-SIDE")
        login = codex.opened(Secret(json.dumps(side)))
        assert login is not None
        assert login.identity is not None
        keeper.file(login, login.identity, "capture")
        members = load_roster(self.environment.config_dir)
        named = [replace(m, alias=ALIASES.get(m.email) or m.email.partition("@")[0]) for m in members]
        save_roster(self.environment.config_dir, tuple(named))
        keep_parsed(self.environment)

    def _claude_login(self, alias: str, account: str, kind: str, plan: str, days: float) -> Secret:
        tokens = {
            "accessToken": f"demo-{alias}", "refreshToken": f"demo-{alias}",
            "expiresAt": (self.begin + 5 * HOUR) * 1000,
            "refreshTokenExpiresAt": int(self.begin + days * DAY) * 1000,
            "scopes": ["user:inference", "user:profile"], "subscriptionType": plan,
            "rateLimitTier": "default_claude_max_5x" if plan == "max" else "default_claude_ai",
        }  # fmt: skip
        beside = {
            "accountUuid": account, "organizationUuid": _ORGANISATION,
            "emailAddress": f"{alias}@example.com", "organizationType": kind,
            "organizationRateLimitTier": tokens["rateLimitTier"],
        }  # fmt: skip
        return Secret(json.dumps({"credentials": {"claudeAiOauth": tokens}, "oauthAccount": beside}))

    def _write_sidecars(self) -> None:
        begin, folder = self.begin, self.home / ".claude"
        gemini = {
            "status": "ok",
            "fetched_at": begin - 12 * MINUTE,
            "buckets": [
                {
                    "modelId": "gemini-2.5-pro",
                    "remainingFraction": 0.65,
                    "resetTime": _iso(begin + 10 * HOUR),
                },
                {
                    "modelId": "gemini-2.5-flash",
                    "remainingFraction": 0.96,
                    "resetTime": _iso(begin + 10 * HOUR),
                },
            ],
        }
        opencode = {
            "status": "ok",
            "timestamp": begin - MINUTE,
            "rollingUsage": {"usagePercent": 9.0, "resetInSec": 3 * HOUR + 31 * MINUTE},
            "weeklyUsage": {"usagePercent": 55.0, "resetInSec": 4 * DAY + 3 * HOUR},
        }
        kiro = {
            "status": "ok",
            "fetched_at": begin - 41 * MINUTE,
            "monthly": {"used": 390, "limit": 1000, "unit": "credits", "resets_at": begin + 9 * DAY},
        }
        for name, document, age in (
            ("opencode", opencode, MINUTE),
            ("gemini", gemini, 12 * MINUTE),
            ("kiro", kiro, 41 * MINUTE),
        ):
            self._json(folder / f".tokenmaxxer-{name}.json", document, begin - age)

    def _append_rollout(self, step: int, now: int) -> None:
        day = time.strftime("%Y/%m/%d", time.gmtime(self.begin))
        path = self.home / ".codex/sessions" / day / f"rollout-demo-{_THREAD}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines: list[dict[str, Any]] = []
        if not path.exists():
            cwd = str(self.home / "src/compiler")
            meta = {"id": _THREAD, "timestamp": _iso(now - HOUR), "cwd": cwd, "source": "cli"}
            lines.append({"timestamp": _iso(now - HOUR), "type": "session_meta", "payload": meta})
            context = {"model": "gpt-6.2-sol", "cwd": cwd}
            lines.append({"timestamp": _iso(now - HOUR), "type": "turn_context", "payload": context})
        five, week = self.codex_figures(step)
        limits = {
            "limit_id": "codex",
            "primary": _log_window(five, 300, self.begin + 2 * HOUR),
            "secondary": _log_window(week, 10_080, self.begin + 2 * DAY + 2 * HOUR),
        }
        event = token_count(120_000 + 20_000 * step, 104_000 + 17_000 * step, 5_000 + 700 * step, limits)
        lines.append({"timestamp": _iso(now), "type": "event_msg", "payload": event})
        with path.open("a", encoding="utf-8") as log:
            log.writelines(json.dumps(line) + "\n" for line in lines)


class _Then:
    """A clock that stands still."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        """The moment of the story."""
        return self._at


@contextmanager
def demo_folder() -> Iterator[Environment]:
    """A written world in a temporary folder, gone afterwards; it stands still."""
    folder = tempfile.mkdtemp(prefix="quotadeck-demo-")
    try:
        world = DemoWorld(Path(folder), time.time())
        world.write()
        yield world.environment
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(world: DemoWorld, stop: threading.Event) -> None:
    """Moves the story in a daemon thread, one step every `STEP_SECONDS`, until ``stop``."""

    def run() -> None:
        while not stop.wait(STEP_SECONDS):
            try:
                world.step(time.time())
            except OSError:
                return

    threading.Thread(target=run, name="quotadeck-demo", daemon=True).start()


def _percentage(used: float, resets_at: int) -> dict[str, Any]:
    return {"used_percentage": min(100.0, used), "resets_at": resets_at}


def _log_window(used: float, minutes: int, resets_at: int) -> dict[str, Any]:
    return {"used_percent": min(100.0, used), "window_minutes": minutes, "resets_at": resets_at}


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))


def _jwt(claims: dict[str, Any]) -> str:
    """An unsigned token: the real login parser reads its claims and nothing else."""
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + ".x"
    )
