"""API list prices: what the tokens of a model would cost without a subscription.

For screens and commands; the tables are read once, in the calling thread.  The shipped table is
``prices.toml`` beside this file; a person's own is ``prices.toml`` in our config folder, of the same
form, and wins name by name.  A model that neither holds has no price: nothing is looked up elsewhere
and nothing is guessed from a similar name.  Rules of vendors: a long prompt moves the whole request to
the higher rate; fast and priority tiers multiply everything (robinebers/openusage:
Sources/OpenUsage/Pricing, BerriAI/litellm:model_prices_and_context_window.json).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from providers.base import KIB, Environment, FileBytes
from providers.engine.files import read_file
from providers.engine.values import clean
from providers.ledger.booking import CONTEXTS
from providers.ledger.query import Total
from providers.record import Record

LABEL = "API list price"
MILLION = 1_000_000
MAX_BYTES = 512 * KIB
_DATE = re.compile(r"(?:-\d{8}|-\d{4}-\d{2}-\d{2}|@.*|\[\w+\])$")
_DOTS = re.compile(r"(?<=\d)\.(?=\d)")
_FAST = frozenset({"fast", "priority"})


class Rates(Record):
    """US dollars per million tokens of each kind."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    cache_write_1h: float


class Price(Record):
    """What one model costs.  ``above`` are the rates of requests whose prompt exceeds a bound in
    tokens, ``known_up_to`` the prompt from which on the price is not known (0 = none), ``fast`` the
    factor of the fast tiers (0 = not known)."""

    rates: Rates
    above: Mapping[int, Rates] = MappingProxyType({})
    known_up_to: int = 0
    fast: float = 0.0


class BadPrices(ValueError):
    """The person's table is not right; the message is a clean sentence that names the file's entry."""


class Prices:
    """A table of prices.  ``facts_of`` is the date of its facts (ISO)."""

    def __init__(self, table: Mapping[str, Price], facts_of: str) -> None:
        self._table, self.facts_of = table, facts_of

    def of(self, model: str) -> Price | None:
        """The price of a model by its name as a tool writes it, None if it has none."""
        return next((self._table[name] for name in _names(model) if name in self._table), None)

    def cost(self, total: Total) -> float | None:
        """What these tokens cost in US dollars; None if that is not known.

        ``total`` must be of one model, one tier and one size of prompt."""
        price, tier = self.of(total.model), total.tier
        if price is None and total.model.endswith("-fast"):
            price, tier = self.of(total.model.removesuffix("-fast")), "fast"
        if price is None or (tier in _FAST and not price.fast):
            return None
        if price.known_up_to and total.context >= price.known_up_to:
            return None
        bounds = [bound for bound in price.above if total.context >= bound]
        rates = price.above[max(bounds)] if bounds else price.rates
        dollars = (
            total.input * rates.input
            + total.output * rates.output
            + total.cache_read * rates.cache_read
            + (total.cache_write - total.cache_write_1h) * rates.cache_write
            + total.cache_write_1h * rates.cache_write_1h
        )
        return dollars * (price.fast if tier in _FAST else 1.0) / MILLION


def own_table(environment: Environment) -> Path:
    """Where a person's own prices lie."""
    return environment.config_dir / "prices.toml"


def load_prices(environment: Environment) -> Prices:
    """The shipped table with the person's own above it.  Raises `BadPrices`."""
    shipped = Path(__file__).with_name("prices.toml").read_bytes()
    table, facts_of = _parsed(shipped, "the shipped table of prices")
    own = read_file(own_table(environment), MAX_BYTES, follow=True)
    if own is None:
        return Prices(table, facts_of)
    if not isinstance(own, FileBytes):
        raise BadPrices(f"prices.toml {own.reason}")
    theirs, newer = _parsed(own.data, "prices.toml")
    return Prices(table | theirs, newer or facts_of)


def _names(model: str) -> Iterator[str]:
    """The names under which a model may stand in the table, the exact one first."""
    name = model.strip().lower()
    for shorter in (name, name.rpartition("/")[2]):
        yield shorter
        while shorter != (shorter := _DATE.sub("", shorter)):
            yield shorter
        yield _DOTS.sub("-", shorter)


def _parsed(data: bytes, what: str) -> tuple[dict[str, Price], str]:
    import tomllib

    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise BadPrices(f"{what} is not TOML") from None
    table: dict[str, Price] = {}
    models = document.get("model", [])
    if not isinstance(models, list):
        raise BadPrices(f"{what}: model must be written as [[model]]")
    for entry in models:
        price, names = _price(entry, what)
        for name in names:
            table[name] = price
            table.setdefault(_DOTS.sub("-", name), price)
    return table, clean(document.get("facts_of"), 20)


def _price(entry: Any, what: str) -> tuple[Price, list[str]]:
    names = entry.get("names") if isinstance(entry, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and n for n in names):
        raise BadPrices(f"{what}: a model lacks its names")
    where = f"{what}: {clean(names[0])}"
    above = entry.get("above", {})
    if not isinstance(above, dict):
        raise BadPrices(f"{where}: above must be a table")
    longer = {_bound(bound, where): _rates(rates, where) for bound, rates in above.items()}
    known = _bound(entry["known_up_to"], where) if "known_up_to" in entry else 0
    fast = _number(entry, "fast", 0.0, where)
    return Price(_rates(entry, where), longer, known, fast), [name.lower() for name in names]


def _bound(value: object, where: str) -> int:
    """A size of prompts; only those that the index tells apart can have prices of their own."""
    bound = int(value) if isinstance(value, int | str) and str(value).isdigit() else 0
    if bound not in CONTEXTS:
        known = " or ".join(map(str, sorted(CONTEXTS)))
        raise BadPrices(f"{where}: prompts are told apart at {known} tokens only")
    return bound


def _rates(entry: Any, where: str) -> Rates:
    if not isinstance(entry, dict):
        raise BadPrices(f"{where}: prices must be a table")
    full = _number(entry, "input", None, where)
    written = _number(entry, "cache_write", full, where)
    return Rates(
        full,
        _number(entry, "output", None, where),
        _number(entry, "cache_read", full, where),
        written,
        _number(entry, "cache_write_1h", written, where),
    )


def _number(entry: Mapping[str, Any], key: str, otherwise: float | None, where: str) -> float:
    value = entry.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MILLION:
        raise BadPrices(f"{where}: {key} must be dollars per million tokens")
    return float(value)
