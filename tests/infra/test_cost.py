"""What docs/cost.md takes for given of the stack, against the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import cost
from infra.api import ACCESS_LOG_FIELDS
from infra.settings import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources


def test_costs_are_reckoned_with_the_memory_that_functions_have() -> None:
    assert {stage.function_memory_mb for stage in STAGES.values()} == {cost.MEMORY_MB}


def test_costs_are_reckoned_with_the_fields_of_the_access_log() -> None:
    assert list(cost.ACCESS_LOG_LINE) == list(ACCESS_LOG_FIELDS)


def test_costs_are_reckoned_with_the_alarms_of_the_stage_that_has_most(
    services: Mapping[str, Resources],
) -> None:
    looked_at = [
        sum(
            max(1, sum("MetricStat" in metric for metric in alarm["Properties"].get("Metrics", [])))
            for alarm in service.of_type("AWS::CloudWatch::Alarm").values()
        )
        for service in services.values()
    ]

    assert max(looked_at) == cost.ALARM_METRICS
