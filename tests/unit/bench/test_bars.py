from dataclasses import replace

import pytest

from bench.bars import Bar, bars, best_peer
from bench.contestants import BARE_BOTOCORE, CONTESTANTS, FLOOR, POWERTOOLS, PROJECT
from bench.figures import Spread
from bench.measured import Measured

COUNTS = {
    "modules_compiled": 0,
    "hit_log_bytes": 500,
    "hit_log_events": 1,
    "hit_handshakes": 0,
    "hit_ca_loads": 0,
}


def measured(seconds: float) -> Measured:
    return Measured(
        zip_bytes=2_500_000,
        cold_wall=[seconds] * 3,
        hit_wall=[seconds] * 3,
        hit_cpu=[seconds] * 3,
        many_cpu=[seconds] * 3,
        singles_cpu=[seconds * 20] * 3,
        peak_memory=50_000_000,
        counts=COUNTS,
    )


def everyone() -> dict[str, Measured]:
    return {each.name: measured(0.002) for each in CONTESTANTS}


def test_a_bar_tells_both_sides_and_their_ratio() -> None:
    took = {**everyone(), PROJECT: measured(0.001)}

    cold = next(bar for bar in bars(took) if bar.key == "cold_to_powertools").document()

    assert (cold["ours"], cold["theirs"], cold["unit"], cold["beside"]) == (1, 2, "ms", POWERTOOLS)
    assert cold["value"]["median"] == 0.5
    assert (cold["must"], cold["aim"], cold["met"]) == (0.7, 0.42, "must")


def test_the_best_peer_is_the_quickest_that_does_the_job() -> None:
    took = {**everyone(), BARE_BOTOCORE: measured(0.0015), FLOOR: measured(0.0001)}

    assert best_peer(took) == BARE_BOTOCORE
    assert best_peer({**took, PROJECT: measured(0.0001)}) == BARE_BOTOCORE


@pytest.mark.parametrize(
    ("value", "met"), [(0.4, "aim"), (0.5, "aim"), (0.6, "must"), (0.7, "must"), (0.71, "missed")]
)
def test_a_bar_is_met_by_its_median(value: float, met: str) -> None:
    spread = Spread(least=0.1, median=value, most=9, count=3)
    bar = Bar(key="k", title="t", must=0.7, aim=0.5, value=spread, unit="ms", ours=1)

    assert bar.met == met


def test_what_is_counted_is_held_to_its_bar_as_it_is() -> None:
    took = everyone()
    took[PROJECT] = replace(took[PROJECT], counts={**COUNTS, "modules_compiled": 1})

    met = {bar.key: bar.met for bar in bars(took)}

    assert met["modules_compiled"] == "missed"
    assert met["hit_log_bytes"] == "must"
    assert met["bundle_megabytes"] == "must"
    assert met["hit_log_events"] == met["hit_handshakes"] == met["hit_ca_loads"] == "aim"
