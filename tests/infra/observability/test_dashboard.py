from __future__ import annotations

from typing import TYPE_CHECKING

from functions.ratings.metrics import Metric
from functions.sign_in.metrics import Metric as SignInMetric
from functions.token_rotation.metrics import DAYS_LEFT
from infra.observability.alarms import PARTS
from tests.infra.observability.cloudwatch import alarms, construct_id, source
from tests.infra.observability.dashboards import REFERENCE, metrics, widgets

if TYPE_CHECKING:
    from tests.infra.resources import Resources

AWS_DIMENSIONS = {
    "AWS/DynamoDB": ("TableName", "AWS::DynamoDB::GlobalTable"),
    "AWS/Logs": ("LogGroupName", "AWS::Logs::LogGroup"),
    "AWS/SNS": ("TopicName", "AWS::SNS::Topic"),
}


def test_dashboard_and_alarms_together_use_exactly_the_metrics_that_the_functions_emit(
    full: Resources,
) -> None:
    drawn = {name for namespace, name, _ in metrics(full) if namespace == "AppleMusicRatings"}
    alarmed = {
        query.source.name
        for alarm in alarms(full).values()
        for query in alarm.queries.values()
        if query.source.namespace == "AppleMusicRatings"
    }

    emitted = {metric.value for metric in (*Metric, *SignInMetric)} | {DAYS_LEFT}
    assert drawn | alarmed == emitted


def test_every_metric_has_the_dimensions_of_its_sender(service: Resources) -> None:
    for namespace, name, dimensions in metrics(service):
        if str(namespace) not in AWS_DIMENSIONS:
            # Raises if no sender has these dimensions.
            source(service, namespace, name, dimensions)
            continue
        dimension, type_ = AWS_DIMENSIONS[namespace]
        operation = dimensions.pop("Operation", "PutItem")
        assert operation in {"BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem"}
        assert dimensions.keys() == {dimension}
        assert dimensions[dimension]["Ref"] in service.of_type(type_)


def test_the_first_widget_shows_all_alarms_except_parts_of_composites(
    service: Resources,
) -> None:
    first = widgets(service)[0]
    found = {
        *service.of_type("AWS::CloudWatch::Alarm"),
        *service.of_type("AWS::CloudWatch::CompositeAlarm"),
    }
    parts = {id_.value for id_ in PARTS}

    assert set(REFERENCE.findall("".join(first["alarms"]))) == {
        id_ for id_ in found if construct_id(id_) not in parts
    }


def test_widgets_show_gateway_latency_both_objectives_stale_share_and_gb_seconds(
    service: Resources,
) -> None:
    rows = {each["title"]: each["metrics"] for each in widgets(service) if "metrics" in each}

    assert [[*row[:2], row[-1]["stat"]] for row in rows["Latency"]] == [
        ["AWS/ApiGateway", "Latency", percentile] for percentile in ("p50", "p95", "p99")
    ]
    ratio, *terms, fast = rows["Objectives"]
    assert ratio[0]["expression"] == "100 * (1 - FILL(failed, 0) / valid)"
    assert {row[-1]["id"]: row[1] for row in terms} == {
        "failed": "FailedRequests",
        "valid": "ValidRequests",
    }
    assert [*fast[:2], fast[-1]["stat"]] == ["AWS/ApiGateway", "Latency", "PR(:2000)"]
    # A share has a value even if a metric has no data.
    assert rows["Stale share of reads"][0][0]["expression"] == (
        "100 * FILL(cache_stale, 0) / (FILL(cache_hit, 0) + FILL(cache_miss, 0)"
        " + FILL(cache_stale, 0) + FILL(cache_bypass, 0))"
    )
    memory_gb = service.function("ratings")[1]["MemorySize"] / 1024
    gb_seconds = rows["Lambda: GB-seconds"][0][0]["expression"]
    assert gb_seconds == f"duration / 1000 * {memory_gb:g}"
