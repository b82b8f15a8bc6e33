from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.alarms import ROLLBACK, AlarmId
from infra.gateway_errors import GATEWAY_ERRORS
from infra.monitoring import Monitoring
from infra.settings import STAGES
from infra.stack import RatingsStack
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[2]


def _properties(service: Resources, alarm: AlarmId) -> dict[str, Any]:
    properties: dict[str, Any]
    (properties,) = (
        resource["Properties"]
        for id_, resource in service.of_type("AWS::CloudWatch::Alarm").items()
        if re.fullmatch(rf"Monitoring{alarm.value}[0-9A-F]{{8}}", id_)
    )
    return properties


def _terms(properties: dict[str, Any]) -> tuple[str, float, int, int, int]:
    """What is seen, the threshold, and how many of how many periods of how many seconds."""
    seen, periods = str(properties.get("MetricName")), {int(properties.get("Period", 0))}
    if "Metrics" in properties:
        stats = [each["MetricStat"] for each in properties["Metrics"] if "MetricStat" in each]
        names = {stat["Metric"]["MetricName"]: stat["Stat"] for stat in stats}
        names.pop("Count")
        seen = " ".join(*names.items())
        periods = {stat["Period"] for stat in stats}
    (period,) = periods
    return (
        seen,
        properties["Threshold"],
        properties["DatapointsToAlarm"],
        properties["EvaluationPeriods"],
        period,
    )


@pytest.mark.parametrize(
    ("alarm", "terms"),
    [
        (AlarmId.FAILURES, ("5XXError Sum", 5, 2, 3, 60)),
        (AlarmId.LINGERING_FAILURES, ("5XXError Sum", 2, 3, 3, 900)),
        (AlarmId.LATENCY, ("Latency p99", 3000, 3, 5, 60)),
        (AlarmId.STALE_ANSWERS, ("CacheStale Sum", 10, 3, 3, 300)),
        (AlarmId.APPLE_THROTTLES, ("UpstreamThrottled Sum", 2, 2, 3, 300)),
        (AlarmId.GATEWAY_THROTTLES, ("GatewayThrottled Sum", 5, 2, 3, 300)),
        (AlarmId.FUNCTION_THROTTLES, ("Throttles", 1, 3, 5, 60)),
        (AlarmId.CACHE_READS, ("CacheReadFailed Sum", 5, 2, 3, 300)),
        (AlarmId.CACHE_STORES, ("CacheStoreFailed Sum", 5, 2, 3, 300)),
        (AlarmId.CACHE_INVALIDATIONS, ("CacheInvalidationFailed Sum", 1, 2, 3, 300)),
        (AlarmId.NO_DEVELOPER_TOKEN, ("NoDeveloperToken", 1, 3, 4, 300)),
        (AlarmId.DAYS_LEFT, ("DeveloperTokenDaysLeft", 14, 1, 1, 86_400)),
        (AlarmId.ROTATION_ERRORS, ("Errors", 1, 1, 1, 300)),
    ],
    ids=lambda each: each.value if isinstance(each, AlarmId) else "",
)
def test_each_alarm_rings_at_its_threshold_in_so_many_periods(
    service: Resources, alarm: AlarmId, terms: tuple[str, float, int, int, int]
) -> None:
    assert _terms(_properties(service, alarm)) == terms


def test_no_data_is_good_but_for_the_tokens_days_which_stand_until_the_next_report(
    service: Resources,
) -> None:
    missing = {alarm: _properties(service, alarm)["TreatMissingData"] for alarm in AlarmId}

    assert missing.pop(AlarmId.DAYS_LEFT) == "ignore"
    assert set(missing.values()) == {"notBreaching"}


def test_every_alarm_names_its_section_of_the_operators_page(service: Resources) -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    anchors = [_anchor(heading) for heading in re.findall(r"^## (.+)$", page, re.MULTILINE)]

    named = [
        _properties(service, alarm)["AlarmDescription"].rpartition(" docs/operations.md#")[2]
        for alarm in AlarmId
    ]

    assert len(set(named)) == len(AlarmId)
    assert [anchor for anchor in anchors if anchor in named] == named


def _anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def test_a_release_is_rolled_back_by_what_users_suffer_from(
    cdk_context: Mapping[str, Any],
) -> None:
    stack = RatingsStack(App(context=cdk_context), "service", settings=STAGES["prod"])
    monitoring = stack.node.find_child("Monitoring")

    assert isinstance(monitoring, Monitoring)
    assert [alarm.node.id for alarm in monitoring.rollback_alarms] == ["Failures", "Latency"]


@pytest.mark.parametrize("alarm", ROLLBACK)
def test_an_alarm_on_a_release_waits_for_nothing_that_may_wait_for_the_release(
    service: Resources, alarm: AlarmId
) -> None:
    metrics = json.dumps(_properties(service, alarm)["Metrics"])

    assert not {"Ref", "Fn::GetAtt"} & set(re.findall(r'"([^"]+)":', metrics))


def test_the_gateways_throttle_is_counted_from_the_access_log(service: Resources) -> None:
    metric_filter = service.properties("AWS::Logs::MetricFilter")
    stage = service.properties("AWS::ApiGateway::Stage")
    log_group = metric_filter["LogGroupName"]["Ref"]

    assert metric_filter["FilterPattern"] == '{ $.errorType = "THROTTLED" }'
    assert '"errorType": "$context.error.responseType"' in stage["AccessLogSetting"]["Format"]
    assert log_group in str(stage["AccessLogSetting"]["DestinationArn"])
    assert "THROTTLED" in GATEWAY_ERRORS


def test_every_alarm_tells_the_topic_which_takes_alarms_of_this_account_by_tls(
    service: Resources,
) -> None:
    topic_id, _ = service.only("AWS::SNS::Topic")
    policy = service.properties("AWS::SNS::TopicPolicy")

    alarms = service.of_type("AWS::CloudWatch::Alarm").values()
    assert len(alarms) >= len(AlarmId)
    assert all(each["Properties"]["AlarmActions"] == [{"Ref": topic_id}] for each in alarms)
    statements = policy["PolicyDocument"]["Statement"]
    assert {
        (each["Effect"], str(each["Principal"]), str(each["Condition"])) for each in statements
    } == {
        ("Deny", "*", str({"Bool": {"aws:SecureTransport": "false"}})),
        (
            "Allow",
            str({"Service": "cloudwatch.amazonaws.com"}),
            str({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}),
        ),
    }


def test_alarms_are_sent_to_the_stages_address_if_it_has_one(
    cdk_context: Mapping[str, Any], service: Resources
) -> None:
    settings = replace(STAGES["dev"], alarm_email="on-call@example.com")
    stack = RatingsStack(App(context=cdk_context), "service", settings=settings)
    addressed = Resources(Template.from_stack(stack).to_json())

    assert "AWS::SNS::Subscription" not in service.types()
    subscription = addressed.properties("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "on-call@example.com")
    assert subscription["TopicArn"] == {"Ref": addressed.only("AWS::SNS::Topic")[0]}
