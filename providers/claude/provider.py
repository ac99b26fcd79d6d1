"""Claude Code: its login, its own cache, and the sidecars that status lines write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from providers.accounts.stored import keys_source
from providers.base import (
    KIB,
    MIB,
    Descriptor,
    Environment,
    FileBytes,
    FileSource,
    Found,
    LogReader,
    ReadContext,
)
from providers.claude.login import claude_home, config_file, login_facts, secrets_home
from providers.engine.sidecar import parse_sidecar
from providers.engine.values import clean
from providers.model import Fact, LoginState, Source
from providers.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from providers.asking import Endpoint


_AIMONITOR = """
SELECT 'account ' || a.id, json_object(
    'label', a.label, 'email', a.email, 'organisation', a.organization_uuid,
    'relogin', a.needs_relogin, 'five_hour_pct', u.five_hour_pct,
    'five_hour_reset_at', u.five_hour_reset_at, 'seven_day_pct', u.seven_day_pct,
    'seven_day_reset_at', u.seven_day_reset_at, 'fetched_at', u.fetched_at)
FROM accounts a LEFT JOIN oauth_usage u ON u.account_id = a.id WHERE a.provider = 'claude'
UNION ALL SELECT key, value FROM settings WHERE key = 'daemon_status'
"""
"""The figures of each account that aimonitor knows, and its daemon's word on the live one."""


class ClaudeProvider:
    """Passive sources of Claude Code; see `providers.base.Provider`."""

    descriptor = Descriptor("claude", "Claude Code", "C", "claude", interval=300, keys=("claude-web",))

    def sources(self, environment: Environment) -> tuple[FileSource, ...]:
        """The login, our sidecars, and the caches of neighbours (facts on interop, section 2)."""
        home, config = claude_home(environment), config_file(environment)
        cache = environment.folder("XDG_CACHE_HOME", ".cache")
        user = environment.home
        line, kept, sidecar = Source.STATUSLINE, Source.CACHE, Source.SIDECAR
        secrets = secrets_home(environment)
        data = environment.folder("XDG_DATA_HOME", ".local/share")
        swap = user / ".claude-swap-backup" if environment.platform == "darwin" else data / "claude-swap"
        return (
            FileSource("credentials", "login", secrets, ".credentials.json", kept, MIB, login=True),
            FileSource("config", "global config", config.parent, config.name, kept, 16 * MIB, login=True),
            FileSource("settings", "settings", home, "settings.json", kept, MIB, login=True),
            FileSource(
                "web",
                "session key of claude.ai",
                user,
                ".claude-session-key",
                kept,
                KIB,
                login=True,
                optional=True,
                private=True,
            ),
            keys_source(environment),
            FileSource("swap_usage", "claude-swap", swap / "cache", "usage.json", sidecar, login=True),
            FileSource("swap_slots", "accounts of claude-swap", swap, "sequence.json", kept, login=True),
            FileSource(
                "aimonitor",
                "aimonitor",
                _aimonitor_home(environment),
                "aimonitor.db",
                sidecar,
                MIB,
                login=True,
                query=_AIMONITOR,
                watched=False,
            ),
            FileSource("statusline", "our status line", environment.statusline_dir, "claude.*.json", line),
            FileSource(
                "endpoint_sidecar", "our sidecars", environment.quota_dir, "claude.*.json", Source.ENDPOINT
            ),
            FileSource("tokenmaxxer", "tokenmaxxer", home, ".tokenmaxxer-claude*.json", line),
            FileSource("onwatch", "onWatch", user / ".onwatch/data", "anthropic-statusline.json", line),
            # Beside it lies an answer of the endpoint, in which 1 % has become 100 %: left alone.
            FileSource(
                "claude_monitor", "claude-monitor", user / ".claude-monitor/statusline", "latest.json", line
            ),
            FileSource(
                "token_optimizer", "token-optimizer", home / "token-optimizer", "rate-limits.json", line
            ),
            FileSource("claude_hud", "claude-hud", home / "plugins/claude-hud", ".usage-cache.json", sidecar),
            FileSource("ccstatusline", "ccstatusline", cache / "ccstatusline", "usage.json", sidecar),
            FileSource("ccusage", "usage-limits", home, "usage-limits.json", sidecar),
            FileSource(
                "ccusage_accounts", "usage-limits of accounts", home / "usage-limits", "*.json", sidecar
            ),
            FileSource("rate_limit_cache", "rate-limit-cache", home, "rate-limit-cache.json", line),
            FileSource("openusage", "openusage", cache / "openusage", "statusline-5h.json", sidecar),
            FileSource("usage_tracker", "Claude-Usage-Tracker", home, ".statusline-usage-cache", sidecar),
        )

    def read(self, source: FileSource, file: FileBytes, context: ReadContext) -> Iterable[Fact]:
        """Facts of one sidecar or cache.  A file per account is named by the account's uuid."""
        facts = parse_sidecar(
            file, provider="claude", source=source.kind, origin=str(file.path), now=context.now
        )
        if source.id == "ccusage_accounts":
            return [replace(fact, account=clean(file.path.stem)) for fact in facts]
        return facts

    def read_login(self, files: Mapping[str, Found], context: ReadContext) -> Iterable[Fact]:
        """The state of the live login, Claude Code's own cached figures, and claude-swap's."""
        facts = list(login_facts(files, context))
        usage, slots = files.get("swap_usage"), files.get("swap_slots")
        if usage is not None:
            from providers.claude.swapped import swapped_readings

            facts += swapped_readings(usage, slots, context.now)
        if files.get("aimonitor") is not None:
            from providers.claude.monitored import monitored_facts
            from providers.claude.swapped import slot_keys

            owners = slot_keys(slots) | _own_key(facts)
            facts += monitored_facts(files["aimonitor"], owners, context.now)
        return facts

    def open_log(self, source: FileSource, path: Path, head: bytes) -> LogReader:
        """Claude Code's logs hold no quota."""
        raise KeyError(source.id)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The usage endpoint, and claude.ai, which a person has to switch on."""
        from providers.claude.endpoint import ENDPOINT
        from providers.claude.web import ENDPOINT as WEB

        return ENDPOINT, WEB


def _aimonitor_home(environment: Environment) -> Path:
    if environment.platform == "darwin":
        return environment.home / "Library/Application Support/aimonitor"
    return environment.folder("XDG_DATA_HOME", ".local/share") / "aimonitor"


def _own_key(facts: Iterable[Fact]) -> dict[tuple[str, str], str]:
    """The identity key of the live login by its e-mail and its organisation's uuid."""
    identities = [fact.identity for fact in facts if isinstance(fact, LoginState) and fact.identity]
    return {(i.email.lower(), i.key.partition("/")[2]): i.key for i in identities}


PROVIDER = ClaudeProvider()
