from dataclasses import replace

import pytest

from bench.measurement import Measurement
from bench.results import best_peer, ratios, rounded, spread, thresholds
from bench.variants import BARE_BOTOCORE, BASELINE, POWERTOOLS, PROJECT, VARIANTS

COUNTS = {
    "modules_compiled": 0,
    "hit_log_bytes": 500,
    "hit_log_events": 1,
    "hit_handshakes": 0,
    "hit_ca_loads": 0,
}
TIMES = ("cold_wall", "hit_wall", "hit_cpu", "many_cpu", "single_cpu")


def measured(seconds: float) -> Measurement:
    times = {name: [seconds] * 3 for name in TIMES}
    return Measurement(
        zip_bytes=2_500_000, times=times, peak_memory_bytes=50_000_000, counts=COUNTS
    )


@pytest.fixture
def everyone() -> dict[str, Measurement]:
    return {variant.name: measured(0.002) for variant in VARIANTS}


def test_a_spread_is_minimum_median_and_maximum() -> None:
    assert spread([3, 1, 10, 2]) == {"min": 1, "median": 2.5, "max": 10, "count": 4}
    assert rounded(0.123456789) == 0.12346


def test_ratios_are_computed_pair_by_pair_so_a_slow_moment_does_not_change_them() -> None:
    assert ratios([1.0, 10.0, 1.0], [2.0, 20.0, 2.0]) == spread([0.5] * 3)
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("compiled", "seconds", "met"),
    [(0, 0.0008, "target"), (0, 0.001, "limit"), (1, 0.0015, "missed")],
)
def test_the_median_meets_the_target_the_limit_or_neither(
    everyone: dict[str, Measurement], compiled: int, seconds: float, met: str
) -> None:
    ours = replace(measured(seconds), counts={**COUNTS, "modules_compiled": compiled})

    found = thresholds({**everyone, PROJECT: ours})

    cold = found["cold_to_powertools"]
    assert [cold[name] for name in ("ours", "theirs", "unit")] == [seconds * 1000, 2, "ms"]
    assert (cold["compared_to"], cold["value"]["median"]) == (POWERTOOLS, seconds / 0.002)
    assert cold["met"] == met
    assert found["modules_compiled"]["met"] == ("missed" if compiled else "target")


def test_the_best_peer_is_not_the_baseline_and_has_the_fastest_hit(
    everyone: dict[str, Measurement],
) -> None:
    fast = {BARE_BOTOCORE: measured(0.0015), BASELINE: measured(1e-4), PROJECT: measured(1e-4)}

    assert best_peer({**everyone, **fast}) == BARE_BOTOCORE
