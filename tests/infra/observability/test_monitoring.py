from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from infra.observability.alarms import ROLLBACK, AlarmId
from tests.infra.observability.cloudwatch import alarm_properties
from tests.infra.observability.dashboards import metrics
from tests.infra.observability.monitoring_page import PAGE, monitoring_page

if TYPE_CHECKING:
    from tests.infra.resources import Resources

UPDATE = "update it: python -m tests.infra.observability.monitoring_page"


def test_the_page_is_generated_from_the_template_of_any_stage(service: Resources) -> None:
    assert PAGE.read_text("utf-8") == monitoring_page(service), UPDATE


def test_every_alarm_names_its_own_section_of_the_operations_page(service: Resources) -> None:
    descriptions = [each["AlarmDescription"] for each in alarm_properties(service).values()]

    # The page of alarms links to each section, and a test of the pages checks its links.
    assert all(" docs/operations.md#an-alarm-" in each for each in descriptions)
    assert len({each.rpartition("#")[2] for each in descriptions}) == len(AlarmId)


@pytest.mark.parametrize("alarm", ROLLBACK)
def test_a_rollback_alarm_does_not_depend_on_the_release(
    service: Resources, alarm: AlarmId
) -> None:
    measured = json.dumps(alarm_properties(service)[alarm.value]["Metrics"])

    # CloudFormation would wait for the release before the alarm, and for the alarm before it.
    assert not {"Ref", "Fn::GetAtt"} & set(re.findall(r'"([^"]+)":', measured))


def test_throttled_requests_are_counted_in_the_access_log_and_drawn(service: Resources) -> None:
    metric_filter = service.properties("AWS::Logs::MetricFilter")
    (made,) = metric_filter["MetricTransformations"]
    setting = service.properties("AWS::ApiGateway::Stage")["AccessLogSetting"]

    assert metric_filter["FilterPattern"] == '{ $.errorType = "THROTTLED" }'
    assert '"errorType": "$context.error.responseType"' in setting["Format"]
    assert metric_filter["LogGroupName"]["Ref"] in str(setting["DestinationArn"])
    assert (made["MetricNamespace"], made["MetricName"], {}) in list(metrics(service))


def test_every_alarm_notifies_the_topic_which_accepts_only_alarms_of_this_account_over_tls(
    service: Resources,
) -> None:
    topic_id, _ = service.only("AWS::SNS::Topic")
    policy = service.properties("AWS::SNS::TopicPolicy")["PolicyDocument"]

    alarms = service.of_type("AWS::CloudWatch::Alarm").values()
    assert all(each["Properties"]["AlarmActions"] == [{"Ref": topic_id}] for each in alarms)
    deny, allow = policy["Statement"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (allow["Effect"], allow["Principal"]) == (
        "Allow",
        {"Service": "cloudwatch.amazonaws.com"},
    )
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert allow["Condition"] == {"StringEquals": account}


def test_the_alarm_email_is_subscribed_if_the_stage_has_one(full: Resources) -> None:
    assert full.properties("AWS::SNS::Subscription") == {
        "Protocol": "email",
        "Endpoint": "on-call@example.com",
        "TopicArn": {"Ref": full.only("AWS::SNS::Topic")[0]},
    }
