"""Medians, spreads and ratios of what was measured; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

_LARGE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The least, the middle and the most of some measurements, and how many there were."""

    least: float
    median: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise measurements, of which there is one at least."""
        ordered = sorted(values)
        return cls(least=ordered[0], median=median(ordered), most=ordered[-1], count=len(ordered))

    def document(self) -> dict[str, float]:
        """Give it as it stands in results.json, with five digits at most."""
        return {
            "min": rounded(self.least),
            "median": rounded(self.median),
            "max": rounded(self.most),
            "count": self.count,
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Compare measurements pair by pair, each pair taken one right after the other.

    What slows the machine down for a while slows both of a pair, and so leaves its ratio alone.
    """
    return Spread.of(our / their for our, their in zip(ours, theirs, strict=True))


def rounded(value: float, digits: int = 5) -> float:
    """Round to so many significant digits: what was measured has no more to tell."""
    return float(f"{value:.{digits}g}")


def shown(value: float) -> str:
    """Write a figure for a person: three digits, or all of a large one's."""
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.3g}"
