from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from functions.ratings.metrics import Metric
from functions.token_rotation.metrics import DAYS_LEFT
from infra.settings import STAGES
from tests.infra import dashboards
from tests.infra.cloudwatch import alarms, source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.dashboards import Widget
    from tests.infra.resources import Resources

EMITTED = {metric.value for metric in Metric} | {DAYS_LEFT}


def _own_names(service: Resources) -> Iterator[str]:
    """The names under which the dashboard and the alarms look for what the code sends."""
    for widget in dashboards.widgets(service):
        yield from (line.name for line in widget.lines if line.namespace == "AppleMusicRatings")
    for alarm in alarms(service).values():
        for query in alarm.queries.values():
            if query.source.namespace == "AppleMusicRatings":
                yield query.source.name


def test_what_the_code_sends_is_looked_at_and_what_is_looked_at_is_sent(
    service: Resources,
) -> None:
    assert set(_own_names(service)) == EMITTED


def test_what_is_counted_from_the_access_log_is_what_is_looked_at(service: Resources) -> None:
    (made,) = service.properties("AWS::Logs::MetricFilter")["MetricTransformations"]
    drawn = [
        line
        for widget in dashboards.widgets(service)
        for line in widget.lines
        if line.name == made["MetricName"]
    ]

    assert [line.namespace for line in drawn] == [made["MetricNamespace"]]
    assert [dict(line.dimensions) for line in drawn] == [made.get("Dimensions", {})]


def test_every_line_has_the_dimensions_under_which_it_is_sent(service: Resources) -> None:
    for widget in dashboards.widgets(service):
        for line in widget.lines:
            if str(line.namespace) in {"AWS/DynamoDB", "AWS/Logs", "AWS/SNS"}:
                _check_other_dimensions(service, line.namespace, dict(line.dimensions))
            else:
                # Raises where nothing sends it so.
                source(service, line.namespace, line.name, line.dimensions)


def _check_other_dimensions(service: Resources, namespace: str, dimensions: dict[str, Any]) -> None:
    operation = dimensions.pop("Operation", "PutItem")
    assert operation in {"BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem"}
    ((name, value),) = dimensions.items()
    resources = {
        "AWS/DynamoDB": ("TableName", "AWS::DynamoDB::GlobalTable"),
        "AWS/Logs": ("LogGroupName", "AWS::Logs::LogGroup"),
        "AWS/SNS": ("TopicName", "AWS::SNS::Topic"),
    }
    assert name == resources[namespace][0]
    assert value["Ref"] in service.of_type(resources[namespace][1])


def test_every_alarm_is_at_the_top(service: Resources) -> None:
    first = dashboards.widgets(service)[0]

    assert first.kind == "alarm"
    assert set(first.alarms) == {
        id_ for id_ in service.of_type("AWS::CloudWatch::Alarm") if id_.startswith("Monitoring")
    }


def test_no_widget_lies_upon_another_or_beyond_the_edge(service: Resources) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboards.widgets(service):
        cells = widget.cells()
        assert not taken & cells, widget.title
        assert widget.x + widget.width <= 24
        taken |= cells


@pytest.mark.parametrize("title", ["What users feel", "What it costs"])
def test_a_section_has_its_title_above_it(service: Resources, title: str) -> None:
    titles = {widget.title: widget for widget in dashboards.widgets(service)}

    assert titles[title].kind == "text"
    assert titles[title].width == 24


def test_an_expression_is_made_of_what_its_widget_has_and_does_not_draw(
    service: Resources,
) -> None:
    for widget in dashboards.widgets(service):
        ids = {line.options["id"] for line in widget.lines if "id" in line.options}
        used = {id_ for each in widget.expressions for id_ in _names(each["expression"])}
        assert used == ids
        assert all(line.is_drawn is ("id" not in line.options) for line in widget.lines)


def _names(expression: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    functions = {
        node.func.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {node.id for node in nodes if isinstance(node, ast.Name)} - functions


def test_what_users_feel_is_what_the_gateway_answers(service: Resources) -> None:
    availability = _titled(service, "Availability")
    latency = _titled(service, "Latency")

    assert [each["expression"] for each in availability.expressions] == [
        "100 * (1 - failures / requests)"
    ]
    assert {line.options["id"]: line.name for line in availability.lines} == {
        "failures": "5XXError",
        "requests": "Count",
    }
    assert latency.labels() == ["Latency p50", "Latency p95", "Latency p99"]


def test_a_share_of_reads_has_a_value_though_a_kind_of_read_was_not_seen(
    service: Resources,
) -> None:
    stale = _titled(service, "Stale share of reads")

    (share,) = stale.expressions
    assert share["expression"] == (
        "100 * FILL(cache_stale, 0) / (FILL(cache_hit, 0) + FILL(cache_miss, 0)"
        " + FILL(cache_stale, 0) + FILL(cache_bypass, 0))"
    )


def test_gb_seconds_are_of_the_memory_that_the_function_has(service: Resources, stage: str) -> None:
    (gb_seconds,) = _titled(service, "Lambda: GB-seconds").expressions
    memory_gb = STAGES[stage].function_memory_mb / 1024

    assert gb_seconds["expression"] == f"duration / 1000 * {memory_gb:g}"


def _titled(service: Resources, title: str) -> Widget:
    (widget,) = (each for each in dashboards.widgets(service) if each.title == title)
    return widget
