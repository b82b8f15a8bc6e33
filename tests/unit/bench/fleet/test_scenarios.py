"""The requirements of the fleet, in small fleets. `make bench-fleet` runs the large ones."""

import pytest

from bench.fleet.fleet import Size
from bench.fleet.scenarios import SCENARIOS, THROTTLED, Scenario

SMALL = Size(4, 100)  # as many requests for each environment as in the fleet of 400
MANY = Size(10, 100)  # for THROTTLED: more environments share Apple's quota


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_a_small_fleet_meets_every_requirement(scenario: Scenario) -> None:
    run = scenario.run(MANY if scenario is THROTTLED else SMALL)

    assert [figure for figure in scenario.figures(run) if not figure.is_met] == []


def test_every_run_has_the_same_result() -> None:
    first, second = (SCENARIOS[-1].run(SMALL).fleet.served for _ in range(2))

    assert first == second
