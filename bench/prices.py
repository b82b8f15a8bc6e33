"""AWS's list prices, from the dated table beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_TABLE: Final = Path(__file__).with_name("prices.toml")
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one unit costs, in dollars; `tiers` are how many units at which price, in order."""

    title: str
    tiers: tuple[tuple[float, float], ...]
    page: str
    seen: str

    @property
    def first(self) -> float:
        """The price of the first unit, which is the list price."""
        return self.tiers[0][1]

    def of(self, units: float) -> float:
        """Give what so many units cost in a month."""
        cost = 0.0
        for size, usd in self.tiers:
            taken = min(units, size)
            cost += taken * usd
            units -= taken
        return cost

    def of_millions(self, units: float) -> float:
        """Give what so many units cost of what is priced by the million, tiers counting units."""
        tiers = tuple((size, usd / _MILLION) for size, usd in self.tiers)
        return Price(title=self.title, tiers=tiers, page=self.page, seen=self.seen).of(units)


def read_prices() -> Mapping[str, Price]:
    """Read the table, by each price's name."""
    table: dict[str, Any] = tomllib.loads(_TABLE.read_text("utf-8"))
    return {
        name: Price(
            title=row["title"],
            tiers=tuple(map(tuple, row.get("tiers", [[float("inf"), row.get("usd")]]))),
            page=row["page"],
            seen=row["seen"],
        )
        for name, row in table.items()
    }
