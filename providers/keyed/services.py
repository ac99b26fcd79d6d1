"""The table of keyed services: one row each.  What their answers mean stands in plans.py and
balances.py under the same id.

Data only; reading it imports nothing but the words.  Hosts, paths and variables:
steipete/CodexBar, robinebers/openusage, onllm-dev/onWatch.
"""

from __future__ import annotations

from providers.record import Record


class Service(Record):
    """One service.  ``variables`` are the environment variables that may hold its key, the first
    that is set counts; ``usage`` is the path that has the figures, ``side`` one that is asked
    before it, at most every ``side_every`` seconds, and may fail; ``interval`` seconds between
    two questions while something moves."""

    id: str
    name: str
    mark: str
    base: str
    variables: tuple[str, ...]
    usage: str
    side: str = ""
    side_every: int = 86_400
    interval: int = 300

    @property
    def stand_in(self) -> str:
        """The variable that points the service at a loopback stand-in."""
        return f"QUOTADECK_{self.id.upper()}_URL"

    @property
    def absent(self) -> str:
        """What is said without a key, with the two places where it may be."""
        return f"no key of {self.name}: set {self.variables[0]}, or run quotadeck key set {self.id}"

    @property
    def calls(self) -> tuple[str, ...]:
        """Everything that is asked."""
        return tuple(f"GET {path}" for path in (self.usage, self.side) if path)


SERVICES = (
    Service(
        "zai", "z.ai", "Z", "https://api.z.ai", ("ZAI_API_KEY", "Z_AI_API_KEY", "GLM_API_KEY"),
        "/api/monitor/usage/quota/limit", side="/api/biz/subscription/list",
    ),
    Service(
        "openrouter", "OpenRouter", "R", "https://openrouter.ai", ("OPENROUTER_API_KEY",),
        "/api/v1/key", side="/api/v1/credits", side_every=900, interval=900,
    ),
    Service(
        "kimi", "Kimi Code", "K", "https://api.kimi.com", ("KIMI_CODE_API_KEY",), "/coding/v1/usages"
    ),
    Service(
        "minimax", "MiniMax", "M", "https://api.minimax.io", ("MINIMAX_CODING_API_KEY", "MINIMAX_API_KEY"),
        "/v1/token_plan/remains",
    ),
    Service(
        "deepseek", "DeepSeek", "D", "https://api.deepseek.com", ("DEEPSEEK_API_KEY",), "/user/balance",
        interval=900,
    ),
    Service(
        "synthetic", "Synthetic", "Y", "https://api.synthetic.new", ("SYNTHETIC_API_KEY",), "/v2/quotas"
    ),
    Service(
        "moonshot", "Moonshot", "N", "https://api.moonshot.ai", ("MOONSHOT_API_KEY",),
        "/v1/users/me/balance", interval=900,
    ),
)  # fmt: skip
