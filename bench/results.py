"""Evaluates measurements: medians, ratios of two variants, and the thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.measurement import Measurement
from bench.variants import BARE_BOTOCORE, BASELINE, POWERTOOLS, POWERTOOLS_SAM, PROJECT, VARIANTS

RESULTS: Final = Path(__file__).with_name("results.json")

Results = dict[str, Any]
Spread = dict[str, float]
"""Has `min`, `median`, `max` and `count` of a list of values."""

_MILLI: Final = 1_000
_MEGA: Final = 1_000_000


def spread(values: Iterable[float], scale: float = 1) -> Spread:
    """Summarise the values, of which there must be at least one."""
    ordered = sorted(value * scale for value in values)
    summary = {"min": ordered[0], "median": median(ordered), "max": ordered[-1]}
    return {**{name: rounded(value) for name, value in summary.items()}, "count": len(ordered)}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return the spread of one ratio per round: a slow round affects both of its values alike."""
    return spread(our / their for our, their in zip(ours, theirs, strict=True))


def rounded(value: float, digits: int = 5) -> float:
    """Round to significant digits."""
    return float(f"{value:.{digits}g}")


def evaluate(measured: Mapping[str, Measurement], run: Mapping[str, Any]) -> Results:
    """Return the content of `results.json`; `run` describes the measurement."""
    return {
        "run": dict(run),
        "thresholds": thresholds(measured),
        "variants": {
            variant.name: {"label": variant.label, **_summary(measured[variant.name])}
            for variant in VARIANTS
        },
    }


def thresholds(measured: Mapping[str, Measurement]) -> Results:
    """Compare ratios and counts with their limits and targets; smaller is better."""
    project, best = measured[PROJECT], best_peer(measured)
    ours, counts = project.times, project.counts
    memory, theirs = project.peak_memory_bytes, measured[POWERTOOLS].peak_memory_bytes
    return {
        "cold_to_powertools": _ratio(
            "init and first hit / Powertools with boto3, bytecode",
            (ours["cold_wall"], measured[POWERTOOLS].times["cold_wall"], POWERTOOLS),
            limit=0.70,
            target=0.42,
        ),
        "cold_to_powertools_sam": _ratio(
            "init and first hit / Powertools, packaged by SAM",
            (ours["cold_wall"], measured[POWERTOOLS_SAM].times["cold_wall"], POWERTOOLS_SAM),
            limit=0.30,
            target=0.18,
        ),
        "hit_wall_to_best_peer": _ratio(
            "warm hit, wall / best peer",
            (ours["hit_wall"], measured[best].times["hit_wall"], best),
            limit=0.95,
            target=0.45,
        ),
        "hit_cpu_to_bare_botocore": _ratio(
            "warm hit, CPU / bare handler with botocore GetItem",
            (ours["hit_cpu"], measured[BARE_BOTOCORE].times["hit_cpu"], BARE_BOTOCORE),
            limit=1.20,
            target=0.55,
        ),
        "many_cpu_to_100_hits": _ratio(
            "list of 100 cached ratings, CPU / 100 single hits",
            (ours["many_cpu"], [100 * cpu for cpu in ours["single_cpu"]], "100 single hits"),
            limit=0.06,
            target=0.04,
        ),
        "peak_memory_to_powertools": _ratio(
            "peak memory / Powertools peer",
            ([memory], [theirs], POWERTOOLS),
            limit=0.75,
            target=0.55,
            scale=1 / _MEGA,
            unit="MB",
        ),
        "bundle_megabytes": _figure("bundle, zipped", project.zip_bytes / _MEGA, "MB", 4.5, 2),
        **{
            key: _figure(title, counts[key], unit, limit, target)
            for key, title, unit, limit, target in (
                ("hit_log_bytes", "log of a hit, bytes", "bytes", 700, 350),
                ("hit_log_events", "log of a hit, events", "events", 1, 1),
                ("modules_compiled", "modules compiled at init", "modules", 0, 0),
                ("hit_handshakes", "TLS handshakes on a warm request", "handshakes", 0, 0),
                ("hit_ca_loads", "CA loads on a warm request", "loads", 0, 0),
            )
        },
    }


def best_peer(measured: Mapping[str, Measurement]) -> str:
    """Return the peer with the fastest hit; the baseline does not do the job."""
    peers = {variant.name for variant in VARIANTS} - {PROJECT, BASELINE}
    return min(peers, key=lambda name: median(measured[name].times["hit_wall"]))


def _ratio(
    title: str,
    sides: tuple[Sequence[float], Sequence[float], str],
    *,
    limit: float,
    target: float,
    scale: float = _MILLI,
    unit: str = "ms",
) -> Results:
    ours, theirs, compared_to = sides
    return {
        "title": title,
        "ours": rounded(median(ours) * scale),
        "theirs": rounded(median(theirs) * scale),
        "unit": unit,
        "compared_to": compared_to,
        **_verdict(ratios(ours, theirs), limit, target),
    }


def _figure(title: str, value: float, unit: str, limit: float, target: float) -> Results:
    return {"title": title, "unit": unit, **_verdict(spread([value]), limit, target)}


def _verdict(value: Spread, limit: float, target: float) -> Results:
    met = "target" if value["median"] <= target else "limit"
    met = met if value["median"] <= limit else "missed"
    return {"value": value, "limit": limit, "target": target, "met": met}


def _summary(measured: Measurement) -> Results:
    instructions = {
        "cold_instructions_millions": measured.instructions,
        "hit_instructions_millions": measured.hit_instructions,
    }
    return {
        **{f"{name}_ms": spread(values, _MILLI) for name, values in measured.times.items()},
        "peak_memory_mb": rounded(measured.peak_memory_bytes / _MEGA),
        "zip_mb": rounded(measured.zip_bytes / _MEGA),
        **measured.counts,
        **{name: rounded(count / _MEGA) for name, count in instructions.items() if count},
    }
