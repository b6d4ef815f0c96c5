"""What is tried on a forecast, in TOML: the prices that both consider, and the figures that a side keeps to itself.

The two are never one file: prices are shared, and a side's own figures stay on its own machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from comity.book.errors import UnusableFileError
from comity.book.toml import TomlReader
from comity.core.economics.prices import Costs, Losses, Price, Unit
from comity.core.values import Side, Viewer

MOST_PERIODS = 1200  # a hundred years of months


class UnusablePricesError(UnusableFileError):
    """Prices or figures that cannot be used: one sentence that says where, what and the next step."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by the names they were given, and how many periods of the agreement remain."""

    prices: dict[str, Price]
    periods: int = 1


@dataclass(frozen=True, slots=True)
class ProvidersOwn:
    """What the provider alone knows: costs, what is spent once, the ramp of hours of the first periods."""

    costs: Costs
    one_off: float = 0.0
    ramp: tuple[float, ...] = field(default=())
    side: Side = Side.PROVIDER


@dataclass(frozen=True, slots=True)
class CustomersOwn:
    """What the customer alone knows: what it loses with contacts that were answered late or not at all."""

    losses: Losses
    side: Side = Side.CUSTOMER


Own = ProvidersOwn | CustomersOwn


def read_prices(file: Path) -> PriceList:
    """The prices of a file.

    :raises UnusablePricesError: naming the file, the key, the value and the next step
    """
    reader = _PricesReader(file)
    return reader.price_list(reader.read())


def read_own(file: Path, viewer: Viewer) -> Own:
    """A side's own figures, which open for that side alone.

    :raises UnusablePricesError: as `read_prices`, and for a viewer of the other side or of none
    """
    reader = _PricesReader(file)
    own = reader.own(reader.read())
    if not viewer.opens(own.side):
        raise UnusablePricesError(f"{file} holds the {own.side}'s own figures; open it with --as {own.side}")
    return own


_OWN = {
    Side.CUSTOMER: {"per_abandoned", "per_late", "least_level"},
    Side.PROVIDER: {"per_paid_hour", "fixed", "margin_needed", "one_off", "ramp"},
}


class _PricesReader(TomlReader):
    error = UnusablePricesError
    top_key = "[{key}]"

    def price_list(self, content: Mapping[str, Any]) -> PriceList:
        self.keys(content, "", {"price", "term"})
        prices: dict[str, Price] = {}
        for number, item in self.items(content, "price"):
            where = f"price[{number}]"
            name = self.get(item, where, "name", str)
            if not name or not name.strip():
                raise self.wrong(f"{where}.name", "is missing; every [[price]] bears a name")
            if name in prices:
                raise self.wrong(f"{where}.name", f"is {name!r} a second time; every price has a name of its own")
            prices[name] = self.price(item, f"price {name!r}:")
        if not prices:
            raise self.wrong("[[price]]", "is missing; write at least one, with name, unit and amount")
        term = self.get(content, "", "term", dict, {})
        self.keys(term, "term", {"periods"})
        periods = self.get(term, "term", "periods", int, 1)
        if not 1 <= periods <= MOST_PERIODS:
            raise self.wrong("term.periods", f"must be periods from 1 to {MOST_PERIODS}, but is {periods}")
        return PriceList(prices, periods)

    def price(self, item: Mapping[str, Any], where: str) -> Price:
        self.keys(item, where, {"name", "unit", "amount", "base", "bands", "steps", "fte_hours"})
        unit = Unit(self.one_of(item, where, "unit", [unit.value for unit in Unit], ""))
        bands = self.pairs(item, where, "bands", "amount")
        if bands and unit is Unit.FIXED:
            raise self.wrong(f"{where}.bands", "say nothing of a fixed price; take them out, or choose another unit")
        if bands and bands[0][0] == 0:
            raise self.wrong(f"{where}.bands", "begin at 0, which is what amount is for; begin above it")
        steps = self.pairs(item, where, "steps", "share")
        for start, share in steps:
            if not 0 <= start < 1 or not -1 <= share <= 1:
                raise self.wrong(f"{where}.steps", f"must be shares, but are {start:g} and {share:g}; 0.05 is 5 %")
        return Price(
            unit,
            self.amount(item, where, "amount", needed=True),
            base=self.amount(item, where, "base"),
            bands=bands,
            steps=steps,
            fte_hours=self.amount(item, where, "fte_hours", 160.0) or 160.0,
        )

    def own(self, content: Mapping[str, Any]) -> Own:
        side = Side(self.one_of(content, "", "side", [side.value for side in Side], ""))
        for key in content:
            if key in _OWN[side.other]:
                raise self.wrong(f"[{key}]", f"is the {side.other}'s own; a file holds the figures of one side alone")
        self.keys(content, "", {"side"} | _OWN[side])
        if side is Side.CUSTOMER:
            least = self.amount(content, "", "least_level")
            if least >= 1:
                raise self.wrong("least_level", f"must be a share below 1, but is {least:g}; 0.8 is 80 %")
            per_abandoned = self.amount(content, "", "per_abandoned", needed=True)
            return CustomersOwn(Losses(per_abandoned, self.amount(content, "", "per_late"), least))
        ramp = self.get(content, "", "ramp", list, [])
        if not all(
            isinstance(factor, int | float) and not isinstance(factor, bool) and 0 < factor < float("inf")
            for factor in ramp
        ):
            raise self.wrong("ramp", f"must be a list of numbers above 0 such as [1.4, 1.2], but is {ramp!r}")
        costs = Costs(
            self.amount(content, "", "per_paid_hour", needed=True),
            self.amount(content, "", "fixed"),
            self.amount(content, "", "margin_needed"),
        )
        return ProvidersOwn(costs, self.amount(content, "", "one_off"), tuple(float(factor) for factor in ramp))

    def amount(
        self, item: Mapping[str, Any], where: str, key: str, default: float = 0.0, *, needed: bool = False
    ) -> float:
        value = self.number(item, where, key, None if needed else default)
        if value is None:
            raise self.wrong(self.at(where, key), "is missing; write it as a number")
        if value < 0:
            raise self.wrong(self.at(where, key), f"must not be negative, but is {value:g}")
        return value

    def pairs(self, item: Mapping[str, Any], where: str, key: str, what: str) -> tuple[tuple[float, float], ...]:
        """`[{ from = 0.8, share = 0.02 }, ...]`, in rising order."""
        pairs = []
        for entry in self.get(item, where, key, list, []):
            if not isinstance(entry, dict):
                raise self.wrong(
                    f"{where}.{key}", f"must be entries such as {{ from = 1, {what} = 1 }}, but has {entry!r}"
                )
            self.keys(entry, f"{where}.{key}", {"from", what})
            start, value = (self.number(entry, f"{where}.{key}", name) for name in ("from", what))
            if start is None or value is None:
                raise self.wrong(
                    f"{where}.{key}", f"has an entry without {'from' if start is None else what}; write both"
                )
            pairs.append((start, value))
        if any(later[0] <= earlier[0] for earlier, later in pairwise(pairs)) or any(start < 0 for start, _ in pairs):
            raise self.wrong(f"{where}.{key}", "must rise in `from`, from 0 on; order them, each edge once")
        return tuple(pairs)
