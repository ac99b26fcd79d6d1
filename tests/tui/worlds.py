"""Made-up decks for tests of the screen, and a feed that shows them."""

from __future__ import annotations

from collections.abc import Callable

from providers.base import Descriptor
from providers.engine.deck import Deck
from providers.engine.settings import Settings
from providers.engine.shown import DeckView
from providers.engine.view import ViewRules, view
from providers.ledger.tally import Tally
from providers.live import Samples
from providers.model import Fact, Failure, Identity, LoginState, Reading, Source, Status, Window

NOW = 1_795_330_920.0
"""2026-11-22 07:02 UTC."""
HOUR, DAY = 3_600.0, 86_400.0
EVIL = "\x1b]0;PWNED\x07\x1b[2J[/bold][@click=app.bell]x[/] [$error] $(id)"


class FakeFeed:
    """A deck that the test owns; counts what the screen asks for."""

    def __init__(self, deck: Deck, now: Callable[[], float]) -> None:
        self.deck, self._now = deck, now
        self.calls: list[tuple[str, object]] = []
        self.tally: Tally | None = None
        self._changed: Callable[[frozenset[str]], None] | None = None

    def view(self) -> DeckView:
        return view(self.deck.facts(), self._now(), ViewRules())

    def start(self, post: Callable[..., object], changed: Callable[[frozenset[str]], None]) -> None:
        self._changed = changed

    def tell(self, *facts: Fact) -> None:
        """New facts arrive."""
        ids = self.deck.apply(facts, self._now())
        assert self._changed is not None
        self._changed(ids)

    def reread(self, provider: str | None) -> None:
        self.calls.append(("reread", provider))

    def keep(self) -> None: ...

    def connect(self) -> None:
        self.calls.append(("connect", None))

    def count(self) -> None:
        self.calls.append(("count", None))

    def ask(self, provider: str | None) -> None:
        self.calls.append(("ask", provider))

    def allow(self, by_itself: bool) -> None:
        self.calls.append(("allow", by_itself))

    def judge(self, settings: Settings) -> None:
        self.calls.append(("judge", (settings.watch_percent, settings.high_percent)))

    def history(self, provider: str, account: str, window: str, since: float, answer: Samples) -> None:
        answer(())

    def pause(self, paused: bool) -> None:
        self.calls.append(("pause", paused))

    def remember(self, **changes: object) -> None:
        self.calls.append(("remember", changes))

    def when_login(self, told: Callable[[str], None]) -> None:
        self.told = told

    def stop(self) -> None:
        self.calls.append(("stop", None))


def five(used: float | None, resets_in: float = 2.8 * HOUR) -> Window:
    return Window("5h", "5 h", used, NOW + resets_in, 18_000)


def week(used: float | None, resets_in: float = 3.3 * DAY) -> Window:
    return Window("7d", "7 d", used, NOW + resets_in, 604_800)


def login(
    provider: str, email: str = "work@example.com", status: Status = Status.OK, **more: object
) -> LoginState:
    identity = Identity(f"{provider}-key", email, "Example Corp")
    return LoginState(provider, status, identity=identity, observed_at=NOW - DAY, **more)  # type: ignore[arg-type]


def read(provider: str, *windows: Window, age: float = 0.0, account: str = "") -> Reading:
    key = account or f"{provider}-key"
    return Reading(provider, windows, Source.STATUSLINE, "~/a/file", NOW - age, account=key, alias=account)


PROVIDERS = ("claude", "codex", "gemini", "copilot", "opencode", "cursor", "kimi", "zai", "kiro", "amp")


def deck_of(*facts: Fact, names: tuple[str, ...] = PROVIDERS) -> Deck:
    deck = Deck([Descriptor(n, n.title(), n[0].upper(), n) for n in names])
    deck.apply(facts, NOW)
    return deck


def full_deck() -> Deck:
    """Ten providers with every status, a second account, money and a model's week."""
    spend = Window("spend", "extra usage", 24.7, used=12.34, limit=50.0, unit="EUR")
    opus = Window("7d:opus", "7 d Opus", 18.0, NOW + 3.3 * DAY, 604_800)
    broken = Failure("cursor", Status.OFFLINE, "no network", Source.ENDPOINT, "net", NOW, "cursor-key")
    return deck_of(
        login("claude", plan="Max 20x"), read("claude", five(62), week(41), opus, spend),
        read("claude", five(4), week(12), age=2 * HOUR, account="home"),
        login("codex"), read("codex", five(23), week(88, 2.1 * DAY), age=120),
        login("gemini"), read("gemini", Window("day", "day", 35.0, NOW + 9.9 * HOUR, 86_400), age=41 * 60),
        login("copilot", status=Status.EXPIRED, message="the token was refused", fix="gh auth login"),
        read("copilot", Window("month", "month", 71.0, NOW + 12 * DAY), age=2 * HOUR),
        login("opencode"), read("opencode", five(100), week(55)),
        login("cursor"), read("cursor", Window("month", "month", 47.0, NOW + 9 * DAY), age=720), broken,
        LoginState("kimi", Status.UNCONFIGURED, "kimi is not installed here"),
        login("zai", status=Status.IDLE, message="renews when zai runs"),
        read("zai", five(97, -60), age=3 * HOUR),
        login("kiro", status=Status.UNSUBSCRIBED, message="no plan with a quota"),
        login("amp"), read("amp", five(None), week(0, 7 * DAY)),
    )  # fmt: skip


def hostile_deck() -> Deck:
    """Control characters that slipped past a parser, and markup, in every text."""
    window = Window("x", EVIL, 12.0, NOW + HOUR, note="")
    return deck_of(
        login("claude", EVIL, message=EVIL, plan=EVIL), read("claude", window, account=""), names=("claude",)
    )
