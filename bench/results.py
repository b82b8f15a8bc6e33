"""What a run measured, as `bench/results.json` keeps it for a machine to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.bars import bars
from bench.contestants import BARE_BOTOCORE, CONTESTANTS, POWERTOOLS, POWERTOOLS_SAM, PROJECT
from bench.figures import Spread, ratios, rounded
from bench.measured import Measured

RESULTS: Final = Path(__file__).with_name("results.json")

Results = dict[str, Any]

_MILLI: Final = 1_000
_MEGA: Final = 1_000_000


def results(measured: Mapping[str, Measured], run: Mapping[str, Any]) -> Results:
    """Put together what was measured, the bars, and how the run was made."""
    return {
        "run": dict(run),
        "bars": {bar.key: bar.document() for bar in bars(measured)},
        "surer": _surer(measured),
        "contestants": {
            each.name: {"label": each.label, **_contestant(measured[each.name])}
            for each in CONTESTANTS
        },
    }


def _surer(measured: Mapping[str, Measured]) -> dict[str, float]:
    """Compare by what a busy machine moves less than the time on the wall, or not at all."""
    ours, bare = measured[PROJECT], measured[BARE_BOTOCORE]
    compared: dict[str, float] = {}
    for name in (POWERTOOLS, POWERTOOLS_SAM):
        theirs = measured[name]
        compared[f"cold_cpu_to_{name}"] = ratios(ours.cold_cpu, theirs.cold_cpu).median
        if ours.instructions and theirs.instructions:
            compared[f"cold_instructions_to_{name}"] = ours.instructions / theirs.instructions
    if ours.hit_instructions and bare.hit_instructions:
        ratio = ours.hit_instructions / bare.hit_instructions
        compared[f"hit_instructions_to_{BARE_BOTOCORE}"] = ratio
    return {name: rounded(ratio) for name, ratio in compared.items()}


def _contestant(measured: Measured) -> dict[str, Any]:
    spreads = {
        "cold_wall_ms": (measured.cold_wall, _MILLI),
        "cold_cpu_ms": (measured.cold_cpu, _MILLI),
        "cold_peak_memory_mb": (measured.cold_memory, 1 / _MEGA),
        "init_wall_ms": (measured.init_wall, _MILLI),
        "hit_wall_ms": (measured.hit_wall, _MILLI),
        "hit_cpu_ms": (measured.hit_cpu, _MILLI),
        "miss_wall_ms": (measured.miss_wall, _MILLI),
        "miss_cpu_ms": (measured.miss_cpu, _MILLI),
        "many_wall_ms": (measured.many_wall, _MILLI),
        "many_cpu_ms": (measured.many_cpu, _MILLI),
    }
    return {
        **{name: _spread(*values) for name, values in spreads.items() if values[0]},
        "peak_memory_mb": rounded(measured.peak_memory / _MEGA),
        "zip_mb": rounded(measured.zip_bytes / _MEGA),
        **measured.counts,
        **{
            f"{name}_millions": rounded(count / _MEGA)
            for name, count in (
                ("cold_instructions", measured.instructions),
                ("hit_instructions", measured.hit_instructions),
            )
            if count is not None
        },
    }


def _spread(values: Sequence[float], scale: float) -> dict[str, float]:
    return Spread.of(value * scale for value in values).document()


def write(found: Results, path: Path) -> None:
    """Write results, for a person to compare by lines, too."""
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")


def read(path: Path = RESULTS) -> Results:
    """Read what an earlier run wrote."""
    found: Results = json.loads(path.read_text("utf-8"))
    return found
