"""The bars that the service is held to, and whether what was measured meets them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.contestants import BARE_BOTOCORE, CONTESTANTS, POWERTOOLS, POWERTOOLS_SAM, PROJECT
from bench.figures import Spread, ratios, rounded
from bench.measured import Measured

_MEGA: Final = 1_000_000
_MILLI: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: `value` is what is held against `must` and `aim`, smaller being better.

    It is the ratio of `ours` to `theirs`, both in `unit`, or, where there is nothing to compare
    with, a plain figure in `unit`.
    """

    key: str
    title: str
    must: float
    aim: float
    value: Spread
    unit: str
    ours: float
    theirs: float | None = None
    beside: str | None = None

    @property
    def met(self) -> str:
        """Say `aim`, `must` or `missed`."""
        if self.value.median <= self.aim:
            return "aim"
        return "must" if self.value.median <= self.must else "missed"

    def document(self) -> dict[str, Any]:
        """Give it as it stands in results.json."""
        return {
            "title": self.title,
            "ours": rounded(self.ours),
            "theirs": None if self.theirs is None else rounded(self.theirs),
            "unit": self.unit,
            "beside": self.beside,
            "value": self.value.document(),
            "must": self.must,
            "aim": self.aim,
            "met": self.met,
        }


def bars(measured: Mapping[str, Measured]) -> tuple[Bar, ...]:
    """Hold what was measured against every bar."""
    ours, powertools = measured[PROJECT], measured[POWERTOOLS]
    best = best_peer(measured)
    return (
        _ratio(
            "cold_to_powertools",
            "init and first hit / Powertools with boto3, valid .pyc",
            (0.70, 0.42),
            (ours.cold_wall, powertools.cold_wall),
            POWERTOOLS,
        ),
        _ratio(
            "cold_to_powertools_sam",
            "init and first hit / the same peer as SAM packages it",
            (0.30, 0.18),
            (ours.cold_wall, measured[POWERTOOLS_SAM].cold_wall),
            POWERTOOLS_SAM,
        ),
        _ratio(
            "hit_wall_to_best_peer",
            "warm hit, wall / best peer",
            (0.95, 0.45),
            (ours.hit_wall, measured[best].hit_wall),
            best,
        ),
        _ratio(
            "hit_cpu_to_bare_botocore",
            "warm hit, CPU / bare handler with botocore GetItem",
            (1.20, 0.55),
            (ours.hit_cpu, measured[BARE_BOTOCORE].hit_cpu),
            BARE_BOTOCORE,
        ),
        _ratio(
            "many_cpu_to_100_hits",
            "many, 100 of 100 cached, CPU / 100 single hits",
            (0.06, 0.04),
            (ours.many_cpu, ours.singles_cpu),
            "100 single hits",
        ),
        _ratio(
            "peak_memory_to_powertools",
            "peak memory / Powertools peer",
            (0.75, 0.55),
            ([ours.peak_memory], [powertools.peak_memory]),
            POWERTOOLS,
            scale=1 / _MEGA,
            unit="MB",
        ),
        _plain("bundle_megabytes", "bundle, zipped", (4.5, 2), ours.zip_bytes / _MEGA, "MB"),
        _counted("hit_log_bytes", "log of a hit, bytes", (700, 350), ours, "bytes"),
        _counted("hit_log_events", "log of a hit, events", (1, 1), ours, "events"),
        _counted("modules_compiled", "modules compiled at init", (0, 0), ours, "modules"),
        _counted("hit_handshakes", "TLS handshakes on a warm request", (0, 0), ours, "handshakes"),
        _counted("hit_ca_loads", "CA loads on a warm request", (0, 0), ours, "loads"),
    )


def best_peer(measured: Mapping[str, Measured]) -> str:
    """Name the peer that does the whole job and gives a hit the soonest."""
    peers = [each.name for each in CONTESTANTS if each.peer is not None and each.does_the_job]
    return min(peers, key=lambda name: median(measured[name].hit_wall))


def _ratio(
    key: str,
    title: str,
    held_to: tuple[float, float],
    sides: tuple[Sequence[float], Sequence[float]],
    beside: str,
    *,
    scale: float = _MILLI,
    unit: str = "ms",
) -> Bar:
    must, aim = held_to
    ours, theirs = sides
    return Bar(
        key=key,
        title=title,
        must=must,
        aim=aim,
        value=ratios(ours, theirs),
        unit=unit,
        ours=median(ours) * scale,
        theirs=median(theirs) * scale,
        beside=beside,
    )


def _plain(key: str, title: str, held_to: tuple[float, float], value: float, unit: str) -> Bar:
    must, aim = held_to
    spread = Spread.of([value])
    return Bar(key=key, title=title, must=must, aim=aim, value=spread, unit=unit, ours=value)


def _counted(key: str, title: str, held_to: tuple[float, float], ours: Measured, unit: str) -> Bar:
    return _plain(key, title, held_to, ours.counts[key], unit)
