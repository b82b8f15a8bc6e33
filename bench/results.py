"""What a run measured, as `bench/results.json` keeps it for a machine to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.bars import bars
from bench.contestants import CONTESTANTS
from bench.figures import Spread, rounded
from bench.measuring import Measured

RESULTS: Final = Path(__file__).with_name("results.json")

Results = dict[str, Any]

_MILLI: Final = 1_000
_MEGA: Final = 1_000_000


def results(measured: Mapping[str, Measured], run: Mapping[str, Any]) -> Results:
    """Put together what was measured, the bars, and how the run was made."""
    return {
        "run": dict(run),
        "bars": {bar.key: bar.document() for bar in bars(measured)},
        "contestants": {
            each.name: {"label": each.label, **_contestant(measured[each.name])}
            for each in CONTESTANTS
        },
    }


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
        **(
            {}
            if measured.instructions is None
            else {"cold_instructions_millions": rounded(measured.instructions / _MEGA)}
        ),
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
